// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/backup/backup_secret.h"

#include <algorithm>

#include "reconcilers/backup/gzip.h"
#include "reconcilers/bundle/digest.h"

namespace gatelift::backup_secret {
namespace {

constexpr std::size_t kMaxNameBytes = 253;   // RFC 1123 subdomain
constexpr std::size_t kMaxLabelBytes = 63;   // metav1.ObjectMeta.Labels
constexpr std::size_t kMaxSuffixBytes = 12;  // "-index", or "-" and a number
constexpr int kAttempts = 3;

bool is_lower_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_alphanumeric(char c) { return is_lower_alphanumeric(c) || (c >= 'A' && c <= 'Z'); }

/// At most `limit` bytes of `text`: its beginning, and eight digits of its digest.
std::string shortened(std::string_view text, std::size_t limit) {
  std::string_view beginning = text.substr(0, limit - 9);
  while (!beginning.empty() && !is_alphanumeric(beginning.back())) beginning.remove_suffix(1);
  return std::string(beginning) + "-" + sha256(text).substr(7, 8);
}

std::string prefix(std::string_view ref) {
  const std::size_t limit = kMaxNameBytes - kMaxSuffixBytes;
  return ref.size() <= limit ? std::string(ref) : shortened(ref, limit);
}

bool is_label_value(std::string_view text) {
  return text.size() <= kMaxLabelBytes && !text.empty() && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

bool is_part_of_same_backup(const Json& found, const Json& secret) {
  return string_at(found, "type") == kType &&
         label_of(found, kBackupLabel) == label_of(secret, kBackupLabel) &&
         label_of(found, kPartLabel) == label_of(secret, kPartLabel);
}

Result<void> remove_leftover(Cluster& cluster, const Json& leftover) {
  Request request;
  request.verb = Verb::Delete;
  request.resource = resources::kSecrets;
  request.key = key_of(leftover);
  request.preconditions.uid = uid_of(leftover);
  auto removed = cluster.send(request);
  if (removed || removed.error().is(ErrorKind::NotFound) ||
      removed.error().is(ErrorKind::Conflict)) {
    return {};  // somebody was faster: the next create tells
  }
  return fail(wrap(std::move(removed).error(), "replacing a leftover of an interrupted backup"));
}

}  // namespace

std::string chunk_name(std::string_view ref, std::size_t number) {
  return prefix(ref) + "-" + std::to_string(number);
}

std::string index_name(std::string_view ref) { return prefix(ref) + "-index"; }

bool is_valid_ref(std::string_view ref) {
  if (ref.empty() || !is_lower_alphanumeric(ref.front()) || !is_lower_alphanumeric(ref.back())) {
    return false;
  }
  char before = '-';
  for (const char c : ref) {
    if (!is_lower_alphanumeric(c) && c != '-' && c != '.') return false;
    if ((c == '.' || before == '.') && !is_lower_alphanumeric(c) &&
        !is_lower_alphanumeric(before)) {
      return false;
    }
    before = c;
  }
  return true;
}

std::string label_value(std::string_view text) {
  return text.empty() || is_label_value(text) ? std::string(text) : shortened(text, kMaxLabelBytes);
}

std::string selector(std::string_view part) {
  return std::string(kManagedByLabel) + "=" + kManagedBy + "," + kPartLabel + "=" +
         std::string(part);
}

std::string selector_of(std::string_view ref) {
  return std::string(kManagedByLabel) + "=" + kManagedBy + "," + kBackupLabel + "=" +
         label_value(ref);
}

Json skeleton(const std::string& ns, const std::string& name, std::string_view ref,
              std::string_view migration, std::string_view part) {
  return {
      {"apiVersion", "v1"      },
      {"kind",       "Secret"  },
      {"type",       kType     },
      {"metadata",
       {{"name", name},
        {"namespace", ns},
        {"labels",
         {{kManagedByLabel, kManagedBy},
          {kBackupLabel, label_value(ref)},
          {kMigrationLabel, label_value(migration)},
          {kPartLabel, part}}}}}
  };
}

std::string display(const Json& secret) { return display_name("Secret", key_of(secret)); }

std::size_t data_bytes(const Json& secret) {
  std::size_t bytes = 0;
  if (const Json* data = find(secret, "data"); data != nullptr && data->is_object()) {
    for (const Json& value : *data) {
      const std::string* text = value.get_ptr<const std::string*>();
      if (text != nullptr) bytes += text->size() / 4 * 3;
    }
  }
  return bytes;
}

Result<std::string> data_of(const Json& secret, const char* key, const std::string& wanted) {
  const std::string place = display(secret) + ": " + key;
  const Json* value = find(secret, "data", key);
  const std::string* text = value == nullptr ? nullptr : value->get_ptr<const std::string*>();
  if (text == nullptr) return fail(ErrorKind::Internal, place + " is missing from its data");
  auto bytes = base64_decode(*text);
  if (!bytes) return fail(ErrorKind::Internal, place + " is " + bytes.error().message);
  if (wanted.empty()) return bytes;
  const std::string actual = sha256(*bytes);
  if (actual != wanted) {
    return fail(ErrorKind::Internal, place + " was changed after it was written: it is " + actual +
                                         " and was " + wanted);
  }
  return bytes;
}

Result<Json> create_or_replace_leftover(Cluster& cluster, const Json& secret,
                                        std::string_view spared) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto created = create(cluster, resources::kSecrets, secret);
    if (created) return created;
    if (!created.error().is(ErrorKind::AlreadyExists)) {
      return fail(explain_refusal(std::move(created).error(), secret, spared));
    }
    auto found = get_if_exists(cluster, resources::kSecrets, key_of(secret));
    if (!found) return fail(wrap(std::move(found).error(), "reading " + display(secret)));
    if (!*found) continue;
    if (!is_part_of_same_backup(**found, secret)) {
      return fail(ErrorKind::Invalid, display(secret) +
                                          " is no part of this backup, but has the name of one; "
                                          "rename or delete it");
    }
    const Json* data = find(**found, "data");
    if (data != nullptr && *data == secret.at("data")) return std::move(**found);
    RETURN_IF_ERROR(remove_leftover(cluster, **found));
  }
  return fail(ErrorKind::Conflict,
              "writing " + display(secret) + ": somebody else keeps writing it");
}

Result<void> create_index(Cluster& cluster, const Json& secret, std::string_view spared) {
  auto created = create(cluster, resources::kSecrets, secret);
  if (created) return {};
  if (!created.error().is(ErrorKind::AlreadyExists)) {
    return fail(explain_refusal(std::move(created).error(), secret, spared));
  }
  // Our own, if the answer to an earlier attempt was lost.
  ASSIGN_OR_RETURN(const Json found, get(cluster, resources::kSecrets, key_of(secret)));
  const Json* data = find(found, "data");
  if (data != nullptr && *data == secret.at("data")) return {};
  return fail(ErrorKind::Conflict,
              "writing " + display(secret) + ": somebody else finished a backup of this name");
}

Error explain_refusal(Error error, const Json& secret, std::string_view spared) {
  const std::string what =
      "writing " + display(secret) + " (" + std::to_string(data_bytes(secret)) + " bytes)";
  const bool is_forbidden = error.is(ErrorKind::Forbidden);
  Error explained = wrap(std::move(error), what);
  if (is_forbidden) {
    explained.message += "; " + std::string(spared) + "; next: raise the quota of namespace " +
                         key_of(secret).ns + ", or allow gatelift to create Secrets there";
  }
  return explained;
}

}  // namespace gatelift::backup_secret
