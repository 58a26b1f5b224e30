// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/crd_writer.h"

#include <algorithm>
#include <map>

namespace gatelift {
namespace {

constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::size_t kAnnotationLimitBytes = 256 * 1024;
constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::seconds kCrdDeadline{30};

/// The entry of `owner` in a live object's managedFields, or null.
const Json* entry_of(const Json& live, const CrdOwner& owner) {
  const char* operation = owner.way == CrdOwner::Way::Apply ? "Apply" : "Update";
  for (const Json& entry : array_at(live, "metadata", "managedFields")) {
    if (string_at(entry, "manager") == owner.manager &&
        string_at(entry, "operation") == operation && string_at(entry, "subresource").empty()) {
      return &entry;
    }
  }
  return nullptr;
}

/// Adds to `metadata[field]` what the live object has there, the manifest does not name, and `owner` itself applied:
/// leaving it out of an apply would remove it.
void keep_owned(Json& metadata, const Json& live, const CrdOwner& owner, const char* field) {
  const Json* entry = entry_of(live, owner);
  const Json* values = find(live, "metadata", field);
  if (entry == nullptr || values == nullptr) return;
  const Json* owned = find(*entry, "fieldsV1", "f:metadata", std::string("f:") + field);
  if (owned == nullptr) return;
  for (const auto& [name, value] : values->items()) {
    if (name != kLastApplied && owned->contains("f:" + name) && !metadata[field].contains(name)) {
      metadata[field][name] = value;
    }
  }
}

Json identity_of(const Json& manifest) {
  Json body = {{"apiVersion", "apiextensions.k8s.io/v1"},
               {"kind", "CustomResourceDefinition"},
               {"metadata", {{"name", key_of(manifest).name}}},
               {"spec", manifest.at("spec")}};
  for (const char* field : {"labels", "annotations"}) {
    if (const Json* values = find(manifest, "metadata", field)) body["metadata"][field] = *values;
  }
  return body;
}

/// kubectl's own note of what was applied: brought up to date where there is one and the new one fits, dropped where it
/// does not (kubectl would then fall back to what it finds live).
void refresh_last_applied(Json& body, const Json& manifest) {
  Json* annotations =
      find(body, "metadata", "annotations") != nullptr ? &body["metadata"]["annotations"] : nullptr;
  if (annotations == nullptr || !annotations->contains(kLastApplied)) return;
  annotations->erase(std::string(kLastApplied));
  std::string note = print_json(identity_of(manifest)) + "\n";
  std::size_t others = print_json(*annotations).size();
  if (note.size() + others < kAnnotationLimitBytes) {
    (*annotations)[std::string(kLastApplied)] = std::move(note);
  }
}

Json merged_for_update(const Json& manifest, const Json& live) {
  Json body = live;
  body.erase("status");
  body["metadata"].erase("managedFields");
  body["spec"] = manifest.at("spec");
  for (const char* field : {"labels", "annotations"}) {
    const Json* values = find(manifest, "metadata", field);
    if (values == nullptr) continue;
    for (const auto& [name, value] : values->items()) body["metadata"][field][name] = value;
  }
  refresh_last_applied(body, manifest);
  return body;
}

}  // namespace

CrdOwner crd_owner(const Json& live) {
  CrdOwner found;
  bool any = false;
  for (const Json& entry : array_at(live, "metadata", "managedFields")) {
    if (!string_at(entry, "subresource").empty()) continue;
    if (find(entry, "fieldsV1", "f:spec", "f:versions") == nullptr) continue;
    bool applies = string_at(entry, "operation") == "Apply";
    if (any && !(applies && found.way == CrdOwner::Way::Update)) continue;
    found.manager = string_at(entry, "manager");
    found.way = applies ? CrdOwner::Way::Apply : CrdOwner::Way::Update;
    any = true;
  }
  return found;
}

Result<CrdOwner> bundle_owner(Run& run) {
  std::map<std::pair<std::string, CrdOwner::Way>, int> votes;
  for (const auto& [name, summary] : run.installed.crds) {
    Request request;
    request.resource = resources::kCrds;
    request.key = {"", name};
    request.metadata_only = true;
    auto live = run.cluster.send(request);
    if (!live) {
      if (live.error().is(ErrorKind::NotFound)) continue;
      return fail(live.error());
    }
    CrdOwner owner = crd_owner(*live);
    ++votes[{owner.manager, owner.way}];
  }
  CrdOwner best;
  int most = 0;
  for (const auto& [owner, count] : votes) {
    if (count <= most) continue;
    most = count;
    best = {owner.first, owner.second};
  }
  return best;
}

Request crd_write_request(const Json& manifest, const Json& live, const CrdOwner& owner) {
  Request request;
  request.resource = resources::kCrds;
  request.field_manager = owner.manager;
  request.key = key_of(manifest);
  if (owner.way == CrdOwner::Way::Apply) {
    request.verb = Verb::Apply;
    request.force = true;
    request.body = identity_of(manifest);
    if (!live.is_null()) {
      keep_owned(request.body["metadata"], live, owner, "labels");
      keep_owned(request.body["metadata"], live, owner, "annotations");
    }
    return request;
  }
  if (live.is_null()) {
    request.verb = Verb::Create;
    request.key.name.clear();
    request.body = identity_of(manifest);
    return request;
  }
  request.verb = Verb::Replace;
  request.body = merged_for_update(manifest, live);
  return request;
}

Result<void> write_crd(Run& run, const Json& manifest, const Json& live, const CrdOwner& owner) {
  std::string name = key_of(manifest).name;
  auto written = run.cluster.send(crd_write_request(manifest, live, owner));
  if (!written) return fail(wrap(written.error(), "writing CustomResourceDefinition/" + name));
  Time give_up = run.clock.now() + kCrdDeadline;
  Json seen = *std::move(written);
  while (true) {
    ASSIGN_OR_RETURN(CrdSummary summary, summarize_crd(seen));
    if (summary.established) return {};
    if (run.clock.now() > give_up) {
      return fail(ErrorKind::Unavailable,
                  "CustomResourceDefinition/" + name + " is not Established after 30 s");
    }
    RETURN_IF_ERROR(run.clock.sleep(kPoll));
    ASSIGN_OR_RETURN(seen, get(run.cluster, resources::kCrds, {"", name}));
  }
}

Result<void> wait_until_served(Run& run, const Resource& resource) {
  Time give_up = run.clock.now() + kCrdDeadline;
  Request request;
  request.verb = Verb::List;
  request.resource = resource;
  request.limit = 1;
  request.metadata_only = true;
  while (true) {
    auto listed = run.cluster.send(request);
    if (listed) return {};
    bool starting =
        listed.error().is(ErrorKind::NotFound) || listed.error().is(ErrorKind::Unavailable);
    if (!starting) return fail(listed.error());
    if (run.clock.now() > give_up) {
      return fail(wrap(listed.error(), resource.plural + " at " + resource.api_version() +
                                           " are not served after 30 s"));
    }
    RETURN_IF_ERROR(run.clock.sleep(kPoll));
  }
}

Result<bool> wait_until_gone(Run& run, const std::string& crd, const std::string& uid,
                             std::chrono::milliseconds limit) {
  Time give_up = run.clock.now() + limit;
  Request request;
  request.resource = resources::kCrds;
  request.key = {"", crd};
  request.metadata_only = true;
  while (true) {
    auto seen = run.cluster.send(request);
    if (!seen) {
      if (seen.error().is(ErrorKind::NotFound)) return true;
      return fail(seen.error());
    }
    if (uid_of(*seen) != uid) return true;
    if (run.clock.now() > give_up) return false;
    RETURN_IF_ERROR(run.clock.sleep(kPoll));
  }
}

Json bridge_manifest(const Json& target, const Json& live) {
  Json bridge = target;
  Json& versions = bridge["spec"]["versions"];
  for (const Json& stored : array_at(live, "status", "storedVersions")) {
    auto has_name = [&](const Json& version) { return version.at("name") == stored; };
    if (std::any_of(versions.begin(), versions.end(), has_name)) continue;
    for (const Json& version : array_at(live, "spec", "versions")) {
      if (!has_name(version)) continue;
      Json kept = version;
      kept["storage"] = false;
      versions.push_back(std::move(kept));
    }
  }
  return bridge;
}

}  // namespace gatelift
