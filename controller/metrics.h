// SPDX-License-Identifier: Apache-2.0
// What the daemon counts, in the Prometheus text format.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace gatelift {

struct Migration;

/// May be used by several threads.
class Metrics {
 public:
  explicit Metrics(std::string_view version);
  ~Metrics();

  /// `outcome` is a PassOutcome's name, or "Error".
  void reconciled(std::string_view outcome, std::chrono::duration<double> duration);
  void queue_depth(std::size_t keys);
  void leading(bool is_leader);
  /// `code` is the HTTP status, or 0 where no answer came.
  void api_call(std::string_view verb, int code);
  /// Takes the counts of a migration's record over; forget() drops them with the resource.
  void migration(const Migration& migration);
  void forget(const std::string& migration_name);

  /// Everything, as text/plain; version=0.0.4.
  std::string render() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace gatelift
