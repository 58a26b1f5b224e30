// SPDX-License-Identifier: Apache-2.0
// What a backup holds of an object besides its present state: what it shall be after the run.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "reconcilers/convert/renaming.h"
#include "reconcilers/run.h"

namespace gatelift {

/// For the objects of one action. prepare() comes first.
class IntendedItems {
 public:
  IntendedItems(const Run& run, const PlannedAction& action);

  /// Reads what it has to know of the cluster.
  Result<void> prepare();

  /// `item` is left empty where nothing has to be kept beside the object as it is. Problems are what
  /// a person has to decide: the conversion's, and fields that would be lost without a consent. In a
  /// rollback an object gets back what the upgrade took from it; edits since then stay.
  Result<std::vector<ConversionProblem>> of(const Json& object, std::optional<BackupItem>& item);

 private:
  std::vector<ConversionProblem> resolve(const Json& object,
                                         std::vector<ConversionProblem> problems,
                                         std::optional<BackupItem>& item) const;
  std::vector<ConversionProblem> unaccepted_losses(const Json& object,
                                                   const Intention& intention) const;
  bool was_made_by_the_upgrade(const Json& object) const;
  bool is_superseding(const ObjectKey& key) const;
  Result<void> of_source(const Json& object, const BackupEntry& source,
                         std::optional<BackupItem>& item);

  const Run& run_;
  const PlannedAction& action_;
  const BundleCrd* target_ = nullptr;
  const Renaming* renaming_ = nullptr;
  std::optional<Intentions> intentions_;
  std::set<ObjectKey> made_;  // of Rename: what there is of the new kind
  Json live_schema_;          // in a rollback: what the upgrade left
};

}  // namespace gatelift
