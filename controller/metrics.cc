// SPDX-License-Identifier: Apache-2.0
#include "controller/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <vector>

#include "reconcilers/migration.h"

namespace gatelift {
namespace {

const prometheus::Histogram::BucketBoundaries kPassSeconds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                           1,     2.5,  5,     10,   30,  60};

/// A call that succeeded does not say whether by 200, 201 or 202.
std::string code_label(int code) {
  if (code == 0) return "none";
  return code >= 200 && code < 300 ? "2xx" : std::to_string(code);
}

bool is_ready(const Migration& migration) {
  const Condition* ready = migration.record.condition("Ready");
  return ready != nullptr && ready->status == "True";
}

bool is_stalled(const Migration& migration) {
  const Condition* stalled = migration.record.condition("Stalled");
  return stalled != nullptr && stalled->status == "True";
}

}  // namespace

struct Metrics::Families {
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;

  prometheus::Registry registry;
  Counters& reconciles = prometheus::BuildCounter()
                             .Name("gatelift_reconcile_total")
                             .Help("Passes over a migration, by outcome.")
                             .Register(registry);
  prometheus::Histogram& pass_seconds = prometheus::BuildHistogram()
                                            .Name("gatelift_reconcile_duration_seconds")
                                            .Help("Time that one pass takes.")
                                            .Register(registry)
                                            .Add({}, kPassSeconds);
  prometheus::Gauge& queue = prometheus::BuildGauge()
                                 .Name("gatelift_work_queue_depth")
                                 .Help("Migrations that wait for a pass.")
                                 .Register(registry)
                                 .Add({});
  prometheus::Gauge& leader = prometheus::BuildGauge()
                                  .Name("gatelift_leader")
                                  .Help("1 while this process holds the lease.")
                                  .Register(registry)
                                  .Add({});
  Counters& api_calls = prometheus::BuildCounter()
                            .Name("gatelift_api_requests_total")
                            .Help("Calls to the API server, by verb and HTTP status.")
                            .Register(registry);
  Gauges& objects = prometheus::BuildGauge()
                        .Name("gatelift_migration_objects")
                        .Help("Objects of a migration, by what became of them.")
                        .Register(registry);
  Gauges& ready = prometheus::BuildGauge()
                      .Name("gatelift_migration_ready")
                      .Help("1 when a migration is Ready.")
                      .Register(registry);
  Gauges& stalled = prometheus::BuildGauge()
                        .Name("gatelift_migration_stalled")
                        .Help("1 when a migration needs a person.")
                        .Register(registry);
  Gauges& build = prometheus::BuildGauge()
                      .Name("gatelift_build_info")
                      .Help("Always 1; the version is a label.")
                      .Register(registry);

  std::mutex mutex;  // guards by_migration
  std::map<std::string, std::vector<std::pair<Gauges*, prometheus::Gauge*>>> by_migration;

  void set(Gauges& family, const std::string& name, prometheus::Labels labels, double value) {
    labels["migration"] = name;
    prometheus::Gauge& gauge = family.Add(labels);
    gauge.Set(value);
    auto& known = by_migration[name];
    const std::pair<Gauges*, prometheus::Gauge*> entry{&family, &gauge};
    for (const auto& other : known) {
      if (other == entry) return;
    }
    known.push_back(entry);
  }
};

Metrics::Metrics(std::string_view version) : families_(std::make_unique<Families>()) {
  families_->build
      .Add({
          {"version", std::string(version)}
  })
      .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::reconciled(std::string_view outcome, std::chrono::duration<double> duration) {
  families_->reconciles
      .Add({
          {"outcome", std::string(outcome)}
  })
      .Increment();
  families_->pass_seconds.Observe(duration.count());
}

void Metrics::queue_depth(std::size_t keys) { families_->queue.Set(static_cast<double>(keys)); }

void Metrics::leading(bool is_leader) { families_->leader.Set(is_leader ? 1 : 0); }

void Metrics::api_call(std::string_view verb, int code) {
  families_->api_calls
      .Add({
          {"verb", std::string(verb)},
          {"code", code_label(code) }
  })
      .Increment();
}

void Metrics::migration(const Migration& migration) {
  Counts total;
  for (const CrdProgress& crd : migration.record.crds) {
    total.found += crd.objects.found;
    total.done += crd.objects.done;
    total.unchanged += crd.objects.unchanged;
    total.skipped += crd.objects.skipped;
    total.failed += crd.objects.failed;
  }
  Families& all = *families_;
  const std::lock_guard lock(all.mutex);
  const std::string& name = migration.name;
  all.set(all.objects, name,
          {
              {"state", "found"}
  },
          total.found);
  all.set(all.objects, name,
          {
              {"state", "done"}
  },
          total.done);
  all.set(all.objects, name,
          {
              {"state", "unchanged"}
  },
          total.unchanged);
  all.set(all.objects, name,
          {
              {"state", "skipped"}
  },
          total.skipped);
  all.set(all.objects, name,
          {
              {"state", "failed"}
  },
          total.failed);
  all.set(all.ready, name, {}, is_ready(migration) ? 1 : 0);
  all.set(all.stalled, name, {}, is_stalled(migration) ? 1 : 0);
}

void Metrics::forget(const std::string& migration_name) {
  const std::lock_guard lock(families_->mutex);
  const auto it = families_->by_migration.find(migration_name);
  if (it == families_->by_migration.end()) return;
  for (const auto& [family, gauge] : it->second) family->Remove(gauge);
  families_->by_migration.erase(it);
}

std::string Metrics::render() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace gatelift
