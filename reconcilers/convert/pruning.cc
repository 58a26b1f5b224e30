// SPDX-License-Identifier: Apache-2.0
// Follows the API server's pruning (apiextensions-apiserver,
// pkg/apiserver/schema/pruning/algorithm.go).
#include "reconcilers/convert/pruning.h"

#include <algorithm>
#include <utility>

namespace gatelift {
namespace {

bool is_root_field(const std::string& key) {
  return key == "apiVersion" || key == "kind" || key == "metadata";
}

class Pruning {
 public:
  enum class At { Root, Inside };

  void visit(Json& value, const Json& schema, const std::string& path, At at) {
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

  std::vector<PrunedField> take() { return std::move(pruned_); }

 private:
  static At root_if_embedded(const Json& schema) {
    return bool_at(schema, false, "x-kubernetes-embedded-resource") ? At::Root : At::Inside;
  }

  void visit_object(Json& object, const Json& schema, const std::string& path, At at) {
    const bool keeps_unknown = bool_at(schema, false, "x-kubernetes-preserve-unknown-fields");
    const Json* additional = find(schema, "additionalProperties");
    for (auto it = object.begin(); it != object.end();) {
      const std::string& key = it.key();
      Json& value = it.value();
      if (at == At::Root && is_root_field(key)) {
        ++it;
        continue;
      }
      if (const Json* property = find(schema, "properties", key)) {
        visit(value, *property, child_path(path, key), root_if_embedded(*property));
      } else if (additional != nullptr && additional->is_object()) {
        visit(value, *additional, child_path(path, key), root_if_embedded(*additional));
      } else if (!keeps_unknown && (additional == nullptr || *additional != true)) {
        if (!value.is_null()) pruned_.push_back({child_path(path, key), std::move(value)});
        it = object.erase(it);
        continue;
      }
      ++it;
    }
  }

  std::vector<PrunedField> pruned_;
};

}  // namespace

std::string child_path(const std::string& path, const std::string& key) {
  const bool plain = std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  if (!plain) return path + "[" + key + "]";
  return path.empty() ? key : path + "." + key;
}

std::vector<PrunedField> prune(const Json& schema, Json& object) {
  Pruning pruning;
  pruning.visit(object, schema, "", Pruning::At::Root);
  return pruning.take();
}

}  // namespace gatelift
