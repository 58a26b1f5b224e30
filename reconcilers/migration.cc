// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/migration.h"

#include <algorithm>

#include "reconcilers/carrying.h"

namespace gatelift {

bool writes_target_crd(ActionKind kind) {
  switch (kind) {
    case ActionKind::Create:
    case ActionKind::Update:
    case ActionKind::Carry:
    case ActionKind::Reencode:
    case ActionKind::Convert:
    case ActionKind::ConvertInPlace:
      return true;
    case ActionKind::Rename:
    case ActionKind::Keep:
    case ActionKind::Remove:
    case ActionKind::SuspendPolicy:
    case ActionKind::InstallPolicy:
      return false;
  }
  return false;
}

const PlannedAction* Plan::action(std::string_view crd) const {
  const auto it =
      std::ranges::find_if(actions, [&](const PlannedAction& each) { return each.crd == crd; });
  return it == actions.end() ? nullptr : &*it;
}

bool Plan::stops() const {
  return std::ranges::any_of(checks, [](const Check& check) { return check.stops(); });
}

bool Plan::is_empty() const {
  return std::ranges::all_of(
      actions, [](const PlannedAction& each) { return each.kind == ActionKind::Keep; });
}

CrdProgress* Record::crd(std::string_view name) {
  const auto it =
      std::ranges::find_if(crds, [&](const CrdProgress& each) { return each.name == name; });
  return it == crds.end() ? nullptr : &*it;
}

bool Record::is_carrying() const {
  return std::ranges::any_of(crds,
                             [](const CrdProgress& crd) { return gatelift::is_carrying(crd); });
}

const Condition* Record::condition(std::string_view type) const {
  const auto it =
      std::ranges::find_if(conditions, [&](const Condition& each) { return each.type == type; });
  return it == conditions.end() ? nullptr : &*it;
}

std::string_view to_string(Strategy strategy) {
  switch (strategy) {
    case Strategy::Recreate:
      return "Recreate";
    case Strategy::InPlace:
      return "InPlace";
  }
  return "";
}

std::string_view to_string(Hold hold) {
  switch (hold) {
    case Hold::None:
      return "None";
    case Hold::UntilUnused:
      return "UntilUnused";
    case Hold::Approval:
      return "Approval";
  }
  return "";
}

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::Apply:
      return "Apply";
    case Mode::Plan:
      return "Plan";
  }
  return "";
}

std::string_view to_string(Approval approval) {
  switch (approval) {
    case Approval::Automatic:
      return "Automatic";
    case Approval::Required:
      return "Required";
  }
  return "";
}

std::string_view to_string(OnFailure on_failure) {
  switch (on_failure) {
    case OnFailure::Halt:
      return "Halt";
    case OnFailure::Rollback:
      return "Rollback";
  }
  return "";
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Blocker:
      return "Blocker";
    case Severity::Consent:
      return "Consent";
    case Severity::Warning:
      return "Warning";
    case Severity::Note:
      return "Note";
  }
  return "";
}

std::string_view to_string(ActionKind kind) {
  switch (kind) {
    case ActionKind::Create:
      return "Create";
    case ActionKind::Update:
      return "Update";
    case ActionKind::Carry:
      return "Carry";
    case ActionKind::Reencode:
      return "Reencode";
    case ActionKind::Convert:
      return "Convert";
    case ActionKind::ConvertInPlace:
      return "ConvertInPlace";
    case ActionKind::Rename:
      return "Rename";
    case ActionKind::Keep:
      return "Keep";
    case ActionKind::Remove:
      return "Remove";
    case ActionKind::SuspendPolicy:
      return "SuspendPolicy";
    case ActionKind::InstallPolicy:
      return "InstallPolicy";
  }
  return "";
}

std::string_view to_string(CrdIdentity identity) {
  switch (identity) {
    case CrdIdentity::Exact:
      return "Exact";
    case CrdIdentity::Modified:
      return "Modified";
    case CrdIdentity::Unknown:
      return "Unknown";
  }
  return "";
}

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::Upgrade:
      return "Upgrade";
    case Operation::Rollback:
      return "Rollback";
  }
  return "";
}

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::Plan:
      return "Plan";
    case Phase::Approve:
      return "Approve";
    case Phase::Rehearse:
      return "Rehearse";
    case Phase::BackUp:
      return "BackUp";
    case Phase::Migrate:
      return "Migrate";
    case Phase::Verify:
      return "Verify";
    case Phase::Done:
      return "Done";
  }
  return "";
}

}  // namespace gatelift
