// SPDX-License-Identifier: Apache-2.0
#include "client/paged_list.h"

#include <algorithm>
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

std::vector<Json> items_of(Json& page) {
  std::vector<Json> objects;
  const auto items = page.find("items");
  if (items == page.end() || !items->is_array()) return objects;  // "items": null is an empty list
  const std::string api_version = string_at(page, "apiVersion");
  const std::string list_kind = kind_of(page);
  objects.reserve(items->size());
  for (Json& item : *items) {
    complete_type(item, api_version, list_kind);
    objects.push_back(std::move(item));
  }
  return objects;
}

}  // namespace

PagedList::PagedList(Request list) : list_(std::move(list)) {
  list_.verb = Verb::List;
  if (list_.limit == 0) list_.limit = kPageSize;
}

std::optional<Request> PagedList::next() const {
  if (is_over_) return std::nullopt;
  return list_;
}

Result<std::vector<Json>> PagedList::take(Result<Json> page) {
  // A 410 ends the walk even though its Status offers a token to go on with: that one continues in
  // another snapshot.
  if (!page) return fail(std::move(page).error());
  const std::string version = resource_version_of(*page);
  if (snapshot_.empty()) snapshot_ = version;
  if (version != snapshot_) {
    return fail(ErrorKind::Expired, describe(list_) + ": a page is of resourceVersion " + version +
                                        " and the first one of " + snapshot_);
  }
  list_.continue_token = string_at(*page, "metadata", "continue");
  is_over_ = list_.continue_token.empty();
  return items_of(*page);
}

Result<std::optional<std::vector<Json>>> send_with_next_page(Cluster& cluster, const Batch& batch,
                                                             int in_flight, PagedList& pages) {
  const std::optional<Request> list = pages.next();
  if (!list) {
    if (batch.size > 0) cluster.send_each(batch, in_flight);
    return std::nullopt;
  }
  // Not before the first write: by the first call of a batch it is decided whether we may write.
  const std::size_t at = std::min<std::size_t>(batch.size, 1);
  Result<Json> page = fail(ErrorKind::Internal, "not answered");
  Batch both;
  both.size = batch.size + 1;
  both.request = [&](std::size_t i) { return i == at ? *list : batch.request(i < at ? i : i - 1); };
  both.done = [&](std::size_t i, Result<Json> answer) {
    if (i == at) {
      page = std::move(answer);
    } else {
      batch.done(i < at ? i : i - 1, std::move(answer));
    }
  };
  cluster.send_each(both, in_flight);
  ASSIGN_OR_RETURN(std::vector<Json> objects, pages.take(std::move(page)));
  return std::optional(std::move(objects));
}

}  // namespace gatelift
