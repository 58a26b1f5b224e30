// SPDX-License-Identifier: Apache-2.0
// What the live objects of one CRD say about changing it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/convert/references.h"
#include "reconcilers/convert/renaming.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/move_checks.h"

namespace gatelift {

/// Of the objects of a conversion, by whichever strategy, those that tell one from the other.
struct ConversionCounts {
  int with_status = 0;
  int in_effect = 0;    // a controller has Accepted them
  int contested = 0;    // others compete with them for a target
  int undeletable = 0;  // a deletion would hang, or be for good
  int to_choose = 0;    // they have a problem that Recreate offers resolutions for
};

/// One pass over the objects of a CRD. Nothing is kept of an object but its uid where it is
/// converted.
struct ObjectScan {
  int objects = 0;
  int to_make = 0;  // of Rename: objects that the new kind lacks
  int carried = 0;  // of which a field moves or is mended
  int changed = 0;  // the same, or of which a field is lost
  ConversionCounts conversion;
  bool stale_managers = false;  // managedFields name a version that the target does not have
  std::string hanging;          // of Keep: an object that a deletion would not remove at once
  std::string digest;           // over every object's key, uid and generation, in order
  std::vector<std::string> uids;
  std::vector<NamespaceMove> moves;  // of Convert: objects that are made anew in another namespace
  Findings findings;
};

struct ObjectScanInputs {
  const PlannedAction* action = nullptr;  // nullptr: the CRD is right
  const CrdSummary& live;
  const BundleCrd* target;  // of Rename that of the new kind; nullptr where the target has none
  const std::set<std::string>& terminating_namespaces;
  const std::vector<Consent>& accept;
  const Renaming* renaming = nullptr;  // of Rename
  std::vector<ReferenceMove> moves = {};
  std::map<ObjectKey, Json> made = {};  // of Rename: what there is of the new kind
  const IntentionSink* intention_sink = nullptr;
};

/// A problem of a conversion as a check: where we can do something about it, a person may choose.
Check check_of(const ConversionProblem& problem, std::string object);

/// A field that the target drops, as a check: one that secures something needs consent by object.
Check loss_check(const FieldChange& change, std::string object, const CrdSummary& target);

/// Errors are those of the LIST. Whole objects are read where their content matters: for Update,
/// Convert and Rename.
Result<ObjectScan> scan_objects(Cluster& cluster, const ObjectScanInputs& inputs);

/// Namespaces that are being deleted: nothing can be created in them. Those we may not read count
/// as none.
Result<std::set<std::string>> terminating_namespaces(Cluster& cluster);

}  // namespace gatelift
