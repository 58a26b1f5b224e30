// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report.h"

#include "reconcilers/backup/gzip.h"

namespace gatelift {
namespace {

constexpr std::size_t kPlainLimitBytes = 900 * 1000;

std::string seconds_text(std::chrono::milliseconds duration) {
  std::string millis = std::to_string(duration.count() % 1000);
  return std::to_string(duration.count() / 1000) + "." + std::string(3 - millis.size(), '0') +
         millis + "s";
}

/// An apply of the report's ConfigMap, with nothing in it yet.
Request config_map_request(const Run& run) {
  Request request;
  request.verb = Verb::Apply;
  request.force = true;
  request.resource = resources::kConfigMaps;
  request.key = {run.settings.ns, report_name(run.migration.name)};
  request.body = {{"apiVersion", "v1"},
                  {"kind", "ConfigMap"},
                  {"metadata",
                   {{"name", request.key.name},
                    {"namespace", request.key.ns},
                    {"labels",
                     {{"app.kubernetes.io/managed-by", "gatelift"},
                      {"gatelift.dev/migration", run.migration.name}}}}}};
  return request;
}

}  // namespace

std::string report_name(const std::string& migration) { return migration + "-report"; }

std::string report_text(const Migration& migration, const Verification& verification) {
  const Record& record = migration.record;
  const Plan& plan = *record.plan;
  std::string text = std::string(to_string(record.operation)) + " " + migration.name + ": " +
                     plan.from.display() + " to " + plan.to.display() + "\n";
  text += "plan " + plan.digest + "\n";
  if (!record.backup.ref.empty()) {
    text += "backup " + record.backup.ref + ", " + std::to_string(record.backup.objects) +
            " objects, " + record.backup.digest + "\n";
  }
  if (record.unavailable_since && record.unavailable_measured) {
    text += "absent for " + seconds_text(*record.unavailable_measured) + "\n";
  }
  text += "\nCRDs\n";
  for (const PlannedAction& action : plan.actions) {
    text += "  " + std::string(to_string(action.kind)) + " " + action.crd + ": " + action.reason + "\n";
  }
  text += "\nObjects\n";
  for (const ObjectReport& object : verification.objects) {
    text += "  " + object.object + " " + object.outcome;
    if (!object.detail.empty()) text += ": " + object.detail;
    text += "\n";
  }
  text += "\nChecks\n";
  for (const Check& check : plan.checks) {
    text += "  " + std::string(to_string(check.severity)) + " " + check.code + " " + check.object;
    if (!check.field.empty()) text += " " + check.field;
    text += ": " + check.message + "\n";
  }
  return text;
}

void write_report(Run& run, const Verification& verification) {
  std::string text = report_text(run.migration, verification);
  Request request = config_map_request(run);
  if (text.size() <= kPlainLimitBytes) {
    request.body["data"]["report.txt"] = std::move(text);
  } else {
    request.body["binaryData"]["report.txt.gz"] = base64_encode(gzip(text));
  }
  auto written = run.cluster.send(request);
  if (!written) run.log("warn", "writing the report: " + written.error().message);
}

void write_rehearsal(Run& run, std::string text) {
  Request request = config_map_request(run);
  request.field_manager = "gatelift-rehearsal";  // of its own, so that each part stays when the other is written
  request.body["data"]["rehearsal.txt"] = std::move(text);
  auto written = run.cluster.send(request);
  if (!written) run.log("warn", "writing the report of the rehearsal: " + written.error().message);
}

}  // namespace gatelift
