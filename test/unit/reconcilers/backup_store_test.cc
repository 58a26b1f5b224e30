// SPDX-License-Identifier: Apache-2.0
// What a backup holds, how it looks from outside, and what becomes of it.
#include <random>
#include <string>
#include <vector>

#include "client/yaml.h"
#include "test/unit/reconcilers/backup_fixture.h"

namespace gatelift {
namespace {

std::vector<std::string> secret_names(FakeCluster& cluster) {
  std::vector<std::string> names;
  for (const ObjectKey& key : cluster.stored_keys(resources::kSecrets)) names.push_back(key.name);
  return names;
}

TEST_F(BackupTest, ReturnsEveryDocumentAsItWas) {
  Json crd{
      {"apiVersion", "apiextensions.k8s.io/v1"                                                    },
      {"kind",       "CustomResourceDefinition"                                                   },
      {"metadata",   {{"name", kCrd}}                                                             },
      {"spec",       {{"number", 1.5}, {"text", "yes"}, {"empty", Json::object()}, {"n", nullptr}}}
  };
  const std::vector<BackupItem> items = {
      {BackupRole::Crd,      kCrd, crd               },
      original(backup_object(1)),
      {BackupRole::Intended, kCrd, backup_object(1,    "")},
      {BackupRole::Dependent,                    "",    backup_object(2)},
  };
  const VerifiedBackup backup = write(items);
  ASSERT_EQ(backup.entries().size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(backup.entries()[i].role, items[i].role);
    EXPECT_EQ(backup.document(backup.entries()[i]).value(), items[i].object);
  }
  EXPECT_EQ(backup.summary().objects, 1);
  const BackupEntry& entry = backup.entries()[1];
  EXPECT_EQ(entry.key.display(), "shop/policy-1");
  EXPECT_EQ(entry.uid, "uid-policy-1");
  EXPECT_EQ(entry.resource_version, "7");
  EXPECT_EQ(entry.creation_timestamp, "2024-01-01T00:00:00Z");
  EXPECT_EQ(entry.crd, kCrd);
}

TEST_F(BackupTest, OpensAsWhatWasWritten) {
  const VerifiedBackup written = write({original(backup_object(1)), original(backup_object(2))});
  const auto opened = store.open("b");
  ASSERT_TRUE(opened.has_value() && opened->has_value());
  EXPECT_EQ((*opened)->summary().digest, written.summary().digest);
  EXPECT_EQ((*opened)->summary().objects, 2);
  EXPECT_EQ((*opened)->summary().migration, "to-v1-1");
  EXPECT_EQ((*opened)->index_version(), written.index_version());
  EXPECT_FALSE(written.index_version().empty());
}

TEST_F(BackupTest, IsReadWithGunzipAndAYamlReaderAlone) {
  const Json object = backup_object(1);
  const Json intended = backup_object(1, "");
  write({
      original(object), {BackupRole::Intended, kCrd, intended}
  });
  const std::string text = text_of(secret("b-0"), "documents.yaml.gz");
  EXPECT_EQ(parse_yaml(text, "chunk").value(), (std::vector<Json>{object, intended}));
  EXPECT_TRUE(text.starts_with("---\n# Original BackendTLSPolicy/shop/policy-1\napiVersion:"))
      << text;
  const std::string line =
      "--- # Intended BackendTLSPolicy/shop/policy-1\n" + print_json(intended) + "\n";
  EXPECT_TRUE(text.ends_with(line)) << text;
}

TEST_F(BackupTest, LabelsItsSecretsAndGivesThemNoOwner) {
  write({original(backup_object(1))});
  for (const char* name : {"b-0", "b-index"}) {
    const Json part = secret(name);
    EXPECT_EQ(part["type"], "gatelift.dev/backup");
    EXPECT_EQ(label_of(part, "app.kubernetes.io/managed-by"), "gatelift");
    EXPECT_EQ(label_of(part, "gatelift.dev/backup"), "b");
    EXPECT_EQ(label_of(part, "gatelift.dev/migration"), "to-v1-1");
    EXPECT_EQ(annotation_of(part, "gatelift.dev/sha256").substr(0, 7), "sha256:");
    EXPECT_FALSE(part["metadata"].contains("ownerReferences"));
  }
  EXPECT_TRUE(secret("b-0").value("immutable", false));
}

TEST_F(BackupTest, OfNothingIsABackupToo) {
  EXPECT_EQ(write({}).entries().size(), 0U);
  EXPECT_TRUE(store.open("b")->has_value());
}

TEST_F(BackupTest, SpreadsManyObjectsOverChunksThatASecretCanHold) {
  std::vector<BackupItem> items;
  for (int i = 0; i < 3000; ++i) items.push_back(original(backup_object(i, "7", 500)));
  const VerifiedBackup backup = write(items);
  EXPECT_EQ(backup.summary().objects, 3000);
  EXPECT_GE(backup.entries().back().chunk, 1);
  for (int chunk = 0; chunk <= backup.entries().back().chunk; ++chunk) {
    const Json part = secret("b-" + std::to_string(chunk));
    EXPECT_LE(text_of(part, "documents.yaml.gz").size(), std::size_t{2} << 20);
  }
  int next = 0;
  auto visited = backup.for_each(BackupRole::Original, kCrd,
                                 [&](const BackupEntry&, Json&& object) -> Result<void> {
                                   EXPECT_EQ(object, items[static_cast<std::size_t>(next)].object);
                                   ++next;
                                   return {};
                                 });
  EXPECT_TRUE(visited.has_value());
  EXPECT_EQ(next, 3000);
}

/// An object whose text hardly gets smaller.
Json noisy_object(int number, std::size_t bytes) {
  std::mt19937 random(static_cast<unsigned>(number));
  std::string noise(bytes, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  Json object = backup_object(number);
  object["spec"]["blob"] = base64_encode(noise);
  return object;
}

TEST_F(BackupTest, KeepsSecretsSmallWhereDocumentsDoNotCompress) {
  BackupStore small(cluster, clock, kNs, {.chunk_bytes = 40'000, .documents_bytes = 12'000});
  std::vector<BackupItem> items;
  for (int i = 0; i < 40; ++i) items.push_back(original(noisy_object(i, 1000)));
  const VerifiedBackup backup = try_write(small, items).value();
  EXPECT_GE(backup.entries().back().chunk, 3);
  for (int chunk = 0; chunk <= backup.entries().back().chunk; ++chunk) {
    const Json part = secret("b-" + std::to_string(chunk));
    const std::string data = part["data"]["documents.yaml.gz"].get<std::string>();
    EXPECT_LE(base64_decode(data)->size(), 12'000U);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(backup.document(backup.entries()[i]).value(), items[i].object);
  }
}

TEST_F(BackupTest, NamesAnObjectThatNoSecretCanHold) {
  BackupStore small(cluster, clock, kNs, {.secret_bytes = 10'000});
  ASSERT_TRUE(try_write(small, {original(noisy_object(1, 8'000))}, "fits").has_value());
  const auto backup = try_write(small, {original(noisy_object(1, 10'000))});
  ASSERT_FALSE(backup.has_value());
  EXPECT_EQ(backup.error().kind, ErrorKind::Invalid);
  EXPECT_NE(backup.error().message.find("BackendTLSPolicy/shop/policy-1"), std::string::npos);
}

TEST_F(BackupTest, HoldsExactlyTheStateThatWasBackedUp) {
  const VerifiedBackup backup = write({original(backup_object(1))});
  Json object = backup_object(1);
  EXPECT_TRUE(backup.holds(kCrd, object));
  EXPECT_FALSE(backup.holds("other.example.com", object));
  EXPECT_FALSE(backup.holds(kCrd, backup_object(1, "8")));
  object["metadata"]["uid"] = "another";
  EXPECT_FALSE(backup.holds(kCrd, object));
  EXPECT_FALSE(backup.holds(kCrd, backup_object(2)));
}

TEST_F(BackupTest, TellsDependentsOfOneNameApartByKind) {
  Json other = backup_object(1);
  other["kind"] = "ConfigMap";
  const VerifiedBackup backup = write({
      {BackupRole::Dependent, "", backup_object(1)},
      {BackupRole::Dependent, "", other           }
  });
  std::vector<std::string> kinds;
  ASSERT_TRUE(backup
                  .for_each(BackupRole::Dependent, "",
                            [&](const BackupEntry& entry, Json&&) -> Result<void> {
                              kinds.push_back(entry.kind);
                              return {};
                            })
                  .has_value());
  EXPECT_EQ(kinds, (std::vector<std::string>{"BackendTLSPolicy", "ConfigMap"}));
}

TEST_F(BackupTest, StopsWalkingAtTheVisitorsError) {
  const VerifiedBackup backup = write({original(backup_object(1)), original(backup_object(2))});
  int seen = 0;
  const auto visited =
      backup.for_each(BackupRole::Original, kCrd, [&](const BackupEntry&, Json&&) -> Result<void> {
        ++seen;
        return fail(ErrorKind::Cancelled, "enough");
      });
  EXPECT_EQ(visited.error().message, "enough");
  EXPECT_EQ(seen, 1);
}

TEST_F(BackupTest, SupplementSupersedesAndAdds) {
  VerifiedBackup backup = write({original(backup_object(1)), original(backup_object(2))});
  const std::string digest = backup.summary().digest;
  Json changed = backup_object(1, "9");
  changed["spec"]["extra"] = true;
  backup = add(backup, {original(changed), original(backup_object(3))});
  EXPECT_NE(backup.summary().digest, digest);
  EXPECT_EQ(backup.summary().objects, 3);
  EXPECT_EQ(
      backup.document(*backup.entry(BackupRole::Original, kCrd, {"shop", "policy-1"})).value(),
      changed);
  EXPECT_TRUE(backup.holds(kCrd, changed));
  EXPECT_FALSE(backup.holds(kCrd, backup_object(1)));
  std::vector<std::string> visited;
  ASSERT_TRUE(backup
                  .for_each(BackupRole::Original, kCrd,
                            [&](const BackupEntry& entry, Json&&) -> Result<void> {
                              visited.push_back(entry.key.name);
                              return {};
                            })
                  .has_value());
  EXPECT_EQ(visited, (std::vector<std::string>{"policy-2", "policy-1", "policy-3"}));
  EXPECT_EQ(store.open("b").value()->summary().digest, backup.summary().digest);
}

TEST_F(BackupTest, SupplementRefusesABackupThatHasChangedSince) {
  const VerifiedBackup stale = write({original(backup_object(1))});
  add(stale, {original(backup_object(2))});
  EXPECT_EQ(store.supplement(stale).error().kind, ErrorKind::Conflict);
}

TEST_F(BackupTest, SupplementLosesToOneThatFinishedFirst) {
  const VerifiedBackup backup = write({original(backup_object(1))});
  auto slow = store.supplement(backup);
  ASSERT_TRUE(slow.has_value());
  ASSERT_TRUE(slow->add(original(backup_object(2))).has_value());
  ASSERT_TRUE(store.retain_until("b", clock.now()).has_value());
  EXPECT_EQ(slow->finish().error().kind, ErrorKind::Conflict);
  EXPECT_EQ(store.open("b").value()->summary().objects, 1);
}

TEST_F(BackupTest, ListsSummariesWithoutReadingAnySecretsData) {
  write({original(backup_object(1)), original(backup_object(2))}, "second");
  const VerifiedBackup backup = write({original(backup_object(1))}, "first");
  bool saw_data = false;
  cluster.before_call([&](const Request& request) { saw_data |= !request.metadata_only; });
  const auto summaries = store.list();
  ASSERT_TRUE(summaries.has_value()) << summaries.error().message;
  EXPECT_FALSE(saw_data);
  ASSERT_EQ(summaries->size(), 2U);
  const BackupSummary& first = summaries->front();
  EXPECT_EQ(first.ref, "first");
  EXPECT_EQ(first.migration, "to-v1-1");
  EXPECT_EQ(first.digest, backup.summary().digest);
  EXPECT_EQ(first.objects, 1);
  EXPECT_EQ(first.bytes, backup.summary().bytes);
  EXPECT_GT(first.bytes, 0U);
  EXPECT_EQ(first.created_at, "2024-01-01T00:00:00Z");
  EXPECT_EQ(first.retain_until, "");
}

TEST_F(BackupTest, RetentionIsWrittenAndSurvivesASupplement) {
  write({original(backup_object(1))});
  ASSERT_TRUE(store.retain_until("b", clock.now() + std::chrono::hours(24)).has_value());
  VerifiedBackup backup = *store.open("b").value();
  EXPECT_EQ(backup.summary().retain_until, "2024-01-02T00:00:00Z");
  backup = add(backup, {original(backup_object(2))});
  EXPECT_EQ(backup.summary().retain_until, "2024-01-02T00:00:00Z");
  EXPECT_EQ(store.list()->front().retain_until, "2024-01-02T00:00:00Z");
  EXPECT_EQ(store.retain_until("none", clock.now()).error().kind, ErrorKind::NotFound);
}

TEST_F(BackupTest, RemovesItsOwnSecretsIndexFirstAndNoOthers) {
  write({original(backup_object(1))}, "b");
  write({original(backup_object(1))}, "b-0");  // its names begin like those of b
  cluster.forget_writes();
  ASSERT_TRUE(store.remove("b").has_value());
  EXPECT_EQ(cluster.writes().front().key.name, "b-index");
  EXPECT_EQ(secret_names(cluster), (std::vector<std::string>{"b-0-0", "b-0-index"}));
  EXPECT_TRUE(store.remove("b").has_value()) << "removing what is gone succeeds";
}

TEST_F(BackupTest, MakesValidNamesAndLabelsOfTheLongestRef) {
  const std::string ref = std::string(120, 'm') + "." + std::string(132, 'n');
  const VerifiedBackup backup = write({original(backup_object(1))}, ref);
  EXPECT_EQ(backup.summary().ref, ref);
  EXPECT_TRUE(store.open(ref)->has_value());
  const std::string other = ref.substr(0, 252) + "o";
  EXPECT_FALSE(store.open(other)->has_value()) << "shortened names are told apart";
  for (const std::string& name : secret_names(cluster)) {
    EXPECT_LE(name.size(), 253U);
    const Json labels = secret(name)["metadata"]["labels"];
    for (const auto& [label, value] : labels.items()) {
      EXPECT_LE(value.get<std::string>().size(), 63U) << label;
    }
  }
  EXPECT_EQ(store.list()->front().ref, ref);
  ASSERT_TRUE(store.remove(ref).has_value());
  EXPECT_TRUE(secret_names(cluster).empty());
}

TEST_F(BackupTest, RefusesARefThatIsNoName) {
  for (const char* ref : {"", "Upper", "a/b", "a b", "-a", "a-", "a..b", "a.-b", "a-.b"}) {
    EXPECT_EQ(store.begin(ref, "m").error().kind, ErrorKind::Invalid) << ref;
  }
}

}  // namespace
}  // namespace gatelift
