// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rehearse.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "reconcilers/admission/admission.h"
#include "reconcilers/admission/old_webhook.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/plan/rehearsal_checks.h"
#include "reconcilers/report/write_report.h"
#include "reconcilers/steps/api_servers.h"
#include "reconcilers/steps/kind_rehearsal.h"

namespace gatelift {
namespace {

/// Each copy costs the API server the compilation of its rules, up to a second for HTTPRoute's.
constexpr std::size_t kKindsAtOnce = 2;

/// Whether the objects come under the schema that they are under already.
Result<bool> keeps_schema(Run& run, const CrdSummary& live, const BundleCrd& target) {
  ASSIGN_OR_RETURN(const Json installed, get(run.cluster, resources::kCrds, {"", live.name}));
  return schema_of(installed, live.storage_version()) ==
         schema_of(target.json(), target.summary.storage_version());
}

/// The kind of an action, or nullopt where nothing of it needs a rehearsal.
Result<std::optional<RehearsedKind>> rehearsed_kind(Run& run, const PlannedAction& action) {
  const std::string& target_name = action.to_crd.empty() ? action.crd : action.to_crd;
  const BundleCrd* target = run.target->crd(target_name);
  const CrdSummary* live = run.installed.crd(action.crd);
  if (action.objects == 0 || live == nullptr || live->terminating) return std::nullopt;
  RehearsedKind kind{action, target, *live};
  switch (action.kind) {
    case ActionKind::Remove:
      kind.by_own_write = true;
      return kind;
    case ActionKind::Convert:
    case ActionKind::ConvertInPlace:
      kind.at_copy = kind.by_own_write = true;
      return kind;
    case ActionKind::Rename:
      kind.at_copy = true;
      return kind;
    case ActionKind::Carry:
      kind.at_copy = kind.by_own_write = true;
      return kind;
    case ActionKind::Update:
    case ActionKind::Reencode:
      kind.by_own_write = action.rewrites_objects;
      if (action.from_digest != action.to_digest) {
        ASSIGN_OR_RETURN(const bool keeps, keeps_schema(run, *live, *target));
        kind.at_copy = !keeps;
      }
      if (kind.at_copy || kind.by_own_write) return kind;
      return std::nullopt;
    case ActionKind::Create:
    case ActionKind::Keep:
    case ActionKind::SuspendPolicy:
    case ActionKind::InstallPolicy:
      return std::nullopt;
  }
  return std::nullopt;
}

bool removes_old_webhook(const Plan& plan) {
  return std::ranges::any_of(plan.actions, [](const PlannedAction& action) {
    return action.object_kind == kValidatingWebhookKind;
  });
}

/// The webhook is gone when the run writes, and may not answer now: its kinds are tried at copies,
/// about which it is not asked.
void pass_by_old_webhook(RehearsedKind& kind) {
  const Resource resource = kind.live.resource();
  const bool is_judged =
      resource.group == "gateway.networking.k8s.io" &&
      std::ranges::find(kJudgedByOldWebhook, resource.plural) != kJudgedByOldWebhook.end();
  if (!is_judged || kind.target == nullptr) return;
  kind.at_copy = true;
  kind.by_own_write = false;
}

/// The run's own writes of the kind's objects.
std::vector<AdmittedCall> own_calls(const RehearsedKind& kind) {
  const bool is_deleted =
      kind.action.kind == ActionKind::Convert || kind.action.kind == ActionKind::Remove;
  const Resource live = kind.live.resource();
  const std::string operation = is_deleted ? "DELETE" : "UPDATE";
  std::vector<AdmittedCall> calls = {
      {operation, live.group, live.plural, live.version}
  };
  if (kind.target != nullptr) {
    calls.push_back(calls.front());
    calls.back().version = kind.target->summary.storage_version();
  }
  return calls;
}

Result<std::vector<RehearsedKind>> rehearsed_kinds(Run& run) {
  const bool webhook_goes = removes_old_webhook(run.plan());
  ASSIGN_OR_RETURN(const Admission admission, read_admission(run.cluster));
  std::vector<RehearsedKind> kinds;
  for (const PlannedAction& action : run.plan().actions) {
    ASSIGN_OR_RETURN(const std::optional<RehearsedKind> kind, rehearsed_kind(run, action));
    if (!kind) continue;
    kinds.push_back(*kind);
    kinds.back().is_judged = may_judge(admission, own_calls(*kind));
    if (webhook_goes) pass_by_old_webhook(kinds.back());
  }
  return kinds;
}

/// A few kinds, from the making of their copies on.
Result<std::optional<StepOutcome>> rehearse_few(Run& run, std::span<const RehearsedKind> kinds,
                                                const RehearsalWays& ways,
                                                RehearsalProtocol& protocol) {
  std::vector<const BundleCrd*> targets;
  for (const RehearsedKind& kind : kinds) {
    if (kind.at_copy) targets.push_back(kind.target);
  }
  ASSIGN_OR_RETURN(const std::vector<ScratchCopy> copies, install_copies(run, targets));
  std::size_t next_copy = 0;
  for (const RehearsedKind& kind : kinds) {
    const ScratchCopy copy = kind.at_copy ? copies[next_copy++] : ScratchCopy{};
    ASSIGN_OR_RETURN(std::optional<StepOutcome> outcome,
                     rehearse_kind(run, kind, copy, ways, protocol));
    if (outcome) return outcome;
  }
  return std::nullopt;
}

Result<RehearsalWays> find_ways(Run& run) {
  RehearsalWays ways;
  ASSIGN_OR_RETURN(const std::optional<int> servers, num_api_servers(run));
  ways.create_by = servers == 1 ? CreateBy::Apply : CreateBy::Post;
  ASSIGN_OR_RETURN(ways.forgives_unchanged_fields, forgives_unchanged_fields(run));
  return ways;
}

constexpr std::size_t kMostLookedAt = 20;

/// "Kind/ns/name" of one of the kinds that are installed.
std::optional<Request> read_of(const Run& run, std::string_view display) {
  const auto slash = display.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view kind = display.substr(0, slash);
  const auto crd = std::ranges::find_if(run.installed.crds,
                                        [&](const auto& each) { return each.second.kind == kind; });
  if (crd == run.installed.crds.end()) return std::nullopt;
  display.remove_prefix(slash + 1);
  const auto last = display.rfind('/');
  Request request;
  request.resource = crd->second.resource();
  request.metadata_only = true;
  request.key.name = std::string(display.substr(last + 1));  // all of it where there is no slash
  if (last != std::string_view::npos) request.key.ns = std::string(display.substr(0, last));
  return request;
}

bool is_written_since(const Json& object, Time since) {
  return std::ranges::any_of(array_at(object, "metadata", "managedFields"), [&](const Json& entry) {
    const auto time = parse_time(string_at(entry, "time"));
    return time && *time >= since && string_at(entry, "subresource").empty();
  });
}

}  // namespace

Result<bool> was_mended(Run& run) {
  std::vector<Request> reads;
  for (const Check& check : run.plan().checks) {
    if (!check.stops() || !is_of_rehearsal(check) || reads.size() == kMostLookedAt) continue;
    if (auto read = read_of(run, check.object)) reads.push_back(*std::move(read));
  }
  const std::vector<Result<Json>> found = send_all(
      run.cluster, reads.size(), [&](std::size_t i) { return reads[i]; }, run.settings.in_flight);
  // Times in managedFields are whole seconds.
  const Time since = std::chrono::floor<std::chrono::seconds>(
      run.record().rehearsal->rehearsed_at.value_or(Time{}));
  for (const Result<Json>& each : found) {
    if (each ? is_written_since(*each, since) : each.error().is(ErrorKind::NotFound)) return true;
    if (!each && !each.error().is(ErrorKind::NotFound)) return fail(each.error());
  }
  return false;
}

Result<StepOutcome> rehearse(Run& run) {
  RETURN_IF_ERROR(remove_copies(run, CopiesOf::AnyMigration));
  ASSIGN_OR_RETURN(const std::vector<RehearsedKind> kinds, rehearsed_kinds(run));
  ASSIGN_OR_RETURN(const RehearsalWays ways, find_ways(run));
  RehearsalProtocol protocol;
  for (std::size_t first = 0; first < kinds.size(); first += kKindsAtOnce) {
    const std::size_t size = std::min(kKindsAtOnce, kinds.size() - first);
    const auto outcome = rehearse_few(run, std::span(kinds).subspan(first, size), ways, protocol);
    const auto removed = remove_copies(run, CopiesOf::ThisMigration);
    if (!outcome) return fail(outcome.error());
    RETURN_IF_ERROR(removed);
    if (*outcome) return **outcome;
  }
  const Time now = run.clock.now();
  const std::string& digest = run.plan().digest;
  write_rehearsal(run, protocol.text(digest, now));
  run.record().rehearsal = protocol.record(digest, now);
  put_rehearsal_checks(*run.record().plan, protocol.take_findings(), run.spec().accept);
  return StepOutcome::progressed();
}

}  // namespace gatelift
