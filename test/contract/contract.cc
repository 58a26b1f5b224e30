// SPDX-License-Identifier: Apache-2.0
#include "test/contract/contract.h"

#include <algorithm>

namespace gatelift {
namespace {

int next_number() {
  static int number = 0;
  return ++number;
}

}  // namespace

ContractTest::ContractTest()
    : cluster_(server_under_test().cluster()), clock_(server_under_test().clock()) {
  int number = next_number();
  ns_ = "ns-" + std::to_string(number);
  group_ = "g" + std::to_string(number) + ".example.com";
}

void ContractTest::SetUp() {
  ASSERT_OK(create(cluster_, resources::kNamespaces, object("v1", "Namespace", {"", ns_}).build()));
}

void ContractTest::serve(const CrdBuilder& definition, const std::string& manager) {
  ASSERT_OK(create_served_crd(cluster_, clock_, definition.build(), manager));
}

Result<Json> ContractTest::change_crd(const CrdBuilder& definition, const std::string& manager) {
  Json wanted = definition.build();
  while (true) {
    ASSIGN_OR_RETURN(Json live, get(cluster_, resources::kCrds, key_of(wanted)));
    Json names = live["spec"]["names"];
    live["spec"] = wanted["spec"];
    live["spec"]["names"] = names;
    for (const char* part : {"annotations", "labels"}) {
      if (wanted["metadata"].contains(part)) live["metadata"][part] = wanted["metadata"][part];
    }
    auto answer = replace_as(cluster_, manager, resources::kCrds, live);
    if (answer || !answer.error().is(ErrorKind::Conflict)) return answer;
  }
}

void ContractTest::settle(const std::function<bool()>& seen) {
  ASSERT_TRUE(wait_until(clock_, seen)) << "the server did not take up the changed CRD";
}

Json ContractTest::crd_named(const std::string& name) {
  auto found = get(cluster_, resources::kCrds, {"", name});
  EXPECT_TRUE(found.has_value()) << found.error().message;
  return found ? *found : Json();
}

std::vector<std::string> owners_of(const Json& object) {
  std::vector<std::string> owners;
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    std::string text = string_at(entry, "manager") + "/" + string_at(entry, "operation") + "/" +
                       version_of_api_version(string_at(entry, "apiVersion"));
    std::string subresource = string_at(entry, "subresource");
    if (!subresource.empty()) text += "/" + subresource;
    owners.push_back(text + " " + entry["fieldsV1"].dump());
  }
  std::sort(owners.begin(), owners.end());
  return owners;
}

}  // namespace gatelift
