// SPDX-License-Identifier: Apache-2.0
#include <iterator>
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

constexpr int kInFlight = 8;

Request list_of(const Collection& collection) {
  Request list;
  list.verb = Verb::List;
  list.resource = collection.resource;
  list.metadata_only = true;
  return list;
}

/// What is owned by one of `owners`. Only what matches is kept.
class Search {
 public:
  Search(Cluster& cluster, const std::vector<std::string>& owners)
      : cluster_(cluster), owners_(owners.begin(), owners.end()) {}

  /// Of each collection the first page, which is all of it for most; the others page by page.
  Result<Dependents> run(const std::vector<Collection>& collections) {
    std::vector<std::vector<Dependent>> found(collections.size());
    std::vector<Result<void>> looked(collections.size());
    std::vector<std::size_t> longer;
    Batch batch;
    batch.size = collections.size();
    batch.request = [&](std::size_t i) {
      Request list = list_of(collections[i]);
      list.limit = 500;
      return list;
    };
    batch.done = [&](std::size_t i, const Result<Json>& page) {
      if (!page) {
        looked[i] = fail(page.error());
      } else if (!string_at(*page, "metadata", "continue").empty()) {
        longer.push_back(i);
      } else {
        for (const Json& object : array_at(*page, "items")) visit(collections[i], object, found[i]);
      }
    };
    cluster_.send_each(batch, kInFlight);
    for (const std::size_t i : longer) looked[i] = look_through(collections[i], found[i]);
    return sum_up(collections, looked, found);
  }

 private:
  void visit(const Collection& collection, const Json& object,
             std::vector<Dependent>& found) const {
    for (const Json& reference : array_at(object, "metadata", "ownerReferences")) {
      std::string uid = string_at(reference, "uid");
      if (!owners_.contains(uid)) continue;
      found.push_back({collection.resource, collection.kind, key_of(object), uid_of(object),
                       resource_version_of(object), std::move(uid)});
    }
  }

  /// Lists one collection, once more where the snapshot expired half-way.
  Result<void> look_through(const Collection& collection, std::vector<Dependent>& found) {
    for (int attempt = 1;; ++attempt) {
      found.clear();
      const auto listed =
          for_each_object(cluster_, list_of(collection), [&](Json&& object) -> Result<void> {
            visit(collection, object, found);
            return {};
          });
      if (listed) return {};
      if (!listed.error().is(ErrorKind::Expired) || attempt == 3) return fail(listed.error());
    }
  }

  static Result<Dependents> sum_up(const std::vector<Collection>& collections,
                                   const std::vector<Result<void>>& looked,
                                   std::vector<std::vector<Dependent>>& found) {
    Dependents dependents;
    for (std::size_t i = 0; i < collections.size(); ++i) {
      std::move(found[i].begin(), found[i].end(), std::back_inserter(dependents.found));
      if (looked[i]) continue;
      if (!is_out_of_reach(looked[i].error())) return fail(looked[i].error());
      dependents.not_searched.push_back(display(collections[i].resource));
    }
    return dependents;
  }

  Cluster& cluster_;
  std::set<std::string> owners_;
};

}  // namespace

Result<Dependents> find_dependents(Cluster& cluster, const std::vector<std::string>& owner_uids) {
  if (owner_uids.empty()) return Dependents();
  auto discovery = discover(cluster);
  if (!discovery) return fail(wrap(std::move(discovery).error(), "looking for dependents"));
  std::erase_if(discovery->listable,
                [](const Collection& collection) { return !is_worth_looking(collection); });
  auto dependents = Search(cluster, owner_uids).run(discovery->listable);
  if (!dependents) return fail(wrap(std::move(dependents).error(), "looking for dependents"));
  std::vector<std::string>& skipped = dependents->not_searched;
  skipped.insert(skipped.begin(), discovery->unreadable.begin(), discovery->unreadable.end());
  return dependents;
}

}  // namespace gatelift
