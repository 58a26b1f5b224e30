// SPDX-License-Identifier: Apache-2.0
#include "client/endpoint.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

TEST(ServerUrl, ReadsHostsPortsAndPaths) {
  const auto plain = parse_server_url("https://api.example.com");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->authority(), "api.example.com:443");
  EXPECT_FALSE(plain->is_ip);
  const auto ip = parse_server_url("https://10.0.0.1:6443/");
  ASSERT_TRUE(ip);
  EXPECT_TRUE(ip->is_ip && !ip->is_ipv6);
  EXPECT_EQ(ip->path, "");
  const auto ipv6 = parse_server_url("https://[fd00::1]:6443");
  ASSERT_TRUE(ipv6);
  EXPECT_EQ(ipv6->host, "fd00::1");
  EXPECT_EQ(ipv6->authority(), "[fd00::1]:6443");
  EXPECT_TRUE(ipv6->is_ipv6);
  EXPECT_EQ(parse_server_url("https://[::1]")->authority(), "[::1]:443");
  EXPECT_EQ(parse_server_url("https://rancher/k8s/clusters/c-1/")->path, "/k8s/clusters/c-1");
}

TEST(ServerUrl, RefusesWhatIsNoServer) {
  for (const char* text :
       {"", "api.example.com:6443", "ftp://x", "https://", "https://:443", "https://a:b",
        "https://a:70000", "https://user@host", "https://a b", "https://a/x?y", "https://[::1",
        "https://[::1]x", "https://fd00::1:6443", "https://a\r\nb"}) {
    const auto url = parse_server_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_TRUE(url.error().is(ErrorKind::Invalid));
  }
}

TEST(ServerUrl, AllowsPlainHttpToLoopbackOnly) {
  EXPECT_TRUE(parse_server_url("http://127.0.0.1:8080"));
  EXPECT_TRUE(parse_server_url("http://localhost:8080"));
  EXPECT_TRUE(parse_server_url("http://[::1]:8080"));
  EXPECT_FALSE(parse_server_url("http://10.0.0.1:8080"));
  EXPECT_FALSE(parse_server_url("http://127.0.0.1.example.com"));
}

}  // namespace
}  // namespace gatelift
