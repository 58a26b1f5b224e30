// SPDX-License-Identifier: Apache-2.0
// What a backup says about itself, as JSON. Each chunk carries the table of its own documents, and
// the index names the chunks with the digests of both: the index of ten thousand objects is as
// small as that of ten.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/backup/backup.h"

namespace gatelift {

std::string_view to_string(BackupRole role);

/// One chunk, as the index names it. Digests are of the compressed bytes, as they are in the
/// Secret.
struct BackupChunk {
  std::string secret;
  std::string documents_sha256;
  std::string entries_sha256;
  std::size_t documents_bytes = 0;  // inflated
  std::size_t entries_bytes = 0;    // inflated
  std::size_t stored_bytes = 0;     // both, compressed
};

struct BackupIndex {
  std::string ref;
  std::string migration;
  std::string created_at;
  std::vector<BackupChunk> chunks;

  /// Over the digests of all chunks, and so over every document and entry.
  std::string digest() const;
  std::size_t stored_bytes() const;
};

Json index_json(const BackupIndex& index);
/// Invalid, naming the field, where something is missing.
Result<BackupIndex> parse_index(const Json& json);

Json entries_json(const std::vector<BackupEntry>& entries);
/// Entries of the chunk with this number.
Result<std::vector<BackupEntry>> parse_entries(const Json& json, int chunk);

}  // namespace gatelift
