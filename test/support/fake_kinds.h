// SPDX-License-Identifier: Apache-2.0
// What the in-memory API server knows about a kind: built-in ones, and those that a CRD defines.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/object.h"

namespace gatelift::fake {

/// Group and plural: where objects are stored, whatever their version.
using Collection = std::pair<std::string, std::string>;
inline Collection collection_of(const Resource& resource) {
  return {resource.group, resource.plural};
}

struct KindVersion {
  std::string name;
  bool served = true;
  bool has_status = false;  // the status subresource
  Json schema;              // completed at its root
};

struct Kind {
  std::string group;
  std::string plural;
  std::string kind;
  std::string list_kind;
  bool namespaced = true;
  bool custom = false;                // defined by a CRD
  bool counts_generation = false;     // has metadata.generation
  bool unconditional_update = false;  // PUT without resourceVersion is allowed
  bool terminating = false;           // its CRD is being deleted
  std::string storage_version;
  std::vector<KindVersion> versions;

  const KindVersion* version(const std::string& name) const;
  std::string qualified_resource() const;
  std::string qualified_kind() const;
  std::string api_version(const std::string& version_name) const;
};

/// A built-in kind of one version, whose fields are all kept and none checked.
Kind built_in(const Resource& resource, std::string kind_name);
/// The kinds that every test cluster has.
std::vector<Kind> standard_kinds();
/// The kind that a CRD object defines.
Kind kind_of_crd(const Json& crd);

}  // namespace gatelift::fake
