// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/inplace/bridge_crd.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/bundle/bundle_diff.h"
#include "reconcilers/bundle/marks.h"
#include "reconcilers/bundle/schema_keywords.h"
#include "reconcilers/inplace/own_rule.h"

namespace gatelift {
namespace {

struct OldVersion {
  const Json* entry;
  bool is_served;
};

/// What was there before; the storage version is the first.
using OldVersions = std::vector<OldVersion>;

bool serves(const Json& entry) { return bool_at(entry, false, "served"); }
bool stores(const Json& entry) { return bool_at(entry, false, "storage"); }
std::string name_of(const Json& entry) { return string_at(entry, "name"); }

bool is_in_use(const Json& crd, const Json& entry) {
  const Json& stored = array_at(crd, "status", "storedVersions");
  return serves(entry) || stores(entry) ||
         std::ranges::find(stored, entry.at("name")) != stored.end();
}

/// A bridge has the old storage version in front; where it was read from says nothing about it.
OldVersions versions_of_bridge(const Json& bridge, const Json& target, BridgeStage stage) {
  OldVersions old;
  for (const Json& entry : array_at(bridge, "spec", "versions")) {
    const bool is_targets = version_entry(target, name_of(entry)) != nullptr;
    if (is_targets && (stage != BridgeStage::Expand || !serves(entry))) continue;
    old.push_back({&entry, serves(entry) || stage == BridgeStage::Contract});
  }
  return old;
}

OldVersions old_versions(const Json& before, const Json& target) {
  if (const auto stage = bridge_stage_of(before, target)) {
    return versions_of_bridge(before, target, *stage);
  }
  OldVersions old;
  for (const Json& entry : array_at(before, "spec", "versions")) {
    if (is_in_use(before, entry)) old.push_back({&entry, serves(entry)});
  }
  std::ranges::stable_partition(old, [](const OldVersion& each) { return stores(*each.entry); });
  return old;
}

/// The target's schemas, the storage version's last.
void add_schemas(const Json& target, std::vector<Json>& schemas) {
  const Json* newest = nullptr;
  for (const Json& entry : array_at(target, "spec", "versions")) {
    if (stores(entry)) {
      newest = &entry;
    } else {
      schemas.push_back(schema_of_version(entry));
    }
  }
  if (newest != nullptr) schemas.push_back(schema_of_version(*newest));
}

SchemaUnion joined(const std::vector<Json>& schemas) {
  SchemaUnion joint = union_schema(schemas);
  if (joint.ok()) add_own_rule(joint.schema, schemas);
  return joint;
}

/// The one schema of a CRD that has the target's versions and others, or nullptr.
const Json* one_schema(const Json& live, const Json& target) {
  const Json& versions = array_at(live, "spec", "versions");
  for (const Json& entry : array_at(target, "spec", "versions")) {
    if (version_entry(live, name_of(entry)) == nullptr) return nullptr;
  }
  if (versions.size() <= array_at(target, "spec", "versions").size()) return nullptr;
  const Json& schema = schema_of_version(versions.front());
  const bool is_one = std::ranges::all_of(
      versions, [&](const Json& entry) { return schema_of_version(entry) == schema; });
  return is_one ? &schema : nullptr;
}

/// A schema without what is written for people, of which the newer's stands in a union: seen from
/// the other end the same bridge has the words of the older.
Json without_words(Json schema) {
  if (!schema.is_object()) return schema;
  Json plain = Json::object();
  for (auto& [keyword, value] : schema.items()) {
    if (is_documentation(keyword)) continue;
    if (keyword == "properties" && value.is_object()) {
      for (Json& child : value) child = without_words(std::move(child));
    } else if (keyword == "items" || keyword == "additionalProperties") {
      value = without_words(std::move(value));
    } else if (keyword == "x-kubernetes-validations") {
      for (Json& rule : value) {
        for (const char* words : {"message", "messageExpression"}) rule.erase(words);
      }
    }
    plain[keyword] = std::move(value);
  }
  return plain;
}

struct Flags {
  bool served;
  bool storage;
};

/// Of a version that was there before (`old` is not nullptr), or the target has, or both.
Flags flags_of(const OldVersion* old, const Json* targets, BridgeStage stage, bool was_storage) {
  const bool was_served = old != nullptr && old->is_served;
  const bool is_to_be = targets != nullptr && serves(*targets);
  const bool is_storage = targets != nullptr && stores(*targets);
  switch (stage) {
    case BridgeStage::Expand:
      return {was_served, was_storage};
    case BridgeStage::ServeBoth:
      return {was_served || is_to_be, is_storage};
    case BridgeStage::Contract:
      return {is_to_be, is_storage};
  }
  return {};
}

Json version_of_bridge(Json entry, const Json& schema, Flags flags) {
  entry["served"] = flags.served;
  entry["storage"] = flags.storage;
  entry["schema"] = {
      {"openAPIV3Schema", schema}
  };
  entry["subresources"]["status"] = Json::object();
  return entry;
}

Json bridge_versions(const OldVersions& old, const Json& target, const Json& schema,
                     BridgeStage stage) {
  Json versions = Json::array();
  for (const OldVersion& each : old) {
    const Json* targets = version_entry(target, name_of(*each.entry));
    const Json& own = targets == nullptr ? *each.entry : *targets;
    const bool was_storage = &each == &old.front();
    versions.push_back(
        version_of_bridge(own, schema, flags_of(&each, targets, stage, was_storage)));
  }
  for (const Json& entry : array_at(target, "spec", "versions")) {
    const bool is_there = std::ranges::any_of(
        old, [&](const OldVersion& each) { return name_of(*each.entry) == name_of(entry); });
    if (is_there) continue;
    versions.push_back(version_of_bridge(entry, schema, flags_of(nullptr, &entry, stage, false)));
  }
  return versions;
}

void mark(Json& crd, std::string_view annotation, const std::string& value) {
  if (!value.empty()) crd["metadata"]["annotations"][annotation] = value;
}

tl::unexpected<Error> no_union(const Json& live, const std::vector<SchemaConflict>& conflicts) {
  std::string text;
  for (const SchemaConflict& conflict : conflicts) {
    text += (text.empty() ? "" : "; ") + conflict.display();
  }
  return fail(ErrorKind::Invalid,
              display_name("CustomResourceDefinition", key_of(live)) +
                  ": no schema can describe both the old and the target's objects: " + text);
}

}  // namespace

std::string_view to_string(BridgeStage stage) {
  switch (stage) {
    case BridgeStage::Expand:
      return "Expand";
    case BridgeStage::ServeBoth:
      return "ServeBoth";
    case BridgeStage::Contract:
      return "Contract";
  }
  return "";
}

SchemaUnion bridge_schema(const Json& before, const Json& target) {
  std::vector<Json> schemas;
  for (const OldVersion& old : old_versions(before, target)) {
    schemas.push_back(schema_of_version(*old.entry));
  }
  add_schemas(target, schemas);
  return joined(schemas);
}

Result<Json> bridge_crd(const BridgeCrds& crds, BridgeStage stage, const BundleRef& marks) {
  const SchemaUnion joint = bridge_schema(crds.before, crds.target);
  if (!joint.ok()) return no_union(crds.live, joint.conflicts);
  const OldVersions old = old_versions(crds.before, crds.target);
  Json bridge = crds.live;
  bridge["apiVersion"] = resources::kCrds.api_version();
  bridge["kind"] = "CustomResourceDefinition";
  mark(bridge, kBundleVersionMark, marks.version);
  mark(bridge, kChannelMark, marks.channel);
  Json& spec = bridge["spec"];
  spec.erase("preserveUnknownFields");
  spec["conversion"] = {
      {"strategy", "None"}
  };
  if (const Json* names = find(crds.target, "spec", "names")) spec["names"] = *names;
  spec["versions"] = bridge_versions(old, crds.target, joint.schema, stage);
  return bridge;
}

std::optional<BridgeStage> bridge_stage_of(const Json& live, const Json& target) {
  const Json* schema = one_schema(live, target);
  if (schema == nullptr) return std::nullopt;
  std::vector<Json> schemas{*schema};
  add_schemas(target, schemas);
  const SchemaUnion joint = joined(schemas);
  if (!joint.ok() || without_words(joint.schema) != without_words(*schema)) return std::nullopt;
  bool is_target_served = true;
  bool is_target_stored = false;
  bool is_old_served = false;
  for (const Json& entry : array_at(live, "spec", "versions")) {
    const Json* targets = version_entry(target, name_of(entry));
    if (targets == nullptr) {
      is_old_served = is_old_served || serves(entry);
    } else {
      is_target_stored = is_target_stored || (stores(*targets) && stores(entry));
      is_target_served = is_target_served && (serves(entry) || !serves(*targets));
    }
  }
  if (!is_target_stored || !is_target_served) return BridgeStage::Expand;
  return is_old_served ? BridgeStage::ServeBoth : BridgeStage::Contract;
}

}  // namespace gatelift
