// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "client/yaml.h"
#include "reconcilers/convert/convert.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

Json yaml(const std::string& text, const std::string& name = "test") {
  auto documents = parse_yaml(text, name);
  EXPECT_TRUE(documents.has_value()) << documents.error().message;
  return documents && !documents->empty() ? documents->front() : Json();
}

Json yaml_file(const fs::path& file) {
  std::ifstream stream(file);
  return yaml({std::istreambuf_iterator<char>(stream), {}}, file.string());
}

struct Golden {
  std::string name;
  Json in;
  Json out;
};

std::vector<Golden> goldens() {
  std::vector<Golden> found;
  const fs::path directory = fs::path(GATELIFT_TESTDATA) / "backendtlspolicies/v1alpha2-v1alpha3";
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".in.yaml")) continue;
    const std::string stem = name.substr(0, name.size() - 8);
    found.push_back({stem, yaml_file(entry.path()), yaml_file(directory / (stem + ".out.yaml"))});
  }
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return found;
}

Json converted(const Json& object, std::string_view version) {
  ConversionOutcome outcome = convert_object(object, version);
  EXPECT_TRUE(outcome.ok()) << outcome.problems.front().message;
  return outcome.object;
}

Json policy(const std::string& version, const std::string& spec) {
  return yaml("apiVersion: gateway.networking.k8s.io/" + version +
              "\nkind: BackendTLSPolicy\nmetadata: {name: a, namespace: own}\nspec: " + spec);
}

std::vector<ConversionProblem> problems(const Json& object, std::string_view version) {
  ConversionOutcome outcome = convert_object(object, version);
  EXPECT_EQ(outcome.ok(), !outcome.object.is_null()) << "an outcome is an object or problems";
  return outcome.problems;
}

TEST(ConvertBackendTlsPolicy, TurnsEachOldGoldenIntoItsNewOne) {
  const auto all = goldens();
  ASSERT_GE(all.size(), 9U);
  for (const Golden& golden : all) {
    SCOPED_TRACE(golden.name);
    EXPECT_EQ(print_yaml(converted(golden.in, "v1alpha3")), print_yaml(golden.out));
  }
}

TEST(ConvertBackendTlsPolicy, GivesV1TheShapeOfV1Alpha3) {
  for (const Golden& golden : goldens()) {
    SCOPED_TRACE(golden.name);
    const Json direct = converted(golden.in, "v1");
    EXPECT_EQ(direct["apiVersion"], "gateway.networking.k8s.io/v1");
    EXPECT_EQ(direct["spec"], golden.out["spec"]);
    EXPECT_EQ(direct, converted(golden.out, "v1"));
    EXPECT_EQ(stale_managed_versions(direct, "gateway.networking.k8s.io", {"v1"}),
              std::vector<std::string>{});
  }
}

TEST(ConvertBackendTlsPolicy, BringsEachNewGoldenBackToTheOldSpec) {
  for (const Golden& golden : goldens()) {
    SCOPED_TRACE(golden.name);
    Json want = golden.in["spec"];
    want["targetRef"].erase("namespace");  // says nothing beside the policy's own
    EXPECT_EQ(converted(golden.out, "v1alpha2")["spec"], want);
  }
}

TEST(ConvertBackendTlsPolicy, ChangesShapeOnlyAcrossV1Alpha2) {
  const auto changes = [](std::string_view from, std::string_view to) {
    return shape_changes("gateway.networking.k8s.io", "BackendTLSPolicy", from, to);
  };
  EXPECT_TRUE(changes("v1alpha2", "v1alpha3"));
  EXPECT_TRUE(changes("v1alpha2", "v1"));
  EXPECT_TRUE(changes("v1", "v1alpha2"));
  EXPECT_FALSE(changes("v1alpha3", "v1"));
  EXPECT_FALSE(changes("v1", "v1alpha3"));
  EXPECT_FALSE(changes("v1alpha2", "v1alpha2"));
  EXPECT_FALSE(shape_changes("gateway.networking.k8s.io", "TLSRoute", "v1alpha2", "v1alpha3"));
  EXPECT_FALSE(shape_changes("other.example.com", "BackendTLSPolicy", "v1alpha2", "v1alpha3"));
}

TEST(ConvertBackendTlsPolicy, RefusesATargetInAnotherNamespaceAndNamesTheChoices) {
  const auto found = problems(
      policy("v1alpha2", "{targetRef: {group: '', kind: Service, name: db, namespace: data}}"),
      "v1alpha3");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].code, "ForeignTargetNamespace");
  EXPECT_EQ(found[0].field, "spec.targetRef.namespace");
  for (const char* word : {"own", "data", "Service db"}) {
    EXPECT_NE(found[0].message.find(word), std::string::npos) << found[0].message;
  }
  for (const char* word : {"namespace data", "ConfigMaps", "remove", "MoveToTarget"}) {
    EXPECT_NE(found[0].next.find(word), std::string::npos) << found[0].next;
  }
  EXPECT_EQ(found[0].resolutions, (std::vector<std::string>{kLeaveInBackup, kMoveToTarget}));
}

TEST(ConvertBackendTlsPolicy, MovesNothingThatIsNoConfigMap) {
  const auto found = problems(
      policy("v1alpha2",
             "{targetRef: {group: '', kind: Service, name: db, namespace: data}, tls: {caCertRefs: "
             "[{group: '', kind: Secret, name: ca}]}}"),
      "v1alpha3");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].resolutions, std::vector<std::string>{kLeaveInBackup});
}

TEST(ConvertBackendTlsPolicy, RefusesANamedTargetNamespaceWhereThePolicyNamesNone) {
  Json object = policy("v1alpha2", "{targetRef: {kind: Service, name: db, namespace: data}}");
  object["metadata"].erase("namespace");
  EXPECT_EQ(problems(object, "v1").size(), 1U);
}

TEST(ConvertBackendTlsPolicy, TakesAForeignNamespaceAtTheNewVersionAsItIs) {
  const Json object =
      policy("v1", "{targetRefs: [{group: '', kind: Service, name: db, namespace: data}]}");
  EXPECT_EQ(converted(object, "v1alpha3")["spec"], object["spec"]);
}

TEST(ConvertBackendTlsPolicy, RefusesDownwardsWhatTheOldVersionCannotHold) {
  struct Row {
    const char* spec;
    const char* code;
    const char* field;
  };
  const std::string target = "{group: '', kind: Service, name: db}";
  const Row rows[] = {
      {"{targetRefs: [{name: a}, {name: b}]}",                                               "SeveralTargets",   "spec.targetRefs"                        },
      {"{targetRefs: []}",                                                                   "NoTarget",         "spec.targetRefs"                        },
      {"{targetRefs: [{name: a}], validation: {subjectAltNames: [{type: URI, uri: a:b}]}}",
       "FieldNotInTarget",                                                                                       "spec.validation.subjectAltNames"        },
      {"{targetRefs: [{name: a}], options: {example.com/k: v}}",                             "FieldNotInTarget",
       "spec.options"                                                                                                                                     },
      {"{targetRefs: [{name: a}], validation: {wellKnownCACertificates: example.com/pool}}",
       "ValueNotInTarget",                                                                                       "spec.validation.wellKnownCACertificates"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.spec);
    const auto found = problems(policy("v1", row.spec), "v1alpha2");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].code, row.code);
    EXPECT_EQ(found[0].field, row.field);
    EXPECT_FALSE(found[0].next.empty());
    EXPECT_TRUE(problems(policy("v1", row.spec), "v1alpha3").empty());
  }
}

TEST(ConvertBackendTlsPolicy, NamesEveryProblemOfAnObjectAtOnce) {
  const auto found = problems(policy("v1alpha3",
                                     "{targetRefs: [{name: a}, {name: b}], options: {a: b}, "
                                     "validation: {subjectAltNames: [{type: URI}]}}"),
                              "v1alpha2");
  EXPECT_EQ(found.size(), 3U);
}

TEST(ConvertBackendTlsPolicy, DropsNewFieldsThatAreEmptyOnTheWayDown) {
  const Json object = policy("v1",
                             "{targetRefs: [{name: a}], options: {}, validation: {hostname: h, "
                             "subjectAltNames: [], wellKnownCACertificates: System}}");
  EXPECT_EQ(converted(object, "v1alpha2")["spec"],
            yaml("{targetRef: {name: a}, tls: {hostname: h, wellKnownCACerts: System}}"));
}

TEST(ConvertBackendTlsPolicy, CarriesSpecsThatMissFieldsWithoutInventingAny) {
  EXPECT_EQ(converted(policy("v1alpha2", "{}"), "v1")["spec"], Json::object());
  EXPECT_EQ(converted(policy("v1alpha2", "{tls: {}}"), "v1")["spec"], yaml("{validation: {}}"));
  EXPECT_EQ(converted(policy("v1alpha2", "{tls: null}"), "v1")["spec"], yaml("{validation: null}"));
  Json bare = policy("v1alpha2", "{}");
  bare.erase("spec");
  EXPECT_FALSE(converted(bare, "v1").contains("spec"));
}

TEST(ConvertBackendTlsPolicy, LetsTheOldShapeCountWhereAnOldObjectHasBoth) {
  const Json object = policy("v1alpha2",
                             "{targetRef: {name: now}, tls: {hostname: now}, "
                             "targetRefs: [{name: stale}], validation: {hostname: stale}}");
  EXPECT_EQ(converted(object, "v1alpha3")["spec"],
            yaml("{targetRefs: [{name: now}], validation: {hostname: now}}"));
}

TEST(ConvertObject, MovesObjectsOfOneShapeByTheirApiVersionAlone) {
  Json route = yaml(
      "{apiVersion: gateway.networking.k8s.io/v1alpha2, kind: GRPCRoute, "
      "metadata: {name: r, managedFields: [{manager: m, operation: Apply, apiVersion: "
      "gateway.networking.k8s.io/v1alpha2, fieldsV1: {'f:spec': {'f:tls': {}}}}]}, "
      "spec: {tls: {caCertRefs: []}, targetRef: {}}}");
  Json want = route;
  want["apiVersion"] = "gateway.networking.k8s.io/v1";
  want["metadata"]["managedFields"][0]["apiVersion"] = "gateway.networking.k8s.io/v1";
  EXPECT_EQ(converted(route, "v1"), want);
}

TEST(ConvertObject, SaysWhyADocumentIsNoObject) {
  EXPECT_EQ(problems(yaml("{kind: BackendTLSPolicy}"), "v1").at(0).field, "apiVersion");
  EXPECT_EQ(problems(yaml("{apiVersion: v1}"), "v1").at(0).field, "kind");
}

TEST(ConvertLastApplied, ConvertsFromTheVersionThatItNamesItself) {
  const std::string old_text =
      R"({"apiVersion":"gateway.networking.k8s.io/v1alpha2","kind":"BackendTLSPolicy",)"
      R"("spec":{"targetRef":{"name":"a","namespace":"gone"},"tls":{"caCertRefs":[]}}})";
  const std::string new_text =
      R"({"apiVersion":"gateway.networking.k8s.io/v1","kind":"BackendTLSPolicy",)"
      R"("spec":{"targetRefs":[{"name":"a"}],"validation":{"caCertificateRefs":[]}}})"
      "\n";
  EXPECT_EQ(convert_last_applied(old_text, "v1"), new_text);
  Json object = policy("v1", "{targetRefs: [{name: a}]}");
  object["metadata"]["annotations"][kLastApplied] = old_text;
  EXPECT_EQ(converted(object, "v1")["metadata"]["annotations"][kLastApplied], new_text);
}

TEST(ConvertLastApplied, LeavesTextsThatAreNotOfThisKindByteForByte) {
  const std::string other = R"({"kind":"Service", "apiVersion":"v1", "spec":{"tls":1}})";
  for (const std::string& text : {std::string("not json"), other, std::string("[1]")}) {
    Json object = policy("v1alpha2", "{targetRef: {name: a}}");
    object["metadata"]["annotations"][kLastApplied] = text;
    EXPECT_EQ(converted(object, "v1")["metadata"]["annotations"][kLastApplied], text);
  }
  const std::string already =
      "{ \"kind\":\"BackendTLSPolicy\", \"apiVersion\":\"gateway.networking.k8s.io/v1\"}";
  EXPECT_EQ(convert_last_applied(already, "v1"), already);
}

}  // namespace
}  // namespace gatelift
