// SPDX-License-Identifier: Apache-2.0
#include "test/support/structural_schema.h"

namespace gatelift::fake {
namespace {

Json string_map() {
  return {
      {"type",                 "object"            },
      {"additionalProperties", {{"type", "string"}}}
  };
}

Json metadata_schema() {
  Json text = {
      {"type", "string"}
  };
  Json time = {
      {"type",     "string"},
      {"nullable", true    }
  };
  Json number = {
      {"type", "integer"}
  };
  Json flag = {
      {"type", "boolean"}
  };
  Json owner = {
      {"type",                  "object"},
      {"x-kubernetes-map-type", "atomic"},
      {"properties",
       {{"apiVersion", text},
        {"kind", text},
        {"name", text},
        {"uid", text},
        {"controller", flag},
        {"blockOwnerDeletion", flag}}   }
  };
  Json owners = {
      {"type",                       "array"             },
      {"x-kubernetes-list-type",     "map"               },
      {"x-kubernetes-list-map-keys", Json::array({"uid"})},
      {"items",                      owner               }
  };
  Json finalizers = {
      {"type",                   "array"},
      {"x-kubernetes-list-type", "set"  },
      {"items",                  text   }
  };
  Json managed = {
      {"type",  "array"      },
      {"items", open_schema()}
  };
  return {
      {"type",       "object"      },
      {"properties",
       {{"name", text},
        {"generateName", text},
        {"namespace", text},
        {"selfLink", text},
        {"uid", text},
        {"resourceVersion", text},
        {"generation", number},
        {"creationTimestamp", time},
        {"deletionTimestamp", time},
        {"deletionGracePeriodSeconds", number},
        {"labels", string_map()},
        {"annotations", string_map()},
        {"ownerReferences", owners},
        {"finalizers", finalizers},
        {"managedFields", managed}}}
  };
}

void prune_node(Json& node, const Json& schema, const std::string& path,
                std::vector<std::string>& pruned) {
  if (node.is_array()) {
    for (std::size_t i = 0; i < node.size(); ++i) {
      prune_node(node[i], item_schema(schema), path + "[" + std::to_string(i) + "]", pruned);
    }
    return;
  }
  if (!node.is_object()) return;
  for (auto it = node.begin(); it != node.end();) {
    std::string below = path.empty() ? it.key() : path + "." + it.key();
    if (!admits(schema, it.key())) {
      pruned.push_back(below);
      it = node.erase(it);
      continue;
    }
    prune_node(*it, field_schema(schema, it.key()), below, pruned);
    ++it;
  }
}

std::string undeclared_below(const Json& node, const Json& schema, const std::string& path) {
  if (node.is_array()) {
    for (const Json& item : node) {
      std::string found = undeclared_below(item, item_schema(schema), path + "[]");
      if (!found.empty()) return found;
    }
    return {};
  }
  if (!node.is_object()) return {};
  for (const auto& [name, value] : node.items()) {
    std::string below = path + "." + name;
    if (!admits(schema, name)) return below;
    std::string found = undeclared_below(value, field_schema(schema, name), below);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

const Json& open_schema() {
  static const Json schema = {
      {"x-kubernetes-preserve-unknown-fields", true}
  };
  return schema;
}

Json complete_root(Json schema) {
  static const Json metadata = metadata_schema();
  if (!schema.is_object()) schema = open_schema();
  Json& properties = schema["properties"];
  if (!properties.is_object()) properties = Json::object();
  properties["apiVersion"] = {
      {"type", "string"}
  };
  properties["kind"] = {
      {"type", "string"}
  };
  properties["metadata"] = metadata;
  return schema;
}

bool preserves_unknown(const Json& schema) {
  return bool_at(schema, false, "x-kubernetes-preserve-unknown-fields");
}

bool declares(const Json& schema, const std::string& name) {
  const Json* properties = find(schema, "properties");
  return properties != nullptr && properties->contains(name);
}

bool admits(const Json& schema, const std::string& name) {
  if (declares(schema, name) || preserves_unknown(schema)) return true;
  const Json* additional = find(schema, "additionalProperties");
  if (additional != nullptr && (additional->is_object() || *additional == true)) return true;
  bool embedded = bool_at(schema, false, "x-kubernetes-embedded-resource");
  return embedded && (name == "apiVersion" || name == "kind" || name == "metadata");
}

const Json& field_schema(const Json& schema, const std::string& name) {
  if (const Json* property = find(schema, "properties", name)) return *property;
  const Json* additional = find(schema, "additionalProperties");
  return additional != nullptr && additional->is_object() ? *additional : open_schema();
}

const Json& item_schema(const Json& schema) {
  const Json* items = find(schema, "items");
  return items != nullptr && items->is_object() ? *items : open_schema();
}

std::vector<std::string> prune(Json& object, const Json& schema) {
  std::vector<std::string> pruned;
  prune_node(object, schema, "", pruned);
  return pruned;
}

void apply_defaults(Json& object, const Json& schema) {
  if (object.is_array()) {
    for (Json& item : object) apply_defaults(item, item_schema(schema));
    return;
  }
  if (!object.is_object()) return;
  if (const Json* properties = find(schema, "properties")) {
    for (const auto& [name, property] : properties->items()) {
      auto it = property.find("default");
      if (it == property.end()) continue;
      bool null_is_a_value = bool_at(property, false, "nullable");
      auto present = object.find(name);
      if (present == object.end() || (present->is_null() && !null_is_a_value)) object[name] = *it;
    }
  }
  for (auto it = object.begin(); it != object.end(); ++it) {
    apply_defaults(*it, field_schema(schema, it.key()));
  }
}

Shape shape_of(const Json& schema, const Json& value) {
  if (value.is_object()) {
    return string_at(schema, "x-kubernetes-map-type") == "atomic" ? Shape::Leaf : Shape::Map;
  }
  if (!value.is_array()) return Shape::Leaf;
  std::string type = string_at(schema, "x-kubernetes-list-type");
  if (type == "map") return Shape::KeyedList;
  return type == "set" ? Shape::Set : Shape::Leaf;
}

std::string item_element(const Json& schema, const Json& item) {
  const Json& keys = array_at(schema, "x-kubernetes-list-map-keys");
  if (keys.empty()) return "v:" + item.dump();
  Json values = Json::object();
  for (const Json& key : keys) {
    const std::string& name = key.get_ref<const std::string&>();
    const Json* value = find(item, name);
    if (value == nullptr) value = find(item_schema(schema), "properties", name, "default");
    if (value != nullptr) values[name] = *value;
  }
  return "k:" + values.dump();
}

std::string first_undeclared(const Json& object, const Json& schema) {
  return undeclared_below(object, schema, "");
}

}  // namespace gatelift::fake
