// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/crd_writer.h"

#include <algorithm>
#include <map>

#include "reconcilers/steps/read_again.h"

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

/// Adds to `metadata[field]` what the live object has there, the manifest does not name, and
/// `owner` itself applied: leaving it out of an apply would remove it.
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
  Json body = {
      {"apiVersion", string_at(manifest, "apiVersion")},
      {"kind",            kind_of(manifest)                        },
      {"metadata",            {{"name", key_of(manifest).name}}},
      {"spec",            manifest.at("spec")                            }
  };
  for (const char* field : {"labels", "annotations"}) {
    if (const Json* values = find(manifest, "metadata", field)) body["metadata"][field] = *values;
  }
  // What was noted of the last apply is no part of what is applied.
  if (body["metadata"].contains("annotations")) {
    body["metadata"]["annotations"].erase(std::string(kLastApplied));
  }
  return body;
}

/// kubectl's own note of what was applied: brought up to date where there is one and the new one
/// fits, dropped where it does not (kubectl would then fall back to what it finds live).
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

Result<void> wait_until_established(Run& run, const std::string& name) {
  const Time give_up = run.clock.now() + kCrdDeadline;
  while (true) {
    ASSIGN_OR_RETURN(const Json seen, get(run.cluster, resources::kCrds, {"", name}));
    ASSIGN_OR_RETURN(const CrdSummary summary, summarize_crd(seen));
    if (summary.established) return {};
    if (run.clock.now() > give_up) {
      return fail(ErrorKind::Unavailable,
                  "CustomResourceDefinition/" + name + " is not Established after 30 s");
    }
    RETURN_IF_ERROR(run.clock.sleep(kPoll));
  }
}

/// The answer to a write of a CRD, noted. Where there is none the write may have been made all the
/// same: the next look finds another generation then.
Result<CrdSummary> note_written(Run& run, const std::string& name, CrdWrite::To to,
                                const Result<Json>& answer) {
  CrdSeen& seen = run.crds_seen[name];
  seen.written.reset();
  if (!answer) return fail(wrap(answer.error(), "writing CustomResourceDefinition/" + name));
  ASSIGN_OR_RETURN(CrdSummary now, summarize_crd(*answer));
  if (seen.uid != now.uid || seen.generation != now.generation) {
    seen.uid = now.uid;
    seen.generation = now.generation;
    seen.since = run.clock.now();
    seen.agreed.reset();
  }
  if (to == CrdWrite::To::Target) seen.written = now;
  seen.written_at = run.clock.now();
  return now;
}

/// A CRD that is not the target although it was applied: other managers own more of its fields.
struct Leftover {
  const CrdWrite* write = nullptr;
  Json live;
};

/// An update takes away what an apply leaves to its owners, and a removal makes nobody an owner.
Result<void> remove_leftovers(Run& run, const Leftover& leftover) {
  const CrdSummary& target = leftover.write->target.summary;
  const CrdOwner updater{leftover.write->owner->manager, CrdOwner::Way::Update};
  const auto answer =
      run.cluster.send(crd_write_request(leftover.write->target.json(), leftover.live, updater));
  ASSIGN_OR_RETURN(const CrdSummary now,
                   note_written(run, target.name, CrdWrite::To::Target, answer));
  if (same_content(now, target)) return {};
  return fail(ErrorKind::Invalid,
              "CustomResourceDefinition/" + target.name +
                  " is not what was written: the API server, or a webhook in it, changes it; next: "
                  "compare it with the bundle's (kubectl get crd " +
                  target.name + " -o yaml), and stop what changes it");
}

/// The CRDs of these names, in their order.
std::vector<Result<Json>> read_crds(Run& run, const std::vector<std::string>& names,
                                    Extent extent) {
  return send_all(
      run.cluster, names.size(),
      [&](std::size_t i) {
        Request request;
        request.resource = resources::kCrds;
        request.key = {"", names[i]};
        request.metadata_only = extent == Extent::Metadata;
        return request;
      },
      run.settings.in_flight);
}

/// Reads those of the CRDs that are there and `wanted`, into their places.
template <typename Wanted>
Result<void> read_into(Run& run, const std::vector<CrdWrite>& writes, Extent extent,
                       const Wanted& wanted, std::vector<Json>& live) {
  std::vector<std::string> names;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (writes[i].live == nullptr || !wanted(i)) continue;
    names.push_back(writes[i].target.summary.name);
    places.push_back(i);
  }
  std::vector<Result<Json>> found = read_crds(run, names, extent);
  for (std::size_t at = 0; at < found.size(); ++at) {
    if (!found[at]) return fail(std::move(found[at]).error());
    live[places[at]] = *std::move(found[at]);
  }
  return {};
}

/// Of each CRD what its write is made from: the metadata, or all of it where the rest matters; null
/// where it is absent.
Result<std::vector<Json>> read_what_is_written_over(Run& run, const std::vector<CrdWrite>& writes) {
  std::vector<Json> live(writes.size());
  const auto any = [](std::size_t) { return true; };
  RETURN_IF_ERROR(read_into(run, writes, Extent::Metadata, any, live));
  const auto needs_all = [&](std::size_t i) {
    return writes[i].to == CrdWrite::To::Bridge || crd_owner(live[i]).way == CrdOwner::Way::Update;
  };
  RETURN_IF_ERROR(read_into(run, writes, Extent::Whole, needs_all, live));
  return live;
}

Result<void> choose_owners(Run& run, std::vector<CrdWrite>& writes, const std::vector<Json>& live) {
  std::optional<CrdOwner> of_most;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (writes[i].owner) continue;
    if (writes[i].live != nullptr) {
      writes[i].owner = crd_owner(live[i]);
      continue;
    }
    if (!of_most) {
      ASSIGN_OR_RETURN(of_most, bundle_owner(run));
    }
    writes[i].owner = of_most;
  }
  return {};
}

}  // namespace

CrdOwner crd_owner(const Json& live) { return spec_owner(live, "versions"); }

CrdOwner spec_owner(const Json& live, const std::string& field) {
  CrdOwner found;
  bool any = false;
  for (const Json& entry : array_at(live, "metadata", "managedFields")) {
    if (!string_at(entry, "subresource").empty()) continue;
    if (find(entry, "fieldsV1", "f:spec", "f:" + field) == nullptr) continue;
    bool applies = string_at(entry, "operation") == "Apply";
    if (any && !(applies && found.way == CrdOwner::Way::Update)) continue;
    found.manager = string_at(entry, "manager");
    found.way = applies ? CrdOwner::Way::Apply : CrdOwner::Way::Update;
    any = true;
  }
  return found;
}

Result<CrdOwner> bundle_owner(Run& run) {
  std::vector<std::string> names;
  for (const auto& [name, summary] : run.installed.crds) names.push_back(name);
  std::map<std::pair<std::string, CrdOwner::Way>, int> votes;
  for (const Result<Json>& live : read_crds(run, names, Extent::Metadata)) {
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
  return owned_write_request(resources::kCrds, manifest, live, owner);
}

Request owned_write_request(const Resource& resource, const Json& manifest, const Json& live,
                            const CrdOwner& owner) {
  Request request;
  request.resource = resource;
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

Result<void> write_crds(Run& run, std::vector<CrdWrite> writes) {
  ASSIGN_OR_RETURN(const std::vector<Json> live, read_what_is_written_over(run, writes));
  RETURN_IF_ERROR(choose_owners(run, writes, live));
  std::vector<std::string> starting;
  std::vector<Leftover> leftovers;
  Result<void> outcome;
  const auto note = [&](Result<void> result) {
    if (outcome && !result) outcome = std::move(result);
  };
  Batch batch;
  batch.size = writes.size();
  batch.request = [&](std::size_t i) {
    const Json manifest = writes[i].target.json();
    return crd_write_request(
        writes[i].to == CrdWrite::To::Bridge ? bridge_manifest(manifest, live[i]) : manifest,
        live[i], *writes[i].owner);
  };
  batch.done = [&](std::size_t i, Result<Json> answer) {
    const auto now = note_written(run, writes[i].target.summary.name, writes[i].to, answer);
    if (!now) return note(fail(now.error()));
    if (!now->established) starting.push_back(now->name);
    if (writes[i].to == CrdWrite::To::Target && !same_content(*now, writes[i].target.summary)) {
      leftovers.push_back({&writes[i], *std::move(answer)});
    }
  };
  run.cluster.send_each(batch, run.settings.in_flight);
  for (const Leftover& leftover : leftovers) note(remove_leftovers(run, leftover));
  for (const std::string& name : starting) note(wait_until_established(run, name));
  return outcome;
}

Result<Json> write_crd_over(Run& run, const Json& manifest, const Json& live,
                            const CrdOwner& owner) {
  Request request = crd_write_request(manifest, live, owner);
  request.body["metadata"]["resourceVersion"] = resource_version_of(live);
  Result<Json> answer = run.cluster.send(request);
  ASSIGN_OR_RETURN(const CrdSummary now,
                   note_written(run, key_of(live).name, CrdWrite::To::Bridge, answer));
  if (!now.established) RETURN_IF_ERROR(wait_until_established(run, now.name));
  return answer;
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
