// SPDX-License-Identifier: Apache-2.0
// The Secrets that a backup consists of: their names, labels and keys, and how they are written and
// read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client/cluster.h"

namespace gatelift::backup_secret {

inline constexpr const char* kType = "gatelift.dev/backup";

inline constexpr const char* kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr const char* kManagedBy = "gatelift";
inline constexpr const char* kBackupLabel = "gatelift.dev/backup";
inline constexpr const char* kMigrationLabel = "gatelift.dev/migration";
inline constexpr const char* kPartLabel = "gatelift.dev/backup-part";  // "chunk" or "index"

inline constexpr const char* kSha256 = "gatelift.dev/sha256";  // of the first data key below

// Of the index: its summary, so that listing backups needs metadata only.
inline constexpr const char* kRef = "gatelift.dev/backup-ref";
inline constexpr const char* kMigration = "gatelift.dev/migration-name";
inline constexpr const char* kDigest = "gatelift.dev/digest";
inline constexpr const char* kObjects = "gatelift.dev/objects";
inline constexpr const char* kBytes = "gatelift.dev/bytes";
inline constexpr const char* kCreatedAt = "gatelift.dev/created-at";
inline constexpr const char* kRetainUntil = "gatelift.dev/retain-until";

inline constexpr const char* kDocumentsKey = "documents.yaml.gz";
inline constexpr const char* kEntriesKey = "entries.json.gz";
inline constexpr const char* kIndexKey = "index.json.gz";

/// Names of the Secrets of backup `ref`: DNS subdomain names of at most 253 characters (RFC 1123),
/// a long ref shortened and told apart by its digest.
std::string chunk_name(std::string_view ref, std::size_t number);
std::string index_name(std::string_view ref);

/// True where names made of `ref` are valid.
bool is_valid_ref(std::string_view ref);

/// `text`, or where that is no valid label value (63 characters) a shortened form of it.
std::string label_value(std::string_view text);

/// A selector for the parts of every backup, or of one.
std::string selector(std::string_view part);
std::string selector_of(std::string_view ref);

/// A Secret of backup `ref` without data.
Json skeleton(const std::string& ns, const std::string& name, std::string_view ref,
              std::string_view migration, std::string_view part);

/// "Secret/ns/name".
std::string display(const Json& secret);

/// The sum of its data's sizes, decoded: what the API server limits to 1 MiB.
std::size_t data_bytes(const Json& secret);

/// The decoded bytes under a data key. Error kind Internal, naming Secret and key, where there are
/// none or they are not those of `sha256` (which "" accepts any of).
Result<std::string> data_of(const Json& secret, const char* key, const std::string& sha256);

/// Creates a Secret that is part of no complete backup yet. What an interrupted attempt left under
/// its name is kept where it holds the same, and replaced otherwise; a Secret of that name which is
/// no part of this backup is an error. `spared` says, in an error, what was not touched.
Result<Json> create_or_replace_leftover(Cluster& cluster, const Json& secret,
                                        std::string_view spared);

/// Creates the index of a new backup. One that is there already is Conflict unless it says the
/// same: it makes a backup of somebody else's chunks.
Result<void> create_index(Cluster& cluster, const Json& secret, std::string_view spared);

/// Puts Secret, size and remedy before a refusal to write it.
Error explain_refusal(Error error, const Json& secret, std::string_view spared);

}  // namespace gatelift::backup_secret
