// SPDX-License-Identifier: Apache-2.0
// What page.html is filled with: its head, the checks, the CRDs.
#include <algorithm>
#include <map>
#include <utility>

#include "reconcilers/plan/findings.h"
#include "reconcilers/report/next_steps.h"
#include "reconcilers/report/page_parts.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace page {

std::string number(std::size_t count) { return std::to_string(count); }

std::string num(std::size_t count, const char* one) {
  return number(count) + " " + one + (count == 1 ? "" : "s");
}

std::string more_text(std::size_t count, const char* one, const std::string& where) {
  return count == 0
             ? ""
             : "and " + number(count) + " more " + one + (count == 1 ? "" : "s") + ": " + where;
}

std::string plural_of(const std::string& crd) { return crd.substr(0, crd.find('.')); }

std::string group_of(const std::string& crd) { return crd.substr(plural_of(crd).size()); }

}  // namespace page

namespace {

using page::more_text;
using page::num;
using page::number;

std::string tone_of(const Report& report) {
  const bool is_blocked = report.record.plan && report.record.plan->stops();
  if (is_blocked || (report.needs_person && report.reason != "AwaitingApproval")) return "bad";
  if (report.needs_person) return "warn";
  const bool is_over = report.record.phase == Phase::Done || report.reason == "Planned";
  return is_over || report.migration.empty() ? "good" : "";
}

void add_fact(Json& facts, const char* name, std::string value, bool is_code = false) {
  if (value.empty()) return;
  facts.push_back({
      {"name",  name            },
      {"value", std::move(value)},
      {"code",  is_code         }
  });
}

std::string absence_text(const Report& report) {
  const Record& record = report.record;
  if (!record.plan) return "";
  const auto estimated = record.plan->estimated_unavailable;
  if (record.unavailable_measured) {
    return duration_text(*record.unavailable_measured) + ", estimated " + duration_text(estimated);
  }
  if (record.unavailable_since) return "since " + precise_time(*record.unavailable_since);
  return estimated.count() == 0 ? "nothing is deleted" : "about " + duration_text(estimated);
}

Json facts_of(const Report& report) {
  const Record& record = report.record;
  Json facts = Json::array();
  if (!report.migration.empty()) {
    add_fact(facts, "Operation", std::string(to_string(record.operation)));
    add_fact(facts, "Phase", std::string(to_string(record.phase)));
  }
  if (record.plan) {
    const Plan& plan = *record.plan;
    add_fact(facts, "CRDs", num(plan.actions.size(), "action"));
    add_fact(facts, "Objects of CRDs that change", number(static_cast<std::size_t>(plan.objects)));
    add_fact(facts, "Writes, about", number(static_cast<std::size_t>(plan.estimated_writes)));
    add_fact(facts, "Objects absent", absence_text(report));
    const std::string checks = checks_summary(plan.checks);
    add_fact(facts, "Checks", checks.empty() ? "none that are open" : checks);
  }
  if (record.rehearsal) add_fact(facts, "Rehearsal", rehearsal_text(*record.rehearsal));
  if (record.started_at) add_fact(facts, "Began to write", format_time(*record.started_at));
  if (record.finished_at) add_fact(facts, "Finished", format_time(*record.finished_at));
  if (const auto& policy = record.suspended_policy) {
    add_fact(facts, "Admission policy taken away", policy->name, true);
  }
  add_fact(facts, "Rolls back to", record.rolls_back_to);
  add_fact(facts, "Rolled back because", record.rolled_back_because);
  if (!record.backup.ref.empty()) {
    add_fact(facts, "Backup", record.backup.ref, true);
    add_fact(facts, "In the backup",
             num(static_cast<std::size_t>(record.backup.objects), "object"));
  }
  if (record.plan) add_fact(facts, "Digest of the plan", record.plan->digest, true);
  return facts;
}

std::string tone_of(Severity severity) {
  if (severity == Severity::Blocker || severity == Severity::Consent) return "bad";
  return severity == Severity::Warning ? "warn" : "";
}

/// Checks set off what must not be missed, at their beginning, with "**".
std::pair<std::string, std::string> strong_and_rest(const std::string& message) {
  const std::size_t end = message.starts_with("**") ? message.find("**", 2) : std::string::npos;
  if (end == std::string::npos) return {"", message};
  return {message.substr(2, end - 2), message.substr(end + 2)};
}

Json check_value(const Check& check) {
  auto [strong, rest] = strong_and_rest(check.message);
  const bool is_named = !check.object.empty() || !check.field.empty();
  Json value = {
      {"severity", to_string(check.severity)},
      {"code",     check.code               },
      {"tone",     tone_of(check.severity)  },
      {"object",   check.object             },
      {"field",    check.field              },
      {"named",    is_named                 },
      {"strong",   std::move(strong)        },
      {"text",     std::move(rest)          },
      {"next",     check.next               },
      {"ways",     joined(check.resolutions)}
  };
  if (check.accepted) {
    value["accepted"] = check.accepted_by.empty() ? "by spec.accept" : check.accepted_by;
  }
  return value;
}

/// Checks that `wanted` picks, by severity and code, at most so many of each.
template <typename Wanted>
Json groups_of(const Plan& plan, const PageBounds& bounds, Wanted wanted) {
  std::map<std::pair<Severity, std::string>, std::pair<Json, std::size_t>> groups;
  for (const Check& check : plan.checks) {
    if (!wanted(check)) continue;
    auto& [values, count] = groups[{check.severity, check.code}];
    if (count++ < bounds.checks_per_code) values.push_back(check_value(check));
  }
  Json list = Json::array();
  for (auto& [key, group] : groups) {
    auto& [values, count] = group;
    const std::string more = more_text(count - values.size(), "check", page::kHasAll);
    list.push_back({
        {"severity", to_string(key.first)                        },
        {"code",     key.second                                  },
        {"count",    count                                       },
        {"open",     key.first == Severity::Warning && count <= 5},
        {"checks",   std::move(values)                           },
        {"more",     more                                        }
    });
  }
  return list;
}

Json stopping_of(const Plan& plan, const PageBounds& bounds) {
  Json checks = Json::array();
  std::string more;
  for (Json& group : groups_of(plan, bounds, [](const Check& check) { return check.stops(); })) {
    for (Json& check : group["checks"]) checks.push_back(std::move(check));
    const std::string left_out = string_at(group, "more");
    if (left_out.empty()) continue;
    more += (more.empty() ? "" : "; ") + string_at(group, "code") + ": " + left_out;
  }
  if (checks.empty()) return nullptr;
  return {
      {"checks", std::move(checks)},
      {"more",   more             }
  };
}

Json checks_of(const Plan& plan, const PageBounds& bounds) {
  Json groups = groups_of(plan, bounds, [](const Check& check) { return !check.stops(); });
  if (groups.empty() && plan.checks_omitted == 0) return nullptr;
  const auto omitted = static_cast<std::size_t>(plan.checks_omitted);
  const std::string more = more_text(omitted, "check", "gatelift plan -o json lists them");
  std::size_t count = 0;
  for (const Json& group : groups) count += group.at("count").get<std::size_t>();
  const std::string summary =
      num(count, "check") + (count == 1 ? " that does not stop it." : " that do not stop it.");
  return {
      {"summary", summary          },
      {"groups",  std::move(groups)},
      {"more",    more             }
  };
}

Json steps_of(const Report& report) {
  Json items = Json::array();
  for (const NextStep& step : next_steps(report)) {
    items.push_back({
        {"text",    step.text   },
        {"command", step.command}
    });
  }
  if (items.empty()) return nullptr;
  return {
      {"items", std::move(items)}
  };
}

/// Links to the parts that the page has.
Json parts_of(const Json& values) {
  static constexpr std::array<std::array<const char*, 3>, 9> kParts{
      {{"stopping", "stopping", "What stops it"},
       {"steps", "next", "What to do"},
       {"crds", "crds", "CRDs"},
       {"strategies", "strategies", "Strategies"},
       {"objects", "objects", "Objects"},
       {"failures", "failures", "Failures"},
       {"changes", "changes", "Changes"},
       {"checks", "checks", "Checks"},
       {"timeline", "timeline", "Timeline"}}
  };
  Json parts = Json::array();
  for (const auto& [key, id, title] : kParts) {
    if (find(values, key) == nullptr) continue;
    parts.push_back({
        {"id",    id   },
        {"title", title}
    });
  }
  return parts;
}

}  // namespace

Json page_values(const Report& report, const PageBounds& bounds) {
  const Record& record = report.record;
  const bool is_plan = report.migration.empty();
  Json values = {
      {"kicker",   is_plan ? "gatelift plan" : "gatelift report"},
      {"name",     is_plan ? "Plan" : report.migration          },
      {"headline", headline_of(report)                          },
      {"tone",     tone_of(report)                              },
      {"message",  report.message                               }
  };
  values["facts"] = facts_of(report);
  values["steps"] = steps_of(report);
  values["crds"] = page::crds_of(report);
  values["objects"] = page::objects_of(report, bounds);
  values["failures"] = page::failures_of(report, bounds);
  values["changes"] = page::changes_of(report, bounds);
  values["timeline"] = page::timeline_of(record);
  values["made"] = "Made by gatelift, " + format_time(report.made_at);
  std::string title = values["name"].get<std::string>();
  if (record.plan) {
    values["route"] = {
        {"from", record.plan->from.display()},
        {"to",   record.plan->to.display()  }
    };
    values["stopping"] = stopping_of(*record.plan, bounds);
    values["checks"] = checks_of(*record.plan, bounds);
    values["strategies"] = page::strategies_of(*record.plan);
    title += ": " + record.plan->from.display() + " to " + record.plan->to.display();
  }
  values["title"] = title + " – gatelift";
  values["parts"] = parts_of(values);
  return values;
}

}  // namespace gatelift
