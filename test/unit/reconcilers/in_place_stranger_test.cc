// SPDX-License-Identifier: Apache-2.0
// What somebody else does to the bridge of a conversion in place, and to objects by that.
#include "test/unit/reconcilers/in_place_fixture.h"

namespace gatelift {
namespace {

const ObjectKey kFirst{"a", "policy-0"};

const Json kHeld = {
    {"inPlace", {{"hold", "Approval"}}}
};

class StrangerWorld : public InPlaceWorld {
 public:
  StrangerWorld() {
    old_version_ = crd()["spec"]["versions"][0];
    create_in_place(kHeld);
    EXPECT_EQ(run("up").reason, "Held");
    bridge_ = crd()["spec"]["versions"];
  }

  /// Both versions, each with the schema of its release.
  void put_real_schemas() {
    Json changed = crd();
    Json versions = Json::array({old_version_});
    versions[0]["storage"] = false;
    for (const Json& each : world::new_bundle_crds()) {
      if (key_of(each).name != world::kPolicyCrd) continue;
      for (const Json& version : each["spec"]["versions"]) versions.push_back(version);
    }
    changed["spec"]["versions"] = std::move(versions);
    Request request;
    request.verb = Verb::Replace;
    request.resource = resources::kCrds;
    request.key = key_of(changed);
    request.field_manager = "stranger";
    request.body = std::move(changed);
    ASSERT_TRUE(cluster.send(request));
  }

  void touch(const ObjectKey& key) {
    ASSERT_TRUE(merge_patch(cluster, world::kOldPolicies, key,
                            {
                                {"metadata", {{"labels", {{"touched", "yes"}}}}}
    }));
  }

  bool is_bridge() { return crd()["spec"]["versions"] == bridge_; }

 private:
  Json old_version_;
  Json bridge_;
};

TEST(InPlaceStranger, HasTheBridgePutBackAndWhatItEmptiedMadeWhole) {
  StrangerWorld world;
  const Json before = world.stored(kFirst)["spec"];
  world.put_real_schemas();
  world.touch(kFirst);
  ASSERT_TRUE(world.stored(kFirst)["spec"].empty()) << world.stored(kFirst)["spec"];
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "Held") << result.message;
  EXPECT_TRUE(world.is_bridge());
  EXPECT_EQ(world.stored(kFirst)["spec"], before);
  EXPECT_EQ(world.stored(kFirst)["metadata"]["labels"]["touched"], "yes");
  world.set_spec({
      {"inPlace", {{"hold", "None"}}}
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  world.expect_same_objects();
}

TEST(InPlaceStranger, DoesNotBringBackAVersionThatIsGone) {
  StrangerWorld world;
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.key == kFirst && !request.dry_run &&
               find(object, "spec", "targetRef") == nullptr;
      },
      "not this one");
  world.set_spec({
      {"inPlace", {{"hold", "None"}}}
  });
  ASSERT_EQ(world.run("up").reason, "RewriteFailed");
  world.put_real_schemas();
  world.cluster.policy().clear_admission();
  std::vector<std::string> served;
  world.cluster.before_call([&](const Request& request) {
    if (request.key.name != world::kPolicyCrd || !is_write(request.verb) || request.dry_run) return;
    for (const Json& version : array_at(request.body, "spec", "versions")) {
      if (version.at("served") == true) served.push_back(string_at(version, "name"));
    }
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_FALSE(served.empty());
  EXPECT_TRUE(std::ranges::all_of(served, [](const auto& name) { return name != "v1alpha2"; }))
      << "objects have no old shape any more";
  world.expect_same_objects();
}

TEST(InPlaceStranger, IsToldOfAnObjectThatNoBackupHasAsItWasLast) {
  StrangerWorld world;
  const Json edited = {
      {"tls", {{"hostname", "edited.example.com"}}}
  };
  world.edit(world::kOldPolicies, kFirst, edited);
  ASSERT_EQ(world.run("up").reason, "Held");
  const Json last = world.stored(kFirst)["spec"];
  world.put_real_schemas();
  world.touch(kFirst);
  ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(result.reason, "ProjectionFailed");
  for (const char* words : {"BackendTLSPolicy/a/policy-0", "spec", "next: apply it again"}) {
    EXPECT_NE(result.message.find(words), std::string::npos) << result.message;
  }
  EXPECT_TRUE(world.is_bridge());
  world.edit(world::kNewPolicies, kFirst,
             {
                 {"targetRefs", last["targetRefs"]},
                 {"validation", last["validation"]}
  });
  EXPECT_EQ(world.run("up").reason, "Held");
  EXPECT_EQ(world.stored(kFirst)["spec"]["tls"]["hostname"], "edited.example.com");
}

TEST(InPlaceStranger, IsNotDoneWhereAnObjectIsEmpty) {
  StrangerWorld world;
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "edited.example.com"}}}
  });
  ASSERT_EQ(world.run("up").reason, "Held");
  world.put_real_schemas();
  world.touch(kFirst);
  world.set_spec({
      {"inPlace", {{"hold", "None"}}}
  });
  EXPECT_EQ(world.run("up").reason, "ProjectionFailed");
}

}  // namespace
}  // namespace gatelift
