// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/convert/convert.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "client/object.h"
#include "reconcilers/convert/backend_tls_policy.h"
#include "reconcilers/convert/field_rules.h"

namespace gatelift {
namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/// Every kind whose shape differs between versions.
constexpr const Conversion* kConversions[] = {
    &kBackendTlsPolicyConversion,
};

/// Kind and versions of one conversion, and the rules for it if the shape changes.
struct Step {
  std::string group;
  std::string kind;
  std::string from;
  std::string to;
  const Conversion* row = nullptr;
  Direction direction = Direction::Up;

  std::string api_version() const { return group.empty() ? to : group + "/" + to; }
};

bool contains(std::span<const std::string_view> versions, std::string_view version) {
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

Step step_between(std::string_view group, std::string_view kind, std::string_view from,
                  std::string_view to) {
  Step step{std::string(group), std::string(kind), std::string(from), std::string(to)};
  if (const auto conversion = conversion_between(group, kind, from, to)) {
    step.row = conversion->row;
    step.direction = conversion->direction;
  }
  return step;
}

Step step_of(const Json& object, std::string_view to) {
  const std::string api_version = string_at(object, "apiVersion");
  return step_between(group_of_api_version(api_version), kind_of(object),
                      version_of_api_version(api_version), to);
}

Json convert_body(const Json& object, const Step& step) {
  Json converted =
      step.row == nullptr ? object : convert_tree(object, step.row->rules, step.direction);
  converted["apiVersion"] = step.api_version();
  return converted;
}

/// Who a managedFields entry belongs to. The API server keeps one entry per identity, so two that
/// become alike must become one (apimachinery, managedfields/internal/managers.go,
/// BuildManagerIdentifier).
std::string identity_of(const Json& entry) {
  Json identity = entry;
  for (const char* key : {"fieldsType", "fieldsV1", "time"}) identity.erase(key);
  if (string_at(entry, "operation") == "Apply") identity.erase("apiVersion");
  return print_json(identity);
}

void merge_entry(Json& into, const Json& entry) {
  static const Json none = Json::object();
  const Json* a = find(into, "fieldsV1");
  const Json* b = find(entry, "fieldsV1");
  into["fieldsV1"] = union_of_fields(a != nullptr ? *a : none, b != nullptr ? *b : none);
  // RFC 3339 in UTC with whole seconds: the later one is the greater text.
  if (string_at(entry, "time") > string_at(into, "time")) into["time"] = entry["time"];
}

Json convert_entry(const Json& entry, const Step& step, const Json* converted) {
  Json out = entry;
  out["apiVersion"] = step.api_version();
  const Json* fields = find(entry, "fieldsV1");
  if (step.row != nullptr && fields != nullptr) {
    out["fieldsV1"] = convert_fields(*fields, step.row->rules, step.direction,
                                     string_at(entry, "operation"), converted);
  }
  return out;
}

/// The metadata of an object whose body is converted: ownership, and what kubectl remembers.
void convert_metadata(Json& converted, const Step& step) {
  Json& metadata = converted["metadata"];
  if (const Json* entries = find(metadata, "managedFields"); entries != nullptr) {
    Json mapped = convert_managed_fields(*entries, step.group, step.kind, step.to, "", &converted);
    metadata["managedFields"] = std::move(mapped);
  }
  const std::string last_applied = annotation_of(converted, kLastApplied);
  if (last_applied.empty()) return;
  const auto remembered = parse_json(last_applied);
  if (!remembered || kind_of(*remembered) != step.kind ||
      group_of_api_version(string_at(*remembered, "apiVersion")) != step.group) {
    return;
  }
  metadata["annotations"][kLastApplied] = convert_last_applied(last_applied, step.to);
}

/// A field that becomes one atomic value.
struct JoinedField {
  std::string path;                                     // "spec.targetRef"
  Json::json_pointer in_fields = Json::json_pointer();  // "/f:spec/f:targetRef" of a FieldsV1
};

void find_joined(std::span<const FieldRule> rules, const JoinedField& parent,
                 std::vector<JoinedField>& joined) {
  for (const FieldRule& rule : rules) {
    const std::string name(rule.old_name);
    const JoinedField field{parent.path + (parent.path.empty() ? "" : ".") + name,
                            parent.in_fields / ("f:" + name)};
    if (rule.shape == FieldShape::OnlyItemOfList) {
      joined.push_back(field);
    } else {
      find_joined(rule.children, field, joined);
    }
  }
}

/// The parts of a field that an entry of managedFields owns; null where it owns none.
Json owned_parts(const Json& entry, const JoinedField& field) {
  const Json* fields = find(entry, "fieldsV1");
  if (fields == nullptr || !fields->contains(field.in_fields)) return {};
  Json parts = fields->at(field.in_fields);
  if (parts.is_object()) parts.erase(".");  // the struct itself, which applies do not own
  return parts;
}

}  // namespace

std::optional<DirectedConversion> conversion_between(std::string_view group, std::string_view kind,
                                                     std::string_view from, std::string_view to) {
  for (const Conversion* row : kConversions) {
    if (row->group != group || row->kind != kind) continue;
    if (contains(row->old_versions, from) && contains(row->new_versions, to)) {
      return DirectedConversion{row, Direction::Up};
    }
    if (contains(row->new_versions, from) && contains(row->old_versions, to)) {
      return DirectedConversion{row, Direction::Down};
    }
  }
  return std::nullopt;
}

std::string version_of_other_shape(std::string_view group, std::string_view kind,
                                   std::string_view version) {
  for (const Conversion* row : kConversions) {
    if (row->group != group || row->kind != kind) continue;
    if (contains(row->old_versions, version)) return std::string(row->new_versions.front());
    if (contains(row->new_versions, version)) return std::string(row->old_versions.front());
  }
  return "";
}

bool shape_changes(std::string_view group, std::string_view kind, std::string_view from_version,
                   std::string_view to_version) {
  return conversion_between(group, kind, from_version, to_version).has_value();
}

ConversionOutcome convert_object(const Json& object, std::string_view to_version) {
  ConversionOutcome outcome;
  const Step step = step_of(object, to_version);
  if (step.kind.empty() || step.from.empty()) {
    outcome.problems.push_back({"NotAnObject", step.kind.empty() ? "kind" : "apiVersion",
                                "the document has no kind or no apiVersion",
                                "convert whole Kubernetes objects"});
    return outcome;
  }
  if (step.row != nullptr) outcome.problems = step.row->problems(object, step.direction);
  if (!outcome.ok()) return outcome;
  outcome.object = convert_body(object, step);
  if (find(outcome.object, "metadata") != nullptr) convert_metadata(outcome.object, step);
  return outcome;
}

Json convert_managed_fields(const Json& entries, std::string_view group, std::string_view kind,
                            std::string_view to_version, std::string_view drop_manager,
                            const Json* converted) {
  if (!entries.is_array()) return entries;
  Json out = Json::array();
  std::map<std::string, std::size_t> place;
  for (const Json& entry : entries) {
    if (!drop_manager.empty() && string_at(entry, "manager") == drop_manager) continue;
    const std::string api_version = string_at(entry, "apiVersion");
    if (group_of_api_version(api_version) != group) {
      out.push_back(entry);
      continue;
    }
    const Step step = step_between(group, kind, version_of_api_version(api_version), to_version);
    Json mapped = convert_entry(entry, step, converted);
    const auto [it, is_new] = place.try_emplace(identity_of(mapped), out.size());
    if (is_new) {
      out.push_back(std::move(mapped));
    } else {
      merge_entry(out[it->second], mapped);
    }
  }
  return out;
}

std::vector<SharedField> shared_fields(const Json& object, std::string_view to_version) {
  const Step step = step_of(object, to_version);
  std::vector<JoinedField> joined;
  if (step.row != nullptr && step.direction == Direction::Up) {
    find_joined(step.row->rules, {}, joined);
  }
  std::vector<SharedField> shared;
  for (const JoinedField& field : joined) {
    std::set<std::string> different;
    std::vector<std::string> managers;
    bool somebody_applies = false;
    for (const Json& entry : array_at(object, "metadata", "managedFields")) {
      const Json parts = owned_parts(entry, field);
      if (parts.empty()) continue;
      different.insert(print_json(parts));
      managers.push_back(string_at(entry, "manager"));
      somebody_applies = somebody_applies || string_at(entry, "operation") == "Apply";
    }
    if (different.size() < 2 || !somebody_applies) continue;
    shared.push_back({field.path, std::move(managers)});
  }
  return shared;
}

std::string convert_last_applied(const std::string& annotation, std::string_view to_version) {
  const auto remembered = parse_json(annotation);
  if (!remembered || !remembered->is_object()) return annotation;
  const Step step = step_of(*remembered, to_version);
  if (step.kind.empty() || step.from.empty() || step.from == step.to) return annotation;
  // Without a look at Conversion::problems: this is what was once asked for, and only serves to see
  // which fields the next apply leaves out. Those that the rules cannot carry are gone from the
  // object as well.
  return print_json(convert_body(*remembered, step)) + "\n";
}

std::vector<std::string> stale_managed_versions(const Json& object, std::string_view group,
                                                const std::vector<std::string>& kept) {
  std::set<std::string> stale;
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    const std::string api_version = string_at(entry, "apiVersion");
    if (api_version.empty() || group_of_api_version(api_version) != group) continue;
    const std::string version = version_of_api_version(api_version);
    if (std::find(kept.begin(), kept.end(), version) == kept.end()) stale.insert(version);
  }
  return {stale.begin(), stale.end()};
}

}  // namespace gatelift
