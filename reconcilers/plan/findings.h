// SPDX-License-Identifier: Apache-2.0
// The checks of one plan while it is made.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "reconcilers/migration.h"

namespace gatelift {

/// Keeps up to 1000 checks of each code and counts the others, so that a cluster full of one
/// mistake costs no memory.
class Findings {
 public:
  void add(Check check);
  void add_all(Findings&& others);

  /// Moves everything into the plan: worst first, then by code, object and field; those that
  /// `consents` cover (the check's code, object and field, exactly) are marked accepted.
  void move_to(Plan& plan, const std::vector<Consent>& consents) &&;

 private:
  std::vector<Check> checks_;
  std::map<std::string, int> num_by_code_;
  int omitted_ = 0;
};

/// "CustomResourceDefinition/name".
std::string crd_display(std::string_view crd_name);

}  // namespace gatelift
