// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/report_json.h"

#include "reconcilers/json_reader.h"
#include "reconcilers/migration_json.h"

namespace gatelift {
namespace {

constexpr std::array kChangeKinds{FieldChange::Kind::Moved, FieldChange::Kind::Repaired,
                                  FieldChange::Kind::Dropped};

Json state_json(const std::optional<CrdState>& state) {
  if (!state) return nullptr;
  Json versions = Json::array();
  for (const CrdVersion& version : state->versions) {
    versions.push_back({
        {"name",    version.name   },
        {"served",  version.served },
        {"storage", version.storage}
    });
  }
  return {
      {"bundle",         state->bundle         },
      {"versions",       std::move(versions)   },
      {"storedVersions", state->stored_versions},
      {"digest",         state->digest         }
  };
}

Json crd_json(const ReportedCrd& crd) {
  return {
      {"crd",    crd.crd               },
      {"kind",   crd.kind              },
      {"before", state_json(crd.before)},
      {"after",  state_json(crd.after) }
  };
}

Json change_json(const FieldChange& change) {
  Json json = {
      {"change", to_string(change.kind)},
      {"field",  change.field          },
      {"value",  change.value          }
  };
  if (!change.to.empty()) json["to"] = change.to;
  if (!change.because.empty()) json["because"] = change.because;
  if (change.is_secured) json["secured"] = true;
  return json;
}

Json diff_json(const ObjectDiff& diff) {
  Json changes = Json::array();
  for (const FieldChange& change : diff.changes) changes.push_back(change_json(change));
  return {
      {"object",  diff.object       },
      {"changes", std::move(changes)},
      {"removed", diff.removed      },
      {"added",   diff.added        },
      {"diff",    diff.text         }
  };
}

Json objects_json(const std::vector<ObjectReport>& objects) {
  Json json = Json::array();
  for (const ObjectReport& object : objects) {
    Json each = {
        {"object",  object.object },
        {"outcome", object.outcome}
    };
    if (!object.detail.empty()) each["detail"] = object.detail;
    json.push_back(std::move(each));
  }
  return json;
}

std::optional<CrdState> read_state(const JsonReader& in, const char* key) {
  if (!in.has(key)) return std::nullopt;
  const JsonReader at = in.at(key);
  CrdState state;
  at.read("bundle", state.bundle);
  at.read("storedVersions", state.stored_versions);
  at.read("digest", state.digest);
  at.each("versions", [&](const JsonReader& each) {
    CrdVersion version;
    each.read("name", version.name);
    each.read("served", version.served);
    each.read("storage", version.storage);
    state.versions.push_back(std::move(version));
  });
  return state;
}

FieldChange read_change(const JsonReader& in) {
  FieldChange change;
  in.read("change", change.kind, kChangeKinds);
  in.read("field", change.field);
  in.read("to", change.to);
  in.read("value", change.value);
  in.read("because", change.because);
  in.read("secured", change.is_secured);
  return change;
}

PlanDetails read_details(const JsonReader& in) {
  PlanDetails details;
  in.each("crds", [&](const JsonReader& each) {
    ReportedCrd crd;
    each.read("crd", crd.crd);
    each.read("kind", crd.kind);
    crd.before = read_state(each, "before");
    crd.after = read_state(each, "after");
    details.crds.push_back(std::move(crd));
  });
  in.each("diffs", [&](const JsonReader& each) {
    ObjectDiff diff;
    each.read("object", diff.object);
    each.read("removed", diff.removed);
    each.read("added", diff.added);
    each.read("diff", diff.text);
    each.each("changes",
              [&](const JsonReader& change) { diff.changes.push_back(read_change(change)); });
    details.diffs.push_back(std::move(diff));
  });
  in.read("diffsOmitted", details.diffs_omitted);
  return details;
}

}  // namespace

Json report_json(const Report& report) {
  Json json = {
      {"madeAt",      format_time(report.made_at)},
      {"headline",    headline_of(report)        },
      {"needsPerson", report.needs_person        },
      {"status",      status_json(report.record,   kUnlimited)},
      {"crds",             Json::array()                                  },
      {"afterIsFound",             report.after_is_found},
      {"objects",             objects_json(report.objects)                                       },
      {"diffs",             Json::array()}
  };
  if (!report.migration.empty()) json["migration"] = report.migration;
  if (!report.uid.empty()) json["uid"] = report.uid;
  if (!report.reason.empty()) json["reason"] = report.reason;
  if (!report.message.empty()) json["message"] = report.message;
  for (const ReportedCrd& crd : report.details.crds) json["crds"].push_back(crd_json(crd));
  for (const ObjectDiff& diff : report.details.diffs) json["diffs"].push_back(diff_json(diff));
  if (report.objects_omitted > 0) json["objectsOmitted"] = report.objects_omitted;
  if (report.failures_omitted > 0) json["failuresOmitted"] = report.failures_omitted;
  if (report.details.diffs_omitted > 0) json["diffsOmitted"] = report.details.diffs_omitted;
  return json;
}

Result<Report> parse_report(const Json& json) {
  std::optional<Error> error;
  const JsonReader in(json, "report", error);
  Report report;
  in.read("migration", report.migration);
  in.read("uid", report.uid);
  std::optional<Time> made_at;
  in.read("madeAt", made_at);
  if (made_at) report.made_at = *made_at;
  in.read("reason", report.reason);
  in.read("message", report.message);
  in.read("needsPerson", report.needs_person);
  in.read("afterIsFound", report.after_is_found);
  report.details = read_details(in);
  in.each("objects", [&](const JsonReader& each) {
    ObjectReport object;
    each.read("object", object.object);
    each.read("outcome", object.outcome);
    each.read("detail", object.detail);
    report.objects.push_back(std::move(object));
  });
  in.read("objectsOmitted", report.objects_omitted);
  in.read("failuresOmitted", report.failures_omitted);
  if (error) return fail(std::move(*error));
  const Json* status = find(json, "status");
  ASSIGN_OR_RETURN(report.record, parse_status(status == nullptr ? Json::object() : *status));
  return report;
}

}  // namespace gatelift
