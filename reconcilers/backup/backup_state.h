// SPDX-License-Identifier: Apache-2.0
// What a backup's writer holds while it writes: one chunk of text at most, and the table of it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/backup/backup.h"
#include "reconcilers/backup/backup_index.h"

namespace gatelift {

struct BackupStore::Writer::State {
  BackupStore store;
  BackupIndex index;                // chunks are in it when they are written
  std::string index_version;        // of the index that a supplement replaces; "" for a new backup
  std::string retain_until;         // kept by a supplement
  std::set<std::string> originals;  // objects of role Original, each once
  std::string text;                 // of the chunk that is being filled
  std::vector<BackupEntry> pending;

  Result<void> add(const BackupItem& item);
  Result<void> flush();
  Result<void> write_index();
  void count(const BackupEntry& entry);

 private:
  std::size_t begin_of(std::size_t entry) const;
  Result<void> write_portion(std::size_t first, std::size_t last);
  Result<void> write_chunk(BackupChunk chunk, const std::string& documents_gz,
                           const std::string& entries_gz);
  std::string_view spared() const;
};

}  // namespace gatelift
