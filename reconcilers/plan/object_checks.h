// SPDX-License-Identifier: Apache-2.0
// What the live objects of one CRD say about changing it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/plan/findings.h"

namespace gatelift {

/// One pass over the objects of a CRD. Nothing is kept of an object but its uid where it is
/// converted.
struct ObjectScan {
  int objects = 0;
  int with_status = 0;
  int in_effect = 0;            // a controller has Accepted them
  bool stale_managers = false;  // managedFields name a version that the target does not have
  std::string digest;           // over every object's key, uid and generation, in order
  std::vector<std::string> uids;
  Findings findings;
};

struct ObjectScanInputs {
  const PlannedAction* action = nullptr;  // nullptr: the CRD is right
  const CrdSummary& live;
  const BundleCrd& target;
  const std::set<std::string>& terminating_namespaces;
};

/// Errors are those of the LIST. Whole objects are read where their content matters, for Update and
/// Convert.
Result<ObjectScan> scan_objects(Cluster& cluster, const ObjectScanInputs& inputs);

/// Namespaces that are being deleted: nothing can be created in them. Those we may not read count
/// as none.
Result<std::set<std::string>> terminating_namespaces(Cluster& cluster);

}  // namespace gatelift
