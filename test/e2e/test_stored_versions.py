# SPDX-License-Identifier: Apache-2.0
"""Which CRDs the API server refuses for their stored versions, against the table that the planner is held to
(test/manifests/stored_versions_test.cc): three cells of each row, spread over all columns."""

import json
import unittest

from bundles import crds_of, gateway_crds, install
from fixture import ROOT, Scenario
from kube import CRDS, PATCHES, ApiError

TABLE = ROOT / "test/testdata/stored_versions/direct.txt"
LETTERS = {
    ("referencegrants", "v1alpha2"): "R", ("grpcroutes", "v1alpha2"): "G", ("backendtlspolicies", "v1alpha2"): "B",
    ("gatewayclasses", "v1"): "C", ("gateways", "v1"): "C", ("httproutes", "v1"): "C", ("grpcroutes", "v1"): "g",
    ("backendtlspolicies", "v1alpha3"): "b", ("backendtlspolicies", "v1"): "p", ("tlsroutes", "v1alpha3"): "l",
    ("tlsroutes", "v1"): "t", ("tcproutes", "v1"): "c", ("udproutes", "v1"): "u",
}


def bundle_of(name):
    return f"v{name[1:]}/{'standard' if name[0] == 's' else 'experimental'}"


def cells():
    """(from, [(to, letters)]) of each row: others in each, so that every column has some."""
    head, *rows = (line.split() for line in TABLE.read_text().splitlines())
    columns = head[1:]
    for number, (release, *letters) in enumerate(rows):
        places = [(number + step) % len(columns) for step in (3, 8, 13)]
        yield release, [(columns[place], letters[place]) for place in places]


class StoredVersions(Scenario):
    def is_refused_for_stored_versions(self, manifest):
        """By a dry run of the write, as a server-side apply that takes every field."""
        body = {**manifest, "metadata": {part: value for part, value in manifest["metadata"].items() if value}}
        body.pop("status", None)
        try:
            self.plane.api.call("PATCH", f"{CRDS}/{manifest['metadata']['name']}", body, PATCHES["apply"],
                                fieldManager="kubectl", force="true", dryRun="All")
        except ApiError as error:
            causes = json.loads(error.text).get("details", {}).get("causes", [])
            fields = {cause.get("field", "") for cause in causes}
            self.assertTrue(all(field.startswith("status.storedVersions[") for field in fields) and fields, error)
            return True
        return False

    def refused(self, target):
        live = gateway_crds(self.plane.api)
        letters = set()
        for name, manifest in crds_of(self.plane, bundle_of(target)).items():
            if name not in live or not self.is_refused_for_stored_versions(manifest):
                continue
            known = {version["name"] for version in manifest["spec"]["versions"]}
            letters |= {LETTERS[manifest["spec"]["names"]["plural"], version]
                        for version in live[name]["status"]["storedVersions"] if version not in known}
        return "".join(sorted(letters)) or "."

    def test_the_server_refuses_what_the_table_says(self):
        self.addCleanup(self.plane.reset)
        confirmed = 0
        for release, columns in cells():
            self.plane.reset()
            install(self.plane, bundle_of(release))
            for target, letters in columns:
                with self.subTest(f"{release} to {target}"):
                    self.assertEqual(self.refused(target), "".join(sorted(letters)))
                    confirmed += 1
        print(f"{confirmed} cells confirmed")
        self.assertEqual(confirmed, 54)


if __name__ == "__main__":
    unittest.main(verbosity=2)
