// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/bundle_diff.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "reconcilers/bundle/constraint_diff.h"
#include "reconcilers/bundle/schema_diff.h"

namespace gatelift {
namespace {

bool same(const Json* a, const Json* b) { return a == nullptr || b == nullptr ? a == b : *a == *b; }

/// Collects what changed in one CRD.
class CrdDiff {
 public:
  CrdDiff(std::string name, BundleDiff& diff) : name_(std::move(name)), diff_(diff) {}

  void add(ChangeKind kind, const std::string& version, std::string detail, std::string path = "") {
    Change change;
    change.kind = kind;
    change.crd = name_;
    change.version = version;
    change.path = std::move(path);
    change.detail = std::move(detail);
    diff_.changes.push_back(std::move(change));
  }

  void add(SchemaDiff schema, const std::string& version) {
    diff_.documentation += schema.documentation;
    for (Change& change : schema.changes) {
      change.crd = name_;
      change.version = version;
      diff_.changes.push_back(std::move(change));
    }
  }

  void count_documentation() { ++diff_.documentation; }

 private:
  std::string name_;
  BundleDiff& diff_;
};

/// "served, storage, deprecated".
std::string flags_text(const Json& entry) {
  std::string text = bool_at(entry, false, "served") ? "served" : "not served";
  if (bool_at(entry, false, "storage")) text += ", storage";
  if (bool_at(entry, false, "deprecated")) text += ", deprecated";
  return text;
}

std::string versions_text(const CrdSummary& crd) {
  std::string text;
  for (const CrdVersion& version : crd.versions) {
    text += (text.empty() ? "" : ", ") + version.name + " (" +
            (version.served ? "served" : "not served") + (version.storage ? ", storage)" : ")");
  }
  return text;
}

void diff_parts(const Json& from, const Json& to, CrdDiff& out) {
  for (const char* part : {"names", "scope", "conversion", "preserveUnknownFields"}) {
    const Json* before = find(from, "spec", part);
    const Json* after = find(to, "spec", part);
    if (!same(before, after)) {
      out.add(ChangeKind::CrdChanged, "", value_text(before) + " -> " + value_text(after),
              std::string("spec.") + part);
    }
  }
  const Json* before = find(from, "metadata", "labels");
  const Json* after = find(to, "metadata", "labels");
  if (!same(before, after)) {
    out.add(ChangeKind::CrdChanged, "", value_text(before) + " -> " + value_text(after),
            "metadata.labels");
  }
}

void diff_flags(const Json& from, const Json& to, const std::string& version, CrdDiff& out) {
  const bool was_served = bool_at(from, false, "served");
  if (was_served != bool_at(to, false, "served")) {
    out.add(was_served ? ChangeKind::Unserved : ChangeKind::Served, version,
            flags_text(from) + " -> " + flags_text(to));
  }
  const bool was_deprecated = bool_at(from, false, "deprecated");
  if (was_deprecated != bool_at(to, false, "deprecated")) {
    out.add(was_deprecated ? ChangeKind::Undeprecated : ChangeKind::Deprecated, version,
            flags_text(from) + " -> " + flags_text(to));
  }
  if (!same(find(from, "deprecationWarning"), find(to, "deprecationWarning"))) {
    out.count_documentation();
  }
}

void diff_subresources(const Json& from, const Json& to, const std::string& version, CrdDiff& out) {
  for (const char* name : {"status", "scale"}) {
    const Json* before = find(from, "subresources", name);
    const Json* after = find(to, "subresources", name);
    if (same(before, after)) continue;
    const std::string path = std::string("subresources.") + name;
    if (before != nullptr) out.add(ChangeKind::SubresourceRemoved, version, "", path);
    if (after != nullptr) out.add(ChangeKind::SubresourceAdded, version, "", path);
  }
}

/// "Hostnames, Age".
std::string columns_text(const Json& entry) {
  std::string text;
  for (const Json& column : array_at(entry, "additionalPrinterColumns")) {
    text += (text.empty() ? "" : ", ") + string_at(column, "name");
  }
  return text.empty() ? "none" : text;
}

void diff_version(const Json& from, const Json& to, const std::string& version, CrdDiff& out) {
  diff_flags(from, to, version, out);
  diff_subresources(from, to, version, out);
  if (array_at(from, "additionalPrinterColumns") != array_at(to, "additionalPrinterColumns")) {
    out.add(ChangeKind::ColumnsChanged, version, columns_text(from) + " -> " + columns_text(to));
  }
  out.add(diff_schemas(schema_of_version(from), schema_of_version(to)), version);
}

void diff_crds(const BundleCrd& from, const BundleCrd& to, CrdDiff& out) {
  const Json before = from.json();
  const Json after = to.json();
  diff_parts(before, after, out);
  const std::string old_storage = from.summary.storage_version();
  const std::string new_storage = to.summary.storage_version();
  if (old_storage != new_storage) {
    out.add(ChangeKind::StorageMoved, new_storage, old_storage + " -> " + new_storage);
  }
  for (const CrdVersion& version : from.summary.versions) {
    const Json* old_entry = version_entry(before, version.name);
    const Json* new_entry = version_entry(after, version.name);
    if (new_entry == nullptr) {
      out.add(ChangeKind::VersionRemoved, version.name, "was " + flags_text(*old_entry));
    } else {
      diff_version(*old_entry, *new_entry, version.name, out);
    }
  }
  for (const CrdVersion& version : to.summary.versions) {
    if (version_entry(before, version.name) != nullptr) continue;
    out.add(ChangeKind::VersionAdded, version.name,
            flags_text(*version_entry(after, version.name)));
  }
}

/// Admission policies by "Kind/name".
std::map<std::string, Json> policies_of(const Bundle& bundle) {
  std::map<std::string, Json> policies;
  for (const std::string& manifest : bundle.policy_manifests) {
    Json policy = Json::parse(manifest);
    std::string name = display_name(kind_of(policy), key_of(policy));
    policies.insert_or_assign(std::move(name), std::move(policy));
  }
  return policies;
}

void diff_policies(const Bundle& from, const Bundle& to, BundleDiff& diff) {
  const auto before = policies_of(from);
  const auto after = policies_of(to);
  std::set<std::string> names;
  for (const auto& [name, policy] : before) names.insert(name);
  for (const auto& [name, policy] : after) names.insert(name);
  for (const std::string& name : names) {
    CrdDiff out(name, diff);
    const auto old = before.find(name);
    const auto now = after.find(name);
    if (old == before.end()) {
      out.add(ChangeKind::PolicyChanged, "", "added");
    } else if (now == after.end()) {
      out.add(ChangeKind::PolicyChanged, "", "removed");
    } else if (!same(find(old->second, "spec"), find(now->second, "spec"))) {
      out.add(ChangeKind::PolicyChanged, "", "rewritten", "spec");
    }
  }
}

}  // namespace

const Json* version_entry(const Json& crd, const std::string& version) {
  for (const Json& entry : array_at(crd, "spec", "versions")) {
    if (string_at(entry, "name") == version) return &entry;
  }
  return nullptr;
}

const Json& schema_of_version(const Json& entry) {
  static const Json empty = Json::object();
  const Json* schema = find(entry, "schema", "openAPIV3Schema");
  return schema == nullptr ? empty : *schema;
}

BundleDiff diff_bundles(const Bundle& from, const Bundle& to) {
  BundleDiff diff{from.ref, to.ref, {}, 0};
  for (const BundleCrd& crd : from.crds) {
    CrdDiff out(crd.summary.name, diff);
    const BundleCrd* other = to.crd(crd.summary.name);
    if (other == nullptr) {
      out.add(ChangeKind::CrdRemoved, "", "had " + versions_text(crd.summary));
    } else {
      diff_crds(crd, *other, out);
    }
  }
  for (const BundleCrd& crd : to.crds) {
    if (from.crd(crd.summary.name) != nullptr) continue;
    CrdDiff(crd.summary.name, diff).add(ChangeKind::CrdAdded, "", versions_text(crd.summary));
  }
  std::ranges::stable_sort(diff.changes, {}, &Change::crd);
  diff_policies(from, to, diff);
  return diff;
}

}  // namespace gatelift
