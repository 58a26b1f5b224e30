# SPDX-License-Identifier: Apache-2.0
"""What the target refuses is said by the API server itself, object by object, before anything is written."""

import json
import time
import unittest

from admission import ADMISSION, BINDINGS, POLICIES
from bundles import BUNDLES, assert_is_bundle, gateway_crds
from fixture import Migration, Scenario
from kube import CRDS, GATEWAY, ApiError, collection
from policies import NAMESPACES, many
from waiting import eventually

COPIES = ".rehearsal.gatelift.dev"
WELL_KNOWN = {"hostname": "a.example.com", "wellKnownCACertificates": "System"}


def item(kind, version, name, spec, namespace="auth"):
    return {"apiVersion": f"{GATEWAY}/{version}", "kind": kind, "metadata": {"namespace": namespace, "name": name},
            "spec": spec}


def target(**more):
    return {"group": "", "kind": "Service", "name": "shop", **more}


def with_header(value):
    return {"rules": [{"filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {
        "set": [{"name": "x-greeting", "value": value}]}}]}]}


def with_listener(**listener):
    return {"gatewayClassName": "plain", "listeners": [{"name": "one", "port": 443, **listener}]}


class Rehearsal(Scenario):
    namespaces = NAMESPACES

    def create(self, plural, manifest):
        version = manifest["apiVersion"].rpartition("/")[2]
        self.plane.api.create(collection(f"{GATEWAY}/{version}", plural, manifest["metadata"]["namespace"]), manifest)

    def state(self):
        """uid and resourceVersion of every CRD of Gateway API and of every object of it."""
        seen = {}
        for name, crd in gateway_crds(self.plane.api).items():
            seen[name] = crd["metadata"]["uid"], crd["metadata"]["resourceVersion"]
            version = next(version["name"] for version in crd["spec"]["versions"] if version["served"])
            path = collection(f"{crd['spec']['group']}/{version}", crd["spec"]["names"]["plural"])
            for found in self.plane.api.items(path):
                metadata = found["metadata"]
                seen[name, metadata.get("namespace"), metadata["name"]] = metadata["uid"], metadata["resourceVersion"]
        return seen

    def copies(self):
        return [crd["metadata"]["name"] for crd in self.plane.api.items(CRDS)
                if crd["metadata"]["name"].endswith(COPIES)]

    def accept(self, migration, check):
        consent = {part: check[part] for part in ("check", "object", "field")}
        self.plane.kubectl("patch", "gwm", migration.name, "--type=merge", "-p",
                           json.dumps({"spec": {"accept": [consent]}}))

    def assert_named_before_anything_is_written(self, bundle, code, name, field, repair):
        """The migration, and the check."""
        before = self.state()
        self.start_operator()
        migration = Migration(self.plane, "rehearsed", bundle)
        migration.wait_until_stalled(code, name, field, "next:", repair)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.copies(), [])
        found = [check for check in migration.checks() if check["check"] == code]
        self.assertEqual([(check["object"], check["field"]) for check in found], [(name, field)])
        rehearsal = migration.status()["rehearsal"]
        self.assertEqual(rehearsal["refused"], 1)
        self.assertEqual(rehearsal["objects"], rehearsal["accepted"] + 1)
        report = self.plane.api.get(f"/api/v1/namespaces/gatelift-system/configmaps/{migration.name}-report")
        self.assertIn(f"{name} {field} refused", report["data"]["rehearsal.txt"])
        return migration, found[0]

    def assert_goes_through_with_consent(self, migration, check, bundle):
        self.assertEqual(check["severity"], "Consent")
        self.accept(migration, check)
        migration.wait_until_ready()
        assert_is_bundle(self, self.plane, bundle)
        self.assertEqual(self.copies(), [])

    def test_targets_that_only_earlier_releases_take(self):
        self.begin_with("v1.2.1/experimental")
        self.create("backendtlspolicies", item("BackendTLSPolicy", "v1alpha3", "fine", {
            "targetRefs": [target()], "validation": WELL_KNOWN}))
        self.create("backendtlspolicies", item("BackendTLSPolicy", "v1alpha3", "twice", {
            "targetRefs": [target(), target(sectionName="https")], "validation": WELL_KNOWN}))
        bundle = "v1.3.0/experimental"
        migration, check = self.assert_named_before_anything_is_written(
            bundle, "InvalidAtTarget", "BackendTLSPolicy/auth/twice", "spec.targetRefs", "sectionName of its own")
        self.assert_goes_through_with_consent(migration, check, bundle)
        path = collection(f"{GATEWAY}/v1alpha3", "backendtlspolicies", "auth") + "/twice"
        self.assertEqual(len(self.plane.api.get(path)["spec"]["targetRefs"]), 2)
        with self.assertRaises(ApiError) as refused:  # as the check has said
            self.plane.api.patch(path, {"spec": {"targetRefs": [target(), target(sectionName="http")]}})
        self.assertEqual(refused.exception.status, 422)

    def test_a_header_that_only_the_other_channel_takes(self):
        self.begin_with("v1.4.1/standard")
        self.create("httproutes", item("HTTPRoute", "v1", "ascii", with_header("hello world")))
        self.create("httproutes", item("HTTPRoute", "v1", "greeting", with_header("two  blanks, ä")))
        bundle = "v1.5.1/experimental"
        migration, check = self.assert_named_before_anything_is_written(
            bundle, "InvalidAtTarget", "HTTPRoute/auth/greeting",
            "spec.rules[0].filters[0].requestHeaderModifier.set[0].value", "single blanks")
        self.assert_goes_through_with_consent(migration, check, bundle)

    def test_a_route_without_the_hostnames_that_it_needs(self):
        self.begin_with("v1.3.0/experimental")
        rules = {"rules": [{"backendRefs": [{"name": "db", "port": 5432}]}]}
        self.create("tlsroutes", item("TLSRoute", "v1alpha2", "named", {"hostnames": ["db.example.com"], **rules}))
        self.create("tlsroutes", item("TLSRoute", "v1alpha2", "any", rules))
        bundle = "v1.4.1/experimental"
        migration, check = self.assert_named_before_anything_is_written(
            bundle, "InvalidAtTarget", "TLSRoute/auth/any", "spec.hostnames", "name the hosts")
        # Its storage version moves, so that it is rewritten although it is invalid.
        self.assert_goes_through_with_consent(migration, check, bundle)
        self.assertEqual(len(self.plane.api.items(collection(f"{GATEWAY}/v1alpha3", "tlsroutes"))), 2)

    def test_a_status_without_the_conditions_that_it_needs(self):
        self.begin_with("v1.3.0/experimental")
        rules = {"rules": [{"backendRefs": [{"name": "db", "port": 5432}]}]}
        policy = {"targetRefs": [target()], "validation": WELL_KNOWN}
        kinds = {"HTTPRoute": ("httproutes", "v1", rules), "GRPCRoute": ("grpcroutes", "v1", rules),
                 "TCPRoute": ("tcproutes", "v1alpha2", rules), "UDPRoute": ("udproutes", "v1alpha2", rules),
                 "TLSRoute": ("tlsroutes", "v1alpha2", {"hostnames": ["db.example.com"], **rules}),
                 "BackendTLSPolicy": ("backendtlspolicies", "v1alpha3", policy)}
        silent = {"controllerName": "example.com/edge"}  # v1.3 takes it without conditions
        status = {"parents": [{"parentRef": {"name": "plain"}, **silent}],
                  "ancestors": [{"ancestorRef": {"name": "plain"}, **silent}]}
        for kind, (plural, version, spec) in kinds.items():
            part = "ancestors" if kind == "BackendTLSPolicy" else "parents"
            self.create(plural, item(kind, version, "silent", spec))
            path = collection(f"{GATEWAY}/{version}", plural, "auth") + "/silent/status"
            self.plane.api.patch(path, {"status": {part: status[part]}}, manager="edge")
        self.start_operator()
        bundle = "v1.4.1/experimental"
        migration = Migration(self.plane, "rehearsed", bundle)
        migration.wait_until_ready()
        assert_is_bundle(self, self.plane, bundle)
        checks = {check["object"]: check for check in migration.checks() if check["check"] == "InvalidAtTarget"}
        self.assertEqual({name: (check["severity"], check["field"]) for name, check in checks.items()}, {
            f"{kind}/auth/silent": ("Warning", "status.ancestors[0].conditions" if kind == "BackendTLSPolicy"
                                    else "status.parents[0].conditions") for kind in kinds})
        for check in checks.values():
            self.assertIn("let its controller write its status anew", check["next"])
        path = collection(f"{GATEWAY}/v1", "httproutes", "auth") + "/silent"
        self.assertEqual(self.plane.api.get(path)["status"]["parents"][0]["controllerName"], "example.com/edge")
        with self.assertRaises(ApiError) as refused:  # as the check has said
            self.plane.api.patch(path + "/status", {"status": {"parents": [
                {"parentRef": {"name": "other"}, **silent}]}})
        self.assertEqual(refused.exception.status, 422)

    def test_a_class_that_has_to_keep_its_controller_from_then_on(self):
        self.begin_with("v0.7.1/standard")
        classes = collection(f"{GATEWAY}/v1beta1", "gatewayclasses")
        self.plane.api.create(classes, {"apiVersion": f"{GATEWAY}/v1beta1", "kind": "GatewayClass",
                                        "metadata": {"name": "edge"}, "spec": {"controllerName": "example.com/a"}})
        changed = {"spec": {"controllerName": "example.com/b"}}
        self.plane.api.patch(f"{classes}/edge", changed)
        self.start_operator()
        migration = Migration(self.plane, "rehearsed", "v0.8.1/standard")
        status = migration.wait_until_ready()
        self.assertEqual((status["rehearsal"]["accepted"], status["rehearsal"]["refused"]), (1, 0))
        self.assertEqual(self.plane.api.get(f"{classes}/edge")["spec"], changed["spec"])
        with self.assertRaises(ApiError) as refused:
            self.plane.api.patch(f"{classes}/edge", {"spec": {"controllerName": "example.com/a"}})
        self.assertEqual(refused.exception.status, 422)

    def test_it_goes_on_by_itself_where_the_object_is_mended(self):
        self.begin_with("v1.3.0/experimental")
        rules = {"rules": [{"backendRefs": [{"name": "db", "port": 5432}]}]}
        self.create("tlsroutes", item("TLSRoute", "v1alpha2", "any", rules))
        self.start_operator()
        migration = Migration(self.plane, "rehearsed", "v1.4.1/experimental")
        migration.wait_until_stalled("InvalidAtTarget", "TLSRoute/auth/any")
        self.plane.api.patch(collection(f"{GATEWAY}/v1alpha2", "tlsroutes", "auth") + "/any",
                             {"spec": {"hostnames": ["db.example.com"]}})
        status = migration.wait_until_ready()
        self.assertEqual((status["rehearsal"]["accepted"], status["rehearsal"]["refused"]), (1, 0))

    def test_a_rule_that_cannot_be_evaluated_stops_a_rewriting(self):
        self.begin_with("v0.6.2/standard")
        terminates = with_listener(protocol="HTTPS", tls={"mode": "Terminate"})  # the rule needs certificateRefs
        self.create("gateways", item("Gateway", "v1beta1", "terminates", terminates))
        self.create("gateways", item("Gateway", "v1beta1", "named", with_listener(
            protocol="TCP", hostname="a.example.com")))
        before = self.state()
        self.start_operator()
        bundle = "v1.6.1/standard"
        migration = Migration(self.plane, "rehearsed", bundle)
        refused, kept = "Gateway/auth/terminates", "Gateway/auth/named"
        migration.wait_until_stalled("RehearsalRefused", refused, "spec.listeners", "the run has to write it")
        self.assertEqual(self.state(), before)
        self.assertEqual(self.copies(), [])
        checks = {check["object"]: check for check in migration.checks()
                  if check["check"] in ("RehearsalRefused", "InvalidAtTarget")}
        self.assertEqual(checks[refused]["check"], "RehearsalRefused")
        self.assertNotIn("could not be tried", checks[refused]["message"])
        self.assertEqual((checks[kept]["check"], checks[kept]["severity"]), ("InvalidAtTarget", "Consent"))
        self.plane.api.delete(collection(f"{GATEWAY}/v1beta1", "gateways", "auth") + "/terminates")
        migration.wait_until_stalled("InvalidAtTarget", kept)
        self.assert_goes_through_with_consent(migration, checks[kept], bundle)
        gateways = self.plane.api.items(collection(f"{GATEWAY}/v1", "gateways"))
        self.assertEqual([each["spec"]["listeners"][0]["hostname"] for each in gateways], ["a.example.com"])

    def test_a_deletion_that_an_admission_policy_denies(self):
        self.begin_with("v1.0.0/experimental")
        keys = many(self.plane.api, 6)
        self.deny_deletion_of(keys[3])
        before = self.state()
        self.start_operator()
        migration = Migration(self.plane, "rehearsed", "v1.1.1/experimental")
        name = "BackendTLSPolicy/" + "/".join(keys[3])
        migration.wait_until_stalled("WriteDenied", name, "it is to stay", "next:")
        self.assertEqual(self.state(), before)
        self.assertEqual(self.copies(), [])
        self.assertEqual(migration.status()["rehearsal"]["evidence"], {"scratch": 6, "dryRun": 0, "none": 0})

        result = self.plane.gatelift("migrate", "--to", "v1.1.1/experimental", "--bundles", BUNDLES, "--yes",
                                     "--strategy", "Recreate")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("WriteDenied", result.stdout + result.stderr)
        self.assertEqual(self.state(), before)

    def deny_deletion_of(self, key):
        namespace, name = key
        self.plane.api.create(POLICIES, {
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "deny"},
            "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [{
                "apiGroups": [GATEWAY], "apiVersions": ["*"], "operations": ["DELETE"],
                "resources": ["backendtlspolicies"]}]},
                "validations": [{"message": "it is to stay", "expression": f"request.name != '{name}'"}]}})
        self.plane.api.create(BINDINGS, {
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "deny"},
            "spec": {"policyName": "deny", "validationActions": ["Deny"]}})
        path = collection(f"{GATEWAY}/v1alpha2", "backendtlspolicies", namespace) + f"/{name}"

        def denies():
            try:
                self.plane.api.call("DELETE", path + "?dryRun=All")
            except ApiError as error:
                return "it is to stay" in error.text
            return False

        def allow():
            self.plane.api.delete(f"{BINDINGS}/deny")
            self.plane.api.delete(f"{POLICIES}/deny")
            eventually(lambda: not denies(), "the admission policy has no effect any more")

        self.addCleanup(allow)
        eventually(denies, "the admission policy is in effect")

    def test_a_process_that_dies_in_it_leaves_nothing_for_long(self):
        self.begin_with("v1.3.0/experimental")
        for number in range(150):
            self.create("httproutes", item("HTTPRoute", "v1", f"route-{number}", with_header("x")))
        operator = self.start_operator()
        migration = Migration(self.plane, "rehearsed", "v1.4.1/experimental")
        path = f"{CRDS}/httproutes{COPIES}"
        deadline = time.monotonic() + 60
        while not self.plane.api.find(path):
            self.assertLess(time.monotonic(), deadline, migration.explain())
            time.sleep(0.005)
        operator.kill()
        self.assertEqual(migration.status()["phase"], "Rehearse")
        self.assertEqual(self.copies(), ["httproutes" + COPIES])
        self.start_operator()
        migration.wait_until_ready(timeout=120)
        self.assertEqual(self.copies(), [])
        self.assertEqual(migration.status()["rehearsal"]["accepted"], 150)


if __name__ == "__main__":
    unittest.main(verbosity=2)
