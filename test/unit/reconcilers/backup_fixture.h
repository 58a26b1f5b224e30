// SPDX-License-Identifier: Apache-2.0
// Objects to back up, and a cluster that breaks off at a chosen write.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/backup/backup.h"
#include "reconcilers/backup/gzip.h"
#include "test/support/fake_cluster.h"
#include "test/support/manual_clock.h"

namespace gatelift {

inline constexpr const char* kNs = "gatelift-system";
inline constexpr const char* kCrd = "backendtlspolicies.gateway.networking.k8s.io";

inline Json backup_object(int number, const std::string& resource_version = "7",
                          std::size_t padding_bytes = 0) {
  const std::string name = "policy-" + std::to_string(number);
  Json object{
      {"apiVersion", "gateway.networking.k8s.io/v1alpha2"                                 },
      {"kind",       "BackendTLSPolicy"                                                   },
      {"metadata",
       {{"name", name},
        {"namespace", "shop"},
        {"uid", "uid-" + name},
        {"resourceVersion", resource_version},
        {"creationTimestamp", "2024-01-01T00:00:00Z"},
        {"annotations", {{"note", "two\nlines: of \"text\"\n"}}}}                         },
      {"spec",       {{"targetRef", {{"group", ""}, {"kind", "Service"}, {"name", name}}}}}
  };
  if (padding_bytes != 0) object["spec"]["padding"] = std::string(padding_bytes, 'x');
  return object;
}

inline BackupItem original(Json object) { return {BackupRole::Original, kCrd, std::move(object)}; }

/// Passes calls on until the n-th write, which is not sent, or sent with its answer lost; from then
/// on nothing is sent, as after a crash.
class CrashingCluster : public Cluster {
 public:
  enum class At { BeforeWrite, AfterWrite };
  CrashingCluster(Cluster& cluster, int write, At at) : cluster_(cluster), left_(write), at_(at) {}

  Result<Json> send(const Request& request) override {
    if (crashed_) return lost();
    if (!is_write(request.verb) || left_-- > 0) return cluster_.send(request);
    crashed_ = true;
    if (at_ == At::AfterWrite) (void)cluster_.send(request);
    return lost();
  }
  Result<std::unique_ptr<Watch>> watch(const WatchRequest&) override {
    return fail(ErrorKind::Internal, "no watch is expected here");
  }
  bool crashed() const { return crashed_; }

 private:
  static tl::unexpected<Error> lost() { return fail(ErrorKind::Unavailable, "the process died"); }

  Cluster& cluster_;
  int left_;
  At at_;
  bool crashed_ = false;
};

class BackupTest : public testing::Test {
 protected:
  BackupTest() : cluster(clock), store(cluster, clock, kNs) { cluster.add_namespace(kNs); }

  /// Writes a backup of the items; fails the test where that is refused.
  VerifiedBackup write(const std::vector<BackupItem>& items, const std::string& ref = "b") {
    auto backup = try_write(store, items, ref);
    EXPECT_TRUE(backup.has_value()) << backup.error().message;
    return *std::move(backup);
  }

  /// A store of small chunks, so that few and small objects fill several.
  static BackupStore small_chunks(Cluster& in, Clock& clock) {
    return BackupStore(in, clock, kNs, {.chunk_bytes = 2000});
  }

  static Result<VerifiedBackup> try_write(BackupStore& into, const std::vector<BackupItem>& items,
                                          const std::string& ref = "b") {
    ASSIGN_OR_RETURN(BackupStore::Writer writer, into.begin(ref, "to-v1-1"));
    for (const BackupItem& item : items) RETURN_IF_ERROR(writer.add(item));
    return writer.finish();
  }

  VerifiedBackup add(const VerifiedBackup& backup, const std::vector<BackupItem>& items) {
    auto writer = store.supplement(backup);
    EXPECT_TRUE(writer.has_value()) << writer.error().message;
    for (const BackupItem& item : items) EXPECT_TRUE(writer->add(item).has_value());
    auto supplemented = writer->finish();
    EXPECT_TRUE(supplemented.has_value()) << supplemented.error().message;
    return *std::move(supplemented);
  }

  Json secret(const std::string& name) {
    auto found = get(cluster, resources::kSecrets, {kNs, name});
    EXPECT_TRUE(found.has_value()) << name;
    return found ? *std::move(found) : Json();
  }

  /// Puts other bytes under a data key, behind everybody's back.
  void tamper(const std::string& name, const std::string& key, const std::string& bytes) {
    Json changed = secret(name);
    changed["data"][key] = base64_encode(bytes);
    cluster.seed(resources::kSecrets, changed);
  }

  void remove(const std::string& name) {
    Request request;
    request.verb = Verb::Delete;
    request.resource = resources::kSecrets;
    request.key = {kNs, name};
    ASSERT_TRUE(cluster.send(request).has_value());
  }

  static std::string text_of(const Json& secret, const char* key) {
    return gunzip(base64_decode(secret["data"][key].get<std::string>()).value(), 64 << 20).value();
  }

  std::string open_error(const std::string& ref = "b") {
    auto backup = store.open(ref);
    EXPECT_FALSE(backup.has_value());
    if (backup) return "";
    EXPECT_EQ(backup.error().kind, ErrorKind::Internal) << backup.error().message;
    return backup.error().message;
  }

  ManualClock clock;
  FakeCluster cluster;
  BackupStore store;
};

}  // namespace gatelift
