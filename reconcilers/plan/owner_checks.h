// SPDX-License-Identifier: Apache-2.0
// Who else manages a CRD: a provider or a tool that would put its own content back, or that should
// be told first.
#pragma once

#include <optional>
#include <string>

#include "client/cluster.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/owner_table.h"

namespace gatelift {

/// A row of known_owners() that fits a CRD, with its texts filled in.
struct ForeignOwner {
  std::string field;  // of the mark, for instance "metadata.labels[…]"
  std::string name;   // "Helm release traefik/traefik"
  OwnerVerdict verdict = OwnerVerdict::Reverts;
  Support support = Support::Unsaid;
  std::string last_written;  // by a field manager; RFC 3339, "" where it is not known
  std::string next;          // what to change there first; "" where nothing has to be

  /// True where its content may come back, so that somebody has to be asked.
  bool wants_consent() const;
};

/// `object` is a CRD or its metadata. Pure.
std::optional<ForeignOwner> foreign_owner(const Json& object);

/// Adds a ForeignOwner check where one manages the live CRD. Returns the CRD's metadata, nullopt
/// where it is gone.
Result<std::optional<Json>> check_owner(Cluster& cluster, const std::string& crd,
                                        Findings& findings);

}  // namespace gatelift
