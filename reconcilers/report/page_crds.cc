// SPDX-License-Identifier: Apache-2.0
// What page.html is filled with: each CRD before and after, and the strategies for those that
// change the shape of their objects.
#include <algorithm>
#include <utility>

#include "reconcilers/plan/findings.h"
#include "reconcilers/report/page_parts.h"
#include "reconcilers/report/strategy_table.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

constexpr std::size_t kDigestLetters = std::string_view("sha256:").size() + 12;

Json state_value(const std::optional<CrdState>& state) {
  if (!state) return nullptr;
  const std::string digest = state->digest.substr(0, kDigestLetters);
  return {
      {"bundle",   state->bundle                 },
      {"versions", versions_text(state->versions)},
      {"stored",   joined(state->stored_versions)},
      {"digest",   digest                        }
  };
}

std::string owner_of(const Plan& plan, const std::string& crd) {
  const auto found = std::ranges::find(plan.installed, crd, &InstalledCrd::crd);
  return found == plan.installed.end() ? "" : found->owner;
}

/// How far a run has come with a CRD; "" where it is done with it, or has not begun.
std::string step_of(const Record& record, const std::string& crd) {
  const auto progress = std::ranges::find(record.crds, crd, &CrdProgress::name);
  return progress == record.crds.end() || progress->step == "Done" ? "" : progress->step;
}

Json head_of(const std::string& crd, const std::string& kind) {
  return {
      {"plural", page::plural_of(crd)},
      {"group",  page::group_of(crd) },
      {"kind",   kind                }
  };
}

void add_action(const PlannedAction& action, Json& row) {
  row["action"] = to_string(action.kind);
  row["reason"] = action.reason;
}

Json crd_row(const Report& report, const ReportedCrd& crd) {
  const Record& record = report.record;
  Json row = head_of(crd.crd, crd.kind);
  row["before"] = state_value(crd.before);
  row["after"] = state_value(crd.after);
  row["step"] = step_of(record, crd.crd);
  if (!record.plan) return row;
  row["owner"] = owner_of(*record.plan, crd.crd);
  if (const PlannedAction* action = record.plan->action(crd.crd)) {
    add_action(*action, row);
    row["objects"] = action->objects;
  }
  return row;
}

Json row_of_other(const PlannedAction& action) {
  Json row = head_of(action.crd, action.object_kind);
  add_action(action, row);
  row["no_state"] = true;
  return row;
}

}  // namespace

Json page::crds_of(const Report& report) {
  const std::vector<PlannedAction> others = actions_on_others(report);
  if (report.details.crds.empty() && others.empty()) return nullptr;
  const std::string after = report.after_is_found ? "After" : "As planned";
  Json rows = Json::array();
  Json unchanged = Json::array();
  for (const ReportedCrd& crd : report.details.crds) {
    Json row = crd_row(report, crd);
    row["after_title"] = after;
    (row.contains("action") ? rows : unchanged).push_back(std::move(row));
  }
  for (const PlannedAction& action : others) rows.push_back(row_of_other(action));
  for (Json& row : unchanged) rows.push_back(std::move(row));
  const char* found =
      "Before is what was found when the plan was made, after what was found when "
      "all was over.";
  const char* planned = "Before is what was found when the plan was made.";
  return {
      {"caption",     report.after_is_found ? found : planned},
      {"after_title", after                                  },
      {"rows",        std::move(rows)                        }
  };
}

Json page::strategies_of(const Plan& plan) {
  if (plan.strategies.empty()) return nullptr;
  const std::vector<std::string> titles = strategy_titles(plan);
  Json rows = Json::array();
  for (const StrategyRow& row : strategy_rows(plan)) {
    Json cells = Json::array();
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      cells.push_back({
          {"title",     titles[i]   },
          {"sentences", row.cells[i]}
      });
    }
    rows.push_back({
        {"name",  row.name        },
        {"cells", std::move(cells)}
    });
  }
  return {
      {"titles", titles         },
      {"rows",   std::move(rows)}
  };
}

}  // namespace gatelift
