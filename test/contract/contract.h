// SPDX-License-Identifier: Apache-2.0
// Claims about an API server that hold for the in-memory one and for the real one. Each test has a
// namespace and an API group of its own, so that all can run against one server.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "test/support/builders.h"
#include "test/support/calls.h"

namespace gatelift {

/// What a run of the suite brings: a server, and the clock that its waits go by.
class ServerUnderTest {
 public:
  virtual ~ServerUnderTest() = default;
  virtual Cluster& cluster() = 0;
  virtual Clock& clock() = 0;
};

/// Defined once by each program that runs the suite. Lives until the program ends.
ServerUnderTest& server_under_test();

class ContractTest : public testing::Test {
 protected:
  ContractTest();
  void SetUp() override;

  /// Creates the CRD and waits until it is served.
  void serve(const CrdBuilder& definition, const std::string& manager = "installer");
  /// PUTs a CRD's new spec over what is there, repeating on conflict.
  Result<Json> change_crd(const CrdBuilder& definition, const std::string& manager = "installer");
  /// Waits until a write at this version goes by the changed CRD.
  void settle(const std::function<bool()>& seen);
  Json crd_named(const std::string& name);

  ObjectKey key(const std::string& name) const { return {ns_, name}; }
  /// A widgets CRD in this test's group.
  CrdBuilder widgets() const { return crd("widgets", "Widget").group(group_); }
  ObjectBuilder widget(const std::string& version, const std::string& name) const {
    return object(group_ + "/" + version, "Widget", key(name));
  }

  std::string ns_;
  std::string group_;
  Cluster& cluster_;
  Clock& clock_;
};

/// managedFields as "manager/operation/apiVersion[/subresource] fields", sorted; readable in
/// failures.
std::vector<std::string> owners_of(const Json& object);

}  // namespace gatelift

/// Evaluates to the value of a Result, or fails the test with its error and returns.
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_(GATELIFT_CONCAT(outcome_at_, __LINE__), lhs, expr)
#define ASSERT_OK_AND_ASSIGN_(tmp, lhs, expr)          \
  auto tmp = (expr);                                   \
  ASSERT_TRUE(tmp.has_value()) << tmp.error().message; \
  lhs = *std::move(tmp)
#define ASSERT_OK(expr)                                            \
  do {                                                             \
    auto outcome_ = (expr);                                        \
    ASSERT_TRUE(outcome_.has_value()) << outcome_.error().message; \
  } while (false)
