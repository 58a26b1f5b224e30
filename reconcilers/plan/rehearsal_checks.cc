// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/rehearsal_checks.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "reconcilers/plan/repairs.h"

namespace gatelift {
namespace {

constexpr std::array<std::string_view, 4> kCodes{"RehearsalRefused", "InvalidAtTarget",
                                                 "WriteDenied", "NotRehearsed"};

std::string repair(const std::string& kind, const std::string& field) {
  const std::string_view known = repair_for(kind, field);
  if (!known.empty()) return std::string(known);
  return "change it so that both the installed CRD and the target's take it, or take the object "
         "away";
}

std::string objects_text(int num) {
  return num == 1 ? "1 object" : std::to_string(num) + " objects";
}

std::string words_of(const Refusal& refusal) {
  return quoted(refusal.words) +
         (refusal.hides_others ? "; other rules are looked at only once this is mended" : "");
}

std::string consequence_of(Stake stake) {
  switch (stake) {
    case Stake::Stays:
      return "it stays stored and served as it is, and the target refuses every later write that "
             "changes this field or what is around it: ";
    case Stake::Frozen:
      return "it stays stored and served as it is, and this API server refuses every later write "
             "of it, also of its status and finalizers, until the field is mended: ";
    case Stake::Written:
    case Stake::Remade:
      return "the target refuses it: ";
  }
  return "";
}

/// What its controller mends by itself.
Check status_warning(const std::string& object, const Refusal& refusal) {
  const std::string message = refusal.stake == Stake::Remade
                                  ? "the object is made again without its status, which the "
                                    "target refuses: "
                                  : consequence_of(refusal.stake);
  return {"InvalidAtTarget",
          Severity::Warning,
          object,
          refusal.field,
          message + words_of(refusal),
          "let its controller write its status anew, which most do when they start",
          false};
}

/// The object goes on as it is, and a person should know what will be refused later.
Check staying(const std::string& object, const std::string& kind, const Refusal& refusal) {
  return {"InvalidAtTarget",
          Severity::Consent,
          object,
          refusal.field,
          consequence_of(refusal.stake) + words_of(refusal),
          repair(kind, refusal.field) +
              "; or accept it as it is, by copying check, object and field into spec.accept",
          false};
}

}  // namespace

bool is_in_status(const std::string& field) {
  return field == "status" || field.starts_with("status.");
}

Check refusal_check(const std::string& object, const std::string& kind, const Refusal& refusal) {
  if (is_in_status(refusal.field) && refusal.stake != Stake::Written) {
    return status_warning(object, refusal);
  }
  if (refusal.stake == Stake::Stays || refusal.stake == Stake::Frozen) {
    return staying(object, kind, refusal);
  }
  std::string consequence = refusal.stake == Stake::Remade
                                ? ", so that it would be deleted and could not be made again"
                                : ", and the run has to write it";
  if (!refusal.unproven.empty()) {
    consequence += "; whether the API server forgives that write could not be tried: " +
                   quoted(refusal.unproven);
  }
  return {"RehearsalRefused",
          Severity::Blocker,
          object,
          refusal.field,
          consequence_of(refusal.stake) + words_of(refusal) + consequence,
          is_in_status(refusal.field)
              ? "mend its status, with kubectl edit --subresource=status or its controller"
              : repair(kind, refusal.field),
          false};
}

Check denial_check(const std::string& object, const std::string& words) {
  return {"WriteDenied",
          Severity::Blocker,
          object,
          "",
          "the API server refuses the write that the run would make: " + quoted(words),
          "change the object, or the admission policy or webhook that denies it; it is tried again "
          "every two minutes",
          false};
}

Check unrehearsed_check(const std::string& crd, Stake stake, int num_objects,
                        const std::string& why) {
  Check check{"NotRehearsed", Severity::Warning, crd_display(crd), "", "", "", false};
  if (stake == Stake::Remade) check.severity = Severity::Consent;
  check.message = objects_text(num_objects) +
                  " could not be tried at a copy of the target's CRD, so that nobody knows "
                  "beforehand whether the target takes them: " +
                  why;
  check.next = "let what denies it pass the group rehearsal.gatelift.dev";
  if (check.severity == Severity::Consent) {
    check.next +=
        ", or accept that it is found out while they are absent, by copying check and object into "
        "spec.accept";
  }
  return check;
}

Check unasked_check(const std::string& crd, int num_objects, const std::string& words) {
  return {
      "NotRehearsed",
      Severity::Consent,
      crd_display(crd),
      "",
      "whether admission takes the writes of " + objects_text(num_objects) +
          " is not known beforehand: " + quoted(words),
      "where this is a denial, change the objects or what denies them; where a webhook takes no "
      "dry runs, accept that it is found out by the run, by copying check and object into "
      "spec.accept",
      false};
}

bool is_of_rehearsal(const Check& check) {
  return std::ranges::find(kCodes, check.code) != kCodes.end();
}

void put_rehearsal_checks(Plan& plan, Findings&& found, const std::vector<Consent>& consents) {
  const int omitted = plan.checks_omitted;
  Findings findings;
  for (Check& check : plan.checks) {
    if (!is_of_rehearsal(check)) findings.add(std::move(check));
  }
  findings.add_all(std::move(found));
  std::move(findings).move_to(plan, consents);
  plan.checks_omitted += omitted;
}

bool take_over_rehearsal_checks(const Plan& before, Plan& now,
                                const std::vector<Consent>& consents) {
  if (before.digest != now.digest || before.checks_omitted != 0) return false;
  Findings found;
  for (Check check : before.checks) {
    if (!is_of_rehearsal(check)) continue;
    check.accepted = false;
    check.accepted_by.clear();
    check.resolution.clear();
    found.add(std::move(check));
  }
  put_rehearsal_checks(now, std::move(found), consents);
  return true;
}

}  // namespace gatelift
