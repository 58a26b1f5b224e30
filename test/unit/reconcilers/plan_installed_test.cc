// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "reconcilers/plan/owner_checks.h"
#include "test/unit/reconcilers/plan_fixture.h"

namespace gatelift {
namespace {

int count_gets(FakeCluster& cluster, const std::function<void()>& act) {
  int gets = 0;
  cluster.before_call([&](const Request& request) { gets += request.verb == Verb::Get ? 1 : 0; });
  act();
  cluster.before_call(nullptr);
  return gets;
}

TEST(InstalledReader, SeesTheGatewayApiGroupsOnly) {
  PlanScene scene;
  scene.cluster.install_crd(crd("widgets", "Widget").storing("v1").build());
  scene.cluster.install_crd(crd("xmeshes", "XMesh")
                                .group("gateway.networking.x-k8s.io")
                                .annotation("api-approved.kubernetes.io", "https://example.com/a")
                                .storing("v1alpha1")
                                .build());
  const Installed installed = scene.installed();
  EXPECT_EQ(installed.crds.size(), 4U);
  EXPECT_EQ(installed.crd("widgets.example.com"), nullptr);
  EXPECT_EQ(installed.crd("xmeshes.gateway.networking.x-k8s.io")->kind, "XMesh");
  EXPECT_EQ(installed.crd(kPolicyCrd)->stored_versions, std::vector<std::string>{"v1alpha2"});
}

TEST(InstalledReader, ReadsAgainOnlyWhatChanged) {
  PlanScene scene;
  InstalledReader reader(scene.cluster);
  EXPECT_EQ(count_gets(scene.cluster, [&] { ASSERT_TRUE(reader.read()); }), 3);
  EXPECT_EQ(count_gets(scene.cluster, [&] { ASSERT_TRUE(reader.read()); }), 0);

  ASSERT_TRUE(merge_patch(
      scene.cluster, resources::kCrds,
      {
          "", kRouteCrd
  },
      {{"metadata", {{"annotations", {{"gateway.networking.k8s.io/channel", "standard"}}}}}}));

  std::string channel;
  EXPECT_EQ(count_gets(scene.cluster, [&] { channel = reader.read()->crd(kRouteCrd)->channel; }),
            1);
  EXPECT_EQ(channel, "standard");
}

TEST(ForeignOwner, IsRecognisedByWhatEachToolLeaves) {
  struct Row {
    const char* metadata;
    const char* name;
  };
  const Row rows[] = {
      {R"({})",                                                                                                  ""                         },
      {R"({"labels": {"app.kubernetes.io/managed-by": "kubectl"}})",                                             ""                         },
      {R"({"annotations": {"meta.helm.sh/release-name": "eg", "meta.helm.sh/release-namespace": "n"}})",
       "Helm release n/eg"                                                                                                                  },
      {R"({"annotations": {"argocd.argoproj.io/tracking-id": "infra:apiextensions.k8s.io/CRD:x"}})",
       "Argo CD Application infra"                                                                                                          },
      {R"({"labels": {"argocd.argoproj.io/instance": "infra"}})",                                                "Argo CD Application infra"},
      {R"({"labels": {"kustomize.toolkit.fluxcd.io/name": "k", "kustomize.toolkit.fluxcd.io/namespace": "n"}})",
       "Flux Kustomization n/k"                                                                                                             },
      {R"({"labels": {"helm.toolkit.fluxcd.io/name": "h", "helm.toolkit.fluxcd.io/namespace": "n"},
           "annotations": {"meta.helm.sh/release-name": "eg"}})",
       "Flux HelmRelease n/h"                                                                                                               },
      {R"({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}})",
       "the cluster's addon manager (mode Reconcile)"                                                                                       },
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.metadata);
    const auto owner = foreign_owner(Json{
        {"metadata", Json::parse(row.metadata)}
    });
    EXPECT_EQ(owner ? owner->name : "", row.name);
  }
}

}  // namespace
}  // namespace gatelift
