// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/object_checks.h"

#include <algorithm>
#include <map>
#include <utility>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/convert/convert.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {
namespace {

/// "status.supportedFeatures[].name" of "status.supportedFeatures[3].name": status fields are
/// counted, not listed.
std::string without_indices(const std::string& path) {
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    text += path[i];
    if (path[i] != '[') continue;
    while (i + 1 < path.size() && path[i + 1] >= '0' && path[i + 1] <= '9') ++i;
  }
  return text;
}

std::vector<std::string> version_names(const CrdSummary& crd) {
  std::vector<std::string> names;
  for (const CrdVersion& version : crd.versions) names.push_back(version.name);
  return names;
}

bool is_accepted(const Json& object) {
  for (const Json& ancestor : array_at(object, "status", "ancestors")) {
    for (const Json& condition : array_at(ancestor, "conditions")) {
      if (string_at(condition, "type") == "Accepted" && string_at(condition, "status") == "True") {
        return true;
      }
    }
  }
  return false;
}

std::string join(const Json& strings) {
  std::string text;
  for (const Json& each : strings) {
    if (each.is_string()) text += (text.empty() ? "" : ", ") + each.get<std::string>();
  }
  return text;
}

class Scanner {
 public:
  explicit Scanner(const ObjectScanInputs& inputs)
      : inputs_(inputs), target_versions_(version_names(inputs.target.summary)) {
    if (kind() == ActionKind::Update || kind() == ActionKind::Convert) {
      intentions_.emplace(inputs.target);
    }
  }

  /// Whole objects only where their content matters.
  bool needs_content() const {
    if (kind() == ActionKind::Convert) return true;
    return kind() == ActionKind::Update && inputs_.live.digest != inputs_.target.summary.digest;
  }

  void visit(const Json& object) {
    ++scan_.objects;
    scan_.digest = sha256(scan_.digest + "\n" + key_of(object).display() + " " + uid_of(object) +
                          " " + std::to_string(int_at(object, 0, "metadata", "generation")));
    if (find(object, "status") != nullptr) ++scan_.with_status;
    if (kind() == ActionKind::Convert) return visit_converted(object);
    if (!stale_managed_versions(object, inputs_.live.group, target_versions_).empty()) {
      scan_.stale_managers = true;
    }
    if (needs_content()) check_intention(object);
  }

  ObjectScan take() {
    for (const auto& [field, count] : status_losses_) {
      scan_.findings.add({"FieldLoss", Severity::Note, crd_display(inputs_.live.name), field,
                          std::to_string(count) + " " + inputs_.live.kind +
                              " objects have this field in their status, and the target drops it; "
                              "controllers write status anew",
                          "", false});
    }
    return std::move(scan_);
  }

 private:
  std::optional<ActionKind> kind() const {
    return inputs_.action == nullptr ? std::nullopt : std::optional(inputs_.action->kind);
  }

  std::string name_of(const Json& object) const {
    return display_name(inputs_.live.kind, key_of(object));
  }

  void block(const char* code, const Json& object, std::string field, std::string message,
             std::string next) {
    scan_.findings.add({code, Severity::Blocker, name_of(object), std::move(field),
                        std::move(message), std::move(next), false});
  }

  void visit_converted(const Json& object) {
    scan_.uids.push_back(uid_of(object));
    if (is_accepted(object)) ++scan_.in_effect;
    if (is_being_deleted(object)) return report_deletion(object);
    const Json& finalizers = array_at(object, "metadata", "finalizers");
    if (!finalizers.empty()) {
      block("Finalizer", object, "metadata.finalizers",
            "it has the finalizer " + join(finalizers) +
                ", and the object must be deleted to be made again: the deletion would wait for it",
            "let the controller behind " + join(finalizers) +
                " remove it, or, if that controller is gone, remove it by hand: kubectl patch " +
                inputs_.live.name + " " + key_of(object).name + kubectl_namespace(object) +
                " --type=json -p '[{\"op\":\"remove\",\"path\":\"/metadata/finalizers\"}]'");
    }
    if (inputs_.terminating_namespaces.contains(key_of(object).ns)) {
      block("NamespaceTerminating", object, "metadata.namespace",
            "namespace " + key_of(object).ns +
                " is being deleted: the object could be deleted but not made again",
            "wait until the namespace is gone, or finish its deletion: kubectl get namespace " +
                key_of(object).ns + " -o yaml says in its conditions what it waits for");
    }
    check_intention(object);
  }

  void report_deletion(const Json& object) {
    const Json& finalizers = array_at(object, "metadata", "finalizers");
    const std::string waits_for =
        finalizers.empty() ? "" : " and waits for its finalizer " + join(finalizers);
    block("BeingDeleted", object, "metadata.deletionTimestamp",
          "it is being deleted since " + string_at(object, "metadata", "deletionTimestamp") +
              waits_for + "; what somebody deleted is not made again",
          finalizers.empty()
              ? "wait until it is gone"
              : "let the controller behind " + join(finalizers) +
                    " finish, or, if that controller is gone, remove the finalizer by hand");
  }

  void check_intention(const Json& object) {
    const Intention intention = intentions_->of(object);
    for (const ConversionProblem& problem : intention.problems) {
      block(problem.code.c_str(), object, problem.field, problem.message, problem.next);
    }
    for (const FieldChange& change : intention.changes) report_change(object, change);
  }

  void report_change(const Json& object, const FieldChange& change) {
    const std::string& path = change.field;
    if (path == "status" || path.starts_with("status.") || path.starts_with("status[")) {
      ++status_losses_[without_indices(path)];
      return;
    }
    block("FieldLoss", object, path,
          "the field is in use, and " + inputs_.live.kind + " " +
              inputs_.target.summary.storage_version() + " of the target does not have it",
          "remove the field from the object, or choose a target that has it");
  }

  static std::string kubectl_namespace(const Json& object) {
    const std::string ns = key_of(object).ns;
    return ns.empty() ? "" : " -n " + ns;
  }

  const ObjectScanInputs& inputs_;
  const std::vector<std::string> target_versions_;
  std::optional<Intentions> intentions_;
  std::map<std::string, int> status_losses_;
  ObjectScan scan_;
};

}  // namespace

Result<ObjectScan> scan_objects(Cluster& cluster, const ObjectScanInputs& inputs) {
  for (int attempt = 1;; ++attempt) {
    Scanner scanner(inputs);
    Request list;
    list.verb = Verb::List;
    list.resource = inputs.live.resource();
    list.metadata_only = !scanner.needs_content();
    const auto listed = for_each_object(cluster, list, [&](Json&& object) -> Result<void> {
      scanner.visit(object);
      return {};
    });
    if (listed) return scanner.take();
    // The snapshot is gone half-way through: what was seen is a part only.
    if (listed.error().is(ErrorKind::Expired) && attempt < 3) continue;
    return fail(wrap(listed.error(), "looking at the objects of " + inputs.live.name));
  }
}

Result<std::set<std::string>> terminating_namespaces(Cluster& cluster) {
  std::set<std::string> names;
  Request list;
  list.verb = Verb::List;
  list.resource = resources::kNamespaces;
  list.metadata_only = true;
  const auto listed = for_each_object(cluster, list, [&](Json&& ns) -> Result<void> {
    if (is_being_deleted(ns)) names.insert(key_of(ns).name);
    return {};
  });
  if (listed || listed.error().is(ErrorKind::Forbidden)) return names;
  return fail(wrap(listed.error(), "looking for namespaces that are being deleted"));
}

}  // namespace gatelift
