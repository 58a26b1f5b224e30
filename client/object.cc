// SPDX-License-Identifier: Apache-2.0
#include "client/object.h"

namespace gatelift {

ObjectKey key_of(const Json& object) {
  return {string_at(object, "metadata", "namespace"), string_at(object, "metadata", "name")};
}

std::string uid_of(const Json& object) { return string_at(object, "metadata", "uid"); }

std::string resource_version_of(const Json& object) {
  return string_at(object, "metadata", "resourceVersion");
}

std::string kind_of(const Json& object) { return string_at(object, "kind"); }

std::string annotation_of(const Json& object, std::string_view name) {
  return string_at(object, "metadata", "annotations", name);
}

std::string label_of(const Json& object, std::string_view name) {
  return string_at(object, "metadata", "labels", name);
}

std::string creation_timestamp_of(const Json& object) {
  return string_at(object, "metadata", "creationTimestamp");
}

bool is_being_deleted(const Json& object) {
  return !string_at(object, "metadata", "deletionTimestamp").empty();
}

std::string display_name(std::string_view kind, const ObjectKey& key) {
  return std::string(kind) + "/" + key.display();
}

std::string group_of_api_version(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string()
                                         : std::string(api_version.substr(0, slash));
}

std::string version_of_api_version(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return std::string(slash == std::string_view::npos ? api_version : api_version.substr(slash + 1));
}

}  // namespace gatelift
