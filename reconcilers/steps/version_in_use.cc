// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/version_in_use.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "reconcilers/duration.h"
#include "reconcilers/inplace/version_traffic.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/steps/api_servers.h"

namespace gatelift {
namespace {

constexpr std::chrono::seconds kOftenest{2};
constexpr std::chrono::seconds kSeldomest{30};
constexpr int kLooks = 20;
constexpr std::chrono::minutes kLongestLook{5};
constexpr std::chrono::seconds kScrape{10};
constexpr std::size_t kMaxNamed = 10;

struct Use {
  std::string field;  // what a consent names it by
  std::string evidence;
  Time at;
};

/// What is found in one look.
class Look {
 public:
  Look(Run& run, const std::string& crd, const Resource& leaving)
      : run_(run), crd_(crd), leaving_(leaving) {}

  void at_writers(const WritersOfVersion& writers) {
    for (const auto& [manager, at] : writers) {
      note({"metadata.managedFields[" + manager + "]",
            "field manager " + manager + " wrote at " + leaving_.version + " at " + format_time(at),
            at});
    }
  }

  /// Errors: those of a cluster that does not answer. A refusal is evidence of nothing, and said.
  Result<void> at_metrics() {
    ASSIGN_OR_RETURN(const ApiServers servers, find_api_servers(run_.cluster));
    if (!servers.is_one() && servers.addresses.empty()) {
      unknown("each of several API servers counts for itself, and " + servers.not_apart);
      return {};
    }
    std::string counted;
    for (const std::string& server :
         servers.is_one() ? std::vector<std::string>{""} : servers.addresses) {
      ASSIGN_OR_RETURN(const std::string mark, at_metrics_of(server));
      if (mark.empty()) return {};
      counted += (counted.empty() ? "" : " ") + mark;
    }
    const std::string before = std::exchange(record().counted, counted);
    if (before != counted) {
      note({"requests",
            before.empty() ? "who was there before this process is not known"
                           : "the API servers answered further requests at " + leaving_.version,
            run_.clock.now()});
    }
    return {};
  }

  /// Newest first.
  std::vector<Use> take() {
    if (!watches_.empty()) note_watches();
    std::ranges::stable_sort(uses_, std::ranges::greater(), &Use::at);
    return std::move(uses_);
  }

 private:
  InPlaceRecord& record() { return *run_.record().in_place; }

  /// "SERVER@STARTED=COUNT"; "" where it is not to be known.
  Result<std::string> at_metrics_of(const std::string& server) {
    const std::string name = server.empty() ? "the API server" : "API server " + server;
    Request request;
    request.raw_path = "/metrics";
    request.as_text = true;
    request.server = server;
    request.deadline = kScrape;
    const auto answer = run_.cluster.send(request);
    if (!answer && answer.error().is(ErrorKind::Forbidden)) {
      unknown("we may not read /metrics of " + name + " (ClusterRole gatelift-metrics grants it)");
      return std::string();
    }
    if (!answer && answer.error().is(ErrorKind::Cancelled)) return fail(answer.error());
    if (!answer) {
      unknown("/metrics of " + name + " cannot be had: " + quoted(answer.error().message));
      return std::string();
    }
    const auto traffic = traffic_at(leaving_, answer->get_ref<const std::string&>());
    if (!traffic) {
      unknown("/metrics of " + name + " has no apiserver_request_total");
      return std::string();
    }
    if (traffic->watches > 0) watches_.emplace_back(name, traffic->watches);
    return server + "@" + traffic->server_started + "=" + std::to_string(traffic->requests);
  }

  /// One use, wherever they are: a consent is to so many.
  void note_watches() {
    std::int64_t all = 0;
    std::string where;
    for (const auto& [server, num] : watches_) {
      all += num;
      if (watches_.size() == 1) {
        where = " at " + server;
      } else {
        where += (where.empty() ? ": " : ", ") + std::to_string(num) + " at " + server;
      }
    }
    note({"watches[" + std::to_string(all) + "]",
          std::to_string(all) + (all == 1 ? " watch of " : " watches of ") + leaving_.version +
              (all == 1 ? " is open" : " are open") + where,
          run_.clock.now()});
  }

  void unknown(const std::string& why) {
    note({"metrics", "who reads " + leaving_.version + " is not known: " + why, run_.clock.now()});
  }

  void note(Use use) {
    Check check;
    check.code = "VersionInUse";
    check.severity = Severity::Consent;
    check.object = "CustomResourceDefinition/" + crd_;
    check.field = use.field;
    const bool is_accepted = std::ranges::any_of(
        run_.spec().accept, [&](const Consent& consent) { return covers(consent, check); });
    if (!is_accepted) uses_.push_back(std::move(use));
  }

  Run& run_;
  const std::string& crd_;
  const Resource& leaving_;
  std::vector<Use> uses_;
  std::vector<std::pair<std::string, std::int64_t>> watches_;  // that are open, by API server
};

}  // namespace

void note_writers(const Json& object, std::string_view api_version, WritersOfVersion& writers) {
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    const std::string manager = string_at(entry, "manager");
    if (manager == kFieldManager || string_at(entry, "apiVersion") != api_version) continue;
    const auto time = parse_time(string_at(entry, "time"));
    if (!time) continue;
    Time& last = writers[manager];
    last = std::max(last, *time);
  }
}

std::chrono::milliseconds between_looks(const MigrationSpec& spec) {
  return std::clamp<std::chrono::milliseconds>(spec.unused_for / kLooks, kOftenest, kSeldomest);
}

std::chrono::milliseconds looks_at_least(const MigrationSpec& spec) {
  return std::min<std::chrono::milliseconds>(spec.unused_for / 10, kLongestLook);
}

Result<void> look_for_use(Run& run, const std::string& crd, const Resource& leaving,
                          const WritersOfVersion& writers) {
  Look look(run, crd, leaving);
  look.at_writers(writers);
  RETURN_IF_ERROR(look.at_metrics());
  const std::vector<Use> uses = look.take();
  InPlaceRecord& record = *run.record().in_place;
  // Nobody can be asked to have left before the other version was there.
  if (!record.last_used) record.last_used = record.both_served_since.value_or(run.clock.now());
  if (uses.empty() || uses.front().at <= *record.last_used) return {};
  record.last_used = uses.front().at;
  record.used_by.clear();
  for (const Use& use : uses) {
    const bool is_recent = use.at + run.spec().unused_for > run.clock.now();
    if (!is_recent || record.used_by.size() >= kMaxNamed) continue;
    record.used_by.push_back(use.field + ": " + use.evidence);
  }
  return {};
}

bool is_unused_long_enough(const Run& run) {
  const std::optional<Time>& last = run.migration.record.in_place->last_used;
  return last && run.clock.now() >= *last + run.spec().unused_for;
}

std::string use_text(const Run& run, const std::string& version) {
  const InPlaceRecord& record = *run.migration.record.in_place;
  std::string text =
      version + " goes when nobody has used it for " + format_duration(run.spec().unused_for);
  if (!record.last_used) return text;
  text += "; last seen in use at " + format_time(*record.last_used);
  const char* separator = ": ";
  for (const std::string& evidence : record.used_by) {
    text += separator + evidence;
    separator = ", ";
  }
  return text;
}

}  // namespace gatelift
