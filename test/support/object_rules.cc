// SPDX-License-Identifier: Apache-2.0
#include "test/support/object_rules.h"

#include <algorithm>

#include "test/support/api_error.h"
#include "test/support/structural_schema.h"

namespace gatelift::fake {
namespace {

constexpr std::size_t kMaxPayloadBytes = 1024 * 1024;
constexpr std::size_t kMaxAnnotationBytes = 256 * 1024;

/// A null in metadata is an absent field: ObjectMeta is a typed struct.
void drop_null_metadata(Json& object) {
  Json& metadata = object["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  for (auto it = metadata.begin(); it != metadata.end();) {
    bool is_empty = it->is_null() || (it->is_object() && it->empty());
    it = is_empty ? metadata.erase(it) : std::next(it);
  }
}

std::string unknown_fields_text(const std::vector<std::string>& unknown) {
  std::string text = "strict decoding error: ";
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string("unknown field \"") + unknown[i] + "\"";
  }
  return text;
}

std::size_t bytes_of(const Json& values, bool base64) {
  std::size_t total = 0;
  for (const Json& value : values) {
    if (!value.is_string()) continue;
    std::size_t size = value.get_ref<const std::string&>().size();
    total += base64 ? size / 4 * 3 : size;
  }
  return total;
}

const Json& object_at(const Json& object, const char* key) {
  static const Json none = Json::object();
  const Json* found = find(object, key);
  return found == nullptr ? none : *found;
}

}  // namespace

Json blank_object(const Json& object) {
  return {
      {"apiVersion", string_at(object, "apiVersion")},
      {"kind",            kind_of(object)                      },
      {"metadata",            Json::object()}
  };
}

Result<void> decode(const Kind& kind, const KindVersion& version, FieldValidation validation,
                    Verb verb, Json& object) {
  drop_null_metadata(object);
  if (!kind.custom) return {};
  std::vector<std::string> unknown = prune(object, version.schema);
  apply_defaults(object, version.schema);
  if (unknown.empty() || validation != FieldValidation::Strict) return {};
  std::string text = unknown_fields_text(unknown);
  if (verb == Verb::MergePatch || verb == Verb::JsonPatch) {
    return fail(invalid("", "",
                        {
                            {"FieldValueInvalid", "patch", "Invalid value: " + text}
    }));
  }
  return fail(bad_request(text));
}

Result<void> check_identity(const Kind& kind, const KindVersion& version, const ObjectKey& key,
                            const Json& object) {
  std::string api_version = kind.api_version(version.name);
  std::string given = string_at(object, "apiVersion");
  bool named = !given.empty() && !kind_of(object).empty();
  if ((kind.custom && !named) || (!given.empty() && given != api_version) ||
      (!kind_of(object).empty() && kind_of(object) != kind.kind)) {
    return fail(bad_request("the API version in the data (" + given + ", Kind=" + kind_of(object) +
                            ") does not match the expected API version (" + api_version +
                            ", Kind=" + kind.kind + ")"));
  }
  ObjectKey in_body = key_of(object);
  if (!in_body.ns.empty() && !key.ns.empty() && in_body.ns != key.ns) {
    return fail(
        bad_request("the namespace of the provided object does not match the namespace "
                    "sent on the request"));
  }
  if (!in_body.name.empty() && in_body.name != key.name) {
    return fail(bad_request("the name of the object (" + in_body.name +
                            ") does not match the name on the URL (" + key.name + ")"));
  }
  if (key.name.empty()) {
    return fail(invalid(kind.qualified_kind(), "",
                        {
                            {"FieldValueRequired", "metadata.name",
                             "Required value: name or generateName is required"}
    }));
  }
  return {};
}

Result<void> check_locks(const Kind& kind, const Request& request, const Json& live,
                         const Json& next) {
  std::string uid = uid_of(next);
  if (!uid.empty() && uid != uid_of(live)) {
    return fail(conflict(kind.qualified_resource(), request.key.name,
                         "Precondition failed: UID in precondition: " + uid +
                             ", UID in object meta: " + uid_of(live)));
  }
  std::string version = resource_version_of(next);
  bool unlocked = version.empty() || version == "0";
  if (unlocked && request.verb == Verb::Replace && !kind.unconditional_update) {
    return fail(invalid(kind.qualified_kind(), request.key.name,
                        {
                            {"FieldValueInvalid", "metadata.resourceVersion",
                             "Invalid value: must be specified for an update"}
    }));
  }
  if (!unlocked && version != resource_version_of(live)) {
    return fail(object_modified(kind.qualified_resource(), request.key.name));
  }
  return {};
}

Result<Json> patched(const Json& live, const Request& request) {
  Json next = live;
  if (request.verb == Verb::MergePatch) {
    if (!request.body.is_object()) return fail(bad_request("the patch is not an object"));
    next.merge_patch(request.body);
    return next;
  }
  try {
    next.patch_inplace(request.body);
  } catch (const Json::exception& e) {
    // A failed test or a path that is not there: 422 without causes.
    return fail(api_error(422, "Invalid",
                          std::string("the server rejected our request due to an "
                                      "error in our request: ") +
                              e.what()));
  }
  return next;
}

void keep_server_fields(const Json& live, Json& next) {
  const Json& from = live["metadata"];
  Json& to = next["metadata"];
  for (const char* field : {"name", "namespace", "uid", "creationTimestamp", "generation",
                            "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"}) {
    auto it = from.find(field);
    if (it == from.end()) {
      to.erase(field);
    } else {
      to[field] = *it;
    }
  }
}

bool content_differs(const Json& live, const Json& next, bool has_status) {
  auto content = [&](Json object) {
    object.erase("metadata");
    if (has_status) object.erase("status");
    return object;
  };
  return content(live) != content(next);
}

std::vector<Cause> check_metadata(const Json& object, const Json* before) {
  std::vector<Cause> causes;
  const Json* annotations = find(object, "metadata", "annotations");
  std::size_t bytes = 0;
  if (annotations != nullptr) {
    for (const auto& [name, value] : annotations->items()) bytes += name.size();
    bytes += bytes_of(*annotations, false);
  }
  if (bytes > kMaxAnnotationBytes) {
    causes.push_back({"FieldValueTooLong", "metadata.annotations",
                      "Too long: may not be more than 262144 bytes"});
  }
  if (before == nullptr || !is_being_deleted(*before)) return causes;
  const Json& known = array_at(*before, "metadata", "finalizers");
  for (const Json& finalizer : array_at(object, "metadata", "finalizers")) {
    if (std::find(known.begin(), known.end(), finalizer) != known.end()) continue;
    causes.push_back({"FieldValueForbidden", "metadata.finalizers",
                      "Forbidden: no new finalizers can be added if the object is being deleted, "
                      "found new finalizers " +
                          finalizer.dump()});
  }
  return causes;
}

std::vector<Cause> check_payload(const Kind& kind, const Json& object) {
  if (!kind.group.empty() || (kind.kind != "Secret" && kind.kind != "ConfigMap")) return {};
  bool secret = kind.kind == "Secret";
  std::size_t bytes =
      bytes_of(object_at(object, "data"), secret) + bytes_of(object_at(object, "binaryData"), true);
  if (bytes <= kMaxPayloadBytes) return {};
  return {
      {"FieldValueTooLong", secret ? "data" : "[]",
       "Too long: may not be more than 1048576 bytes"}
  };
}

}  // namespace gatelift::fake
