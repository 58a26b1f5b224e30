// SPDX-License-Identifier: Apache-2.0
// The loop with its two threads on a fake cluster. What is waited for is an event, never a time;
// what should not happen is shown by something that happens after it.
#include "controller/controller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <thread>

#include "client/yaml.h"
#include "controller/prerequisites.h"
#include "reconcilers/migration_json.h"
#include "test/support/fake_cluster.h"

namespace gatelift {
namespace {

using std::chrono::milliseconds;

/// The passes that the controller made, in order, and what each answers.
class Passes {
 public:
  Result<ReconcileResult> make(const std::string& name) {
    std::function<Result<ReconcileResult>(const std::string&)> answer;
    {
      const std::lock_guard lock(mutex_);
      names_.push_back(name);
      changed_.notify_all();
      answer = answer_;
    }
    if (answer) return answer(name);
    ReconcileResult finished;
    finished.outcome = PassOutcome::Finished;
    return finished;
  }

  /// Waits until `count` passes were made, and returns them.
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return names_.size() >= count; });
    EXPECT_TRUE(came) << "only " << names_.size() << " passes";
    return names_;
  }

  /// Waits until `name` had `count` passes.
  void wait_for(const std::string& name, std::ptrdiff_t count) {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, std::chrono::seconds(60), [&] {
      return std::count(names_.begin(), names_.end(), name) >= count;
    });
    EXPECT_TRUE(came) << "too few passes of " << name;
  }

  void answer(std::function<Result<ReconcileResult>(const std::string&)> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> names_;
  std::function<Result<ReconcileResult>(const std::string&)> answer_;
};

/// Watches of the fake answer at once, on a clock that stands still; these let the thread rest
/// between two looks.
class RestingCluster : public Cluster {
 public:
  explicit RestingCluster(Cluster& inner) : inner_(inner) {}

  Result<Json> send(const Request& request) override { return inner_.send(request); }
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override {
    ASSIGN_OR_RETURN(auto watch, inner_.watch(request));
    return std::unique_ptr<Watch>(std::make_unique<RestingWatch>(std::move(watch)));
  }

 private:
  class RestingWatch : public Watch {
   public:
    explicit RestingWatch(std::unique_ptr<Watch> inner) : inner_(std::move(inner)) {}
    Result<std::optional<WatchEvent>> next(milliseconds timeout) override {
      auto event = inner_->next(timeout);
      if (event && !*event) std::this_thread::sleep_for(milliseconds(1));
      return event;
    }

   private:
    std::unique_ptr<Watch> inner_;
  };
  Cluster& inner_;
};

class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest() { cluster_.install_crd(crd()); }
  ~ControllerTest() override { stop(); }

  static Json crd() { return parse_yaml(migration_crd_manifest(), "crd").value().front(); }

  void apply(const std::string& name) {
    MigrationSpec spec;
    spec.target = {"v1.1.1", "experimental"};
    ASSERT_TRUE(create(cluster_, kMigrations, migration_manifest(name, spec)));
  }

  void patch(const std::string& name, Json patch, const std::string& subresource = "") {
    ASSERT_TRUE(merge_patch(cluster_, kMigrations, {"", name}, std::move(patch), subresource));
  }

  void start() {
    controller_ = std::make_unique<Controller>(Controller::Parts{
        .cluster = watched_,
        .log = log_,
        .metrics = metrics_,
        .reconcile = [this](const std::string& name) { return passes_.make(name);                          },
        .wait_until_leading = wait_until_leading_,
        .housekeeping = housekeeping_,
        .relist_delay = milliseconds(1),
        .back_off = { .first = milliseconds(1), .longest = milliseconds(4)}
    });
    thread_ = std::jthread([this](std::stop_token token) { controller_->run(std::move(token)); });
  }

  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

  ManualClock clock_;
  FakeCluster cluster_{clock_};
  RestingCluster watched_{cluster_};
  std::ostringstream log_text_;
  Log log_{log_text_, LogFormat::Text, LogLevel::Info};
  Metrics metrics_{"test"};
  Passes passes_;
  std::function<bool(std::stop_token)> wait_until_leading_;
  std::function<void()> housekeeping_;
  std::unique_ptr<Controller> controller_;
  std::jthread thread_;
};

TEST_F(ControllerTest, LooksAtWhatIsThereAndAtWhatComes) {
  apply("a");
  start();
  EXPECT_EQ(passes_.wait_for(1), std::vector<std::string>{"a"});
  apply("b");
  EXPECT_EQ(passes_.wait_for(2).at(1), "b");
}

TEST_F(ControllerTest, IsSyncedAfterTheFirstList) {
  apply("a");
  start();
  passes_.wait_for(1);
  apply("b");
  passes_.wait_for(2);
  EXPECT_TRUE(controller_->is_synced());
}

TEST_F(ControllerTest, DoesNotAnswerToItsOwnStatusWrites) {
  apply("a");
  passes_.answer([](const std::string&) {
    ReconcileResult waiting;
    waiting.outcome = PassOutcome::Waiting;
    return Result<ReconcileResult>(waiting);
  });
  start();
  passes_.wait_for(1);
  patch("a",
        {
            {"status", {{"phase", "Plan"}}}
  },
        "status");
  patch("a", {
                 {"spec", {{"suspend", true}}}
  });
  apply("z");
  passes_.wait_for("z", 1);
  auto names = passes_.wait_for(3);
  names.resize(3);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "a", "z"}));
}

TEST_F(ControllerTest, AnswersToTheRollbackAnnotationAndToDeletion) {
  apply("a");
  start();
  passes_.wait_for(1);
  patch("a", {
                 {"metadata", {{"annotations", {{kRollbackAnnotation, "true"}}}}}
  });
  passes_.wait_for(2);
  Request remove;
  remove.verb = Verb::Delete;
  remove.resource = kMigrations;
  remove.key = {"", "a"};
  ASSERT_TRUE(cluster_.send(remove));
  EXPECT_EQ(passes_.wait_for(3), (std::vector<std::string>{"a", "a", "a"}));
}

TEST_F(ControllerTest, GoesOnAtOnceWhileThereIsProgress) {
  apply("a");
  int left = 5;
  passes_.answer([&left](const std::string&) {
    ReconcileResult result;
    result.outcome = --left > 0 ? PassOutcome::Progressed : PassOutcome::Finished;
    return Result<ReconcileResult>(result);
  });
  start();
  passes_.wait_for(5);
  apply("b");
  EXPECT_EQ(passes_.wait_for(6).at(5), "b") << "and rests when it is finished";
}

TEST_F(ControllerTest, RepeatsAPassThatFailed) {
  apply("a");
  int left = 3;
  passes_.answer([&left](const std::string&) -> Result<ReconcileResult> {
    if (--left > 0) return fail(ErrorKind::Unavailable, "connection refused");
    return ReconcileResult{};
  });
  start();
  passes_.wait_for(3);
  stop();
  EXPECT_NE(log_text_.str().find("connection refused"), std::string::npos);
}

TEST_F(ControllerTest, LooksAtTheOthersWhenOneIsFinishedAndThenRests) {
  apply("waits");
  passes_.answer([](const std::string& name) {
    ReconcileResult result;
    result.outcome = name == "waits" ? PassOutcome::Waiting : PassOutcome::Finished;
    return Result<ReconcileResult>(result);
  });
  start();
  passes_.wait_for(1);
  apply("works");
  EXPECT_EQ(passes_.wait_for(3), (std::vector<std::string>{"waits", "works", "waits"}));
  apply("z");
  passes_.wait_for(6);
  apply("zz");
  const auto names = passes_.wait_for(10);
  EXPECT_EQ(std::count(names.begin(), names.end(), "works"), 3)
      << "finished ones must not wake each other for ever";
}

TEST_F(ControllerTest, ListsAgainAfterAWatchHasEndedAndMissesNothing) {
  apply("a");
  apply("b");
  start();
  passes_.wait_for("a", 1);
  passes_.wait_for("b", 1);
  cluster_.end_watches(kMigrations);
  cluster_.compact();
  apply("c");
  passes_.wait_for("c", 1);
  stop();
  EXPECT_EQ(log_text_.str().find("broke off"), std::string::npos)
      << "the end of a watch is no news";
}

TEST_F(ControllerTest, WaitsForItsCrd) {
  ManualClock clock;
  FakeCluster empty(clock);
  RestingCluster watched(empty);
  Controller controller(
      {.cluster = watched,
       .log = log_,
       .metrics = metrics_,
       .reconcile = [this](const std::string& name) { return passes_.make(name); },
       .wait_until_leading = {},
       .housekeeping = {},
       .relist_delay = milliseconds(1)});
  std::jthread thread([&controller](std::stop_token token) { controller.run(std::move(token)); });
  empty.install_crd(crd());
  MigrationSpec spec;
  spec.target = {"v1.1.1", "experimental"};
  ASSERT_TRUE(create(empty, kMigrations, migration_manifest("a", spec)));
  passes_.wait_for("a", 1);
}

TEST_F(ControllerTest, DoesNothingUntilItLeads) {
  std::atomic<bool> leads{false};
  std::atomic<int> kept{0};
  wait_until_leading_ = [&leads](std::stop_token) {
    leads.wait(false);
    return true;
  };
  housekeeping_ = [&] {
    EXPECT_TRUE(leads);
    ++kept;
  };
  apply("a");
  passes_.answer([&leads](const std::string&) {
    EXPECT_TRUE(leads);
    return Result<ReconcileResult>(ReconcileResult{});
  });
  start();
  leads = true;
  leads.notify_all();
  passes_.wait_for(1);
  stop();  // its threads look at what goes out of scope here
  EXPECT_GE(kept, 1) << "housekeeping comes before the first pass";
}

TEST_F(ControllerTest, FinishesThePassUnderWayBeforeItStops) {
  apply("a");
  apply("b");
  std::atomic<bool> release{false};
  std::atomic<bool> over{false};
  passes_.answer([&](const std::string&) {
    release.wait(false);
    over = true;
    return Result<ReconcileResult>(ReconcileResult{});
  });
  start();
  passes_.wait_for(1);
  thread_.request_stop();
  release = true;
  release.notify_all();
  stop();
  EXPECT_TRUE(over);
  EXPECT_EQ(passes_.wait_for(1).size(), 1U) << "and begins no other";
}

TEST_F(ControllerTest, ShowsCountsInMetricsUntilTheMigrationIsDeleted) {
  apply("a");
  Record record;
  record.crds = {CrdProgress{}};
  record.crds[0].name = "x.gateway.networking.k8s.io";
  record.crds[0].objects = {.found = 40, .done = 37, .unchanged = 0, .skipped = 1, .failed = 2};
  patch("a",
        {
            {"status", status_json(record)}
  },
        "status");
  start();
  passes_.wait_for(1);
  EXPECT_NE(metrics_.render().find(R"(gatelift_migration_objects{migration="a",state="done"} 37)"),
            std::string::npos)
      << metrics_.render();
  Request remove;
  remove.verb = Verb::Delete;
  remove.resource = kMigrations;
  remove.key = {"", "a"};
  ASSERT_TRUE(cluster_.send(remove));
  passes_.wait_for(2);
  EXPECT_EQ(metrics_.render().find("migration=\"a\""), std::string::npos);
}

}  // namespace
}  // namespace gatelift
