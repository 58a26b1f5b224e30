// SPDX-License-Identifier: Apache-2.0
#include "client/retry.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Request request_with(Verb verb, std::string_view body) {
  Request request;
  request.verb = verb;
  request.body = *parse_json(body);
  return request;
}

Error unavailable(int http_status) {
  Error error;
  error.kind = ErrorKind::Unavailable;
  error.http_status = http_status;
  return error;
}

bool is_repeated(const Request& request, const Error& error) {
  return retry_delay(request, error, 1, 0).has_value();
}

TEST(Retry, RepeatsAWriteOfUnknownOutcomeOnlyWhenItCannotDoHarm) {
  struct Row {
    const char* name;
    Request request;
    bool repeated;
  };
  const Row rows[] = {
      {"get",                  request_with(Verb::Get,        "null"),                                                  true },
      {"list",                 request_with(Verb::List,       "null"),                                                  true },
      {"apply",                request_with(Verb::Apply,      "{}"),                                                    true },
      {"delete",               request_with(Verb::Delete,     "null"),                                                  true },
      {"named create",         request_with(Verb::Create,     R"({"metadata":{"name":"a"}})"),                          true },
      {"create by prefix",     request_with(Verb::Create,     R"({"metadata":{"generateName":"a-"}})"),
       false                                                                                                                 },
      {"guarded replace",      request_with(Verb::Replace,    R"({"metadata":{"resourceVersion":"1"}})"),
       true                                                                                                                  },
      {"blind replace",        request_with(Verb::Replace,    R"({"metadata":{"name":"a"}})"),                          false},
      {"guarded merge patch",
       request_with(Verb::MergePatch,                         R"({"metadata":{"resourceVersion":"1"}})"),               true },
      {"blind merge patch",    request_with(Verb::MergePatch, R"({"spec":{}})"),                                        false},
      {"guarded json patch",
       request_with(Verb::JsonPatch,
       R"([{"op":"test","path":"/metadata/resourceVersion","value":"1"}])"),
       true                                                                                                                  },
      {"json patch, uid only",
       request_with(Verb::JsonPatch,                          R"([{"op":"test","path":"/metadata/uid","value":"1"}])"),
       false                                                                                                                 },
  };
  for (const Row& row : rows) {
    EXPECT_EQ(is_repeated(row.request, unavailable(0)), row.repeated) << row.name;
    EXPECT_EQ(is_repeated(row.request, unavailable(500)), row.repeated) << row.name;
    EXPECT_TRUE(is_repeated(row.request, unavailable(429))) << row.name;
  }
}

TEST(Retry, RepeatsAnythingThatNeverLeft) {
  Error error = unavailable(0);
  error.not_sent = true;
  EXPECT_TRUE(is_repeated(request_with(Verb::MergePatch, "{}"), error));
}

TEST(Retry, CreatesInASubresourceAreNotRepeated) {
  Request request = request_with(Verb::Create, R"({"metadata":{"name":"a"}})");
  request.subresource = "eviction";
  EXPECT_FALSE(is_repeated(request, unavailable(500)));
}

TEST(Retry, LeavesEveryOtherKindToTheCaller) {
  for (const ErrorKind kind :
       {ErrorKind::Conflict, ErrorKind::AlreadyExists, ErrorKind::NotFound, ErrorKind::Expired,
        ErrorKind::Invalid, ErrorKind::Forbidden, ErrorKind::Unauthorized, ErrorKind::Cancelled,
        ErrorKind::Internal}) {
    Error error;
    error.kind = kind;
    error.not_sent = true;
    EXPECT_FALSE(is_repeated(request_with(Verb::Get, "null"), error)) << to_string(kind);
  }
}

TEST(Retry, WaitsAtLeastAsLongAsTheServerAsks) {
  Error error = unavailable(429);
  error.retry_after = seconds(3);
  const Request get = request_with(Verb::Get, "null");
  EXPECT_EQ(retry_delay(get, error, 1, 0), milliseconds(3000));
  EXPECT_EQ(retry_delay(get, error, 9, 0.5), milliseconds(3125));
  EXPECT_FALSE(retry_delay(get, error, 10, 0));
}

TEST(Retry, BacksOffExponentiallyAndGivesUp) {
  const Request get = request_with(Verb::Get, "null");
  EXPECT_EQ(retry_delay(get, unavailable(503), 1, 0), milliseconds(50));
  EXPECT_EQ(retry_delay(get, unavailable(503), 2, 0), milliseconds(100));
  EXPECT_EQ(retry_delay(get, unavailable(503), 4, 0), milliseconds(400));
  EXPECT_GT(retry_delay(get, unavailable(503), 4, 0.99), milliseconds(790));
  EXPECT_FALSE(retry_delay(get, unavailable(503), 5, 0));
}

}  // namespace
}  // namespace gatelift
