// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/inplace/version_traffic.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

const Resource kPolicies{"gateway.networking.k8s.io", "v1alpha2", "backendtlspolicies", true};

std::string sample(const std::string& name, const std::string& version, const std::string& verb,
                   const std::string& value) {
  return name + "{component=\"apiserver\",group=\"gateway.networking.k8s.io\",resource=\"" +
         "backendtlspolicies\",scope=\"cluster\",subresource=\"\",verb=\"" + verb +
         "\",version=\"" + version + "\"} " + value + "\n";
}

const std::string kStarted = "process_start_time_seconds 1.73e+09\n";

TEST(VersionTraffic, CountsWatchesAndRequestsOfOneVersion) {
  const std::string metrics = "# HELP apiserver_request_total Counter\n" +
                              sample("apiserver_request_total", "v1alpha2", "LIST", "3") +
                              sample("apiserver_request_total", "v1alpha2", "WATCH", "1.2e+01") +
                              sample("apiserver_request_total", "v1alpha3", "LIST", "100") +
                              sample("apiserver_longrunning_requests", "v1alpha2", "WATCH", "2") +
                              sample("apiserver_longrunning_requests", "v1alpha3", "WATCH", "50") +
                              kStarted;
  const auto traffic = traffic_at(kPolicies, metrics);
  ASSERT_TRUE(traffic);
  EXPECT_EQ(traffic->requests, 3) << "a watch that ended and was begun anew is no other use";
  EXPECT_EQ(traffic->watches, 2);
  EXPECT_EQ(traffic->server_started, "1.73e+09");
}

TEST(VersionTraffic, TakesNoOtherResourceOrGroupForIt) {
  std::string metrics = sample("apiserver_request_total", "v1alpha2", "LIST", "3") + kStarted;
  for (const Resource& other : {
           Resource{"gateway.networking.k8s.io", "v1alpha2", "tlspolicies",        true},
           Resource{"networking.k8s.io",         "v1alpha2", "backendtlspolicies", true},
           Resource{"gateway.networking.k8s.io", "alpha2",   "backendtlspolicies", true}
  }) {
    const auto traffic = traffic_at(other, metrics);
    ASSERT_TRUE(traffic);
    EXPECT_EQ(traffic->requests, 0) << other.group << other.plural << other.version;
  }
}

TEST(VersionTraffic, IsNotKnownWhereAnApiServerDoesNotCount) {
  EXPECT_FALSE(traffic_at(kPolicies, kStarted));
  EXPECT_FALSE(traffic_at(kPolicies, ""));
  EXPECT_FALSE(traffic_at(kPolicies, sample("apiserver_request_total", "v1alpha2", "LIST", "3")));
}

TEST(VersionTraffic, IsNoneWhereNobodyAskedYet) {
  const auto traffic =
      traffic_at(kPolicies, "apiserver_request_total{group=\"\",version=\"v1\"} 9\n" + kStarted);
  ASSERT_TRUE(traffic);
  EXPECT_EQ(traffic->requests, 0);
}

}  // namespace
}  // namespace gatelift
