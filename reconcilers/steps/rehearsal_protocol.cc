// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rehearsal_protocol.h"

#include <utility>

namespace gatelift {
namespace {

constexpr std::size_t kLinesBytes = 50 * 1000;
constexpr std::size_t kMaxAddedNamed = 5;

std::string_view evidence_text(RehearsalProtocol::Evidence evidence) {
  switch (evidence) {
    case RehearsalProtocol::Evidence::Copy:
      return "at a copy of the target's CRD";
    case RehearsalProtocol::Evidence::DryRun:
      return "by a dry run of the write";
    case RehearsalProtocol::Evidence::None:
      return "without evidence";
  }
  return "";
}

}  // namespace

void RehearsalProtocol::Lines::add(const std::string& line) {
  if (text.size() + line.size() < kLinesBytes) {
    text += "  " + line + "\n";
  } else {
    ++left_out;
  }
}

void RehearsalProtocol::count(Evidence evidence) {
  ++counts_.objects;
  switch (evidence) {
    case Evidence::Copy:
      ++counts_.at_copy;
      break;
    case Evidence::DryRun:
      ++counts_.by_dry_run;
      break;
    case Evidence::None:
      ++counts_.without;
      break;
  }
}

void RehearsalProtocol::accept(const std::string& object, Evidence evidence,
                               const std::vector<std::string>& added) {
  count(evidence);
  ++counts_.accepted;
  std::string line = object + " accepted " + std::string(evidence_text(evidence));
  for (std::size_t i = 0; i < std::min(added.size(), kMaxAddedNamed); ++i) {
    line += (i == 0 ? "; the target fills in " : ", ") + added[i];
  }
  if (added.size() > kMaxAddedNamed) {
    line += " and " + std::to_string(added.size() - kMaxAddedNamed) + " more";
  }
  accepted_.add(line);
}

void RehearsalProtocol::refuse(const std::string& object, Evidence evidence,
                               std::vector<Check> checks) {
  count(evidence);
  ++counts_.refused;
  for (Check& check : checks) {
    troubled_.add(object + (check.field.empty() ? "" : " " + check.field) + " refused " +
                  std::string(evidence_text(evidence)) + ": " + check.message);
    findings_.add(std::move(check));
  }
}

void RehearsalProtocol::pass_over(const std::string& object, const std::string& why) {
  count(Evidence::None);
  troubled_.add(object + " not tried: " + why);
}

RehearsalRecord RehearsalProtocol::record(const std::string& plan_digest, Time now) const {
  RehearsalRecord record = counts_;
  record.plan = plan_digest;
  record.rehearsed_at = now;
  return record;
}

std::string RehearsalProtocol::text(const std::string& plan_digest, Time now) const {
  std::string text = "rehearsal of plan " + plan_digest + " at " + format_time(now) + "\n" +
                     std::to_string(counts_.objects) +
                     " objects: " + std::to_string(counts_.accepted) + " accepted, " +
                     std::to_string(counts_.refused) + " refused, " +
                     std::to_string(counts_.without) + " not tried\n";
  const auto append = [&](const char* title, const Lines& lines) {
    if (lines.text.empty()) return;
    text += "\n" + std::string(title) + "\n" + lines.text;
    if (lines.left_out > 0) text += "  and " + std::to_string(lines.left_out) + " more\n";
  };
  append("Refused or not tried", troubled_);
  append("Accepted", accepted_);
  return text;
}

}  // namespace gatelift
