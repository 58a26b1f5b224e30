// SPDX-License-Identifier: Apache-2.0
#include "client/watch_decoder.h"

#include <utility>

#include "client/response.h"

namespace gatelift {

Result<WatchEvent> decode_watch_line(std::string_view line, std::string_view call) {
  auto json = parse_json(line);
  if (!json) return fail(ErrorKind::Internal, std::string(call) + ": " + json.error().message);
  const std::string type = string_at(*json, "type");
  const auto object = json->is_object() ? json->find("object") : json->end();
  if (object == json->end() || !object->is_object()) {
    return fail(ErrorKind::Internal, std::string(call) + ": a watch event has no object");
  }
  if (type == "ERROR") return fail(error_of_status(*object, 0, call));
  WatchEvent event;
  if (type == "ADDED") {
    event.type = WatchEventType::Added;
  } else if (type == "MODIFIED") {
    event.type = WatchEventType::Modified;
  } else if (type == "DELETED") {
    event.type = WatchEventType::Deleted;
  } else if (type == "BOOKMARK") {
    event.type = WatchEventType::Bookmark;
  } else {
    return fail(ErrorKind::Internal, std::string(call) + ": unknown watch event \"" + type + "\"");
  }
  event.object = std::move(*object);
  return event;
}

std::string target_of(const WatchRequest& request, std::chrono::seconds server_timeout) {
  Request list;
  list.verb = Verb::List;
  list.resource = request.resource;
  list.key.ns = request.ns;
  list.field_selector = request.field_selector;
  std::string target = target_of(list);
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += "watch=true&allowWatchBookmarks=true&timeoutSeconds=" +
            std::to_string(server_timeout.count());
  if (!request.resource_version.empty()) {
    target += "&resourceVersion=" + percent_encode(request.resource_version);
  }
  return target;
}

}  // namespace gatelift
