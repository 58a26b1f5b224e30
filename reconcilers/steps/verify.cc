// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/verify.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "reconcilers/convert/convert.h"
#include "reconcilers/convert/halves.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/convert/pruning.h"
#include "reconcilers/steps/restored_object.h"
#include "reconcilers/steps/rewrite.h"

namespace gatelift {
namespace {

struct Expected {
  const BackupEntry* entry = nullptr;
  bool found = false;
};

class KindVerification {
 public:
  KindVerification(Run& run, const PlannedAction& action, const CrdSummary& crd, Verification& into)
      : run_(run),
        action_(action),
        crd_(crd),
        into_(into),
        converts_(action.kind == ActionKind::Convert),
        in_place_(action.kind == ActionKind::ConvertInPlace),
        role_(converts_ ? BackupRole::Intended : BackupRole::Original),
        schema_(schema_of(run.target->crd(action.crd)->json(), crd.storage_version())) {
    if (in_place_) intentions_.emplace(*run.target->crd(action.crd));
    for (const CrdVersion& version : crd.versions) versions_.push_back(version.name);
    for (const std::string& name : run.progress(action).vanished) vanished_.insert(name);
  }

  Result<void> verify() {
    for (const BackupEntry& entry : run_.backup->entries()) {
      if (entry.role == role_ && entry.crd == action_.crd) expected_[entry.key].entry = &entry;
    }
    Request list;
    list.verb = Verb::List;
    list.resource = crd_.resource();
    RETURN_IF_ERROR(for_each_object(
        run_.cluster, list, [&](Json&& object) -> Result<void> { return look_at(object); }));
    for (const auto& [key, expected] : expected_) {
      if (!expected.found) note_absent(key);
    }
    counts_.found = static_cast<int>(expected_.size());
    if (converts_) note_left();
    run_.progress(action_).objects = counts_;
    return {};
  }

 private:
  Result<void> look_at(const Json& live) {
    auto found = expected_.find(key_of(live));
    if (found == expected_.end()) return {};  // made since, at the new version
    found->second.found = true;
    run_.report(action_.crd, "Verify", ++seen_, static_cast<int>(expected_.size()));
    ASSIGN_OR_RETURN(const Json intended, intention_for(*found->second.entry));
    std::vector<std::string> stale = stale_managed_versions(live, crd_.group, versions_);
    if (!stale.empty()) {
      note(live, "differs",
           "metadata.managedFields names " + stale.front() + ", which is not served any more");
      return {};
    }
    if (in_place_ && found->second.entry->uid != uid_of(live)) {
      ++counts_.skipped;
      return report_replaced(live);
    }
    const bool is_reshaped = converts_ || in_place_;
    std::string path =
        is_reshaped ? first_difference(intended, live) : changed_field(intended, live);
    if (path.empty()) {
      ++counts_.done;
      report(key_of(live), std::string(outcome()), "");
    } else if (was_changed_since(intended, live) || (in_place_ && is_of_others(path))) {
      ++counts_.skipped;
      report(key_of(live), "skipped", "changed by its owner since, at " + path);
    } else {
      note(live, "differs", path + " is not what was intended");
    }
    return {};
  }

  /// Where an object's fields are carried, that is what it shall be; else it stays as it was but
  /// for what the target's schema does not have, which the plan has listed.
  Result<Json> intention_for(const BackupEntry& entry) const {
    if (in_place_) {
      ASSIGN_OR_RETURN(const Json before, run_.backup->document(entry));
      Intention intention = intentions_->of(before);
      // Nobody could have made it: somebody has changed it since, or it is not what it should be.
      Json intended = intention.ok() ? std::move(intention.object) : to_be_changed(before);
      // Its generation counts what we have written: the other shape, and the end of the first.
      intended["metadata"]["generation"] =
          int_at(before, 0, "metadata", "generation") + writes_of(before);
      if (find(intended, "metadata", "annotations") != nullptr) {
        intended["metadata"]["annotations"].erase(std::string(kProjectedAnnotation));
      }
      return intended;
    }
    const BackupEntry* carried =
        converts_ ? nullptr : run_.backup->entry(BackupRole::Intended, action_.crd, entry.key);
    ASSIGN_OR_RETURN(Json document, run_.backup->document(carried == nullptr ? entry : *carried));
    if (!converts_) prune(schema_, document);
    return document;
  }

  /// A rewritten object's apiVersion is what it is read at, and kubectl's note may name any version
  /// that is kept: the storage version may have moved twice.
  std::string changed_field(const Json& original, const Json& live) const {
    std::string difference;
    for (const std::string& version : versions_) {
      Json intended = as_rewritten(original, version, versions_);
      intended.erase("apiVersion");
      std::string path = first_difference(intended, live);
      if (path.empty()) return path;
      difference = std::move(path);
    }
    return difference;
  }

  /// What no object of the target equals.
  static Json to_be_changed(const Json& before) {
    return {
        {"metadata", {{"name", key_of(before).name}}     },
        {"spec",     {{"unconverted", before.at("spec")}}}
    };
  }

  /// Changes of spec that a conversion in place makes of an object.
  int writes_of(const Json& before) const {
    const std::string version = version_of_api_version(string_at(before, "apiVersion"));
    const std::string& to = crd_.storage_version();
    const std::string other = shape_changes(crd_.group, crd_.kind, version, to)
                                  ? version
                                  : version_of_other_shape(crd_.group, crd_.kind, to);
    const auto halves = Halves::between(crd_.group, crd_.kind, other, to);
    if (!halves || halves->from_half(before).empty()) return 0;
    const HalvesState state = halves->state_of(before);
    const bool is_written = state == HalvesState::OnlyFrom ||
                            (state == HalvesState::FromEdited &&
                             halves->projected_to(before).half != halves->to_half(before));
    return is_written ? 2 : 1;
  }

  Result<void> report_replaced(const Json& live) {
    report(key_of(live), "skipped", "deleted and made anew by somebody since; it stays as it is");
    return {};
  }

  std::string_view outcome() const {
    if (converts_ || in_place_) return "converted";
    if (action_.kind == ActionKind::Carry) return "carried";
    return action_.rewrites_objects ? "rewritten" : "updated";
  }

  bool was_changed_since(const Json& intended, const Json& live) const {
    const std::int64_t expected = converts_ ? 1 : int_at(intended, 0, "metadata", "generation");
    if (int_at(live, 0, "metadata", "generation") != expected) return true;
    return in_place_ && was_written_since_the_start(live);
  }

  /// Of an object that stays, metadata is anybody's to change at any time, without a trace in its
  /// generation. The run writes kubectl's note alone.
  static bool is_of_others(const std::string& path) {
    return path.starts_with("metadata.") &&
           !path.ends_with("kubectl.kubernetes.io/last-applied-configuration");
  }

  /// Our own entries are gone from managedFields, and others keep their times.
  bool was_written_since_the_start(const Json& live) const {
    const Time start =
        std::chrono::floor<std::chrono::seconds>(run_.migration.record.started_at.value_or(Time{}));
    return std::ranges::any_of(array_at(live, "metadata", "managedFields"), [&](const Json& entry) {
      const auto time = parse_time(string_at(entry, "time"));
      return time && *time >= start && string_at(entry, "subresource").empty();
    });
  }

  /// Objects that spec.accept has left in the backup: neither their uid nor their place is in an
  /// intention. What a rollback makes anew has another uid.
  void note_left() {
    std::set<std::string> intended;
    for (const auto& [key, expected] : expected_) intended.insert(expected.entry->uid);
    for (const BackupEntry& entry : run_.backup->entries()) {
      if (entry.role != BackupRole::Original || entry.crd != action_.crd) continue;
      const bool is_intended = !intended.insert(entry.uid).second || expected_.contains(entry.key);
      if (is_intended || vanished_.contains(entry.key.display())) continue;
      ++counts_.found;
      ++counts_.skipped;
      report(entry.key, "skipped", "left in the backup, as spec.accept asks");
    }
  }

  void note_absent(const ObjectKey& key) {
    ++counts_.skipped;
    report(
        key, "skipped",
        vanished_.contains(key.display())
            ? "deleted by somebody after the backup; not restored, it is in the backup"
            : "not there any more: deleted since, or its namespace goes away; it is in the backup");
  }

  void note(const Json& live, std::string outcome, std::string detail) {
    ++counts_.failed;
    std::string name = display_name(crd_.kind, key_of(live));
    into_.failures.push_back({name, "VerificationFailed", detail});
    into_.objects.push_back({std::move(name), std::move(outcome), std::move(detail)});
  }

  void report(const ObjectKey& key, std::string outcome, std::string detail) {
    into_.objects.push_back({display_name(crd_.kind, key), std::move(outcome), std::move(detail)});
  }

  Run& run_;
  const PlannedAction& action_;
  const CrdSummary& crd_;
  Verification& into_;
  bool converts_;
  bool in_place_;
  std::optional<Intentions> intentions_;  // of a conversion in place
  BackupRole role_;
  Json schema_;
  std::vector<std::string> versions_;
  std::set<std::string> vanished_;
  std::map<ObjectKey, Expected> expected_;
  Counts counts_;
  int seen_ = 0;
};

}  // namespace

Result<Verification> verify(Run& run) {
  Verification verification;
  for (const PlannedAction& action : run.plan().actions) {
    const bool touches = action.rewrites_objects || action.changed_objects > 0;
    if (!writes_target_crd(action.kind) || (action.kind != ActionKind::Convert && !touches))
      continue;
    const CrdSummary* crd = run.installed.crd(action.crd);
    if (crd == nullptr) {
      return fail(ErrorKind::Conflict,
                  "CustomResourceDefinition/" + action.crd + " was deleted by somebody since");
    }
    RETURN_IF_ERROR(KindVerification(run, action, *crd, verification).verify());
  }
  return verification;
}

}  // namespace gatelift
