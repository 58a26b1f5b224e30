// SPDX-License-Identifier: Apache-2.0
// What an object shall be under the target's CRD, and what becomes of each of its fields on the
// way there. The plan reports it, the rehearsal tries it, the backup keeps it, the steps write it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reconcilers/bundle/bundle.h"
#include "reconcilers/convert/convert.h"

namespace gatelift {

struct CarryRule;

/// One field of an object that does not stay as it is.
struct FieldChange {
  enum class Kind {
    Moved,     // its value is at another field afterwards
    Repaired,  // changed to what the target accepts, with the same meaning
    Dropped,   // the target's schema does not have it, and its value is lost
  };
  Kind kind = Kind::Dropped;
  std::string field;        // where it is in the object, "spec.listeners[0].tls.frontendValidation"
  std::string to;           // Moved: the field that has its value afterwards
  std::string value;        // shortened()
  std::string because;      // a sentence about what it means; may be empty
  bool is_secured = false;  // Dropped: something that was refused or authenticated is not any more

  bool is_in_status() const;
};

struct Intention {
  Json object;  // as it shall be; where there are problems, as far as that went
  std::vector<FieldChange> changes;
  std::vector<ConversionProblem> problems;

  bool ok() const { return problems.empty(); }
  /// True where a field moves or is mended, so that somebody has to write it.
  bool needs_write() const;
};

/// References to `from` get, or have, twins that name `to`.
struct ReferenceMove {
  enum class Part {
    Add,   // the twin is added; both kinds are there
    Drop,  // what has its twin goes; the old kind is about to
  };
  Part part = Part::Add;
  std::string from_group;
  std::string from_kind;
  std::string to_group;
  std::string to_kind;
};

/// The intentions for the objects of one CRD. Holds the target's schema of its storage version as a
/// tree: make it once per CRD and let it go. Pure; any number of threads may use one.
class Intentions {
 public:
  /// `moves` say what becomes of references to kinds that the same plan renames or removes.
  explicit Intentions(const BundleCrd& target, std::vector<ReferenceMove> moves = {});

  /// `object` is whole, as it was read under the installed CRD.
  Intention of(const Json& object) const;

  const Json& schema() const { return schema_; }

 private:
  std::string storage_version_;
  Json schema_;
  std::vector<const CarryRule*> rules_;  // those that apply to the schema
  std::vector<ReferenceMove> moves_;
};

/// Compact JSON of at most 200 bytes, cut with "…" where it is longer.
std::string shortened(const Json& value);

/// Is told of objects whose intention is more than another apiVersion, in the order in which they
/// are read.
using IntentionSink = std::function<void(const Json& object, const Intention& intention)>;

/// The schema of a version of a CRD manifest; an empty object where it has none.
Json schema_of(const Json& crd, std::string_view version);

}  // namespace gatelift
