// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/conditions.h"

#include <algorithm>
#include <map>
#include <utility>

#include "reconcilers/admission/old_webhook.h"

namespace gatelift {
namespace {

constexpr std::size_t kMessageLimit = 32000;  // metav1.Condition allows 32768

std::string count_text(int count, std::string_view singular) {
  return std::to_string(count) + " " + std::string(singular) + (count == 1 ? "" : "s");
}

std::string tenths_text(std::chrono::milliseconds duration) {
  auto tenths = (duration.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "s";
}

class Conditions {
 public:
  Conditions(Record& record, std::int64_t generation, Time now)
      : record_(record), generation_(generation), now_(now) {}

  void set(std::string type, std::string_view status, std::string reason, std::string message) {
    if (message.size() > kMessageLimit) message.resize(kMessageLimit);
    Condition* condition = nullptr;
    for (Condition& present : record_.conditions) {
      if (present.type == type) condition = &present;
    }
    if (condition == nullptr) {
      record_.conditions.push_back({});
      condition = &record_.conditions.back();
      condition->type = std::move(type);
    }
    if (condition->status != status) condition->last_transition = now_;
    condition->status = std::string(status);
    condition->reason = std::move(reason);
    condition->message = std::move(message);
    condition->observed_generation = generation_;
  }

 private:
  Record& record_;
  std::int64_t generation_;
  Time now_;
};

void set_progress_conditions(Conditions& conditions, const Record& record) {
  if (!record.plan) {
    conditions.set("Planned", "False", "NotPlanned", "there is no plan yet");
  } else if (record.plan->stops()) {
    conditions.set("Planned", "False", "Blocked", "the plan has checks that stop it");
  } else {
    conditions.set("Planned", "True", "Planned",
                   count_text(static_cast<int>(record.plan->actions.size()), "action") + ", " +
                       count_text(record.plan->objects, "object"));
  }
  if (record.backup.verified_at) {
    conditions.set("BackedUp", "True", "Verified",
                   "backup " + record.backup.ref + " was read back and compared");
  } else {
    conditions.set("BackedUp", "False", "NotBackedUp", "nothing has been backed up yet");
  }
}

}  // namespace

std::string summary_of(const Record& record) {
  std::map<ActionKind, int> objects;
  std::map<ActionKind, int> kinds;
  int skipped = 0;
  int crds = 0;
  int written = 0;
  bool removed_webhook = false;
  for (const CrdProgress& crd : record.crds) {
    skipped += crd.objects.skipped;
    if (crd.name == kOldWebhook) {
      removed_webhook = true;
      continue;
    }
    objects[crd.action] += crd.objects.done;
    written += crd.objects.done;
    ++kinds[crd.action];
    if (writes_target_crd(crd.action) && crd.action != ActionKind::Reencode) ++crds;
  }
  const int policies = kinds[ActionKind::SuspendPolicy] + kinds[ActionKind::InstallPolicy];
  if (crds == 0 && written == 0 && kinds[ActionKind::Remove] == 0 && policies == 0 &&
      !removed_webhook) {
    return "the cluster has the target already; nothing was written";
  }
  std::string text = "wrote " + count_text(crds, "CRD");
  if (const int num = kinds[ActionKind::Convert]; num > 0) {
    text += record.operation == Operation::Rollback ? ", restored " : ", converted ";
    text += count_text(objects[ActionKind::Convert], "object") + " of " + count_text(num, "kind");
  }
  if (const int num = kinds[ActionKind::ConvertInPlace]; num > 0) {
    text += ", converted " + count_text(objects[ActionKind::ConvertInPlace], "object") + " of " +
            count_text(num, "kind") + " in place";
  }
  const int rewritten = objects[ActionKind::Update] + objects[ActionKind::Reencode];
  if (rewritten > 0) text += ", rewrote " + count_text(rewritten, "object");
  if (const int num = objects[ActionKind::Carry]; num > 0) {
    text += ", carried or rewrote " + count_text(num, "object");
  }
  if (const int num = objects[ActionKind::Rename]; num > 0) {
    text += ", made " + count_text(num, "object") + " anew at another kind";
  }
  if (const int num = kinds[ActionKind::Remove]; num > 0) {
    text += ", removed " + count_text(num, "CRD") + " with " +
            count_text(objects[ActionKind::Remove], "object");
  }
  if (removed_webhook) text += ", removed the webhook of bundles before v1.0";
  if (policies > 0) text += ", settled the admission policy";
  if (skipped > 0) text += ", skipped " + std::to_string(skipped) + " (see the report)";
  if (record.unavailable_since && record.unavailable_measured) {
    text += "; absent for " + tenths_text(*record.unavailable_measured);
  }
  if (!record.backup.ref.empty()) text += "; backup " + record.backup.ref;
  return text;
}

Verdict resting_verdict(const Record& record) {
  if (record.operation == Operation::Rollback) {
    if (!record.rolled_back_because.empty()) {
      return {Verdict::Kind::Stalled, "RolledBack",
              "rolled back because " + record.rolled_back_because + "; " + summary_of(record) +
                  "; next: mend the cause and change the spec"};
    }
    return {Verdict::Kind::Ready, "RolledBack",
            summary_of(record) + "; remove the annotation " + std::string(kRollbackAnnotation) +
                " and change the spec to upgrade again"};
  }
  return {Verdict::Kind::Ready, "Done", summary_of(record)};
}

void set_conditions(Record& record, std::int64_t generation, const Verdict& verdict, Time now) {
  Conditions conditions(record, generation, now);
  switch (verdict.kind) {
    case Verdict::Kind::Working:
    case Verdict::Kind::Waiting:
      conditions.set("Ready", "False", verdict.reason, verdict.message);
      conditions.set("Reconciling", "True", verdict.reason, verdict.message);
      conditions.set("Stalled", "False", verdict.reason, "");
      break;
    case Verdict::Kind::Stalled:
      conditions.set("Ready", "False", verdict.reason, verdict.message);
      conditions.set("Reconciling", "False", verdict.reason, "");
      conditions.set("Stalled", "True", verdict.reason, verdict.message);
      break;
    case Verdict::Kind::Ready:
      conditions.set("Ready", "True", verdict.reason, verdict.message);
      conditions.set("Reconciling", "False", verdict.reason, "");
      conditions.set("Stalled", "False", verdict.reason, "");
      break;
  }
  set_progress_conditions(conditions, record);
}

}  // namespace gatelift
