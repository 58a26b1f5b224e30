// SPDX-License-Identifier: Apache-2.0
// Backups: what was there before an upgrade touched it, kept in Secrets of our namespace, readable
// without us:
//   kubectl -n NAMESPACE get secret NAME -o jsonpath='{.data.documents\.yaml\.gz}' |
//     base64 -d | gunzip
// A backup is chunks and an index that is written last; chunks without an index are no backup.
// Nothing in it has an ownerReference, so that no deletion elsewhere cascades into it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "client/time.h"

namespace gatelift {

/// What a document in a backup is there for.
enum class BackupRole {
  Crd,        // a CustomResourceDefinition as it was
  Original,   // an object as it was, whole: status, managedFields and resourceVersion too
  Intended,   // the same object as it shall be after the upgrade
  Dependent,  // an object whose ownerReferences name an Original, as it was
  Policy,     // an admission policy, or a part of an admission webhook, as it was
};

struct BackupEntry {
  BackupRole role = BackupRole::Original;
  std::string crd;  // name of the CRD that the object belongs to; else of its collection
  std::string api_version;
  std::string kind;
  ObjectKey key;
  std::string uid;
  std::string resource_version;
  std::string creation_timestamp;
  std::string sha256;  // of the document's text
  int chunk = 0;
  std::size_t offset_bytes = 0;  // of the document in the chunk's text
  std::size_t size_bytes = 0;
};

struct BackupSummary {
  std::string ref;        // names the backup: the prefix of its Secrets
  std::string migration;  // the GatewayAPIMigration it was made for
  std::string digest;     // over all entries
  int objects = 0;        // entries of role Original
  std::size_t bytes = 0;  // compressed
  std::string created_at;
  std::string retain_until;  // "" while the migration is under way
};

/// A backup that was read back from the cluster and found equal to what was written. Only
/// BackupStore makes one, and every irreversible call of ours takes one: an unsafe order does not
/// compile.
class VerifiedBackup {
 public:
  const BackupSummary& summary() const { return summary_; }
  /// The resourceVersion of the index Secret that was verified.
  const std::string& index_version() const { return index_version_; }
  const std::vector<BackupEntry>& entries() const { return entries_; }

  /// The latest entry of an object in a role, or nullptr. A supplement's entry comes after the one
  /// it supersedes.
  const BackupEntry* entry(BackupRole role, const std::string& crd, const ObjectKey& key) const;

  /// True when this very state of the object (uid and resourceVersion) is held as Original.
  bool holds(const std::string& crd, const Json& object) const;

  /// One document. Inflates its chunk; the last chunk inflated is kept, so go in entry order.
  Result<Json> document(const BackupEntry& entry) const;

  /// The latest document of each object of a role and CRD, in backup order.
  Result<void> for_each(BackupRole role, const std::string& crd,
                        const std::function<Result<void>(const BackupEntry&, Json&&)>& visit) const;

 private:
  friend class BackupStore;
  VerifiedBackup() = default;
  static std::string latest_key(const BackupEntry& entry);

  BackupSummary summary_;
  std::string index_version_;
  std::vector<BackupEntry> entries_;
  std::vector<std::string> chunks_;            // compressed
  std::map<std::string, std::size_t> latest_;  // by object, the last of its entries
  mutable int inflated_chunk_ = -1;
  mutable std::string inflated_;
};

struct BackupChunk;

struct BackupItem {
  BackupRole role = BackupRole::Original;
  std::string crd;
  Json object;
};

/// How much goes into one Secret. The API server takes 1 MiB of data, and etcd requests of 1.5 MiB.
struct BackupLimits {
  std::size_t chunk_bytes = std::size_t{2} << 20;        // text; also what a writer keeps in memory
  std::size_t documents_bytes = std::size_t{600} << 10;  // the same, compressed
  std::size_t secret_bytes = std::size_t{1000} << 10;    // documents and their table, compressed
  std::size_t entries = 2000;
};

class BackupStore {
 public:
  BackupStore(Cluster& cluster, Clock& clock, std::string ns, BackupLimits limits = {});

  /// Collects items into chunks, in memory compressed only, and writes each chunk when it is full.
  class Writer {
   public:
    ~Writer();
    Writer(Writer&&) noexcept;
    Result<void> add(const BackupItem& item);
    /// Writes what is left and the index, reads everything back and compares. Error kind Internal
    /// where a read-back differs (naming the Secret); Forbidden where a quota refuses (naming the
    /// Secret and its size).
    Result<VerifiedBackup> finish();

   private:
    friend class BackupStore;
    struct State;
    explicit Writer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };

  /// Begins a backup. Chunks that an interrupted attempt at the same ref left behind are replaced.
  /// AlreadyExists where a backup of this ref is complete.
  Result<Writer> begin(const std::string& ref, const std::string& migration);

  /// Begins a supplement: further items for an existing backup. Its finish() writes the index anew,
  /// under its old resourceVersion, and verifies the whole.
  Result<Writer> supplement(const VerifiedBackup& backup);

  /// Reads a backup and verifies all of it. nullopt where there is no index of that name; Internal
  /// where a chunk is missing or differs from its digest, naming the Secret and both digests.
  Result<std::optional<VerifiedBackup>> open(const std::string& ref);

  Result<std::vector<BackupSummary>> list();
  Result<void> retain_until(const std::string& ref, Time until);
  /// Deletes a backup, index first.
  Result<void> remove(const std::string& ref);

 private:
  Result<void> read_chunk(const BackupChunk& chunk, VerifiedBackup& into);

  Cluster& cluster_;
  Clock& clock_;
  std::string ns_;
  BackupLimits limits_;
};

}  // namespace gatelift
