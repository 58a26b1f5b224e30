// SPDX-License-Identifier: Apache-2.0
// Rules X1 and X2: what has to hold between the two channels of one release.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/bundle/bundle.h"
#include "reconcilers/bundle/change.h"

namespace gatelift {

struct ReleaseFinding {
  std::string release;  // "v1.5.1"
  std::string crd;      // these three are empty where all of the release is meant
  std::string version;
  std::string path;
  Verdict verdict;
};

/// X1, experimental has every CRD, served version and field of standard, and X2, standard serves no
/// alpha version. At least one finding for each rule, so that a rule that was not checked shows. A
/// bundle that is not at hand is nullptr.
std::vector<ReleaseFinding> check_channels(const std::string& release, const Bundle* standard,
                                           const Bundle* experimental);

}  // namespace gatelift
