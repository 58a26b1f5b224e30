// SPDX-License-Identifier: Apache-2.0
// Gateway v1, experimental v1.3 to v1.4: client certificate validation went from the listener to
// the port (spec.tls.frontend, GEP-91), and the Gateway's own certificate from spec.backendTLS to
// spec.tls.backend (GEP-3155). Both are dropped silently by whoever just applies the new CRD.
#include <map>

#include "reconcilers/convert/carry_rules.h"

namespace gatelift {
namespace {

bool has_frontend(const Json& schema) {
  return field_schema(schema, "spec.listeners[].tls.frontendValidation") == nullptr &&
         field_schema(schema, "spec.tls.frontend.perPort") != nullptr;
}

bool has_backend(const Json& schema) {
  return field_schema(schema, "spec.backendTLS") == nullptr &&
         field_schema(schema, "spec.tls.backend.clientCertificateRef") != nullptr;
}

std::string listener_path(std::size_t i) {
  return "spec.listeners[" + std::to_string(i) + "].tls.frontendValidation";
}

/// What the listeners of one port ask of clients.
struct Port {
  Json validation;  // null until a listener validates
  std::size_t first = 0;
  bool differs = false;
};

std::map<std::int64_t, Port> ports_of(const Json& object) {
  std::map<std::int64_t, Port> ports;
  const Json& listeners = array_at(object, "spec", "listeners");
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const std::string protocol = string_at(listeners[i], "protocol");
    if (protocol != "HTTPS") continue;  // no other kind of listener terminates TLS for HTTP
    const Json* found = find(listeners[i], "tls", "frontendValidation");
    const Json validation = found == nullptr ? Json() : *found;
    const auto [port, is_new] = ports.try_emplace(int_at(listeners[i], 0, "port"), Port{});
    if (is_new) {
      port->second = {validation, i, false};
    } else if (port->second.validation != validation) {
      port->second.differs = true;
      if (port->second.validation.is_null()) port->second.first = i;
    }
  }
  return ports;
}

ConversionProblem not_per_port(const Port& port, std::int64_t number) {
  return {"ValidationPerPort", listener_path(port.first),
          "listeners of port " + std::to_string(number) +
              " differ in which clients they accept, and the target has one setting per port "
              "(spec.tls.frontend.perPort)",
          "give the listeners of port " + std::to_string(number) +
              " the same tls.frontendValidation, or move one of them to another port"};
}

/// The setting as the target has it; defaults are written out, so that what was asked for is said.
Json per_port(std::int64_t number, const Json& validation) {
  Json moved = validation;
  moved["mode"] = "AllowValidOnly";
  return {
      {"port", number                            },
      {"tls",  {{"validation", std::move(moved)}}}
  };
}

void carry_frontend_validation(Intention& intention) {
  Json& object = intention.object;
  Json ports = Json::array();
  for (const auto& [number, port] : ports_of(object)) {
    if (port.differs) intention.problems.push_back(not_per_port(port, number));
    if (!port.validation.is_null()) ports.push_back(per_port(number, port.validation));
  }
  if (ports.empty() || !intention.ok()) return;
  Json& listeners = object["spec"]["listeners"];
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const Json* validation = find(listeners[i], "tls", "frontendValidation");
    if (validation == nullptr || string_at(listeners[i], "protocol") != "HTTPS") continue;
    const std::string port = std::to_string(int_at(listeners[i], 0, "port"));
    intention.changes.push_back({FieldChange::Kind::Moved, listener_path(i),
                                 "spec.tls.frontend.perPort[port=" + port + "].tls.validation",
                                 shortened(*validation),
                                 "it is a setting of the port now, not of the listener", false});
    listeners[i]["tls"].erase("frontendValidation");
  }
  Json& frontend = object["spec"]["tls"]["frontend"];
  frontend["perPort"] = std::move(ports);
  if (!frontend.contains("default")) frontend["default"] = Json::object();
}

void carry_client_certificate(Intention& intention) {
  Json& object = intention.object;
  const Json* reference = find(object, "spec", "backendTLS", "clientCertificateRef");
  if (reference == nullptr) return;
  intention.changes.push_back({FieldChange::Kind::Moved, "spec.backendTLS.clientCertificateRef",
                               "spec.tls.backend.clientCertificateRef", shortened(*reference), "",
                               false});
  object["spec"]["tls"]["backend"]["clientCertificateRef"] = *reference;
  object["spec"].erase("backendTLS");
}

}  // namespace

constinit const CarryRule kFrontendValidation{"frontend-validation", "Gateway", has_frontend,
                                              carry_frontend_validation};
constinit const CarryRule kBackendClientCertificate{"backend-client-certificate", "Gateway",
                                                    has_backend, carry_client_certificate};

}  // namespace gatelift
