// SPDX-License-Identifier: Apache-2.0
// Each rule of the policy, on bundles that keep it and on ones that break it.
#include "reconcilers/bundle/policy_rules.h"

#include <gtest/gtest.h>

#include "test/support/builders.h"

namespace gatelift {
namespace {

constexpr const char* kGroup = "gateway.networking.k8s.io";

CrdBuilder routes() { return crd("routes", "Route").group(kGroup); }
/// Keeps a bundle from being empty.
CrdBuilder others() { return crd("others", "Other").group(kGroup).storing("v1"); }

Json fields(const std::vector<std::string>& names, std::vector<std::string> required = {}) {
  Json properties = Json::object();
  for (const std::string& name : names) {
    properties[name] = {
        {"type", "string"}
    };
  }
  return schema_with_spec(std::move(properties), std::move(required));
}

Bundle bundle(const std::string& version, const std::string& channel,
              const std::vector<Json>& documents) {
  return bundle_from_documents({version, channel}, documents, "test").value();
}

/// "Kind version path: Ruling rule, Ruling rule", one line per change.
std::string judged(const Bundle& from, const Bundle& to, const Bundle* before = nullptr) {
  BundleDiff diff = diff_bundles(from, to);
  judge(diff, {from, to, before});
  std::string text;
  for (const Change& change : diff.changes) {
    text += std::string(to_string(change.kind)) + " " + change.version + " " + change.path + ":";
    for (const PolicyVerdict& verdict : change.verdicts) {
      text += " " + std::string(to_string(verdict.ruling));
      if (verdict.rule) text += " " + std::string(to_string(*verdict.rule));
    }
    text += "\n";
  }
  return text;
}

std::string in_patch(const CrdBuilder& from, const CrdBuilder& to, const Bundle* before = nullptr) {
  return judged(bundle("v1.4.0", "standard", {from.build()}),
                bundle("v1.4.1", "standard", {to.build()}), before);
}

std::string in_minor(const CrdBuilder& from, const CrdBuilder& to, const Bundle* before = nullptr,
                     const std::string& channel = "standard") {
  return judged(bundle("v1.4.1", channel, {from.build()}), bundle("v1.5.0", channel, {to.build()}),
                before);
}

std::string over_minors(const CrdBuilder& from, const CrdBuilder& to,
                        const Bundle* before = nullptr) {
  return judged(bundle("v1.3.0", "standard", {from.build()}),
                bundle("v1.5.0", "standard", {to.build()}), before);
}

TEST(Step, FollowsFromTheTwoVersions) {
  const auto step = [](const char* from, const char* to) {
    return step_between({from, "standard"}, {to, "standard"});
  };
  EXPECT_EQ(step("v1.5.0", "v1.5.1").kind, StepKind::Patch);
  EXPECT_EQ(step("v1.4.1", "v1.5.0").kind, StepKind::Minor);
  EXPECT_FALSE(step("v1.4.1", "v1.5.0").skips_minors);
  EXPECT_TRUE(step("v1.3.0", "v1.5.0").skips_minors);
  EXPECT_EQ(step("v0.8.1", "v1.0.0").kind, StepKind::Major);
  EXPECT_EQ(step("v1.5.1", "v1.5.0").why, "a downgrade");
  EXPECT_EQ(step("v1.5.1", "v1.5.1").why, "the same release");
  EXPECT_EQ(step("v1.5.0-rc.1", "v1.5.0").kind, StepKind::Unruled);
  EXPECT_EQ(step("monthly-2026.01", "v1.5.0").kind, StepKind::Unruled);
  EXPECT_EQ(step_between({"v1.4.1", "standard"}, {"v1.5.0", "experimental"}).kind,
            StepKind::Unruled);
}

TEST(Step, LooksForWhatIsNewInTheExperimentalBundleOfTheMinorBefore) {
  EXPECT_EQ(previous_experimental({"v1.5.1", "standard"}).value().display(), "v1.4/experimental");
  EXPECT_FALSE(previous_experimental({"v1.0.0", "standard"}));
  EXPECT_FALSE(previous_experimental({"monthly-2026.01", "standard"}));
}

TEST(Judge, SaysNothingOfAStepWithoutAPolicy) {
  const Bundle narrow = bundle("v1.4.0", "standard", {routes().storing("v1", fields({})).build()});
  const Json wide = routes().storing("v1", fields({"a"})).build();
  EXPECT_EQ(judged(bundle("v1.4.1", "standard", {wide}), narrow), "FieldRemoved v1 spec.a:\n");
  EXPECT_EQ(judged(narrow, bundle("v1.4.0", "experimental", {wide})), "FieldAdded v1 spec.a:\n");
}

TEST(Judge, AMajorPromisesNothing) {
  EXPECT_EQ(judged(bundle("v0.8.1", "standard", {routes().storing("v1", fields({"a"})).build()}),
                   bundle("v1.0.0", "standard", {routes().storing("v1", fields({})).build()})),
            "FieldRemoved v1 spec.a: Allowed MJ\n");
}

TEST(Patch, ChangesNoVersion) {
  EXPECT_EQ(in_patch(routes().storing("v1beta1").serving("v1"),
                     routes().unserved("v1beta1").storing("v1")),
            "StorageMoved v1 : Violates P1\nUnserved v1beta1 : Violates P1\n");
  EXPECT_EQ(in_patch(routes().storing("v1"), routes().storing("v1").serving("v2")),
            "VersionAdded v2 : Violates P1\n");
}

TEST(Patch, ChangesNoField) {
  EXPECT_EQ(
      in_patch(routes().storing("v1", fields({})), routes().storing("v1", fields({"timeouts"}))),
      "FieldAdded v1 spec.timeouts: Violates P2\n");
}

TEST(Patch, LoosensAndNeverTightens) {
  EXPECT_EQ(
      in_patch(routes().storing("v1", fields({"a"})), routes().storing("v1", fields({"a"}, {"a"}))),
      "Tightened v1 spec.a: Violates P3\n");
  EXPECT_EQ(
      in_patch(routes().storing("v1", fields({"a"}, {"a"})), routes().storing("v1", fields({"a"}))),
      "Loosened v1 spec.a: Allowed P3\n");
  Json old_pattern = fields({"a"});
  Json new_pattern = old_pattern;
  old_pattern["properties"]["spec"]["properties"]["a"]["pattern"] = "^a";
  new_pattern["properties"]["spec"]["properties"]["a"]["pattern"] = "^b";
  EXPECT_EQ(in_patch(routes().storing("v1", old_pattern), routes().storing("v1", new_pattern)),
            "Revalidated v1 spec.a: NotDecidable P3\n");
}

TEST(Patch, RestoresASubresourceThatTheMinorBeforeHad) {
  const CrdBuilder with = routes().storing("v1");
  const CrdBuilder without = routes().without_status_subresource().storing("v1");
  const Bundle had = bundle("v1.3.0", "experimental", {with.build()});
  const Bundle had_not = bundle("v1.3.0", "experimental", {without.build()});
  const Bundle had_no_crd = bundle("v1.3.0", "experimental", {others().build()});
  const std::string added = "SubresourceAdded v1 subresources.status: ";
  EXPECT_EQ(in_patch(without, with, &had), added + "Allowed P4\n");
  EXPECT_EQ(in_patch(without, with, &had_not), added + "Violates P4\n");
  EXPECT_EQ(in_patch(without, with, &had_no_crd), added + "Violates P4\n");
  EXPECT_EQ(in_patch(without, with), added + "NotDecidable P4\n");
  EXPECT_EQ(in_patch(with, without, &had),
            "SubresourceRemoved v1 subresources.status: Violates P4\n");
}

TEST(StandardMinor, RemovesNoField) {
  EXPECT_EQ(in_minor(routes().storing("v1", fields({"a"})), routes().storing("v1", fields({}))),
            "FieldRemoved v1 spec.a: Violates M1\n");
}

TEST(StandardMinor, TightensOnlyForNewFields) {
  const auto with_rule = [](Json schema, const std::string& rule) {
    schema["properties"]["spec"]["x-kubernetes-validations"] = {
        {{"rule", rule}, {"message", "m"}}
    };
    return routes().storing("v1", std::move(schema));
  };
  const CrdBuilder before = routes().storing("v1", fields({"a"}));
  const Bundle known =
      bundle("v1.4.1", "experimental", {routes().storing("v1", fields({"a", "b"})).build()});
  EXPECT_EQ(in_minor(before, with_rule(fields({"a"}), "self.a == 'x'")),
            "Tightened v1 spec: Violates M2\n");
  const std::string b_added = "FieldAdded v1 spec.b: Allowed M6\n";
  EXPECT_EQ(in_minor(before, with_rule(fields({"a", "b"}), "has(self.b)"), &known),
            "Tightened v1 spec: Allowed M2\n" + b_added);
  EXPECT_EQ(in_minor(before, with_rule(fields({"a", "b"}), "has(self.b) || has(self.a)"), &known),
            "Tightened v1 spec: NotDecidable M2\n" + b_added);
  EXPECT_EQ(in_minor(before, with_rule(fields({"a"}), "self.a.size() + self.a.size() < 9")),
            "Tightened v1 spec: NotDecidable M2\n");
}

CrdBuilder retiring(const std::string& how) {
  if (how == "served") return routes().storing("v1").serving("v1beta1");
  if (how == "unserved") return routes().storing("v1").unserved("v1beta1");
  return routes().storing("v1");
}

TEST(StandardMinor, StopsServingWhatWasDeprecated) {
  Json crd = retiring("served").build();
  const Bundle current = bundle("v1.4.1", "standard", {crd});
  crd["spec"]["versions"][1]["deprecated"] = true;
  const Bundle deprecated_before = bundle("v1.4.1", "standard", {crd});
  crd["spec"]["versions"][1]["served"] = false;
  const Bundle unserved = bundle("v1.5.0", "standard", {crd});
  EXPECT_EQ(judged(deprecated_before, unserved), "Unserved v1beta1 : Allowed M3 Allowed M8\n");
  EXPECT_EQ(judged(current, unserved),
            "Unserved v1beta1 : Violates M3 Violates M8\nDeprecated v1beta1 : Violates M8\n");
}

TEST(StandardMinor, ServesSomethingStill) {
  Json crd = routes().storing("v1").build();
  crd["spec"]["versions"][0]["deprecated"] = true;
  const Bundle before = bundle("v1.4.1", "standard", {crd});
  crd["spec"]["versions"][0]["served"] = false;
  EXPECT_EQ(judged(before, bundle("v1.5.0", "standard", {crd})),
            "Unserved v1 : Violates M3 Allowed M8\n");
}

TEST(StandardMinor, RemovesOnlyWhatWasUnserved) {
  EXPECT_EQ(in_minor(retiring("unserved"), retiring("gone")),
            "VersionRemoved v1beta1 : Allowed M4 Allowed M8\n");
  EXPECT_EQ(in_minor(retiring("served"), retiring("gone")),
            "VersionRemoved v1beta1 : Violates M4 Violates M8\n");
  EXPECT_EQ(over_minors(retiring("served"), retiring("gone")),
            "VersionRemoved v1beta1 : NotDecidable M4 NotDecidable M8\n")
      << "it may have been unserved in v1.4";
  EXPECT_EQ(over_minors(retiring("unserved"), retiring("gone")),
            "VersionRemoved v1beta1 : Allowed M4 Allowed M8\n");
}

TEST(StandardMinor, RemovesOnlyDeprecatedCrds) {
  const Bundle after = bundle("v1.5.0", "standard", {others().build()});
  Json crd = routes().storing("v1").build();
  EXPECT_EQ(judged(bundle("v1.4.1", "standard", {others().build(), crd}), after),
            "CrdRemoved  : Violates M5\n");
  crd["spec"]["versions"][0]["deprecated"] = true;
  EXPECT_EQ(judged(bundle("v1.4.1", "standard", {others().build(), crd}), after),
            "CrdRemoved  : Allowed M5\n");
}

TEST(StandardMinor, AddsWhatWasExperimental) {
  const CrdBuilder plain = routes().storing("v1", fields({}));
  const CrdBuilder with_field = routes().storing("v1", fields({"tls"}));
  const Bundle had = bundle("v1.4.1", "experimental", {with_field.build()});
  const Bundle had_not = bundle("v1.4.1", "experimental", {plain.build()});
  EXPECT_EQ(in_minor(plain, with_field, &had), "FieldAdded v1 spec.tls: Allowed M6\n");
  EXPECT_EQ(in_minor(plain, with_field, &had_not), "FieldAdded v1 spec.tls: Violates M6\n");
  EXPECT_EQ(in_minor(plain, with_field), "FieldAdded v1 spec.tls: NotDecidable M6\n");
  EXPECT_EQ(over_minors(plain, with_field, &had), "FieldAdded v1 spec.tls: NotDecidable M6\n");
  EXPECT_EQ(over_minors(plain, with_field, &had_not), "FieldAdded v1 spec.tls: Violates M6\n");
}

TEST(StandardMinor, LooksIntoWhatItAdds) {
  const auto tls = [](const Json& inner) {
    return routes().storing("v1", schema_with_spec({
                                      {"tls", {{"type", "object"}, {"properties", inner}}}
    }));
  };
  const Json string_type{
      {"type", "string"}
  };
  const CrdBuilder plain = routes().storing("v1", fields({}));
  const Bundle had = bundle("v1.4.1", "experimental",
                            {
                                tls({{"mode", string_type}}
                                ).build()
  });
  EXPECT_EQ(in_minor(plain,
                     tls({
                         {"mode", string_type}
  }),
                     &had),
            "FieldAdded v1 spec.tls: Allowed M6\n");
  EXPECT_EQ(in_minor(plain,
                     tls({
                         {"mode", string_type},
                         {"ca",   string_type}
  }),
                     &had),
            "FieldAdded v1 spec.tls: Violates M6\n");
}

TEST(StandardMinor, AddsVersionsAndCrdsThatWereExperimental) {
  const Bundle had = bundle("v1.4.1", "experimental", {routes().storing("v1").build()});
  EXPECT_EQ(in_minor(routes().storing("v1"), routes().storing("v1").serving("v2"), &had),
            "VersionAdded v2 : Violates M6\n");
  const auto adding = [&](const Json& crd) {
    return judged(bundle("v1.4.1", "standard", {others().build()}),
                  bundle("v1.5.0", "standard", {others().build(), crd}), &had);
  };
  EXPECT_EQ(adding(routes().storing("v1").build()), "CrdAdded  : Allowed M6\n");
  EXPECT_EQ(adding(routes().storing("v2").unserved("v1").build()), "CrdAdded  : Violates M6\n");
  EXPECT_EQ(adding(crd("areas", "Area").group(kGroup).storing("v1").build()),
            "CrdAdded  : Violates M6\n");
}

TEST(Minor, StoresOnlyAVersionThatWasServed) {
  const CrdBuilder both = routes().storing("v1beta1").serving("v1");
  const CrdBuilder unserved = routes().storing("v1beta1").unserved("v1");
  const CrdBuilder moved = routes().serving("v1beta1").storing("v1");
  EXPECT_EQ(in_minor(both, moved), "StorageMoved v1 : Allowed M7 Allowed M8\n");
  EXPECT_EQ(in_minor(routes().storing("v1beta1"), moved, nullptr, "experimental"),
            "StorageMoved v1 : Violates M7\nVersionAdded v1 : Allowed\n");
  EXPECT_EQ(in_minor(unserved, moved, nullptr, "experimental"),
            "StorageMoved v1 : Violates M7\nServed v1 : Allowed\n");
}

TEST(StandardMinor, RetiresAVersionStepByStep) {
  Json before = routes().storing("v1alpha2").serving("v1").build();
  Json after = routes().serving("v1alpha2").storing("v1").build();
  after["spec"]["versions"][0]["deprecated"] = true;
  EXPECT_EQ(judged(bundle("v0.7.1", "standard", {before}), bundle("v0.8.0", "standard", {after})),
            "StorageMoved v1 : Allowed M7 Violates M8\nDeprecated v1alpha2 : Violates M8\n");
  EXPECT_EQ(
      judged(bundle("v0.6.2", "standard", {before}), bundle("v0.8.0", "standard", {after})),
      "StorageMoved v1 : Allowed M7 NotDecidable M8\nDeprecated v1alpha2 : NotDecidable M8\n");
}

TEST(ExperimentalMinor, MayChangeAnythingButNotWhereARollbackWouldLose) {
  EXPECT_EQ(in_minor(routes().storing("v1", fields({"a"})),
                     routes().storing("v1", fields({"b"}, {"b"})), nullptr, "experimental"),
            "FieldRemoved v1 spec.a: Allowed\n"
            "FieldAdded v1 spec.b: Allowed\n"
            "Tightened v1 spec.b: Allowed\n");
}

}  // namespace
}  // namespace gatelift
