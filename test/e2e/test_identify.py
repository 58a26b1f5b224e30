# SPDX-License-Identifier: Apache-2.0
"""Every release of the catalogue in both channels, installed on a real API server and recognised by its content.
Prints how many CRDs of each were, as a matrix."""

import json
import unittest

from bundles import BUNDLES, crds_of, gateway_crds, wait_until_served
from fixture import Scenario
from kube import CRDS
from waiting import eventually

CHANNELS = ("standard", "experimental")


def releases():
    return [entry["version"] for entry in json.loads((BUNDLES / "catalogue.json").read_text())["bundles"]]


def bundles_to_install():
    """One channel after the other: within one hardly a CRD ever goes, and a CRD takes its time to."""
    return [f"{version}/{channel}" for channel in CHANNELS for version in releases()]


def put(api, manifest):
    """The CRD as this manifest, whatever was there: no object of it exists, so that any stored version may go."""
    name = manifest["metadata"]["name"]
    body = {**manifest, "metadata": {part: value for part, value in manifest["metadata"].items() if value}}
    body.pop("status", None)
    live = api.find(f"{CRDS}/{name}")
    if not live:
        api.create(CRDS, body)
        return
    storage = [version["name"] for version in manifest["spec"]["versions"] if version["storage"]]
    live = api.patch(f"{CRDS}/{name}/status", {"status": {"storedVersions": storage}})
    body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
    api.replace(f"{CRDS}/{name}", body)


def put_bundle(plane, bundle):
    """Exactly the CRDs of a bundle."""
    manifests = crds_of(plane, bundle)
    gone = {name: crd for name, crd in gateway_crds(plane.api).items() if name not in manifests}
    for name, crd in gone.items():
        # Of a kind that nobody has listed the API server deletes the instances at the first try only after minutes.
        wait_until_served(plane.api, crd)
        plane.api.delete(f"{CRDS}/{name}")
    for manifest in manifests.values():
        put(plane.api, manifest)
    for name in gone:
        wait_until_gone(plane.api, name)
    return manifests


def wait_until_gone(api, name):
    eventually(lambda: not api.find(f"{CRDS}/{name}"), f"{name} is gone", timeout=120)


class Identify(Scenario):
    def setUp(self):
        self.addCleanup(self.plane.reset)

    def identified(self, *arguments):
        result = self.plane.gatelift("bundles", "identify", "-o", "json", "--bundles", BUNDLES, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        answer = json.loads(result.stdout)
        return ref(answer["from"]), {crd["crd"]: crd for crd in answer["installed"]}

    def assert_is(self, bundle, names):
        """Every CRD is exactly of this bundle, and this bundle is what is installed."""
        found, crds = self.identified()
        self.assertEqual(set(crds), set(names))
        for name, crd in crds.items():
            self.assertEqual(crd["identity"], "Exact", name)
            self.assertIn(bundle, [ref(each) for each in crd["bundles"]], name)
        self.assertEqual(found, bundle)

    def test_every_release_is_recognised(self):
        exact, bundles = {}, bundles_to_install()
        for bundle in bundles:
            with self.subTest(bundle):
                manifests = put_bundle(self.plane, bundle)
                self.assert_is(bundle, manifests)
                exact[bundle] = len(manifests)
        print(matrix(exact))
        print(f"{len(exact)} of {len(bundles)} bundles are recognised, every CRD of them exactly")

    def test_what_kubectl_apply_k_leaves_out_proves_nothing(self):
        manifests = put_bundle(self.plane, "v1.0.0/experimental")
        left_out = "backendtlspolicies.gateway.networking.k8s.io"
        self.plane.api.delete(f"{CRDS}/{left_out}")
        wait_until_gone(self.plane.api, left_out)
        self.assert_is("v1.0.0/experimental", set(manifests) - {left_out})

    def test_a_changed_crd_and_a_file(self):
        manifests = put_bundle(self.plane, "v1.2.1/standard")
        changed = "httproutes.gateway.networking.k8s.io"
        self.plane.api.patch(f"{CRDS}/{changed}", {"spec": {"names": {"shortNames": ["hr"]}}})
        found, crds = self.identified()
        self.assertEqual(found, "mixed/standard")
        self.assertEqual({name for name, crd in crds.items() if crd["identity"] != "Exact"}, {changed})
        self.assertEqual(crds[changed]["identity"], "Modified")
        text = self.plane.gatelift("bundles", "identify", "--bundles", BUNDLES).stdout
        self.assertRegex(text, rf"{changed} +MODIFIED +none known; names v1\.2\.1/standard\n")

        file = self.plane.folder / "crds.json"
        file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests.values())}))
        self.assertEqual(self.identified("--file", file)[0], "v1.2.1/standard")


def ref(bundle):
    return f"{bundle['version']}/{bundle.get('channel', '')}"


def matrix(exact):
    """A row per release: how many CRDs of each channel were recognised."""
    rows = [f"{'':10}" + "".join(f"{channel:>14}" for channel in CHANNELS)]
    for version in releases():
        cells = [exact.get(f"{version}/{channel}", "-") for channel in CHANNELS]
        rows.append(f"{version:10}" + "".join(f"{cell:>14}" for cell in cells))
    return "\n".join(rows)


if __name__ == "__main__":
    unittest.main(verbosity=2)
