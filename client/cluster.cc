// SPDX-License-Identifier: Apache-2.0
#include "client/cluster.h"

#include <utility>

#include "client/paged_list.h"

namespace gatelift {

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
  PagedList pages(std::move(list));
  while (const std::optional<Request> next = pages.next()) {
    ASSIGN_OR_RETURN(std::vector<Json> page, pages.take(cluster.send(*next)));
    for (Json& object : page) RETURN_IF_ERROR(visit(std::move(object)));
  }
  return pages.snapshot();
}

}  // namespace gatelift
