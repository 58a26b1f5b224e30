// SPDX-License-Identifier: Apache-2.0
#include "client/identity.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "client/cpprest_transport.h"

namespace gatelift {
namespace {

using std::chrono::seconds;

class IdentityTest : public ::testing::Test {
 protected:
  IdentityTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "identity-test-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    token_file_ = directory_ / "token";
    write_token("one");
  }
  ~IdentityTest() override { std::filesystem::remove_all(directory_); }

  void write_token(const std::string& token) { std::ofstream(token_file_) << token; }

  std::shared_ptr<IdentitySource> from_file() {
    IdentitySources sources;
    sources.token = {"", token_file_, "FILE: token"};
    return kept_identity(std::move(sources), [this] { return now_; });
  }

  /// From a plugin that is not run: each run gives token-1, token-2, … for a minute.
  std::shared_ptr<IdentitySource> from_plugin() {
    IdentitySources sources;
    sources.plugin.emplace();
    return kept_identity(
        std::move(sources), [this] { return now_; },
        [this](const ExecPlugin&) -> Result<ExecCredential> {
          if (is_plugin_broken_) return fail(ErrorKind::Unauthorized, "broken");
          return ExecCredential{"token-" + std::to_string(++num_runs_), "", "", now_ + seconds(60)};
        });
  }

  std::filesystem::path directory_;
  std::string token_file_;
  Time now_{seconds(1'000'000)};
  int num_runs_ = 0;
  bool is_plugin_broken_ = false;
};

TEST_F(IdentityTest, ReadsAFileAgainAfterAMinuteAndNotBefore) {
  const auto source = from_file();
  EXPECT_EQ(source->current()->authorization, "Bearer one");
  write_token("two");
  now_ += seconds(59);
  EXPECT_EQ(source->current()->authorization, "Bearer one");
  now_ += seconds(1);
  EXPECT_EQ(source->current()->authorization, "Bearer two");
}

TEST_F(IdentityTest, ReadsAgainAtOnceWhatWasRefused) {
  const auto source = from_file();
  const Identity first = *source->current();
  write_token("two");
  source->refuse(first);
  EXPECT_EQ(source->current()->authorization, "Bearer two");
}

TEST_F(IdentityTest, KeepsItsCertificatesByAddressWhileTheyAreTheSame) {
  const auto source = from_file();
  const Identity first = *source->current();
  source->refuse(first);
  EXPECT_EQ(source->current()->tls, first.tls);
}

TEST_F(IdentityTest, GoesOnWithWhatItHasWhileAFileCannotBeRead) {
  const auto source = from_file();
  const Identity first = *source->current();
  std::filesystem::remove(token_file_);
  now_ += seconds(120);
  EXPECT_EQ(source->current()->authorization, "Bearer one");
  source->refuse(first);
  EXPECT_FALSE(source->current());
}

TEST_F(IdentityTest, DoesNotSendAnEmptyToken) {
  write_token("\n");
  const auto identity = from_file()->current();
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().message, "FILE: token: " + token_file_ + " is empty");
}

TEST_F(IdentityTest, RunsAPluginOnlyWhenItsCredentialIsAboutToExpire) {
  const auto source = from_plugin();
  EXPECT_EQ(source->current()->authorization, "Bearer token-1");
  now_ += seconds(49);
  EXPECT_EQ(source->current()->authorization, "Bearer token-1");
  now_ += seconds(1);
  EXPECT_EQ(source->current()->authorization, "Bearer token-2");
}

TEST_F(IdentityTest, RunsAPluginOnceForManyRefusalsOfOneCredential) {
  const auto source = from_plugin();
  const Identity refused = *source->current();
  source->refuse(refused);
  EXPECT_EQ(source->current()->authorization, "Bearer token-2");
  source->refuse(refused);  // another call that was under way with it
  EXPECT_EQ(source->current()->authorization, "Bearer token-2");
}

TEST_F(IdentityTest, DoesNotGoOnWithACredentialThatExpired) {
  const auto source = from_plugin();
  ASSERT_TRUE(source->current());
  is_plugin_broken_ = true;
  now_ += seconds(60);
  EXPECT_FALSE(source->current());
}

ExecPlugin shell(const std::string& script) {
  ExecPlugin plugin;
  plugin.api_version = "client.authentication.k8s.io/v1";
  plugin.command = "sh";
  plugin.args = {"-c", script};
  plugin.interactive = InteractiveMode::Never;
  plugin.origin = "FILE: users[u].exec";
  return plugin;
}

std::string print(const std::string& status) {
  return R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" +
         status + "}'";
}

TEST(ExecCredential, ReadsTokensCertificatesAndExpiry) {
  const auto credential = run_exec_plugin(shell(print(
      R"({"token":"t","clientCertificateData":"C","clientKeyData":"K","expirationTimestamp":"2030-01-02T03:04:05Z"})")));
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_EQ(credential->token, "t");
  EXPECT_EQ(credential->client_certificate, "C");
  EXPECT_EQ(credential->client_key, "K");
  EXPECT_EQ(format_time(*credential->expires), "2030-01-02T03:04:05Z");
}

TEST(ExecCredential, SaysWhyAPluginGaveNothing) {
  struct Row {
    std::string script;
    const char* message;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"exit 3",                                               "failed with exit status 3"               },
           {"kill -9 $$",                                           "failed with signal 9"                    },
           {"echo hello",                                           "did not print an ExecCredential"         },
           {print("{}"),                                            "neither a token nor a client certificate"},
           {print(R"({"clientKeyData":"K"})"),                      "only"                                    },
           {print(R"({"token":"t","expirationTimestamp":"soon"})"), "expirationTimestamp"                     },
           {"head -c 3000000 /dev/zero",                            "prints too much"                         },
  }) {
    const auto credential = run_exec_plugin(shell(row.script));
    ASSERT_FALSE(credential) << row.script;
    EXPECT_TRUE(credential.error().is(ErrorKind::Unauthorized));
    EXPECT_EQ(credential.error().message.find("FILE: users[u].exec: credential plugin sh: "), 0U);
    EXPECT_NE(credential.error().message.find(row.message), std::string::npos)
        << credential.error().message;
  }
}

TEST(ExecCredential, GivesTheInstallHintWhereThereIsNoSuchProgram) {
  ExecPlugin plugin = shell("");
  plugin.command = "no-such-plugin";
  plugin.install_hint = "install it from example.com";
  const auto credential = run_exec_plugin(plugin);
  ASSERT_FALSE(credential);
  EXPECT_NE(credential.error().message.find("No such file or directory; install it from"),
            std::string::npos)
      << credential.error().message;
}

TEST(ExecCredential, LeavesAPluginTheRootsThatWereSetBeforeUs) {
  ::setenv("SSL_CERT_FILE", "/users/own.crt", 1);
  ::unsetenv("SSL_CERT_DIR");
  prepare_process();
  ASSERT_STRNE(std::getenv("SSL_CERT_FILE"), "/users/own.crt");
  const auto credential =
      run_exec_plugin(shell(print(R"({"token":"'$SSL_CERT_FILE,$SSL_CERT_DIR'"})")));
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->token, "/users/own.crt,");
}

}  // namespace
}  // namespace gatelift
