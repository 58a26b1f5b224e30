// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_discovery.h"

#include <algorithm>
#include <map>

#include "test/support/api_error.h"

namespace gatelift::fake {
namespace {

using Kinds = std::vector<std::shared_ptr<const Kind>>;

Json groups(const Kinds& kinds) {
  std::map<std::string, Json> versions;  // by group
  for (const auto& kind : kinds) {
    if (kind->group.empty()) continue;
    for (const KindVersion& version : kind->versions) {
      Json entry = {
          {"groupVersion", kind->api_version(version.name)},
          {"version",      version.name                   }
      };
      Json& known = versions[kind->group];
      if (known.is_null()) known = Json::array();
      if (version.served && std::find(known.begin(), known.end(), entry) == known.end()) {
        known.push_back(std::move(entry));
      }
    }
  }
  Json list = {
      {"kind",       "APIGroupList"},
      {"apiVersion", "v1"          },
      {"groups",     Json::array() }
  };
  for (const auto& [group, known] : versions) {
    if (known.empty()) continue;
    list["groups"].push_back({
        {"name",             group        },
        {"versions",         known        },
        {"preferredVersion", known.front()}
    });
  }
  return list;
}

Json verbs_of(const Kind& kind) {
  if (kind.plural == resources::kSelfSubjectAccessReviews.plural) return Json::array({"create"});
  return Json::array({"create", "delete", "get", "list", "patch", "update", "watch"});
}

Result<Json> resources_at(const Kinds& kinds, const std::string& group_version) {
  Json list = {
      {"kind",         "APIResourceList"},
      {"apiVersion",   "v1"             },
      {"groupVersion", group_version    },
      {"resources",    Json::array()    }
  };
  for (const auto& kind : kinds) {
    for (const KindVersion& version : kind->versions) {
      if (!version.served || kind->api_version(version.name) != group_version) continue;
      list["resources"].push_back({
          {"name",       kind->plural    },
          {"namespaced", kind->namespaced},
          {"kind",       kind->kind      },
          {"verbs",      verbs_of(*kind) }
      });
      if (!version.has_status) continue;
      list["resources"].push_back({
          {"name",       kind->plural + "/status"               },
          {"namespaced", kind->namespaced                       },
          {"kind",       kind->kind                             },
          {"verbs",      Json::array({"get", "patch", "update"})}
      });
    }
  }
  if (list["resources"].empty()) return fail(not_served());
  return list;
}

}  // namespace

Result<Json> discovery(const Kinds& kinds, const std::string& path) {
  if (path == "/api")
    return Json{
        {"kind",     "APIVersions"      },
        {"versions", Json::array({"v1"})}
    };
  if (path == "/version") {
    return Json{
        {"major", "1" },
        {"minor", "36"}
    };
  }
  if (path == "/apis") return groups(kinds);
  if (path.starts_with("/api/")) return resources_at(kinds, path.substr(5));
  if (path.starts_with("/apis/")) return resources_at(kinds, path.substr(6));
  return fail(not_served());
}

}  // namespace gatelift::fake
