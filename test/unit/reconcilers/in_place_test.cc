// SPDX-License-Identifier: Apache-2.0
// Whole conversions in place, on the in-memory API server.
#include <functional>
#include <utility>

#include "test/support/faulty_cluster.h"
#include "test/unit/reconcilers/in_place_fixture.h"

namespace gatelift {
namespace {

const ObjectKey kFirst{"a", "policy-0"};

const Json kHeld = {
    {"inPlace", {{"hold", "Approval"}}}
};

/// For which the old version has no field.
void add_second_target(InPlaceWorld& world) {
  Json targets = world.stored(kFirst)["spec"]["targetRefs"];
  targets.push_back(targets[0]);
  targets[1]["name"] = "second";
  world.edit(world::kNewPolicies, kFirst,
             {
                 {"targetRefs", targets}
  });
}

/// Each half says something else.
void edit_both(InPlaceWorld& world) {
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "tls.example.com"}}}
  });
  world.edit(world::kNewPolicies, kFirst,
             {
                 {"validation", {{"hostname", "validation.example.com"}}}
  });
}

/// The CRD of HTTPRoutes as a bundle had it, by somebody else's write.
void put_routes_back(InPlaceWorld& world, const Json& old_routes) {
  const Json versions = {
      {"versions", old_routes["spec"]["versions"]}
  };
  ASSERT_TRUE(merge_patch(world.cluster, resources::kCrds,
                          {
                              "", world::kRouteCrd
  },
                          {{"spec", versions}}));
}

void freeze_routes(InPlaceWorld& world) {
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json&) {
        return request.key.name == world::kRouteCrd && !request.dry_run;
      },
      "frozen");
}

/// Somebody acts as soon as policies are watched, once.
class ActsOnWatch : public Cluster {
 public:
  ActsOnWatch(Cluster& inner, std::function<void()> act) : inner_(inner), act_(std::move(act)) {}

  Result<Json> send(const Request& request) override { return inner_.send(request); }
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override {
    auto watch = inner_.watch(request);
    if (request.resource.plural == world::kOldPolicies.plural && act_) std::exchange(act_, {})();
    return watch;
  }

 private:
  Cluster& inner_;
  std::function<void()> act_;
};

TEST(InPlace, GivesEveryObjectTheNewShapeAndDeletesNone) {
  InPlaceWorld world;
  const Json before = world.stored(kFirst);
  world.create_in_place();
  const ReconcileResult result = world.run("up");
  ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  world.expect_same_objects();
  const Json after = world.stored(kFirst);
  EXPECT_EQ(string_at(after, "apiVersion"), "gateway.networking.k8s.io/v1alpha3");
  EXPECT_EQ(after["spec"].size(), 2U) << after["spec"];
  EXPECT_EQ(after["spec"]["targetRefs"][0]["name"], "policy-0");
  EXPECT_EQ(after["spec"]["validation"]["hostname"], "policy-0.example.com");
  EXPECT_EQ(after["status"], before["status"]);
  EXPECT_EQ(after["metadata"]["labels"], before["metadata"]["labels"]);
  EXPECT_EQ(after["metadata"]["creationTimestamp"], before["metadata"]["creationTimestamp"]);
  EXPECT_FALSE(after["metadata"].contains("annotations")) << after["metadata"];
  EXPECT_EQ(world.crd()["status"]["storedVersions"], Json::array({"v1alpha3"}));
  EXPECT_EQ(string_at(world.migration("up"), "status", "unavailable", "measured"), "0s");
}

TEST(InPlace, ComesToTheEndOfARecreateButForWhatThatStartsAnew) {
  InPlaceWorld in_place;
  in_place.create_in_place();
  ASSERT_EQ(in_place.run("up").outcome, PassOutcome::Finished);
  GatewayWorld recreated;
  recreated.populate(4);
  recreated.create_migration("up");
  ASSERT_EQ(recreated.run("up").outcome, PassOutcome::Finished);
  Json left = in_place.end_state();
  Json right = recreated.end_state();
  for (Json* state : {&left, &right}) {
    for (Json& object : (*state)[world::kPolicyCrd]["objects"]) {
      object["metadata"].erase("generation");
      for (Json& ancestor : object["status"]["ancestors"]) {
        for (Json& condition : ancestor["conditions"]) condition.erase("observedGeneration");
      }
    }
    // One was created, and the other's stored versions were pruned.
    for (const char* field : {"generation", "managedFields"}) {
      (*state)[world::kPolicyCrd]["metadata"].erase(field);
    }
  }
  EXPECT_EQ(first_unequal(left, right), "");
}

TEST(InPlace, WritesEachObjectTwiceBesideTheProof) {
  InPlaceWorld world;
  world.create_in_place();
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  std::map<std::string, int> writes;
  for (const WriteRecord& write : world.cluster.writes()) {
    if (write.resource.plural == "backendtlspolicies" && !write.dry_run &&
        write.resource.group == "gateway.networking.k8s.io") {
      ++writes[write.key.display()];
    }
  }
  EXPECT_EQ(writes.size(), 4U);
  for (const auto& [name, num] : writes) EXPECT_EQ(num, 3) << name;
}

/// Writes of the policies and of their CRD, also those that change nothing.
int num_policy_writes(const InPlaceWorld& world) {
  return static_cast<int>(
      std::ranges::count_if(world.cluster.writes(), [](const WriteRecord& write) {
        const bool is_policy = write.resource.plural == world::kOldPolicies.plural &&
                               write.resource.group == world::kOldPolicies.group;
        return !write.dry_run && (is_policy || write.key.name == world::kPolicyCrd);
      }));
}

TEST(InPlace, WritesAsOftenAsThePlanSays) {
  for (const int num_policies : {4, 7}) {
    InPlaceWorld world(num_policies);
    world.create_in_place();
    ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
    const Json plan = world.migration("up").at("status").at("plan");
    const Json& in_place = plan.at("strategies").at(1);
    EXPECT_EQ(in_place.at("strategy"), "InPlace");
    EXPECT_EQ(in_place.at("estimatedWrites"), plan.at("estimatedWrites"));
    EXPECT_EQ(num_policy_writes(world), 5 + 3 * num_policies);
    EXPECT_EQ(in_place.at("writesPerObject"), 3);
  }
}

TEST(InPlace, WritesAnObjectThatIsHeldOnceMore) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  world.run("up");
  world.set_spec(Json{
      {"inPlace", {{"hold", "None"}}}
  });
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(num_policy_writes(world), 5 + 4 * 4);
}

TEST(InPlace, ServesEveryObjectWholeAtEachCall) {
  InPlaceWorld world;
  world.create_in_place();
  int calls = 0;
  world.cluster.before_call([&](const Request&) {
    ++calls;
    EXPECT_EQ(world.unserved(), std::vector<std::string>{}) << "before call " << calls;
  });
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_GT(calls, 40);
}

TEST(InPlace, LeavesTheOriginalManagersAsTheOnlyOwners) {
  InPlaceWorld world;
  world.create_in_place();
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  for (const ObjectKey& key : world.keys()) {
    const Json object = world.stored(key);
    EXPECT_FALSE(array_at(object, "metadata", "managedFields").empty());
    for (const Json& entry : array_at(object, "metadata", "managedFields")) {
      EXPECT_NE(string_at(entry, "manager"), kFieldManager);
      EXPECT_EQ(string_at(entry, "apiVersion"), "gateway.networking.k8s.io/v1alpha3");
    }
  }
  const Json crd = world.crd();
  for (const Json& entry : array_at(crd, "metadata", "managedFields")) {
    EXPECT_NE(string_at(entry, "manager"), kFieldManager) << entry;
  }
}

TEST(InPlace, TakesOverEditsThatAreMadeMeanwhileAtEitherVersion) {
  InPlaceWorld world;
  world.create_in_place();
  int writes_of_crd = 0;
  world.cluster.before_call([&](const Request& request) {
    const bool writes_crd = is_write(request.verb) && !request.dry_run &&
                            request.subresource.empty() && request.key.name == world::kPolicyCrd;
    if (!writes_crd) return;
    ++writes_of_crd;
    const Json label = {
        {"tls", {{"hostname", "edited-" + std::to_string(writes_of_crd) + ".example.com"}}}
    };
    if (writes_of_crd <= 3) world.edit(world::kOldPolicies, kFirst, label);
    if (writes_of_crd == 3) {
      world.edit(world::kNewPolicies,
                 {
                     "b", "policy-1"
      },
                 {{"validation", {{"hostname", "new.example.com"}}}});
    }
  });
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(writes_of_crd, 4) << "expand, serve both, contract, target";
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"], "edited-3.example.com");
  EXPECT_EQ(world.stored({"b", "policy-1"})["spec"]["validation"]["hostname"], "new.example.com");
  world.expect_same_objects();
}

TEST(InPlace, HoldsWithBothServedUntilItIsReleased) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  EXPECT_EQ(world.condition("up", "Ready", "reason"), "Held");
  EXPECT_EQ(world.condition("up", "Stalled", "status"), "False");
  EXPECT_EQ(world.step(), "Hold");
  EXPECT_TRUE(get(world.cluster, world::kOldPolicies, kFirst));
  EXPECT_TRUE(get(world.cluster, world::kNewPolicies, kFirst));
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "old.example.com"}}}
  });
  world.edit(world::kNewPolicies,
             {
                 "b", "policy-1"
  },
             {{"validation", {{"hostname", "new.example.com"}}}});
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  EXPECT_EQ(string_at(world.migration("up"), "status", "progress"), "6/6")
      << "also of a process that had to write none but these two";
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"], "old.example.com");
  EXPECT_EQ(world.stored({"b", "policy-1"})["spec"]["tls"]["hostname"], "new.example.com");
  world.set_spec({
      {"inPlace", {{"hold", "None"}}}
  });
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"], "old.example.com");
  world.expect_same_objects();
}

TEST(InPlace, BeginsItsHoldAlsoWhereSomebodyWritesDuringEachPass) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  bool is_bridge = false;
  int edits = 0;
  world.cluster.before_call([&](const Request& request) {
    is_bridge = is_bridge || (is_write(request.verb) && !request.dry_run &&
                              request.key.name == world::kPolicyCrd);
    const bool lists =
        request.verb == Verb::List && request.resource.plural == world::kOldPolicies.plural;
    if (!is_bridge || !lists) return;
    world.edit(world::kOldPolicies, kFirst,
               {
                   {"tls", {{"hostname", "edit-" + std::to_string(++edits) + ".example.com"}}}
    });
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  EXPECT_EQ(world.condition("up", "Ready", "reason"), "Held");
  EXPECT_GT(edits, 2);
  world.cluster.before_call(nullptr);
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"],
            "edit-" + std::to_string(edits) + ".example.com");
  const Json released = world.stored(kFirst);
  for (const Json& entry : array_at(released, "metadata", "managedFields")) {
    EXPECT_NE(string_at(entry, "manager"), kFieldManager);
  }
}

TEST(InPlace, ServesNothingAtTheNewVersionWithoutItsShape) {
  InPlaceWorld world;
  world.create_in_place();
  const ObjectKey late{"a", "late"};
  bool is_created = false;
  Json when_served;
  world.cluster.before_call([&](const Request& request) {
    // The last of the pass, so that it was not listed.
    const bool projects = request.verb == Verb::MergePatch && !request.dry_run &&
                          request.resource.plural == world::kOldPolicies.plural;
    if (projects && !std::exchange(is_created, true)) {
      ASSERT_TRUE(create(world.cluster, world::kOldPolicies, world::policy("a", "late")));
    }
    const bool writes_crd = request.key.name == world::kPolicyCrd && is_write(request.verb) &&
                            !request.dry_run && request.subresource.empty();
    if (writes_crd && is_created && when_served.is_null()) when_served = world.stored(late)["spec"];
  });
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_TRUE(when_served.contains("targetRefs")) << when_served;
  EXPECT_TRUE(when_served.contains("targetRef")) << when_served;
}

TEST(InPlace, NotesNoNoteOfWhatWasAppliedToTheCrd) {
  constexpr const char* kNote = "kubectl.kubernetes.io/last-applied-configuration";
  InPlaceWorld world;
  const Json applied = {
      {"manager",   "kubectl-client-side-apply"                   },
      {"operation", "Update"                                      },
      {"fieldsV1",  {{"f:spec", {{"f:versions", Json::object()}}}}}
  };
  Json crd = world.crd();
  crd["metadata"]["annotations"][kNote] = "{}";
  crd["metadata"]["managedFields"] = Json::array({applied});
  world.cluster.install_crd(crd);
  std::vector<Json> notes;
  world.cluster.before_call([&](const Request& request) {
    const bool writes_crd = request.key.name == world::kPolicyCrd && !request.dry_run &&
                            request.verb == Verb::Replace && request.subresource.empty();
    if (!writes_crd) return;
    notes.push_back(parse_json(annotation_of(request.body, kNote)).value_or(Json()));
  });
  world.create_in_place();
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  ASSERT_EQ(notes.size(), 4U);
  for (const Json& note : notes) {
    EXPECT_EQ(kind_of(note), "CustomResourceDefinition") << note;
    EXPECT_EQ(find(note, "metadata", "annotations", kNote), nullptr);
  }
}

TEST(InPlace, GoesOnFollowingWhileItIsSuspended) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").reason, "Held");
  world.set_spec({
      {"suspend", true              },
      {"inPlace", {{"hold", "None"}}}
  });
  EXPECT_EQ(world.run("up").reason, "Suspended");
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "old.example.com"}}}
  });
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "Suspended");
  EXPECT_NE(result.message.find("spec.suspend"), std::string::npos) << result.message;
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"], "old.example.com");
  EXPECT_TRUE(get(world.cluster, world::kOldPolicies, kFirst));
  world.set_spec({
      {"suspend", false}
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  world.expect_same_objects();
}

TEST(InPlace, IsNotRolledBackWhileItIsSuspended) {
  InPlaceWorld world;
  world.create_in_place({
      {"inPlace",   {{"hold", "Approval"}}},
      {"onFailure", "Rollback"            }
  });
  ASSERT_EQ(world.run("up").reason, "Held");
  world.set_spec({
      {"suspend", true}
  });
  ASSERT_EQ(world.run("up").reason, "Suspended");
  edit_both(world);
  EXPECT_EQ(world.run("up").reason, "ProjectionFailed");
  EXPECT_EQ(string_at(world.migration("up"), "status", "operation"), "Upgrade");
}

TEST(InPlace, GoesOnFollowingWhileAnotherCrdIsRefused) {
  InPlaceWorld world;
  const Json old_routes = *get(world.cluster, resources::kCrds, {"", world::kRouteCrd});
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").reason, "Held");
  put_routes_back(world, old_routes);
  freeze_routes(world);
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "old.example.com"}}}
  });
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("frozen"), std::string::npos) << result.message;
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"], "old.example.com");
  EXPECT_LT(result.requeue_after, std::chrono::seconds(3));
}

TEST(InPlace, PutsTheBridgeBackAlsoWhileAnotherCrdIsRefused) {
  InPlaceWorld world;
  const Json old_routes = *get(world.cluster, resources::kCrds, {"", world::kRouteCrd});
  const Json old_policies = world.crd()["spec"]["versions"];
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").reason, "Held");
  const Json bridge = world.crd()["spec"]["versions"];
  put_routes_back(world, old_routes);
  freeze_routes(world);
  Json both = bridge;
  both[0]["schema"] = old_policies[0]["schema"];
  ASSERT_TRUE(merge_patch(world.cluster, resources::kCrds,
                          {
                              "", world::kPolicyCrd
  },
                          {{"spec", {{"versions", both}}}}));
  ASSERT_NE(world.crd()["spec"]["versions"], bridge);
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(world.crd()["spec"]["versions"], bridge);
}

TEST(InPlace, GoesOnFollowingWhileAnotherCrdIsFoughtOver) {
  InPlaceWorld world;
  const Json old_routes = *get(world.cluster, resources::kCrds, {"", world::kRouteCrd});
  world.create_in_place(kHeld);
  MigrationReconciler reconciler(world.cluster, world.clock, world.sources, {});
  const auto run_until = [&](const std::string& reason) {
    for (int pass = 0; pass < 30; ++pass) {
      EXPECT_TRUE(reconciler.reconcile("up"));
      if (world.condition("up", "Ready", "reason") == reason) return true;
    }
    return false;
  };
  ASSERT_TRUE(run_until("Held"));
  put_routes_back(world, old_routes);
  ASSERT_TRUE(run_until("CRDReverted"));
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "old.example.com"}}}
  });
  const auto result = reconciler.reconcile("up");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->reason, "CRDReverted") << result->message;
  EXPECT_EQ(result->requeue_after, std::chrono::milliseconds(0));
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"], "old.example.com");
}

TEST(InPlace, GoesOnFollowingTheOthersWhileOneIsRefused) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").reason, "Held");
  edit_both(world);
  const ObjectKey other{"b", "policy-1"};
  ActsOnWatch cluster(world.cluster, [&] {
    world.edit(world::kOldPolicies, other,
               {
                   {"tls", {{"hostname", "other.example.com"}}}
    });
  });
  const ReconcileResult result = world.run_through(cluster, "up");
  EXPECT_EQ(result.reason, "ProjectionFailed") << result.message;
  EXPECT_EQ(world.stored(other)["spec"]["validation"]["hostname"], "other.example.com");
}

TEST(InPlace, FollowsEachChangeWhileItHolds) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  MigrationReconciler reconciler(world.cluster, world.clock, world.sources, {});
  for (int pass = 0; pass < 30; ++pass) ASSERT_TRUE(reconciler.reconcile("up"));
  ASSERT_EQ(world.condition("up", "Ready", "reason"), "Held");
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "old.example.com"}}}
  });
  ASSERT_TRUE(reconciler.reconcile("up"));
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"], "old.example.com");
  const Json migration = world.migration("up");
  EXPECT_EQ(int_at(migration, 0, "status", "inPlace", "reprojected"), 1);
  EXPECT_NE(string_at(migration, "status", "inPlace", "bothServedSince"), "");
  EXPECT_NE(string_at(migration, "status", "inPlace", "longestLag"), "");
}

TEST(InPlace, GivesObjectsThatAreCreatedMeanwhileBothShapes) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  ASSERT_TRUE(create(world.cluster, world::kOldPolicies, world::policy("a", "by-old")));
  Json by_new = world.stored(kFirst);
  by_new = {
      {"apiVersion", "gateway.networking.k8s.io/v1alpha3"    },
      {"kind",       "BackendTLSPolicy"                      },
      {"metadata",   {{"namespace", "a"}, {"name", "by-new"}}},
      {"spec",
       {{"targetRefs", by_new["spec"]["targetRefs"]},
        {"validation", by_new["spec"]["validation"]}}        }
  };
  ASSERT_TRUE(create(world.cluster, world::kNewPolicies, by_new));
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  EXPECT_EQ(world.stored({"a", "by-old"})["spec"]["targetRefs"][0]["name"], "by-old");
  EXPECT_EQ(world.stored({"a", "by-new"})["spec"]["targetRef"]["name"], "policy-0");
  world.set_spec({
      {"inPlace", {{"hold", "None"}}}
  });
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(world.stored({"a", "by-old"})["spec"].size(), 2U);
  EXPECT_EQ(world.stored({"a", "by-new"})["spec"].size(), 2U);
}

TEST(InPlace, AsksWhereBothShapesWereEdited) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "old.example.com"}}}
  });
  world.clock.advance(std::chrono::seconds(5));
  world.edit(world::kNewPolicies, kFirst,
             {
                 {"validation", {{"hostname", "new.example.com"}}}
  });
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("old.example.com"), std::string::npos) << result.message;
  EXPECT_NE(result.message.find("new.example.com"), std::string::npos) << result.message;
  const Json consent = {
      {"check",  "BothEdited"                 },
      {"object", "BackendTLSPolicy/a/policy-0"},
      {"field",  "spec"                       }
  };
  world.set_spec({
      {"inPlace", {{"hold", "None"}}    },
      {"accept",  Json::array({consent})}
  });
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(world.stored(kFirst)["spec"]["validation"]["hostname"], "new.example.com");
}

TEST(InPlace, ShowsOldClientsWhatWasThereWhereTheyHaveNoFieldForTheNew) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  add_second_target(world);
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  EXPECT_EQ(world.stored(kFirst)["spec"]["targetRef"]["name"], "policy-0");
  EXPECT_EQ(int_at(world.migration("up"), 0, "status", "inPlace", "notShown"), 1);
  world.set_spec({
      {"inPlace", {{"hold", "None"}}}
  });
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(world.stored(kFirst)["spec"]["targetRefs"].size(), 2U);
}

TEST(InPlace, LosesNothingThatOnlyTheNewVersionCanSayWhereAnOldClientWritesAllOfIt) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  add_second_target(world);
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  Json whole = *get(world.cluster, world::kOldPolicies, kFirst);
  whole["spec"].erase("targetRefs");
  whole["spec"].erase("validation");
  ASSERT_TRUE(replace(world.cluster, world::kOldPolicies, whole));
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("policy-0"), std::string::npos) << result.message;
}

TEST(InPlace, LeavesLabelsToWhoeverChangesThemMeanwhile) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  ASSERT_TRUE(merge_patch(world.cluster, world::kOldPolicies, kFirst,
                          {
                              {"metadata", {{"labels", {{"app", "another"}}}}}
  }));
  world.set_spec({
      {"inPlace", {{"hold", "None"}}}
  });
  const ReconcileResult result = world.run("up");
  ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.message;
  EXPECT_EQ(world.stored(kFirst)["metadata"]["labels"]["app"], "another");
}

TEST(InPlace, DoesNotTakeACrdThatSomebodyMadeAnewForItsOwn) {
  InPlaceWorld world;
  world.create_in_place(kHeld);
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Waiting);
  Request removal;
  removal.verb = Verb::Delete;
  removal.resource = resources::kCrds;
  removal.key = {"", world::kPolicyCrd};
  ASSERT_TRUE(world.cluster.send(removal));
  world.clock.advance(std::chrono::seconds(60));
  for (const Json& crd : world::new_bundle_crds()) {
    if (key_of(crd).name == world::kPolicyCrd) {
      ASSERT_TRUE(create(world.cluster, resources::kCrds, crd));
    }
  }
  world.clock.advance(std::chrono::seconds(60));
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(result.reason, "CRDChanged") << result.message;
  world.roll_back();
  EXPECT_EQ(world.run("up").reason, "RolledBack");
  EXPECT_EQ(world.keys().size(), 4U) << "out of the backup";
}

TEST(InPlace, KeepsAnObjectWithAFinalizerThatIsBeingDeleted) {
  InPlaceWorld world;
  ASSERT_TRUE(merge_patch(world.cluster, world::kOldPolicies, kFirst,
                          {
                              {"metadata", {{"finalizers", {"example.com/wait"}}}}
  }));
  Request request;
  request.verb = Verb::Delete;
  request.resource = world::kOldPolicies;
  request.key = kFirst;
  ASSERT_TRUE(world.cluster.send(request));
  world.create_in_place();
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(world.stored(kFirst)["spec"].size(), 2U);
  EXPECT_EQ(world.stored(kFirst)["metadata"]["finalizers"], Json::array({"example.com/wait"}));
}

TEST(InPlace, IsStoppedBeforeTheFirstWriteByWhatTheNewShapeCannotHave) {
  InPlaceWorld world;
  Json foreign = world::policy("a", "foreign");
  foreign["spec"]["targetRef"]["namespace"] = "elsewhere";
  ASSERT_TRUE(create(world.cluster, world::kOldPolicies, foreign));
  world.cluster.forget_writes();
  world.create_in_place();
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("ForeignTargetNamespace"), std::string::npos) << result.message;
  EXPECT_EQ(world.crd()["spec"]["versions"].size(), 1U);
}

// Rollback: the same with the versions changed about.

class InPlaceRollback : public testing::TestWithParam<int> {};

TEST_P(InPlaceRollback, ReturnsTheOldBundleWithTheSameObjects) {
  InPlaceWorld world;
  std::map<ObjectKey, Json> specs;
  for (const ObjectKey& key : world.keys()) specs[key] = world.stored(key)["spec"];
  world.create_in_place();
  const int stage = GetParam();  // CRD writes after which the process dies
  int writes_of_crd = 0;
  world.cluster.before_call([&](const Request& request) {
    EXPECT_EQ(world.unserved(), std::vector<std::string>{});
    if (writes_of_crd == stage) throw CrashNow{};
    const bool writes_crd = is_write(request.verb) && !request.dry_run &&
                            request.subresource.empty() && request.key.name == world::kPolicyCrd;
    if (writes_crd) ++writes_of_crd;
  });
  EXPECT_THROW(world.run("up"), CrashNow);
  ASSERT_EQ(writes_of_crd, stage);
  world.cluster.before_call(
      [&](const Request&) { EXPECT_EQ(world.unserved(), std::vector<std::string>{}); });
  world.roll_back();
  const ReconcileResult result = world.run("up");
  ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_EQ(result.reason, "RolledBack");
  world.expect_same_objects();
  EXPECT_EQ(world.crd()["status"]["storedVersions"], Json::array({"v1alpha2"}));
  EXPECT_EQ(world.crd()["spec"]["versions"].size(), 1U);
  for (const auto& [key, spec] : specs) {
    EXPECT_EQ(world.stored(key)["spec"], spec) << key.display();
    EXPECT_EQ(string_at(world.stored(key), "apiVersion"), "gateway.networking.k8s.io/v1alpha2");
    const Json object = world.stored(key);
    for (const Json& entry : array_at(object, "metadata", "managedFields")) {
      EXPECT_NE(string_at(entry, "manager"), kFieldManager);
      EXPECT_EQ(string_at(entry, "apiVersion"), "gateway.networking.k8s.io/v1alpha2");
    }
  }
}

TEST(InPlaceAndBack, IsTheWorkOfOneProcessToo) {
  InPlaceWorld world;
  world.create_in_place();
  MigrationReconciler reconciler(world.cluster, world.clock, world.sources, {});
  for (int pass = 0; pass < 40; ++pass) ASSERT_TRUE(reconciler.reconcile("up"));
  ASSERT_EQ(world.condition("up", "Ready", "status"), "True");
  world.roll_back();
  for (int pass = 0; pass < 40; ++pass) ASSERT_TRUE(reconciler.reconcile("up"));
  EXPECT_EQ(world.condition("up", "Ready", "reason"), "RolledBack");
  EXPECT_EQ(string_at(world.stored(kFirst), "apiVersion"), "gateway.networking.k8s.io/v1alpha2");
  world.expect_same_objects();
}

TEST(InPlaceAndBack, IsTheWorkOfAnotherRunFromTheFirstBridgeToo) {
  InPlaceWorld world;
  const Json before = world.stored(kFirst)["spec"];
  world.create_in_place();
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        if (request.key.name != world::kPolicyCrd || request.dry_run) return false;
        const Json& versions = array_at(object, "spec", "versions");
        return std::ranges::any_of(versions, [](const Json& version) {
          return version.at("name") == "v1alpha3" && version.at("served") == true;
        });
      },
      "not yet");
  EXPECT_TRUE(world.run("up").stalled);
  ASSERT_TRUE(world.stored(kFirst)["spec"].contains("targetRefs"));
  world.cluster.policy().clear_admission();
  Request deletion;
  deletion.verb = Verb::Delete;
  deletion.resource = kMigrations;
  deletion.key = {"", "up"};
  ASSERT_TRUE(world.cluster.send(deletion));
  world.create_migration("down", {
                                     {"strategy", "InPlace"              },
                                     {"target",   {{"version", "v1.0.0"}}}
  });
  const ReconcileResult result = world.run("down");
  ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.message;
  const Json after = world.stored(kFirst);
  EXPECT_EQ(after["spec"], before);
  EXPECT_EQ(annotation_of(after, kProjectedAnnotation), "");
  for (const Json& entry : after["metadata"]["managedFields"]) {
    EXPECT_NE(string_at(entry, "manager"), kFieldManager);
  }
  world.expect_same_objects();
}

TEST(InPlace, IsNotFoughtOverWhereSomebodyPutsTheOldCrdBack) {
  InPlaceWorld world;
  const Json before = world.crd();
  world.create_in_place();
  bool is_put_back = false;
  world.cluster.before_call([&](const Request& request) {
    const bool projects = request.verb == Verb::MergePatch && !request.dry_run &&
                          request.resource.plural == "backendtlspolicies";
    if (!projects || is_put_back) return;
    is_put_back = true;
    Json crd = world.crd();
    crd["spec"] = before["spec"];
    ASSERT_TRUE(replace(world.cluster, resources::kCrds, crd));
  });
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(result.reason, "CRDReverted") << result.message;
  world.expect_same_objects();
}

std::string stage_name(const testing::TestParamInfo<int>& stage) {
  return "AfterCrdWrite" + std::to_string(stage.param);
}

INSTANTIATE_TEST_SUITE_P(Stages, InPlaceRollback, testing::Values(1, 2, 3, 4), stage_name);

}  // namespace
}  // namespace gatelift
