// SPDX-License-Identifier: Apache-2.0
// Names of API resources and objects, and readers of the metadata that every object has.
#pragma once

#include <compare>
#include <string>

#include "client/json.h"

namespace gatelift {

/// A collection of the API at one version, for instance backendtlspolicies of gateway.networking.k8s.io/v1alpha3.
/// `group` is "" for the core group.
struct Resource {
  std::string group;
  std::string version;
  std::string plural;
  bool namespaced = true;

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  auto operator<=>(const Resource&) const = default;
};

/// An object within a collection. `ns` is "" for cluster-scoped ones.
struct ObjectKey {
  std::string ns;
  std::string name;

  /// "ns/name", or "name" for cluster-scoped objects.
  std::string display() const { return ns.empty() ? name : ns + "/" + name; }
  auto operator<=>(const ObjectKey&) const = default;
};

ObjectKey key_of(const Json& object);
std::string uid_of(const Json& object);
std::string resource_version_of(const Json& object);
std::string kind_of(const Json& object);
std::string annotation_of(const Json& object, std::string_view name);
std::string label_of(const Json& object, std::string_view name);
std::string creation_timestamp_of(const Json& object);
bool is_being_deleted(const Json& object);

/// "Kind/ns/name", the form in which checks, events and errors name an object.
std::string display_name(std::string_view kind, const ObjectKey& key);

/// The group of an apiVersion ("" for the core group) and its version.
std::string group_of_api_version(std::string_view api_version);
std::string version_of_api_version(std::string_view api_version);

namespace resources {
inline const Resource kCrds{"apiextensions.k8s.io", "v1", "customresourcedefinitions", false};
inline const Resource kSecrets{"", "v1", "secrets", true};
inline const Resource kConfigMaps{"", "v1", "configmaps", true};
inline const Resource kNamespaces{"", "v1", "namespaces", false};
inline const Resource kEvents{"events.k8s.io", "v1", "events", true};
inline const Resource kLeases{"coordination.k8s.io", "v1", "leases", true};
inline const Resource kEndpointSlices{"discovery.k8s.io", "v1", "endpointslices", true};
inline const Resource kSelfSubjectAccessReviews{"authorization.k8s.io", "v1",
                                                "selfsubjectaccessreviews", false};
}  // namespace resources

}  // namespace gatelift
