// SPDX-License-Identifier: Apache-2.0
#include "controller/options.h"

#include <gtest/gtest.h>

#include <sstream>

namespace gatelift {
namespace {

const char* empty_environment(const char*) { return nullptr; }

ParsedArguments parse(std::vector<std::string> arguments,
                      const Environment& env = empty_environment) {
  arguments.insert(arguments.begin(), "/usr/bin/gatelift");
  return parse_arguments(arguments, env);
}

/// The options of a call that must be right.
Options options_of(std::vector<std::string> arguments, const Environment& env = empty_environment) {
  const ParsedArguments parsed = parse(std::move(arguments), env);
  EXPECT_TRUE(parsed.options.has_value()) << parsed.err;
  return parsed.options.value_or(Options{});
}

TEST(Options, AWrongCallExitsWithTwoAndSaysHowOnStderr) {
  const std::vector<std::vector<std::string>> wrong = {
      {                     },
      {                             "--frobnicate"                     },
      {                 "frobnicate"                },
      {                             "plan"               },
      { "plan",                      "--to", "v1.1.1/experimental", "--frobnicate"},
      {                                            "plan",              "--to", "v1.1.1"},
      {                                         "plan",                "--to", "v1.1.1/experimental", "--strategy", "Recreate", "--hold", "None"},
      {       "plan",            "--to", "v1.1.1/experimental", "--strategy", "Magic"},
      {                               "plan",                      "--to", "v1.1.1/experimental", "-o", "xml"},
      {                                     "migrate", "--to", "v1.1.1/experimental", "--timeout", "soon"},
      {                "migrate",                      "--to", "v1.1.1/experimental", "--on-failure", "Panic"},
      {             "rollback"},
      {                        "backup"                     },
      {    "backup", "export"},
      {                 "status",                      "a", "b"},
      {                         "completion", "tcsh"},
  };
  for (const auto& arguments : wrong) {
    std::string trace;
    for (const std::string& argument : arguments) trace += argument + " ";
    SCOPED_TRACE(trace);
    const ParsedArguments parsed = parse(arguments);
    EXPECT_FALSE(parsed.options.has_value());
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_EQ(parsed.out, "");
    EXPECT_TRUE(parsed.err.starts_with("error: ")) << parsed.err;
    EXPECT_NE(parsed.err.find("Usage: gatelift"), std::string::npos) << parsed.err;
    EXPECT_NE(parsed.err.find("--help"), std::string::npos) << parsed.err;
  }
}

TEST(Options, AWrongFlagNamesItAndTheCommand) {
  const ParsedArguments parsed = parse({"plan", "--to", "v1.1.1/experimental", "--frobnicate"});
  EXPECT_NE(parsed.err.find("--frobnicate"), std::string::npos) << parsed.err;
  EXPECT_NE(parsed.err.find("Usage: gatelift plan"), std::string::npos) << parsed.err;
}

TEST(Options, SaysWhatAHoldTakesThatWouldHaveNoEffect) {
  const ParsedArguments parsed = parse(
      {"migrate", "--to", "v1.1.1/experimental", "--strategy", "Recreate", "--hold", "Approval"});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_NE(parsed.err.find("--hold has no effect with strategy Recreate: add --strategy InPlace"),
            std::string::npos)
      << parsed.err;
  EXPECT_EQ(options_of({"plan", "--to", "v1.1.1/experimental"}).spec.strategy, Strategy::InPlace);
  const ParsedArguments unheld =
      parse({"plan", "--to", "v1.1.1/experimental", "--strategy", "InPlace", "--unused-for", "5m"});
  EXPECT_EQ(unheld.exit_code, 2);
  EXPECT_NE(unheld.err.find("--hold UntilUnused"), std::string::npos) << unheld.err;
  const Options held = options_of(
      {"migrate", "--to", "v1.1.1/experimental", "--strategy", "InPlace", "--hold", "Approval"});
  EXPECT_EQ(held.spec.hold, Hold::Approval);
}

TEST(Options, HelpGoesToStdoutWithExamplesAndExitsWithZero) {
  for (const char* command : {"", "plan", "migrate", "backup export"}) {
    std::vector<std::string> arguments;
    for (std::istringstream words{command}; words >> arguments.emplace_back();) {
    }
    arguments.back() = "--help";
    const ParsedArguments parsed = parse(arguments);
    EXPECT_EQ(parsed.exit_code, 0);
    EXPECT_EQ(parsed.err, "");
    EXPECT_NE(parsed.out.find("gatelift"), std::string::npos);
  }
  const std::string help = parse({"migrate", "--help"}).out;
  for (const char* wanted :
       {"--to", "--yes", "--on-failure", "--approve", "--dry-run", "--timeout", "--kubeconfig",
        "--context", "--namespace", "--bundles", "Examples:"}) {
    EXPECT_NE(help.find(wanted), std::string::npos) << wanted << "\n" << help;
  }
}

TEST(Options, CallsItselfByTheNameItWasCalledBy) {
  const ParsedArguments parsed =
      parse_arguments({"/usr/local/bin/kubectl-gatelift", "plan", "--help"}, empty_environment);
  EXPECT_NE(parsed.out.find("kubectl gatelift plan"), std::string::npos) << parsed.out;
}

TEST(Options, ReadsATargetWithOrWithoutTheLetter) {
  EXPECT_EQ(parse_bundle_ref("v1.1.1/experimental").value().display(), "v1.1.1/experimental");
  EXPECT_EQ(parse_bundle_ref("1.1/standard").value().display(), "v1.1/standard");
  for (const char* wrong : {"v1.1.1", "/standard", "v1.1.1/", "a/b/c", ""}) {
    EXPECT_FALSE(parse_bundle_ref(wrong)) << wrong;
  }
}

TEST(Options, NamesAMigrationAfterItsTarget) {
  const Options options = options_of({"migrate", "--to", "v1.1.1/experimental", "--yes"});
  EXPECT_EQ(options.name, "to-v1-1-1-experimental");
  EXPECT_EQ(options.ns, "gatelift-system");
  EXPECT_TRUE(options.yes);
  EXPECT_EQ(options_of({"plan", "--to", "v1.1/standard", "--name", "mine"}).name, "mine");
}

TEST(Options, TakesBundlesFromTheFlagThenTheEnvironmentThenTheDefault) {
  const Environment env = [](const char* name) -> const char* {
    return std::string_view(name) == "GATELIFT_BUNDLES" ? "/a:/b" : nullptr;
  };
  using Paths = std::vector<std::filesystem::path>;
  EXPECT_EQ(options_of({"bundles", "list"}).bundles, Paths{"/usr/share/gatelift/bundles"});
  EXPECT_EQ(options_of({"bundles", "list"}, env).bundles, (Paths{"/a", "/b"}));
  EXPECT_EQ(options_of({"bundles", "list", "--bundles", "/c", "--bundles", "/d"}, env).bundles,
            (Paths{"/c", "/d"}));
}

TEST(Options, TellsRepeatedFlagsFromArguments) {
  const Options show =
      options_of({"bundles", "show", "--bundles", "/a", "--bundles", "/b", "v1.1.1/standard"});
  EXPECT_EQ(show.bundles, (std::vector<std::filesystem::path>{"/a", "/b"}));
  EXPECT_EQ(show.arguments, std::vector<std::string>{"v1.1.1/standard"});
  const Options options =
      options_of({"backup", "export", "--namespace", "ns", "./dir", "the-backup", "-o", "json"});
  EXPECT_EQ(options.command, Command::BackupExport);
  EXPECT_EQ(options.directory, "./dir");
  EXPECT_EQ(options.arguments, std::vector<std::string>{"the-backup"});
  EXPECT_EQ(options.ns, "ns");
  EXPECT_EQ(options.output, Output::JsonText);
}

TEST(Options, ReadsWhatAMigrationNeeds) {
  const Options options = options_of({"migrate", "--to", "v1.1.1/experimental", "--on-failure",
                                      "Rollback", "--timeout", "1h30m", "--retain", "48h",
                                      "--accept", "FieldLoss,HTTPRoute/ns/name,spec.rules[0].x,y"});
  EXPECT_EQ(options.spec.on_failure, OnFailure::Rollback);
  EXPECT_EQ(options.timeout, std::chrono::minutes(90));
  EXPECT_EQ(options.spec.retain, std::chrono::hours(48));
  ASSERT_EQ(options.spec.accept.size(), 1U);
  EXPECT_EQ(options.spec.accept[0].check, "FieldLoss");
  EXPECT_EQ(options.spec.accept[0].object, "HTTPRoute/ns/name");
  EXPECT_EQ(options.spec.accept[0].field, "spec.rules[0].x,y");
}

TEST(Options, ABundlesDiffIsOfTwo) {
  EXPECT_EQ(parse({"bundles", "diff", "v1.5.0/standard"}).exit_code, 2);
  EXPECT_EQ(
      parse({"bundles", "diff", "v1.5.0/standard", "v1.5.1/standard", "v1.6.1/standard"}).exit_code,
      2);
  const Options options = options_of({"bundles", "diff", "v1.5.0/standard", "v1.5/standard"});
  EXPECT_EQ(options.command, Command::BundlesDiff);
  EXPECT_EQ(options.arguments, (std::vector<std::string>{"v1.5.0/standard", "v1.5/standard"}));
  EXPECT_NE(parse({"bundles", "diff", "--help"}).out.find("3 something does"), std::string::npos);
}

TEST(Options, IdentifyTakesAFileInPlaceOfTheCluster) {
  const Options options = options_of({"bundles", "identify", "--file", "crds.yaml", "-o", "json"});
  EXPECT_EQ(options.command, Command::BundlesIdentify);
  EXPECT_EQ(options.file, "crds.yaml");
  EXPECT_EQ(parse({"bundles", "identify", "v1.1.1/standard"}).exit_code, 2);
}

TEST(Options, ReadsWhatTheControllerNeeds) {
  const Options options =
      options_of({"controller", "-n", "ops", "--leader-elect", "--listen", "127.0.0.1:0",
                  "--log-format", "json", "--log-level", "warn"});
  EXPECT_EQ(options.command, Command::Controller);
  EXPECT_TRUE(options.leader_elect);
  EXPECT_EQ(options.listen, "127.0.0.1:0");
  EXPECT_EQ(options.log_format, LogFormat::JsonLines);
  EXPECT_EQ(options.log_level, LogLevel::Warn);
  EXPECT_FALSE(options_of({"controller"}).leader_elect);
  EXPECT_TRUE(options_of({"controller", "--leader-elect=true"}).leader_elect);
  EXPECT_FALSE(options_of({"controller", "--leader-elect=false"}).leader_elect);
}

TEST(Options, CompletionKnowsEveryCommand) {
  const std::string script = completion_script("bash");
  for (const char* wanted : {"\"backup export\"", "migrate", "--on-failure", "rollback"}) {
    EXPECT_NE(script.find(wanted), std::string::npos) << wanted;
  }
}

}  // namespace
}  // namespace gatelift
