// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/version_use.h"

#include <algorithm>
#include <array>
#include <utility>

#include "client/request.h"

namespace gatelift {
namespace {

constexpr std::size_t kMaxRemembered = 200;
constexpr std::size_t kMaxNamed = 10;

/// The API server writes in its own name, and puts what was there before the first server-side
/// apply under before-first-apply.
constexpr std::array<std::string_view, 3> kNobody{"kube-apiserver", "before-first-apply",
                                                  kFieldManager};

std::string served_versions(const CrdSummary& crd) {
  std::string text;
  for (const CrdVersion& version : crd.versions) {
    if (version.served) text += (text.empty() ? "" : ", ") + version.name;
  }
  return text;
}

std::string counted(int objects) {
  return objects == 1 ? "1 object" : std::to_string(objects) + " objects";
}

/// Its counters since it started: the only place where readers show, for each API server by itself.
std::string counters_command(const std::string& plural, const std::string& version) {
  return "kubectl get --raw /metrics | grep 'apiserver_request_total.*resource=\"" + plural +
         "\".*version=\"" + version + "\"'";
}

}  // namespace

std::vector<std::string> leaving_versions(const CrdSummary& live, const CrdSummary* target) {
  std::vector<std::string> leaving;
  if (target == nullptr || target->name != live.name) return leaving;
  for (const CrdVersion& version : live.versions) {
    const CrdVersion* kept = target->version(version.name);
    if (version.served && (kept == nullptr || !kept->served)) leaving.push_back(version.name);
  }
  return leaving;
}

VersionUse::VersionUse(const CrdSummary& live, const CrdSummary* target)
    : crd_(live.name),
      group_(live.group),
      plural_(live.plural),
      served_(target == nullptr ? "" : served_versions(*target)) {
  for (std::string& version : leaving_versions(live, target)) leaving_[std::move(version)];
}

void VersionUse::see(const Json& object) {
  if (leaving_.empty()) return;
  ++objects_;
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    const std::string api_version = string_at(entry, "apiVersion");
    if (group_of_api_version(api_version) != group_) continue;
    const auto managers = leaving_.find(version_of_api_version(api_version));
    const std::string name = string_at(entry, "manager");
    if (managers == leaving_.end() || name.empty()) continue;
    if (std::ranges::find(kNobody, name) == kNobody.end()) note(managers->second, name, entry);
  }
}

void VersionUse::note(Managers& managers, const std::string& name, const Json& entry) {
  Writes& writes = managers.by_name[name];
  if (writes.last_object != objects_) ++writes.objects;
  writes.last_object = objects_;
  if (std::string time = string_at(entry, "time"); writes.operation.empty() || writes.time < time) {
    writes.time = std::move(time);
    writes.operation = string_at(entry, "operation");
    writes.subresource = string_at(entry, "subresource");
  }
  if (managers.by_name.size() <= kMaxRemembered) return;
  managers.forgot_some = true;
  managers.by_name.erase(std::ranges::min_element(
      managers.by_name, {}, [](const auto& each) { return each.second.time; }));
}

void VersionUse::report(Findings& findings) const {
  for (const auto& [version, managers] : leaving_) findings.add(check_of(version, managers));
}

Check VersionUse::check_of(const std::string& version, const Managers& managers) const {
  const std::string field = "spec.versions[" + version + "]";
  const std::string goes =
      "the target does not serve " + version + " any more (it serves " + served_ + "), ";
  if (managers.by_name.empty()) {
    return {"VersionClients",
            Severity::Note,
            crd_display(crd_),
            field,
            goes + "and who uses it is unknown: managedFields of " + counted(objects_) +
                " name nobody, and who only reads leaves no trace there. Controllers bound to " +
                version + " stop working; each API server's counters tell whether there are any: " +
                counters_command(plural_, version),
            "",
            false};
  }
  std::vector<std::pair<std::string, Writes>> newest(managers.by_name.begin(),
                                                     managers.by_name.end());
  std::ranges::stable_sort(
      newest, [](const auto& a, const auto& b) { return a.second.time > b.second.time; });
  std::string named;
  for (std::size_t i = 0; i < std::min(newest.size(), kMaxNamed); ++i) {
    const auto& [name, writes] = newest[i];
    named += (i == 0 ? "" : "; ") + name + " (" + writes.operation +
             (writes.subresource.empty() ? "" : " of " + writes.subresource) + ", last " +
             (writes.time.empty() ? "at an unknown time" : writes.time) + ", " +
             counted(writes.objects) + ")";
  }
  if (newest.size() > kMaxNamed) {
    named += (managers.forgot_some ? "; and at least " : "; and ") +
             std::to_string(newest.size() - kMaxNamed) + " more";
  }
  return {
      "VersionClients",
      Severity::Warning,
      crd_display(crd_),
      field,
      goes + "and these have written objects at it: " + named,
      "upgrade each of them to a build that uses a version which stays (its release notes say "
      "which), or change the apiVersion of the manifests that it applies; who only reads is not "
      "among them, see " +
          counters_command(plural_, version),
      false};
}

}  // namespace gatelift
