// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/read_again.h"

#include <utility>

namespace gatelift {

Result<std::vector<Json>> read_those_left(Run& run, const Resource& resource,
                                          const std::vector<ObjectKey>& keys, Extent extent) {
  std::vector<Result<Json>> answers = send_all(
      run.cluster, keys.size(),
      [&](std::size_t i) {
        Request request;
        request.resource = resource;
        request.key = keys[i];
        request.metadata_only = extent == Extent::Metadata;
        return request;
      },
      run.settings.in_flight);
  std::vector<Json> found;
  for (Result<Json>& answer : answers) {
    if (answer) {
      found.push_back(*std::move(answer));
    } else if (!answer.error().is(ErrorKind::NotFound)) {
      return fail(std::move(answer).error());
    }
  }
  return found;
}

}  // namespace gatelift
