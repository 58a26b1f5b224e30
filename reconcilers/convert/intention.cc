// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/convert/intention.h"

#include <algorithm>

#include "reconcilers/convert/carry_rules.h"
#include "reconcilers/convert/halves.h"
#include "reconcilers/convert/pruning.h"
#include "reconcilers/convert/references.h"

namespace gatelift {
namespace {

constexpr std::size_t kMaxValueBytes = 200;

}  // namespace

std::string shortened(const Json& value) {
  std::string text = print_json(value);
  if (text.size() <= kMaxValueBytes) return text;
  std::size_t end = kMaxValueBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

bool FieldChange::is_in_status() const {
  return field == "status" || field.starts_with("status.") || field.starts_with("status[");
}

bool Intention::needs_write() const {
  return std::ranges::any_of(
      changes, [](const FieldChange& change) { return change.kind != FieldChange::Kind::Dropped; });
}

Json schema_of(const Json& crd, std::string_view version) {
  for (const Json& each : array_at(crd, "spec", "versions")) {
    if (string_at(each, "name") != version) continue;
    const Json* schema = find(each, "schema", "openAPIV3Schema");
    return schema == nullptr ? Json::object() : *schema;
  }
  return Json::object();
}

Intentions::Intentions(const BundleCrd& target, std::vector<ReferenceMove> moves)
    : storage_version_(target.summary.storage_version()),
      schema_(schema_of(target.json(), storage_version_)),
      moves_(std::move(moves)) {
  for (const CarryRule& rule : carry_rules()) {
    if (rule.kind == target.summary.kind && rule.applies(schema_)) rules_.push_back(&rule);
  }
}

Intention Intentions::of(const Json& object) const {
  Intention intention;
  ConversionOutcome converted = convert_bridged(object, storage_version_);
  intention.problems = std::move(converted.problems);
  if (!intention.ok()) return intention;
  intention.object = std::move(converted.object);
  for (const CarryRule* rule : rules_) rule->carry(intention);
  move_references(moves_, intention);
  const std::string kind = string_at(object, "kind");
  for (const PrunedField& field : prune(schema_, intention.object)) {
    std::string meaning = security_of(kind, field.path);
    const bool is_secured = !meaning.empty();
    intention.changes.push_back({FieldChange::Kind::Dropped, field.path, "", shortened(field.value),
                                 std::move(meaning), is_secured});
  }
  return intention;
}

}  // namespace gatelift
