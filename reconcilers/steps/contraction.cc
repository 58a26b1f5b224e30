// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/contraction.h"

#include <algorithm>
#include <utility>

#include "reconcilers/steps/carry.h"
#include "reconcilers/steps/json_patch.h"
#include "reconcilers/steps/rewrite.h"

namespace gatelift {
namespace {

bool has_entry_of_ours(const Json& object) {
  return std::ranges::any_of(array_at(object, "metadata", "managedFields"), [](const Json& entry) {
    return string_at(entry, "manager") == kFieldManager;
  });
}

}  // namespace

Json half_patch(const Json& object, const Halves& halves, const Json& before, const Json& half) {
  Json patch = merge_patch_between(before, half);
  Json after = object;
  after.merge_patch(patch);
  patch["metadata"] = {
      {"resourceVersion", resource_version_of(object)                                 },
      {"annotations",     {{std::string(kProjectedAnnotation), halves.mark_of(after)}}}
  };
  return patch;
}

Error error_of(const ConversionProblem& problem) {
  Error error;
  error.kind = ErrorKind::Invalid;
  error.reason = problem.code;
  error.message = problem.field + ": " + problem.message + "; next: " + problem.next;
  return error;
}

Result<Request> contraction_request(const Json& object, const CrdSummary& crd, const Halves& halves,
                                    const std::vector<std::string>& kept_versions) {
  Request request;
  request.resource = crd.resource();
  request.key = key_of(object);
  const HalvesState state = halves.state_of(object);
  if (state == HalvesState::OnlyFrom || state == HalvesState::FromEdited) {
    const Halves::Projection projection = halves.projected_to(object);
    if (!projection.problems.empty()) return fail(error_of(projection.problems.front()));
    request.verb = Verb::MergePatch;
    request.body = half_patch(object, halves, halves.to_half(object), projection.half);
    return request;
  }
  if (state == HalvesState::BothEdited && halves.to_half(object).empty()) {
    return fail(ErrorKind::Invalid, "its half of " + halves.to_version() +
                                        " is gone, and was more than the other can say; next: "
                                        "write it anew");
  }
  if (state == HalvesState::Neither) {
    return fail(ErrorKind::Invalid,
                "spec: it has neither shape; next: apply it again, at " + halves.to_version());
  }
  const std::vector<std::string> leaving = halves.from_pointers(object);
  const bool is_marked = !annotation_of(object, kProjectedAnnotation).empty();
  const auto note = rewritten_note(object, halves.to_version(), kept_versions);
  const bool is_stale = !stale_managed_versions(object, crd.group, kept_versions).empty();
  if (leaving.empty() && !is_marked && !note && !is_stale && !has_entry_of_ours(object)) {
    return write_of_nothing(object, crd);
  }
  request.verb = Verb::JsonPatch;
  const Json settled = halves.to_view(object);
  Json entries = halves.without_from_paths(array_at(object, "metadata", "managedFields"));
  entries = convert_managed_fields(entries, crd.group, crd.kind, halves.to_version(), kFieldManager,
                                   &settled);
  request.body = managed_fields_patch(object, std::move(entries));
  for (const std::string& pointer : leaving) request.body.push_back(removal(pointer));
  if (is_marked) request.body.push_back(removal(annotation_pointer(kProjectedAnnotation)));
  if (note) {
    request.field_manager = note->manager;
    request.body.push_back(replacement(
        annotation_pointer("kubectl.kubernetes.io/last-applied-configuration"), note->note));
  }
  return request;
}

}  // namespace gatelift
