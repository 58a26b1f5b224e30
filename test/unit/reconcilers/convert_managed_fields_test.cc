// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "reconcilers/convert/convert.h"

namespace gatelift {
namespace {

constexpr const char* kGroup = "gateway.networking.k8s.io";

Json entry(const std::string& manager, const std::string& operation, const std::string& version,
           const char* fields) {
  return Json{
      {"manager",    manager                            },
      {"operation",  operation                          },
      {"apiVersion", std::string(kGroup) + "/" + version},
      {"fieldsType", "FieldsV1"                         },
      {"fieldsV1",   Json::parse(fields)                }
  };
}

Json mapped_fields(const std::string& operation, const std::string& from, const std::string& to,
                   const char* fields, const Json* converted = nullptr) {
  const Json entries = Json::array({entry("m", operation, from, fields)});
  const Json out = convert_managed_fields(entries, kGroup, "BackendTLSPolicy", to, "", converted);
  EXPECT_EQ(out.at(0).at("apiVersion"), std::string(kGroup) + "/" + to);
  return out.at(0).at("fieldsV1");
}

TEST(ConvertManagedFields, OwnsTheWholeListWhereAnyPartOfTheTargetWasOwned) {
  EXPECT_EQ(mapped_fields("Apply", "v1alpha2", "v1alpha3",
                          R"({"f:spec":{"f:targetRef":{"f:sectionName":{}}}})"),
            Json::parse(R"({"f:spec":{"f:targetRefs":{}}})"));
  EXPECT_EQ(mapped_fields("Apply", "v1alpha2", "v1alpha3", R"({"f:spec":{"f:targetRef":{}}})"),
            Json::parse(R"({"f:spec":{"f:targetRefs":{}}})"));
}

Json policy_of(const Json& entries) {
  return Json{
      {"apiVersion", std::string(kGroup) + "/v1alpha2"},
      {"kind",       "BackendTLSPolicy"               },
      {"metadata",   {{"managedFields", entries}}     }
  };
}

TEST(ConvertManagedFields, SaysWhoComesToShareAnAtomicList) {
  constexpr const char* kTarget = R"({"f:spec":{"f:targetRef":{"f:kind":{},"f:name":{}}}})";
  constexpr const char* kSection = R"({"f:spec":{"f:targetRef":{"f:sectionName":{}}}})";
  constexpr const char* kUpdated = R"({"f:spec":{"f:targetRef":{".":{},"f:kind":{},"f:name":{}}}})";
  constexpr const char* kElsewhere = R"({"f:spec":{"f:tls":{"f:hostname":{}}}})";
  const auto shared = [](const Json& entries) {
    std::vector<std::string> texts;
    for (const SharedField& each : shared_fields(policy_of(entries), "v1alpha3")) {
      std::string text = each.field + ":";
      for (const std::string& manager : each.managers) text += " " + manager;
      texts.push_back(text);
    }
    return texts;
  };
  const std::vector<std::string> both{"spec.targetRef: git tool"};
  EXPECT_EQ(shared({entry("git", "Apply", "v1alpha2", kTarget),
                    entry("tool", "Apply", "v1alpha2", kSection),
                    entry("other", "Apply", "v1alpha2", kElsewhere)}),
            both);
  EXPECT_EQ(shared({entry("git", "Apply", "v1alpha2", kTarget),
                    entry("tool", "Update", "v1alpha2", kSection)}),
            both);
  // Who owns the same as another has had to agree with it before.
  EXPECT_TRUE(shared({entry("git", "Apply", "v1alpha2", kTarget),
                      entry("tool", "Update", "v1alpha2", kUpdated)})
                  .empty());
  // Updates meet no conflicts.
  EXPECT_TRUE(shared({entry("git", "Update", "v1alpha2", kTarget),
                      entry("tool", "Update", "v1alpha2", kSection)})
                  .empty());
  EXPECT_TRUE(shared_fields(policy_of({entry("git", "Apply", "v1alpha2", kTarget),
                                       entry("tool", "Apply", "v1alpha2", kSection)}),
                            "v1alpha2")
                  .empty());
}

TEST(ConvertManagedFields, DropsWhatOwnedNothingButTheNamespace) {
  EXPECT_EQ(mapped_fields("Update", "v1alpha2", "v1",
                          R"({"f:spec":{".":{},"f:targetRef":{".":{},"f:namespace":{}},)"
                          R"("f:tls":{".":{},"f:hostname":{}}}})"),
            Json::parse(R"({"f:spec":{".":{},"f:validation":{".":{},"f:hostname":{}}}})"));
  EXPECT_EQ(
      mapped_fields("Apply", "v1alpha2", "v1", R"({"f:spec":{"f:targetRef":{"f:namespace":{}}}})"),
      Json::object());
}

TEST(ConvertManagedFields, KeepsDotKeyAndValueMembersUnderRenamedFields) {
  EXPECT_EQ(mapped_fields("Update", "v1alpha2", "v1alpha3",
                          R"({"f:spec":{"f:tls":{".":{},"f:caCertRefs":{".":{},)"
                          R"("k:{\"name\":\"f:tls\"}":{".":{},"f:tls":{}},"v:\"caCertRefs\"":{}},)"
                          R"("f:wellKnownCACerts":{}}}})"),
            Json::parse(R"({"f:spec":{"f:validation":{".":{},"f:caCertificateRefs":{".":{},)"
                        R"("k:{\"name\":\"f:tls\"}":{".":{},"f:tls":{}},"v:\"caCertRefs\"":{}},)"
                        R"("f:wellKnownCACertificates":{}}}})"));
}

TEST(ConvertManagedFields, ListsTheFieldsOfTheItemOnTheWayDown) {
  const char* owned = R"({"f:spec":{"f:targetRefs":{},"f:validation":{"f:hostname":{}}}})";
  EXPECT_EQ(mapped_fields("Apply", "v1", "v1alpha2", owned),
            Json::parse(R"({"f:spec":{"f:targetRef":{"f:group":{},"f:kind":{},"f:name":{}},)"
                        R"("f:tls":{"f:hostname":{}}}})"));
  const Json object = Json::parse(
      R"({"spec":{"targetRef":{"group":"","kind":"Service","name":"a","sectionName":"https"}}})");
  EXPECT_EQ(mapped_fields("Apply", "v1", "v1alpha2", owned, &object),
            Json::parse(R"({"f:spec":{"f:targetRef":{"f:group":{},"f:kind":{},"f:name":{},)"
                        R"("f:sectionName":{}},"f:tls":{"f:hostname":{}}}})"));
}

TEST(ConvertManagedFields, GivesUpdatesTheStructItselfOnTheWayDown) {
  EXPECT_EQ(mapped_fields("Update", "v1alpha3", "v1alpha2", R"({"f:spec":{"f:targetRefs":{}}})"),
            Json::parse(R"({"f:spec":{"f:targetRef":{".":{},"f:group":{},"f:kind":{},)"
                        R"("f:name":{}}}})"));
}

TEST(ConvertManagedFields, DropsPathsOfFieldsThatTheOldVersionLacks) {
  EXPECT_EQ(mapped_fields("Apply", "v1", "v1alpha2",
                          R"({"f:spec":{"f:options":{"f:a/b":{}},"f:validation":)"
                          R"({"f:subjectAltNames":{},"f:hostname":{}}}})"),
            Json::parse(R"({"f:spec":{"f:tls":{"f:hostname":{}}}})"));
}

TEST(ConvertManagedFields, KeepsSubresourceTimeAndStatusPaths) {
  Json status =
      entry("controller", "Update", "v1alpha2", R"({"f:status":{"f:ancestors":{},"f:tls":{}}})");
  status["subresource"] = "status";
  status["time"] = "2024-01-01T00:00:00Z";
  Json want = status;
  want["apiVersion"] = std::string(kGroup) + "/v1alpha3";
  EXPECT_EQ(
      convert_managed_fields(Json::array({status}), kGroup, "BackendTLSPolicy", "v1alpha3", ""),
      Json::array({want}));
}

TEST(ConvertManagedFields, LeavesEntriesOfOtherGroupsUntouched) {
  Json other = entry("m", "Apply", "v1alpha2", R"({"f:spec":{"f:tls":{}}})");
  other["apiVersion"] = "other.example.com/v1alpha2";
  EXPECT_EQ(convert_managed_fields(Json::array({other}), kGroup, "BackendTLSPolicy", "v1", ""),
            Json::array({other}));
}

TEST(ConvertManagedFields, LeavesOutTheManagerToDrop) {
  const Json entries = Json::array({entry("gatelift", "Update", "v1", R"({"f:spec":{}})"),
                                    entry("flux", "Apply", "v1", R"({"f:spec":{}})")});
  const Json out = convert_managed_fields(entries, kGroup, "BackendTLSPolicy", "v1", "gatelift");
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0]["manager"], "flux");
}

// The API server decodes entries into a map by identity: of two that are alike the second would
// erase the first.
TEST(ConvertManagedFields, JoinsEntriesThatBecomeAlike) {
  Json old_entry = entry("edit", "Update", "v1alpha2", R"({"f:spec":{"f:tls":{"f:hostname":{}}}})");
  Json new_entry =
      entry("edit", "Update", "v1", R"({"f:spec":{"f:validation":{},"f:targetRefs":{}}})");
  Json status_entry = entry("edit", "Update", "v1", R"({"f:status":{}})");
  old_entry["time"] = "2024-01-01T00:00:00Z";
  new_entry["time"] = "2024-02-01T00:00:00Z";
  status_entry["subresource"] = "status";
  const Json out = convert_managed_fields(Json::array({old_entry, status_entry, new_entry}), kGroup,
                                          "BackendTLSPolicy", "v1", "");
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0]["fieldsV1"], Json::parse(R"({"f:spec":{"f:validation":{".":{},"f:hostname":{}},)"
                                            R"("f:targetRefs":{}}})"));
  EXPECT_EQ(out[0]["time"], "2024-02-01T00:00:00Z");
  EXPECT_EQ(out[1]["subresource"], "status");
}

TEST(StaleManagedVersions, NamesEachVersionOfTheGroupThatIsNotKept) {
  Json object;
  Json core = entry("m", "Update", "v1", "{}");
  core["apiVersion"] = "v1";
  object["metadata"]["managedFields"] =
      Json::array({entry("a", "Apply", "v1alpha2", "{}"), entry("b", "Update", "v1alpha2", "{}"),
                   entry("c", "Apply", "v1", "{}"), core});
  EXPECT_EQ(stale_managed_versions(object, kGroup, {"v1"}), std::vector<std::string>{"v1alpha2"});
  EXPECT_EQ(stale_managed_versions(object, kGroup, {"v1", "v1alpha2"}), std::vector<std::string>{});
}

}  // namespace
}  // namespace gatelift
