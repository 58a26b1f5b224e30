// SPDX-License-Identifier: Apache-2.0
// What page.html is filled with: objects, what became of them, and when.
#include <algorithm>
#include <map>
#include <utility>

#include "reconcilers/report/page_parts.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

using page::kHasAll;
using page::more_text;
using page::num;
using page::number;

std::string tone_of(const ObjectReport& object) {
  if (object.outcome == "missing" || object.outcome == "differs") return "bad";
  return object.outcome == "skipped" ? "warn" : "";
}

struct KindRows {
  Json rows = Json::array();
  std::size_t count = 0;
  std::map<std::string, std::size_t> outcomes;
};

/// Of each kind first those that need a look, then those that are as intended.
Json kinds_of(const Report& report, const PageBounds& bounds) {
  std::map<std::pair<std::string, bool>, KindRows> kinds;
  for (const ObjectReport& object : report.objects) {
    const std::string tone = tone_of(object);
    KindRows& kind = kinds[{object.object.substr(0, object.object.find('/')), tone.empty()}];
    ++kind.outcomes[object.outcome];
    if (kind.count++ >= bounds.objects_per_kind) continue;
    kind.rows.push_back({
        {"object",  object.object },
        {"outcome", object.outcome},
        {"detail",  object.detail },
        {"tone",    tone          }
    });
  }
  Json list = Json::array();
  for (auto& [key, kind] : kinds) {
    std::string outcomes;
    for (const auto& [outcome, count] : kind.outcomes) {
      outcomes += (outcomes.empty() ? "" : ", ") + number(count) + " " + outcome;
    }
    const std::string more = more_text(kind.count - kind.rows.size(), "object",
                                       "gatelift report " + report.migration + " shows all");
    list.push_back({
        {"kind",        key.first                      },
        {"as_intended", key.second                     },
        {"open",        !key.second || kind.count <= 10},
        {"summary",     outcomes                       },
        {"rows",        std::move(kind.rows)           },
        {"more",        more                           }
    });
  }
  return list;
}

Json diff_lines_of(const std::string& text) {
  Json lines = Json::array();
  for (const std::string_view line : lines_of(text)) {
    const char first = line.empty() ? ' ' : line.front();
    const char* kind = first == '+' ? "add" : first == '-' ? "del" : first == '@' ? "gap" : "same";
    const std::string text_of_line = (first == '@' ? "⋮" : std::string(line)) + "\n";
    lines.push_back({
        {"class", kind        },
        {"text",  text_of_line}
    });
  }
  return lines;
}

Json fields_of(const std::vector<FieldChange>& changes) {
  if (changes.empty()) return nullptr;
  Json rows = Json::array();
  for (const FieldChange& change : changes) {
    rows.push_back({
        {"change",  to_string(change.kind)},
        {"field",   change.field          },
        {"to",      change.to             },
        {"value",   change.value          },
        {"because", change.because        },
        {"secured", change.is_secured     }
    });
  }
  return {
      {"rows", std::move(rows)}
  };
}

}  // namespace

Json page::objects_of(const Report& report, const PageBounds& bounds) {
  Json rows = Json::array();
  for (const CrdProgress& crd : report.record.crds) {
    if (crd.objects.found == 0) continue;
    rows.push_back({
        {"plural",    page::plural_of(crd.name)},
        {"group",     page::group_of(crd.name) },
        {"found",     crd.objects.found        },
        {"done",      crd.objects.done         },
        {"unchanged", crd.objects.unchanged    },
        {"skipped",   crd.objects.skipped      },
        {"failed",    crd.objects.failed       }
    });
  }
  if (report.objects.empty() && rows.empty()) return nullptr;
  Json counts;
  if (!rows.empty()) counts["rows"] = std::move(rows);
  Json kinds = kinds_of(report, bounds);
  const std::string where = "gatelift backup show " + report.record.backup.ref + " lists them";
  const std::string more =
      more_text(static_cast<std::size_t>(report.objects_omitted), "object", where);
  return {
      {"counts", std::move(counts)},
      {"kinds",  std::move(kinds) },
      {"more",   more             }
  };
}

Json page::failures_of(const Report& report, const PageBounds& bounds) {
  const std::vector<Failure>& failures = report.record.failures;
  if (failures.empty() && report.failures_omitted == 0) return nullptr;
  Json rows = Json::array();
  for (const Failure& failure : failures) {
    if (rows.size() == bounds.failures) break;
    rows.push_back({
        {"object", failure.object },
        {"reason", failure.reason },
        {"text",   failure.message}
    });
  }
  const std::string more = more_text(failures.size() - rows.size(), "failure", kHasAll);
  const auto omitted = static_cast<std::size_t>(report.failures_omitted);
  const std::string no_room = more_text(omitted, "failure", kNoRoom);
  return {
      {"rows",    std::move(rows)},
      {"more",    more           },
      {"no_room", no_room        }
  };
}

Json page::changes_of(const Report& report, const PageBounds& bounds) {
  const std::vector<ObjectDiff>& diffs = report.details.diffs;
  if (diffs.empty() && report.details.diffs_omitted == 0) return nullptr;
  Json list = Json::array();
  std::size_t bytes = 0;
  for (const ObjectDiff& diff : diffs) {
    bytes += diff.text.size();
    if (list.size() == bounds.diffs || bytes > bounds.diff_bytes) break;
    std::string summary = "+" + std::to_string(diff.added) + " −" + std::to_string(diff.removed);
    if (!diff.changes.empty()) summary += ", " + num(diff.changes.size(), "field");
    list.push_back({
        {"object",    diff.object             },
        {"summary",   summary                 },
        {"open",      list.empty()            },
        {"fields",    fields_of(diff.changes) },
        {"has_lines", !diff.text.empty()      },
        {"lines",     diff_lines_of(diff.text)}
    });
  }
  const std::size_t more =
      diffs.size() - list.size() + static_cast<std::size_t>(report.details.diffs_omitted);
  const std::string left_out = more_text(more, "object", all_diffs_command(report) + " has all");
  const char* intro = "Each object before and after, without what the API server keeps itself.";
  return {
      {"intro", intro          },
      {"diffs", std::move(list)},
      {"more",  left_out       }
  };
}

Json page::timeline_of(const Record& record) {
  const std::vector<TimelineEntry> entries = gatelift::timeline_of(record);
  if (entries.empty()) return nullptr;
  Json rows = Json::array();
  for (const TimelineEntry& entry : entries) {
    const std::string since = "+" + duration_text(entry.at - entries.front().at);
    Json row = {
        {"iso",  format_micro_time(entry.at)},
        {"at",   precise_time(entry.at)     },
        {"what", entry.what                 }
    };
    if (has_milliseconds(entry.at)) row["since"] = since;
    rows.push_back(std::move(row));
  }
  return {
      {"rows", std::move(rows)}
  };
}

}  // namespace gatelift
