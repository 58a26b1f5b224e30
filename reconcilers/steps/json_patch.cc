// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/json_patch.h"

#include <utility>

#include "client/request.h"

namespace gatelift {

Json replacement(std::string pointer, Json value) {
  Json operation = {
      {"op",   "replace"         },
      {"path", std::move(pointer)}
  };
  operation["value"] = std::move(value);
  return operation;
}

Json removal(std::string pointer) {
  return {
      {"op",   "remove"          },
      {"path", std::move(pointer)}
  };
}

std::string annotation_pointer(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return "/metadata/annotations/" + escaped;
}

Json entries_of_others(const Json& object) {
  Json kept = Json::array();
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    if (string_at(entry, "manager") != kFieldManager) kept.push_back(entry);
  }
  return kept;
}

Json managed_fields_patch(const Json& object, Json entries) {
  Json patch = Json::array();
  patch.push_back(replacement("/metadata/resourceVersion", resource_version_of(object)));
  patch.push_back(replacement("/metadata/managedFields", std::move(entries)));
  return patch;
}

}  // namespace gatelift
