// SPDX-License-Identifier: Apache-2.0
// Who may manage Gateway API CRDs, how that is seen on a CRD, what the owner does about a CRD that
// somebody else has changed, and how it is told.
#pragma once

#include <span>
#include <string_view>

namespace gatelift {

enum class OwnerVerdict {
  Reverts,      // its next sync puts its own content back
  KeepsNewer,   // it puts its own content back once that is newer
  Refuses,      // it refuses changes by anybody else
  LeavesAlone,  // it does not change what is there
  Unknown,      // it wrote the CRD once; nothing says whether it still does
};

enum class Support {
  Unsaid,
  Unsupported,  // the owner says that nobody else is to change it
};

/// Something on a CRD: a label, an annotation, or a field manager in managedFields.
struct Mark {
  enum class On { Nothing, Label, Annotation, Manager };
  On on = On::Nothing;
  std::string_view key;    // of the label or annotation; the manager's name
  std::string_view value;  // of the label or annotation; "" is any
};

/// Texts may hold {name}: the value of `mark` up to a colon (the manager's name where it is one);
/// {ns}: the value of `namespace_key`; {crd}; {keep}: a warning where Helm would delete the CRD
/// together with its release.
struct OwnerRow {
  Mark mark = {};                       // what the check names as its field
  Mark also = {};                       // what has to be there too
  std::string_view namespace_key = {};  // a label or annotation, as `mark` is
  std::string_view name = {};
  OwnerVerdict verdict = OwnerVerdict::Reverts;
  Support support = Support::Unsaid;
  std::string_view next = {};    // "" where nothing has to be done
  std::string_view source = {};  // the public page that the facts are from
};

/// The first row that fits says who it is: first providers, then what deploys from Git, then Helm,
/// and last what is only a trace.
std::span<const OwnerRow> known_owners();

}  // namespace gatelift
