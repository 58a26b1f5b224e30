// SPDX-License-Identifier: Apache-2.0
#include "client/request.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

const Resource kPolicies{"gateway.networking.k8s.io", "v1alpha2", "backendtlspolicies", true};

Request request_for(Verb verb, Resource resource, ObjectKey key) {
  Request request;
  request.verb = verb;
  request.resource = std::move(resource);
  request.key = std::move(key);
  if (is_write(verb) && verb != Verb::Delete) request.body = Json::object();
  return request;
}

TEST(Request, PutsGroupNamespaceNameAndSubresourceIntoThePath) {
  Request request = request_for(Verb::Get, kPolicies, {"shop", "p"});
  EXPECT_EQ(target_of(request),
            "/apis/gateway.networking.k8s.io/v1alpha2/namespaces/shop/backendtlspolicies/p");
  request.subresource = "status";
  EXPECT_EQ(target_of(request),
            "/apis/gateway.networking.k8s.io/v1alpha2/namespaces/shop/backendtlspolicies/p/status");
  EXPECT_EQ(target_of(request_for(Verb::Get, resources::kSecrets, {"a", "b"})),
            "/api/v1/namespaces/a/secrets/b");
  EXPECT_EQ(target_of(request_for(Verb::Get, resources::kNamespaces, {"", "a"})),
            "/api/v1/namespaces/a");
}

TEST(Request, AddressesTheCollectionOfOneNamespaceOrOfAll) {
  EXPECT_EQ(target_of(request_for(Verb::List, resources::kSecrets, {})), "/api/v1/secrets");
  EXPECT_EQ(target_of(request_for(Verb::List, resources::kSecrets, {"a", ""})),
            "/api/v1/namespaces/a/secrets");
  EXPECT_EQ(target_of(request_for(Verb::Create, resources::kSecrets, {"a", "ignored"})),
            "/api/v1/namespaces/a/secrets?fieldManager=gatelift");
}

TEST(Request, AddressesTheParentWhenASubresourceIsCreated) {
  Request request = request_for(Verb::Create, {"", "v1", "serviceaccounts", true}, {"a", "sa"});
  request.subresource = "token";
  EXPECT_EQ(target_of(request),
            "/api/v1/namespaces/a/serviceaccounts/sa/token?fieldManager=gatelift");
}

TEST(Request, EncodesWhatAQueryWouldMisread) {
  Request request = request_for(Verb::List, resources::kSecrets, {"a", ""});
  request.label_selector = "a in (b, c),x=y&z+1";
  request.field_selector = "metadata.name=é";
  request.limit = 500;
  request.continue_token = "e/J+=";
  EXPECT_EQ(target_of(request),
            "/api/v1/namespaces/a/secrets?labelSelector=a%20in%20%28b%2C%20c%29%2Cx%3Dy%26z%2B1"
            "&fieldSelector=metadata.name%3D%C3%A9&limit=500&continue=e%2FJ%2B%3D");
}

TEST(Request, EncodesColonsInNamesAsRbacHasThem) {
  const Resource roles{"rbac.authorization.k8s.io", "v1", "clusterroles", false};
  EXPECT_EQ(target_of(request_for(Verb::Get, roles, {"", "system:node"})),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode");
}

TEST(Request, SendsAFieldManagerWithEveryWriteOfAnObject) {
  for (const Verb verb : {Verb::Replace, Verb::MergePatch, Verb::JsonPatch, Verb::Apply}) {
    Request request = request_for(verb, resources::kNamespaces, {"", "a"});
    EXPECT_EQ(target_of(request), "/api/v1/namespaces/a?fieldManager=gatelift") << to_string(verb);
    request.field_manager = "kubectl-client-side apply";
    EXPECT_EQ(target_of(request), "/api/v1/namespaces/a?fieldManager=kubectl-client-side%20apply");
  }
}

TEST(Request, AsksForDryRunStrictValidationAndForceOnlyWhereTheyMeanSomething) {
  Request request = request_for(Verb::Apply, resources::kNamespaces, {"", "a"});
  request.dry_run = true;
  request.force = true;
  request.field_validation = FieldValidation::Strict;
  EXPECT_EQ(target_of(request),
            "/api/v1/namespaces/a?fieldManager=gatelift&fieldValidation=Strict&dryRun=All"
            "&force=true");
  request.verb = Verb::MergePatch;
  EXPECT_EQ(target_of(request),
            "/api/v1/namespaces/a?fieldManager=gatelift&fieldValidation=Strict&dryRun=All");
  request.verb = Verb::Get;
  EXPECT_EQ(target_of(request), "/api/v1/namespaces/a");
}

TEST(Request, SendsDryRunOfADeletionInTheBodyToo) {
  // The API server ignores the query of a deletion that has a body.
  Request request = request_for(Verb::Delete, resources::kNamespaces, {"", "a"});
  EXPECT_EQ(http_request_of(request).body, "");
  EXPECT_EQ(content_type_of(request), "");
  request.dry_run = true;
  request.preconditions = {"u-1", "42"};
  request.propagation = Propagation::Orphan;
  const HttpRequest http = http_request_of(request);
  EXPECT_EQ(http.method, "DELETE");
  EXPECT_EQ(http.content_type, "application/json");
  EXPECT_EQ(*parse_json(http.body), *parse_json(R"({
    "apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"],
    "preconditions": {"uid": "u-1", "resourceVersion": "42"}, "propagationPolicy": "Orphan"})"));
}

TEST(Request, NamesTheKindOfPatchInTheContentType) {
  Request request = request_for(Verb::MergePatch, resources::kNamespaces, {"", "a"});
  EXPECT_EQ(content_type_of(request), "application/merge-patch+json");
  request.verb = Verb::JsonPatch;
  EXPECT_EQ(content_type_of(request), "application/json-patch+json");
  request.verb = Verb::Apply;
  EXPECT_EQ(content_type_of(request), "application/apply-patch+yaml");
  EXPECT_EQ(http_request_of(request).method, "PATCH");
}

TEST(Request, AsksForMetadataOnlyInTheAcceptHeader) {
  Request request = request_for(Verb::List, resources::kSecrets, {});
  EXPECT_EQ(accept_of(request), "application/json");
  request.metadata_only = true;
  EXPECT_TRUE(accept_of(request).starts_with("application/json;as=PartialObjectMetadataList;"));
  request.verb = Verb::Get;
  EXPECT_TRUE(accept_of(request).starts_with("application/json;as=PartialObjectMetadata;"));
}

TEST(Request, RefusesADeletionWithoutANameWhichWouldEmptyTheCollection) {
  const auto checked = check_request(request_for(Verb::Delete, resources::kSecrets, {"a", ""}));
  ASSERT_FALSE(checked);
  EXPECT_TRUE(checked.error().is(ErrorKind::Invalid));
}

TEST(Request, RefusesNamesThatWouldBeAnotherPath) {
  for (const char* name : {"a/b", "..", ".", "a%2fb"}) {
    EXPECT_FALSE(check_request(request_for(Verb::Get, resources::kSecrets, {"ns", name}))) << name;
  }
  EXPECT_FALSE(check_request(request_for(Verb::Get, resources::kSecrets, {"", "a"})));
  EXPECT_FALSE(check_request(request_for(Verb::Create, resources::kSecrets, {"", ""})));
  EXPECT_TRUE(check_request(request_for(Verb::Create, resources::kSecrets, {"a", ""})));
  EXPECT_TRUE(check_request(request_for(Verb::List, resources::kSecrets, {})));
}

TEST(Request, DescribesACallByMethodResourceAndObject) {
  Request request = request_for(Verb::Apply, kPolicies, {"shop", "p"});
  request.subresource = "status";
  EXPECT_EQ(describe(request),
            "PATCH backendtlspolicies.v1alpha2.gateway.networking.k8s.io/status shop/p");
  EXPECT_EQ(describe(request_for(Verb::List, resources::kSecrets, {})), "LIST secrets");
  Request creation = request_for(Verb::Create, resources::kSecrets, {"a", ""});
  creation.body["metadata"]["name"] = "s";
  EXPECT_EQ(describe(creation), "POST secrets a/s");
}

TEST(Request, AddressesDiscoveryByItsPathAndForReadingOnly) {
  Request request;
  request.raw_path = "/apis/gateway.networking.k8s.io/v1";
  EXPECT_EQ(target_of(request), "/apis/gateway.networking.k8s.io/v1");
  EXPECT_EQ(describe(request), "GET /apis/gateway.networking.k8s.io/v1");
  EXPECT_TRUE(check_request(request));
  request.verb = Verb::Delete;
  EXPECT_FALSE(check_request(request));
}

}  // namespace
}  // namespace gatelift
