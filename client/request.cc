// SPDX-License-Identifier: Apache-2.0
#include "client/request.h"

namespace gatelift {
namespace {

std::string_view method_of(Verb verb) {
  switch (verb) {
    case Verb::Get:
    case Verb::List:
      return "GET";
    case Verb::Create:
      return "POST";
    case Verb::Replace:
      return "PUT";
    case Verb::MergePatch:
    case Verb::JsonPatch:
    case Verb::Apply:
      return "PATCH";
    case Verb::Delete:
      return "DELETE";
  }
  return "GET";
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_segment(std::string& out, std::string_view segment) {
  out += '/' + percent_encode(segment);
}

class Query {
 public:
  explicit Query(std::string& out) : out_(out) {}

  void add(std::string_view name, std::string_view value) {
    out_ += separator_;
    out_ += name;
    out_ += '=';
    out_ += percent_encode(value);
    separator_ = '&';
  }
  void add_unless_empty(std::string_view name, std::string_view value) {
    if (!value.empty()) add(name, value);
  }

 private:
  std::string& out_;
  char separator_ = '?';
};

bool carries_object(Verb verb) { return is_write(verb) && verb != Verb::Delete; }

void append_query(std::string& out, const Request& request) {
  Query query(out);
  if (carries_object(request.verb)) {
    query.add("fieldManager", request.field_manager.empty()
                                  ? kFieldManager
                                  : std::string_view(request.field_manager));
    if (request.field_validation == FieldValidation::Strict) query.add("fieldValidation", "Strict");
  }
  if (is_write(request.verb) && request.dry_run) query.add("dryRun", "All");
  if (request.verb == Verb::Apply && request.force) query.add("force", "true");
  if (!is_write(request.verb) && request.from_watch_cache) query.add("resourceVersion", "0");
  if (request.verb == Verb::List) {
    query.add_unless_empty("labelSelector", request.label_selector);
    query.add_unless_empty("fieldSelector", request.field_selector);
    if (request.limit > 0) query.add("limit", std::to_string(request.limit));
    query.add_unless_empty("continue", request.continue_token);
  }
}

std::string_view to_policy(Propagation propagation) {
  switch (propagation) {
    case Propagation::Default:
      return "";
    case Propagation::Background:
      return "Background";
    case Propagation::Foreground:
      return "Foreground";
    case Propagation::Orphan:
      return "Orphan";
  }
  return "";
}

/// The server reads either the body or the query of a deletion, never both, so that dryRun has to
/// be in both.
Json delete_options_of(const Request& request) {
  Json options = Json::object();
  if (!request.preconditions.uid.empty()) {
    options["preconditions"]["uid"] = request.preconditions.uid;
  }
  if (!request.preconditions.resource_version.empty()) {
    options["preconditions"]["resourceVersion"] = request.preconditions.resource_version;
  }
  if (request.propagation != Propagation::Default) {
    options["propagationPolicy"] = to_policy(request.propagation);
  }
  if (request.dry_run) options["dryRun"] = Json::array({"All"});
  if (options.empty()) return options;
  options["apiVersion"] = "v1";
  options["kind"] = "DeleteOptions";
  return options;
}

bool names_one_object(const Request& request) {
  return request.verb != Verb::List &&
         (request.verb != Verb::Create || !request.subresource.empty());
}

std::string qualified(const Resource& resource) {
  if (resource.group.empty()) return resource.plural;
  return resource.plural + "." + resource.version + "." + resource.group;
}

bool is_path_segment(std::string_view text) {
  return text.find('/') == std::string_view::npos && text.find('%') == std::string_view::npos &&
         text != "." && text != "..";
}

}  // namespace

bool is_write(Verb verb) { return verb != Verb::Get && verb != Verb::List; }

std::string_view to_string(Verb verb) {
  switch (verb) {
    case Verb::Get:
      return "Get";
    case Verb::List:
      return "List";
    case Verb::Create:
      return "Create";
    case Verb::Replace:
      return "Replace";
    case Verb::MergePatch:
      return "MergePatch";
    case Verb::JsonPatch:
      return "JsonPatch";
    case Verb::Apply:
      return "Apply";
    case Verb::Delete:
      return "Delete";
  }
  return "Get";
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string target_of(const Request& request) {
  if (!request.raw_path.empty()) return request.raw_path;
  const Resource& resource = request.resource;
  std::string target = resource.group.empty() ? "/api" : "/apis";
  if (!resource.group.empty()) append_segment(target, resource.group);
  append_segment(target, resource.version);
  if (resource.namespaced && !request.key.ns.empty()) {
    target += "/namespaces";
    append_segment(target, request.key.ns);
  }
  append_segment(target, resource.plural);
  if (names_one_object(request)) {
    append_segment(target, request.key.name);
    if (!request.subresource.empty()) append_segment(target, request.subresource);
  }
  append_query(target, request);
  return target;
}

std::string describe(const Request& request) {
  if (!request.raw_path.empty())
    return std::string(method_of(request.verb)) + ' ' + request.raw_path;
  std::string text(request.verb == Verb::List ? "LIST" : method_of(request.verb));
  text += ' ' + qualified(request.resource);
  if (!request.subresource.empty()) text += '/' + request.subresource;
  const std::string name =
      request.key.name.empty() ? string_at(request.body, "metadata", "name") : request.key.name;
  if (!name.empty()) return text + ' ' + ObjectKey{request.key.ns, name}.display();
  return request.key.ns.empty() ? text : text + " in " + request.key.ns;
}

std::string_view accept_of(const Request& request) {
  if (request.as_text) return "text/plain";
  if (!request.metadata_only) return "application/json";
  return request.verb == Verb::List
             ? "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
             : "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
}

std::string_view content_type_of(const Request& request) {
  switch (request.verb) {
    case Verb::Get:
    case Verb::List:
      return "";
    case Verb::Delete:
      return delete_options_of(request).empty() ? "" : "application/json";
    case Verb::Create:
    case Verb::Replace:
      return "application/json";
    case Verb::MergePatch:
      return "application/merge-patch+json";
    case Verb::JsonPatch:
      return "application/json-patch+json";
    case Verb::Apply:
      return "application/apply-patch+yaml";  // JSON is YAML
  }
  return "";
}

HttpRequest http_request_of(const Request& request) {
  HttpRequest http;
  http.method = method_of(request.verb);
  http.target = target_of(request);
  http.accept = accept_of(request);
  http.content_type = content_type_of(request);
  if (carries_object(request.verb)) {
    http.body = print_json(request.body);
  } else if (request.verb == Verb::Delete && !http.content_type.empty()) {
    http.body = print_json(delete_options_of(request));
  }
  return http;
}

Result<void> check_request(const Request& request) {
  const auto refuse = [&](const std::string& why) {
    return fail(ErrorKind::Invalid, describe(request) + ": not sent: " + why);
  };
  if (!request.raw_path.empty()) {
    if (request.verb != Verb::Get) return refuse("only a Get may name a path of its own");
    if (!request.raw_path.starts_with('/')) return refuse("the path is not absolute");
    return {};
  }
  if (request.as_text) return refuse("only a path of its own is answered as text");
  const Resource& resource = request.resource;
  if (resource.version.empty() || resource.plural.empty()) {
    return refuse("the resource has no version or no plural name");
  }
  if (names_one_object(request) && request.key.name.empty()) {
    return refuse("the name is empty, which would address the whole collection");
  }
  const bool over_all_namespaces = request.verb == Verb::List;
  if (resource.namespaced && request.key.ns.empty() && !over_all_namespaces) {
    return refuse("the namespace is empty");
  }
  for (const std::string* segment : {&resource.group, &resource.version, &resource.plural,
                                     &request.key.ns, &request.key.name, &request.subresource}) {
    if (!is_path_segment(*segment)) return refuse("\"" + *segment + "\" is no name");
  }
  if (carries_object(request.verb) && request.body.is_null()) return refuse("the body is empty");
  return {};
}

}  // namespace gatelift
