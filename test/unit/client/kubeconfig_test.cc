// SPDX-License-Identifier: Apache-2.0
#include "client/kubeconfig.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "client/base64.h"
#include "client/json.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

/// Files in a directory of their own; variables as the test sets them.
class KubeconfigTest : public ::testing::Test {
 protected:
  KubeconfigTest() {
    std::string pattern = (fs::temp_directory_path() / "kubeconfig-test-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    surroundings_.home = directory_ / "home";
  }
  ~KubeconfigTest() override { fs::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    const fs::path path = directory_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }

  /// A kubeconfig with one context "c" of one cluster and one user, whose fields are given in flow
  /// style.
  std::string write_config(const std::string& cluster, const std::string& user,
                           const std::string& context = "") {
    return write("config",
                 "current-context: c\n"
                 "contexts: [{name: c, context: {cluster: k, user: u" +
                     context +
                     "}}]\n"
                     "clusters: [{name: k, cluster: {" +
                     cluster +
                     "}}]\n"
                     "users: [{name: u, user: {" +
                     user + "}}]\n");
  }

  Result<Endpoint> load(const std::string& file, const std::string& context = "") {
    return load_kubeconfig({file, context}, surroundings_);
  }

  Identity identity_of(const std::string& cluster, const std::string& user) {
    const auto endpoint = load(write_config("server: https://h, " + cluster, user));
    EXPECT_TRUE(endpoint) << endpoint.error().message;
    if (!endpoint) return {std::make_shared<const TlsMaterial>(), ""};
    const auto identity = endpoint->identity->current();
    EXPECT_TRUE(identity) << identity.error().message;
    return identity ? *identity : Identity{std::make_shared<const TlsMaterial>(), ""};
  }

  /// The error of loading, without the directory of its file.
  std::string error_of(const std::string& cluster, const std::string& user) {
    const std::string file = write_config(cluster, user);
    auto endpoint = load(file);
    Result<Identity> identity = Identity{};
    if (endpoint) identity = endpoint->identity->current();
    if (endpoint && identity) return "no error";
    std::string message = endpoint ? identity.error().message : endpoint.error().message;
    while (message.find(directory_) != std::string::npos) {
      message.replace(message.find(directory_), directory_.string().size(), "DIR");
    }
    return message;
  }

  fs::path directory_;
  Surroundings surroundings_;
};

TEST_F(KubeconfigTest, ReadsTheClusterAndTheNamespaceOfTheContext) {
  const auto endpoint =
      load(write_config("server: 'https://10.0.0.1:6443', tls-server-name: kubernetes", "token: t",
                        ", namespace: shop"));
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_EQ(endpoint->server.authority(), "10.0.0.1:6443");
  EXPECT_EQ(endpoint->tls_server_name, "kubernetes");
  EXPECT_EQ(endpoint->default_namespace, "shop");
  EXPECT_FALSE(endpoint->insecure_skip_tls_verify);
  EXPECT_EQ(endpoint->origin, "context \"c\" of " + (directory_ / "config").string());
}

TEST_F(KubeconfigTest, ReadsCredentialsFromFilesBesideItAndFromData) {
  write("pki/ca.crt", "CA");
  write("me.crt", "CERT");
  write("token", " abc\n");
  const Identity identity =
      identity_of("certificate-authority: pki/ca.crt",
                  "client-certificate: me.crt, client-key-data: " + base64_encode("KEY") +
                      ", token: ignored, tokenFile: token");
  EXPECT_EQ(identity.tls->ca, "CA");
  EXPECT_EQ(identity.tls->client_certificate, "CERT");
  EXPECT_EQ(identity.tls->client_key, "KEY");
  EXPECT_EQ(identity.authorization, "Bearer abc");
}

TEST_F(KubeconfigTest, PrefersDataToAFile) {
  EXPECT_EQ(identity_of("certificate-authority: absent, certificate-authority-data: " +
                            base64_encode("DATA"),
                        "token: t")
                .tls->ca,
            "DATA");
}

TEST_F(KubeconfigTest, ReadsPasswordsAndImpersonation) {
  EXPECT_EQ(identity_of("", "username: me, password: 'p:w'").authorization,
            "Basic " + base64_encode("me:p:w"));
  const auto endpoint = load(write_config(
      "server: https://h",
      "token: t, as: jane, as-uid: '7', as-groups: [a, b], as-user-extra: {'k/x': [v]}"));
  ASSERT_TRUE(endpoint);
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"Impersonate-User",        "jane"},
      {"Impersonate-Uid",         "7"   },
      {"Impersonate-Group",       "a"   },
      {"Impersonate-Group",       "b"   },
      {"Impersonate-Extra-k%2Fx", "v"   }
  };
  EXPECT_EQ(endpoint->headers, headers);
}

TEST_F(KubeconfigTest, NamesFileAndFieldOfEveryRefusal) {
  struct Row {
    const char* cluster;
    const char* user;
    const char* message;
  };
  const char* good = "server: https://h";
  for (const Row& row : std::initializer_list<Row>{
           {"",                                                                            "token: t",
            "DIR/config: clusters[k].cluster.server: server \"\": it does not begin"                                                                                                                                             },
           {"server: 'http://h'",                                                          "",
            "clusters[k].cluster.server: server \"http://h\": plain http"                                                                                                                                                        },
           {"server: https://h, proxy-url: 'http://p'",                                    "",
            "DIR/config: clusters[k].cluster.proxy-url: proxies are not supported"                                                                                                                                               },
           {"server: https://h, certificate-authority: ca.crt",                            "",
            "clusters[k].cluster.certificate-authority: cannot read DIR/ca.crt: No such file"                                                                                                                                    },
           {"server: https://h, certificate-authority-data: '!'",                          "",
            "clusters[k].cluster.certificate-authority-data: not base64"                                                                                                                                                         },
           {"server: https://h, insecure-skip-tls-verify: true, certificate-authority: a", "",
            "clusters[k].cluster.insecure-skip-tls-verify: a certificate authority is given too"                                                                                                                                 },
           {good,                                                                          "client-key: k",
            "users[u].user.client-certificate: it and client-key come together"                                                                                                                                                  },
           {good,                                                                          "tokenFile: gone",                                                       "users[u].user.tokenFile: cannot read DIR/gone: No such file"},
           {good,                                                                          "auth-provider: {name: gcp}",
            "users[u].user.auth-provider: Kubernetes has removed"                                                                                                                                                                },
           {good,                                                                          "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}",
            "users[u].user.exec.apiVersion: \"client.authentication.k8s.io/v1alpha1\" is not"                                                                                                                                    },
           {good,
            "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, "
            "interactiveMode: Sometimes}",                                                                                                                          "users[u].user.exec.interactiveMode: \"Sometimes\""          },
  }) {
    const std::string message = error_of(row.cluster, row.user);
    EXPECT_NE(message.find(row.message), std::string::npos)
        << message << "\n  not: " << row.message;
  }
}

TEST_F(KubeconfigTest, NamesWhatAContextRefersToInVain) {
  const std::string file = write("config", "contexts: [{name: c, context: {cluster: gone}}]\n");
  EXPECT_NE(load(file).error().message.find("current-context: is empty"), std::string::npos);
  EXPECT_NE(load(file, "d").error().message.find("none is called \"d\""), std::string::npos);
  EXPECT_NE(
      load(file, "c").error().message.find("contexts[c].context.cluster: no cluster is called"),
      std::string::npos);
  EXPECT_NE(load((directory_ / "absent").string()).error().message.find("No such file"),
            std::string::npos);
  EXPECT_NE(load(write("bad", "a: [")).error().message.find("bad:"), std::string::npos);
}

TEST_F(KubeconfigTest, MergesFilesSoThatTheFirstOneWins) {
  const std::string first = write("one/config",
                                  "clusters: [{name: k, cluster: {server: https://first}}]\n"
                                  "contexts: [{name: a, context: {cluster: k, user: u}}]\n");
  const std::string second = write("two/config",
                                   "current-context: a\n"
                                   "clusters: [{name: k, cluster: {server: https://second}}]\n"
                                   "users: [{name: u, user: {tokenFile: token}}]\n");
  write("two/token", "from-two");
  surroundings_.kubeconfig_list = first + "::" + (directory_ / "absent").string() + ":" + second;
  const auto endpoint = load("");
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_EQ(endpoint->server.host, "first");
  EXPECT_EQ(endpoint->identity->current()->authorization, "Bearer from-two");
}

TEST_F(KubeconfigTest, RunsAPluginWithWhatItIsToldOfTheCluster) {
  const std::string plugin =
      write("bin/plugin",
            "#!/bin/sh\n"
            "printf '%s' \"$KUBERNETES_EXEC_INFO\" > \"$OUT\"\n"
            "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\","
            "\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'$1'\"}}'\n");
  fs::permissions(plugin, fs::perms::owner_all);
  const std::string out = (directory_ / "out").string();
  const Identity identity = identity_of(
      "certificate-authority-data: " + base64_encode("CA") +
          ", extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: x}}]",
      "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./bin/plugin, args: [tok], "
      "interactiveMode: Never, provideClusterInfo: true, env: [{name: OUT, value: " +
          out + "}]}");
  EXPECT_EQ(identity.authorization, "Bearer tok");
  std::ifstream file(out);
  const std::string told{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Json expected = *parse_json(R"({
    "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
    "spec": {"interactive": false, "cluster": {
      "server": "https://h", "certificate-authority-data": "Q0E=", "config": {"audience": "x"}}}})");
  EXPECT_EQ(parse_json(told).value_or(nullptr), expected) << told;
}

TEST_F(KubeconfigTest, ReadsAPodsServiceAccount) {
  const std::string account = "var/run/secrets/kubernetes.io/serviceaccount/";
  write(account + "token", "tok\n");
  write(account + "ca.crt", "CA");
  write(account + "namespace", "gatelift-system\n");
  surroundings_.root = directory_;
  EXPECT_FALSE(in_cluster_endpoint(surroundings_));
  surroundings_.service_host = "fd00::1";
  surroundings_.service_port = "443";
  const auto endpoint = in_cluster_endpoint(surroundings_);
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_EQ(endpoint->server.authority(), "[fd00::1]:443");
  EXPECT_EQ(endpoint->default_namespace, "gatelift-system");
  EXPECT_EQ(endpoint->identity->current()->authorization, "Bearer tok");
  EXPECT_EQ(endpoint->identity->current()->tls->ca, "CA");
  surroundings_.pod_namespace = "other";
  EXPECT_EQ(in_cluster_endpoint(surroundings_)->default_namespace, "other");
}

TEST_F(KubeconfigTest, ChoosesTheFlagThenTheVariableThenThePodThenTheHome) {
  const auto config_of = [](const std::string& host) {
    return "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
           "clusters: [{name: k, cluster: {server: https://" +
           host + "}}]\n";
  };
  const auto host = [&](const EndpointChoice& choice) {
    const auto endpoint = load_endpoint(choice, surroundings_);
    return endpoint ? endpoint->server.host : endpoint.error().message;
  };
  EXPECT_NE(host({}).find("no cluster to speak to"), std::string::npos);
  write("home/.kube/config", config_of("home"));
  EXPECT_EQ(host({}), "home");
  surroundings_.root = directory_;
  surroundings_.service_host = "10.0.0.1";
  surroundings_.service_port = "443";
  EXPECT_EQ(host({}), "home");  // the variables alone make no pod
  write("var/run/secrets/kubernetes.io/serviceaccount/token", "t");
  write("var/run/secrets/kubernetes.io/serviceaccount/ca.crt", "CA");
  EXPECT_EQ(host({}), "10.0.0.1");
  EXPECT_EQ(host({"", "c"}), "home");
  surroundings_.kubeconfig_list = write("variable", config_of("variable"));
  EXPECT_EQ(host({}), "variable");
  EXPECT_EQ(host({write("flag", config_of("flag")), ""}), "flag");
}

}  // namespace
}  // namespace gatelift
