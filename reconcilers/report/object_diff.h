// SPDX-License-Identifier: Apache-2.0
// What becomes of one object: the fields that change, and its YAML before and after, line by line.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/convert/intention.h"

namespace gatelift {

struct ObjectDiff {
  std::string object;  // "Kind/ns/name"
  std::vector<FieldChange> changes;
  int removed = 0;  // lines
  int added = 0;
  /// Lines that begin with "-", "+" or " ", three of the latter around each change; "@@" where
  /// lines are left out. At most kMaxDiffLines of at most kMaxLineBytes.
  std::string text;
};

/// "Moved", "Repaired", "Dropped".
std::string_view to_string(FieldChange::Kind kind);

inline constexpr int kMaxDiffLines = 400;
inline constexpr std::size_t kMaxLineBytes = 300;

/// Without what the API server keeps itself (uid, resourceVersion, generation, creationTimestamp,
/// managedFields) and without kubectl's copy of the manifest, which follows the object.
ObjectDiff diff_objects(const Json& before, const Json& after);

/// The same diff of two texts.
ObjectDiff diff_texts(const std::string& before, const std::string& after);

}  // namespace gatelift
