// SPDX-License-Identifier: Apache-2.0
// Kinds that another kind took the place of: objects are made anew there. Each is a row of a table.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "reconcilers/convert/intention.h"

namespace gatelift {

struct Renaming {
  std::string_view from_crd;
  std::string_view to_crd;
  /// Checks what the new kind cannot express, in an object that already has the new kind's type;
  /// nullptr where it can express all.
  void (*check)(Intention& intention);
};

/// The row of a CRD that `has` the CRD in whose place it comes; nullptr where there is none.
const Renaming* renaming_of(std::string_view crd, const std::function<bool(std::string_view)>& has);

/// What is to be made of `object` (whole, of the old kind): the new kind with the same name,
/// namespace, labels, annotations, ownerReferences and spec. The new object has no status, no
/// finalizers and no managedFields: controllers have not seen it, and none of its managers wrote
/// it.
Intention renamed(const Renaming& renaming, const Json& object, const BundleCrd& target,
                  const Intentions& at_target);

}  // namespace gatelift
