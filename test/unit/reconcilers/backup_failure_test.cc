// SPDX-License-Identifier: Apache-2.0
// Crashes, tampering, refusals: a backup is whole and verified, or it is none.
#include <string>
#include <vector>

#include "reconcilers/bundle/digest.h"
#include "test/unit/reconcilers/backup_fixture.h"

namespace gatelift {
namespace {

using At = CrashingCluster::At;

/// Seven objects, of which a small chunk holds two.
std::vector<BackupItem> seven_objects() {
  std::vector<BackupItem> items;
  for (int i = 0; i < 7; ++i) items.push_back(original(backup_object(i, "7", 500)));
  return items;
}

bool names(const std::string& message, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (message.find(word) == std::string::npos) return false;
  }
  return true;
}

TEST_F(BackupTest, IsWholeOrNothingWhereverTheWriterDies) {
  const std::vector<BackupItem> items = seven_objects();
  for (const At at : {At::BeforeWrite, At::AfterWrite}) {
    bool completed = false;
    for (int write = 0; !completed; ++write) {
      SCOPED_TRACE(write);
      const std::string ref =
          "crash-" + std::to_string(static_cast<int>(at)) + "-" + std::to_string(write);
      CrashingCluster crashing(cluster, write, at);
      BackupStore dying = small_chunks(crashing, clock);
      completed = try_write(dying, items, ref).has_value();
      EXPECT_NE(completed, crashing.crashed());

      auto found = store.open(ref);
      ASSERT_TRUE(found.has_value()) << found.error().message;
      if (found->has_value()) {
        EXPECT_EQ((*found)->summary().objects, 7);
        continue;
      }
      BackupStore next = small_chunks(cluster, clock);
      const auto resumed = try_write(next, items, ref);
      ASSERT_TRUE(resumed.has_value()) << resumed.error().message;
      EXPECT_EQ(resumed->summary().objects, 7);
    }
  }
}

TEST_F(BackupTest, KeepsTheOldStateWhereverASupplementDies) {
  const std::vector<BackupItem> more = {original(backup_object(0, "8")),
                                        original(backup_object(9))};
  for (const At at : {At::BeforeWrite, At::AfterWrite}) {
    for (int write = 0; write < 2; ++write) {
      SCOPED_TRACE(write);
      const std::string ref =
          "more-" + std::to_string(static_cast<int>(at)) + "-" + std::to_string(write);
      VerifiedBackup backup = this->write({original(backup_object(0))}, ref);
      CrashingCluster crashing(cluster, write, at);
      BackupStore dying = small_chunks(crashing, clock);
      auto writer = dying.supplement(backup);
      ASSERT_TRUE(writer.has_value());
      for (const BackupItem& item : more) ASSERT_TRUE(writer->add(item).has_value());
      EXPECT_FALSE(writer->finish().has_value());

      auto found = store.open(ref);
      ASSERT_TRUE(found.has_value() && found->has_value());
      if (!(*found)->holds(kCrd, more[0].object)) {
        EXPECT_TRUE((*found)->holds(kCrd, backup_object(0)));
        EXPECT_EQ(add(**found, more).summary().objects, 2);
      }
    }
  }
}

TEST_F(BackupTest, ReplacesLeftoversThatDifferAndKeepsThoseThatDoNot) {
  std::vector<BackupItem> items = seven_objects();
  CrashingCluster crashing(cluster, 3, At::BeforeWrite);
  BackupStore dying = small_chunks(crashing, clock);
  ASSERT_FALSE(try_write(dying, items).has_value());
  const std::string kept = uid_of(secret("b-0"));
  const std::string replaced = uid_of(secret("b-2"));
  items[5].object["spec"]["changed"] = "since";  // in the third chunk
  BackupStore next = small_chunks(cluster, clock);
  const VerifiedBackup backup = try_write(next, items).value();
  EXPECT_EQ(uid_of(secret("b-0")), kept);
  EXPECT_NE(uid_of(secret("b-2")), replaced);
  EXPECT_EQ(backup.document(backup.entries()[5]).value(), items[5].object);
}

TEST_F(BackupTest, NeverTouchesASecretThatIsNotItsOwn) {
  const Json foreign{
      {"apiVersion", "v1"                                 },
      {"kind",       "Secret"                             },
      {"type",       "Opaque"                             },
      {"metadata",   {{"name", "b-0"}, {"namespace", kNs}}},
      {"data",       {{"password", "c2VjcmV0"}}           }
  };
  ASSERT_TRUE(create(cluster, resources::kSecrets, foreign).has_value());
  const auto backup = try_write(store, {original(backup_object(1))});
  ASSERT_FALSE(backup.has_value());
  EXPECT_EQ(backup.error().kind, ErrorKind::Invalid);
  EXPECT_TRUE(names(backup.error().message, {"Secret/gatelift-system/b-0", "rename or delete"}));
  EXPECT_EQ(secret("b-0")["data"], foreign["data"]);
}

TEST_F(BackupTest, IsNotBegunAnewOnceItIsComplete) {
  write({original(backup_object(1))});
  EXPECT_EQ(store.begin("b", "to-v1-1").error().kind, ErrorKind::AlreadyExists);
}

TEST_F(BackupTest, DoesNotTakeTheIndexOfAnotherWriterForItsOwn) {
  auto slow = store.begin("b", "to-v1-1");
  ASSERT_TRUE(slow->add(original(backup_object(1))).has_value());
  write({original(backup_object(2))});
  const auto finished = slow->finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().kind, ErrorKind::Conflict);
}

TEST_F(BackupTest, IsNoneWithoutItsIndex) {
  write({original(backup_object(1))});
  remove("b-index");
  const auto found = store.open("b");
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->has_value());
  EXPECT_TRUE(store.list()->empty());
}

TEST_F(BackupTest, NamesAMissingChunk) {
  BackupStore small = small_chunks(cluster, clock);
  ASSERT_TRUE(try_write(small, seven_objects()).has_value());
  remove("b-1");
  EXPECT_TRUE(names(open_error(), {"Secret/gatelift-system/b-1", "is missing", "sha256:"}));
}

TEST_F(BackupTest, NamesATamperedChunkAndBothDigests) {
  BackupStore small = small_chunks(cluster, clock);
  ASSERT_TRUE(try_write(small, seven_objects()).has_value());
  const std::string was = annotation_of(secret("b-2"), "gatelift.dev/sha256");
  tamper("b-2", "documents.yaml.gz", gzip("other"));
  const std::string message = open_error();
  EXPECT_TRUE(names(
      message, {"Secret/gatelift-system/b-2", "documents.yaml.gz", was, sha256(gzip("other"))}))
      << message;
}

TEST_F(BackupTest, NamesAChunkWithoutItsTableOrWithAnother) {
  write({original(backup_object(1))});
  const Json whole = secret("b-0");
  tamper("b-0", "entries.json.gz", gzip("[]"));
  EXPECT_TRUE(names(open_error(), {"Secret/gatelift-system/b-0", "entries.json.gz"}));
  Json without = whole;
  without["data"].erase("entries.json.gz");
  cluster.seed(resources::kSecrets, without);
  EXPECT_TRUE(names(open_error(), {"Secret/gatelift-system/b-0", "entries.json.gz is missing"}));
  Json no_base64 = whole;
  no_base64["data"]["documents.yaml.gz"] = "!!!!";
  cluster.seed(resources::kSecrets, no_base64);
  EXPECT_TRUE(names(open_error(), {"Secret/gatelift-system/b-0", "base64"}));
}

TEST_F(BackupTest, NamesATamperedIndex) {
  write({original(backup_object(1))});
  tamper("b-index", "index.json.gz", gzip("{}"));
  EXPECT_TRUE(names(open_error(), {"Secret/gatelift-system/b-index", "index.json.gz"}));
}

TEST_F(BackupTest, DoesNotTakeAnotherBackupsIndexForItsOwn) {
  write({original(backup_object(1))}, "a");
  Json copy = secret("a-index");
  copy["metadata"]["name"] = "b-index";
  cluster.seed(resources::kSecrets, copy);
  EXPECT_TRUE(names(open_error(), {"Secret/gatelift-system/b-index", "of backup a, not of b"}));
}

TEST_F(BackupTest, FailsWhereWhatWasWrittenIsNotWhatIsRead) {
  cluster.before_call([&](const Request& request) {
    if (request.verb == Verb::Create && request.body["metadata"]["name"] == "b-index") {
      tamper("b-0", "documents.yaml.gz", gzip("other"));
    }
  });
  const auto backup = try_write(store, {original(backup_object(1))});
  ASSERT_FALSE(backup.has_value());
  EXPECT_EQ(backup.error().kind, ErrorKind::Internal);
  EXPECT_TRUE(names(backup.error().message, {"Secret/gatelift-system/b-0"}));
}

TEST_F(BackupTest, SaysWhichSecretAQuotaRefusedItsSizeAndThatNothingWasTouched) {
  cluster.policy().set_quota({"", "secrets"}, 1);
  BackupStore small = small_chunks(cluster, clock);
  const auto backup = try_write(small, seven_objects());
  ASSERT_FALSE(backup.has_value());
  EXPECT_EQ(backup.error().kind, ErrorKind::Forbidden);
  EXPECT_TRUE(
      names(backup.error().message, {"Secret/gatelift-system/b-1", " bytes)", "exceeded quota",
                                     "nothing of the cluster's was touched", "raise the quota"}))
      << backup.error().message;
  EXPECT_FALSE(store.open("b")->has_value());
  cluster.policy().remove_quota({"", "secrets"});
  EXPECT_EQ(write(seven_objects()).summary().objects, 7);
}

TEST_F(BackupTest, PassesOnThatTheClusterCannotBeRead) {
  write({original(backup_object(1))});
  cluster.policy().deny("get", "", "secrets");
  EXPECT_EQ(store.open("b").error().kind, ErrorKind::Forbidden);
  EXPECT_EQ(store.begin("c", "m").error().kind, ErrorKind::Forbidden);
}

}  // namespace
}  // namespace gatelift
