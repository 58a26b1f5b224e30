// SPDX-License-Identifier: Apache-2.0
// The pages of a collection from one snapshot, for who writes objects page by page and does not
// want to stop writing for the next one. Others use for_each_object (cluster.h), and its rules are
// these.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/cluster.h"

namespace gatelift {

/// Of whole objects there may be two pages in memory: the one that is read while another is
/// written. With this limit these are no more than one of those that for_each_object asks for.
inline constexpr int kHalfPage = 250;

/// Sends nothing itself: `take` is given the answer to the call that `next` returned last.
class PagedList {
 public:
  explicit PagedList(Request list);

  /// The call for the page that follows; nullopt once the last one was taken.
  std::optional<Request> next() const;

  /// The objects of a page. Expired where it is of another snapshot than the first one; an answer
  /// that is an error itself is returned.
  Result<std::vector<Json>> take(Result<Json> page);

  /// resourceVersion of the snapshot; "" before the first page.
  const std::string& snapshot() const { return snapshot_; }

 private:
  Request list_;
  std::string snapshot_;
  bool is_over_ = false;
};

/// Sends the batch, which may be empty, and in it the call for the page that follows, so that it is
/// listed and read while the calls for this one are under way. The objects of that page; nullopt
/// after the last one. An error of the list is returned after each call of the batch was answered.
Result<std::optional<std::vector<Json>>> send_with_next_page(Cluster& cluster, const Batch& batch,
                                                             int in_flight, PagedList& pages);

}  // namespace gatelift
