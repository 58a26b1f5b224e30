// SPDX-License-Identifier: Apache-2.0
// What tests of conversions in place ask of the in-memory API server.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "reconcilers/convert/halves.h"
#include "test/support/gateway_world.h"

namespace gatelift {

class InPlaceWorld : public GatewayWorld {
 public:
  explicit InPlaceWorld(int num_policies = 4) {
    populate(num_policies);
    for (const ObjectKey& key : keys()) uids[key] = uid_of(stored(key));
    cluster.forget_writes();
  }

  void create_in_place(Json spec_changes = Json::object()) {
    spec_changes["strategy"] = "InPlace";
    create_migration("up", std::move(spec_changes));
  }

  /// Passes of one process until the run is over, or the clock has gone on for so long.
  ReconcileResult run_for(Cluster& through, std::chrono::milliseconds time) {
    MigrationReconciler reconciler(through, clock, sources, {});
    const Time until = clock.now() + time;
    ReconcileResult last;
    while (clock.now() < until) {
      auto result = reconciler.reconcile("up");
      EXPECT_TRUE(result) << (result ? "" : result.error().message);
      if (!result) return last;
      last = *result;
      if (last.outcome == PassOutcome::Finished) return last;
      (void)clock.sleep(std::max(last.requeue_after.value_or(std::chrono::seconds(1)), {}));
    }
    return last;
  }

  std::vector<ObjectKey> keys() const { return cluster.stored_keys(world::kOldPolicies); }
  Json stored(const ObjectKey& key) const { return *cluster.stored(world::kOldPolicies, key); }

  /// Policies that no served version shows whole.
  std::vector<std::string> unserved() {
    std::vector<std::string> found;
    for (const auto& [key, uid] : uids) {
      const auto old_one = get(cluster, world::kOldPolicies, key);
      const auto new_one = get(cluster, world::kNewPolicies, key);
      const bool is_whole = (old_one && has(*old_one, "targetRef", "tls")) ||
                            (new_one && has(*new_one, "targetRefs", "validation"));
      if (!is_whole) found.push_back(key.display());
    }
    return found;
  }

  void expect_same_objects() {
    for (const auto& [key, uid] : uids) {
      EXPECT_EQ(uid_of(stored(key)), uid) << key.display();
    }
    EXPECT_EQ(num_deletions(world::kOldPolicies), 0);
    EXPECT_EQ(num_deletions_of_crd(), 0);
  }

  int num_deletions_of_crd() const {
    int num = 0;
    for (const WriteRecord& write : cluster.writes()) {
      if (write.verb == Verb::Delete && write.key.name == world::kPolicyCrd) ++num;
    }
    return num;
  }

  Json edit(const Resource& resource, const ObjectKey& key, Json spec) {
    Request request;
    request.verb = Verb::MergePatch;
    request.resource = resource;
    request.key = key;
    request.field_manager = "somebody";
    request.body = {
        {"spec", std::move(spec)}
    };
    const auto answer = cluster.send(request);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
    return answer ? *answer : Json();
  }

  void set_spec(Json changes) {
    ASSERT_TRUE(merge_patch(cluster, kMigrations,
                            {
                                "", "up"
    },
                            {{"spec", std::move(changes)}}));
  }
  void roll_back() {
    ASSERT_TRUE(merge_patch(
        cluster, kMigrations,
        {
            "", "up"
    },
        {{"metadata", {{"annotations", {{std::string(kRollbackAnnotation), "true"}}}}}}));
  }

  Json crd() { return *get(cluster, resources::kCrds, {"", world::kPolicyCrd}); }
  std::string step() {
    const Json migration = this->migration("up");
    for (const Json& each : array_at(migration, "status", "crds")) {
      if (string_at(each, "name") == world::kPolicyCrd) return string_at(each, "step");
    }
    return "";
  }

  std::map<ObjectKey, std::string> uids;

 private:
  static bool has(const Json& object, const char* target, const char* tls) {
    return find(object, "spec", target) != nullptr && find(object, "spec", tls) != nullptr;
  }
};

}  // namespace gatelift
