// SPDX-License-Identifier: Apache-2.0
// One object under trial in a rehearsal, and the two ways to try it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reconcilers/run.h"
#include "reconcilers/steps/rehearsed_object.h"

namespace gatelift {

struct ObjectTrial {
  Json object;                      // as it is; metadata only where nothing is tried at a copy
  Json body;                        // as it shall be, for the copy
  bool needs_write = false;         // it changes with the CRD
  std::vector<Refusal> refusals;    // at the copy
  bool is_invalid = false;          // the copy has refused it as Invalid, and not merely changed it
  std::vector<std::string> added;   // at the copy: fields that the schema fills in
  bool is_asked = false;            // the own write was sent
  std::string denial;               // of the own write
  std::string untried;              // why the copy says nothing
  std::string unasked;              // why the own write says nothing
  std::string passed_over;          // why it was not tried at all
  std::string not_made;             // why the copy is not asked: it is deleted and not made again
  bool has_no_namespace = false;    // its namespace goes away, so that it cannot be made
  std::vector<Refusal> unforgiven;  // what the copy says against the run's own write of it
  std::string unproven;             // why nobody knows whether the copy takes that write
};

using ObjectTrials = std::vector<ObjectTrial*>;

/// True for an answer that says nothing about the object: of the connection, of the credentials, or
/// of an API server that is busy. A server error may be about the object.
bool is_about_no_object(const Error& error);

/// True for the answer of a collection that is not served, which is a 404 in plain text, and of one
/// that goes away, which takes no new objects.
bool is_of_no_collection(const Error& error);

/// Creates each body at the copy, as a dry run: sets refusals, is_invalid, added, untried and
/// has_no_namespace. By Apply what it says too little about is asked again by Post. Errors are
/// those of the connection, of the API server, and of a copy that is not served after ten seconds.
Result<void> try_at_copy(Run& run, const Resource& copy, CreateBy by, const ObjectTrials& trials);

/// Sends the run's own write of each object, which `request` makes, as a dry run: sets is_asked,
/// denial, unasked and passed_over. An object that changed since is read again, from `resource`,
/// and asked again. `knows_schema` is false where the installed schema, which the answers go by, is
/// not the one that will count: what it says against an object is then no denial.
struct OwnWrites {
  Resource resource;
  std::function<Request(const ObjectTrial&)> request;
  bool reads_metadata_only = false;
  bool knows_schema = false;
};
Result<void> try_own_writes(Run& run, const OwnWrites& writes, ObjectTrials trials);

}  // namespace gatelift
