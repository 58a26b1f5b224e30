# SPDX-License-Identifier: Apache-2.0
"""A cluster that nobody would make on purpose: CRDs of several bundles, one without annotations, one that somebody
has changed, with a version that no bundle has, and one that an upgrade left behind. docs/mixed-cluster.md shows what
gatelift says of it, and this holds the page to what is printed: `python3 test_mixed.py --write` renews the page."""

import json
import re
import sys
import unittest

from bundles import BUNDLES, assert_is_bundle, crds_of, wait_until_served
from fixture import ROOT, Scenario
from kube import CRDS, GATEWAY, collection
from waiting import eventually

PAGE = ROOT / "docs/mixed-cluster.md"
TARGET = "v1.4.1/experimental"
NAMESPACE = "shop"
OLD, NEW, OLDER = "v1.3.0/experimental", "v1.4.1/experimental", "v1.2.1/experimental"
# `kubectl apply` of v1.4.1 over v1.3.0 that stopped after the third file.
APPLIED = ("backendtlspolicies", "gatewayclasses", "gateways")
LEFT = ("grpcroutes", "httproutes", "referencegrants", "tcproutes", "tlsroutes", "udproutes")
VOLATILE = {r"sha256:[0-9a-f]{64}": "sha256:…", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": "2026-01-02T03:04:05Z"}


def route(kind, version, name, spec):
    return {"apiVersion": f"{GATEWAY}/{version}", "kind": kind, "metadata": {"namespace": NAMESPACE, "name": name},
            "spec": spec}


def with_foreign_version(manifest, name):
    """As a vendor ships it: one version more, with the schema of the first."""
    first = manifest["spec"]["versions"][0]
    return {**manifest, "spec": {**manifest["spec"], "versions": [
        *manifest["spec"]["versions"], {**first, "name": name, "storage": False}]}}


def printed(text):
    """What must be on the page: the same whatever the digests and times are."""
    for pattern, shown_as in VOLATILE.items():
        text = re.sub(pattern, shown_as, text)
    return text.rstrip("\n")


class Mixed(Scenario):
    namespaces = (NAMESPACE,)

    def put(self, manifest):
        body = {**manifest, "metadata": {part: value for part, value in manifest["metadata"].items() if value}}
        body.pop("status", None)
        self.plane.api.create(CRDS, body)
        wait_until_served(self.plane.api, manifest)

    def make_cluster(self):
        self.addCleanup(self.plane.reset)
        old, new = crds_of(self.plane, OLD), crds_of(self.plane, NEW)
        for plural in (*APPLIED, *LEFT):
            manifest = json.loads(json.dumps((new if plural in APPLIED else old)[f"{plural}.{GATEWAY}"]))
            if plural == "udproutes":
                del manifest["metadata"]["annotations"][f"{GATEWAY}/bundle-version"]
                del manifest["metadata"]["annotations"][f"{GATEWAY}/channel"]
            if plural == "tlsroutes":
                manifest = with_foreign_version(manifest, "v1alpha9")
            self.put(manifest)
        self.put(crds_of(self.plane, OLDER)[f"backendlbpolicies.{GATEWAY}"])
        self.make_objects()

    def make_objects(self):
        parents = [{"name": "front"}]
        self.plane.api.create(collection(f"{GATEWAY}/v1", "gateways", NAMESPACE), route(
            "Gateway", "v1", "front", {"gatewayClassName": "example", "listeners": [
                {"name": "http", "port": 80, "protocol": "HTTP"}]}))
        for name in ("cart", "pay"):
            self.plane.api.create(collection(f"{GATEWAY}/v1", "httproutes", NAMESPACE), route(
                "HTTPRoute", "v1", name, {"parentRefs": parents, "rules": [
                    {"backendRefs": [{"name": name, "port": 8080}]}]}))
        path = collection(f"{GATEWAY}/v1alpha9", "tlsroutes", NAMESPACE)
        self.plane.api.create(path, route("TLSRoute", "v1alpha9", "bank", {
            "parentRefs": parents, "hostnames": ["bank.example.com"], "rules": [
                {"backendRefs": [{"name": "bank", "port": 8443}]}]}), "vendor-operator")
        # The vendor's operator had made its version the storage version for a while.
        name = f"{CRDS}/tlsroutes.{GATEWAY}"
        self.plane.api.patch(f"{name}/status", {"status": {"storedVersions": ["v1alpha2", "v1alpha9"]}})

    def say(self, *arguments, expected=0):
        result = self.plane.gatelift(*arguments, "--bundles", BUNDLES)
        self.assertEqual(result.returncode, expected, result.stderr)
        return result.stdout

    def commands(self):
        """{command as on the page: what it prints}"""
        return {"gatelift bundles identify": self.say("bundles", "identify"),
                f"gatelift plan --to {TARGET}": self.say("plan", "--to", TARGET)}

    def test_the_page_shows_what_is_printed(self):
        self.make_cluster()
        for command, text in self.commands().items():
            with self.subTest(command):
                if "--write" in sys.argv:
                    write(command, printed(text))
                self.assertEqual(printed(shown(command)), printed(text))

    def test_it_does_what_the_page_says(self):
        self.make_cluster()
        self.say("migrate", "--to", TARGET, "--yes")
        assert_is_bundle(self, self.plane, TARGET)
        answer = json.loads(self.say("bundles", "identify", "-o", "json"))
        self.assertEqual(answer["from"], {"version": "v1.4.1", "channel": "experimental"})
        orphans = [crd["crd"] for crd in answer["installed"] if crd.get("orphaned")]
        self.assertEqual(orphans, [f"backendlbpolicies.{GATEWAY}"])
        bank = self.plane.api.get(collection(f"{GATEWAY}/v1alpha3", "tlsroutes", NAMESPACE) + "/bank")
        self.assertEqual(bank["spec"]["hostnames"], ["bank.example.com"])
        eventually(lambda: "Nothing to do" in self.say("plan", "--to", TARGET), "there is nothing left to do")


def block(command):
    return re.compile(rf"(?m)^    \$ {re.escape(command)}\n((?:    .*\n|\n)*)")


def shown(command):
    found = block(command).search(PAGE.read_text())
    return re.sub(r"(?m)^    ", "", found.group(1)) if found else ""


def write(command, text):
    lines = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    page = block(command).sub(lambda _: f"    $ {command}\n{lines}\n", PAGE.read_text(), count=1)
    PAGE.write_text(page)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[argument for argument in sys.argv if argument != "--write"])
