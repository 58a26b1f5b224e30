// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/scratch_crd.h"

#include <utility>

#include "reconcilers/convert/intention.h"
#include "reconcilers/steps/crd_writer.h"

namespace gatelift {
namespace {

constexpr std::string_view kManagedBy = "app.kubernetes.io/managed-by";
constexpr std::string_view kOurName = "gatelift";
constexpr std::chrono::seconds kGone{60};

bool is_ours(const Json& crd) {
  return label_of(crd, kManagedBy) == kOurName && !label_of(crd, kScratchLabel).empty() &&
         key_of(crd).name.ends_with("." + std::string(kScratchGroup));
}

Request creation_of(const BundleCrd& target, const Migration& migration) {
  Request request;
  request.verb = Verb::Create;
  request.resource = resources::kCrds;
  request.body = scratch_manifest(target, migration);
  return request;
}

/// Whether the CRD that took the name is the one that we created: the answer to it may have been
/// lost.
Result<bool> is_ours_after_all(Run& run, const std::string& name) {
  ASSIGN_OR_RETURN(const std::optional<Json> live,
                   get_if_exists(run.cluster, resources::kCrds, {"", name}));
  return live && is_ours(*live) && label_of(*live, kScratchLabel) == run.migration.uid;
}

Result<ScratchCopy> copy_of(Run& run, const CrdSummary& target, const Result<Json>& answer) {
  const std::string name = scratch_name(target);
  if (!answer && answer.error().is(ErrorKind::AlreadyExists)) {
    ASSIGN_OR_RETURN(const bool is_there, is_ours_after_all(run, name));
    if (!is_there) {
      return ScratchCopy{false, "CustomResourceDefinition/" + name +
                                    " is there and does not carry our labels; it is left alone"};
    }
  } else if (!answer) {
    const Error& error = answer.error();
    const bool is_refused = error.is(ErrorKind::Forbidden) || error.is(ErrorKind::Invalid);
    if (is_refused) return ScratchCopy{false, error.message};
    return fail(wrap(error, "creating CustomResourceDefinition/" + name));
  }
  RETURN_IF_ERROR(wait_until_served(run, scratch_resource(target)));
  return ScratchCopy{true, ""};
}

/// Metadata of the copies that are there.
Result<std::vector<Json>> find_copies(Run& run, CopiesOf whose) {
  std::vector<Json> copies;
  Request list;
  list.verb = Verb::List;
  list.resource = resources::kCrds;
  list.metadata_only = true;
  list.label_selector = std::string(kScratchLabel);
  if (whose == CopiesOf::ThisMigration) list.label_selector += "=" + run.migration.uid;
  const auto listed = for_each_object(run.cluster, list, [&](Json&& crd) -> Result<void> {
    if (is_ours(crd)) copies.push_back(std::move(crd));
    return {};
  });
  if (!listed) return fail(wrap(listed.error(), "looking for what a rehearsal has left"));
  return copies;
}

}  // namespace

std::string scratch_name(const CrdSummary& target) {
  return target.plural + "." + std::string(kScratchGroup);
}

Resource scratch_resource(const CrdSummary& target) {
  return {std::string(kScratchGroup), target.storage_version(), target.plural, target.namespaced};
}

Json scratch_manifest(const BundleCrd& target, const Migration& migration) {
  const Json manifest = target.json();
  const std::string version = target.summary.storage_version();
  Json names = Json::object();
  for (const char* field : {"plural", "singular", "kind", "listKind"}) {
    if (const Json* name = find(manifest, "spec", "names", field)) names[field] = *name;
  }
  const Json owner = {
      {"apiVersion", kMigrations.api_version()},
      {"kind",       kMigrationKind           },
      {"name",       migration.name           },
      {"uid",        migration.uid            }
  };
  const Json only_version = {
      {"name",    version                                            },
      {"served",  true                                               },
      {"storage", true                                               },
      {"schema",  {{"openAPIV3Schema", schema_of(manifest, version)}}}
  };
  return {
      {"apiVersion", resources::kCrds.api_version()},
      {"kind",       "CustomResourceDefinition"    },
      {"metadata",
       {{"name", scratch_name(target.summary)},
        {"labels", {{kManagedBy, kOurName}, {kScratchLabel, migration.uid}}},
        {"ownerReferences", Json::array({owner})}} },
      {"spec",
       {{"group", kScratchGroup},
        {"scope", target.summary.namespaced ? "Namespaced" : "Cluster"},
        {"names", std::move(names)},
        {"versions", Json::array({only_version})}} }
  };
}

Result<std::vector<ScratchCopy>> install_copies(Run& run,
                                                const std::vector<const BundleCrd*>& targets) {
  const std::vector<Result<Json>> answers = send_all(
      run.cluster, targets.size(),
      [&](std::size_t i) { return creation_of(*targets[i], run.migration); },
      run.settings.in_flight);
  std::vector<ScratchCopy> copies;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    ASSIGN_OR_RETURN(ScratchCopy copy, copy_of(run, targets[i]->summary, answers[i]));
    copies.push_back(std::move(copy));
  }
  return copies;
}

Result<CrdSummary> change_schema(Run& run, const BundleCrd& target, CopySchema schema) {
  Json versions = scratch_manifest(target, run.migration)["spec"]["versions"];
  if (schema == CopySchema::Open) {
    versions[0]["schema"]["openAPIV3Schema"] = {
        {"type",                                 "object"},
        {"x-kubernetes-preserve-unknown-fields", true    }
    };
  }
  Request request;
  request.verb = Verb::MergePatch;
  request.resource = resources::kCrds;
  request.key = {"", scratch_name(target.summary)};
  request.body = {
      {"spec", {{"versions", std::move(versions)}}}
  };
  ASSIGN_OR_RETURN(const Json changed, run.cluster.send(request));
  return summarize_crd(changed);
}

Result<void> remove_copies(Run& run, CopiesOf whose) {
  ASSIGN_OR_RETURN(const std::vector<Json> copies, find_copies(run, whose));
  for (const Json& copy : copies) {
    if (is_being_deleted(copy)) continue;
    Request request;
    request.verb = Verb::Delete;
    request.resource = resources::kCrds;
    request.key = key_of(copy);
    request.preconditions.uid = uid_of(copy);
    const auto deleted = run.cluster.send(request);
    // A conflict is another CRD of that name, which is not ours to delete.
    if (deleted || deleted.error().is(ErrorKind::NotFound) ||
        deleted.error().is(ErrorKind::Conflict)) {
      continue;
    }
    return fail(wrap(deleted.error(), "deleting what a rehearsal has left"));
  }
  for (const Json& copy : copies) {
    const std::string name = key_of(copy).name;
    ASSIGN_OR_RETURN(const bool gone, wait_until_gone(run, name, uid_of(copy), kGone));
    if (gone) continue;
    return fail(ErrorKind::Unavailable,
                "CustomResourceDefinition/" + name + " is still being deleted after 60 s");
  }
  return {};
}

}  // namespace gatelift
