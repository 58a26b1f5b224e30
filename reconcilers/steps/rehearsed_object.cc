// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rehearsed_object.h"

#include <algorithm>
#include <utility>

#include "reconcilers/convert/pruning.h"

namespace gatelift {
namespace {

/// What the API server calls the object as a whole.
constexpr std::string_view kWhole = "<nil>";

class Comparison {
 public:
  void compare(const Json& sent, const Json& answered, const std::string& path) {
    if (sent.is_object() && answered.is_object()) {
      compare_objects(sent, answered, path);
    } else if (sent.is_array() && answered.is_array() && sent.size() == answered.size()) {
      for (std::size_t i = 0; i < sent.size(); ++i) {
        compare(sent[i], answered[i], path + "[" + std::to_string(i) + "]");
      }
    } else if (sent != answered) {
      found_.lost.push_back(path);
    }
  }

  Differences take() { return std::move(found_); }

 private:
  void compare_objects(const Json& sent, const Json& answered, const std::string& path) {
    for (const auto& [key, value] : sent.items()) {
      if (value.is_null()) continue;
      const auto there = answered.find(key);
      if (there == answered.end()) {
        found_.lost.push_back(child_path(path, key));
      } else {
        compare(value, *there, child_path(path, key));
      }
    }
    for (const auto& [key, value] : answered.items()) {
      if (!value.is_null() && find(sent, key) == nullptr) {
        found_.added.push_back(child_path(path, key));
      }
    }
  }

  Differences found_;
};

/// The object with the metadata that is the user's own.
Json comparable(const Json& object) {
  Json content = object;
  content.erase("apiVersion");
  content.erase("kind");
  Json metadata = Json::object();
  for (const char* field : {"labels", "annotations"}) {
    const Json* values = find(object, "metadata", field);
    if (values != nullptr && !values->empty()) metadata[field] = *values;
  }
  content["metadata"] = std::move(metadata);
  return content;
}

/// The value at a path of plain names, or null.
Json value_at(const Json& object, std::string_view path) {
  const Json* node = &object;
  while (!path.empty() && node != nullptr) {
    const std::size_t dot = path.find('.');
    node = find(*node, path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return node == nullptr ? Json() : *node;
}

}  // namespace

Json trial_body(const Json& intended, const Resource& at) {
  const ObjectKey key = key_of(intended);
  Json body = intended;
  body["apiVersion"] = at.api_version();
  Json metadata = comparable(intended)["metadata"];
  metadata["name"] = key.name;
  if (!key.ns.empty()) metadata["namespace"] = key.ns;
  body["metadata"] = std::move(metadata);
  return body;
}

Request trial_request(const Json& body, const Resource& at, const TrialWay& way) {
  Request request;
  request.verb = way.by == CreateBy::Apply ? Verb::Apply : Verb::Create;
  request.resource = at;
  request.key = key_of(body);
  if (way.by == CreateBy::Post) request.key.name.clear();
  request.body = body;
  request.dry_run = true;
  request.field_validation = way.validation;
  return request;
}

Differences differences(const Json& sent, const Json& answered) {
  Comparison comparison;
  comparison.compare(comparable(sent), comparable(answered), "");
  return comparison.take();
}

std::vector<Refusal> refusals_of(const Error& error) {
  std::vector<Refusal> refusals;
  for (const Cause& cause : error.causes) {
    if (cause.field.empty()) continue;
    const std::string field = cause.field == kWhole ? "" : cause.field;
    const auto same = std::ranges::find(refusals, field, &Refusal::field);
    if (same == refusals.end()) {
      refusals.push_back({field, cause.message});
    } else {
      same->words += "; " + cause.message;
    }
  }
  // Beside others, what is said of the whole is only that other rules were not looked at yet.
  const bool is_whole_alone = refusals.size() <= 1;
  const auto is_whole = [](const Refusal& refusal) { return refusal.field.empty(); };
  const bool hides = !is_whole_alone && std::erase_if(refusals, is_whole) > 0;
  for (Refusal& refusal : refusals) refusal.hides_others = hides;
  return refusals;
}

bool is_same_around(const std::string& field, const Json& before, const Json& after) {
  std::string_view outer = std::string_view(field).substr(0, field.find('['));
  if (value_at(after, outer).is_null()) {  // it is missing, and the error is that of its parent
    const std::size_t dot = outer.rfind('.');
    outer = dot == std::string_view::npos ? std::string_view() : outer.substr(0, dot);
  }
  return value_at(before, outer) == value_at(after, outer);
}

}  // namespace gatelift
