// SPDX-License-Identifier: Apache-2.0
// Properties of conversion over generated objects. Seeds are fixed: a failure repeats, and its
// trace names its seed.
#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/convert/convert.h"

namespace gatelift {
namespace {

constexpr const char* kGroup = "gateway.networking.k8s.io";
constexpr int kSeeds = 150;

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  /// A BackendTLSPolicy at v1alpha2 that can be converted.
  Json policy() {
    Json object{
        {"apiVersion", std::string(kGroup) + "/v1alpha2"},
        {"kind",       "BackendTLSPolicy"               }
    };
    object["metadata"] = {
        {"name",      word()},
        {"namespace", "own" }
    };
    if (chance())
      object["metadata"]["labels"] = {
          {word(), word()     },
          {"tls",  "targetRef"}
      };
    Json& spec = object["spec"];
    spec["targetRef"] = {
        {"group", chance() ? "" : word()},
        {"kind",  word()                },
        {"name",  word()                }
    };
    if (chance()) spec["targetRef"]["sectionName"] = word();
    spec["tls"] = {
        {"hostname", word() + ".example.com"}
    };
    if (chance()) spec["tls"]["wellKnownCACerts"] = "System";
    if (chance()) spec["tls"]["caCertRefs"] = references();
    for (const char* parent : {"targetRef", "tls"}) {
      if (chance()) spec[parent]["x-" + word()] = unknown(2);
    }
    if (chance()) spec["x-" + word()] = unknown(3);
    if (chance())
      object["status"] = {
          {"ancestors", Json::array({unknown(3)})}
      };
    if (chance()) object["x-" + word()] = unknown(2);
    object["metadata"]["managedFields"] = managed_fields(object);
    return object;
  }

 private:
  bool chance() { return random_() % 2 == 0; }
  std::string word() {
    static const char* const kWords[] = {"a", "tls", "spec", "validation", "b", "group", "f:tls"};
    return kWords[random_() % std::size(kWords)];
  }

  Json references() {
    Json list = Json::array();
    for (auto i = random_() % 4; i > 0; --i) {
      list.push_back({
          {"group", ""         },
          {"kind",  "ConfigMap"},
          {"name",  word()     }
      });
    }
    return list;
  }

  Json unknown(int depth) {
    if (depth == 0 || chance()) return word();
    Json out = chance() ? Json::object({
                              {word(), unknown(depth - 1)},
                              {"tls",  unknown(depth - 1)}
    })
                        : Json::array({unknown(depth - 1), random_() % 100});
    return out;
  }

  /// What an owner of all of `value` has in its entry: lists are atomic.
  Json fields_of(const Json& value, bool is_update) {
    Json fields = Json::object();
    if (!value.is_object()) return fields;
    for (const auto& [name, child] : value.items()) {
      fields["f:" + name] = fields_of(child, is_update);
    }
    if (is_update && !fields.empty()) fields["."] = Json::object();
    return fields;
  }

  Json managed_fields(const Json& object) {
    Json entries = Json::array();
    for (const char* operation : {"Apply", "Update"}) {
      Json owned = Json::object();
      if (chance()) owned["spec"] = object["spec"];
      if (chance() && object.contains("status")) owned["status"] = object["status"];
      Json fields = fields_of(owned, operation == std::string("Update"));
      fields.erase(".");
      entries.push_back({
          {"manager",    word()              },
          {"operation",  operation           },
          {"apiVersion", object["apiVersion"]},
          {"fieldsType", "FieldsV1"          },
          {"fieldsV1",   fields              }
      });
    }
    return entries;
  }

  std::mt19937 random_;
};

Json converted(const Json& object, std::string_view version) {
  ConversionOutcome outcome = convert_object(object, version);
  EXPECT_TRUE(outcome.ok());
  return outcome.object;
}

/// True when each path exists in `object`, or leads into a list, which is owned as a whole.
bool paths_exist(const Json& fields, const Json& object) {
  for (const auto& [key, under] : fields.items()) {
    if (key == ".") continue;
    if (!key.starts_with("f:") || !object.is_object()) return false;
    const auto it = object.find(key.substr(2));
    if (it == object.end()) return false;
    if (it->is_array() && !under.empty()) return false;
    if (!paths_exist(under, *it)) return false;
  }
  return true;
}

/// Every value under a key that starts with "x-", wherever it is.
void collect_unknown(const Json& tree, std::multiset<std::string>& found) {
  if (tree.is_array()) {
    for (const Json& item : tree) collect_unknown(item, found);
  }
  if (!tree.is_object()) return;
  for (const auto& [key, value] : tree.items()) {
    if (key.starts_with("x-")) found.insert(key + print_json(value));
    collect_unknown(value, found);
  }
}

TEST(ConvertProperty, DownAfterUpIsTheSameObject) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const Json object = Generator(seed).policy();
    ASSERT_EQ(converted(converted(object, "v1alpha3"), "v1alpha2"), object);
    ASSERT_EQ(converted(converted(converted(object, "v1alpha3"), "v1"), "v1alpha2"), object);
  }
}

TEST(ConvertProperty, ConvertingToItsOwnVersionChangesNothing) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const Json object = converted(Generator(seed).policy(), "v1");
    ASSERT_EQ(converted(object, "v1"), object);
  }
}

TEST(ConvertProperty, FieldsThatNoRuleKnowsSurvive) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const Json object = Generator(seed).policy();
    std::multiset<std::string> before;
    std::multiset<std::string> after;
    collect_unknown(object, before);
    collect_unknown(converted(object, "v1"), after);
    ASSERT_EQ(before, after);
  }
}

TEST(ConvertProperty, EveryManagedPathExistsInTheConvertedObject) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    for (const char* version : {"v1alpha3", "v1alpha2"}) {
      const Json object = converted(converted(Generator(seed).policy(), "v1"), version);
      for (const Json& entry : object["metadata"]["managedFields"]) {
        ASSERT_EQ(entry["apiVersion"], object["apiVersion"]);
        ASSERT_TRUE(paths_exist(entry["fieldsV1"], object)) << entry["fieldsV1"].dump();
      }
    }
  }
}

}  // namespace
}  // namespace gatelift
