// SPDX-License-Identifier: Apache-2.0
// The order of work is that of fieldmanager.go: read the entries, let the updater compute the sets
// under a nameless "current operation", strip what nobody can own, fold the current operation into
// the writer's entry, print.
#include "test/support/managed_fields.h"

#include <algorithm>

#include "test/support/api_error.h"
#include "test/support/structural_schema.h"
#include "test/support/typed_value.h"

namespace gatelift::fake {
namespace {

struct Entry {
  std::string manager;
  std::string operation;
  std::string api_version;
  std::string subresource;
  std::string time;
  FieldSet fields;

  /// An Apply entry is one across versions; Update entries are one per version.
  bool same_writer(const Entry& other) const {
    return manager == other.manager && operation == other.operation &&
           subresource == other.subresource &&
           (operation == "Apply" || api_version == other.api_version);
  }
};
using Entries = std::vector<Entry>;

Entries read_entries(const Json& object) {
  Entries entries;
  for (const Json& item : array_at(object, "metadata", "managedFields")) {
    const Json* fields = find(item, "fieldsV1");
    entries.push_back({string_at(item, "manager"), string_at(item, "operation"),
                       string_at(item, "apiVersion"), string_at(item, "subresource"),
                       string_at(item, "time"),
                       fields == nullptr ? FieldSet() : FieldSet::from_json(*fields)});
  }
  return entries;
}

/// [{}] resets; absent, null, [] and the live list keep what is there. (Of a custom resource,
/// metadata goes through its type, which does not print an empty list.)
bool is_reset(const Json& object) {
  const Json& list = array_at(object, "metadata", "managedFields");
  return list.size() == 1 && list.front().empty();
}

void sort_entries(Entries& entries) {
  auto rank = [](const Entry& e) {
    return std::tie(e.operation, e.time, e.manager, e.api_version, e.subresource);
  };
  std::sort(entries.begin(), entries.end(),
            [&](const Entry& a, const Entry& b) { return rank(a) < rank(b); });
}

void write_entries(Json& object, Entries entries) {
  sort_entries(entries);
  Json list = Json::array();
  for (const Entry& entry : entries) {
    Json item = {
        {"manager",    entry.manager         },
        {"operation",  entry.operation       },
        {"apiVersion", entry.api_version     },
        {"fieldsType", "FieldsV1"            },
        {"fieldsV1",   entry.fields.to_json()}
    };
    if (!entry.time.empty()) item["time"] = entry.time;
    if (!entry.subresource.empty()) item["subresource"] = entry.subresource;
    list.push_back(std::move(item));
  }
  if (list.empty()) {
    object["metadata"].erase("managedFields");
  } else {
    object["metadata"]["managedFields"] = std::move(list);
  }
}

Json without_entries(Json object) {
  if (object.contains("metadata")) object["metadata"].erase("managedFields");
  return object;
}

const FieldSet& never_owned() {
  static const FieldSet set = [] {
    FieldSet out;
    out.insert({"f:apiVersion"});
    out.insert({"f:kind"});
    out.insert({"f:metadata"});
    for (const char* name :
         {"f:name", "f:namespace", "f:creationTimestamp", "f:selfLink", "f:uid", "f:clusterName",
          "f:generation", "f:managedFields", "f:resourceVersion"}) {
      out.insert({"f:metadata", name});
    }
    return out;
  }();
  return set;
}

/// What a write at this endpoint cannot change, and so does not come to own (resetFields of the
/// strategies).
FieldSet reset_fields(const WriteScope& scope) {
  FieldSet out;
  if (scope.subresource == "status") {
    out.insert({"f:spec"});
    if (scope.kind.custom) out.insert({"f:metadata"});
  } else if (scope.version.has_status) {
    out.insert({"f:status"});
  }
  return out;
}

/// The schema under which an entry is compared. Fails as the conversion of the object to that
/// version would.
Result<const Json*> schema_for(const WriteScope& scope, const std::string& api_version,
                               const Json& live, const Json& next) {
  if (!scope.kind.custom) return &scope.version.schema;
  const KindVersion* version = scope.kind.version(version_of_api_version(api_version));
  if (version == nullptr || group_of_api_version(api_version) != scope.kind.group) {
    return fail(internal("request to convert CR to an invalid group/version: " + api_version));
  }
  for (const Json* object : {&live, &next}) {
    std::string stray = first_undeclared(*object, version->schema);
    if (!stray.empty()) {
      return fail(internal("failed to create typed live object: " + stray +
                           ": field not declared in schema"));
    }
  }
  return &version->schema;
}

struct Updated {
  Entries entries;    // without those that own nothing any more
  Entries conflicts;  // fields that others owned
};

/// Takes changed fields from everybody but `self`, and removed fields from all of them.
Result<Updated> take_changes(const WriteScope& scope, const Json& live, const Json& next,
                             const Entries& entries, const Entry* self) {
  Updated out;
  FieldSet ignored = reset_fields(scope);
  for (const Entry& entry : entries) {
    if (self != nullptr && entry.same_writer(*self)) {
      out.entries.push_back(entry);
      continue;
    }
    ASSIGN_OR_RETURN(const Json* schema, schema_for(scope, entry.api_version, live, next));
    Comparison changes = compare(live, next, *schema).without(ignored);
    FieldSet taken = entry.fields.intersected(changes.modified.united(changes.added));
    Entry left = entry;
    left.fields = entry.fields.minus(taken).minus(changes.removed);
    if (!left.fields.empty()) out.entries.push_back(left);
    if (!taken.empty()) {
      Entry conflict = entry;
      conflict.fields = taken;
      out.conflicts.push_back(std::move(conflict));
    }
  }
  return out;
}

Entry entry_for(const WriteScope& scope, std::string manager, std::string operation) {
  return {std::move(manager), std::move(operation),   scope.kind.api_version(scope.version.name),
          scope.subresource,  format_time(scope.now), {}};
}

Result<Entries> updated_entries(const WriteScope& scope, const Json& live, const Json& next,
                                const Entries& entries, const std::string& manager) {
  ASSIGN_OR_RETURN(Updated updated, take_changes(scope, live, next, entries, nullptr));
  Comparison changes = compare(live, next, scope.version.schema).without(reset_fields(scope));
  Entry self = entry_for(scope, manager, "Update");
  self.fields = changes.added.united(changes.modified).minus(never_owned());
  if (self.fields.empty()) return std::move(updated.entries);
  for (Entry& entry : updated.entries) {
    if (!entry.same_writer(self)) continue;
    self.fields = self.fields.united(entry.fields);
    entry = self;
    return std::move(updated.entries);
  }
  updated.entries.push_back(std::move(self));
  return std::move(updated.entries);
}

/// A write that changes nothing but the times of entries keeps the times.
Json with_old_times_if_equal(const Json& live, Json next) {
  auto timeless = [](Json object) {
    if (find(object, "metadata", "managedFields") == nullptr) return object;
    for (Json& entry : object["metadata"]["managedFields"]) entry.erase("time");
    return object;
  };
  if (timeless(live) != timeless(next)) return next;
  if (const Json* entries = find(live, "metadata", "managedFields")) {
    next["metadata"]["managedFields"] = *entries;
  }
  return next;
}

Error conflict_error(const Entries& conflicts) {
  std::vector<Cause> causes;
  std::string text;
  for (const Entry& entry : conflicts) {
    std::string who = "conflict with \"" + entry.manager + "\"";
    if (!entry.subresource.empty()) who += " with subresource \"" + entry.subresource + "\"";
    if (entry.operation == "Update") who += " using " + entry.api_version;
    for (const std::string& path : entry.fields.printed()) {
      causes.push_back({"FieldManagerConflict", path, who});
      text += (text.empty() ? "" : ", ") + who + ": " + path;
    }
  }
  std::string count = std::to_string(causes.size());
  std::string noun = causes.size() == 1 ? " conflict: " : " conflicts: ";
  return api_error(409, "Conflict", "Apply failed with " + count + noun + text, causes);
}

/// The parts of `merged` that the last configuration claimed and nobody claims any more.
FieldSet abandoned(const Json& merged, const FieldSet& last, const Entries& entries,
                   const Json& schema) {
  FieldSet owned;
  for (const Entry& entry : entries) owned = owned.united(entry.fields);
  FieldSet present = field_set_of(merged, schema).with_declared_ancestors(schema);
  return last.with_declared_ancestors(schema).intersected(
      present.minus(owned.with_declared_ancestors(schema)));
}

}  // namespace

Json track_update(const WriteScope& scope, const Json& live, Json next) {
  Entries entries = read_entries(next);
  if (is_reset(next)) {
    entries.clear();
  } else if (entries.empty() || !scope.subresource.empty()) {
    entries = read_entries(live);
  }
  next = without_entries(std::move(next));
  // An object that nobody tracks stays untracked until the first apply.
  if (entries.empty() && !uid_of(live).empty()) return next;
  auto updated = updated_entries(scope, without_entries(live), next, entries, scope.manager);
  if (updated) write_entries(next, *std::move(updated));
  return with_old_times_if_equal(live, std::move(next));
}

Result<Json> track_apply(const WriteScope& scope, const Json& live, const Json& config,
                         bool force) {
  const Json& schema = scope.version.schema;
  if (!array_at(config, "metadata", "managedFields").empty()) {
    return fail(bad_request("metadata.managedFields must be nil"));
  }
  std::string stray = first_undeclared(config, schema);
  if (!stray.empty()) {
    return fail(internal("failed to create typed patch object: " + stray +
                         ": field not declared in schema"));
  }
  Json before = without_entries(live);
  Entries entries = read_entries(live);
  if (entries.empty()) {
    Json nothing = {
        {"apiVersion", live["apiVersion"]},
        {"kind",       live["kind"]      }
    };
    nothing["metadata"] = Json::object();
    ASSIGN_OR_RETURN(entries, updated_entries(scope, nothing, before, {}, "before-first-apply"));
  }
  for (const Entry& entry : entries) {
    RETURN_IF_ERROR(schema_for(scope, entry.api_version, before, before));
  }

  Entry self = entry_for(scope, scope.manager, "Apply");
  FieldSet last;
  std::erase_if(entries, [&](const Entry& entry) {
    if (!entry.same_writer(self)) return false;
    last = entry.fields;
    return true;
  });
  self.fields =
      field_set_of(config, schema).minus_subtrees(reset_fields(scope)).minus(never_owned());
  entries.push_back(self);

  Json merged = merge(before, config, schema);
  merged = without_items(merged, abandoned(merged, last, entries, schema), schema);
  ASSIGN_OR_RETURN(Updated updated, take_changes(scope, before, merged, entries, &self));
  if (!force && !updated.conflicts.empty()) return fail(conflict_error(updated.conflicts));
  std::erase_if(updated.entries, [](const Entry& entry) { return entry.fields.empty(); });
  write_entries(merged, std::move(updated.entries));
  return with_old_times_if_equal(live, std::move(merged));
}

}  // namespace gatelift::fake
