// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rewrite.h"

#include <algorithm>
#include <utility>

#include "client/paged_list.h"
#include "reconcilers/convert/convert.h"
#include "reconcilers/steps/api_servers.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/failures.h"
#include "reconcilers/steps/json_patch.h"
#include "reconcilers/steps/read_again.h"

namespace gatelift {
namespace {

constexpr int kMaxPasses = 10;
constexpr int kMaxAttempts = 8;  // at an object that others write, in one pass
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

bool names_kept_version(const std::string& api_version, const std::vector<std::string>& kept) {
  return std::find(kept.begin(), kept.end(), version_of_api_version(api_version)) != kept.end();
}

/// The field manager whose Update entry owns kubectl's annotation, or ours where nobody does.
std::string last_applied_manager(const Json& object) {
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    if (string_at(entry, "operation") == "Update" &&
        find(entry, "fieldsV1", "f:metadata", "f:annotations", std::string("f:") + kLastApplied) !=
            nullptr) {
      return string_at(entry, "manager");
    }
  }
  return std::string(kFieldManager);
}

struct Pass {
  int seen = 0;
  int changed = 0;
  int vanished = 0;
  ObjectFailures failures;
  std::vector<ObjectKey> conflicts;
};

/// A JSON patch is applied before the resourceVersion in it is compared: what it removes may be
/// gone. Validation and admission give causes.
bool is_patch_of_another_state(const Error& error) {
  return error.is(ErrorKind::Invalid) && error.causes.empty();
}

/// The writes of some objects of one kind, of which they keep no more than it takes to send them.
class Writes {
 public:
  Writes(Run& run, const Rewriting& rewriting, Pass& pass, std::vector<Json> objects)
      : run_(run), rewriting_(rewriting), pass_(pass) {
    for (const Json& object : objects) add(object);
  }

  /// For as long as this is there.
  Batch batch() {
    Batch batch;
    batch.size = due_.size();
    batch.request = [this](std::size_t i) { return std::move(due_[i].request); };
    batch.done = [this](std::size_t i, const Result<Json>& answer) {
      note(due_[i], answer);
      run_.report(rewriting_.crd.name, "Rewrite", ++pass_.seen, 0);
    };
    return batch;
  }

 private:
  struct Due {
    ObjectKey key;
    std::string resource_version;
    Request request;
  };

  void add(const Json& object) {
    Result<Request> request =
        rewriting_.request ? rewriting_.request(object) : rewrite_request(object, rewriting_);
    if (request) {
      due_.push_back({key_of(object), resource_version_of(object), *std::move(request)});
    } else {
      ++pass_.seen;
      pass_.failures.note(display_name(rewriting_.crd.kind, key_of(object)), request.error());
    }
  }

  void note(const Due& due, const Result<Json>& answer) {
    if (answer) {
      if (resource_version_of(*answer) != due.resource_version) ++pass_.changed;
      return;
    }
    const Error& error = answer.error();
    if (error.is(ErrorKind::NotFound)) {
      ++pass_.vanished;
    } else if (error.is(ErrorKind::Conflict) || is_patch_of_another_state(error)) {
      pass_.conflicts.push_back(due.key);
    } else {
      pass_.failures.note(display_name(rewriting_.crd.kind, due.key), error);
    }
  }

  Run& run_;
  const Rewriting& rewriting_;
  Pass& pass_;
  std::vector<Due> due_;
};

/// Objects that somebody else wrote meanwhile, read again: where controllers write all the time no
/// pass would be without them.
Result<void> rewrite_again(Run& run, const Rewriting& rewriting, Pass& pass) {
  for (int attempt = 1; attempt < kMaxAttempts && !pass.conflicts.empty(); ++attempt) {
    const std::vector<ObjectKey> keys = std::exchange(pass.conflicts, {});
    pass.seen -= static_cast<int>(keys.size());
    ASSIGN_OR_RETURN(std::vector<Json> live,
                     read_those_left(run, rewriting.crd.resource(), keys,
                                     rewriting.request ? Extent::Whole : Extent::Metadata));
    const int num_gone = static_cast<int>(keys.size() - live.size());
    pass.vanished += num_gone;
    pass.seen += num_gone;
    Writes writes(run, rewriting, pass, std::move(live));
    run.cluster.send_each(writes.batch(), run.settings.in_flight);
  }
  return {};
}

Result<Pass> rewrite_all(Run& run, const Rewriting& rewriting) {
  Pass pass;
  Request list;
  list.resource = rewriting.crd.resource();
  list.metadata_only = !rewriting.request;
  if (rewriting.request) list.limit = kHalfPage;
  const int in_flight = run.settings.in_flight;
  PagedList pages(std::move(list));
  ASSIGN_OR_RETURN(auto page, send_with_next_page(run.cluster, {}, in_flight, pages));
  while (page) {
    Writes writes(run, rewriting, pass, *std::exchange(page, std::nullopt));
    ASSIGN_OR_RETURN(page, send_with_next_page(run.cluster, writes.batch(), in_flight, pages));
  }
  RETURN_IF_ERROR(rewrite_again(run, rewriting, pass));
  return pass;
}

void count(CrdProgress& progress, const Pass& pass, int done) {
  Counts& counts = progress.objects;
  counts = {pass.seen, std::min(done, pass.seen - pass.vanished), 0, pass.vanished,
            pass.failures.num_refusals()};
  counts.unchanged = counts.found - counts.done - counts.skipped - counts.failed;
}

/// Passes over one kind until one changes nothing: nullopt then, and where `failures` say why there
/// was none.
Result<std::optional<StepOutcome>> rewrite(Run& run, const Rewriting& rewriting,
                                           ObjectFailures& failures) {
  CrdProgress& progress = run.progress(rewriting.action);
  progress.step = "Rewrite";
  RETURN_IF_ERROR(wait_until_served(run, rewriting.crd.resource()));
  int done = 0;
  for (int round = 0; round <= kMaxPasses; ++round) {
    ASSIGN_OR_RETURN(Pass pass, rewrite_all(run, rewriting));
    done = std::max(done, pass.changed);
    count(progress, pass, done);
    if (!pass.failures.empty()) {
      failures.add(std::move(pass.failures));
      return std::nullopt;
    }
    if (pass.changed == 0 && pass.conflicts.empty()) {
      progress.step = "Rewritten";
      return std::nullopt;
    }
  }
  return StepOutcome::waiting(
      "ObjectsKeepChanging",
      rewriting.crd.name + ": objects changed during each of 10 passes; the next pass follows",
      std::chrono::seconds(5));
}

/// In the name of the API server, which writes the rest of the status: no entry of ours stays in
/// the CRD's managedFields.
Request prune_request(const CrdSummary& crd, const std::string& resource_version) {
  Request request;
  request.verb = Verb::MergePatch;
  request.resource = resources::kCrds;
  request.key = {"", crd.name};
  request.subresource = "status";
  request.field_manager = "kube-apiserver";
  request.body = {
      {"metadata", {{"resourceVersion", resource_version}}                   },
      {"status",   {{"storedVersions", Json::array({crd.storage_version()})}}}
  };
  return request;
}

/// After a conflict: the API server's own controllers write a CRD's status at any time, which takes
/// nothing from the proof. A change of the spec does, also one that was taken back.
Result<void> prune_again(Run& run, const CrdSummary& crd) {
  constexpr int kAttempts = 5;
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(const Json live, get(run.cluster, resources::kCrds, {"", crd.name}));
    ASSIGN_OR_RETURN(const CrdSummary now, summarize_crd(live));
    if (now.uid != crd.uid || now.generation != crd.generation) {
      return fail(ErrorKind::Conflict, "CustomResourceDefinition/" + crd.name +
                                           " changed while its objects were rewritten");
    }
    const auto pruned = run.cluster.send(prune_request(crd, now.resource_version));
    if (pruned) return {};
    if (!pruned.error().is(ErrorKind::Conflict) || attempt == kAttempts)
      return fail(pruned.error());
  }
}

Result<void> prune(Run& run, const std::vector<const CrdSummary*>& crds) {
  const std::vector<Result<Json>> answers = send_all(
      run.cluster, crds.size(),
      [&](std::size_t i) { return prune_request(*crds[i], crds[i]->resource_version); },
      run.settings.in_flight);
  for (std::size_t i = 0; i < crds.size(); ++i) {
    if (answers[i]) continue;
    Result<void> pruned = fail(answers[i].error());
    if (answers[i].error().is(ErrorKind::Conflict)) pruned = prune_again(run, *crds[i]);
    if (!pruned) {
      return fail(wrap(std::move(pruned).error(),
                       "pruning stored versions of CustomResourceDefinition/" + crds[i]->name));
    }
  }
  return {};
}

}  // namespace

std::optional<RewrittenNote> rewritten_note(const Json& object, const std::string& version,
                                            const std::vector<std::string>& kept_versions) {
  const std::string note = annotation_of(object, kLastApplied);
  if (note.empty()) return std::nullopt;
  const auto parsed = parse_json(note);
  if (!parsed || names_kept_version(string_at(*parsed, "apiVersion"), kept_versions)) {
    return std::nullopt;
  }
  return RewrittenNote{convert_last_applied(note, version), last_applied_manager(object)};
}

Request write_of_nothing(const Json& object, const CrdSummary& crd) {
  Request request;
  request.verb = Verb::MergePatch;
  request.resource = crd.resource();
  request.key = key_of(object);
  request.body = {
      {"metadata", {{"resourceVersion", resource_version_of(object)}}}
  };
  return request;
}

Request rewrite_request(const Json& object, const Rewriting& rewriting) {
  const CrdSummary& crd = rewriting.crd;
  const std::string version = crd.storage_version();
  Request request;
  request.resource = crd.resource();
  request.key = key_of(object);
  const auto note = rewritten_note(object, version, rewriting.kept_versions);
  if (!note && stale_managed_versions(object, crd.group, rewriting.kept_versions).empty()) {
    return write_of_nothing(object, crd);
  }
  // A change of the annotation makes its writer an owner, so it is written in the name of the
  // manager that owns it.
  request.verb = Verb::JsonPatch;
  request.body = managed_fields_patch(
      object, convert_managed_fields(array_at(object, "metadata", "managedFields"), crd.group,
                                     crd.kind, version, kFieldManager));
  if (note) {
    request.field_manager = note->manager;
    request.body.push_back(replacement(annotation_pointer(kLastApplied), note->note));
  }
  return request;
}

Result<StepOutcome> rewrite_and_prune(Run& run, const std::vector<Rewriting>& rewritings) {
  ObjectFailures failures;
  std::optional<StepOutcome> unfinished;
  std::vector<const CrdSummary*> due;
  std::vector<const CrdSummary*> crds;
  for (const Rewriting& rewriting : rewritings) crds.push_back(&rewriting.crd);
  RETURN_IF_ERROR(wait_until_settled(run, crds));
  Result<void> broken_off;
  for (const Rewriting& rewriting : rewritings) {
    auto waits = rewrite(run, rewriting, failures);
    if (!waits) {
      broken_off = fail(std::move(waits).error());
      break;
    }
    if (*waits) unfinished = *std::move(waits);
    const bool minimal =
        rewriting.crd.stored_versions == std::vector{rewriting.crd.storage_version()};
    const bool proven = run.progress(rewriting.action).step == "Rewritten";
    if (proven && !minimal) due.push_back(&rewriting.crd);
  }
  RETURN_IF_ERROR(prune(run, due));
  RETURN_IF_ERROR(broken_off);
  if (!failures.empty()) return failures.outcome(run, "RewriteFailed", "rewriting");
  if (unfinished) return *unfinished;
  run.record().failures.clear();
  return StepOutcome::progressed();
}

Json as_rewritten(Json object, const std::string& storage_version,
                  const std::vector<std::string>& kept_versions) {
  if (const auto note = rewritten_note(object, storage_version, kept_versions)) {
    object["metadata"]["annotations"][kLastApplied] = note->note;
  }
  return object;
}

}  // namespace gatelift
