// SPDX-License-Identifier: Apache-2.0
// bundles identify: of which bundles the CRDs of a cluster, or of a file, are.
#include <ostream>

#include "controller/commands.h"
#include "controller/installed_printer.h"
#include "reconcilers/bundle/manifest_files.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/plan/installed_state.h"

namespace gatelift {
namespace {

/// As if a file's CRDs were installed. They may be of several bundles.
Result<Installed> installed_by(const std::filesystem::path& file) {
  BundleBuilder builder({"any", "any"}, file.string());
  RETURN_IF_ERROR(add_manifest_file(builder, file));
  ASSIGN_OR_RETURN(const Bundle bundle, std::move(builder).finish());
  Installed installed;
  for (const BundleCrd& crd : bundle.crds) installed.crds.emplace(crd.summary.name, crd.summary);
  return installed;
}

/// As a plan has it.
Json state_json(const InstalledState& state) {
  Plan plan;
  plan.from = state.from;
  plan.installed = state.crds;
  Json json = plan_json(plan);
  return {
      {"from",                  std::move(json["from"])},
      { "installed", json.value("installed",    Json(Json::array()))}
  };
}

}  // namespace

Result<ExitCode> run_bundles_identify(const Options& options, Terminal& terminal,
                                      const BundleSources& sources, Cluster* cluster) {
  Installed installed;
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(installed, installed_by(options.file));
  } else {
    ASSIGN_OR_RETURN(installed, InstalledReader(*cluster).read());
  }
  Recogniser recogniser(sources);
  const InstalledState state = recognise(installed, nullptr, recogniser);
  if (options.output != Output::Text) {
    print_data(terminal, options.output, state_json(state));
    return ExitCode::Done;
  }
  terminal.out << (options.file.empty() ? "Installed: " : "Holds: ")
               << printable(from_text(state.from)) << "\n";
  if (!state.crds.empty()) terminal.out << "\n" << installed_text(state.crds);
  return ExitCode::Done;
}

}  // namespace gatelift
