// SPDX-License-Identifier: Apache-2.0
// One difference between two bundles, and what upstream's versioning policy says about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatelift {

enum class ChangeKind {
  CrdAdded,
  CrdRemoved,
  CrdChanged,  // names, scope, conversion, labels
  PolicyChanged,
  VersionAdded,
  VersionRemoved,
  Served,
  Unserved,
  StorageMoved,
  Deprecated,
  Undeprecated,
  SubresourceAdded,
  SubresourceRemoved,
  ColumnsChanged,
  FieldAdded,
  FieldRemoved,
  FieldRetyped,
  DefaultChanged,
  Tightened,     // an object that was valid may not be any more
  Loosened,      // what was valid stays so, and more is
  Revalidated,   // validation changed, and its text does not tell in which direction
  MergeChanged,  // how server-side apply merges a field, which no validation depends on
};

/// What a CEL rule that was added to a schema speaks of, or what a rewritten one speaks of besides.
/// Only OnlyNew is a proof that it refuses nothing which was valid before.
enum class RuleSubject {
  Existing,   // only what the schema had before
  PartlyNew,  // what is new or was loosened in the same step, and what was there
  OnlyNew,    // only fields that are new in the same step
  Totals,     // a sum of sizes, which the bounds of the single lists may have implied
};

/// Upstream's versioning policy (https://gateway-api.sigs.k8s.io/concepts/versioning/), the rules
/// of Kubernetes for API versions, and what has to hold between the channels of one release, in a
/// form that a program can check.
enum class Rule {
  P1,  // patch: the same CRDs, versions, and versions' flags
  P2,  // patch: no field added, removed or retyped, no default changed
  P3,  // patch: no validation tightened, unless it is corrected
  P4,  // patch: the same subresources and printer columns, unless they are restored
  M1,  // minor, standard: no field removed or retyped
  M2,  // minor, standard: no validation tightened, but for rules about new fields
  M3,  // minor, standard: unserved only after it was deprecated, and while another is served
  M4,  // minor, standard: a version removed only after it was unserved
  M5,  // minor, standard: a CRD removed only after it was deprecated
  M6,  // minor, standard: what is new was experimental in the minor before
  M7,  // minor: a new storage version was served before
  M8,  // minor, standard: storage moved, deprecated, unserved, removed in four minors
  MJ,  // major: nothing is promised
  X1,  // each release: experimental has what standard has
  X2,  // each release: standard serves no alpha version
  X3,  // each release: what is valid in standard is valid in experimental
  A1,  // each bundle: every document names it, by version and channel
  A2,  // each bundle: its kustomization lists all of its files
};

enum class Ruling { Allowed, Violates, NotDecidable };

struct PolicyVerdict {
  Ruling ruling = Ruling::Allowed;
  std::optional<Rule> rule;  // none where the channel allows what no rule is about
  std::string why;           // may be empty
};

struct Change {
  ChangeKind kind = ChangeKind::CrdChanged;
  std::string crd;      // name; of an admission policy "Kind/name"
  std::string version;  // "" where it is the CRD's as a whole
  std::string path;     // "spec.listeners[].tls"; "" for the whole
  std::string keyword;  // of the schema, "maxLength"; "" where the kind says it all
  std::string detail;   // "8 -> 64"
  std::string cel;      // text of the CEL rule; of one that was rewritten the new one
  RuleSubject subject = RuleSubject::Existing;  // of that rule
  std::vector<PolicyVerdict> verdicts;                // none where no rule is about it
};

std::string_view to_string(ChangeKind);
std::string_view to_string(Rule);
std::string_view to_string(Ruling);

/// The gravest of the verdicts: a violation, then what cannot be decided. nullopt where there is
/// none.
std::optional<Ruling> gravest(const std::vector<PolicyVerdict>& verdicts);

}  // namespace gatelift
