// SPDX-License-Identifier: Apache-2.0
#include "client/response.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

HttpResponse answer(int code, std::string body) { return {code, {}, std::move(body)}; }

std::string status(int code, const std::string& reason, const std::string& message = "why") {
  return R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":")" + message +
         R"(","reason":")" + reason + R"(","code":)" + std::to_string(code) + "}";
}

Error error_from(const HttpResponse& response) {
  auto result = read_response(response, "GET things a/b");
  EXPECT_FALSE(result);
  return result ? Error{} : result.error();
}

TEST(Response, HandsOverTheObjectOfASuccess) {
  const auto json = read_response(answer(201, R"({"kind":"Secret"})"), "x");
  ASSERT_TRUE(json);
  EXPECT_EQ(string_at(*json, "kind"), "Secret");
}

TEST(Response, HandsOverTheStatusOfADeletion) {
  EXPECT_TRUE(read_response(answer(200, R"({"kind":"Status","status":"Success"})"), "x"));
}

TEST(Response, FollowsTheReasonBeforeTheCode) {
  struct Row {
    int code;
    const char* reason;
    ErrorKind kind;
  };
  for (const Row& row : std::initializer_list<Row>{
           {409, "AlreadyExists",      ErrorKind::AlreadyExists},
           {409, "Conflict",           ErrorKind::Conflict     },
           {410, "Expired",            ErrorKind::Expired      },
           {410, "Gone",               ErrorKind::Expired      },
           {404, "NotFound",           ErrorKind::NotFound     },
           {403, "Forbidden",          ErrorKind::Forbidden    },
           {401, "Unauthorized",       ErrorKind::Unauthorized },
           {422, "Invalid",            ErrorKind::Invalid      },
           {400, "BadRequest",         ErrorKind::Invalid      },
           {400, "Expired",            ErrorKind::Expired      },
           {405, "MethodNotAllowed",   ErrorKind::Invalid      },
           {429, "TooManyRequests",    ErrorKind::Unavailable  },
           {500, "InternalError",      ErrorKind::Unavailable  },
           {504, "Timeout",            ErrorKind::Unavailable  },
           {503, "ServiceUnavailable", ErrorKind::Unavailable  },
           {418, "SomethingNew",       ErrorKind::Invalid      },
  }) {
    const Error error = error_from(answer(row.code, status(row.code, row.reason)));
    EXPECT_EQ(to_string(error.kind), to_string(row.kind)) << row.code << " " << row.reason;
    EXPECT_EQ(error.http_status, row.code);
    EXPECT_EQ(error.reason, row.reason);
  }
}

TEST(Response, FollowsTheCodeWhereThereIsNoReason) {
  struct Row {
    int code;
    ErrorKind kind;
  };
  for (const Row& row : std::initializer_list<Row>{
           {401, ErrorKind::Unauthorized},
           {403, ErrorKind::Forbidden   },
           {404, ErrorKind::NotFound    },
           {409, ErrorKind::Conflict    },
           {410, ErrorKind::Expired     },
           {429, ErrorKind::Unavailable },
           {500, ErrorKind::Unavailable },
           {502, ErrorKind::Unavailable },
           {413, ErrorKind::Invalid     },
           {302, ErrorKind::Internal    },
  }) {
    EXPECT_EQ(to_string(error_from(answer(row.code, "plain")).kind), to_string(row.kind))
        << row.code;
    EXPECT_EQ(to_string(error_from(answer(row.code, status(row.code, ""))).kind),
              to_string(row.code == 302 ? ErrorKind::Internal : row.kind))
        << row.code;
  }
}

TEST(Response, UnderstandsThePlainTextOfAPathThatIsNotServed) {
  const Error error = error_from(answer(404, "404 page not found\n"));
  EXPECT_TRUE(error.is(ErrorKind::NotFound));
  EXPECT_EQ(error.reason, "");
  EXPECT_EQ(error.message, "GET things a/b: 404: 404 page not found");
}

TEST(Response, KeepsAlreadyExistsForAnObjectThatIsBeingDeleted) {
  const Error error =
      error_from(answer(409, status(409, "AlreadyExists", "object is being deleted: things b")));
  EXPECT_TRUE(error.is(ErrorKind::AlreadyExists));
  EXPECT_EQ(error.message, "GET things a/b: 409 AlreadyExists: object is being deleted: things b");
}

TEST(Response, KeepsTheCausesOfARefusal) {
  const Error error = error_from(answer(422, R"({"kind":"Status","status":"Failure","code":422,
    "reason":"Invalid","message":"m","details":{"causes":[
      {"reason":"FieldValueRequired","field":"spec.validation","message":"Required value"},
      {"reason":"FieldValueInvalid","field":"spec.targetRefs","message":"too many"}]}})"));
  ASSERT_EQ(error.causes.size(), 2U);
  EXPECT_EQ(error.causes[1].field, "spec.targetRefs");
  EXPECT_TRUE(error.has_cause("FieldValueRequired"));
  EXPECT_FALSE(error.has_cause("NamespaceTerminating"));
}

TEST(Response, ReadsRetryAfterFromTheHeaderBeforeTheBody) {
  HttpResponse response = answer(429, R"({"kind":"Status","code":429,"reason":"TooManyRequests",
    "details":{"retryAfterSeconds":9}})");
  EXPECT_EQ(error_from(response).retry_after, std::chrono::seconds(9));
  response.headers.emplace_back("retry-after", "2");
  EXPECT_EQ(error_from(response).retry_after, std::chrono::seconds(2));
  EXPECT_FALSE(
      error_from({503, {{"Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"}}, ""}).retry_after);
}

TEST(Response, DoesNotTakeAnAnswerThatIsNoObjectForASuccess) {
  for (const char* body : {"", "ok", "[]", "null", "{"}) {
    EXPECT_TRUE(error_from(answer(200, body)).is(ErrorKind::Internal)) << body;
  }
}

TEST(Response, DoesNotTakeAFailureForASuccessWhateverItsCode) {
  EXPECT_TRUE(error_from(answer(200, status(409, "Conflict"))).is(ErrorKind::Conflict));
}

TEST(Response, QuotesForeignBodiesShortlyAndOnOneLine) {
  const Error error = error_from(answer(502, "<html>\n" + std::string(5000, 'x')));
  EXPECT_LT(error.message.size(), 400U);
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
}

TEST(Response, ReadsTheTextOfWarningHeaders) {
  const HttpResponse response{
      200,
      {{"warning", R"(299 - "v1beta1 is deprecated; use \"v1\"")"}, {"Warning", "199 - \"no\""}},
      ""
  };
  EXPECT_EQ(warnings_of(response), std::vector<std::string>{R"(v1beta1 is deprecated; use "v1")"});
}

}  // namespace
}  // namespace gatelift
