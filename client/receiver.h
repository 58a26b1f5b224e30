// SPDX-License-Identifier: Apache-2.0
// Where the parts of one answer go as they arrive: into one response, or into a queue of lines.
// Called on the network thread only, which must never wait; the promises and the queue carry the
// outcome to the thread that asked.
#pragma once

#include <future>
#include <optional>
#include <string_view>

#include "client/http.h"
#include "client/line_queue.h"
#include "client/result.h"

namespace gatelift {

class Receiver {
 public:
  enum class Flow { Go, Pause };
  virtual ~Receiver() = default;
  virtual void on_head(HttpResponse head) = 0;
  virtual Result<Flow> on_data(std::string_view bytes) = 0;
  /// Last, exactly once. Without an error the answer was complete.
  virtual void on_end(std::optional<Error> error) = 0;
};

/// Collects a whole answer.
class UnaryReceiver : public Receiver {
 public:
  void on_head(HttpResponse head) override;
  Result<Flow> on_data(std::string_view bytes) override;
  void on_end(std::optional<Error> error) override;

  std::promise<Result<HttpResponse>> answer;

 private:
  HttpResponse response_;
};

/// Hands the head over at once and queues the lines of a 2xx answer; any other answer is collected.
class StreamReceiver : public Receiver {
 public:
  void on_head(HttpResponse head) override;
  Result<Flow> on_data(std::string_view bytes) override;
  void on_end(std::optional<Error> error) override;

  std::promise<Result<HttpResponse>> answer;
  LineQueue lines{LineQueue::Limits{}};

 private:
  HttpResponse head_;
  bool is_stream_ = false;
};

}  // namespace gatelift
