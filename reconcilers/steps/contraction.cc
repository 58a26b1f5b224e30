// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/contraction.h"

#include <algorithm>
#include <utility>

#include "reconcilers/steps/carry.h"
#include "reconcilers/steps/rewrite.h"

namespace gatelift {
namespace {

Json operation(const char* op, std::string path) {
  return {
      {"op",   op             },
      {"path", std::move(path)}
  };
}

Json replacement(std::string path, Json value) {
  Json replaces = operation("replace", std::move(path));
  replaces["value"] = std::move(value);
  return replaces;
}

/// An annotation's place in a JSON patch (RFC 6901).
std::string annotation_pointer(std::string_view name) {
  std::string escaped;
  for (const char c : name) escaped += c == '/' ? std::string("~1") : std::string(1, c);
  return "/metadata/annotations/" + escaped;
}

bool has_entry_of_ours(const Json& object) {
  return std::ranges::any_of(array_at(object, "metadata", "managedFields"), [](const Json& entry) {
    return string_at(entry, "manager") == kFieldManager;
  });
}

/// The other half, before this one goes.
Result<Request> projection_request(Request request, const Json& object, const Halves& halves) {
  const Halves::Projection projection = halves.projected_to(object);
  if (!projection.problems.empty()) {
    const ConversionProblem& problem = projection.problems.front();
    Error error;
    error.kind = ErrorKind::Invalid;
    error.reason = problem.code;
    error.message = problem.field + ": " + problem.message + "; next: " + problem.next;
    return fail(std::move(error));
  }
  request.verb = Verb::MergePatch;
  request.body = merge_patch_between(halves.to_half(object), projection.half);
  Json after = object;
  after.merge_patch(request.body);
  request.body["metadata"] = {
      {"resourceVersion", resource_version_of(object)                                 },
      {"annotations",     {{std::string(kProjectedAnnotation), halves.mark_of(after)}}}
  };
  return request;
}

}  // namespace

Result<Request> contraction_request(const Json& object, const CrdSummary& crd, const Halves& halves,
                                    const std::vector<std::string>& kept_versions) {
  Request request;
  request.resource = crd.resource();
  request.key = key_of(object);
  const HalvesState state = halves.state_of(object);
  if (state == HalvesState::OnlyFrom || state == HalvesState::FromEdited) {
    return projection_request(std::move(request), object, halves);
  }
  if (state == HalvesState::BothEdited && halves.to_half(object).empty()) {
    return fail(ErrorKind::Invalid, "its half of " + halves.to_version() +
                                        " is gone, and was more than the other can say; next: "
                                        "write it anew");
  }
  const std::vector<std::string> leaving = halves.from_pointers(object);
  const bool is_marked = !annotation_of(object, kProjectedAnnotation).empty();
  const auto note = rewritten_note(object, halves.to_version(), kept_versions);
  const bool is_stale = !stale_managed_versions(object, crd.group, kept_versions).empty();
  if (leaving.empty() && !is_marked && !note && !is_stale && !has_entry_of_ours(object)) {
    request.verb = Verb::MergePatch;
    request.body = {
        {"metadata", {{"resourceVersion", resource_version_of(object)}}}
    };
    return request;
  }
  request.verb = Verb::JsonPatch;
  request.body = Json::array();
  request.body.push_back(replacement("/metadata/resourceVersion", resource_version_of(object)));
  for (const std::string& pointer : leaving) request.body.push_back(operation("remove", pointer));
  if (is_marked) {
    request.body.push_back(operation("remove", annotation_pointer(kProjectedAnnotation)));
  }
  if (note) {
    request.field_manager = note->manager;
    request.body.push_back(replacement(
        annotation_pointer("kubectl.kubernetes.io/last-applied-configuration"), note->note));
  }
  const Json settled = halves.to_view(object);
  Json entries = halves.without_from_paths(array_at(object, "metadata", "managedFields"));
  entries = convert_managed_fields(entries, crd.group, crd.kind, halves.to_version(), kFieldManager,
                                   &settled);
  request.body.push_back(replacement("/metadata/managedFields", std::move(entries)));
  return request;
}

}  // namespace gatelift
