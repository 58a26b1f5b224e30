// SPDX-License-Identifier: Apache-2.0
#include "client/receiver.h"

#include <utility>

namespace gatelift {
namespace {

constexpr std::size_t kMaxRefusalBytes = 1U << 20U;

void settle(std::promise<Result<HttpResponse>>& answer, std::optional<Error> error,
            HttpResponse response) {
  if (error) {
    answer.set_value(fail(*std::move(error)));
  } else {
    answer.set_value(std::move(response));
  }
}

Error regular_end() {
  Error end;
  end.kind = ErrorKind::Expired;
  end.message = "the server ended the stream";
  return end;
}

}  // namespace

void UnaryReceiver::on_head(HttpResponse head) { response_ = std::move(head); }

Result<Receiver::Flow> UnaryReceiver::on_data(std::string_view bytes) {
  response_.body += bytes;
  return Flow::Go;
}

void UnaryReceiver::on_end(std::optional<Error> error) {
  settle(answer, std::move(error), std::move(response_));
}

void StreamReceiver::on_head(HttpResponse head) {
  head_ = std::move(head);
  is_stream_ = head_.status >= 200 && head_.status < 300;
  if (is_stream_) answer.set_value(head_);
}

Result<Receiver::Flow> StreamReceiver::on_data(std::string_view bytes) {
  if (is_stream_) {
    ASSIGN_OR_RETURN(const LineQueue::Room room, lines.push(bytes));
    return room == LineQueue::Room::Yes ? Flow::Go : Flow::Pause;
  }
  head_.body += bytes.substr(0, kMaxRefusalBytes - head_.body.size());
  return Flow::Go;
}

void StreamReceiver::on_end(std::optional<Error> error) {
  if (is_stream_) {
    lines.close(error ? *std::move(error) : regular_end());
  } else {
    settle(answer, std::move(error), std::move(head_));
  }
}

}  // namespace gatelift
