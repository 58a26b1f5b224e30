// SPDX-License-Identifier: Apache-2.0
// Who has written objects at API versions that are about to go, as far as the objects themselves
// say: managedFields keeps the version of each manager's last write. Who only reads leaves no trace
// there.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "reconcilers/bundle/crd.h"
#include "reconcilers/plan/findings.h"

namespace gatelift {

/// Versions that the live CRD serves and `target` does not; none where `target` is null or another
/// CRD, since the live one then keeps what it serves. Pure.
std::vector<std::string> leaving_versions(const CrdSummary& live, const CrdSummary* target);

/// Collects the field managers of a CRD's objects, object by object. Keeps up to 200 managers of a
/// version, those that wrote last.
class VersionUse {
 public:
  VersionUse(const CrdSummary& live, const CrdSummary* target);

  /// Takes an object or its metadata. Leaves out the API server's own managers and ours.
  void see(const Json& object);

  /// Adds a VersionClients check for every leaving version: a warning that names up to ten
  /// managers, newest first, or a note that nobody is known.
  void report(Findings& findings) const;

 private:
  struct Writes {
    std::string time;  // of the last one, RFC 3339; "" where it is not known
    std::string operation;
    std::string subresource;
    int objects = 0;
    int last_object = 0;  // counted last, by number
  };
  struct Managers {
    std::map<std::string, Writes> by_name;
    bool forgot_some = false;
  };

  void note(Managers& managers, const std::string& name, const Json& entry);
  Check check_of(const std::string& version, const Managers& managers) const;

  const std::string crd_;
  const std::string group_;
  const std::string plural_;
  const std::string served_;  // what the target serves: "v1, v1beta1"
  std::map<std::string, Managers> leaving_;
  int objects_ = 0;
};

}  // namespace gatelift
