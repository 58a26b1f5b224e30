// SPDX-License-Identifier: Apache-2.0
// CustomResourceDefinitions: being served, stored versions, pruning, deletion.
#include "test/contract/contract.h"

namespace gatelift {
namespace {

Json old_schema() { return schema_with_spec({{"ref", {{"type", "string"}}}}); }
Json new_schema() {
  return schema_with_spec({{"refs", {{"type", "array"}, {"items", {{"type", "string"}}}}}});
}

bool has_cause_at(const Error& error, const std::string& field) {
  for (const Cause& cause : error.causes) {
    if (cause.field.starts_with(field)) return true;
  }
  return false;
}

class CrdContract : public ContractTest {
 protected:
  Json stored_versions() {
    return array_at(crd_named(widgets().name()), "status", "storedVersions");
  }
  Json make(const std::string& version, const std::string& name, Json spec) {
    auto made = create(cluster_, widgets().at(version),
                       widget(version, name).spec(std::move(spec)).build());
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made ? *made : Json();
  }
  Result<Json> read(const std::string& version, const std::string& name) {
    return get(cluster_, widgets().at(version), key(name));
  }
  Result<Json> touch(const std::string& version, const std::string& name) {
    ASSIGN_OR_RETURN(Json live, read(version, name));
    Json lock = {{"metadata", {{"resourceVersion", resource_version_of(live)}}}};
    return merge_patch(cluster_, widgets().at(version), key(name), lock);
  }
  Result<Json> set_stored_versions(Json versions) {
    return merge_patch(cluster_, resources::kCrds, {"", widgets().name()},
                       {{"status", {{"storedVersions", std::move(versions)}}}}, "status");
  }
  /// Waits until writes at `version` are stored in the CRD's new storage version.
  void settle_storage(const std::string& version) {
    settle([&] {
      auto probe = create(cluster_, widgets().at(version), widget(version, "probe").build());
      if (probe) static_cast<void>(delete_object(cluster_, widgets().at(version), key("probe")));
      return probe.has_value();
    });
  }
};

TEST_F(CrdContract, ANewCrdHasNullConditionsAndItsStorageVersionStored) {
  ASSERT_OK_AND_ASSIGN(
      Json made, create(cluster_, resources::kCrds, widgets().serving("v1").storing("v2").build()));
  ASSERT_TRUE(made["status"].contains("conditions"));
  EXPECT_TRUE(made["status"]["conditions"].is_null());
  EXPECT_EQ(made["status"]["storedVersions"], Json::array({"v2"}));
  EXPECT_EQ(string_at(made, "spec", "names", "singular"), "widget");
  EXPECT_EQ(string_at(made, "spec", "names", "listKind"), "WidgetList");
  EXPECT_EQ(string_at(made, "spec", "conversion", "strategy"), "None");
}

TEST_F(CrdContract, WhatNothingServesIsAPlainNotFound) {
  auto answer = get(cluster_, widgets().at("v1"), key("a"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::NotFound);
  EXPECT_EQ(answer.error().reason, "");
}

TEST_F(CrdContract, AnUnservedVersionIsAPlainNotFoundAndTheOthersWork) {
  serve(widgets().storing("v1").unserved("v2"));
  make("v1", "a", {});
  EXPECT_EQ(read("v2", "a").error().http_status, 404);
  EXPECT_EQ(read("v2", "a").error().reason, "");
  EXPECT_TRUE(read("v1", "a").has_value());
}

TEST_F(CrdContract, AStoredVersionCannotLeaveTheSpec) {
  serve(widgets().storing("v1"));
  ASSERT_OK(change_crd(widgets().serving("v1").storing("v2")));
  EXPECT_EQ(stored_versions(), Json::array({"v1", "v2"}));
  auto answer = change_crd(widgets().storing("v2"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().http_status, 422);
  EXPECT_TRUE(has_cause_at(answer.error(), "status.storedVersions[0]")) << answer.error().message;
  ASSERT_OK(set_stored_versions({"v2"}));
  ASSERT_OK(change_crd(widgets().storing("v2")));
  EXPECT_EQ(stored_versions(), Json::array({"v2"}));
}

TEST_F(CrdContract, StoredVersionsAreNotCheckedInStatusAndAnEmptyListIsDefaulted) {
  serve(widgets().serving("v1").storing("v2"));
  ASSERT_OK(set_stored_versions({"v1"}));
  EXPECT_EQ(stored_versions(), Json::array({"v1"}));
  ASSERT_OK(set_stored_versions(Json::array()));
  EXPECT_EQ(stored_versions(), Json::array({"v2"}));
}

TEST_F(CrdContract, AnyWriteOfTheSpecAppendsTheStorageVersionAgain) {
  serve(widgets().serving("v1").storing("v2"));
  ASSERT_OK(set_stored_versions({"v1"}));
  ASSERT_OK(merge_patch(cluster_, resources::kCrds, {"", widgets().name()},
                        {{"metadata", {{"labels", {{"l", "1"}}}}}}));
  EXPECT_EQ(stored_versions(), Json::array({"v1", "v2"}));
}

TEST_F(CrdContract, GenerationOfACrdCountsItsSpecAndNotItsStatus) {
  serve(widgets().storing("v1"));
  EXPECT_EQ(int_at(crd_named(widgets().name()), 0, "metadata", "generation"), 1);
  ASSERT_OK(change_crd(widgets().storing("v1").serving("v2")));
  EXPECT_EQ(int_at(crd_named(widgets().name()), 0, "metadata", "generation"), 2);
}

TEST_F(CrdContract, BadCrdsAreRefusedAtTheField) {
  CrdBuilder keyed = widgets().storing(
      "v1",
      schema_with_spec(
          {{"items",
            {{"type", "array"},
             {"x-kubernetes-list-type", "map"},
             {"x-kubernetes-list-map-keys", {"name"}},
             {"items", {{"type", "object"}, {"properties", {{"name", {{"type", "string"}}}}}}}}}}));
  Json no_schema = widgets().storing("v1").build();
  no_schema["spec"]["versions"][0].erase("schema");
  Json other_name = widgets().storing("v1").build();
  other_name["metadata"]["name"] = "gadgets." + group_;
  const std::pair<Json, const char*> rows[] = {
      // What all versions have in common is checked as it was in v1beta1, where there was one schema for all.
      {keyed.build(), "spec.validation.openAPIV3Schema"},
      {no_schema, "spec.versions[0].schema.openAPIV3Schema"},
      {other_name, "metadata.name"},
      {widgets().storing("v1").storing("v2").build(), "spec.versions"},
      {widgets().serving("v1").build(), "spec.versions"},
      {crd("widgets", "Widget").group(group_ + ".k8s.io").storing("v1").build(),
       "metadata.annotations[api-approved.kubernetes.io]"},
  };
  for (const auto& [bad, field] : rows) {
    SCOPED_TRACE(field);
    auto answer = create(cluster_, resources::kCrds, bad);
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().http_status, 422);
    EXPECT_TRUE(has_cause_at(answer.error(), field)) << answer.error().message;
  }
}

TEST_F(CrdContract, AProtectedGroupWithApprovalMayNotLoseIt) {
  CrdBuilder approved = crd("widgets", "Widget").group(group_ + ".k8s.io").storing("v1");
  approved.annotation("api-approved.kubernetes.io", "unapproved, a test");
  ASSERT_OK(create_served_crd(cluster_, clock_, approved.build()));
  Json drop = {{"metadata", {{"annotations", {{"api-approved.kubernetes.io", nullptr}}}}}};
  auto answer = merge_patch(cluster_, resources::kCrds, {"", approved.name()}, drop);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().http_status, 422);
}

TEST_F(CrdContract, ReadingAtAnotherVersionDropsWhatItsSchemaLacks) {
  serve(widgets().storing("v1", old_schema()).serving("v2", new_schema()));
  make("v1", "a", {{"ref", "x"}});
  EXPECT_EQ((*read("v1", "a"))["spec"], (Json{{"ref", "x"}}));
  EXPECT_EQ((*read("v2", "a"))["spec"], Json::object());
}

TEST_F(CrdContract, FlippingTheStorageVersionWithRealSchemasLosesDataAtTheNextWrite) {
  serve(widgets().storing("v1", old_schema()));
  make("v1", "a", {{"ref", "x"}});
  ASSERT_OK(change_crd(widgets().serving("v1", old_schema()).storing("v2", new_schema())));
  settle_storage("v2");
  EXPECT_EQ((*read("v1", "a"))["spec"], (Json{{"ref", "x"}}));
  ASSERT_OK(merge_patch(cluster_, widgets().at("v2"), key("a"),
                        {{"metadata", {{"labels", {{"l", "1"}}}}}}));
  EXPECT_EQ((*read("v1", "a"))["spec"], Json::object());
}

TEST_F(CrdContract, ANoOpWriteReencodesOnceAfterTheStorageVersionChanged) {
  serve(widgets().storing("v1"));
  Json made = make("v1", "a", {{"ref", "x"}});
  ASSERT_OK(change_crd(widgets().serving("v1").storing("v2")));
  settle_storage("v2");
  ASSERT_OK_AND_ASSIGN(Json first, touch("v2", "a"));
  EXPECT_NE(resource_version_of(first), resource_version_of(made));
  ASSERT_OK_AND_ASSIGN(Json second, touch("v1", "a"));
  EXPECT_EQ(resource_version_of(second), resource_version_of(first));
  EXPECT_EQ(second["spec"], made["spec"]);
  EXPECT_EQ(int_at(second, 0, "metadata", "generation"), 1);
}

TEST_F(CrdContract, AnUnionSchemaInEveryVersionKeepsBothShapes) {
  Json both = schema_with_spec({{"ref", {{"type", "string"}}},
                                {"refs", {{"type", "array"}, {"items", {{"type", "string"}}}}}});
  serve(widgets().storing("v1", both).serving("v2", both));
  make("v1", "a", {{"ref", "x"}});
  ASSERT_OK(merge_patch(cluster_, widgets().at("v2"), key("a"), {{"spec", {{"refs", {"x"}}}}}));
  EXPECT_EQ((*read("v1", "a"))["spec"], (Json{{"ref", "x"}, {"refs", {"x"}}}));
}

TEST_F(CrdContract, DefaultsOfTheStoredVersionAppearOnReadWithoutAWrite) {
  serve(widgets().storing("v1", old_schema()));
  Json made = make("v1", "a", {{"ref", "x"}});
  Json defaulted = schema_with_spec(
      {{"ref", {{"type", "string"}}}, {"mode", {{"type", "string"}, {"default", "On"}}}});
  ASSERT_OK(change_crd(widgets().storing("v1", defaulted)));
  settle([&] {
    auto now = read("v1", "a");
    return now && string_at(*now, "spec", "mode") == "On";
  });
  EXPECT_EQ(resource_version_of(*read("v1", "a")), resource_version_of(made));
}

TEST_F(CrdContract, OneObjectOfALostVersionTakesTheWholeKindDownUntilTheVersionIsBack) {
  serve(widgets().storing("v1"));
  make("v1", "old", {});
  ASSERT_OK(change_crd(widgets().serving("v1").storing("v2")));
  settle_storage("v2");
  make("v2", "new", {});
  ASSERT_OK(set_stored_versions({"v2"}));
  ASSERT_OK(change_crd(widgets().storing("v2")));
  settle([&] { return !read("v2", "old").has_value(); });

  auto lost = read("v2", "old");
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().http_status, 500);
  EXPECT_EQ(lost.error().reason, "");
  EXPECT_TRUE(read("v2", "new").has_value());
  EXPECT_EQ(delete_object(cluster_, widgets().at("v2"), key("old")).error().http_status, 500);
  auto taken = create(cluster_, widgets().at("v2"), widget("v2", "old").build());
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().kind, ErrorKind::AlreadyExists);
  Request list;
  list.verb = Verb::List;
  list.resource = widgets().at("v2");
  list.deadline = std::chrono::seconds(2);
  auto listed = cluster_.send(list);
  ASSERT_FALSE(listed.has_value());
  EXPECT_EQ(listed.error().kind, ErrorKind::Unavailable);

  ASSERT_OK(change_crd(widgets().unserved("v1").storing("v2")));
  settle([&] { return read("v2", "old").has_value(); });
  settle([&] { return cluster_.send(list).has_value(); });
}

TEST_F(CrdContract, DeletingACrdKeepsToPreconditionsAndTakesItsObjectsAlong) {
  serve(widgets().storing("v1"));
  make("v1", "a", {});
  ObjectKey name{"", widgets().name()};
  Json live = crd_named(name.name);
  EXPECT_EQ(delete_object(cluster_, resources::kCrds, name, {uid_of(live), "1"}).error().kind,
            ErrorKind::Conflict);
  ASSERT_OK(
      delete_object(cluster_, resources::kCrds, name, {uid_of(live), resource_version_of(live)}));
  settle([&] { return !get(cluster_, resources::kCrds, name).has_value(); });
  EXPECT_EQ(get(cluster_, resources::kCrds, name).error().reason, "NotFound");
  settle([&] { return !read("v1", "a").has_value(); });

  serve(widgets().storing("v1"));
  ASSERT_OK_AND_ASSIGN(auto left, list_all(cluster_, widgets().at("v1")));
  EXPECT_TRUE(left.empty());
}

TEST_F(CrdContract, ADeletedCrdWaitsForFinalizersOfItsObjectsAndTakesNoNewOnes) {
  serve(widgets().storing("v1"));
  ASSERT_OK(create(cluster_, widgets().at("v1"),
                   widget("v1", "held").finalizer("example.com/hold").build()));
  ObjectKey name{"", widgets().name()};
  ASSERT_OK(delete_object(cluster_, resources::kCrds, name));
  settle([&] {
    auto held = read("v1", "held");
    return held && is_being_deleted(*held);
  });
  Json terminating = crd_named(name.name);
  EXPECT_TRUE(is_being_deleted(terminating));
  auto again = create(cluster_, resources::kCrds, widgets().storing("v1").build());
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind, ErrorKind::AlreadyExists);

  auto refused = create(cluster_, widgets().at("v1"), widget("v1", "b").build());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().http_status, 403);
  auto applied = apply_as(cluster_, "gitops", widgets().at("v1"), widget("v1", "c").build());
  ASSERT_FALSE(applied.has_value());
  EXPECT_EQ(applied.error().http_status, 403);

  ASSERT_OK(merge_patch(cluster_, widgets().at("v1"), key("held"),
                        {{"metadata", {{"finalizers", nullptr}}}}));
  settle([&] { return !get(cluster_, resources::kCrds, name).has_value(); });
}

TEST_F(CrdContract, DroppingTheFinalizerOfATerminatingCrdLeavesItsObjectsToResurrect) {
  serve(widgets().storing("v1"));
  ASSERT_OK_AND_ASSIGN(Json held,
                       create(cluster_, widgets().at("v1"),
                              widget("v1", "held").finalizer("example.com/hold").build()));
  ObjectKey name{"", widgets().name()};
  ASSERT_OK(delete_object(cluster_, resources::kCrds, name));
  settle([&] {
    auto terminating = get(cluster_, resources::kCrds, name);
    if (!terminating) return true;
    (*terminating)["metadata"].erase("finalizers");
    static_cast<void>(replace(cluster_, resources::kCrds, *terminating));
    return !get(cluster_, resources::kCrds, name).has_value();
  });
  serve(widgets().storing("v1"));
  ASSERT_OK_AND_ASSIGN(Json back, read("v1", "held"));
  EXPECT_EQ(uid_of(back), uid_of(held));
  ASSERT_OK(merge_patch(cluster_, widgets().at("v1"), key("held"),
                        {{"metadata", {{"finalizers", nullptr}}}}));
}

TEST_F(CrdContract, ADryRunOfACrdIsCheckedLikeTheWrite) {
  serve(widgets().storing("v1"));
  Request request;
  request.verb = Verb::Replace;
  request.resource = resources::kCrds;
  request.key = {"", widgets().name()};
  request.body = crd_named(widgets().name());
  request.body["spec"]["versions"][0]["name"] = "v2";
  request.dry_run = true;
  auto answer = cluster_.send(request);
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(has_cause_at(answer.error(), "status.storedVersions[0]")) << answer.error().message;
  EXPECT_EQ(crd_named(widgets().name())["spec"]["versions"][0]["name"], "v1");
}

}  // namespace
}  // namespace gatelift
