// SPDX-License-Identifier: Apache-2.0
// The checks of one plan while it is made.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/migration.h"

namespace gatelift {

/// Keeps up to 1000 checks of each code (20,000 of those that ask for consent, and blocks where
/// that is too few) and counts the others, so that a cluster full of one mistake costs no memory.
class Findings {
 public:
  void add(Check check);
  void add_all(Findings&& others);

  /// Moves everything into the plan: worst first, then by code, object and field; those that
  /// `consents` cover are marked accepted, with the first consent that does. What stops the run
  /// comes before all else.
  void move_to(Plan& plan, const std::vector<Consent>& consents) &&;

 private:
  std::vector<Check> checks_;
  std::map<std::pair<std::string, Severity>, int> num_by_code_;
  int omitted_ = 0;
  bool unasked_ = false;  // a consent was left out
};

/// A consent covers a check of its code whose object and field it names or matches ("*" stands for
/// any characters, also none); a check `by_object` needs its object named whole, and one with
/// resolutions needs one of them.
bool covers(const Consent& consent, const Check& check);

/// Somebody else's words, in quotation marks and cut after 400 bytes.
std::string quoted(const std::string& text);

/// "a, b"; "" where there are none.
std::string joined(const std::vector<std::string>& texts);

/// "CustomResourceDefinition/name".
std::string crd_display(std::string_view crd_name);

}  // namespace gatelift
