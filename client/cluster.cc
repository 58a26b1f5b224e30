// SPDX-License-Identifier: Apache-2.0
#include "client/cluster.h"

#include <utility>

namespace gatelift {
namespace {

constexpr int kPageSize = 500;

/// Lists of built-in kinds leave apiVersion and kind to the list ("SecretList" of "v1").
void complete_type(Json& item, const std::string& api_version, const std::string& list_kind) {
  constexpr std::string_view kSuffix = "List";
  if (!kind_of(item).empty() || !list_kind.ends_with(kSuffix)) return;
  item["kind"] = list_kind.substr(0, list_kind.size() - kSuffix.size());
  item["apiVersion"] = api_version;
}

Result<void> visit_page(Json& page, const std::function<Result<void>(Json&&)>& visit) {
  const auto items = page.find("items");
  if (items == page.end() || !items->is_array()) return {};  // "items": null is an empty list
  const std::string api_version = string_at(page, "apiVersion");
  const std::string list_kind = kind_of(page);
  for (Json& item : *items) {
    complete_type(item, api_version, list_kind);
    RETURN_IF_ERROR(visit(std::move(item)));
  }
  return {};
}

}  // namespace

void Cluster::send_each(const Batch& batch, int /*in_flight*/) {
  for (std::size_t i = 0; i < batch.size; ++i) batch.done(i, send(batch.request(i)));
}

Result<Json> get(Cluster& cluster, const Resource& resource, const ObjectKey& key) {
  Request request;
  request.verb = Verb::Get;
  request.resource = resource;
  request.key = key;
  return cluster.send(request);
}

Result<std::optional<Json>> get_if_exists(Cluster& cluster, const Resource& resource,
                                          const ObjectKey& key) {
  auto object = get(cluster, resource, key);
  if (object) return std::optional<Json>(*std::move(object));
  if (object.error().is(ErrorKind::NotFound)) return std::optional<Json>();
  return fail(std::move(object).error());
}

Result<Json> create(Cluster& cluster, const Resource& resource, Json object) {
  Request request;
  request.verb = Verb::Create;
  request.resource = resource;
  request.key.ns = key_of(object).ns;
  request.body = std::move(object);
  return cluster.send(request);
}

Result<Json> replace(Cluster& cluster, const Resource& resource, Json object) {
  Request request;
  request.verb = Verb::Replace;
  request.resource = resource;
  request.key = key_of(object);
  request.body = std::move(object);
  return cluster.send(request);
}

Result<Json> merge_patch(Cluster& cluster, const Resource& resource, const ObjectKey& key,
                         Json patch, std::string subresource) {
  Request request;
  request.verb = Verb::MergePatch;
  request.resource = resource;
  request.key = key;
  request.subresource = std::move(subresource);
  request.body = std::move(patch);
  return cluster.send(request);
}

std::vector<Result<Json>> send_all(Cluster& cluster, std::size_t size,
                                   const std::function<Request(std::size_t)>& request,
                                   int in_flight) {
  std::vector<Result<Json>> answers(size, fail(ErrorKind::Internal, "not answered"));
  const Batch batch{size, request,
                    [&](std::size_t i, Result<Json> answer) { answers[i] = std::move(answer); }};
  cluster.send_each(batch, in_flight);
  return answers;
}

Result<std::string> for_each_object(Cluster& cluster, Request list,
                                    const std::function<Result<void>(Json&&)>& visit) {
  list.verb = Verb::List;
  if (list.limit == 0) list.limit = kPageSize;
  std::string snapshot;
  while (true) {
    // A 410 ends the walk even though its Status offers a token to go on with: that one continues
    // in another snapshot.
    ASSIGN_OR_RETURN(Json page, cluster.send(list));
    const std::string version = resource_version_of(page);
    if (snapshot.empty()) snapshot = version;
    if (version != snapshot) {
      return fail(ErrorKind::Expired, describe(list) + ": a page is of resourceVersion " + version +
                                          " and the first one of " + snapshot);
    }
    RETURN_IF_ERROR(visit_page(page, visit));
    list.continue_token = string_at(page, "metadata", "continue");
    if (list.continue_token.empty()) return snapshot;
  }
}

}  // namespace gatelift
