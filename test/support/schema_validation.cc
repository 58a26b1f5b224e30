// SPDX-License-Identifier: Apache-2.0
#include "test/support/schema_validation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "test/support/structural_schema.h"

namespace gatelift::fake {
namespace {

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  return true;
}

/// Go's expressions are nearly ECMAScript's. One that is not, or a text long enough to exhaust the
/// stack of std::regex, passes.
bool matches(const std::string& text, const std::string& pattern) {
  constexpr std::size_t kMaxBytes = 8192;
  if (text.size() > kMaxBytes) return true;
  thread_local std::map<std::string, std::optional<std::regex>> known;
  auto [it, is_new] = known.try_emplace(pattern);
  if (is_new) {
    try {
      it->second.emplace(pattern, std::regex::ECMAScript);
    } catch (const std::regex_error&) {
      it->second.reset();
    }
  }
  return !it->second || std::regex_search(text, *it->second);
}

/// Unicode code points, which is what length bounds count.
std::size_t length_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

class Validator {
 public:
  void visit(const Json& value, const Json* before, const Json& schema, const std::string& path) {
    if (before != nullptr && *before == value) return;
    if (!check_type(value, schema, path)) return;
    check_enum(value, schema, path);
    if (value.is_object()) visit_object(value, before, schema, path);
    if (value.is_array()) visit_array(value, before, schema, path);
    if (value.is_string()) check_string(value.get_ref<const std::string&>(), schema, path);
    if (value.is_number()) check_number(value, schema, path);
    check_combinations(value, schema, path);
  }

  std::vector<Cause> causes;

 private:
  void note(const char* reason, const std::string& path, const std::string& message) {
    causes.push_back({reason, path.empty() ? "<nil>" : path, message});
  }

  bool check_type(const Json& value, const Json& schema, const std::string& path) {
    std::string type = string_at(schema, "type");
    if (value.is_null()) {
      if (type.empty() || bool_at(schema, false, "nullable")) return false;
      note("FieldValueTypeInvalid", path, "Invalid value: \"null\": must be of type " + type);
      return false;
    }
    if (bool_at(schema, false, "x-kubernetes-int-or-string")) {
      if (value.is_string() || value.is_number_integer()) return true;
      note("FieldValueTypeInvalid", path, "Invalid value: must be of type integer or string");
      return false;
    }
    if (type.empty() || has_type(value, type)) return true;
    note("FieldValueTypeInvalid", path,
         "Invalid value: \"" + std::string(value.type_name()) + "\": must be of type " + type);
    return false;
  }

  void check_enum(const Json& value, const Json& schema, const std::string& path) {
    const Json& allowed = array_at(schema, "enum");
    if (allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end())
      return;
    note("FieldValueNotSupported", path, "Unsupported value: " + value.dump());
  }

  void visit_object(const Json& value, const Json* before, const Json& schema,
                    const std::string& path) {
    for (const Json& name : array_at(schema, "required")) {
      const auto& key = name.get_ref<const std::string&>();
      if (!value.contains(key)) note("FieldValueRequired", join(path, key), "Required value");
    }
    check_bound(value.size(), schema, "minProperties", "maxProperties", path);
    for (const auto& [name, child] : value.items()) {
      const Json* old = before == nullptr ? nullptr : find(*before, name);
      visit(child, old, field_schema(schema, name), join(path, name));
    }
  }

  void visit_array(const Json& value, const Json* before, const Json& schema,
                   const std::string& path) {
    check_bound(value.size(), schema, "minItems", "maxItems", path);
    Shape shape = shape_of(schema, value);
    bool keyed = shape == Shape::KeyedList || shape == Shape::Set;
    std::map<std::string, const Json*> old_items;
    if (keyed && before != nullptr && before->is_array()) {
      for (const Json& item : *before) old_items.emplace(item_element(schema, item), &item);
    }
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string below = path + "[" + std::to_string(i) + "]";
      const Json* old = nullptr;
      if (keyed) {
        std::string element = item_element(schema, value[i]);
        if (!seen.insert(element).second) note("FieldValueDuplicate", below, "Duplicate value");
        auto it = old_items.find(element);
        if (it != old_items.end()) old = it->second;
      }
      visit(value[i], old, item_schema(schema), below);
    }
  }

  void check_string(const std::string& text, const Json& schema, const std::string& path) {
    check_bound(length_of(text), schema, "minLength", "maxLength", path);
    std::string pattern = string_at(schema, "pattern");
    if (!pattern.empty() && !matches(text, pattern)) {
      note("FieldValueInvalid", path,
           "Invalid value: \"" + text + "\": should match '" + pattern + "'");
    }
  }

  void check_number(const Json& value, const Json& schema, const std::string& path) {
    const Json* least = gatelift::find(schema, "minimum");
    const Json* most = gatelift::find(schema, "maximum");
    double number = value.get<double>();
    bool too_small = least != nullptr && number < least->get<double>();
    bool too_large = most != nullptr && number > most->get<double>();
    if (too_small || too_large) {
      note("FieldValueInvalid", path, "Invalid value: " + value.dump() + ": out of bounds");
    }
  }

  void check_bound(std::size_t size, const Json& schema, const char* least, const char* most,
                   const std::string& path) {
    auto count = static_cast<std::int64_t>(size);
    if (count < int_at(schema, 0, least)) {
      note("FieldValueInvalid", path,
           "Invalid value: should have at least " + std::to_string(int_at(schema, 0, least)));
    }
    if (count > int_at(schema, count, most)) {
      bool items = std::string_view(most) == "maxItems";
      note(items ? "FieldValueTooMany" : "FieldValueTooLong", path,
           "Too many: must have at most " + std::to_string(int_at(schema, count, most)));
    }
  }

  void check_combinations(const Json& value, const Json& schema, const std::string& path) {
    auto passing = [&](const char* name) {
      const Json& parts = array_at(schema, name);
      return std::count_if(parts.begin(), parts.end(), [&](const Json& part) {
        return validate(value, nullptr, part).empty();
      });
    };
    for (const Json& part : array_at(schema, "allOf")) visit(value, nullptr, part, path);
    if (!array_at(schema, "anyOf").empty() && passing("anyOf") == 0) {
      note("FieldValueInvalid", path, "Invalid value: must validate at least one schema (anyOf)");
    }
    if (!array_at(schema, "oneOf").empty() && passing("oneOf") != 1) {
      note("FieldValueInvalid", path,
           "Invalid value: must validate one and only one schema (oneOf)");
    }
    const Json* forbidden = gatelift::find(schema, "not");
    if (forbidden != nullptr && validate(value, nullptr, *forbidden).empty()) {
      note("FieldValueInvalid", path, "Invalid value: must not validate the schema (not)");
    }
  }

  static std::string join(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + "." + name;
  }
};

}  // namespace

std::vector<Cause> validate(const Json& object, const Json* before, const Json& schema) {
  Validator validator;
  validator.visit(object, before, schema, "");
  return std::move(validator.causes);
}

}  // namespace gatelift::fake
