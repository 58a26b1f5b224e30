// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string_view>
#include <utility>

#include "reconcilers/plan/discovery.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {
namespace {

/// Events are many, have no owners, and go by themselves; component statuses are made up when they
/// are asked for.
bool is_worth_looking(const Collection& collection) {
  const std::string& plural = collection.resource.plural;
  return plural != "events" && plural != "componentstatuses";
}

std::string display(const Resource& resource) {
  return resource.group.empty() ? resource.plural : resource.plural + "." + resource.group;
}

/// What is owned by one of `owners` in a collection. Only what matches is kept.
class Search {
 public:
  explicit Search(const std::vector<std::string>& owners) : owners_(owners.begin(), owners.end()) {}

  Result<void> visit(const Collection& collection, const Json& object) {
    for (const Json& reference : array_at(object, "metadata", "ownerReferences")) {
      std::string uid = string_at(reference, "uid");
      if (!owners_.contains(uid)) continue;
      found_.push_back({collection.resource, collection.kind, key_of(object), uid_of(object),
                        resource_version_of(object), std::move(uid)});
    }
    return {};
  }

  /// Lists one collection, once more where the snapshot expired half-way.
  Result<void> look_through(Cluster& cluster, const Collection& collection) {
    Request list;
    list.verb = Verb::List;
    list.resource = collection.resource;
    list.metadata_only = true;
    for (int attempt = 1;; ++attempt) {
      const std::size_t before = found_.size();
      const auto listed =
          for_each_object(cluster, list, [&](Json&& object) { return visit(collection, object); });
      if (listed) return {};
      found_.resize(before);
      if (!listed.error().is(ErrorKind::Expired) || attempt == 3) return fail(listed.error());
    }
  }

  std::vector<Dependent> take() { return std::move(found_); }

 private:
  std::set<std::string> owners_;
  std::vector<Dependent> found_;
};

}  // namespace

Result<Dependents> find_dependents(Cluster& cluster, const std::vector<std::string>& owner_uids) {
  Dependents dependents;
  if (owner_uids.empty()) return dependents;
  auto discovery = discover(cluster);
  if (!discovery) return fail(wrap(std::move(discovery).error(), "looking for dependents"));
  dependents.not_searched = std::move(discovery->unreadable);
  Search search(owner_uids);
  for (const Collection& collection : discovery->listable) {
    if (!is_worth_looking(collection)) continue;
    const auto looked = search.look_through(cluster, collection);
    if (looked) continue;
    if (!is_out_of_reach(looked.error())) {
      return fail(wrap(looked.error(), "looking for dependents"));
    }
    dependents.not_searched.push_back(display(collection.resource));
  }
  dependents.found = search.take();
  return dependents;
}

}  // namespace gatelift
