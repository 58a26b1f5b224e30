// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/backup/backup_index.h"

#include <array>
#include <utility>

#include "reconcilers/bundle/digest.h"

namespace gatelift {
namespace {

/// Read by people and by later releases: a change of meaning needs another number.
constexpr int kFormat = 1;

constexpr std::array<std::pair<BackupRole, std::string_view>, 5> kRoles{
    {
     {BackupRole::Crd, "Crd"},
     {BackupRole::Original, "Original"},
     {BackupRole::Intended, "Intended"},
     {BackupRole::Dependent, "Dependent"},
     {BackupRole::Policy, "Policy"},
     }
};

tl::unexpected<Error> missing(const std::string& field) {
  return fail(ErrorKind::Invalid, field + " is missing or of another type");
}

/// The number at a field; -1 where there is none.
std::int64_t number_at(const Json& json, const char* field) { return int_at(json, -1, field); }

Result<BackupChunk> parse_chunk(const Json& json, const std::string& path) {
  BackupChunk chunk;
  chunk.secret = string_at(json, "secret");
  chunk.documents_sha256 = string_at(json, "documentsSha256");
  chunk.entries_sha256 = string_at(json, "entriesSha256");
  if (chunk.secret.empty()) return missing(path + ".secret");
  if (chunk.documents_sha256.empty()) return missing(path + ".documentsSha256");
  if (chunk.entries_sha256.empty()) return missing(path + ".entriesSha256");
  const std::pair<const char*, std::size_t*> sizes[] = {
      {"documentsBytes", &chunk.documents_bytes},
      {"entriesBytes",   &chunk.entries_bytes  },
      {"storedBytes",    &chunk.stored_bytes   },
  };
  for (const auto& [field, size] : sizes) {
    const std::int64_t value = number_at(json, field);
    if (value < 0) return missing(path + "." + field);
    *size = static_cast<std::size_t>(value);
  }
  return chunk;
}

Json entry_json(const BackupEntry& entry) {
  Json json{
      {"role",       to_string(entry.role)},
      {"apiVersion", entry.api_version    },
      {"kind",       entry.kind           },
      {"name",       entry.key.name       },
      {"sha256",     entry.sha256         },
      {"offset",     entry.offset_bytes   },
      {"size",       entry.size_bytes     },
  };
  const std::pair<const char*, const std::string*> optional[] = {
      {"crd",               &entry.crd               },
      {"namespace",         &entry.key.ns            },
      {"uid",               &entry.uid               },
      {"resourceVersion",   &entry.resource_version  },
      {"creationTimestamp", &entry.creation_timestamp},
  };
  for (const auto& [field, value] : optional) {
    if (!value->empty()) json[field] = *value;
  }
  return json;
}

Result<BackupEntry> parse_entry(const Json& json, const std::string& path) {
  BackupEntry entry;
  const std::string role = string_at(json, "role");
  bool is_known = false;
  for (const auto& [value, text] : kRoles) {
    if (text != role) continue;
    entry.role = value;
    is_known = true;
  }
  if (!is_known) return missing(path + ".role");
  entry.crd = string_at(json, "crd");
  entry.api_version = string_at(json, "apiVersion");
  entry.kind = string_at(json, "kind");
  entry.key = {string_at(json, "namespace"), string_at(json, "name")};
  entry.uid = string_at(json, "uid");
  entry.resource_version = string_at(json, "resourceVersion");
  entry.creation_timestamp = string_at(json, "creationTimestamp");
  entry.sha256 = string_at(json, "sha256");
  const std::int64_t offset = number_at(json, "offset");
  const std::int64_t size = number_at(json, "size");
  if (entry.key.name.empty()) return missing(path + ".name");
  if (entry.sha256.empty()) return missing(path + ".sha256");
  if (offset < 0) return missing(path + ".offset");
  if (size < 0) return missing(path + ".size");
  entry.offset_bytes = static_cast<std::size_t>(offset);
  entry.size_bytes = static_cast<std::size_t>(size);
  return entry;
}

}  // namespace

std::string_view to_string(BackupRole role) {
  for (const auto& [value, text] : kRoles) {
    if (value == role) return text;
  }
  return "";
}

std::string BackupIndex::digest() const {
  std::string lines;
  for (const BackupChunk& chunk : chunks) {
    lines += chunk.documents_sha256 + " " + chunk.entries_sha256 + "\n";
  }
  return sha256(lines);
}

std::size_t BackupIndex::stored_bytes() const {
  std::size_t bytes = 0;
  for (const BackupChunk& chunk : chunks) bytes += chunk.stored_bytes;
  return bytes;
}

Json index_json(const BackupIndex& index) {
  Json json{
      {"format",    kFormat         },
      {"backup",    index.ref       },
      {"migration", index.migration },
      {"createdAt", index.created_at},
      {"chunks",    Json::array()   }
  };
  for (const BackupChunk& chunk : index.chunks) {
    json["chunks"].push_back({
        {"secret",          chunk.secret          },
        {"documentsSha256", chunk.documents_sha256},
        {"entriesSha256",   chunk.entries_sha256  },
        {"documentsBytes",  chunk.documents_bytes },
        {"entriesBytes",    chunk.entries_bytes   },
        {"storedBytes",     chunk.stored_bytes    }
    });
  }
  return json;
}

Result<BackupIndex> parse_index(const Json& json) {
  const std::int64_t format = number_at(json, "format");
  if (format != kFormat) {
    return fail(ErrorKind::Invalid, "format is " + std::to_string(format) + ", and " +
                                        std::to_string(kFormat) + " is what can be read here");
  }
  BackupIndex index;
  index.ref = string_at(json, "backup");
  index.migration = string_at(json, "migration");
  index.created_at = string_at(json, "createdAt");
  if (index.ref.empty()) return missing("backup");
  const Json* chunks = find(json, "chunks");
  if (chunks == nullptr || !chunks->is_array()) return missing("chunks");
  for (const Json& chunk : *chunks) {
    const std::string path = "chunks[" + std::to_string(index.chunks.size()) + "]";
    ASSIGN_OR_RETURN(BackupChunk parsed, parse_chunk(chunk, path));
    index.chunks.push_back(std::move(parsed));
  }
  return index;
}

Json entries_json(const std::vector<BackupEntry>& entries) {
  Json json = Json::array();
  for (const BackupEntry& entry : entries) json.push_back(entry_json(entry));
  return json;
}

Result<std::vector<BackupEntry>> parse_entries(const Json& json, int chunk) {
  if (!json.is_array()) return missing("the list of entries");
  std::vector<BackupEntry> entries;
  entries.reserve(json.size());
  for (const Json& entry : json) {
    const std::string path = "[" + std::to_string(entries.size()) + "]";
    ASSIGN_OR_RETURN(BackupEntry parsed, parse_entry(entry, path));
    parsed.chunk = chunk;
    entries.push_back(std::move(parsed));
  }
  return entries;
}

}  // namespace gatelift
