// SPDX-License-Identifier: Apache-2.0
// Where the cluster is: kubeconfig files as kubectl merges them, or what every pod is given. Errors
// (Invalid) name the file and the field.
//
// Refused, never ignored: proxy-url, auth-provider. The variables HTTPS_PROXY and NO_PROXY have no
// effect.
#pragma once

#include <string>
#include <string_view>

#include "client/endpoint.h"
#include "client/result.h"

namespace gatelift {

/// What the user asked for on the command line; "" where nothing was said.
struct EndpointChoice {
  std::string kubeconfig;
  std::string context;
};

/// The parts of the process's surroundings that decide where the cluster is.
struct Surroundings {
  std::string kubeconfig_list;  // KUBECONFIG
  std::string home;             // HOME
  std::string service_host;     // KUBERNETES_SERVICE_HOST
  std::string service_port;     // KUBERNETES_SERVICE_PORT
  std::string pod_namespace;    // POD_NAMESPACE
  std::string root;             // put before the service account's directory, for tests

  static Surroundings of_process();
};

/// The files: the chosen one, which must exist; or those of KUBECONFIG, absent ones left out; or
/// ~/.kube/config. In a merge the first file that has an entry, or a current-context, wins;
/// relative paths are relative to their own file.
Result<Endpoint> load_kubeconfig(const EndpointChoice& choice, const Surroundings& surroundings);

/// The service account that the kubelet gives a pod. Its token is read again each minute and after
/// a refusal.
Result<Endpoint> in_cluster_endpoint(const Surroundings& surroundings);

/// The first that is there: a chosen kubeconfig or context, KUBECONFIG, in-cluster, ~/.kube/config.
Result<Endpoint> load_endpoint(const EndpointChoice& choice,
                               const Surroundings& surroundings = Surroundings::of_process());

}  // namespace gatelift
