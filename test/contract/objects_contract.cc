// SPDX-License-Identifier: Apache-2.0
// Creating, changing and deleting one object.
#include "test/contract/contract.h"

namespace gatelift {
namespace {

Json strict_schema() {
  return schema_with_spec(
      {{"host", {{"type", "string"}, {"minLength", 1}, {"maxLength", 9}}},
       {"mode", {{"type", "string"}, {"enum", {"On", "Off"}}, {"default", "On"}}},
       {"ports",
        {{"type", "array"}, {"maxItems", 2}, {"items", {{"type", "integer"}, {"minimum", 1}}}}}},
      {"host"});
}

class ObjectContract : public ContractTest {
 protected:
  void SetUp() override {
    ContractTest::SetUp();
    if (HasFatalFailure()) return;
    serve(widgets().storing("v1", strict_schema()));
  }

  Resource v1() const { return widgets().at("v1"); }
  ObjectBuilder valid(const std::string& name) const {
    return widget("v1", name).spec({{"host", "a"}});
  }
  Json created(const ObjectBuilder& builder) {
    auto answer = create_as(cluster_, "alice", v1(), builder.build());
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer ? *answer : Json();
  }
  Request write(Verb verb, Json body) const {
    Request request;
    request.verb = verb;
    request.resource = v1();
    request.key = verb == Verb::Create ? ObjectKey{ns_, ""} : key_of(body);
    request.body = std::move(body);
    return request;
  }
};

TEST_F(ObjectContract, ACreateGivesIdentityAndGenerationOne) {
  Json made = created(valid("a"));
  EXPECT_FALSE(uid_of(made).empty());
  EXPECT_FALSE(resource_version_of(made).empty());
  EXPECT_TRUE(parse_time(creation_timestamp_of(made)).has_value());
  EXPECT_EQ(int_at(made, 0, "metadata", "generation"), 1);
  EXPECT_EQ(*get(cluster_, v1(), key("a")), made);
}

TEST_F(ObjectContract, ACreateOfATakenNameAnswersAlreadyExists) {
  created(valid("a"));
  auto again = create(cluster_, v1(), valid("a").build());
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind, ErrorKind::AlreadyExists);
  EXPECT_EQ(again.error().reason, "AlreadyExists");
}

TEST_F(ObjectContract, ACreateWithAResourceVersionFailsWithoutAReason) {
  auto answer = create(cluster_, v1(), valid("a").metadata("resourceVersion", "1").build());
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().http_status, 500);
  EXPECT_EQ(answer.error().reason, "");
}

TEST_F(ObjectContract, ACreateDropsStatusAndServerFieldsButKeepsOwnersAndFinalizers) {
  Json owner = *get(cluster_, resources::kNamespaces, {"", ns_});
  owner["apiVersion"] = "v1";
  owner["kind"] = "Namespace";
  Json made = created(valid("a")
                          .status({{"ready", true}})
                          .label("l", "1")
                          .annotation("n", "2")
                          .finalizer("example.com/hold")
                          .owned_by(owner)
                          .metadata("uid", "11111111-1111-4111-8111-111111111111")
                          .metadata("creationTimestamp", "2001-01-01T00:00:00Z")
                          .metadata("generation", 7)
                          .metadata("deletionTimestamp", "2001-01-01T00:00:00Z"));
  EXPECT_FALSE(made.contains("status"));
  EXPECT_NE(uid_of(made), "11111111-1111-4111-8111-111111111111");
  EXPECT_NE(creation_timestamp_of(made), "2001-01-01T00:00:00Z");
  EXPECT_EQ(int_at(made, 0, "metadata", "generation"), 1);
  EXPECT_FALSE(is_being_deleted(made));
  EXPECT_EQ(label_of(made, "l"), "1");
  EXPECT_EQ(annotation_of(made, "n"), "2");
  EXPECT_EQ(array_at(made, "metadata", "finalizers"), Json::array({"example.com/hold"}));
  EXPECT_EQ(array_at(made, "metadata", "ownerReferences").size(), 1U);
  merge_patch(cluster_, v1(), key("a"), {{"metadata", {{"finalizers", nullptr}}}});
}

TEST_F(ObjectContract, ACreateInANamespaceThatIsNotThereAnswersNotFound) {
  Json elsewhere =
      object(v1().api_version(), "Widget", {"no-such-" + ns_, "a"}).spec({{"host", "a"}}).build();
  auto answer = create(cluster_, v1(), elsewhere);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::NotFound);
}

TEST_F(ObjectContract, ATerminatingNamespaceRefusesCreatesWithACauseButTakesUpdates) {
  Json held = created(valid("held").finalizer("example.com/hold"));
  ASSERT_OK(delete_object(cluster_, resources::kNamespaces, {"", ns_}));
  auto answer = create(cluster_, v1(), valid("b").build());
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::Forbidden);
  EXPECT_TRUE(answer.error().has_cause("NamespaceTerminating"));
  ASSERT_OK(merge_patch(cluster_, v1(), key("held"), {{"metadata", {{"labels", {{"l", "1"}}}}}}));
  ASSERT_OK(merge_patch(cluster_, v1(), key("held"), {{"metadata", {{"finalizers", nullptr}}}}));
}

TEST_F(ObjectContract, UnknownFieldsAreDroppedUnlessStrictnessIsAskedFor) {
  Json made = created(valid("a").spec({{"host", "a"}, {"hots", "b"}}));
  EXPECT_EQ(made["spec"], (Json{{"host", "a"}, {"mode", "On"}}));

  Request strict = write(Verb::Create, valid("b").spec({{"host", "a"}, {"hots", "b"}}).build());
  strict.field_validation = FieldValidation::Strict;
  auto answer = cluster_.send(strict);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().http_status, 400);
  EXPECT_NE(answer.error().message.find("unknown field \"spec.hots\""), std::string::npos)
      << answer.error().message;
}

TEST_F(ObjectContract, AnInvalidObjectIsRefusedWithOneCausePerField) {
  struct Row {
    const char* name;
    Json spec;
    const char* reason;
    const char* field;
  };
  const Row rows[] = {
      {"missing", Json::object(), "FieldValueRequired", "spec.host"},
      {"type", {{"host", 7}}, "FieldValueTypeInvalid", "spec.host"},
      {"enum", {{"host", "a"}, {"mode", "Maybe"}}, "FieldValueNotSupported", "spec.mode"},
      {"long", {{"host", "abcdefghij"}}, "FieldValueTooLong", "spec.host"},
      {"many", {{"host", "a"}, {"ports", {1, 2, 3}}}, "FieldValueTooMany", "spec.ports"},
      {"item", {{"host", "a"}, {"ports", {0}}}, "FieldValueInvalid", "spec.ports[0]"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    auto answer = create(cluster_, v1(), widget("v1", "bad").spec(row.spec).build());
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().http_status, 422);
    EXPECT_EQ(answer.error().kind, ErrorKind::Invalid);
    bool found = false;
    for (const Cause& cause : answer.error().causes) {
      found = found || (cause.field == row.field && cause.reason == row.reason);
    }
    EXPECT_TRUE(found) << answer.error().message;
  }
}

TEST_F(ObjectContract, DryRunAnswersLikeTheWriteAndStoresNothing) {
  Request request = write(Verb::Create, valid("a").build());
  request.dry_run = true;
  ASSERT_OK_AND_ASSIGN(Json answer, cluster_.send(request));
  EXPECT_EQ(answer["spec"]["mode"], "On");
  EXPECT_EQ(get(cluster_, v1(), key("a")).error().kind, ErrorKind::NotFound);

  Json made = created(valid("a"));
  Request change =
      write(Verb::MergePatch, {{"metadata", {{"name", "a"}}}, {"spec", {{"host", "b"}}}});
  change.key = key("a");
  change.dry_run = true;
  ASSERT_OK_AND_ASSIGN(answer, cluster_.send(change));
  EXPECT_EQ(answer["spec"]["host"], "b");
  Request removal = write(Verb::Delete, made);
  removal.dry_run = true;
  ASSERT_OK(cluster_.send(removal));
  EXPECT_EQ(*get(cluster_, v1(), key("a")), made);
}

TEST_F(ObjectContract, AReplaceWithoutResourceVersionIsInvalid) {
  created(valid("a"));
  auto answer = replace(cluster_, v1(), valid("a").build());
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().http_status, 422);
  ASSERT_EQ(answer.error().causes.size(), 1U);
  EXPECT_EQ(answer.error().causes[0].field, "metadata.resourceVersion");
}

TEST_F(ObjectContract, AStaleResourceVersionConflictsForReplaceAndPatch) {
  Json first = created(valid("a"));
  ASSERT_OK(merge_patch(cluster_, v1(), key("a"), {{"spec", {{"host", "b"}}}}));
  EXPECT_EQ(replace(cluster_, v1(), first).error().kind, ErrorKind::Conflict);
  Json locked = {{"metadata", {{"resourceVersion", resource_version_of(first)}}},
                 {"spec", {{"host", "c"}}}};
  EXPECT_EQ(merge_patch(cluster_, v1(), key("a"), locked).error().kind, ErrorKind::Conflict);
  EXPECT_EQ((*get(cluster_, v1(), key("a")))["spec"]["host"], "b");
}

TEST_F(ObjectContract, AReplaceWithAForeignUidConflicts) {
  Json made = created(valid("a"));
  made["metadata"]["uid"] = "11111111-1111-4111-8111-111111111111";
  auto answer = replace(cluster_, v1(), made);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::Conflict);
}

TEST_F(ObjectContract, StatusAndTheRestAreWrittenApart) {
  Json made = created(valid("a"));
  Json status = {{"status", {{"ready", true}}}, {"spec", {{"host", "x"}}}};
  ASSERT_OK_AND_ASSIGN(Json answer, merge_patch(cluster_, v1(), key("a"), status, "status"));
  EXPECT_EQ(answer["spec"]["host"], "a");
  EXPECT_EQ(answer["status"]["ready"], true);
  EXPECT_EQ(int_at(answer, 0, "metadata", "generation"), 1);

  answer["status"]["ready"] = false;
  answer["spec"]["host"] = "b";
  ASSERT_OK_AND_ASSIGN(answer, replace(cluster_, v1(), answer));
  EXPECT_EQ(answer["spec"]["host"], "b");
  EXPECT_EQ(answer["status"]["ready"], true);
  EXPECT_EQ(int_at(answer, 0, "metadata", "generation"), 2);
}

TEST_F(ObjectContract, GenerationCountsNeitherMetadataNorStatus) {
  created(valid("a"));
  ASSERT_OK_AND_ASSIGN(Json labelled, merge_patch(cluster_, v1(), key("a"),
                                                  {{"metadata", {{"labels", {{"l", "1"}}}}}}));
  EXPECT_EQ(int_at(labelled, 0, "metadata", "generation"), 1);
}

TEST_F(ObjectContract, AWriteThatChangesNothingKeepsTheResourceVersion) {
  Json made = created(valid("a"));
  ASSERT_OK_AND_ASSIGN(
      Json same, merge_patch(cluster_, v1(), key("a"),
                             {{"metadata", {{"resourceVersion", resource_version_of(made)}}}}));
  EXPECT_EQ(same, made);
}

TEST_F(ObjectContract, AJsonPatchWhoseTestFailsChangesNothing) {
  Json made = created(valid("a"));
  Json patch = Json::array({{{"op", "test"}, {"path", "/spec/host"}, {"value", "z"}},
                            {{"op", "replace"}, {"path", "/spec/host"}, {"value", "b"}}});
  auto answer = json_patch_as(cluster_, "alice", v1(), key("a"), patch);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::Invalid);
  EXPECT_EQ(*get(cluster_, v1(), key("a")), made);
}

TEST_F(ObjectContract, ADeletionKeepsToItsPreconditions) {
  Json made = created(valid("a"));
  Preconditions other_uid{"11111111-1111-4111-8111-111111111111", ""};
  EXPECT_EQ(delete_object(cluster_, v1(), key("a"), other_uid).error().kind, ErrorKind::Conflict);
  Preconditions stale{uid_of(made), "1"};
  EXPECT_EQ(delete_object(cluster_, v1(), key("a"), stale).error().kind, ErrorKind::Conflict);
  ASSERT_OK_AND_ASSIGN(Json status, delete_object(cluster_, v1(), key("a"),
                                                  {uid_of(made), resource_version_of(made)}));
  EXPECT_EQ(kind_of(status), "Status");
  EXPECT_EQ(string_at(status, "details", "uid"), uid_of(made));
  EXPECT_EQ(delete_object(cluster_, v1(), key("a")).error().kind, ErrorKind::NotFound);
}

TEST_F(ObjectContract, AFinalizerHoldsADeletionAndNoneCanBeAddedMeanwhile) {
  created(valid("a").finalizer("example.com/hold"));
  ASSERT_OK_AND_ASSIGN(Json marked, delete_object(cluster_, v1(), key("a")));
  EXPECT_TRUE(is_being_deleted(marked));
  EXPECT_EQ(int_at(marked, 0, "metadata", "generation"), 2);

  Json more = {{"metadata", {{"finalizers", {"example.com/hold", "example.com/more"}}}}};
  auto refused = merge_patch(cluster_, v1(), key("a"), more);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().http_status, 422);

  auto again = create(cluster_, v1(), valid("a").build());
  EXPECT_EQ(again.error().kind, ErrorKind::AlreadyExists);
  ASSERT_OK(merge_patch(cluster_, v1(), key("a"), {{"metadata", {{"finalizers", nullptr}}}}));
  EXPECT_EQ(get(cluster_, v1(), key("a")).error().kind, ErrorKind::NotFound);
}

TEST_F(ObjectContract, ASecretOfMoreThanOneMebibyteIsRefused) {
  std::string base64(1024 * 1024 / 3 * 4 + 1024, 'A');
  Json secret = object("v1", "Secret", key("big")).with("data", {{"chunk", base64}}).build();
  auto answer = create(cluster_, resources::kSecrets, secret);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().http_status, 422);
  ASSERT_EQ(answer.error().causes.size(), 1U);
  EXPECT_EQ(answer.error().causes[0].reason, "FieldValueTooLong");
}

TEST_F(ObjectContract, AnAccessReviewSaysWhetherAVerbIsAllowed) {
  Json review = {
      {"apiVersion", "authorization.k8s.io/v1"},
      {"kind", "SelfSubjectAccessReview"},
      {"spec",
       {{"resourceAttributes", {{"verb", "delete"}, {"group", group_}, {"resource", "widgets"}}}}}};
  ASSERT_OK_AND_ASSIGN(Json answer, create(cluster_, resources::kSelfSubjectAccessReviews, review));
  EXPECT_TRUE(bool_at(answer, false, "status", "allowed"));
}

}  // namespace
}  // namespace gatelift
