// SPDX-License-Identifier: Apache-2.0
// Server-side apply, and who owns what after each kind of write.
#include "test/contract/contract.h"

namespace gatelift {
namespace {

Json schema() {
  Json port = {{"type", "object"},
               {"required", {"name"}},
               {"properties", {{"name", {{"type", "string"}}}, {"number", {{"type", "integer"}}}}}};
  Json text = {{"type", "string"}};
  return schema_with_spec(
      {{"host", text},
       {"path", text},
       {"tls", {{"type", "object"}, {"properties", {{"ca", text}, {"name", text}}}}},
       {"refs",
        {{"type", "array"}, {"items", {{"type", "object"}, {"properties", {{"name", text}}}}}}},
       {"ports",
        {{"type", "array"},
         {"x-kubernetes-list-type", "map"},
         {"x-kubernetes-list-map-keys", {"name"}},
         {"items", port}}},
       {"tags", {{"type", "array"}, {"x-kubernetes-list-type", "set"}, {"items", text}}}});
}

class ApplyContract : public ContractTest {
 protected:
  void SetUp() override {
    ContractTest::SetUp();
    if (HasFatalFailure()) return;
    serve(widgets().storing("v1", schema()));
  }

  Resource v1() const { return widgets().at("v1"); }
  Result<Json> apply(const std::string& manager, Json spec, bool force = false) {
    return apply_as(cluster_, manager, v1(), widget("v1", "a").spec(std::move(spec)).build(),
                    force);
  }
  Result<Json> patch_as(const std::string& manager, Json patch) {
    return merge_patch_as(cluster_, manager, v1(), key("a"), std::move(patch));
  }
  Json live() { return *get(cluster_, v1(), key("a")); }
  using Owners = std::vector<std::string>;
};

TEST_F(ApplyContract, AnApplyCreatesAndOwnsExactlyWhatItSays) {
  Json config = widget("v1", "a")
                    .label("l", "1")
                    .spec({{"host", "h"},
                           {"tls", {{"ca", "c"}}},
                           {"refs", {{{"name", "r"}}}},
                           {"ports", {{{"name", "p"}, {"number", 1}}}},
                           {"tags", {"t"}}})
                    .build();
  ASSERT_OK_AND_ASSIGN(Json made, apply_as(cluster_, "git", v1(), config));
  EXPECT_EQ(owners_of(made),
            (Owners{"git/Apply/v1 "
                    R"({"f:metadata":{"f:labels":{"f:l":{}}},"f:spec":{"f:host":{},"f:ports":{)"
                    R"("k:{\"name\":\"p\"}":{".":{},"f:name":{},"f:number":{}}},"f:refs":{},)"
                    R"("f:tags":{"v:\"t\"":{}},"f:tls":{"f:ca":{}}}})"}));
  EXPECT_EQ(int_at(made, 0, "metadata", "generation"), 1);
}

TEST_F(ApplyContract, ACreateOwnsItsFieldsAndTheirContainers) {
  Json body =
      widget("v1", "a")
          .label("l", "1")
          .finalizer("example.com/f")
          .spec({{"host", "h"}, {"tls", {{"ca", "c"}}}, {"ports", {{{"name", "p"}}}}})
          .metadata("managedFields",
                    Json::array({{{"manager", "other"},
                                  {"operation", "Apply"},
                                  {"apiVersion", v1().api_version()},
                                  {"fieldsType", "FieldsV1"},
                                  {"fieldsV1", {{"f:spec", {{"f:host", Json::object()}}}}}}}))
          .build();
  ASSERT_OK_AND_ASSIGN(Json made, create_as(cluster_, "alice", v1(), body));
  EXPECT_EQ(
      owners_of(made),
      (Owners{"alice/Update/v1 "
              R"({"f:metadata":{"f:finalizers":{".":{},"v:\"example.com/f\"":{}},)"
              R"("f:labels":{".":{},"f:l":{}}},"f:spec":{".":{},"f:host":{},"f:ports":{".":{},)"
              R"("k:{\"name\":\"p\"}":{".":{},"f:name":{}}},"f:tls":{".":{},"f:ca":{}}}})"}));
  ASSERT_OK(patch_as("alice", {{"metadata", {{"finalizers", nullptr}}}}));
}

TEST_F(ApplyContract, AnUpdateTakesTheFieldsItChangesAndNoOthers) {
  ASSERT_OK(apply("git", {{"host", "h"}, {"path", "p"}}));
  ASSERT_OK_AND_ASSIGN(Json changed, patch_as("bob", {{"spec", {{"host", "x"}}}}));
  EXPECT_EQ(owners_of(changed), (Owners{R"(bob/Update/v1 {"f:spec":{"f:host":{}}})",
                                        R"(git/Apply/v1 {"f:spec":{"f:path":{}}})"}));
}

TEST_F(ApplyContract, AStatusWriteIsAnEntryOfItsOwn) {
  ASSERT_OK(apply("git", {{"host", "h"}}));
  ASSERT_OK_AND_ASSIGN(Json changed, merge_patch_as(cluster_, "ctl", v1(), key("a"),
                                                    {{"status", {{"ready", true}}}}, "status"));
  EXPECT_EQ(owners_of(changed),
            (Owners{R"(ctl/Update/v1/status {"f:status":{".":{},"f:ready":{}}})",
                    R"(git/Apply/v1 {"f:spec":{"f:host":{}}})"}));
}

TEST_F(ApplyContract, AnApplyOverForeignFieldsConflictsUnlessForced) {
  ASSERT_OK(apply("git", {{"host", "h"}, {"path", "p"}}));
  auto refused = apply("other", {{"host", "x"}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::Conflict);
  ASSERT_EQ(refused.error().causes.size(), 1U);
  EXPECT_EQ(refused.error().causes[0].reason, "FieldManagerConflict");
  EXPECT_EQ(refused.error().causes[0].field, ".spec.host");
  EXPECT_EQ(live()["spec"]["host"], "h");

  ASSERT_OK_AND_ASSIGN(Json forced, apply("other", {{"host", "x"}}, true));
  EXPECT_EQ(owners_of(forced), (Owners{R"(git/Apply/v1 {"f:spec":{"f:path":{}}})",
                                       R"(other/Apply/v1 {"f:spec":{"f:host":{}}})"}));
}

TEST_F(ApplyContract, AnApplyOfTheSameValueSharesTheField) {
  ASSERT_OK(apply("git", {{"host", "h"}}));
  ASSERT_OK_AND_ASSIGN(Json shared, apply("other", {{"host", "h"}}));
  EXPECT_EQ(owners_of(shared), (Owners{R"(git/Apply/v1 {"f:spec":{"f:host":{}}})",
                                       R"(other/Apply/v1 {"f:spec":{"f:host":{}}})"}));
}

TEST_F(ApplyContract, AFieldNoLongerAppliedGoesWhenNobodyElseOwnsIt) {
  ASSERT_OK(apply("git", {{"host", "h"},
                          {"path", "p"},
                          {"tls", {{"ca", "c"}}},
                          {"ports", {{{"name", "a"}, {"number", 1}}, {{"name", "b"}}}}}));
  ASSERT_OK(apply("other", {{"path", "p"}}));
  ASSERT_OK_AND_ASSIGN(Json left, apply("git", {{"host", "h"}, {"ports", {{{"name", "b"}}}}}));
  EXPECT_EQ(left["spec"], (Json{{"host", "h"}, {"path", "p"}, {"ports", {{{"name", "b"}}}}}));
}

TEST_F(ApplyContract, KeyedListsMergeInTheAppliedOrderAroundWhatOthersHave) {
  auto ports = [](std::initializer_list<const char*> names) {
    Json list = Json::array();
    for (const char* name : names) list.push_back({{"name", name}});
    return Json{{"ports", list}};
  };
  auto order = [](const Json& object) {
    std::string names;
    for (const Json& port : object["spec"]["ports"]) names += string_at(port, "name");
    return names;
  };
  struct Row {
    std::initializer_list<const char*> live;
    std::initializer_list<const char*> applied;
  };
  const Row rows[] = {{{"a", "b", "c"}, {"c", "a"}},
                      {{"a", "b", "c", "d"}, {"x", "d", "y", "b"}},
                      {{"a", "b"}, {"c", "b", "a"}},
                      {{"a", "b", "c", "d", "e"}, {"e", "c", "a"}}};
  const std::vector<std::string> expected = {"bca", "acxdyb", "cba", "bdeca"};
  std::vector<std::string> seen;
  for (const Row& row : rows) {
    Json live = widget("v1", "a").spec(ports(row.live)).build();
    ASSERT_OK(create_as(cluster_, "alice", v1(), live));
    ASSERT_OK_AND_ASSIGN(Json merged, apply("git", ports(row.applied)));
    seen.push_back(order(merged));
    ASSERT_OK(delete_object(cluster_, v1(), key("a")));
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(ApplyContract, AnIdenticalApplyWritesNothing) {
  ASSERT_OK_AND_ASSIGN(Json made, apply("git", {{"host", "h"}, {"ports", {{{"name", "a"}}}}}));
  ASSERT_OK(clock_.sleep(std::chrono::milliseconds(1100)));
  ASSERT_OK_AND_ASSIGN(Json again, apply("git", {{"host", "h"}, {"ports", {{{"name", "a"}}}}}));
  EXPECT_EQ(again, made);
}

TEST_F(ApplyContract, AFieldThatTheSchemaLacksFailsAnApplyWithoutAReason) {
  auto answer = apply("git", {{"hots", "h"}});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().http_status, 500);
  EXPECT_NE(answer.error().message.find(".spec.hots: field not declared in schema"),
            std::string::npos)
      << answer.error().message;
}

TEST_F(ApplyContract, ReplacingManagedFieldsByJsonPatchAddsNoEntryForThePatcher) {
  ASSERT_OK(create_as(cluster_, "alice", v1(),
                      widget("v1", "a").spec({{"host", "h"}, {"path", "p"}}).build()));
  Json entries = live()["metadata"]["managedFields"];
  entries[0]["manager"] = "git";
  entries[0]["operation"] = "Apply";
  entries[0]["fieldsV1"] = {{"f:spec", {{"f:host", Json::object()}}}};
  Json patch =
      Json::array({{{"op", "replace"}, {"path", "/metadata/managedFields"}, {"value", entries}}});
  ASSERT_OK_AND_ASSIGN(Json mapped, json_patch_as(cluster_, "gatelift", v1(), key("a"), patch));
  EXPECT_EQ(owners_of(mapped), (Owners{R"(git/Apply/v1 {"f:spec":{"f:host":{}}})"}));
  ASSERT_OK_AND_ASSIGN(Json dropped, apply("git", Json::object()));
  EXPECT_EQ(dropped["spec"], (Json{{"path", "p"}}));
}

TEST_F(ApplyContract, RemovingFieldsWhileReplacingManagedFieldsLeavesNoEntryOfThePatcher) {
  ASSERT_OK(apply("git", {{"host", "h"}, {"path", "p"}}));
  Json entries = live()["metadata"]["managedFields"];
  entries[0]["fieldsV1"] = {{"f:spec", {{"f:path", Json::object()}}}};
  Json patch =
      Json::array({{{"op", "replace"},
                    {"path", "/metadata/resourceVersion"},
                    {"value", resource_version_of(live())}},
                   {{"op", "remove"}, {"path", "/spec/host"}},
                   {{"op", "replace"}, {"path", "/metadata/managedFields"}, {"value", entries}}});
  ASSERT_OK_AND_ASSIGN(Json left, json_patch_as(cluster_, "gatelift", v1(), key("a"), patch));
  EXPECT_EQ(left["spec"], (Json{{"path", "p"}}));
  EXPECT_EQ(owners_of(left), (Owners{R"(git/Apply/v1 {"f:spec":{"f:path":{}}})"}));
}

TEST_F(ApplyContract, AddingFieldsWhileReplacingManagedFieldsGivesThemToThePatcher) {
  ASSERT_OK(apply("git", {{"host", "h"}}));
  Json entries = live()["metadata"]["managedFields"];
  entries[0]["fieldsV1"] = {{"f:spec", {{"f:host", Json::object()}, {"f:path", Json::object()}}}};
  Json patch =
      Json::array({{{"op", "add"}, {"path", "/spec/path"}, {"value", "p"}},
                   {{"op", "replace"}, {"path", "/metadata/managedFields"}, {"value", entries}}});
  ASSERT_OK_AND_ASSIGN(Json both, json_patch_as(cluster_, "gatelift", v1(), key("a"), patch));
  EXPECT_EQ(owners_of(both), (Owners{R"(gatelift/Update/v1 {"f:spec":{"f:path":{}}})",
                                     R"(git/Apply/v1 {"f:spec":{"f:host":{}}})"}));
}

TEST_F(ApplyContract, AnEmptyEntryOfManagedFieldsResetsAndTheNextApplyBlamesWhoCameBefore) {
  ASSERT_OK(apply("git", {{"host", "h"}, {"path", "p"}}));
  ASSERT_OK_AND_ASSIGN(Json kept,
                       patch_as("bob", {{"metadata", {{"managedFields", Json::array()}}}}));
  EXPECT_EQ(owners_of(kept), (Owners{R"(git/Apply/v1 {"f:spec":{"f:host":{},"f:path":{}}})"}));
  const Json empty_entry = Json::array({Json::object()});
  ASSERT_OK_AND_ASSIGN(Json reset, patch_as("bob", {{"metadata", {{"managedFields", empty_entry}}}}));
  EXPECT_EQ(owners_of(reset), Owners{});
  ASSERT_OK_AND_ASSIGN(Json untracked, patch_as("bob", {{"spec", {{"path", "q"}}}}));
  EXPECT_EQ(owners_of(untracked), Owners{});
  ASSERT_OK_AND_ASSIGN(Json applied, apply("git", {{"host", "h"}}));
  EXPECT_EQ(owners_of(applied),
            (Owners{R"(before-first-apply/Update/v1 {"f:spec":{".":{},"f:host":{},"f:path":{}}})",
                    R"(git/Apply/v1 {"f:spec":{"f:host":{}}})"}));
}

TEST_F(ApplyContract, AnEntryOfALostVersionBreaksAppliesAndIsWipedByOtherWrites) {
  ASSERT_OK(apply("git", {{"host", "h"}, {"path", "p"}}));
  ASSERT_OK(change_crd(widgets().serving("v1", schema()).storing("v2", schema())));
  // Written at the new version, so that only the entry remembers the old one.
  settle([&] {
    Json flip = {{"metadata", {{"labels", {{"l", "1"}}}}}};
    return merge_patch(cluster_, widgets().at("v2"), key("a"), flip).has_value();
  });
  ASSERT_OK(merge_patch(cluster_, resources::kCrds, {"", widgets().name()},
                        {{"status", {{"storedVersions", {"v2"}}}}}, "status"));
  ASSERT_OK(change_crd(widgets().storing("v2", schema())));
  Resource v2 = widgets().at("v2");
  settle([&] { return !get(cluster_, v1(), key("a")).has_value(); });
  settle([&] { return get(cluster_, v2, key("a")).has_value(); });

  Json config = widget("v2", "a").spec({{"host", "h"}}).build();
  auto broken = apply_as(cluster_, "git", v2, config, true);
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().http_status, 500);
  EXPECT_EQ(broken.error().reason, "");
  ASSERT_OK_AND_ASSIGN(Json wiped,
                       merge_patch(cluster_, v2, key("a"), {{"spec", {{"path", "q"}}}}));
  EXPECT_EQ(owners_of(wiped), Owners{});
  ASSERT_OK(apply_as(cluster_, "git", v2, config));
}

TEST_F(ApplyContract, OwnersAreKeyedByUidAndFinalizersAreASet) {
  ASSERT_OK_AND_ASSIGN(Json owner, create(cluster_, resources::kConfigMaps,
                                          object("v1", "ConfigMap", key("owner")).build()));
  Json config = widget("v1", "a").spec({{"host", "h"}}).owned_by(owner).build();
  ASSERT_OK_AND_ASSIGN(Json made, apply_as(cluster_, "git", v1(), config));
  std::string element = "k:{\\\"uid\\\":\\\"" + uid_of(owner) + "\\\"}";
  EXPECT_EQ(owners_of(made), (Owners{"git/Apply/v1 {\"f:metadata\":{\"f:ownerReferences\":{\"" +
                                     element + "\":{}}},\"f:spec\":{\"f:host\":{}}}"}));
}

TEST_F(ApplyContract, TheOriginalManagersForcedApplyOfACrdLeavesNoEntryOfTheBridge) {
  CrdBuilder other = crd("gadgets", "Gadget").group(group_);
  Json first = CrdBuilder(other).storing("v1").build();
  ASSERT_OK(apply_as(cluster_, "kubectl", resources::kCrds, first));
  settle([&] {
    auto bridge = CrdBuilder(other).storing("v1").serving("v2");
    return change_crd(bridge, "gatelift").has_value();
  });
  Json bridged = crd_named(other.name());
  bool ours = false;
  for (const std::string& owner : owners_of(bridged))
    ours = ours || owner.starts_with("gatelift/Update");
  EXPECT_TRUE(ours);
  Json target = CrdBuilder(other).storing("v1").unserved("v2").build();
  auto refused = apply_as(cluster_, "kubectl", resources::kCrds, target);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().causes.at(0).field, ".spec.versions");
  ASSERT_OK_AND_ASSIGN(Json applied, apply_as(cluster_, "kubectl", resources::kCrds, target, true));
  for (const std::string& owner : owners_of(applied))
    EXPECT_FALSE(owner.starts_with("gatelift")) << owner;
  ASSERT_OK(apply_as(cluster_, "kubectl", resources::kCrds, first));
}

}  // namespace
}  // namespace gatelift
