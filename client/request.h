// SPDX-License-Identifier: Apache-2.0
// One call to the API server as a value. Building it does no I/O, so that what would be sent can be shown, recorded,
// refused or compared without sending it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "client/http.h"
#include "client/object.h"
#include "client/result.h"

namespace gatelift {

enum class Verb {
  Get,
  List,
  Create,
  Replace,     // PUT; the body carries resourceVersion
  MergePatch,  // RFC 7386
  JsonPatch,   // RFC 6902
  Apply,       // server-side apply: creates or changes
  Delete,
};

/// True for every verb that can change something in the cluster (also with dry_run set).
bool is_write(Verb verb);
std::string_view to_string(Verb verb);

enum class FieldValidation { Default, Strict };
enum class Propagation { Default, Background, Foreground, Orphan };

/// For deletions. The server answers Conflict when one of them does not hold.
struct Preconditions {
  std::string uid;
  std::string resource_version;
};

struct Request {
  Verb verb = Verb::Get;
  Resource resource;
  ObjectKey key;            // name is "" for List and Create; ns is "" for all namespaces
  std::string subresource;  // "", "status", "token", ...
  std::string raw_path;     // Get only: a path that is no resource, "/apis"; all of the above is empty then
  Json body;                // Create, Replace, patches, Apply

  // Writes.
  std::string field_manager;  // "" sends kFieldManager
  bool force = false;         // Apply only: take fields from other managers
  bool dry_run = false;       // dryRun=All
  FieldValidation field_validation = FieldValidation::Default;
  Preconditions preconditions;
  Propagation propagation = Propagation::Default;

  // List.
  int limit = 0;
  std::string continue_token;
  std::string label_selector;
  std::string field_selector;
  bool metadata_only = false;  // PartialObjectMetadata(List); also for Get

  // Get and List.
  bool from_watch_cache = false;  // resourceVersion=0: what the API server that answers has heard of

  // Where there are several API servers.
  std::string server;  // "host:port" of the one to ask; "" is any, by the address that we know them by
  bool fresh_connection = false;  // so that another one may answer than did last time

  /// Get of a raw_path: the answer is its text, as a JSON string.
  bool as_text = false;

  /// Total time for the call with all its retries; the default is ApiCluster's.
  std::optional<std::chrono::milliseconds> deadline;
};

/// The field manager of every write that does not name another.
inline constexpr std::string_view kFieldManager = "gatelift";

/// Path and query of the call, percent-encoded, for instance
/// "/apis/gateway.networking.k8s.io/v1alpha3/namespaces/a/backendtlspolicies/b/status?fieldManager=gatelift".
std::string target_of(const Request& request);

/// "PATCH httproutes.v1.gateway.networking.k8s.io/status a/b", "LIST secrets": how errors and logs name a call.
std::string describe(const Request& request);

/// The media types to ask for and to send: these carry metadata_only and the kind of patch.
std::string_view accept_of(const Request& request);
std::string_view content_type_of(const Request& request);  // "" when the call has no body

/// Everything of the call that goes on the wire, DeleteOptions included.
HttpRequest http_request_of(const Request& request);

/// RFC 3986: everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

/// Refuses, as Invalid, what would be a different call than its verb says: a Get or Delete without a name is one of the
/// whole collection, a name with a slash is another path.
Result<void> check_request(const Request& request);

}  // namespace gatelift
