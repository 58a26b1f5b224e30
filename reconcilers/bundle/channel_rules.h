// SPDX-License-Identifier: Apache-2.0
// Rules X1 to X3: what has to hold between the two channels of one release.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/bundle/bundle.h"
#include "reconcilers/bundle/change.h"

namespace gatelift {

struct ReleaseFinding {
  std::string release;  // "v1.5.1"
  std::string channel;  // "" where it is about both
  std::string crd;      // these three are empty where all of the release is meant
  std::string version;
  std::string path;
  PolicyVerdict verdict;
};

/// X1, experimental has every CRD, served version and field of standard; X2, standard serves no
/// alpha version; X3, an object that is valid in a served version of standard is valid in
/// experimental. Validation is compared as text (schema_diff.h), so that for X3 a rule of
/// experimental which reads more than standard's is NotDecidable, and one which speaks only of
/// fields that standard lacks is nothing. At least one finding for each rule, so that a rule that
/// was not checked shows. A bundle that is not at hand is nullptr.
std::vector<ReleaseFinding> check_channels(const std::string& release, const Bundle* standard,
                                           const Bundle* experimental);

}  // namespace gatelift
