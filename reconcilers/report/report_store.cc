// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/report_store.h"

#include <algorithm>
#include <utility>

#include "reconcilers/backup/backup_secret.h"
#include "reconcilers/backup/gzip.h"
#include "reconcilers/report/report_html.h"
#include "reconcilers/report/report_json.h"
#include "reconcilers/report/report_text.h"

namespace gatelift {
namespace {

// A ConfigMap's data may have 1 MiB, of which the rehearsal's text may take 100 KB.
constexpr std::size_t kMaxDataBytes = 900 * 1000;
constexpr std::size_t kMaxPlainBytes = 200 * 1000;  // of one key, for people's terminals
constexpr std::size_t kMaxReportBytes = 64 * 1024 * 1024;
constexpr const char* kText = "report.txt";
constexpr const char* kJson = "report.json";
constexpr const char* kJsonGz = "report.json.gz";
constexpr const char* kHtmlGz = "report.html.gz";

std::string beginning_of(std::string text, const std::string& migration) {
  if (text.size() <= kMaxPlainBytes) return text;
  const std::size_t end = text.rfind('\n', kMaxPlainBytes) + 1;
  const auto left_out =
      std::count(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(), '\n');
  text.resize(end);
  return text + "and " + std::to_string(left_out) + " more lines; gatelift report " + migration +
         " shows them\n";
}

struct Contents {
  Json data = Json::object();
  Json binary = Json::object();  // in base64
  std::size_t bytes = 0;
};

Result<Contents> contents_of(const Report& report) {
  Contents contents;
  const std::string text = beginning_of(report_text(report), report.migration);
  const std::string json = print_json(report_json(report));
  ASSIGN_OR_RETURN(const std::string page, report_html(report));
  const std::string page_gz = gzip(page);
  contents.bytes = text.size() + page_gz.size();
  if (json.size() <= kMaxPlainBytes) {
    contents.data[kJson] = json;
    contents.bytes += json.size();
  } else {
    const std::string json_gz = gzip(json);
    contents.binary[kJsonGz] = base64_encode(json_gz);
    contents.bytes += json_gz.size();
  }
  contents.data[kText] = text;
  contents.binary[kHtmlGz] = base64_encode(page_gz);
  return contents;
}

Json empty_config_map(const std::string& ns, const std::string& migration) {
  return {
      {"apiVersion", "v1"                                                           },
      {"kind",       "ConfigMap"                                                    },
      {"metadata",
       {{"name", report_name(migration)},
        {"namespace", ns},
        {"labels",
         {{"app.kubernetes.io/managed-by", "gatelift"},
          {backup_secret::kMigrationLabel, backup_secret::label_value(migration)}}}}}
  };
}

/// `field_manager` "" is gatelift's usual one.
Result<void> write_config_map(Cluster& cluster, Json config_map, const std::string& field_manager) {
  Request request;
  request.verb = Verb::Apply;
  request.force = true;
  request.resource = resources::kConfigMaps;
  request.key = key_of(config_map);
  request.field_manager = field_manager;
  request.body = std::move(config_map);
  const auto written = cluster.send(request);
  if (!written) return fail(wrap(written.error(), "writing ConfigMap/" + request.key.display()));
  return {};
}

Result<Report> parse_contents(const Json& config_map) {
  std::string text = string_at(config_map, "data", kJson);
  if (text.empty()) {
    ASSIGN_OR_RETURN(const std::string gz,
                     base64_decode(string_at(config_map, "binaryData", kJsonGz)));
    ASSIGN_OR_RETURN(text, gunzip(gz, kMaxReportBytes));
  }
  ASSIGN_OR_RETURN(const Json json, parse_json(text));
  return parse_report(json);
}

}  // namespace

std::string report_name(const std::string& migration) {
  constexpr std::size_t kMaxNameBytes = 253;
  const std::string end = "-report";
  const bool fits = migration.size() + end.size() <= kMaxNameBytes;
  return (fits ? migration : backup_secret::label_value(migration)) + end;
}

Result<Json> report_config_map(const std::string& ns, const Report& report) {
  ReportBounds bounds;
  ASSIGN_OR_RETURN(Contents contents, contents_of(bounded(report, bounds)));
  while (contents.bytes > kMaxDataBytes) {
    bounds = {bounds.objects / 2, bounds.checks / 2, bounds.failures / 2, bounds.diffs / 2};
    ASSIGN_OR_RETURN(contents, contents_of(bounded(report, bounds)));
    if (bounds.objects == 0) break;
  }
  Json config_map = empty_config_map(ns, report.migration);
  config_map["data"] = std::move(contents.data);
  config_map["binaryData"] = std::move(contents.binary);
  return config_map;
}

Result<void> store_report(Cluster& cluster, const std::string& ns, const Report& report) {
  ASSIGN_OR_RETURN(Json config_map, report_config_map(ns, report));
  return write_config_map(cluster, std::move(config_map), "");
}

Result<void> store_rehearsal(Cluster& cluster, const std::string& ns, const std::string& migration,
                             const std::string& text) {
  Json config_map = empty_config_map(ns, migration);
  config_map["data"]["rehearsal.txt"] = text;
  // Under a name of its own each part stays when the other is written.
  return write_config_map(cluster, std::move(config_map), "gatelift-rehearsal");
}

Result<std::optional<Report>> read_report(Cluster& cluster, const std::string& ns,
                                          const std::string& migration) {
  const ObjectKey key{ns, report_name(migration)};
  ASSIGN_OR_RETURN(const auto object, get_if_exists(cluster, resources::kConfigMaps, key));
  const bool has_report = object && (find(*object, "data", kJson) != nullptr ||
                                     find(*object, "binaryData", kJsonGz) != nullptr);
  if (!has_report) return std::optional<Report>();
  auto report = parse_contents(*object);
  if (report) return std::optional(*std::move(report));
  return fail(ErrorKind::Invalid, "ConfigMap/" + key.display() +
                                      " is no report: " + report.error().message +
                                      "; next: delete it, it is written anew");
}

}  // namespace gatelift
