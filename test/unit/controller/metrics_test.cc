// SPDX-License-Identifier: Apache-2.0
#include "controller/metrics.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

bool has_line(const Metrics& metrics, const std::string& line) {
  return ("\n" + metrics.render()).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsCallsByVerbAndAnswer) {
  Metrics metrics("1.2.3");
  metrics.api_call("GET", 200);
  metrics.api_call("GET", 201);
  metrics.api_call("GET", 404);
  metrics.api_call("DELETE", 0);
  EXPECT_TRUE(has_line(metrics, R"(gatelift_api_requests_total{code="2xx",verb="GET"} 2)"))
      << metrics.render();
  EXPECT_TRUE(has_line(metrics, R"(gatelift_api_requests_total{code="404",verb="GET"} 1)"));
  EXPECT_TRUE(has_line(metrics, R"(gatelift_api_requests_total{code="none",verb="DELETE"} 1)"));
}

TEST(Metrics, TellVersionLeadershipAndPasses) {
  Metrics metrics("1.2.3");
  metrics.leading(true);
  metrics.queue_depth(3);
  metrics.reconciled("Progressed", std::chrono::milliseconds(30));
  EXPECT_TRUE(has_line(metrics, R"(gatelift_build_info{version="1.2.3"} 1)")) << metrics.render();
  EXPECT_TRUE(has_line(metrics, "gatelift_leader 1"));
  EXPECT_TRUE(has_line(metrics, "gatelift_work_queue_depth 3"));
  EXPECT_TRUE(has_line(metrics, R"(gatelift_reconcile_total{outcome="Progressed"} 1)"));
  EXPECT_TRUE(has_line(metrics, R"(gatelift_reconcile_duration_seconds_bucket{le="0.025"} 0)"));
  EXPECT_TRUE(has_line(metrics, R"(gatelift_reconcile_duration_seconds_bucket{le="0.05"} 1)"));
}

}  // namespace
}  // namespace gatelift
