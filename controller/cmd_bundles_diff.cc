// SPDX-License-Identifier: Apache-2.0
// bundles diff: what changed from one bundle to another, and whether upstream's policy allows it.
#include <algorithm>
#include <iterator>
#include <map>
#include <ostream>

#include "controller/commands.h"
#include "controller/diff_printer.h"
#include "reconcilers/bundle/release_rules.h"

namespace gatelift {
namespace {

/// nullopt where nobody has the bundle; one that is there and cannot be read is an error.
Result<std::optional<Bundle>> load_if_there(const BundleSources& sources, const BundleRef& ref) {
  auto bundle = sources.load(ref);
  if (bundle) return std::optional(*std::move(bundle));
  if (bundle.error().is(ErrorKind::NotFound)) return std::optional<Bundle>();
  return fail(bundle.error());
}

Result<Bundle> load_named(const BundleSources& sources, const std::string& name) {
  ASSIGN_OR_RETURN(const BundleRef ref, parse_bundle_ref(name));
  return sources.load(ref);
}

const Bundle* pointer_to(const std::optional<Bundle>& bundle) {
  return bundle ? &*bundle : nullptr;
}

/// What the catalogue beside the bundle says of it.
std::vector<ReleaseFinding> check_alone(const BundleSources& sources, const Bundle& bundle) {
  const auto catalogued = sources.catalogued();
  const auto found = std::ranges::find(catalogued, bundle.source, &CataloguedBundle::place);
  return check_release(bundle, found == catalogued.end() ? nullptr : &*found);
}

/// Of a channel that is neither of the two nothing is said.
Result<std::vector<ReleaseFinding>> check_siblings(const BundleSources& sources,
                                                   const Bundle& bundle) {
  const bool is_standard = bundle.ref.channel == "standard";
  if (!is_standard && bundle.ref.channel != "experimental") return std::vector<ReleaseFinding>();
  const BundleRef sibling{bundle.ref.version, is_standard ? "experimental" : "standard"};
  ASSIGN_OR_RETURN(const std::optional<Bundle> other, load_if_there(sources, sibling));
  return check_channels(bundle.ref.version, is_standard ? &bundle : pointer_to(other),
                        is_standard ? pointer_to(other) : &bundle);
}

Result<BundleComparison> compare(const BundleSources& sources, const Bundle& from,
                                 const Bundle& to) {
  BundleComparison comparison{diff_bundles(from, to), step_between(from.ref, to.ref), {}};
  std::optional<Bundle> before;
  if (const auto ref = previous_experimental(to.ref)) {
    ASSIGN_OR_RETURN(before, load_if_there(sources, *ref));
  }
  judge(comparison.diff, {from, to, pointer_to(before)});
  ASSIGN_OR_RETURN(comparison.releases, check_siblings(sources, from));
  if (from.ref.version != to.ref.version) {
    ASSIGN_OR_RETURN(auto more, check_siblings(sources, to));
    std::ranges::move(more, std::back_inserter(comparison.releases));
  }
  std::ranges::move(check_alone(sources, from), std::back_inserter(comparison.releases));
  if (from.ref != to.ref) {
    std::ranges::move(check_alone(sources, to), std::back_inserter(comparison.releases));
  }
  return comparison;
}

}  // namespace

Result<ExitCode> run_bundles_diff(const Options& options, Terminal& terminal,
                                  const BundleSources& sources) {
  ASSIGN_OR_RETURN(const Bundle from, load_named(sources, options.arguments.at(0)));
  ASSIGN_OR_RETURN(const Bundle to, load_named(sources, options.arguments.at(1)));
  ASSIGN_OR_RETURN(const BundleComparison comparison, compare(sources, from, to));
  if (options.output == Output::Text) {
    terminal.out << diff_text(comparison, terminal.color && terminal.out_is_terminal);
  } else {
    print_data(terminal, options.output, diff_json(comparison));
  }
  return violates_policy(comparison) ? ExitCode::Blocked : ExitCode::Done;
}

}  // namespace gatelift
