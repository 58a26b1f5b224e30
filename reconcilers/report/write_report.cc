// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/write_report.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/plan/rehearsal_checks.h"
#include "reconcilers/report/plan_details.h"
#include "reconcilers/report/report_store.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

/// What a person would call news.
std::string fingerprint(const Run& run, const Verdict& verdict) {
  const Record& record = run.migration.record;
  Json news = {
      {"uid",      run.migration.uid             },
      {"plan",     record.plan->digest           },
      {"phase",    to_string(record.phase)       },
      {"reason",   verdict.reason                },
      {"message",  verdict.message               },
      {"failures", run.failures.size()           },
      {"finished", record.finished_at.has_value()}
  };
  if (record.rehearsal) news["rehearsal"] = rehearsal_text(*record.rehearsal);
  // Those that status has room for: a record that was read back has no others.
  const std::size_t num = std::min(record.plan->checks.size(), StatusLimits{}.checks);
  for (std::size_t i = 0; i < num; ++i) {
    const Check& check = record.plan->checks[i];
    if (is_of_rehearsal(check)) news["checks"].push_back(check_json(check));
  }
  if (run.verification != nullptr) {
    for (const ObjectReport& object : run.verification->objects) {
      news["objects"].push_back(object.object + " " + object.outcome + " " + object.detail);
    }
  }
  return sha256(print_json(news));
}

/// Counts alone: when it was rehearsed is no news.
bool is_same_rehearsal(std::optional<RehearsalRecord> a, const std::optional<RehearsalRecord>& b) {
  if (!a || !b) return false;
  a->rehearsed_at = b->rehearsed_at;
  return *a == *b;
}

/// Puts the checks of `whole` in the place of `plan`'s, but for what a rehearsal found, which
/// planning does not know.
void take_checks(const Plan& whole, bool also_of_rehearsal, Plan& plan) {
  if (!also_of_rehearsal) {
    std::vector<Check> checks;
    std::ranges::copy_if(whole.checks, std::back_inserter(checks), std::not_fn(is_of_rehearsal));
    std::ranges::copy_if(plan.checks, std::back_inserter(checks), is_of_rehearsal);
    std::ranges::stable_sort(
        checks, {}, [](const Check& check) { return std::pair(!check.stops(), check.severity); });
    plan.checks = std::move(checks);
  } else {
    plan.checks = whole.checks;
  }
  plan.checks_omitted = whole.checks_omitted;
}

bool is_about_the_same(const Report& a, const Report& b) {
  return a.uid == b.uid && a.record.plan && b.record.plan &&
         a.record.plan->digest == b.record.plan->digest;
}

/// True where this pass has planned, and that is the plan of the record.
bool knows_plan(const Run& run) {
  return run.planned != nullptr && run.planned->plan.digest == run.plan().digest;
}

Report report_of(const Run& run, const Verdict& verdict) {
  Report report;
  report.migration = run.migration.name;
  report.uid = run.migration.uid;
  report.made_at = run.clock.now();
  report.reason = verdict.reason;
  report.message = verdict.message;
  report.needs_person = verdict.kind == Verdict::Kind::Stalled;
  report.record = run.migration.record;
  set_conditions(report.record, run.migration.generation, verdict, report.made_at);
  if (!run.failures.empty()) report.record.failures = run.failures;
  if (knows_plan(run)) report.details = run.planned->details;
  if (run.verification == nullptr) return report;
  report.objects = run.verification->objects;
  report.record.failures = run.verification->failures;
  if (report.record.finished_at) {
    report.record.phase = Phase::Done;
    note_phase(report.record, Phase::Done, *report.record.finished_at);
  }
  return report;
}

/// The CRDs that the run writes as the backup has them, the others as they are.
Result<Installed> installed_before(const Run& run) {
  Installed before = run.installed;
  for (const PlannedAction& action : run.plan().actions) {
    if (action.kind != ActionKind::Keep) before.crds.erase(action.crd);
  }
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role != BackupRole::Crd) continue;
    ASSIGN_OR_RETURN(const Json crd, run.backup->document(entry));
    ASSIGN_OR_RETURN(before.crds[entry.crd], summarize_crd(crd));
  }
  return before;
}

void take_earlier(const Run& run, Report& report) {
  const auto earlier = read_report(run.cluster, run.settings.ns, run.migration.name);
  if (earlier && *earlier) take_over(**earlier, report);
  const bool can_look_back = run.backup != nullptr && run.target != nullptr;
  if (!report.details.crds.empty() || !can_look_back) return;
  const auto before = installed_before(run);
  if (before) report.details.crds = crds_before_and_after(*before, *run.target, run.plan());
}

}  // namespace

void take_over(const Report& earlier, Report& report) {
  if (!is_about_the_same(earlier, report)) return;
  const Record& whole = earlier.record;
  Record& record = report.record;
  if (record.plan->checks_omitted > whole.plan->checks_omitted) {
    take_checks(*whole.plan, is_same_rehearsal(whole.rehearsal, record.rehearsal), *record.plan);
  }
  const bool has_more = record.failures.size() < whole.failures.size();
  if (!record.failures.empty() && has_more) {
    record.failures = whole.failures;
    report.failures_omitted = earlier.failures_omitted;
  }
  if (report.details.crds.empty()) {
    report.details.crds = earlier.details.crds;
    report.after_is_found = earlier.after_is_found;
  }
  if (report.details.diffs.empty()) {
    report.details.diffs = earlier.details.diffs;
    report.details.diffs_omitted = earlier.details.diffs_omitted;
  }
  if (report.objects.empty()) {
    report.objects = earlier.objects;
    report.objects_omitted = earlier.objects_omitted;
  }
}

void write_report(Run& run, const Verdict& verdict) {
  if (!run.record().plan) return;
  const std::string news = fingerprint(run, verdict);
  if (run.reported != nullptr && *run.reported == news) return;
  Report report = report_of(run, verdict);
  Plan& plan = *report.record.plan;
  const bool knows = knows_plan(run);
  if (!knows || plan.checks_omitted > 0) take_earlier(run, report);
  if (knows && plan.checks_omitted > run.planned->plan.checks_omitted) {
    take_checks(run.planned->plan, false, plan);
  }
  if (run.verification != nullptr) {
    take_found_crds(run.installed, *run.target, report.details.crds);
    report.after_is_found = true;
  }
  const auto written = store_report(run.cluster, run.settings.ns, report);
  if (!written) run.log("warn", written.error().message);
  // One that is refused is not tried again in each pass.
  const bool is_settled =
      written || written.error().is(ErrorKind::Forbidden) || written.error().is(ErrorKind::Invalid);
  if (is_settled && run.reported != nullptr) *run.reported = news;
}

void write_rehearsal(Run& run, const std::string& text) {
  const auto written = store_rehearsal(run.cluster, run.settings.ns, run.migration.name, text);
  if (!written) run.log("warn", written.error().message);
}

}  // namespace gatelift
