// SPDX-License-Identifier: Apache-2.0
// Follows the API server's pruning (apiextensions-apiserver,
// pkg/apiserver/schema/pruning/algorithm.go), reporting what it would remove instead of removing
// it.
#include <algorithm>

#include "reconcilers/plan/plan.h"

namespace gatelift {
namespace {

bool is_root_field(const std::string& key) {
  return key == "apiVersion" || key == "kind" || key == "metadata";
}

/// As field.Path prints it: "a.b", or "a[b.c/d]" where the key is no plain name.
std::string child_path(const std::string& path, const std::string& key) {
  const bool plain = std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  if (!plain) return path + "[" + key + "]";
  return path.empty() ? key : path + "." + key;
}

class Pruning {
 public:
  enum class At { Root, Inside };

  void visit(const Json& value, const Json& schema, const std::string& path, At at) {
    if (value.is_object()) {
      visit_object(value, schema, path, at);
    } else if (value.is_array()) {
      const Json* items = find(schema, "items");
      if (items == nullptr) return;
      for (std::size_t i = 0; i < value.size(); ++i) {
        visit(value[i], *items, path + "[" + std::to_string(i) + "]", root_if_embedded(*items));
      }
    }
  }

  std::vector<std::string> take_paths() { return std::move(paths_); }

 private:
  static At root_if_embedded(const Json& schema) {
    return bool_at(schema, false, "x-kubernetes-embedded-resource") ? At::Root : At::Inside;
  }

  void visit_object(const Json& object, const Json& schema, const std::string& path, At at) {
    const bool keeps_unknown = bool_at(schema, false, "x-kubernetes-preserve-unknown-fields");
    const Json* additional = find(schema, "additionalProperties");
    for (const auto& [key, value] : object.items()) {
      if (at == At::Root && is_root_field(key)) continue;
      if (const Json* property = find(schema, "properties", key)) {
        visit(value, *property, child_path(path, key), root_if_embedded(*property));
      } else if (additional != nullptr && additional->is_object()) {
        visit(value, *additional, child_path(path, key), root_if_embedded(*additional));
      } else if (additional != nullptr && *additional == true) {
        continue;
      } else if (!keeps_unknown && !value.is_null()) {
        paths_.push_back(child_path(path, key));
      }
    }
  }

  std::vector<std::string> paths_;
};

}  // namespace

std::vector<std::string> pruned_paths(const Json& schema, const Json& object) {
  Pruning pruning;
  pruning.visit(object, schema, "", Pruning::At::Root);
  return pruning.take_paths();
}

}  // namespace gatelift
