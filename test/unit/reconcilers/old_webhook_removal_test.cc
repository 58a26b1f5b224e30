// SPDX-License-Identifier: Apache-2.0
// Removing the webhook of bundles before v1.0 in the course of a run.
#include <gtest/gtest.h>

#include "reconcilers/backup/backup.h"
#include "test/support/faulty_cluster.h"
#include "test/support/gateway_world.h"
#include "test/support/old_webhook.h"

namespace gatelift {
namespace {

class WebhookWorld : public GatewayWorld {
 public:
  WebhookWorld() {
    populate(2);
    install_old_webhook(cluster);
    cluster.forget_writes();
    create_migration("up", {
                               {"accept", Json::array({{{"check", "OldWebhook"},
                                                        {"object",
                                                         "ValidatingWebhookConfiguration/"
                                                         "gateway-api-admission"}}})}
    });
  }

  std::vector<std::string> left() {
    std::vector<std::string> names;
    for (const OldWebhookObject& object : old_webhook_objects(old_webhook_configuration())) {
      if (cluster.stored(object.resource, object.key)) names.push_back(object.kind);
    }
    return names;
  }
};

TEST(OldWebhookRemoval, TakesAwayAllOfItBeforeAnythingElse) {
  WebhookWorld world;
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_EQ(world.left(), std::vector<std::string>());
  std::vector<std::string> order;
  for (const WriteRecord& write : world.cluster.writes()) {
    if (write.dry_run || !write.succeeded()) continue;
    const bool is_crd = write.resource == resources::kCrds &&
                        write.key.name.ends_with(".gateway.networking.k8s.io");
    if (is_crd && (order.empty() || order.back() != "crd")) order.push_back("crd");
    const bool is_of_webhook = write.key.name.starts_with(kOldWebhook) && !is_crd;
    if (is_of_webhook) order.push_back(write.resource.plural);
  }
  const std::vector<std::string> expected = {"validatingwebhookconfigurations",
                                             "deployments",
                                             "services",
                                             "jobs",
                                             "jobs",
                                             "clusterrolebindings",
                                             "clusterroles",
                                             "rolebindings",
                                             "roles",
                                             "serviceaccounts",
                                             "secrets",
                                             "crd"};
  EXPECT_EQ(order, expected);
  EXPECT_TRUE(world.cluster.stored(resources::kNamespaces, {"", "gw"}));
}

TEST(OldWebhookRemoval, IsNotAskedByTheRehearsal) {
  WebhookWorld world;
  world.cluster.policy().deny_writes(
      [&world](const Request& request, const Json&) {
        return request.resource.plural == world::kRoutes.plural &&
               request.resource.group == world::kRoutes.group &&
               world.cluster.stored(resources::kValidatingWebhooks, {"", std::string(kOldWebhook)});
      },
      "nobody answers");
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
}

TEST(OldWebhookRemoval, HoldsAllOfItInTheBackup) {
  WebhookWorld world;
  world.run("up");
  BackupStore store(world.cluster, world.clock, "gatelift-system");
  const auto summaries = store.list().value();
  const VerifiedBackup backup = store.open(summaries.front().ref).value().value();
  const auto held = std::ranges::count_if(
      backup.entries(), [](const BackupEntry& entry) { return entry.role == BackupRole::Policy; });
  EXPECT_EQ(held, std::ssize(old_webhook_objects(old_webhook_configuration())));
}

TEST(OldWebhookRemoval, IsFinishedAfterADeathAtAnyOfItsWrites) {
  int first = 0;
  int last = 0;
  {
    WebhookWorld world;
    const std::size_t all = world.left().size();
    FaultyCluster counting(world.cluster);
    world.cluster.before_call([&](const Request&) {
      const std::size_t num = world.left().size();
      if (num == all) first = counting.num_writes();
      if (num > 0) last = counting.num_writes();
    });
    ASSERT_EQ(world.run_through(counting, "up").outcome, PassOutcome::Finished);
    ASSERT_GE(last - first, static_cast<int>(all) - 1);
  }
  for (int n = first; n <= last + 2; ++n) {  // also when it is gone, and that is not recorded
    SCOPED_TRACE("at write " + std::to_string(n));
    WebhookWorld world;
    FaultyCluster faulty(world.cluster);
    faulty.plan(Fault::CrashAfter, n);
    try {
      world.run_through(faulty, "up");
    } catch (const CrashNow&) {
    }
    const ReconcileResult result = world.run("up");
    ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
    ASSERT_EQ(world.left(), std::vector<std::string>());
  }
}

TEST(OldWebhookRemoval, IsSaidAndNotUndoneByARollback) {
  WebhookWorld world;
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "up"
  },
                          {{"metadata", {{"annotations", {{"gatelift.dev/rollback", "true"}}}}}}));
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(world.left(), std::vector<std::string>());
  bool said = false;
  const Json migration = world.migration("up");
  for (const Json& check : migration.at("status").at("plan").at("checks")) {
    said = said || check.at("check") == "OldWebhook";
  }
  EXPECT_TRUE(said);
}

}  // namespace
}  // namespace gatelift
