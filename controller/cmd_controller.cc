// SPDX-License-Identifier: Apache-2.0
// controller: the daemon. Builds the object graph, and takes it down in the order that loses
// nothing: the pass under way ends, then the lease is given back, then the probes go.
#include <unistd.h>

#include <array>

#include "controller/commands.h"
#include "controller/controller.h"
#include "controller/health.h"
#include "controller/local_engine.h"
#include "controller/retention.h"
#include "controller/system_clock.h"

namespace gatelift {
namespace {

constexpr std::chrono::hours kSweepInterval{1};

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "gatelift";
  return name.data();
}

LogLevel level_of(std::string_view level) {
  return level == "warn" ? LogLevel::Warn : LogLevel::Info;
}

/// What happens beside the passes: ConfigMaps with bundles are read again, and old backups removed.
class Housekeeping {
 public:
  Housekeeping(const Options& options, ControllerContext& context, Cluster& guarded, Clock& clock)
      : ns_(options.ns),
        context_(context),
        cluster_(guarded),
        clock_(clock),
        store_(guarded, clock, ns_) {}

  void run() {
    if (const auto read = context_.sources.read_config_maps(cluster_, ns_); !read) {
      context_.log.warn("bundles in ConfigMaps were not read",
                        {
                            {"error", read.error().message}
      });
    }
    if (clock_.now() < next_sweep_) return;
    next_sweep_ = clock_.now() + kSweepInterval;
    const auto removed = remove_expired_backups(cluster_, store_, clock_.now(), context_.log);
    if (!removed) {
      context_.log.warn("old backups were not removed", {
                                                            {"error", removed.error().message}
      });
    }
  }

 private:
  std::string ns_;
  ControllerContext& context_;
  Cluster& cluster_;
  Clock& clock_;
  BackupStore store_;
  Time next_sweep_{};
};

/// Tells of the lease, and stops the process when it is lost.
void lease_changed(const LeaseRunner::View& view, ControllerContext& context, Metrics& metrics) {
  metrics.leading(view.leading);
  if (view.lost) {
    context.log.error("the lease was lost; stopping", {
                                                          {"holder", view.other_holder}
    });
    context.stop.request_stop();
  } else if (view.leading) {
    context.log.info("leading");
  } else if (!view.problem.empty()) {
    context.log.warn("the lease cannot be taken", {
                                                      {"error", view.problem}
    });
  } else if (!view.other_holder.empty()) {
    context.log.info("standing by", {
                                        {"holder", view.other_holder}
    });
  }
}

HealthAnswer readiness(bool synced, bool may_stand_by, bool leading) {
  if (!synced) return {503, "the first list of migrations is not complete"};
  if (!leading && !may_stand_by) return {503, "another process holds the lease"};
  return {200, leading ? "ok: leading" : "ok: standing by"};
}

}  // namespace

Result<ExitCode> run_controller(const Options& options, ControllerContext& context) {
  Metrics metrics(GATELIFT_VERSION);
  SystemClock clock(context.stop.get_token());
  std::atomic<bool> leading{false};
  ReconcilerSettings settings;
  settings.ns = options.ns;
  settings.instance = host_name();
  settings.log = [&context](std::string_view level, const std::string& message) {
    context.log.write(level_of(level), message);
  };
  LocalEngine engine(
      context.cluster, context.lease_cluster, clock, context.sources, std::move(settings),
      [&metrics](std::string_view verb, int code) { metrics.api_call(verb, code); },
      [&](const LeaseRunner::View& view) {
        leading = view.leading;
        lease_changed(view, context, metrics);
      });
  Housekeeping housekeeping(options, context, engine.guarded(), clock);
  LeaseRunner& lease = engine.lease_runner();
  Controller controller(
      {.cluster = context.cluster,
       .log = context.log,
       .metrics = metrics,
       .reconcile = [&engine](const std::string& key) { return engine.reconcile(key); },
       .wait_until_leading =
           [&lease](std::stop_token stop) { return lease.wait_until_leading(std::move(stop)); },
       .housekeeping = [&housekeeping] { housekeeping.run(); }});

  std::unique_ptr<HealthServer> health;
  if (!options.listen.empty()) {
    HealthRoutes routes{
        .live =
            [] {
              return HealthAnswer{200, "ok"};
            },
        .ready = [&] { return readiness(controller.is_synced(), options.leader_elect, leading); },
        .metrics = [&metrics] { return metrics.render(); }};
    ASSIGN_OR_RETURN(health, HealthServer::start(options.listen, std::move(routes)));
  }
  context.log.info("starting", {
                                   {"version",   GATELIFT_VERSION},
                                   {"namespace", options.ns      }
  });
  engine.start();
  controller.run(context.stop.get_token());
  const bool lost = engine.lease().lost;
  engine.stop();
  context.log.info("stopped");
  if (lost) return ExitCode::Failed;
  return ExitCode::Done;
}

}  // namespace gatelift
