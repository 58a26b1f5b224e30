// SPDX-License-Identifier: Apache-2.0
// How a backup is written: documents gather in one chunk of text, which is compressed and written
// when it is full; the index follows when all chunks are there. Until then there is no backup.
#include <utility>

#include "client/yaml.h"
#include "reconcilers/backup/backup_secret.h"
#include "reconcilers/backup/backup_state.h"
#include "reconcilers/backup/gzip.h"
#include "reconcilers/bundle/digest.h"

namespace gatelift {
namespace {

BackupEntry entry_of(const BackupItem& item) {
  BackupEntry entry;
  entry.role = item.role;
  entry.crd = item.crd;
  entry.api_version = string_at(item.object, "apiVersion");
  entry.kind = kind_of(item.object);
  entry.key = key_of(item.object);
  entry.uid = uid_of(item.object);
  entry.resource_version = resource_version_of(item.object);
  entry.creation_timestamp = creation_timestamp_of(item.object);
  return entry;
}

std::string document_of(const BackupItem& item) {
  std::string text =
      item.role == BackupRole::Intended ? print_json(item.object) : print_yaml(item.object);
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

/// What goes before a document. Intended ones have the comment in the separator, so that they stay
/// one line.
std::string heading_of(const BackupEntry& entry) {
  const std::string name =
      std::string(to_string(entry.role)) + " " + display_name(entry.kind, entry.key);
  return entry.role == BackupRole::Intended ? "--- # " + name + "\n" : "---\n# " + name + "\n";
}

}  // namespace

BackupStore::Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
BackupStore::Writer::~Writer() = default;
BackupStore::Writer::Writer(Writer&&) noexcept = default;

Result<void> BackupStore::Writer::add(const BackupItem& item) { return state_->add(item); }

Result<VerifiedBackup> BackupStore::Writer::finish() {
  RETURN_IF_ERROR(state_->flush());
  RETURN_IF_ERROR(state_->write_index());
  const BackupIndex& index = state_->index;
  ASSIGN_OR_RETURN(std::optional<VerifiedBackup> backup, state_->store.open(index.ref));
  if (!backup || backup->summary().digest != index.digest()) {
    return fail(ErrorKind::Internal,
                "Secret/" + state_->store.ns_ + "/" + backup_secret::index_name(index.ref) +
                    (backup ? ": read back it is of another backup, " + backup->summary().digest +
                                  ", than was written, " + index.digest()
                            : ": it was written and is not there"));
  }
  return *std::move(backup);
}

Result<void> BackupStore::Writer::State::add(const BackupItem& item) {
  BackupEntry entry = entry_of(item);
  const std::string name = display_name(entry.kind, entry.key);
  if (entry.key.name.empty()) {
    return fail(ErrorKind::Internal, "backing up " + name + ": metadata.name is missing");
  }
  const std::string heading = heading_of(entry);
  const std::string document = document_of(item);
  const std::size_t size = text.size() + heading.size() + document.size();
  const bool is_full = size > store.limits_.chunk_bytes || pending.size() >= store.limits_.entries;
  if (is_full && !pending.empty()) RETURN_IF_ERROR(flush());
  text += heading;
  entry.offset_bytes = text.size();
  entry.size_bytes = document.size();
  entry.sha256 = sha256(document);
  text += document;
  count(entry);
  pending.push_back(std::move(entry));
  return {};
}

void BackupStore::Writer::State::count(const BackupEntry& entry) {
  if (entry.role == BackupRole::Original) originals.insert(entry.crd + "/" + entry.key.display());
}

Result<void> BackupStore::Writer::State::flush() {
  if (!pending.empty()) RETURN_IF_ERROR(write_portion(0, pending.size()));
  pending.clear();
  text.clear();
  return {};
}

/// Where the text of a pending entry begins, with its heading.
std::size_t BackupStore::Writer::State::begin_of(std::size_t entry) const {
  if (entry == 0) return 0;
  return pending[entry - 1].offset_bytes + pending[entry - 1].size_bytes;
}

/// Writes pending entries [first, last) as one chunk, or as several where they do not compress
/// well.
Result<void> BackupStore::Writer::State::write_portion(std::size_t first, std::size_t last) {
  const std::size_t begin = begin_of(first);
  const std::string_view portion = std::string_view(text).substr(begin, begin_of(last) - begin);
  const auto at = [&](std::size_t i) { return pending.begin() + static_cast<std::ptrdiff_t>(i); };
  std::vector<BackupEntry> entries(at(first), at(last));
  for (BackupEntry& entry : entries) entry.offset_bytes -= begin;
  const std::string table = print_json(entries_json(entries));
  const std::string documents_gz = gzip(portion);
  const std::string entries_gz = gzip(table);
  const std::size_t stored = documents_gz.size() + entries_gz.size();
  const BackupLimits& limits = store.limits_;
  if (documents_gz.size() > limits.documents_bytes || stored > limits.secret_bytes) {
    if (last - first > 1) {
      const std::size_t middle = first + (last - first) / 2;
      RETURN_IF_ERROR(write_portion(first, middle));
      return write_portion(middle, last);
    }
    if (stored > limits.secret_bytes) {
      return fail(ErrorKind::Invalid,
                  "backing up " + display_name(entries[0].kind, entries[0].key) + ": it takes " +
                      std::to_string(stored) + " bytes compressed, and a Secret holds " +
                      std::to_string(limits.secret_bytes));
    }
  }
  BackupChunk chunk;
  chunk.secret = backup_secret::chunk_name(index.ref, index.chunks.size());
  chunk.documents_sha256 = sha256(documents_gz);
  chunk.entries_sha256 = sha256(entries_gz);
  chunk.documents_bytes = portion.size();
  chunk.entries_bytes = table.size();
  chunk.stored_bytes = stored;
  return write_chunk(std::move(chunk), documents_gz, entries_gz);
}

Result<void> BackupStore::Writer::State::write_chunk(BackupChunk chunk,
                                                     const std::string& documents_gz,
                                                     const std::string& entries_gz) {
  Json secret =
      backup_secret::skeleton(store.ns_, chunk.secret, index.ref, index.migration, "chunk");
  secret["metadata"]["annotations"] = {
      {backup_secret::kSha256, chunk.documents_sha256}
  };
  secret["immutable"] = true;
  secret["data"] = {
      {backup_secret::kDocumentsKey, base64_encode(documents_gz)},
      {backup_secret::kEntriesKey,   base64_encode(entries_gz)  }
  };
  RETURN_IF_ERROR(backup_secret::create_or_replace_leftover(store.cluster_, secret, spared()));
  index.chunks.push_back(std::move(chunk));
  return {};
}

Result<void> BackupStore::Writer::State::write_index() {
  const std::string index_gz = gzip(print_json(index_json(index)));
  Json secret = backup_secret::skeleton(store.ns_, backup_secret::index_name(index.ref), index.ref,
                                        index.migration, "index");
  Json annotations{
      {backup_secret::kSha256,    sha256(index_gz)                    },
      {backup_secret::kRef,       index.ref                           },
      {backup_secret::kMigration, index.migration                     },
      {backup_secret::kDigest,    index.digest()                      },
      {backup_secret::kObjects,   std::to_string(originals.size())    },
      {backup_secret::kBytes,     std::to_string(index.stored_bytes())},
      {backup_secret::kCreatedAt, index.created_at                    },
  };
  if (!retain_until.empty()) annotations[backup_secret::kRetainUntil] = retain_until;
  secret["metadata"]["annotations"] = std::move(annotations);
  secret["data"] = {
      {backup_secret::kIndexKey, base64_encode(index_gz)}
  };
  if (index_version.empty()) {
    return backup_secret::create_index(store.cluster_, secret, spared());
  }
  secret["metadata"]["resourceVersion"] = index_version;
  auto replaced = replace(store.cluster_, resources::kSecrets, secret);
  if (!replaced) {
    return fail(backup_secret::explain_refusal(std::move(replaced).error(), secret, spared()));
  }
  return {};
}

std::string_view BackupStore::Writer::State::spared() const {
  return index_version.empty() ? "nothing of the cluster's was touched"
                               : "the objects that were to be added to the backup were not touched";
}

}  // namespace gatelift
