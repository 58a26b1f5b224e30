// SPDX-License-Identifier: Apache-2.0
// bundles list, show: what can be gone to, and what is in it. The other bundles commands begin here
// too.
#include <ostream>

#include "controller/commands.h"

namespace gatelift {
namespace {

Json version_json(const CrdVersion& version) {
  return {
      {"name",    version.name   },
      {"served",  version.served },
      {"storage", version.storage}
  };
}

std::string versions_text(const CrdSummary& crd) {
  std::string text;
  for (const CrdVersion& version : crd.versions) {
    if (!text.empty()) text += ", ";
    text += version.name;
    if (version.storage) text += " (storage)";
    if (!version.served) text += " (not served)";
  }
  return text;
}

Json bundle_json(const Bundle& bundle) {
  Json crds = Json::array();
  for (const BundleCrd& crd : bundle.crds) {
    Json versions = Json::array();
    for (const CrdVersion& version : crd.summary.versions)
      versions.push_back(version_json(version));
    crds.push_back({
        {"name",     crd.summary.name   },
        {"kind",     crd.summary.kind   },
        {"versions", std::move(versions)},
        {"digest",   crd.summary.digest }
    });
  }
  return {
      {"version",  bundle.ref.version            },
      {"channel",  bundle.ref.channel            },
      {"source",   bundle.source                 },
      {"digest",   bundle.digest                 },
      {"crds",     std::move(crds)               },
      {"policies", bundle.policy_manifests.size()}
  };
}

Result<ExitCode> run_list(const Options& options, Terminal& terminal,
                          const BundleSources& sources) {
  const auto entries = sources.list();
  if (options.output != Output::Text) {
    Json all = Json::array();
    for (const BundleSources::Entry& entry : entries) {
      all.push_back({
          {"version", entry.ref.version},
          {"channel", entry.ref.channel},
          {"source",  entry.source     },
          {"bad",     entry.known_bad  }
      });
    }
    print_data(terminal, options.output, all);
    return ExitCode::Done;
  }
  if (entries.empty()) {
    std::string places;
    for (const auto& path : options.bundles) places += " " + path.string();
    terminal.err << "No bundles found in" << places
                 << "; name a directory with --bundles, or in GATELIFT_BUNDLES.\n";
    return ExitCode::Done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const BundleSources::Entry& entry : entries) {
    rows.push_back({printable(entry.ref.display()), printable(entry.source),
                    entry.known_bad.empty() ? "" : "bad: " + printable(entry.known_bad)});
  }
  terminal.out << table({"BUNDLE", "SOURCE", "REMARK"}, rows);
  return ExitCode::Done;
}

Result<Bundle> chosen(const Options& options, const BundleSources& sources) {
  if (!options.file.empty()) return bundle_from_file(options.file);
  if (options.arguments.empty()) {
    return fail(ErrorKind::Invalid, "name a bundle, for instance v1.1.1/experimental, or a --file");
  }
  ASSIGN_OR_RETURN(const BundleRef ref, parse_bundle_ref(options.arguments.front()));
  return sources.load(ref);
}

Result<ExitCode> run_show(const Options& options, Terminal& terminal,
                          const BundleSources& sources) {
  ASSIGN_OR_RETURN(const Bundle bundle, chosen(options, sources));
  if (options.output != Output::Text) {
    print_data(terminal, options.output, bundle_json(bundle));
    return ExitCode::Done;
  }
  terminal.out << "Bundle:  " << printable(bundle.ref.display()) << "\n"
               << "Source:  " << printable(bundle.source) << "\n"
               << "Digest:  " << bundle.digest << "\n";
  for (const BundleSources::Entry& entry : sources.list()) {
    if (entry.ref == bundle.ref && !entry.known_bad.empty()) {
      terminal.out << "Bad:     " << printable(entry.known_bad) << "\n";
    }
  }
  terminal.out << "\n";
  std::vector<std::vector<std::string>> rows;
  for (const BundleCrd& crd : bundle.crds) {
    rows.push_back(
        {printable(crd.summary.name), printable(versions_text(crd.summary)), crd.summary.digest});
  }
  terminal.out << table({"CRD", "VERSIONS", "DIGEST"}, rows);
  if (!bundle.policy_manifests.empty()) {
    terminal.out << "\nand " << bundle.policy_manifests.size() << " admission policy documents\n";
  }
  return ExitCode::Done;
}

}  // namespace

Result<ExitCode> run_bundles(const Options& options, Terminal& terminal, BundleSources& sources,
                             Cluster* cluster) {
  if (cluster != nullptr && options.file.empty()) {
    const auto read = sources.read_config_maps(*cluster, options.ns);
    if (!read && !terminal.quiet) {
      terminal.err << "note: bundles in the cluster's ConfigMaps are left out: "
                   << printable(read.error().message) << "\n";
    }
  }
  if (options.command == Command::BundlesDiff) {
    return run_bundles_diff(options, terminal, sources);
  }
  if (options.command == Command::BundlesIdentify) {
    return run_bundles_identify(options, terminal, sources, cluster);
  }
  if (options.command == Command::BundlesShow) return run_show(options, terminal, sources);
  return run_list(options, terminal, sources);
}

}  // namespace gatelift
