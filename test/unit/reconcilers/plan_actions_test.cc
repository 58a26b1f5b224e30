// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "reconcilers/plan/plan.h"

namespace gatelift {
namespace {

/// A CRD in few words: the versions in order, the one that stores with a star.
CrdSummary crd_of(const std::string& plural, const std::string& kind,
                  const std::vector<std::string>& versions, const std::string& digest) {
  CrdSummary crd;
  crd.group = "gateway.networking.k8s.io";
  crd.plural = plural;
  crd.name = plural + "." + crd.group;
  crd.kind = kind;
  for (const std::string& version : versions) {
    const bool storage = version.ends_with('*');
    crd.versions.push_back(
        {storage ? version.substr(0, version.size() - 1) : version, true, storage});
  }
  crd.digest = digest;
  crd.bundle_version = "v1.0.0";
  crd.channel = "experimental";
  return crd;
}

CrdSummary live(CrdSummary crd, std::vector<std::string> stored_versions) {
  crd.stored_versions = std::move(stored_versions);
  crd.established = true;
  return crd;
}

struct Row {
  const char* name;
  std::optional<CrdSummary> live;
  std::optional<CrdSummary> target;
  const char* expected;  // "Kind reason", "+rewrite" where objects are rewritten, "" for no action
};

std::string text_of(const std::vector<PlannedAction>& actions) {
  std::string text;
  for (const PlannedAction& action : actions) {
    text += std::string(to_string(action.kind)) + (action.rewrites_objects ? "+rewrite" : "");
  }
  return text;
}

TEST(PlanActions, FollowFromTheTwoCrdsAndTheStoredVersionsAlone) {
  const auto routes = [](const char* digest) {
    return crd_of("httproutes", "HTTPRoute", {"v1*", "v1beta1"}, digest);
  };
  const auto old_policies = crd_of("backendtlspolicies", "BackendTLSPolicy", {"v1alpha2*"}, "old");
  const auto new_policies = crd_of("backendtlspolicies", "BackendTLSPolicy", {"v1alpha3*"}, "new");
  const auto newest_policies =
      crd_of("backendtlspolicies", "BackendTLSPolicy", {"v1*", "v1alpha3"}, "newest");
  CrdSummary other_annotations = routes("a");
  other_annotations.bundle_version = "v1.1.1";
  const Row rows[] = {
      {"absent",                 std::nullopt,       routes("a"),        "Create"    },
      {                                                       "right in everything",        live(routes("a"),            {"v1"}),        routes("a"),           ""},
      {                                                       "other content",        live(routes("a"),            {"v1"}),        routes("b"),     "Update"},
      {                                                       "other annotations",        live(routes("a"),            {"v1"}),  other_annotations,     "Update"},
      {                                                       "left-over stored version",        live(routes("a"), {"v1beta1", "v1"}),        routes("a"),
       "Reencode+rewrite"},
      {                                                                                                                   "other content and a left-over",        live(routes("a"), {"v1beta1", "v1"}),        routes("b"),
       "Update+rewrite"},
      {                                                                                                                     "storage version moves",
       live(crd_of("httproutes",        "HTTPRoute", {"v1", "v1beta1*"},         "a"), {"v1beta1"}), routes("b"),
       "Update+rewrite"},
      {                                           "another shape",         live(old_policies,                           {"v1alpha2"}),                               new_policies,                  "Convert+rewrite"},
      {"another shape, two releases on",       live(old_policies,                         {"v1alpha2"}),            newest_policies,
       "Convert+rewrite"},
      {           "another shape, backwards",        live(newest_policies,                          {"v1"}),                   old_policies,    "Convert+rewrite"},
      {               "same shape under another name",       live(new_policies,                         {"v1alpha3"}),             newest_policies,
       "Update+rewrite"},
      { "new shape served, old one stored",
       live(crd_of("backendtlspolicies",                           "BackendTLSPolicy",            {"v1alpha2", "v1alpha3*"},                                               "bridge"),
       {"v1alpha2", "v1alpha3"}),
       new_policies, "Convert+rewrite"},
      {                                                         "not in the target",               live(routes("a"),                    {"v1"}),                                                     std::nullopt,                                                "Keep"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Installed installed;
    if (row.live) installed.crds.emplace(row.live->name, *row.live);
    Bundle target;
    if (row.target) target.crds.push_back({*row.target, "{}"});
    EXPECT_EQ(text_of(plan_actions(installed, target, Strategy::Recreate)), row.expected);
  }
}

TEST(PlanActions, PutConvertLastAndCreateFirst) {
  Installed installed;
  const auto install = [&](const CrdSummary& crd) { installed.crds.emplace(crd.name, crd); };
  install(live(crd_of("backendtlspolicies", "BackendTLSPolicy", {"v1alpha2*"}, "a"), {"v1alpha2"}));
  install(live(crd_of("gateways", "Gateway", {"v1*"}, "a"), {"v1"}));
  install(live(crd_of("httproutes", "HTTPRoute", {"v1*"}, "a"), {"v1"}));
  install(live(crd_of("referencegrants", "ReferenceGrant", {"v1beta1*"}, "a"),
               {"v1alpha2", "v1beta1"}));
  install(live(crd_of("aaa", "Aaa", {"v1*"}, "a"), {"v1"}));
  Bundle target;
  for (const CrdSummary& crd :
       {crd_of("backendtlspolicies", "BackendTLSPolicy", {"v1alpha3*"}, "b"),
        crd_of("gateways", "Gateway", {"v1*"}, "b"),
        crd_of("httproutes", "HTTPRoute", {"v1*"}, "b"),
        crd_of("referencegrants", "ReferenceGrant", {"v1beta1*"}, "a"),
        crd_of("zzz", "Zzz", {"v1*"}, "b")}) {
    target.crds.push_back({crd, "{}"});
  }

  std::vector<std::string> order;
  for (const PlannedAction& action : plan_actions(installed, target, Strategy::Recreate)) {
    order.push_back(std::string(to_string(action.kind)) + " " + action.object_kind);
  }

  EXPECT_EQ(order, (std::vector<std::string>{"Create Zzz", "Update Gateway", "Update HTTPRoute",
                                             "Reencode ReferenceGrant", "Keep Aaa",
                                             "Convert BackendTLSPolicy"}));
}

TEST(PlanActions, SayFromWhatToWhat) {
  Installed installed;
  const CrdSummary crd =
      live(crd_of("httproutes", "HTTPRoute", {"v1", "v1beta1*"}, "a"), {"v1beta1"});
  installed.crds.emplace(crd.name, crd);
  Bundle target;
  target.crds.push_back({crd_of("httproutes", "HTTPRoute", {"v1*", "v1beta1"}, "b"), "{}"});

  const PlannedAction action = plan_actions(installed, target, Strategy::Recreate).at(0);

  EXPECT_EQ(action.from_digest, "a");
  EXPECT_EQ(action.to_digest, "b");
  EXPECT_EQ(action.from_storage, "v1beta1");
  EXPECT_EQ(action.to_storage, "v1");
  EXPECT_EQ(action.reason,
            "its content is not the target's, and the storage version moves from v1beta1 to v1");
}

}  // namespace
}  // namespace gatelift
