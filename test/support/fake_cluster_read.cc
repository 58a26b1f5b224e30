// SPDX-License-Identifier: Apache-2.0
// Get and list. A custom object is read in two prunings, by the schema of the version it is stored
// in and by that of the version asked for (apiextensions-apiserver, customresource_handler.go).
#include "test/support/api_error.h"
#include "test/support/crd_rules.h"
#include "test/support/fake_cluster.h"
#include "test/support/selectors.h"
#include "test/support/structural_schema.h"

namespace gatelift {
namespace {

Json metadata_of(const Json& object) {
  return {
      {"apiVersion", "meta.k8s.io/v1"       },
      {"kind",       "PartialObjectMetadata"},
      {"metadata",   object["metadata"]     }
  };
}

/// Where a list goes on: the snapshot, and how many of its objects have been handed out.
struct Continue {
  std::string snapshot;
  std::size_t next = 0;

  std::string token() const { return snapshot + "/" + std::to_string(next); }
  static std::optional<Continue> parse(const std::string& token) {
    std::size_t slash = token.rfind('/');
    if (slash == std::string::npos) return std::nullopt;
    return Continue{token.substr(0, slash), std::stoul(token.substr(slash + 1))};
  }
};

Error reinitializing(std::chrono::seconds retry_after, const std::string& why) {
  Error error = fake::api_error(429, "TooManyRequests", "storage is (re)initializing" + why);
  error.retry_after = retry_after;
  return error;
}

}  // namespace

Result<Json> FakeCluster::view(const fake::Kind& kind, const fake::KindVersion& version,
                               const Json& stored) const {
  Json object = stored;
  object["kind"] = kind.kind;
  if (kind.custom) {
    std::string api_version = string_at(stored, "apiVersion");
    const fake::KindVersion* origin = kind.version(version_of_api_version(api_version));
    if (origin == nullptr) {
      return fail(
          fake::internal("request to convert CR from an invalid group/version: " + api_version));
    }
    fake::prune(object, origin->schema);
    fake::apply_defaults(object, origin->schema);
    if (origin != &version) fake::prune(object, version.schema);
  }
  object["apiVersion"] = kind.api_version(version.name);
  return object;
}

Result<Json> FakeCluster::get_one(const Target& target) {
  const ObjectKey& key = target.request.key;
  auto stored = store_.find(target.collection(), key);
  if (stored == nullptr) return fail(fake::not_found(target.kind->qualified_resource(), key.name));
  if (target.collection() == fake::crd_collection()) crds_.note_read(key.name);
  ASSIGN_OR_RETURN(Json object, view(*target.kind, *target.version, *stored));
  return target.request.metadata_only ? metadata_of(object) : object;
}

Result<void> FakeCluster::check_readable(const fake::Kind& kind) {
  fake::Collection collection{kind.group, kind.plural};
  auto& [since, left] = reinitializing_[collection];
  if (since != crds_.watches_broken_at(collection)) {
    since = crds_.watches_broken_at(collection);
    left = reinitializing_lists_;
  }
  if (left > 0) {
    --left;
    return fail(reinitializing(std::chrono::seconds(1), ""));
  }
  if (!kind.custom) return {};
  // One object that cannot be decoded keeps the watch cache, and with it every list, from starting.
  for (const auto& [key, object] : store_.all(collection)) {
    std::string api_version = string_at(*object, "apiVersion");
    if (kind.version(version_of_api_version(api_version)) != nullptr) continue;
    return fail(reinitializing(
        std::chrono::seconds(1),
        ": failed to list " + collection.first + "/" + kind.storage_version + ", Kind=" +
            kind.kind + ": request to convert CR from an invalid group/version: " + api_version));
  }
  return {};
}

Result<std::vector<std::shared_ptr<const Json>>> FakeCluster::page_of(const Target& target,
                                                                      Json& metadata) {
  const Request& request = target.request;
  Continue at{std::to_string(store_.revision()), 0};
  if (!request.continue_token.empty()) {
    auto parsed = Continue::parse(request.continue_token);
    if (!parsed) return fail(fake::bad_request("continue key is not valid"));
    at = *parsed;
    if (std::stoll(at.snapshot) <= store_.compacted()) {
      return fail(
          fake::expired("The provided continue parameter is too old to display a "
                        "consistent list result."));
    }
  }
  std::string snapshot_key = at.snapshot + " " + target.kind->qualified_resource();
  std::vector<std::shared_ptr<const Json>> all;
  if (at.next > 0) {
    all = snapshots_[snapshot_key];
  } else {
    for (const auto& [key, object] : store_.all(target.collection())) all.push_back(object);
  }

  metadata["resourceVersion"] = at.snapshot;
  std::vector<std::shared_ptr<const Json>> page;
  bool plain = request.label_selector.empty() && request.field_selector.empty();
  for (; at.next < all.size(); ++at.next) {
    const Json& object = *all[at.next];
    if (!request.key.ns.empty() && key_of(object).ns != request.key.ns) continue;
    ASSIGN_OR_RETURN(bool wanted,
                     fake::selects(request.label_selector, request.field_selector, object));
    if (!wanted) continue;
    if (request.limit > 0 && page.size() == static_cast<std::size_t>(request.limit)) {
      metadata["continue"] = at.token();
      if (plain && request.key.ns.empty()) metadata["remainingItemCount"] = all.size() - at.next;
      snapshots_[snapshot_key] = all;
      break;
    }
    page.push_back(all[at.next]);
  }
  return page;
}

Result<Json> FakeCluster::list(const Target& target) {
  RETURN_IF_ERROR(check_readable(*target.kind));
  Json metadata = Json::object();
  ASSIGN_OR_RETURN(auto page, page_of(target, metadata));
  Json items = Json::array();
  for (const auto& stored : page) {
    ASSIGN_OR_RETURN(Json object, view(*target.kind, *target.version, *stored));
    if (target.request.metadata_only) {
      object = metadata_of(object);
    } else if (!target.kind->custom) {
      // Typed lists name the type once, at the list.
      object.erase("apiVersion");
      object.erase("kind");
    }
    items.push_back(std::move(object));
  }
  bool partial = target.request.metadata_only;
  return Json{
      {"apiVersion", partial ? "meta.k8s.io/v1" : target.kind->api_version(target.version->name)},
      {"kind",       partial ? "PartialObjectMetadataList" : target.kind->list_kind             },
      {"metadata",   metadata                                                                   },
      {"items",      items                                                                      }
  };
}

}  // namespace gatelift
