// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM as a stop request.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace gatelift {

/// From construction to destruction, the first SIGINT or SIGTERM asks for a stop and a second one
/// ends the process at once (every step can be resumed). SIGPIPE is ignored for good, so that a
/// reader of our output that goes away does not end a call under way. One per process.
class SignalStop {
 public:
  /// `announce` is called on a thread of this object with the first signal's number; may be empty.
  explicit SignalStop(std::function<void(int)> announce);
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  std::stop_source& source() { return source_; }
  std::stop_token token() const { return source_.get_token(); }

  /// The first signal that came; 0 when none did.
  int signal() const;

 private:
  std::stop_source source_;
  std::function<void(int)> announce_;
  std::thread thread_;
};

}  // namespace gatelift
