// SPDX-License-Identifier: Apache-2.0
#include "controller/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <sstream>
#include <utility>

#include "controller/exit_code.h"
#include "reconcilers/duration.h"

namespace gatelift {
namespace {

constexpr const char* kDefaultBundles = "/usr/share/gatelift/bundles";

const std::map<std::string, Output> kOutputs{
    {"text", Output::Text    },
    {"json", Output::JsonText},
    {"yaml", Output::YamlText}
};
/// Of commands whose result is a document.
const std::map<std::string, Output> kPageOutputs{
    {"text", Output::Text    },
    {"json", Output::JsonText},
    {"yaml", Output::YamlText},
    {"html", Output::Html    }
};
const std::map<std::string, LogFormat> kLogFormats{
    {"text", LogFormat::Text     },
    {"json", LogFormat::JsonLines}
};
const std::map<std::string, LogLevel> kLogLevels{
    {"debug", LogLevel::Debug},
    {"info",  LogLevel::Info },
    {"warn",  LogLevel::Warn },
    {"error", LogLevel::Error}
};
const std::map<std::string, Strategy> kStrategies{
    {"Recreate", Strategy::Recreate},
    {"InPlace",  Strategy::InPlace }
};
const std::map<std::string, Hold> kHolds{
    {"None",        Hold::None       },
    {"Approval",    Hold::Approval   },
    {"UntilUnused", Hold::UntilUnused}
};
const std::map<std::string, OnFailure> kOnFailures{
    {"Halt",     OnFailure::Halt    },
    {"Rollback", OnFailure::Rollback}
};

/// Takes the value of a fallible parser, or makes CLI11 refuse the argument with its message.
template <typename T>
T or_refuse(Result<T> parsed) {
  if (!parsed) throw CLI::ValidationError(parsed.error().message);
  return *std::move(parsed);
}

/// The flags' values go into `options`; what is left to do with them is done in finish().
class Grammar {
 public:
  explicit Grammar(std::string program) : app_("", program) {
    options_.program = std::move(program);
    app_.description(
        "Moves a cluster from one Gateway API bundle to another and loses nothing on the way.");
    app_.footer("Run \"" + options_.program +
                " COMMAND --help\" for a command's flags and examples.");
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "gatelift " GATELIFT_VERSION, "Print the version");
    add_controller();
    add_plan();
    add_migrate();
    add_status();
    add_report();
    add_rollback();
    add_backup();
    add_bundles();
    add_version();
  }

  CLI::App& app() { return app_; }
  Options& options() { return options_; }

  void finish(const Environment& env) {
    if (!to_.empty()) options_.spec.target = or_refuse(parse_bundle_ref(to_));
    if (!timeout_.empty()) options_.timeout = or_refuse(parse_duration(timeout_));
    if (!retain_.empty()) {
      options_.spec.retain =
          std::chrono::ceil<std::chrono::hours>(or_refuse(parse_duration(retain_)));
    }
    if (!strategy_.empty()) options_.spec.strategy = kStrategies.at(strategy_);
    if (!hold_.empty()) options_.spec.hold = held_by(hold_, options_.spec.strategy);
    if (!unused_for_.empty()) options_.spec.unused_for = unused_for(options_.spec.hold);
    if (!on_failure_.empty()) options_.spec.on_failure = kOnFailures.at(on_failure_);
    for (const std::string& text : accept_) options_.spec.accept.push_back(consent(text));
    for (const std::string& path : bundles_) options_.bundles.emplace_back(path);
    if (options_.bundles.empty()) options_.bundles = default_bundles(env);
    options_.directory = directory_;
    options_.file = file_;
    const bool needs_target =
        options_.command == Command::Plan || options_.command == Command::Migrate;
    if (needs_target && to_.empty() && file_.empty()) throw CLI::RequiredError("--to or --file");
    if (needs_target && options_.name.empty() && !to_.empty()) {
      options_.name = default_migration_name(options_.spec.target);
    }
  }

 private:
  static Hold held_by(const std::string& hold, Strategy strategy) {
    if (strategy != Strategy::InPlace) {
      throw CLI::ValidationError(
          "--hold has no effect with strategy Recreate: add --strategy InPlace, or leave out "
          "--hold");
    }
    return kHolds.at(hold);
  }

  std::chrono::milliseconds unused_for(Hold hold) const {
    if (hold != Hold::UntilUnused) {
      throw CLI::ValidationError(
          "--unused-for has no effect without --hold UntilUnused: add it, or leave out "
          "--unused-for");
    }
    return or_refuse(parse_duration(unused_for_));
  }

  static Consent consent(const std::string& text) {
    std::istringstream parts(text);
    Consent consent;
    std::getline(parts, consent.check, ',');
    std::getline(parts, consent.object, ',');
    std::getline(parts, consent.field);
    // A field may have commas in it; a resolution is a word in CamelCase.
    const auto comma = consent.field.rfind(',');
    const std::string last = comma == std::string::npos ? "" : consent.field.substr(comma + 1);
    const bool is_word = std::ranges::all_of(last, [](char c) { return std::isalpha(c) != 0; });
    if (!last.empty() && is_word && std::isupper(last.front()) != 0) {
      consent.resolution = last;
      consent.field.resize(comma);
    }
    if (consent.check.empty()) {
      throw CLI::ValidationError("--accept: want CHECK,OBJECT,FIELD[,RESOLUTION]");
    }
    return consent;
  }

  static std::vector<std::filesystem::path> default_bundles(const Environment& env) {
    const char* from_env = env("GATELIFT_BUNDLES");
    std::vector<std::filesystem::path> paths;
    std::istringstream parts(from_env == nullptr ? "" : from_env);
    for (std::string path; std::getline(parts, path, ':');) {
      if (!path.empty()) paths.emplace_back(path);
    }
    if (paths.empty()) paths.emplace_back(kDefaultBundles);
    return paths;
  }

  CLI::App* command(CLI::App& parent, Command which, const char* name, const char* help,
                    std::string examples) {
    CLI::App* sub = parent.add_subcommand(name, help);
    sub->callback([this, which] { options_.command = which; });
    for (auto at = examples.find("gatelift"); at != std::string::npos;
         at = examples.find("gatelift", at + options_.program.size())) {
      if (at >= 2 && examples.compare(at - 2, 2, "  ") == 0) {
        examples.replace(at, 8, options_.program);
      }
    }
    if (!examples.empty()) sub->footer("Examples:\n" + examples);
    return sub;
  }

  void add_cluster(CLI::App* sub) {
    sub->add_option("--kubeconfig", options_.kubeconfig,
                    "Kubeconfig file (default: KUBECONFIG, then ~/.kube/config, then in-cluster)")
        ->type_name("FILE");
    sub->add_option("--context", options_.context, "Context of the kubeconfig")->type_name("NAME");
    sub->add_option("-n,--namespace", options_.ns,
                    "Namespace of the backups, reports and the lease (default: gatelift-system)")
        ->type_name("NAMESPACE");
  }

  void add_bundle_directories(CLI::App* sub) {
    sub->add_option("--bundles", bundles_,
                    "Directory of bundles, DIR/VERSION/CHANNEL/*.yaml; may be repeated\n"
                    "(default: GATELIFT_BUNDLES, then /usr/share/gatelift/bundles)")
        ->type_name("DIR")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
  }

  void add_output(CLI::App* sub) {
    sub->add_option("-o,--output", options_.output, "text, json or yaml (default: text)")
        ->transform(CLI::CheckedTransformer(kOutputs).description(""))
        ->type_name("FORMAT");
  }

  void add_page_output(CLI::App* sub) {
    sub->add_option("-o,--output", options_.output,
                    "text, json, yaml or html: one page that needs nothing else (default: text)")
        ->transform(CLI::CheckedTransformer(kPageOutputs).description(""))
        ->type_name("FORMAT");
  }

  void add_common(CLI::App* sub) {
    add_cluster(sub);
    add_bundle_directories(sub);
    add_screen(sub);
  }

  void add_screen(CLI::App* sub) {
    sub->add_flag("--no-color", options_.no_color,
                  "No colour, also on a terminal (or set NO_COLOR)");
    sub->add_flag("-q,--quiet", options_.quiet, "No progress");
  }

  void add_target(CLI::App* sub) {
    sub->add_option("--to", to_,
                    "Bundle to go to, for instance v1.1.1/experimental;\n"
                    "v1.1/experimental means the last good patch of v1.1")
        ->type_name("VERSION/CHANNEL");
    sub->add_option("--file", file_, "A release's install file to take as the target bundle")
        ->type_name("FILE");
    sub->add_option(
           "--strategy", strategy_,
           "How objects change their shape: InPlace deletes nothing, Recreate deletes them\n"
           "and makes them again (default: InPlace)")
        ->check(CLI::IsMember(kStrategies).description(""))
        ->type_name("STRATEGY");
    sub->add_option("--hold", hold_,
                    "In place, when the old version may stop being served: None\n"
                    "(at once), Approval (when spec.inPlace.hold is set to None), or UntilUnused\n"
                    "(when nobody has used it for --unused-for) (default: None)")
        ->check(CLI::IsMember(kHolds).description(""))
        ->type_name("HOLD");
    sub->add_option("--unused-for", unused_for_, "With --hold UntilUnused, how long (default: 10m)")
        ->type_name("DURATION");
    sub->add_option("--name", options_.name,
                    "Name of the GatewayAPIMigration (default: made of the target)")
        ->type_name("NAME");
    sub->add_option(
           "--accept", accept_,
           "Consent to a check: its code, object and field, as the plan shows them, and the\n"
           "resolution where it offers some; * stands for any characters; may be repeated")
        ->type_name("CHECK,OBJECT,FIELD[,RESOLUTION]")
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
  }

  void add_yes_and_timeout(CLI::App* sub) {
    sub->add_flag("-y,--yes", options_.yes, "Do not ask");
    sub->add_option(
           "--timeout", timeout_,
           "Stop following after this time; the migration can be continued (default: none)")
        ->type_name("DURATION");
  }

  void add_controller() {
    CLI::App* sub =
        command(app_, Command::Controller, "controller",
                "Run the controller: carry out GatewayAPIMigrations as they are applied",
                "  # In a cluster, with a stand-by\n"
                "  gatelift controller --leader-elect\n\n"
                "  # On a workstation, against the kubeconfig's current context\n"
                "  gatelift controller --bundles ./bundles --listen 127.0.0.1:8080\n");
    add_cluster(sub);
    add_bundle_directories(sub);
    sub->add_flag("--leader-elect", options_.leader_elect,
                  "Run beside others: a stand-by counts as ready while another one leads");
    sub->add_option("--listen", options_.listen,
                    "Address of /healthz, /readyz and /metrics; \"\" for none (default: :8080)")
        ->type_name("[HOST]:PORT");
    sub->add_option("--log-format", options_.log_format, "text or json (default: text)")
        ->transform(CLI::CheckedTransformer(kLogFormats).description(""))
        ->type_name("FORMAT");
    sub->add_option("--log-level", options_.log_level, "debug, info, warn or error (default: info)")
        ->transform(CLI::CheckedTransformer(kLogLevels).description(""))
        ->type_name("LEVEL");
  }

  void add_plan() {
    CLI::App* sub =
        command(app_, Command::Plan, "plan",
                "Show what a migration would do, and what stands in its way; write nothing",
                "  # What would v1.1.1 experimental change here?\n"
                "  gatelift plan --to v1.1.1/experimental\n\n"
                "  # The same from the release's own file, for another program to read\n"
                "  gatelift plan --file experimental-install.yaml -o json\n\n"
                "  # A page to send round, with what becomes of each object\n"
                "  gatelift plan --to v1.1.1/experimental -o html > plan.html\n\n"
                "Exit status: 0 can run (or nothing to do), 1 failed, 2 wrong call, 3 something "
                "needs a person.\n");
    add_target(sub);
    add_page_output(sub);
    add_common(sub);
  }

  void add_migrate() {
    CLI::App* sub = command(
        app_, Command::Migrate, "migrate",
        "Carry out a migration in the foreground, or continue one",
        "  # Show the plan, ask, migrate\n"
        "  gatelift migrate --to v1.1.1/experimental\n\n"
        "  # In a script\n"
        "  gatelift migrate --to v1.1.1/experimental --yes --on-failure Rollback --timeout 30m\n\n"
        "  # Run exactly the plan that was reviewed\n"
        "  gatelift migrate --to v1.1.1/experimental --approve sha256:2c26b46b...\n\n"
        "Exit status: 0 done (or nothing to do), 1 failed, 2 wrong call, 3 something needs a "
        "person.\n");
    add_target(sub);
    sub->add_option("--on-failure", on_failure_, "Halt or Rollback (default: Halt)")
        ->check(CLI::IsMember(kOnFailures).description(""))
        ->type_name("ACTION");
    sub->add_option("--approve", options_.approve, "Run only the plan of this digest; does not ask")
        ->type_name("DIGEST");
    sub->add_option("--retain", retain_, "Keep the backup this long after success (default: 720h)")
        ->type_name("DURATION");
    sub->add_flag("--dry-run", options_.dry_run, "Show the plan and write nothing, as plan does");
    add_yes_and_timeout(sub);
    add_output(sub);
    add_common(sub);
  }

  void add_status() {
    CLI::App* sub = command(app_, Command::Status, "status",
                            "Show migrations, or one of them with all that is behind its counts",
                            "  gatelift status\n"
                            "  gatelift status to-v1-1-1-experimental --watch\n");
    sub->add_option("NAME", options_.arguments, "A migration")->expected(0, 1);
    sub->add_flag("-w,--watch", options_.watch, "Go on printing changes");
    add_output(sub);
    add_common(sub);
  }

  void add_report() {
    CLI::App* sub = command(
        app_, Command::Report, "report",
        "Show all there is to say about a migration, planned, running or done, as one document",
        "  gatelift report to-v1-1-1-experimental\n\n"
        "  # A page for a browser: CRDs and objects before and after, checks, times\n"
        "  gatelift report to-v1-1-1-experimental -o html > report.html\n\n"
        "Exit status: 0 shown, 1 failed, 2 wrong call, 3 shown, and the migration needs a "
        "person.\n");
    sub->add_option("NAME", options_.arguments, "A migration (default: the only one)")
        ->expected(0, 1);
    add_page_output(sub);
    add_common(sub);
  }

  void add_rollback() {
    CLI::App* sub =
        command(app_, Command::Rollback, "rollback", "Go back to what a migration's backup holds",
                "  gatelift rollback to-v1-1-1-experimental\n");
    sub->add_option("NAME", options_.arguments, "The migration")->required()->expected(1);
    add_yes_and_timeout(sub);
    add_output(sub);
    add_common(sub);
  }

  void add_backup() {
    CLI::App* backup = app_.add_subcommand("backup", "The backups that migrations made");
    backup->require_subcommand(1);
    CLI::App* list = command(*backup, Command::BackupList, "list", "List the backups", "");
    CLI::App* show = command(*backup, Command::BackupShow, "show", "List the objects in a backup",
                             "  gatelift backup show to-v1-1-1-experimental-1a2b3c4d\n");
    show->add_option("BACKUP", options_.arguments, "The backup (default: the only one)")
        ->expected(0, 1);
    CLI::App* save = command(*backup, Command::BackupExport, "export",
                             "Write a backup's objects as YAML files: crd/, original/, intended/",
                             "  gatelift backup export ./before-v1.1\n");
    save->add_option("DIR", directory_, "A directory that does not exist yet, or is empty")
        ->required();
    save->add_option("BACKUP", options_.arguments, "The backup (default: the only one)")
        ->expected(0, 1);
    CLI::App* verify = command(*backup, Command::BackupVerify, "verify",
                               "Read backups and compare every byte with its digest",
                               "  gatelift backup verify\n");
    verify->add_option("BACKUP", options_.arguments, "Backups (default: all)");
    for (CLI::App* sub : {list, show, save, verify}) {
      add_output(sub);
      add_cluster(sub);
      add_screen(sub);
    }
  }

  void add_bundles() {
    CLI::App* bundles = app_.add_subcommand("bundles", "The bundles that can be gone to");
    bundles->require_subcommand(1);
    CLI::App* list = command(*bundles, Command::BundlesList, "list", "List the bundles", "");
    CLI::App* show = command(*bundles, Command::BundlesShow, "show", "Show one bundle's CRDs",
                             "  gatelift bundles show v1.1.1/experimental\n");
    show->add_option("BUNDLE", options_.arguments, "VERSION/CHANNEL")->expected(0, 1);
    show->add_option("--file", file_, "A release's install file")->type_name("FILE");
    CLI::App* diff =
        command(*bundles, Command::BundlesDiff, "diff",
                "Show what changed between two bundles, and what upstream's policy says to it",
                "  gatelift bundles diff v1.5.0/standard v1.5.1/standard\n\n"
                "Exit status: 0 nothing violates the versioning policy, 1 failed, 2 wrong call, "
                "3 something does.\n");
    diff->add_option("BUNDLES", options_.arguments, "From and to, each VERSION/CHANNEL")
        ->required()
        ->expected(2);
    CLI::App* identify = command(*bundles, Command::BundlesIdentify, "identify",
                                 "Show which bundles the cluster's CRDs are of, by their content",
                                 "  gatelift bundles identify\n"
                                 "  gatelift bundles identify --file crds.yaml -o json\n");
    identify->add_option("--file", file_, "CRDs to look at in place of the cluster's")
        ->type_name("FILE");
    add_output(identify);
    add_common(identify);
    for (CLI::App* sub : {list, show, diff}) {
      sub->add_flag("--local", options_.local, "Only directories: do not ask the cluster");
      add_output(sub);
      add_common(sub);
    }
    CLI::App* verify = command(*bundles, Command::BundlesVerify, "verify",
                               "Compare bundles with what the catalogue.json beside them pins",
                               "  gatelift bundles verify --bundles ./bundles\n\n"
                               "Exit status: 0 no bundle differs, 1 one does, 2 wrong call.\n");
    add_output(verify);
    add_bundle_directories(verify);
    add_screen(verify);
  }

  void add_version() {
    CLI::App* version = command(app_, Command::Version, "version", "Print the version", "");
    add_output(version);
    CLI::App* completion = command(app_, Command::Completion, "completion",
                                   "Print a completion script for bash or zsh",
                                   "  source <(gatelift completion bash)\n");
    completion->add_option("SHELL", options_.shell, "bash or zsh")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}).description(""));
  }

  Options options_;
  CLI::App app_;
  std::string to_;
  std::string file_;
  std::string directory_;
  std::string timeout_;
  std::string retain_;
  // As text: the argument parser would find our own to_string() for these enums, which is not what
  // it needs.
  std::string strategy_;
  std::string hold_;
  std::string unused_for_;
  std::string on_failure_;
  std::vector<std::string> accept_;
  std::vector<std::string> bundles_;
};

std::string program_name(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename();
  return name == "kubectl-gatelift" ? "kubectl gatelift" : "gatelift";
}

/// The command whose arguments were wrong: the innermost one that was named.
const CLI::App* innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (true) {
    const auto named = at->get_subcommands();
    if (named.empty()) return at;
    at = named.back();
  }
}

std::string path_of(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* parent = app.get_parent(); parent != nullptr;
       parent = parent->get_parent()) {
    path = parent->get_name() + " " + path;
  }
  return path;
}

ParsedArguments refused(const CLI::ParseError& error, const CLI::App& app) {
  ParsedArguments parsed;
  parsed.exit_code = static_cast<int>(ExitCode::Usage);
  const CLI::App* command = innermost(app);
  parsed.err = "error: " + std::string(error.what()) + "\n" + "Usage: " + path_of(*command) +
               " [flags]\n" + "Run \"" + path_of(*command) +
               " --help\" for its flags and examples.\n";
  return parsed;
}

}  // namespace

ParsedArguments parse_arguments(const std::vector<std::string>& arguments, const Environment& env) {
  Grammar grammar(program_name(arguments.empty() ? "" : arguments.front()));
  std::vector<std::string> reversed;  // as CLI11 takes them
  if (!arguments.empty()) reversed.assign(arguments.rbegin(), arguments.rend() - 1);
  ParsedArguments parsed;
  try {
    grammar.app().parse(reversed);
    grammar.finish(env);
    parsed.options = grammar.options();
  } catch (const CLI::Success& success) {  // --help, --version
    std::ostringstream out;
    grammar.app().exit(success, out, out);
    parsed.out = out.str();
  } catch (const CLI::ParseError& error) {
    return refused(error, grammar.app());
  }
  return parsed;
}

std::vector<CommandWords> command_words() {
  Grammar grammar("gatelift");
  std::vector<CommandWords> all;
  const std::function<void(const CLI::App&, const std::string&)> visit =
      [&](const CLI::App& app, const std::string& path) {
        CommandWords words;
        words.path = path;
        for (const CLI::Option* option : app.get_options()) {
          for (const std::string& name : option->get_lnames()) words.flags.push_back("--" + name);
        }
        const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
        for (const CLI::App* sub : commands) words.subcommands.push_back(sub->get_name());
        all.push_back(std::move(words));
        for (const CLI::App* sub : commands) {
          visit(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name());
        }
      };
  visit(grammar.app(), "");
  return all;
}

}  // namespace gatelift
