// SPDX-License-Identifier: Apache-2.0
// YAML as kubectl reads and writes it: the same text gives the same object as with sigs.k8s.io/yaml
// (go-yaml v2 rules: yes/no/on/off are booleans, 017 is 15, dates are strings, keys become
// strings). Pure.
//
// Stricter than kubectl where a file would silently mean something else than it seems to: duplicate
// keys, merge keys
// (<<), unfinished quotes, a second document without "---", custom tags and unexpanded templates
// are errors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/json.h"
#include "client/result.h"

namespace gatelift {

/// Reads every document of a text; empty documents are left out. JSON is read too. Limits: 16 MB,
/// 100 levels, a million nodes with aliases expanded. Errors (Invalid) begin with
/// "source_name:line:column: ".
Result<std::vector<Json>> parse_yaml(std::string_view text, std::string_view source_name);

/// Prints one document without "---", block style, so that parse_yaml gives an equal tree. At the
/// top level apiVersion, kind, metadata, spec and status come first; all other keys are sorted.
/// Texts of several lines are literal blocks where that is exact. Bytes that are not UTF-8 are
/// replaced.
std::string print_yaml(const Json& json);

}  // namespace gatelift
