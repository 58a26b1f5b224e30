// SPDX-License-Identifier: Apache-2.0
#include "client/watch_decoder.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

Error error_of(std::string_view line) {
  const auto event = decode_watch_line(line, "WATCH things");
  EXPECT_FALSE(event) << line;
  return event ? Error{} : event.error();
}

TEST(WatchDecoder, ReadsEveryTypeOfEvent) {
  struct Row {
    const char* name;
    WatchEventType type;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"ADDED",    WatchEventType::Added   },
           {"MODIFIED", WatchEventType::Modified},
           {"DELETED",  WatchEventType::Deleted },
           {"BOOKMARK", WatchEventType::Bookmark},
  }) {
    const auto event = decode_watch_line(
        std::string(R"({"object":{"metadata":{"resourceVersion":"7"}},"type":")") + row.name +
            "\"}",
        "x");
    ASSERT_TRUE(event) << row.name;
    EXPECT_EQ(event->type, row.type);
    EXPECT_EQ(resource_version_of(event->object), "7");
  }
}

TEST(WatchDecoder, TurnsAnErrorEventIntoTheErrorOfItsStatus) {
  const Error error = error_of(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"old"}})");
  EXPECT_TRUE(error.is(ErrorKind::Expired));
  EXPECT_EQ(error.message, "WATCH things: 410 Expired: old");
  EXPECT_TRUE(error_of(R"({"type":"ERROR","object":{"kind":"Status","code":500}})")
                  .is(ErrorKind::Unavailable));
}

TEST(WatchDecoder, RefusesWhatIsNoEvent) {
  for (const char* line : {"", "{}", "[]", R"({"type":"ADDED"})", R"({"type":"NEW","object":{}})",
                           R"({"type":"ADDED","object":null})", R"({"type":"ADDED","obj)"}) {
    EXPECT_TRUE(error_of(line).is(ErrorKind::Internal)) << line;
  }
}

TEST(WatchDecoder, AsksForBookmarksFromTheListsVersion) {
  WatchRequest request;
  request.resource = resources::kConfigMaps;
  EXPECT_EQ(target_of(request, std::chrono::seconds(240)),
            "/api/v1/configmaps?watch=true&allowWatchBookmarks=true&timeoutSeconds=240");
  request.ns = "a";
  request.resource_version = "42";
  request.field_selector = "metadata.name=b";
  EXPECT_EQ(target_of(request, std::chrono::seconds(240)),
            "/api/v1/namespaces/a/configmaps?fieldSelector=metadata.name%3Db&watch=true"
            "&allowWatchBookmarks=true&timeoutSeconds=240&resourceVersion=42");
}

}  // namespace
}  // namespace gatelift
