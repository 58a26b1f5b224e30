// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "client/yaml.h"
#include "reconcilers/backup/backup.h"
#include "reconcilers/backup/backup_index.h"
#include "reconcilers/backup/gzip.h"

namespace gatelift {
namespace {

/// More than a chunk ever has; its size was compared when it was read.
constexpr std::size_t kMaxChunkBytes = std::size_t{32} << 20;

std::string object_key(BackupRole role, const std::string& crd, const ObjectKey& key) {
  return std::string(to_string(role)) + "|" + crd + "|" + key.display() + "|";
}

}  // namespace

std::string VerifiedBackup::latest_key(const BackupEntry& entry) {
  // The kind counts for dependents only, whose names are of many kinds; its version never does.
  return object_key(entry.role, entry.crd, entry.key) + entry.kind + "." +
         group_of_api_version(entry.api_version);
}

const BackupEntry* VerifiedBackup::entry(BackupRole role, const std::string& crd,
                                         const ObjectKey& key) const {
  const std::string wanted = object_key(role, crd, key);
  const BackupEntry* found = nullptr;
  for (auto it = latest_.lower_bound(wanted); it != latest_.end(); ++it) {
    if (!it->first.starts_with(wanted)) break;
    const BackupEntry* candidate = &entries_[it->second];
    if (found == nullptr || candidate > found) found = candidate;
  }
  return found;
}

bool VerifiedBackup::holds(const std::string& crd, const Json& object) const {
  const BackupEntry* held = entry(BackupRole::Original, crd, key_of(object));
  return held != nullptr && !held->uid.empty() && !held->resource_version.empty() &&
         held->uid == uid_of(object) && held->resource_version == resource_version_of(object);
}

Result<Json> VerifiedBackup::document(const BackupEntry& entry) const {
  const std::string place = "backup " + summary_.ref + ", " + display_name(entry.kind, entry.key);
  const auto chunk = static_cast<std::size_t>(entry.chunk);
  if (entry.chunk < 0 || chunk >= chunks_.size()) {
    return fail(ErrorKind::Internal, place + ": an entry of another backup");
  }
  if (inflated_chunk_ != entry.chunk) {
    inflated_chunk_ = -1;
    auto inflated = gunzip(chunks_[chunk], kMaxChunkBytes);
    if (!inflated) return fail(wrap(std::move(inflated).error(), place));
    inflated_ = *std::move(inflated);
    inflated_chunk_ = entry.chunk;
  }
  if (entry.offset_bytes > inflated_.size() ||
      entry.size_bytes > inflated_.size() - entry.offset_bytes) {
    return fail(ErrorKind::Internal, place + ": an entry of another backup");
  }
  const std::string_view text =
      std::string_view(inflated_).substr(entry.offset_bytes, entry.size_bytes);
  if (entry.role == BackupRole::Intended) {
    auto json = parse_json(text);
    if (!json) return fail(wrap(std::move(json).error(), place));
    return json;
  }
  ASSIGN_OR_RETURN(std::vector<Json> documents, parse_yaml(text, place));
  if (documents.size() != 1) return fail(ErrorKind::Internal, place + ": not one document");
  return std::move(documents.front());
}

Result<void> VerifiedBackup::for_each(
    BackupRole role, const std::string& crd,
    const std::function<Result<void>(const BackupEntry&, Json&&)>& visit) const {
  for (const BackupEntry& entry : entries_) {
    if (entry.role != role || entry.crd != crd) continue;
    const auto latest = latest_.find(latest_key(entry));
    if (latest == latest_.end() || &entries_[latest->second] != &entry) continue;
    ASSIGN_OR_RETURN(Json object, document(entry));
    RETURN_IF_ERROR(visit(entry, std::move(object)));
  }
  return {};
}

}  // namespace gatelift
