// SPDX-License-Identifier: Apache-2.0
#include "controller/prerequisites.h"

#include "client/yaml.h"
#include "reconcilers/bundle/crd.h"
#include "reconcilers/migration.h"

namespace gatelift {
namespace {

constexpr std::chrono::milliseconds kPoll{100};
constexpr std::chrono::seconds kEstablishing{30};

Result<Json> migration_crd() {
  ASSIGN_OR_RETURN(auto documents, parse_yaml(migration_crd_manifest(), "manifests/crd"));
  if (documents.size() != 1)
    return fail(ErrorKind::Internal, "manifests/crd holds not one document");
  return std::move(documents.front());
}

/// Creates what is absent; true when this call did.
Result<bool> create_if_absent(Cluster& cluster, const Resource& resource, const Json& object) {
  ASSIGN_OR_RETURN(const auto found, get_if_exists(cluster, resource, key_of(object)));
  if (found) return false;
  const auto created = create(cluster, resource, object);
  if (created) return true;
  if (created.error().is(ErrorKind::AlreadyExists)) return false;
  return fail(created.error());
}

/// A CRD is listed as Established a moment before its endpoint answers.
Result<void> wait_until_served(Cluster& cluster, Clock& clock) {
  Request list;
  list.verb = Verb::List;
  list.resource = kMigrations;
  list.limit = 1;
  const Time give_up = clock.now() + kEstablishing;
  while (true) {
    const auto answer = cluster.send(list);
    if (answer) return {};
    if (!answer.error().is(ErrorKind::NotFound) || clock.now() >= give_up) {
      return fail(wrap(answer.error(), "waiting for the GatewayAPIMigration CRD to be served"));
    }
    RETURN_IF_ERROR(clock.sleep(kPoll));
  }
}

}  // namespace

Result<Prerequisites> ensure_prerequisites(Cluster& cluster, Clock& clock, const std::string& ns) {
  Prerequisites done;
  const Json ns_object = {
      {"apiVersion", "v1"          },
      {"kind",       "Namespace"   },
      {"metadata",   {{"name", ns}}}
  };
  ASSIGN_OR_RETURN(done.created_namespace,
                   create_if_absent(cluster, resources::kNamespaces, ns_object));
  ASSIGN_OR_RETURN(const Json crd, migration_crd());
  ASSIGN_OR_RETURN(done.created_crd, create_if_absent(cluster, resources::kCrds, crd));
  if (!done.created_crd) {
    ASSIGN_OR_RETURN(const Json live, get(cluster, resources::kCrds, key_of(crd)));
    done.crd_differs = spec_digest(live) != spec_digest(crd);
  }
  RETURN_IF_ERROR(wait_until_served(cluster, clock));
  return done;
}

}  // namespace gatelift
