// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/object_checks.h"

#include <algorithm>
#include <map>
#include <utility>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/convert/convert.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/plan/plan.h"
#include "reconcilers/plan/version_use.h"
#include "reconcilers/steps/precedence.h"
#include "reconcilers/steps/restored_object.h"

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

std::string with_reason(const FieldChange& change) {
  return change.because.empty() ? "" : ": " + change.because;
}

/// Objects of which several managers own different parts of a field.
struct Shared {
  int objects = 0;
  std::string first;
  std::vector<std::string> managers;  // of the first
};

class Scanner {
 public:
  explicit Scanner(const ObjectScanInputs& inputs)
      : inputs_(inputs),
        target_versions_(inputs.target == nullptr ? std::vector<std::string>{}
                                                  : version_names(inputs.target->summary)),
        version_use_(inputs.live, inputs.target == nullptr ? nullptr : &inputs.target->summary) {
    if (needs_content()) intentions_.emplace(*inputs.target, inputs.moves);
  }

  /// Whole objects only where their content matters.
  bool needs_content() const {
    if (is_reshaped()) return true;
    if (kind() != ActionKind::Keep && !inputs_.moves.empty()) return true;
    return kind() == ActionKind::Update && inputs_.live.digest != inputs_.target->summary.digest;
  }

  void visit(const Json& object) {
    ++scan_.objects;
    scan_.digest = sha256(scan_.digest + "\n" + key_of(object).display() + " " + uid_of(object) +
                          " " + std::to_string(int_at(object, 0, "metadata", "generation")));
    version_use_.see(object);
    if (kind() && is_conversion(*kind())) {
      count_for_strategies(object);
      count_shared(object);
    }
    if (kind() == ActionKind::Convert) return visit_converted(object);
    if (kind() == ActionKind::Rename) return visit_renamed(object);
    if (kind() == ActionKind::Keep) {
      const bool hangs =
          is_being_deleted(object) || !array_at(object, "metadata", "finalizers").empty();
      if (hangs && scan_.hanging.empty()) scan_.hanging = name_of(object);
      return report_vanishing(object);
    }
    if (!stale_managed_versions(object, inputs_.live.group, target_versions_).empty()) {
      scan_.stale_managers = true;
    }
    if (needs_content()) check_intention(object);
  }

  ObjectScan take() {
    version_use_.report(scan_.findings);
    for (const auto& [target, count] : contenders_) {
      if (count > 1) scan_.conversion.contested += count;
    }
    for (const NamespaceMove& move : scan_.moves) {
      const ObjectKey key{move.to, move.name};
      if (keys_.insert(key).second) continue;
      scan_.findings.add(
          {"NameTaken", Severity::Blocker, display_name(inputs_.live.kind, key), "metadata.name",
           "a policy of this name is to be moved into the namespace, and this one is "
           "there already",
           "rename one of the two, or choose the resolution LeaveInBackup", false});
    }
    for (const auto& [field, shared] : shared_fields_) {
      scan_.findings.add(
          {"SharedField", Severity::Warning, crd_display(inputs_.live.name), field,
           (shared.objects == 1 ? "1 object has"
                                : std::to_string(shared.objects) + " objects have") +
               " this field of several field managers, " + shared.first + " of " +
               joined(shared.managers) +
               "; the target has one atomic value in its place, and each of them comes to own all "
               "of it",
           "let one manager apply the whole field (kubectl get --show-managed-fields says who "
           "does); otherwise who changes it afterwards meets a conflict with the others, unless it "
           "forces it",
           false});
    }
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

  /// Whether each object gets another shape, or becomes one of another kind.
  bool is_reshaped() const {
    return kind() && (is_conversion(*kind()) || *kind() == ActionKind::Rename);
  }

  std::string name_of(const Json& object) const {
    return display_name(inputs_.live.kind, key_of(object));
  }

  void block(const char* code, const Json& object, std::string field, std::string message,
             std::string next) {
    scan_.findings.add({code, Severity::Blocker, name_of(object), std::move(field),
                        std::move(message), std::move(next), false});
  }

  /// What tells one strategy from the other, whichever is chosen.
  void count_for_strategies(const Json& object) {
    ConversionCounts& counts = scan_.conversion;
    if (find(object, "status") != nullptr) ++counts.with_status;
    if (is_accepted(object)) ++counts.in_effect;
    const bool is_kept = is_being_deleted(object) ||
                         !array_at(object, "metadata", "finalizers").empty() ||
                         inputs_.terminating_namespaces.contains(key_of(object).ns);
    if (is_kept) ++counts.undeletable;
    for (std::string& target : contested_targets(object)) ++contenders_[std::move(target)];
  }

  void count_shared(const Json& object) {
    for (SharedField& each : shared_fields(object, inputs_.action->to_storage)) {
      Shared& shared = shared_fields_[each.field];
      if (shared.objects++ > 0) continue;
      shared.first = name_of(object);
      shared.managers = std::move(each.managers);
    }
  }

  void visit_converted(const Json& object) {
    keys_.insert(key_of(object));
    scan_.uids.push_back(uid_of(object));
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

  /// A policy that secures something and that nobody reads who goes by the target alone.
  void report_vanishing(const Json& object) {
    if (inputs_.live.kind != "BackendTLSPolicy") return;
    Check check{"PolicyKindVanishes",
                Severity::Consent,
                name_of(object),
                "",
                "the target has no BackendTLSPolicy: this policy stays as it is, but a controller "
                "that goes by the target does not read it, and speaks to its backend in plaintext",
                "choose a target that has the kind, for instance in the experimental channel, or, "
                "where the controller goes on reading " +
                    inputs_.live.storage_version() +
                    ", copy this check's check, object and field into spec.accept",
                false};
    check.by_object = true;
    scan_.findings.add(std::move(check));
  }

  void visit_renamed(const Json& object) {
    const Intention intention = renamed(*inputs_.renaming, object, *inputs_.target, *intentions_);
    const auto made = inputs_.made.find(key_of(object));
    if (made == inputs_.made.end()) {
      ++scan_.to_make;
      return report_intention(object, intention);
    }
    const std::string path = first_difference(intention.object, made->second);
    if (path.empty() || !intention.ok()) return;
    const std::string name = display_name(inputs_.target->summary.kind, key_of(object));
    scan_.findings.add({"NameTaken", Severity::Warning, name_of(object), path,
                        name + " exists already and differs from it in " + path +
                            "; it is taken for what shall be, and stays as it is",
                        "compare the two, and delete " + name + " to have it made anew", false});
  }

  void check_intention(const Json& object) { report_intention(object, intentions_->of(object)); }

  void report_intention(const Json& object, const Intention& intention) {
    const bool offers_a_choice = std::ranges::any_of(
        intention.problems,
        [](const ConversionProblem& problem) { return !problem.resolutions.empty(); });
    if (offers_a_choice) ++scan_.conversion.to_choose;
    for (const ConversionProblem& problem : intention.problems) report_problem(object, problem);
    for (const FieldChange& change : intention.changes) report_change(object, change);
    if (intention.needs_write()) ++scan_.carried;
    const bool changes = std::ranges::any_of(intention.changes, [](const FieldChange& change) {
      return change.kind != FieldChange::Kind::Dropped || !change.is_in_status();
    });
    if (changes) ++scan_.changed;
    tell(object, intention);
  }

  void tell(const Json& object, const Intention& intention) {
    const bool has_sink = inputs_.intention_sink != nullptr && *inputs_.intention_sink;
    if (has_sink && (is_reshaped() || !intention.changes.empty())) {
      (*inputs_.intention_sink)(object, intention);
    }
  }

  void report_problem(const Json& object, const ConversionProblem& problem) {
    Check check = kind() == ActionKind::ConvertInPlace ? unsolved(problem, name_of(object))
                                                       : check_of(problem, name_of(object));
    const auto consent = std::ranges::find_if(
        inputs_.accept, [&](const Consent& each) { return covers(each, check); });
    if (consent != inputs_.accept.end() && consent->resolution == kMoveToTarget) {
      scan_.moves.push_back(move_of(object));
    }
    scan_.findings.add(std::move(check));
  }

  /// What is to be deleted, or made elsewhere, is not converted in place.
  static Check unsolved(const ConversionProblem& problem, std::string object) {
    Check check = check_of(problem, std::move(object));
    if (check.resolutions.empty()) return check;
    check.severity = Severity::Blocker;
    check.resolutions.clear();
    check.by_object = false;
    check.next = "change or remove the field, or choose strategy Recreate, which offers a choice";
    return check;
  }

  NamespaceMove move_of(const Json& object) const {
    NamespaceMove move{name_of(object),
                       key_of(object).name,
                       key_of(object).ns,
                       string_at(object, "spec", "targetRef", "namespace"),
                       {}};
    for (const Json& each : array_at(object, "spec", "tls", "caCertRefs")) {
      move.config_maps.push_back(string_at(each, "name"));
    }
    return move;
  }

  void report_change(const Json& object, const FieldChange& change) {
    switch (change.kind) {
      case FieldChange::Kind::Moved:
        note("FieldMoved", object, change,
             "its value " + change.value + " goes to " + change.to + with_reason(change));
        break;
      case FieldChange::Kind::Repaired:
        note("FieldRepaired", object, change,
             "its value " + change.value + " is mended" + with_reason(change));
        break;
      case FieldChange::Kind::Dropped:
        if (change.is_in_status()) {
          ++status_losses_[without_indices(change.field)];
        } else {
          scan_.findings.add(loss_check(change, name_of(object), inputs_.target->summary));
        }
        break;
    }
  }

  void note(const char* code, const Json& object, const FieldChange& change, std::string message) {
    scan_.findings.add(
        {code, Severity::Note, name_of(object), change.field, std::move(message), "", false});
  }

  static std::string kubectl_namespace(const Json& object) {
    const std::string ns = key_of(object).ns;
    return ns.empty() ? "" : " -n " + ns;
  }

  const ObjectScanInputs& inputs_;
  const std::vector<std::string> target_versions_;
  std::optional<Intentions> intentions_;
  VersionUse version_use_;
  std::map<std::string, int> status_losses_;
  std::map<std::string, Shared> shared_fields_;
  std::set<ObjectKey> keys_;               // of Convert
  std::map<std::string, int> contenders_;  // of a conversion, by target
  ObjectScan scan_;
};

}  // namespace

Check check_of(const ConversionProblem& problem, std::string object) {
  Check check{problem.code,
              problem.resolutions.empty() ? Severity::Blocker : Severity::Consent,
              std::move(object),
              problem.field,
              problem.message,
              problem.next,
              false};
  check.resolutions = problem.resolutions;
  check.by_object = !problem.resolutions.empty();
  return check;
}

Check loss_check(const FieldChange& change, std::string object, const CrdSummary& target) {
  Check check{change.is_secured ? "SecurityLoss" : "FieldLoss",
              Severity::Consent,
              std::move(object),
              change.field,
              "the target's " + target.kind + " " + target.storage_version() +
                  " does not have this field: its value " + change.value + " would be lost" +
                  with_reason(change),
              "choose a target that has the field, remove it from the object, or copy this check's "
              "check, object and field into spec.accept; the backup keeps the object as it is",
              false};
  check.by_object = change.is_secured;
  return check;
}

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
