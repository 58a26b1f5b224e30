// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/backup/backup.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "reconcilers/backup/backup_secret.h"
#include "reconcilers/backup/backup_state.h"
#include "reconcilers/backup/gzip.h"
#include "reconcilers/bundle/digest.h"

namespace gatelift {
namespace {

namespace secret = backup_secret;

constexpr std::size_t kMaxIndexBytes = std::size_t{16} << 20;

/// What inflates to other than `bytes`, although its digest is right, was written wrong.
Result<std::string> inflate(const Json& from, const char* key, const std::string& compressed,
                            std::size_t bytes) {
  auto text = gunzip(compressed, bytes);
  if (!text || text->size() != bytes) {
    return fail(ErrorKind::Internal, secret::display(from) + ": " + key +
                                         " does not inflate to its " + std::to_string(bytes) +
                                         " bytes" +
                                         (text ? std::string() : ": " + text.error().message));
  }
  return text;
}

Result<Json> parse_part(const Json& from, const char* key, const std::string& text) {
  auto json = parse_json(text);
  if (!json) {
    return fail(ErrorKind::Internal,
                secret::display(from) + ": " + key + ": " + json.error().message);
  }
  return json;
}

Result<BackupIndex> read_index(const Json& from) {
  ASSIGN_OR_RETURN(const std::string compressed,
                   secret::data_of(from, secret::kIndexKey, annotation_of(from, secret::kSha256)));
  auto text = gunzip(compressed, kMaxIndexBytes);
  if (!text) {
    return fail(ErrorKind::Internal, secret::display(from) + ": " + text.error().message);
  }
  ASSIGN_OR_RETURN(const Json json, parse_part(from, secret::kIndexKey, *text));
  auto index = parse_index(json);
  if (!index) {
    return fail(ErrorKind::Internal,
                secret::display(from) + ": " + secret::kIndexKey + ": " + index.error().message);
  }
  return index;
}

/// Compares each document of a chunk with its entry.
Result<void> verify_documents(const Json& from, std::string_view text,
                              const std::vector<BackupEntry>& entries) {
  for (const BackupEntry& entry : entries) {
    const std::string name = secret::display(from) + ": " + std::string(to_string(entry.role)) +
                             " " + display_name(entry.kind, entry.key);
    if (entry.offset_bytes > text.size() || entry.size_bytes > text.size() - entry.offset_bytes) {
      return fail(ErrorKind::Internal, name + " lies outside of the chunk");
    }
    const std::string actual = sha256(text.substr(entry.offset_bytes, entry.size_bytes));
    if (actual != entry.sha256) {
      return fail(ErrorKind::Internal, name + " is " + actual + " and was " + entry.sha256);
    }
  }
  return {};
}

BackupSummary summary_of(const Json& index_secret) {
  BackupSummary summary;
  summary.ref = annotation_of(index_secret, secret::kRef);
  summary.migration = annotation_of(index_secret, secret::kMigration);
  summary.digest = annotation_of(index_secret, secret::kDigest);
  summary.created_at = annotation_of(index_secret, secret::kCreatedAt);
  summary.retain_until = annotation_of(index_secret, secret::kRetainUntil);
  const std::string objects = annotation_of(index_secret, secret::kObjects);
  const std::string bytes = annotation_of(index_secret, secret::kBytes);
  std::from_chars(objects.data(), objects.data() + objects.size(), summary.objects);
  std::from_chars(bytes.data(), bytes.data() + bytes.size(), summary.bytes);
  return summary;
}

Request list_of(const std::string& ns, std::string selector) {
  Request list;
  list.verb = Verb::List;
  list.resource = resources::kSecrets;
  list.key.ns = ns;
  list.label_selector = std::move(selector);
  list.metadata_only = true;
  return list;
}

Result<void> remove_secret(Cluster& cluster, const ObjectKey& key) {
  Request request;
  request.verb = Verb::Delete;
  request.resource = resources::kSecrets;
  request.key = key;
  auto removed = cluster.send(request);
  if (removed || removed.error().is(ErrorKind::NotFound)) return {};
  return fail(wrap(std::move(removed).error(), "deleting " + display_name("Secret", key)));
}

}  // namespace

BackupStore::BackupStore(Cluster& cluster, Clock& clock, std::string ns, BackupLimits limits)
    : cluster_(cluster), clock_(clock), ns_(std::move(ns)), limits_(limits) {}

Result<BackupStore::Writer> BackupStore::begin(const std::string& ref,
                                               const std::string& migration) {
  if (!secret::is_valid_ref(ref)) {
    return fail(ErrorKind::Invalid, "backup \"" + ref + "\": no name of an object (RFC 1123)");
  }
  const ObjectKey key{ns_, secret::index_name(ref)};
  ASSIGN_OR_RETURN(const std::optional<Json> index,
                   get_if_exists(cluster_, resources::kSecrets, key));
  if (index) {
    return fail(ErrorKind::AlreadyExists,
                "backup " + ref + " is complete: " + display_name("Secret", key) + " exists");
  }
  auto state = std::make_unique<Writer::State>(Writer::State{*this, {}, {}, {}, {}, {}, {}});
  state->index.ref = ref;
  state->index.migration = migration;
  state->index.created_at = format_time(clock_.now());
  return Writer(std::move(state));
}

Result<BackupStore::Writer> BackupStore::supplement(const VerifiedBackup& backup) {
  const ObjectKey key{ns_, secret::index_name(backup.summary().ref)};
  auto live = get(cluster_, resources::kSecrets, key);
  if (!live) return fail(wrap(std::move(live).error(), "adding to a backup"));
  if (resource_version_of(*live) != backup.index_version()) {
    return fail(ErrorKind::Conflict,
                display_name("Secret", key) + " changed since it was verified: it is at " +
                    resource_version_of(*live) + " and was at " + backup.index_version());
  }
  ASSIGN_OR_RETURN(BackupIndex index, read_index(*live));
  auto state = std::make_unique<Writer::State>(Writer::State{
      *this, std::move(index), backup.index_version(), backup.summary().retain_until, {}, {}, {}});
  for (const BackupEntry& entry : backup.entries()) state->count(entry);
  return Writer(std::move(state));
}

Result<std::optional<VerifiedBackup>> BackupStore::open(const std::string& ref) {
  const ObjectKey key{ns_, secret::index_name(ref)};
  auto index_secret = get_if_exists(cluster_, resources::kSecrets, key);
  if (!index_secret) {
    return fail(wrap(std::move(index_secret).error(), "reading " + display_name("Secret", key)));
  }
  if (!*index_secret) return std::optional<VerifiedBackup>();
  ASSIGN_OR_RETURN(const BackupIndex index, read_index(**index_secret));
  if (index.ref != ref) {
    return fail(ErrorKind::Internal, display_name("Secret", key) + ": it is the index of backup " +
                                         index.ref + ", not of " + ref);
  }
  VerifiedBackup backup;
  for (const BackupChunk& chunk : index.chunks) {
    RETURN_IF_ERROR(read_chunk(chunk, backup));
  }
  std::set<std::string> originals;
  for (std::size_t i = 0; i < backup.entries_.size(); ++i) {
    const BackupEntry& entry = backup.entries_[i];
    backup.latest_[VerifiedBackup::latest_key(entry)] = i;
    if (entry.role == BackupRole::Original) originals.insert(entry.crd + "/" + entry.key.display());
  }
  backup.index_version_ = resource_version_of(**index_secret);
  backup.summary_ = {index.ref,
                     index.migration,
                     index.digest(),
                     static_cast<int>(originals.size()),
                     index.stored_bytes(),
                     index.created_at,
                     annotation_of(**index_secret, secret::kRetainUntil)};
  return std::optional<VerifiedBackup>(std::move(backup));
}

Result<void> BackupStore::read_chunk(const BackupChunk& chunk, VerifiedBackup& into) {
  const ObjectKey key{ns_, chunk.secret};
  auto found = get_if_exists(cluster_, resources::kSecrets, key);
  if (!found) {
    return fail(wrap(std::move(found).error(), "reading " + display_name("Secret", key)));
  }
  if (!*found) {
    return fail(ErrorKind::Internal, display_name("Secret", key) +
                                         " is missing: the backup has it as " +
                                         chunk.documents_sha256);
  }
  const Json& live = **found;
  ASSIGN_OR_RETURN(std::string documents_gz,
                   secret::data_of(live, secret::kDocumentsKey, chunk.documents_sha256));
  ASSIGN_OR_RETURN(const std::string entries_gz,
                   secret::data_of(live, secret::kEntriesKey, chunk.entries_sha256));
  ASSIGN_OR_RETURN(const std::string text,
                   inflate(live, secret::kDocumentsKey, documents_gz, chunk.documents_bytes));
  ASSIGN_OR_RETURN(const std::string table,
                   inflate(live, secret::kEntriesKey, entries_gz, chunk.entries_bytes));
  ASSIGN_OR_RETURN(const Json json, parse_part(live, secret::kEntriesKey, table));
  auto entries = parse_entries(json, static_cast<int>(into.chunks_.size()));
  if (!entries) {
    return fail(ErrorKind::Internal, secret::display(live) + ": " + secret::kEntriesKey + ": " +
                                         entries.error().message);
  }
  RETURN_IF_ERROR(verify_documents(live, text, *entries));
  into.chunks_.push_back(std::move(documents_gz));
  std::move(entries->begin(), entries->end(), std::back_inserter(into.entries_));
  return {};
}

Result<std::vector<BackupSummary>> BackupStore::list() {
  std::vector<BackupSummary> summaries;
  auto listed = for_each_object(cluster_, list_of(ns_, secret::selector("index")),
                                [&](Json&& index) -> Result<void> {
                                  summaries.push_back(summary_of(index));
                                  return {};
                                });
  if (!listed) return fail(wrap(std::move(listed).error(), "listing backups"));
  std::sort(summaries.begin(), summaries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.created_at, a.ref) < std::tie(b.created_at, b.ref);
  });
  return summaries;
}

Result<void> BackupStore::retain_until(const std::string& ref, Time until) {
  const ObjectKey key{ns_, secret::index_name(ref)};
  Json patch{
      {"metadata", {{"annotations", {{secret::kRetainUntil, format_time(until)}}}}}
  };
  auto patched = merge_patch(cluster_, resources::kSecrets, key, std::move(patch));
  if (!patched) return fail(wrap(std::move(patched).error(), "retaining backup " + ref));
  return {};
}

Result<void> BackupStore::remove(const std::string& ref) {
  RETURN_IF_ERROR(remove_secret(cluster_, {ns_, secret::index_name(ref)}));
  std::vector<ObjectKey> chunks;
  auto listed = for_each_object(cluster_, list_of(ns_, secret::selector_of(ref)),
                                [&](Json&& chunk) -> Result<void> {
                                  chunks.push_back(key_of(chunk));
                                  return {};
                                });
  if (!listed) return fail(wrap(std::move(listed).error(), "removing backup " + ref));
  for (const ObjectKey& key : chunks) {
    RETURN_IF_ERROR(remove_secret(cluster_, key));
  }
  return {};
}

}  // namespace gatelift
