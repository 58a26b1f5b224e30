// SPDX-License-Identifier: Apache-2.0
#include "client/kubeconfig.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "client/base64.h"
#include "client/identity.h"
#include "client/request.h"
#include "client/yaml.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

Time system_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// One named entry of clusters, users or contexts, with where it stands.
class Entry {
 public:
  Entry(Json body, std::string file, const std::string& place)
      : body_(std::move(body)), file_(std::move(file)), place_(place) {}

  const Json& body() const { return body_; }
  std::string text(std::string_view field) const { return string_at(body_, field); }
  bool has(std::string_view field) const { return find(body_, field) != nullptr; }

  /// "FILE: users[me].client-key"
  std::string locate(std::string_view field) const {
    return file_ + ": " + place_ + "." + std::string(field);
  }
  tl::unexpected<Error> refuse(std::string_view field, const std::string& why) const {
    return fail(ErrorKind::Invalid, locate(field) + ": " + why);
  }

  /// `namespace: on` is a boolean in YAML, and would be taken for no namespace.
  Result<void> check_texts(std::initializer_list<std::string_view> fields) const {
    for (const std::string_view field : fields) {
      const Json* value = find(body_, field);
      if (value == nullptr || value->is_string()) continue;
      return refuse(field, "is not a string (" + value->dump() + "); put it in quotes");
    }
    return {};
  }

  /// A path of this file, absolute.
  std::string resolve(const std::string& path) const {
    return path.empty() || path.front() == '/' ? path
                                               : (fs::path(file_).parent_path() / path).string();
  }

  /// `field`-data where there is one, else the file that `field` names.
  Result<TextSource> source(const std::string& field) const {
    TextSource source;
    const std::string data_field = field + "-data";
    if (std::string data = text(data_field); !data.empty()) {
      std::erase_if(data, [](char c) { return c == '\n' || c == '\r'; });
      auto decoded = base64_decode(data);
      if (!decoded) return refuse(data_field, decoded.error().message);
      source.text = *std::move(decoded);
      source.field = locate(data_field);
      return source;
    }
    source.path = resolve(text(field));
    source.field = locate(field);
    return source;
  }

 private:
  Json body_;
  std::string file_;
  std::string place_;
};

class Kubeconfig {
 public:
  static Result<Kubeconfig> load(const std::vector<std::string>& files) {
    Kubeconfig config;
    for (const std::string& file : files) {
      ASSIGN_OR_RETURN(const std::string text, TextSource({"", file, "kubeconfig"}).read());
      ASSIGN_OR_RETURN(auto documents, parse_yaml(text, file));
      if (documents.empty()) continue;
      if (documents.size() > 1 || !documents.front().is_object()) {
        return fail(ErrorKind::Invalid, file + ": a kubeconfig is one YAML mapping");
      }
      config.files_.emplace_back(file, std::move(documents.front()));
    }
    return config;
  }

  bool is_empty() const { return files_.empty(); }

  std::string current_context() const {
    for (const auto& [file, json] : files_) {
      if (std::string name = string_at(json, "current-context"); !name.empty()) return name;
    }
    return "";
  }

  /// The entry `name` of `list` ("clusters"); its body stands under `key` ("cluster").
  std::optional<Entry> find_entry(const char* list, const char* key,
                                  const std::string& name) const {
    for (const auto& [file, json] : files_) {
      for (const Json& entry : array_at(json, list)) {
        if (string_at(entry, "name") != name) continue;
        const Json* body = find(entry, key);
        return Entry(body != nullptr ? *body : Json::object(), file,
                     std::string(list) + "[" + name + "]." + key);
      }
    }
    return std::nullopt;
  }

  std::string display() const {
    std::string names;
    for (const auto& [file, json] : files_) names += (names.empty() ? "" : ":") + file;
    return names;
  }

 private:
  std::vector<std::pair<std::string, Json>> files_;
};

Result<void> read_cluster(const Entry& cluster, Endpoint& endpoint, TextSource& ca) {
  RETURN_IF_ERROR(cluster.check_texts(
      {"server", "tls-server-name", "certificate-authority", "certificate-authority-data"}));
  if (cluster.has("proxy-url")) {
    return cluster.refuse("proxy-url", "proxies are not supported; use a context without one");
  }
  auto server = parse_server_url(cluster.text("server"));
  if (!server) return cluster.refuse("server", server.error().message);
  endpoint.server = *std::move(server);
  endpoint.tls_server_name = cluster.text("tls-server-name");
  endpoint.insecure_skip_tls_verify = bool_at(cluster.body(), false, "insecure-skip-tls-verify");
  ASSIGN_OR_RETURN(ca, cluster.source("certificate-authority"));
  if (endpoint.insecure_skip_tls_verify && ca.is_set()) {
    return cluster.refuse("insecure-skip-tls-verify",
                          "a certificate authority is given too; remove one of the two");
  }
  return {};
}

void read_impersonation(const Entry& user, Endpoint& endpoint) {
  const auto add = [&](std::string name, std::string value) {
    if (!value.empty()) endpoint.headers.emplace_back(std::move(name), std::move(value));
  };
  add("Impersonate-User", user.text("as"));
  add("Impersonate-Uid", user.text("as-uid"));
  for (const Json& group : array_at(user.body(), "as-groups")) {
    if (group.is_string()) add("Impersonate-Group", group.get<std::string>());
  }
  const Json* extra = find(user.body(), "as-user-extra");
  if (extra == nullptr || !extra->is_object()) return;
  for (auto it = extra->begin(); it != extra->end(); ++it) {
    for (const Json& value : it.value()) {
      if (value.is_string()) {
        add("Impersonate-Extra-" + percent_encode(it.key()), value.get<std::string>());
      }
    }
  }
}

/// What a plugin is told of the cluster: the same fields as in the kubeconfig, with the CA's
/// content.
Result<Json> exec_cluster(const Entry& cluster, const TextSource& ca) {
  Json json{
      {"server", cluster.text("server")}
  };
  for (const char* field : {"tls-server-name", "insecure-skip-tls-verify"}) {
    if (cluster.has(field)) json[field] = *find(cluster.body(), field);
  }
  ASSIGN_OR_RETURN(const std::string pem, ca.read());
  if (!pem.empty()) json["certificate-authority-data"] = base64_encode(pem);
  for (const Json& extension : array_at(cluster.body(), "extensions")) {
    const Json* config = find(extension, "extension");
    if (string_at(extension, "name") == kExecExtension && config != nullptr)
      json["config"] = *config;
  }
  return json;
}

Result<InteractiveMode> read_interactive_mode(const Entry& user, const Json& exec) {
  const std::string mode = string_at(exec, "interactiveMode");
  if (mode.empty() || mode == "IfAvailable") return InteractiveMode::IfAvailable;
  if (mode == "Never") return InteractiveMode::Never;
  if (mode == "Always") return InteractiveMode::Always;
  return user.refuse("exec.interactiveMode",
                     "\"" + mode + "\" is none of Never, IfAvailable and Always");
}

Result<ExecPlugin> read_plugin(const Entry& user, const Entry& cluster, const TextSource& ca) {
  const Json& exec = *find(user.body(), "exec");
  ExecPlugin plugin;
  plugin.origin = user.locate("exec");
  plugin.api_version = string_at(exec, "apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return user.refuse("exec.apiVersion",
                       "\"" + plugin.api_version +
                           "\" is not client.authentication.k8s.io/v1 or "
                           "v1beta1; renew the kubeconfig with your provider's tool");
  }
  plugin.command = string_at(exec, "command");
  if (plugin.command.empty()) return user.refuse("exec.command", "is empty");
  // A bare name is looked up in PATH; a path is relative to the file, as kubectl has it.
  if (plugin.command.find('/') != std::string::npos) plugin.command = user.resolve(plugin.command);
  for (const Json& arg : array_at(exec, "args")) {
    if (!arg.is_string()) return user.refuse("exec.args", "not all of them are strings");
    plugin.args.push_back(arg.get<std::string>());
  }
  for (const Json& entry : array_at(exec, "env")) {
    plugin.env.emplace_back(string_at(entry, "name"), string_at(entry, "value"));
  }
  plugin.install_hint = string_at(exec, "installHint");
  ASSIGN_OR_RETURN(plugin.interactive, read_interactive_mode(user, exec));
  if (bool_at(exec, false, "provideClusterInfo")) {
    ASSIGN_OR_RETURN(plugin.cluster, exec_cluster(cluster, ca));
  }
  return plugin;
}

Result<IdentitySources> read_user(const Entry& user, const Entry& cluster, const TextSource& ca) {
  RETURN_IF_ERROR(user.check_texts({"client-certificate", "client-certificate-data", "client-key",
                                    "client-key-data", "token", "tokenFile", "username", "password",
                                    "as", "as-uid"}));
  if (user.has("auth-provider")) {
    return user.refuse("auth-provider",
                       "Kubernetes has removed it; renew the kubeconfig to use an exec plugin");
  }
  IdentitySources sources;
  sources.ca = ca;
  ASSIGN_OR_RETURN(sources.client_certificate, user.source("client-certificate"));
  ASSIGN_OR_RETURN(sources.client_key, user.source("client-key"));
  if (sources.client_certificate.is_set() != sources.client_key.is_set()) {
    return user.refuse("client-certificate", "it and client-key come together or not at all");
  }
  sources.token = {user.text("token"), user.resolve(user.text("tokenFile")),
                   user.locate(user.has("tokenFile") ? "tokenFile" : "token")};
  if (const std::string name = user.text("username"); !name.empty()) {
    sources.basic_authorization = "Basic " + base64_encode(name + ":" + user.text("password"));
  }
  const bool has_exec = user.has("exec");
  if (has_exec && (sources.token.is_set() || !sources.basic_authorization.empty())) {
    return user.refuse("exec", "a token or a password is given too; remove one of the two");
  }
  if (has_exec) {
    ASSIGN_OR_RETURN(sources.plugin, read_plugin(user, cluster, ca));
  }
  return sources;
}

Result<Endpoint> endpoint_of(const Kubeconfig& config, const EndpointChoice& choice) {
  const std::string where = config.display();
  const std::string name = choice.context.empty() ? config.current_context() : choice.context;
  if (name.empty()) {
    return fail(ErrorKind::Invalid, where + ": current-context: is empty; name one with --context");
  }
  const auto context = config.find_entry("contexts", "context", name);
  if (!context)
    return fail(ErrorKind::Invalid, where + ": contexts: none is called \"" + name + "\"");
  RETURN_IF_ERROR(context->check_texts({"cluster", "user", "namespace"}));
  const auto cluster = config.find_entry("clusters", "cluster", context->text("cluster"));
  if (!cluster) {
    return context->refuse("cluster", "no cluster is called \"" + context->text("cluster") + "\"");
  }
  const std::string user_name = context->text("user");
  auto user = config.find_entry("users", "user", user_name);
  if (!user && !user_name.empty()) {
    return context->refuse("user", "no user is called \"" + user_name + "\"");
  }
  if (!user) user.emplace(Json::object(), where, "users");

  Endpoint endpoint;
  TextSource ca;
  RETURN_IF_ERROR(read_cluster(*cluster, endpoint, ca));
  ASSIGN_OR_RETURN(IdentitySources sources, read_user(*user, *cluster, ca));
  read_impersonation(*user, endpoint);
  if (const std::string ns = context->text("namespace"); !ns.empty())
    endpoint.default_namespace = ns;
  endpoint.origin = "context \"" + name + "\" of " + where;
  endpoint.identity = kept_identity(std::move(sources), &system_now);
  return endpoint;
}

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> files;
  std::size_t start = 0;
  while (start <= list.size()) {
    const std::size_t end = std::min(list.find(':', start), list.size());
    if (end > start) files.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  return files;
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::string home_kubeconfig(const Surroundings& surroundings) {
  return surroundings.home + "/.kube/config";
}

bool is_in_cluster(const Surroundings& surroundings) {
  return !surroundings.service_host.empty() && !surroundings.service_port.empty() &&
         exists(surroundings.root + std::string(kServiceAccount) + "/token");
}

}  // namespace

Surroundings Surroundings::of_process() {
  return {variable("KUBECONFIG"),
          variable("HOME"),
          variable("KUBERNETES_SERVICE_HOST"),
          variable("KUBERNETES_SERVICE_PORT"),
          variable("POD_NAMESPACE"),
          ""};
}

Result<Endpoint> load_kubeconfig(const EndpointChoice& choice, const Surroundings& surroundings) {
  std::vector<std::string> files;
  std::string tried;
  if (!choice.kubeconfig.empty()) {
    files = {choice.kubeconfig};
  } else {
    const bool has_list = !surroundings.kubeconfig_list.empty();
    tried = has_list ? surroundings.kubeconfig_list : home_kubeconfig(surroundings);
    files = split_list(tried);
    std::erase_if(files, [](const std::string& file) { return !exists(file); });
  }
  ASSIGN_OR_RETURN(const Kubeconfig config, Kubeconfig::load(files));
  if (config.is_empty()) {
    const std::string where = tried.empty() ? choice.kubeconfig : tried;
    return fail(ErrorKind::Invalid, where + ": there is no kubeconfig, or it is empty");
  }
  return endpoint_of(config, choice);
}

Result<Endpoint> in_cluster_endpoint(const Surroundings& surroundings) {
  if (surroundings.service_host.empty() || surroundings.service_port.empty()) {
    return fail(ErrorKind::Invalid,
                "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const bool is_ipv6 = surroundings.service_host.find(':') != std::string::npos;
  const std::string host =
      is_ipv6 ? "[" + surroundings.service_host + "]" : surroundings.service_host;
  Endpoint endpoint;
  ASSIGN_OR_RETURN(endpoint.server,
                   parse_server_url("https://" + host + ":" + surroundings.service_port));
  const std::string directory = surroundings.root + std::string(kServiceAccount);
  IdentitySources sources;
  sources.ca = {"", directory + "/ca.crt", "service account"};
  sources.token = {"", directory + "/token", "service account"};
  endpoint.identity = kept_identity(std::move(sources), &system_now);
  RETURN_IF_ERROR(endpoint.identity->current());
  endpoint.origin = "in-cluster";
  endpoint.default_namespace = surroundings.pod_namespace;
  if (endpoint.default_namespace.empty()) {
    auto ns = TextSource{"", directory + "/namespace", "service account"}.read();
    if (ns) ns->erase(ns->find_last_not_of(" \r\n") + 1);
    endpoint.default_namespace = ns && !ns->empty() ? *ns : "default";
  }
  return endpoint;
}

Result<Endpoint> load_endpoint(const EndpointChoice& choice, const Surroundings& surroundings) {
  const bool is_chosen = !choice.kubeconfig.empty() || !choice.context.empty();
  if (is_chosen || !surroundings.kubeconfig_list.empty()) {
    return load_kubeconfig(choice, surroundings);
  }
  if (is_in_cluster(surroundings)) return in_cluster_endpoint(surroundings);
  if (exists(home_kubeconfig(surroundings))) return load_kubeconfig(choice, surroundings);
  return fail(ErrorKind::Invalid,
              "no cluster to speak to: no --kubeconfig, no KUBECONFIG, not in a "
              "pod, and no " +
                  home_kubeconfig(surroundings));
}

}  // namespace gatelift
