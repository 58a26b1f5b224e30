// SPDX-License-Identifier: Apache-2.0
// What tests of rehearsals ask of the in-memory API server.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "reconcilers/admission/admission.h"
#include "test/support/api_error.h"
#include "test/support/gateway_world.h"

namespace gatelift {

using Names = std::vector<std::string>;

inline const std::string kScratch = "rehearsal.gatelift.dev";

inline bool is_at_copy(const Request& request) { return request.resource.group == kScratch; }

inline Names copies_left(const GatewayWorld& world) {
  Names names;
  for (const ObjectKey& key : world.cluster.stored_keys(resources::kCrds)) {
    if (key.name.ends_with("." + kScratch)) names.push_back(key.name);
  }
  return names;
}

inline int num_copies_made(const GatewayWorld& world) {
  return static_cast<int>(
      std::ranges::count_if(world.cluster.writes(), [](const WriteRecord& write) {
        return write.verb == Verb::Create && write.key.name.ends_with("." + kScratch);
      }));
}

/// Changes of the user's CRDs and objects.
inline Names changes(const GatewayWorld& world) {
  Names found;
  for (const WriteRecord& write : world.cluster.writes()) {
    const bool is_theirs =
        write.resource.group == "gateway.networking.k8s.io" ||
        (write.resource == resources::kCrds && !write.key.name.ends_with("." + kScratch));
    if (is_theirs && !write.dry_run) found.push_back(write.resource.plural + " " + write.key.name);
  }
  return found;
}

inline Json rehearsal(GatewayWorld& world) {
  const Json migration = world.migration("up");
  const Json* found = find(migration, "status", "rehearsal");
  return found == nullptr ? Json() : *found;
}

/// "severity code object field" of what was found.
inline Names findings(GatewayWorld& world) {
  const Json migration = world.migration("up");
  Names found;
  for (const Json& check : array_at(migration, "status", "plan", "checks")) {
    const std::string code = string_at(check, "check");
    const bool is_ours = code == "RehearsalRefused" || code == "InvalidAtTarget" ||
                         code == "WriteDenied" || code == "NotRehearsed";
    if (!is_ours) continue;
    found.push_back(string_at(check, "severity") + " " + code + " " + string_at(check, "object") +
                    " " + string_at(check, "field"));
  }
  return found;
}

inline void accept(GatewayWorld& world, const std::string& check, const std::string& object,
                   const std::string& field) {
  const Json consent = {
      {"check",  check },
      {"object", object},
      {"field",  field }
  };
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "up"
  },
                          {{"spec", {{"accept", Json::array({consent})}}}}));
}

/// A webhook that judges every write, so that each one is tried. What it says is the test's to say.
inline void add_webhook_for_all(GatewayWorld& world) {
  const Json everything = Json::array({"*"});
  const Json rule = {
      {"apiGroups",   everything},
      {"apiVersions", everything},
      {"operations",  everything},
      {"resources",   everything}
  };
  ASSERT_TRUE(
      create(world.cluster, resources::kValidatingWebhooks,
             {
                 {"apiVersion", "admissionregistration.k8s.io/v1"                             },
                 {"kind",       "ValidatingWebhookConfiguration"                              },
                 {"metadata",   {{"name", "house-rules"}}                                     },
                 {"webhooks",   Json::array({{{"name", "a"}, {"rules", Json::array({rule})}}})}
  }));
}

/// The run's own writes of objects that were tried, "DELETE name" or "UPDATE name".
inline Names own_writes_tried(const GatewayWorld& world) {
  Names found;
  for (const WriteRecord& write : world.cluster.writes()) {
    if (!write.dry_run || write.resource.group != "gateway.networking.k8s.io") continue;
    found.push_back((write.verb == Verb::Delete ? "DELETE " : "UPDATE ") + write.key.name);
  }
  std::ranges::sort(found);
  return found;
}

/// Whether the copy at `at` has been given the open schema, and not the target's back.
inline bool has_open_schema(const GatewayWorld& world, const Resource& at) {
  const std::string name = at.plural + "." + kScratch;
  const auto changes = std::ranges::count_if(world.cluster.writes(), [&](const WriteRecord& write) {
    return write.verb == Verb::MergePatch && write.resource == resources::kCrds &&
           write.key.name == name;
  });
  return changes % 2 == 1;
}

/// The copy refuses one object at a field where it is new, as long as it has the target's schema,
/// and forgives it in an update.
inline void refuse_at_copy(GatewayWorld& world, const std::string& name, const std::string& field) {
  world.cluster.policy().refuse_as_invalid(
      [name, &world](const Request& request, const Json& object) {
        return is_at_copy(request) && request.verb != Verb::MergePatch &&
               request.verb != Verb::Delete && key_of(object).name == name &&
               !has_open_schema(world, request.resource);
      },
      field, "it has to be otherwise");
}

inline Error invalid_at(const std::vector<std::string>& fields) {
  Error error;
  error.kind = ErrorKind::Invalid;
  error.http_status = 422;
  error.reason = "Invalid";
  error.message = "it is invalid";
  for (const std::string& field : fields) {
    error.causes.push_back({"FieldValueInvalid", field, "no"});
  }
  return error;
}

/// Answers some calls itself.
class AnsweringCluster : public Cluster {
 public:
  using Answer = std::function<std::optional<Result<Json>>(const Request&)>;
  AnsweringCluster(Cluster& inner, Answer answer) : inner_(inner), answer_(std::move(answer)) {}

  Result<Json> send(const Request& request) override {
    if (auto answer = answer_(request)) return *std::move(answer);
    return inner_.send(request);
  }
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override {
    return inner_.watch(request);
  }

 private:
  Cluster& inner_;
  Answer answer_;
};

}  // namespace gatelift
