// SPDX-License-Identifier: Apache-2.0
// What a rehearsal comes to: the counts, the checks, and a report of what became of each object.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/plan/findings.h"

namespace gatelift {

class RehearsalProtocol {
 public:
  enum class Evidence {
    Copy,    // created, as a dry run, at a copy of the target's CRD
    DryRun,  // the run's own write, as a dry run
    None,
  };

  /// `object` is "Kind/ns/name". `added` are the fields that the target's schema fills in.
  void accept(const std::string& object, Evidence evidence, const std::vector<std::string>& added);
  void refuse(const std::string& object, Evidence evidence, std::vector<Check> checks);
  /// An object about which nothing is known; `why` is a clause.
  void pass_over(const std::string& object, const std::string& why);
  /// A check about a kind.
  void add(Check check) { findings_.add(std::move(check)); }

  RehearsalRecord record(const std::string& plan_digest, Time now) const;
  Findings take_findings() { return std::move(findings_); }

  /// The report: at most 100 KB, of which half is for what was refused or not tried.
  std::string text(const std::string& plan_digest, Time now) const;

 private:
  /// Lines up to a number of bytes, and how many more there were.
  struct Lines {
    std::string text;
    int left_out = 0;
    void add(const std::string& line);
  };

  void count(Evidence evidence);

  RehearsalRecord counts_;
  Findings findings_;
  Lines troubled_;
  Lines accepted_;
};

}  // namespace gatelift
