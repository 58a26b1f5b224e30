// SPDX-License-Identifier: Apache-2.0
// What a CustomResourceDefinition says about itself, without its schemas.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/object.h"

namespace gatelift {

struct CrdVersion {
  std::string name;
  bool served = false;
  bool storage = false;
};

/// A few hundred bytes per CRD: a bundle's schemas as JSON trees are some ten megabytes, so they
/// are read, looked at and let go. Made of a live CRD or of a manifest alike.
struct CrdSummary {
  std::string name;  // plural.group
  std::string group;
  std::string plural;
  std::string kind;
  bool namespaced = true;
  std::vector<CrdVersion> versions;
  std::string digest;          // spec_digest of it
  std::string bundle_version;  // annotation gateway.networking.k8s.io/bundle-version: a hint
  std::string channel;         // annotation gateway.networking.k8s.io/channel: a hint

  // Live CRDs only.
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;  // counts changes of the spec
  std::vector<std::string> stored_versions;
  bool established = false;
  bool terminating = false;

  const CrdVersion* version(std::string_view name) const;
  /// Of stored versions those that spec.versions lacks. While status.storedVersions names one, the
  /// API server refuses this CRD (apiextensions-apiserver,
  /// ValidateCustomResourceDefinitionStoredVersions).
  std::vector<std::string> lacking(const std::vector<std::string>& stored) const;
  /// The storage version's name.
  std::string storage_version() const;
  /// The collection at a version; at the storage version if it is served, else at the first served
  /// one.
  Resource resource_at(std::string_view version) const;
  Resource resource() const;
};

/// True where two have the same spec, and name the same bundle.
bool same_content(const CrdSummary& a, const CrdSummary& b);

/// Error kind Invalid, naming the field, where `crd` is no apiextensions.k8s.io/v1
/// CustomResourceDefinition.
Result<CrdSummary> summarize_crd(const Json& crd);

/// Digest of .spec with what the API server adds by default taken out, so that a live CRD and the
/// manifest it was made of have the same one (conversion.strategy None, preserveUnknownFields
/// false).
std::string spec_digest(const Json& crd);

}  // namespace gatelift
