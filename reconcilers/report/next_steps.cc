// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/next_steps.h"

#include <algorithm>

#include "client/yaml.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

constexpr std::size_t kShownConsents = 20;

bool waits_for_consent(const Check& check) {
  return check.severity == Severity::Consent && !check.accepted;
}

std::string accept_yaml(const Plan& plan) {
  Json accept = Json::array();
  int left_out = 0;
  for (const Check& check : plan.checks) {
    if (!waits_for_consent(check)) continue;
    if (accept.size() == kShownConsents) {
      ++left_out;
      continue;
    }
    Json& entry = accept.emplace_back(Json::object());
    entry["check"] = check.code;
    if (!check.object.empty()) entry["object"] = check.object;
    if (!check.field.empty()) entry["field"] = check.field;
    if (!check.resolutions.empty()) entry["resolution"] = resolutions_text(check);
  }
  const Json manifest = {
      {"spec", {{"accept", std::move(accept)}}}
  };
  const std::string more =
      left_out == 0 ? ""
                    : "  # and " + std::to_string(left_out) + " more, each as its check says\n";
  return print_yaml(manifest) + more;
}

std::string patch_command(const std::string& migration, Json spec) {
  const Json patch = {
      {"spec", std::move(spec)}
  };
  return "kubectl patch gwm " + migration + " --type=merge -p " + shell_word(print_json(patch));
}

void add_steps_of_blocked(const Report& report, std::vector<NextStep>& steps) {
  const Plan& plan = *report.record.plan;
  const bool has_blockers = std::ranges::any_of(
      plan.checks, [](const Check& check) { return check.severity == Severity::Blocker; });
  if (has_blockers) {
    steps.push_back({report.migration.empty()
                         ? "Mend what blocks it, each as its check says, and plan again."
                         : "Mend what blocks it, each as its check says. The migration goes on by "
                           "itself then.",
                     ""});
  }
  if (!std::ranges::any_of(plan.checks, waits_for_consent)) return;
  if (report.migration.empty()) {
    steps.push_back(
        {"Where what they say is wanted, consent to the checks that ask for it, with one of the "
         "resolutions where several are named:",
         "gatelift migrate --to " + plan.to.display() + consent_flags(plan)});
  } else {
    steps.push_back(
        {"Where what they say is wanted, put the consents into the GatewayAPIMigration, with one "
         "of the resolutions where several are named:",
         accept_yaml(plan)});
  }
}

void add_steps_of_waiting(const Report& report, std::vector<NextStep>& steps) {
  if (report.reason == "AwaitingApproval") {
    steps.push_back({
        "Approve exactly this plan:",
        patch_command(report.migration, {{"approvedPlan", report.record.plan->digest}}
         )
    });
  } else if (report.reason == "Planned") {
    steps.push_back({
        "Carry the plan out:", patch_command(report.migration, {{"mode", "Apply"}}
          )
    });
  }
}

}  // namespace

std::vector<NextStep> next_steps(const Report& report) {
  std::vector<NextStep> steps;
  const Record& record = report.record;
  if (!record.plan) return steps;
  if (record.plan->stops()) add_steps_of_blocked(report, steps);
  if (report.migration.empty()) {
    if (steps.empty() && !record.plan->is_empty()) {
      steps.push_back(
          {"Carry the plan out:", "gatelift migrate --to " + record.plan->to.display()});
    }
    return steps;
  }
  add_steps_of_waiting(report, steps);
  if (!record.backup.ref.empty() && record.operation == Operation::Upgrade) {
    steps.push_back({"Go back to what the backup holds:", "gatelift rollback " + report.migration});
  }
  if (!record.backup.ref.empty()) {
    steps.push_back({"See each object as it was:",
                     "gatelift backup export ./" + record.backup.ref + " " + record.backup.ref});
  }
  return steps;
}

}  // namespace gatelift
