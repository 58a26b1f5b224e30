# SPDX-License-Identifier: Apache-2.0
"""What says no: admission policies, upstream's and others', and webhooks that the API server really calls."""

import http.server
import json
import ssl
import threading

from bundles import crds_of, documents
from kube import CRDS, GATEWAY, ApiError, collection, policies_path
from policies import policy
from waiting import eventually

ADMISSION = "admissionregistration.k8s.io/v1"
CONFIGURATIONS = collection(ADMISSION, "validatingwebhookconfigurations")
POLICIES = collection(ADMISSION, "validatingadmissionpolicies")
BINDINGS = collection(ADMISSION, "validatingadmissionpolicybindings")
MESSAGE = "this one is not wanted here"
SAFE_UPGRADES = f"safe-upgrades.{GATEWAY}"


class SafeUpgrades:
    """The policy that bundles from v1.5 on bring along, with its binding."""

    def __init__(self, plane):
        self._plane = plane

    def install(self, bundle, manager="kubectl"):
        """As in the bundle, and in effect: it denies a CRD that names no bundle."""
        for document in documents(self._plane, bundle):
            if document["kind"].startswith("ValidatingAdmissionPolicy"):
                path = BINDINGS if document["kind"].endswith("Binding") else POLICIES
                body = {**document, "metadata": {part: value for part, value in document["metadata"].items() if value}}
                body.pop("status", None)
                self._plane.api.apply(f"{path}/{SAFE_UPGRADES}", body, manager)
        eventually(lambda: self.denies(bundle), "the policy is in effect")

    def denies(self, bundle):
        name = sorted(crds_of(self._plane, bundle))[0]
        change = {"metadata": {"annotations": {f"{GATEWAY}/bundle-version": None}}}
        try:
            self._plane.api.call("PATCH", f"{CRDS}/{name}", change, "application/merge-patch+json", dryRun="All")
        except ApiError as error:
            return error.status == 422
        return False

    def live(self):
        """(policy, binding), each None where it is not there."""
        return tuple(self._plane.api.find(f"{path}/{SAFE_UPGRADES}") for path in (POLICIES, BINDINGS))

    def is_gone(self):
        return self.live() == (None, None)

    def content(self):
        """What a restored policy shares with the one that was."""
        return [{"spec": item["spec"], "labels": item["metadata"].get("labels"),
                 "annotations": item["metadata"].get("annotations"),
                 "owners": sorted((entry["manager"], entry["operation"], entry.get("subresource", ""))
                                  for entry in item["metadata"]["managedFields"])} for item in self.live()]


class DenyingPolicy:
    """A ValidatingAdmissionPolicy that denies the creation of BackendTLSPolicies of one name, where a condition in CEL
    holds. It is in effect when it is made."""

    def __init__(self, plane, denied, condition="true"):
        self._api = plane.api
        named = "object.metadata.name == '{}'"
        self._api.create(POLICIES, {
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "deny"},
            "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [{
                "apiGroups": [GATEWAY], "apiVersions": ["*"], "operations": ["CREATE"],
                "resources": ["backendtlspolicies"]}]},
                "validations": [{"message": MESSAGE, "expression":
                                 f"!({named.format('probe')} || ({named.format(denied)} && {condition}))"}]}})
        self._api.create(BINDINGS, {
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "deny"},
            "spec": {"policyName": "deny", "validationActions": ["Deny"]}})
        eventually(self._denies, "the admission policy is in effect")

    def _denies(self):
        try:
            self._api.call("POST", policies_path("v1alpha2", "auth"), policy("auth", "probe"), dryRun="All")
        except ApiError as error:
            return MESSAGE in error.text
        return False

    def remove(self):
        self._api.delete(f"{BINDINGS}/deny")
        self._api.delete(f"{POLICIES}/deny")


class DenyingWebhook:
    """Denies the creation of objects of one name, with its own words, until it is removed; or another operation, or
    only what is no dry run."""

    def __init__(self, plane, group, resource, denied, message, operation="CREATE", dry_runs=True):
        self._plane = plane
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler(denied, message, dry_runs))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pki = plane.folder / "plane/pki"
        tls.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        authority = plane.kubectl("config", "view", "--raw", "-o", "jsonpath={.clusters[0].cluster.certificate-authority-data}")
        plane.api.create(CONFIGURATIONS, {
            "apiVersion": ADMISSION, "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "deny"},
            "webhooks": [{
                "name": "deny.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "failurePolicy": "Fail", "timeoutSeconds": 5, "matchPolicy": "Equivalent",
                "rules": [{"apiGroups": [group], "apiVersions": ["*"], "resources": [resource], "operations": [operation]}],
                "clientConfig": {"url": f"https://127.0.0.1:{self._server.server_port}/", "caBundle": authority}}]})

    def remove(self):
        self._plane.api.delete(f"{CONFIGURATIONS}/deny")

    def close(self):
        self.remove()
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def _handler(denied, message, dry_runs):
        class Handler(http.server.BaseHTTPRequestHandler):
            """One admission review after another."""

            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                request = review["request"]
                allowed = request.get("name") != denied and request["object"]["metadata"].get("name") != denied
                allowed = allowed or (request.get("dryRun", False) and not dry_runs)
                answer = {"uid": request["uid"], "allowed": allowed}
                if not allowed:
                    answer["status"] = {"code": 403, "message": message}
                body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                                   "response": answer}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                pass

        return Handler
