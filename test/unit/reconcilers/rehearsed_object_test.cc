// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rehearsed_object.h"

#include <gtest/gtest.h>

#include "test/support/builders.h"

namespace gatelift {
namespace {

using Names = std::vector<std::string>;

const Resource kCopy{"rehearsal.gatelift.dev", "v1", "httproutes", true};

Json route() {
  return object("gateway.networking.k8s.io/v1", "HTTPRoute",
                {
                    "a", "web"
  })
      .label("app", "web")
      .finalizer("example.com/hold")
      .metadata("uid", "1")
      .metadata("resourceVersion", "7")
      .metadata("generation", 3)
      .metadata("creationTimestamp", "2026-01-01T00:00:00Z")
      .metadata("deletionTimestamp", "2026-01-02T00:00:00Z")
      .metadata("ownerReferences", Json::array({{{"name", "owner"}, {"uid", "2"}}}))
      .metadata("managedFields", Json::array({{{"manager", "kubectl"}}}))
      .spec({{"hostnames", {"a.example.com"}}})
      .status({{"parents", Json::array()}})
      .build();
}

TEST(TrialBody, IsTheWholeObjectAndNothingThatTheServerSets) {
  const Json body = trial_body(route(), kCopy);
  EXPECT_EQ(body,
            (Json{
                {"apiVersion", "rehearsal.gatelift.dev/v1"                                        },
                {"kind",       "HTTPRoute"                                                        },
                {"metadata",   {{"name", "web"}, {"namespace", "a"}, {"labels", {{"app", "web"}}}}},
                {"spec",       {{"hostnames", {"a.example.com"}}}                                 },
                {"status",     {{"parents", Json::array()}}                                       }
  }));
}

TEST(TrialRequest, IsAlwaysADryRun) {
  const Json body = trial_body(route(), kCopy);
  for (const CreateBy by : {CreateBy::Apply, CreateBy::Post}) {
    const Request request = trial_request(body, kCopy, {by, FieldValidation::Strict});
    const std::string target = target_of(request);
    EXPECT_NE(target.find("dryRun=All"), std::string::npos) << target;
    EXPECT_NE(target.find("fieldValidation=Strict"), std::string::npos) << target;
    EXPECT_NE(target.find("/apis/rehearsal.gatelift.dev/v1/namespaces/a/httproutes"),
              std::string::npos)
        << target;
    EXPECT_TRUE(check_request(request));
  }
}

TEST(Differences, NameWhatIsNotKeptAndWhatIsFilledIn) {
  const Json sent = {
      {"metadata", {{"name", "x"}, {"labels", {{"app", "web"}}}}},
      {"spec",
       {{"rules", Json::array({{{"a", 1}, {"b", {{"c.d/e", "f"}}}}})},
        {"kept", "x"},
        {"changed", 1},
        {"nothing", nullptr}}                                   }
  };
  const Json answered = {
      {"metadata", {{"name", "x"}, {"uid", "1"}, {"labels", Json::object()}}},
      {"spec",
       {{"rules", Json::array({{{"a", 1}, {"b", Json::object()}, {"weight", 1}}})},
        {"kept", "x"},
        {"changed", 2},
        {"added", {{"deep", true}}}}                                        }
  };
  const Differences found = differences(sent, answered);
  EXPECT_EQ(found.lost, (Names{"metadata.labels", "spec.changed", "spec.rules[0].b[c.d/e]"}));
  EXPECT_EQ(found.added, (Names{"spec.rules[0].weight", "spec.added"}));
}

TEST(Differences, AreNoneBetweenEqualObjects) {
  const Json body = trial_body(route(), kCopy);
  const Differences found = differences(body, route());
  EXPECT_EQ(found.lost, Names{});
  EXPECT_EQ(found.added, Names{});
}

Error invalid(std::vector<Cause> causes) {
  Error error;
  error.kind = ErrorKind::Invalid;
  error.reason = "Invalid";
  error.causes = std::move(causes);
  return error;
}

TEST(RefusalsOf, NameEachFieldOnce) {
  const auto refusals = refusals_of(invalid({
      {"FieldValueInvalid", "spec.listeners", "one"                        },
      {"FieldValueInvalid", "spec.addresses", "two"                        },
      {"FieldValueInvalid", "spec.listeners", "more"                       },
      {"FieldValueInvalid", "<nil>",          "some rules were not checked"},
  }));
  ASSERT_EQ(refusals.size(), 2U);
  EXPECT_EQ(refusals[0].field, "spec.listeners");
  EXPECT_EQ(refusals[0].words, "one; more");
  EXPECT_EQ(refusals[1].field, "spec.addresses");
}

TEST(RefusalsOf, ARuleOfTheWholeObjectNamesNoField) {
  const auto refusals = refusals_of(invalid({
      {"FieldValueInvalid", "<nil>", "no"}
  }));
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].field, "");
}

TEST(RefusalsOf, AdmissionNamesNoFieldsAndIsNone) {
  EXPECT_TRUE(refusals_of(invalid({
                              {"", "", "denied by a policy"}
  }))
                  .empty());
  EXPECT_TRUE(refusals_of(invalid({})).empty());
}

TEST(IsSameAround, LooksAtTheListThatAFieldIsIn) {
  const Json before = {
      {"spec",
       {{"listeners", Json::array({{{"name", "a"}}, {{"name", "b"}}})}, {"addresses", {"1"}}}}
  };
  Json after = before;
  after["spec"]["listeners"][1]["tls"] = "x";
  EXPECT_FALSE(is_same_around("spec.listeners[0].name", before, after));
  EXPECT_FALSE(is_same_around("spec.listeners", before, after));
  EXPECT_TRUE(is_same_around("spec.addresses[0]", before, after));
  // What is missing is its parent's error, and the parent has changed.
  EXPECT_FALSE(is_same_around("spec.class", before, after));
  EXPECT_TRUE(is_same_around("spec.class", before, before));
  EXPECT_FALSE(is_same_around("", before, after));
}

}  // namespace
}  // namespace gatelift
