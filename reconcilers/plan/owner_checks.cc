// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/owner_checks.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace gatelift {
namespace {

constexpr std::string_view kResourcePolicy = "helm.sh/resource-policy";
constexpr std::string_view kDeletedWithRelease =
    "; it lacks the annotation helm.sh/resource-policy: keep, so that removing the release, or "
    "switching the component off, would delete it with every object of its kind: see first that "
    "the release's own manifest has it (helm get manifest)";

/// The latest entry of a field manager in managedFields, but for those of subresources, or null.
const Json* entry_of_manager(const Json& object, std::string_view manager) {
  const Json* latest = nullptr;
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    if (string_at(entry, "manager") != manager) continue;
    if (!string_at(entry, "subresource").empty()) continue;
    if (latest == nullptr || string_at(*latest, "time") < string_at(entry, "time")) latest = &entry;
  }
  return latest;
}

/// What the object has at the mark, "" where it has not.
std::string value_at(const Json& object, Mark::On on, std::string_view key) {
  switch (on) {
    case Mark::On::Nothing:
      break;
    case Mark::On::Label:
      return label_of(object, key);
    case Mark::On::Annotation:
      return annotation_of(object, key);
    case Mark::On::Manager:
      return entry_of_manager(object, key) == nullptr ? "" : std::string(key);
  }
  return {};
}

bool is_marked(const Json& object, const Mark& mark) {
  if (mark.on == Mark::On::Nothing) return true;
  const std::string value = value_at(object, mark.on, mark.key);
  return !value.empty() && (mark.value.empty() || value == mark.value);
}

std::string field_of(const Mark& mark) {
  std::string field = "metadata.managedFields";
  if (mark.on == Mark::On::Label) field = "metadata.labels";
  if (mark.on == Mark::On::Annotation) field = "metadata.annotations";
  return field + "[" + std::string(mark.key) + "]";
}

using Words = std::initializer_list<std::pair<std::string_view, std::string_view>>;

std::string filled_in(std::string_view text, Words words) {
  std::string filled(text);
  for (const auto& [word, meaning] : words) {
    for (auto at = filled.find(word); at != std::string::npos;
         at = filled.find(word, at + meaning.size())) {
      filled.replace(at, word.size(), meaning);
    }
  }
  return filled;
}

ForeignOwner owner_of(const Json& object, const OwnerRow& row) {
  std::string name = value_at(object, row.mark.on, row.mark.key);
  name = name.substr(0, name.find(':'));
  const std::string ns = value_at(object, row.mark.on, row.namespace_key);
  const std::string crd = key_of(object).name;
  const bool is_kept = annotation_of(object, kResourcePolicy) == "keep";
  const Words words = {
      {"{name}", name                                              },
      {"{ns}",   ns                                                },
      {"{crd}",  crd                                               },
      {"{keep}", is_kept ? std::string_view() : kDeletedWithRelease}
  };
  ForeignOwner owner;
  owner.field = field_of(row.mark);
  owner.name = filled_in(row.name, words);
  owner.verdict = row.verdict;
  owner.support = row.support;
  owner.next = filled_in(row.next, words);
  if (row.mark.on == Mark::On::Manager) {
    owner.last_written = string_at(*entry_of_manager(object, row.mark.key), "time");
  }
  return owner;
}

std::string message_of(const ForeignOwner& owner) {
  std::string message = "it is managed by " + owner.name;
  switch (owner.verdict) {
    case OwnerVerdict::Reverts:
      message += ", whose next sync puts its own content back";
      break;
    case OwnerVerdict::KeepsNewer:
      message += ", which puts its own content back once that is the newer one";
      break;
    case OwnerVerdict::Refuses:
      message += ", which refuses changes by anybody else";
      break;
    case OwnerVerdict::LeavesAlone:
      message += ", which leaves what is there as it is";
      break;
    case OwnerVerdict::Unknown:
      message = "it was written by " + owner.name +
                (owner.last_written.empty() ? "" : ", last at " + owner.last_written) +
                ", and has no mark of being managed by it: whether it will be written again is "
                "unknown";
      break;
  }
  if (owner.support == Support::Unsupported) message += "; changing it is not supported there";
  return message;
}

Check check_of(const std::string& crd, const ForeignOwner& owner) {
  Check check{"ForeignOwner", Severity::Consent, crd_display(crd),
              owner.field,    message_of(owner), "",
              false};
  if (owner.wants_consent()) {
    check.next = owner.next + "; then copy this check's check, object and field into spec.accept";
  } else {
    check.severity = Severity::Note;
  }
  return check;
}

}  // namespace

bool ForeignOwner::wants_consent() const {
  return verdict != OwnerVerdict::LeavesAlone && verdict != OwnerVerdict::Unknown;
}

std::optional<ForeignOwner> foreign_owner(const Json& object) {
  const auto owners = known_owners();
  const auto row = std::ranges::find_if(owners, [&](const OwnerRow& each) {
    return is_marked(object, each.mark) && is_marked(object, each.also);
  });
  if (row == owners.end()) return std::nullopt;
  return owner_of(object, *row);
}

Result<std::optional<Json>> check_owner(Cluster& cluster, const std::string& crd,
                                        Findings& findings) {
  Request request;
  request.resource = resources::kCrds;
  request.key = {"", crd};
  request.metadata_only = true;
  auto live = cluster.send(request);
  if (!live) {
    if (live.error().is(ErrorKind::NotFound)) return std::nullopt;
    return fail(std::move(live).error());
  }
  if (const auto owner = foreign_owner(*live)) findings.add(check_of(crd, *owner));
  return std::optional(*std::move(live));
}

}  // namespace gatelift
