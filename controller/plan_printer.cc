// SPDX-License-Identifier: Apache-2.0
#include "controller/plan_printer.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "controller/installed_printer.h"
#include "controller/terminal.h"
#include "reconcilers/report/strategy_table.h"

namespace gatelift {
namespace {

constexpr int kShownPerCode = 20;
struct SeverityTitle {
  const char* title;
  Style style;
};

SeverityTitle title_of(Severity severity) {
  switch (severity) {
    case Severity::Blocker:
      return {"BLOCKERS: the migration cannot begin", Style::BoldRed};
    case Severity::Consent:
      return {"CONSENT: the migration begins when each of these is accepted", Style::BoldRed};
    case Severity::Warning:
      return {"WARNINGS", Style::Yellow};
    case Severity::Note:
      return {"NOTES", Style::Dim};
  }
  return {"", Style::Plain};
}

/// A text that must not be missed: bold where that can be seen, upper case elsewhere.
std::string shouted(std::string text, bool colored) {
  if (colored) return styled(text, Style::BoldRed, true);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string storage_text(const PlannedAction& action) {
  if (action.from_storage.empty()) return action.to_storage;
  if (action.to_storage.empty() || action.from_storage == action.to_storage) {
    return action.from_storage;
  }
  return action.from_storage + " -> " + action.to_storage;
}

/// What an action does, for those who see one for the first time.
const char* explanation_of(ActionKind kind) {
  switch (kind) {
    case ActionKind::Create:
      return "the CRD is created";
    case ActionKind::Update:
      return "the CRD becomes the target's; its objects stay";
    case ActionKind::Carry:
      return "as Update, and values in its objects move to the fields that take their place";
    case ActionKind::Reencode:
      return "every object is written once, unchanged, so that none is stored in an old version";
    case ActionKind::Convert:
      return "its objects are backed up, deleted with the CRD, and created again in the new shape";
    case ActionKind::ConvertInPlace:
      return "its objects get the new shape beside the old, both versions are served, the old "
             "shape "
             "goes; none is deleted";
    case ActionKind::Rename:
      return "its objects are created again as another kind; the old ones stay";
    case ActionKind::Keep:
      return "nothing is done with it";
    case ActionKind::Remove:
      return "its objects are backed up, and deleted with the CRD";
    case ActionKind::SuspendPolicy:
      return "an admission policy that forbids the run is taken away until its end";
    case ActionKind::InstallPolicy:
      return "the target's admission policy is put in place";
  }
  return "";
}

std::string legend_text(const Plan& plan) {
  std::map<ActionKind, std::string> lines;
  for (const PlannedAction& action : plan.actions) {
    const std::string name(to_string(action.kind));
    const std::string padding(std::max<std::size_t>(name.size(), 8) - name.size() + 2, ' ');
    lines[action.kind] = "  " + name + padding + explanation_of(action.kind) + "\n";
  }
  std::string text = "\n";
  for (const auto& [kind, line] : lines) text += line;
  return text;
}

std::string actions_text(const Plan& plan) {
  std::vector<std::vector<std::string>> rows;
  for (const PlannedAction& action : plan.actions) {
    rows.push_back({"  " + printable(action.crd), std::string(to_string(action.kind)),
                    storage_text(action), std::to_string(action.objects),
                    printable(action.reason)});
  }
  return table({"  CRD", "ACTION", "STORED AS", "OBJECTS", "WHY"}, rows) + legend_text(plan);
}

std::string check_text(const Check& check, const PlanLayout& layout) {
  std::string head = "  " + styled(check.code, Style::Bold, layout.colored);
  if (!check.object.empty()) head += "  " + printable(check.object);
  if (!check.field.empty()) head += "  " + printable(check.field);
  if (check.accepted) head += "  (accepted)";
  const bool shout = check.code.find("Plaintext") != std::string::npos;
  const std::string sentence = wrapped(printable(check.message), layout.columns - 4, 4);
  std::string text =
      head + "\n    " + (shout ? shouted(sentence, layout.colored) : sentence) + "\n";
  if (!check.next.empty()) {
    text += "    next: " + wrapped(printable(check.next), layout.columns - 10, 10) + "\n";
  }
  return text;
}

std::string checks_text(const Plan& plan, Severity severity, const PlanLayout& layout) {
  std::string text;
  std::map<std::string, int> shown;
  std::map<std::string, int> left_out;
  for (const Check& check : plan.checks) {
    if (check.severity != severity) continue;
    if (++shown[check.code] > kShownPerCode) {
      ++left_out[check.code];
    } else {
      text += check_text(check, layout);
    }
  }
  for (const auto& [code, count] : left_out) {
    text += "  " + code + ": and " + std::to_string(count) + " more; -o json shows all\n";
  }
  if (text.empty()) return {};
  const SeverityTitle title = title_of(severity);
  return "\n" + styled(title.title, title.style, layout.colored) + "\n" + text;
}

std::string strategies_text(const Plan& plan, const PlanLayout& layout) {
  if (plan.strategies.empty()) return "";
  std::vector<StrategyRow> rows = strategy_rows(plan);
  for (StrategyRow& row : rows) {
    for (std::vector<std::string>& cell : row.cells) {
      for (std::string& sentence : cell) sentence = printable(sentence);
    }
  }
  return "\n" +
         styled("STRATEGIES: how objects can change their shape", Style::Bold, layout.colored) +
         "\n" + strategy_table(strategy_titles(plan), rows, layout.columns);
}

bool deletes(const PlannedAction& action) {
  return action.kind == ActionKind::SuspendPolicy || action.kind == ActionKind::Remove;
}

std::string cost_text(const Plan& plan) {
  std::string text = "\nAbout " + std::to_string(plan.estimated_writes) + " writes";
  if (plan.estimated_unavailable.count() > 0) {
    text += "; objects that are converted are absent for about " +
            duration_text(plan.estimated_unavailable);
  } else if (std::ranges::none_of(plan.actions, deletes)) {
    text += "; nothing is deleted";
  }
  return text + ".\n";
}

}  // namespace

std::string plan_text(const Plan& plan, const PlanLayout& layout) {
  const std::string title = plan.operation == Operation::Rollback ? "Rollback  " : "Plan  ";
  std::string text = styled(title + from_text(plan.from) + " -> " + plan.to.display(), Style::Bold,
                            layout.colored) +
                     "\n\n";
  const bool shows_installed = is_worth_showing(plan.from, plan.installed);
  if (shows_installed) {
    text += styled("INSTALLED NOW: each CRD, and which bundles hold exactly this one", Style::Bold,
                   layout.colored) +
            "\n" + installed_text(plan.installed) + "\n" +
            styled("WHAT WILL BE DONE", Style::Bold, layout.colored) + "\n";
  }
  text += plan.actions.empty() ? "  No CRD changes.\n" : actions_text(plan);
  for (const Severity severity : kWorstFirst) text += checks_text(plan, severity, layout);
  if (plan.checks_omitted > 0) {
    text += "\n  and " + std::to_string(plan.checks_omitted) + " more checks\n";
  }
  text += strategies_text(plan, layout);
  if (!plan.is_empty()) text += cost_text(plan);
  text += "Digest " + plan.digest + "\n";
  return text;
}

}  // namespace gatelift
