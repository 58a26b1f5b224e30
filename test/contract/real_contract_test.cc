// SPDX-License-Identifier: Apache-2.0
// Runs the contract on a real kube-apiserver.
#include <thread>

#include "test/contract/contract.h"
#include "test/support/control_plane.h"

namespace gatelift {
namespace {

class WallClock : public Clock {
 public:
  Time now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
  Result<void> sleep(std::chrono::milliseconds duration) override {
    std::this_thread::sleep_for(duration);
    return {};
  }
};

class RealServer : public ServerUnderTest {
 public:
  RealServer() {
    auto plane = ControlPlane::start();
    if (!plane) give_up(plane.error());
    plane_ = *std::move(plane);
    auto cluster = plane_->connect();
    if (!cluster) give_up(cluster.error());
    cluster_ = *std::move(cluster);
  }
  Cluster& cluster() override { return *cluster_; }
  Clock& clock() override { return clock_; }

 private:
  [[noreturn]] static void give_up(const Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    std::exit(1);
  }

  WallClock clock_;
  std::unique_ptr<ControlPlane> plane_;
  std::unique_ptr<Cluster> cluster_;
};

}  // namespace

ServerUnderTest& server_under_test() {
  static RealServer server;
  return server;
}

}  // namespace gatelift
