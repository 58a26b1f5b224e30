// SPDX-License-Identifier: Apache-2.0
// The report: every object, what was done, why. A ConfigMap `<name>-report` in our namespace.
#pragma once

#include <string>

#include "reconcilers/steps/verify.h"

namespace gatelift {

std::string report_name(const std::string& migration);

/// The report's text. Pure.
std::string report_text(const Migration& migration, const Verification& verification);

/// Writes the ConfigMap, compressed (binaryData report.txt.gz) where the text is over 900 KB. A failure is logged and
/// does not hold the migration up.
void write_report(Run& run, const Verification& verification);

/// Writes the rehearsal's text beside it, at rehearsal.txt, which the report leaves as it is: at most
/// 100 KB, as a ConfigMap holds 1 MiB. A failure is logged and does not hold the migration up.
void write_rehearsal(Run& run, std::string text);

}  // namespace gatelift
