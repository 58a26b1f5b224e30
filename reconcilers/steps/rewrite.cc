// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rewrite.h"

#include <algorithm>
#include <utility>

#include "reconcilers/convert/convert.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/failures.h"

namespace gatelift {
namespace {

constexpr int kMaxPasses = 10;
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

bool names_kept_version(const std::string& api_version, const std::vector<std::string>& kept) {
  return std::find(kept.begin(), kept.end(), version_of_api_version(api_version)) != kept.end();
}

/// The field manager whose Update entry owns kubectl's annotation, or ours where nobody does.
std::string last_applied_manager(const Json& object) {
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    if (string_at(entry, "operation") == "Update" &&
        find(entry, "fieldsV1", "f:metadata", "f:annotations",
             std::string("f:") + kLastApplied) != nullptr) {
      return string_at(entry, "manager");
    }
  }
  return std::string(kFieldManager);
}

/// The smallest write that makes the server encode `object` anew; `object` may be metadata only.
Request rewrite_request(const Json& object, const CrdSummary& crd,
                        const std::vector<std::string>& kept) {
  Request request;
  request.resource = crd.resource();
  request.key = key_of(object);
  std::string version = crd.storage_version();
  std::string note = annotation_of(object, kLastApplied);
  bool stale_note = false;
  if (!note.empty()) {
    auto parsed = parse_json(note);
    stale_note = parsed && !names_kept_version(string_at(*parsed, "apiVersion"), kept);
  }
  if (!stale_note && stale_managed_versions(object, crd.group, kept).empty()) {
    request.verb = Verb::MergePatch;
    request.body = {{"metadata", {{"resourceVersion", resource_version_of(object)}}}};
    return request;
  }
  // A change of managedFields alone makes nobody an owner; a change of the annotation makes its writer one, so it is
  // written in the name of the manager that owns it.
  request.verb = Verb::JsonPatch;
  request.body = Json::array();
  request.body.push_back({{"op", "replace"},
                          {"path", "/metadata/resourceVersion"},
                          {"value", resource_version_of(object)}});
  request.body.push_back(
      {{"op", "replace"},
       {"path", "/metadata/managedFields"},
       {"value", convert_managed_fields(array_at(object, "metadata", "managedFields"), crd.group,
                                        crd.kind, version, kFieldManager)}});
  if (stale_note) {
    request.field_manager = last_applied_manager(object);
    request.body.push_back({{"op", "replace"},
                            {"path", "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
                            {"value", convert_last_applied(note, version)}});
  }
  return request;
}

struct Pass {
  int seen = 0;
  int changed = 0;
  int vanished = 0;
  ObjectFailures failures;
  std::vector<ObjectKey> conflicts;
};

struct Target {
  const CrdSummary& crd;
  const std::vector<std::string>& kept;
};

void note_answer(Pass& pass, const Target& target, const Json& object, const Result<Json>& answer) {
  if (answer) {
    if (resource_version_of(*answer) != resource_version_of(object)) ++pass.changed;
    return;
  }
  const Error& error = answer.error();
  if (error.is(ErrorKind::NotFound)) {
    ++pass.vanished;
  } else if (error.is(ErrorKind::Conflict)) {
    pass.conflicts.push_back(key_of(object));
  } else {
    pass.failures.note(display_name(target.crd.kind, key_of(object)), error);
  }
}

/// One LIST page's worth of objects, rewritten.
void rewrite_page(Run& run, const Target& target, const std::vector<Json>& page, Pass& pass) {
  Batch batch;
  batch.size = page.size();
  batch.request = [&](std::size_t i) {
    return rewrite_request(page[i], target.crd, target.kept);
  };
  batch.done = [&](std::size_t i, const Result<Json>& answer) {
    note_answer(pass, target, page[i], answer);
    run.report(target.crd.name, "Rewrite", ++pass.seen, 0);
  };
  run.cluster.send_each(batch, run.settings.in_flight);
}

Result<Pass> rewrite_all(Run& run, const Target& target) {
  Pass pass;
  std::vector<Json> page;
  Request list;
  list.verb = Verb::List;
  list.resource = target.crd.resource();
  list.metadata_only = true;
  auto listed = for_each_object(run.cluster, list, [&](Json&& object) -> Result<void> {
    page.push_back(std::move(object));
    if (page.size() == 500) {
      rewrite_page(run, target, page, pass);
      page.clear();
    }
    return {};
  });
  RETURN_IF_ERROR(listed);
  rewrite_page(run, target, page, pass);
  return pass;
}

/// In the name of the API server, which writes the rest of the status: no entry of ours stays in the CRD's managedFields.
Result<void> prune(Run& run, const CrdSummary& crd) {
  Request request;
  request.verb = Verb::MergePatch;
  request.resource = resources::kCrds;
  request.key = {"", crd.name};
  request.subresource = "status";
  request.field_manager = "kube-apiserver";
  request.body = {{"metadata", {{"resourceVersion", crd.resource_version}}},
                  {"status", {{"storedVersions", Json::array({crd.storage_version()})}}}};
  auto pruned = run.cluster.send(request);
  if (!pruned) {
    return fail(wrap(pruned.error(), "pruning stored versions of CustomResourceDefinition/" + crd.name));
  }
  return {};
}

}  // namespace

Result<StepOutcome> rewrite_and_prune(Run& run, const PlannedAction& action, const CrdSummary& crd,
                                      const std::vector<std::string>& kept_versions) {
  CrdProgress& progress = run.progress(action);
  progress.step = "Rewrite";
  RETURN_IF_ERROR(wait_until_served(run, crd.resource()));
  int done = 0;
  for (int round = 0;; ++round) {
    ASSIGN_OR_RETURN(Pass pass, rewrite_all(run, {crd, kept_versions}));
    done = std::max(done, pass.changed);
    progress.objects = {pass.seen, std::min(done, pass.seen - pass.vanished), 0, pass.vanished,
                        pass.failures.num_refusals()};
    progress.objects.unchanged = pass.seen - progress.objects.done - progress.objects.skipped -
                                 progress.objects.failed;
    if (!pass.failures.empty()) {
      return pass.failures.outcome(run, "RewriteFailed", "rewriting");
    }
    if (pass.changed == 0 && pass.conflicts.empty()) break;
    if (round == kMaxPasses) {
      return StepOutcome::waiting(
          "ObjectsKeepChanging",
          crd.name + ": " + std::to_string(pass.changed + static_cast<int>(pass.conflicts.size())) +
              " objects changed during each of 10 passes; the next pass follows",
          std::chrono::seconds(5));
    }
  }
  std::vector<std::string> minimal = {crd.storage_version()};
  if (crd.stored_versions != minimal) RETURN_IF_ERROR(prune(run, crd));
  progress.step = "Rewritten";
  return StepOutcome::progressed();
}

}  // namespace gatelift
