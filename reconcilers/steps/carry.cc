// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/carry.h"

#include <algorithm>
#include <utility>

#include "reconcilers/convert/intention.h"
#include "reconcilers/convert/pruning.h"
#include "reconcilers/steps/back_up.h"
#include "reconcilers/steps/failures.h"
#include "reconcilers/steps/restored_object.h"

namespace gatelift {
namespace {

constexpr int kMaxAttempts = 5;

enum class Written {
  Yes,
  Not,  // somebody has set the fields, or deleted the object, since
  Failed,
};

Json patch_between(const Json& from, const Json& to) {
  Json patch = Json::object();
  for (const auto& [key, value] : to.items()) {
    const auto there = from.find(key);
    if (there != from.end() && there->is_object() && value.is_object()) {
      Json below = patch_between(*there, value);
      if (!below.empty()) patch[key] = std::move(below);
    } else if (there == from.end() || *there != value) {
      patch[key] = value;
    }
  }
  for (const auto& [key, value] : from.items()) {
    if (!to.contains(key)) patch[key] = nullptr;
  }
  return patch;
}

/// One object's fields, on their way.
class Carrying {
 public:
  Carrying(Run& run, const PlannedAction& action, const CrdSummary& crd)
      : run_(run),
        action_(action),
        resource_(crd.resource_at(crd.storage_version())),
        kind_(crd.kind),
        schema_(schema_of(run.target->crd(action.crd)->json(), crd.storage_version())) {}

  Result<StepOutcome> carry() {
    auto visited =
        run_.backup->for_each(BackupRole::Intended, action_.crd,
                              [&](const BackupEntry& entry, Json&& intended) -> Result<void> {
                                const BackupEntry* original = run_.backup->entry(
                                    BackupRole::Original, action_.crd, entry.key);
                                if (original == nullptr) return {};
                                ASSIGN_OR_RETURN(Json before, run_.backup->document(*original));
                                prune(schema_, before);
                                RETURN_IF_ERROR(carry_object(before, intended));
                                run_.report(action_.crd, "Carry", counts_.settled(), 0);
                                return {};
                              });
    RETURN_IF_ERROR(visited);
    run_.progress(action_).objects = counts_;
    return failures_.outcome(run_, "CarryFailed", "carrying fields of");
  }

 private:
  Result<void> carry_object(const Json& before, const Json& intended) {
    ++counts_.found;
    const Json patch = merge_patch_between(before, intended);
    Json of_status = Json::object();
    Json of_object = patch;
    if (of_object.contains("status")) {
      of_status = {
          {"status", of_object["status"]}
      };
      of_object.erase("status");
    }
    ASSIGN_OR_RETURN(const Written object, write(before, intended, of_object, ""));
    ASSIGN_OR_RETURN(const Written status, write(before, intended, of_status, "status"));
    switch (std::max(object, status)) {
      case Written::Yes:
        ++counts_.done;
        break;
      case Written::Not:
        ++counts_.skipped;
        break;
      case Written::Failed:
        ++counts_.failed;
        break;
    }
    return {};
  }

  Result<Written> write(const Json& before, const Json& intended, const Json& patch,
                        const std::string& subresource) {
    if (patch.empty()) return Written::Yes;
    for (int attempt = 1;; ++attempt) {
      ASSIGN_OR_RETURN(std::optional<Json> live,
                       get_if_exists(run_.cluster, resource_, key_of(before)));
      if (!live || uid_of(*live) != uid_of(before)) return Written::Not;
      Result<Json> written = *live;
      if (!is_applied(patch, *live)) {
        if (!is_untouched(patch, before, *live)) return Written::Not;
        written = run_.cluster.send(request_for(intended, *live, patch, subresource));
      }
      if (written && subresource.empty()) {
        const std::string path = first_difference(pruned_spec(intended), *written);
        if (!path.empty()) return refuse_answer(before, path);
        written = give_back(before, *live, *written);
      }
      if (written) return Written::Yes;
      if (written.error().is(ErrorKind::Conflict) && attempt < kMaxAttempts) continue;
      failures_.note(display_name(kind_, key_of(before)), written.error());
      return Written::Failed;
    }
  }

  /// Of what was intended all but what other managers may change at any time.
  static Json pruned_spec(const Json& intended) {
    const Json* spec = find(intended, "spec");
    return spec == nullptr ? Json::object()
                           : Json{
                                 {"spec", *spec}
    };
  }

  Written refuse_answer(const Json& before, const std::string& path) {
    Error error;
    error.kind = ErrorKind::Invalid;
    error.message = path +
                    " is not what was written: an admission webhook, or an API server that "
                    "goes by the old CRD, has changed it";
    failures_.note(display_name(kind_, key_of(before)), error);
    return Written::Failed;
  }

  /// Leaves the fields of an object to those who own them: our write took from appliers what it
  /// changed, and their next apply would meet a conflict. `written` is the object after our write,
  /// be it of this pass or of one that was killed.
  Result<Json> give_back(const Json& before, const Json& live, const Json& written) {
    const std::int64_t was = int_at(before, 0, "metadata", "generation");
    const bool others_wrote = int_at(written, 0, "metadata", "generation") > was + 1;
    const bool by_us =
        int_at(written, 0, "metadata", "generation") != int_at(live, 0, "metadata", "generation");
    if (others_wrote && !by_us) return written;
    Json entries = Json::array();
    for (const Json& entry : array_at(by_us ? live : before, "metadata", "managedFields")) {
      if (string_at(entry, "subresource").empty()) entries.push_back(entry);
    }
    for (const Json& entry : array_at(written, "metadata", "managedFields")) {
      if (!string_at(entry, "subresource").empty()) entries.push_back(entry);
    }
    Json owned = live;
    owned["metadata"]["managedFields"] = std::move(entries);
    const auto request = managed_fields_request(owned, written, resource_);
    return request ? run_.cluster.send(*request) : Result<Json>(written);
  }

  Request request_for(const Json& intended, const Json& live, const Json& patch,
                      const std::string& subresource) const {
    Request request;
    request.verb = Verb::MergePatch;
    request.resource = resource_;
    request.key = key_of(live);
    request.subresource = subresource;
    request.field_manager = main_manager(intended, subresource);
    request.body = patch;
    request.body["metadata"]["resourceVersion"] = resource_version_of(live);
    return request;
  }

  static bool is_applied(const Json& patch, const Json& live) {
    Json after = live;
    after.merge_patch(patch);
    return after == live;
  }

  Run& run_;
  const PlannedAction& action_;
  const Resource resource_;
  const std::string kind_;
  const Json schema_;
  Counts counts_;
  ObjectFailures failures_;
};

}  // namespace

Json merge_patch_between(const Json& from, const Json& to) {
  Json before = Json::object();
  Json after = Json::object();
  for (const char* part : {"spec", "status"}) {
    if (const Json* value = find(from, part)) before[part] = *value;
    if (const Json* value = find(to, part)) after[part] = *value;
  }
  return patch_between(before, after);
}

bool is_untouched(const Json& patch, const Json& from, const Json& live) {
  for (const auto& [key, change] : patch.items()) {
    const Json* before = find(from, key);
    const Json* now = find(live, key);
    if (before == nullptr) {
      if (now != nullptr) return false;
    } else if (now == nullptr) {
      return false;
    } else if (change.is_object() && before->is_object()) {
      if (!is_untouched(change, *before, *now)) return false;
    } else if (!first_difference(
                    {
                        {"spec", {{"at", *before}}}
    },
                    {{"spec", {{"at", *now}}}})
                    .empty()) {
      return false;
    }
  }
  return true;
}

Result<std::optional<StepOutcome>> secure_fields(Run& run, const PlannedAction& action,
                                                 const CrdSummary& live) {
  std::vector<ObjectKey> changed;
  Request list;
  list.verb = Verb::List;
  list.resource = live.resource();
  list.metadata_only = true;
  RETURN_IF_ERROR(for_each_object(run.cluster, list, [&](Json&& object) -> Result<void> {
    if (!run.backup->holds(action.crd, object)) changed.push_back(key_of(object));
    return {};
  }));
  if (changed.empty()) return std::nullopt;
  return back_up_again(run, action, live, changed);
}

Result<StepOutcome> carry_fields(Run& run, const PlannedAction& action, const CrdSummary& live) {
  run.progress(action).step = "Carry";
  return Carrying(run, action, live).carry();
}

}  // namespace gatelift
