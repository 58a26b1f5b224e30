#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `bundles diff` says of every step between upstream's releases, and `bundles verify` of their files.

Reads the bundles that scripts/fetch-bundles lays out, and no cluster. The findings are upstream's history: a
release that is added to the catalogue adds steps, and none of these changes.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import unittest

PROGRAM = os.environ.get("GATELIFT_BIN", "gatelift")
BUNDLES = pathlib.Path(os.environ.get("GATELIFT_BUNDLES") or pathlib.Path(
    os.environ.get("GATELIFT_CACHE") or
    pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gatelift") / "bundles")
VERSIONS = ("v0.5.0 v0.5.1 v0.6.0 v0.6.1 v0.6.2 v0.7.0 v0.7.1 v0.8.0 v0.8.1 v1.0.0 v1.1.0 v1.1.1 v1.2.0 v1.2.1 v1.3.0 "
            "v1.4.0 v1.4.1 v1.5.0 v1.5.1 v1.6.0 v1.6.1 v1.6.2 v1.6.3").split()
CHANNELS = ("standard", "experimental")
ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = list(zip(VERSIONS, VERSIONS[1:]))
DOCUMENT = ROOT / "docs/bundles.md"
FILTERS = ("spec.rules[].backendRefs[].filters", "spec.rules[].filters")


def run(*arguments):
    return subprocess.run([PROGRAM, "bundles", *map(str, arguments)], capture_output=True, text=True, check=False)


@functools.lru_cache(maxsize=None)
def comparison(before, after, channel):
    result = run("diff", "--local", "--bundles", BUNDLES, f"{before}/{channel}", f"{after}/{channel}", "-o", "json")
    if result.returncode not in (0, 3):
        raise AssertionError(result.stderr)
    answer = json.loads(result.stdout)
    found = any(v["ruling"] == "Violates" for c in answer["changes"] for v in c["verdicts"])
    found = found or bool(broken_by(answer["releases"], after) - broken_by(answer["releases"], before))
    if (result.returncode == 3) != found:
        raise AssertionError(f"{before} {after} {channel}: exit status {result.returncode}")
    return answer["changes"], answer["releases"]


def broken_by(releases, version):
    """The findings against one release."""
    return {(r["rule"], r["crd"], r["version"], r["path"]) for r in releases
            if (r["release"], r["ruling"]) == (version, "Violates")}


def of_release(version, channel):
    """The findings about one release and about one of its bundles."""
    before, after = next(step for step in STEPS if version in step)
    return [r for r in comparison(before, after, channel)[1] if r["release"] == version]


def kind(change):
    return change["crd"].split(".")[0]


def findings(before, after, channel, rule, ruling="Violates"):
    """{(plural, version, path)} of the changes that a rule says this of."""
    changes, _ = comparison(before, after, channel)
    return {(kind(c), c["version"], c["path"]) for c in changes
            if any((v["rule"], v["ruling"]) == (rule, ruling) for v in c["verdicts"])}


def changed(before, after, channel, what):
    """{(plural, version, path): detail} of the changes of one kind."""
    changes, _ = comparison(before, after, channel)
    return {(kind(c), c["version"], c["path"]): c["detail"] for c in changes if c["kind"] == what}


def minor(version):
    return version.rpartition(".")[0]


PATCHES = [(a, b) for a, b in STEPS if minor(a) == minor(b)]
MINORS = [(a, b) for a, b in STEPS if minor(a) != minor(b) and a[:3] == b[:3]]


class Findings(unittest.TestCase):
    """Where upstream's releases kept the rules, and where not."""

    maxDiff = None

    def broken(self, steps, channel, rule):
        """{later version: findings} of the steps in which the rule was broken."""
        found = {after: findings(before, after, channel, rule) for before, after in steps}
        return {version: what for version, what in found.items() if what}

    def test_p1_no_patch_changes_versions(self):
        for channel in ("standard", "experimental"):
            self.assertEqual(self.broken(PATCHES, channel, "P1"), {})

    def test_p2_timeouts_came_in_a_patch(self):
        self.assertEqual(self.broken(PATCHES, "standard", "P2"), {})
        self.assertEqual(self.broken(PATCHES, "experimental", "P2"), {"v0.8.1": {
            ("httproutes", version, "spec.rules[].timeouts") for version in ("v1alpha2", "v1beta1")}})

    def test_p3_cors_once_came_in_a_patch(self):
        for channel in ("standard", "experimental"):
            self.assertEqual(self.broken(PATCHES, channel, "P3"), {"v1.5.1": {
                ("httproutes", version, path) for version in ("v1", "v1beta1") for path in FILTERS}})
            changes, _ = comparison("v1.5.0", "v1.5.1", channel)
            self.assertEqual({c["detail"] for c in changes}, {'"CORS filter cannot be repeated" added'})
            self.assertEqual({c["rule"] for c in changes}, {"self.filter(f, f.type == 'CORS').size() <= 1"})

    def test_p3_other_patches_rewrote_rules(self):
        self.assertEqual(findings("v0.8.0", "v0.8.1", "standard", "P3", "NotDecidable"),
                         {("gateways", version, "spec.listeners") for version in ("v1alpha2", "v1beta1")})
        loosened = findings("v1.1.0", "v1.1.1", "experimental", "P3", "Allowed")
        self.assertIn(("httproutes", "v1", "spec.rules[].sessionPersistence"), loosened)
        self.assertEqual({path.rpartition(".")[2] for _, _, path in loosened}, {"sessionPersistence"})

    def test_p4_patches_restore_status_that_the_minor_lost(self):
        status = "subresources.status"
        for before, lost, restored, route in (
                ("v1.0.0", "v1.1.0", "v1.1.1", ("grpcroutes", "v1alpha2", status)),
                ("v1.3.0", "v1.4.0", "v1.4.1", ("backendtlspolicies", "v1alpha3", status))):
            self.assertIn(route, changed(before, lost, "experimental", "SubresourceRemoved"))
            for channel in ("standard", "experimental"):
                self.assertIn(route, findings(lost, restored, channel, "P4", "Allowed"))
                self.assertEqual(changed(lost, restored, channel, "SubresourceAdded"), {route: ""})
        self.assertEqual(changed("v1.1.0", "v1.1.1", "standard", "ColumnsChanged"),
                         {("grpcroutes", "v1alpha2", ""): "none -> Hostnames, Age"})
        for channel in ("standard", "experimental"):
            self.assertEqual(self.broken(PATCHES, channel, "P4"), {})

    def test_m1_standard_keeps_its_fields_and_experimental_does_not(self):
        self.assertEqual(self.broken(MINORS, "standard", "M1"), {})
        removed = changed("v1.3.0", "v1.4.0", "experimental", "FieldRemoved")
        for field in (("gateways", "v1", "spec.backendTLS"),
                      ("gateways", "v1", "spec.listeners[].tls.frontendValidation"),
                      ("xlistenersets", "v1alpha1", "spec.listeners[].tls.frontendValidation")):
            self.assertIn(field, removed)
        self.assertEqual(changed("v1.1.1", "v1.2.0", "experimental", "FieldRetyped"), {
            ("gatewayclasses", version, "status.supportedFeatures[]"): "string -> object"
            for version in ("v1", "v1beta1")})
        self.assertIn(("httproutes", "v1", "spec.rules[].sessionPersistence.idleTimeout"),
                      changed("v1.5.1", "v1.6.0", "experimental", "FieldRemoved"))

    def test_m2_what_standard_minors_tightened(self):
        broken = self.broken(MINORS, "standard", "M2")
        self.assertEqual(sorted(broken), ["v0.7.0", "v0.8.0", "v1.1.0", "v1.4.0", "v1.5.0", "v1.6.0"])
        at = {version: {(plural, path) for plural, _, path in what} for version, what in broken.items()}
        self.assertEqual(at["v0.7.0"], {("httproutes", "spec.rules[].matches[].queryParams[].name")})
        self.assertEqual(at["v1.1.0"], {("gateways", "spec.listeners")})
        self.assertEqual(at["v1.4.0"], {("grpcroutes", "spec"), ("grpcroutes", "status.parents[].conditions"),
                                        ("httproutes", "status.parents[].conditions")})
        self.assertEqual(at["v1.5.0"], {("gateways", "spec.listeners"), ("httproutes", "spec.rules")})
        self.assertEqual(at["v1.6.0"], {("referencegrants", "spec")})
        changes, _ = comparison("v1.0.0", "v1.1.0", "standard")
        self.assertIn('"tls mode must be Terminate for protocol HTTPS" added', {c["detail"] for c in changes})

    def test_m2_the_rules_of_the_webhook_became_rules_of_the_schema(self):
        changes, _ = comparison("v0.7.1", "v0.8.0", "standard")
        rules = {(c["crd"], c["path"], c["rule"]) for c in changes if c["kind"] == "Tightened" and "rule" in c}
        self.assertGreaterEqual(len(rules), 50)
        self.assertIn(("gatewayclasses.gateway.networking.k8s.io", "spec.controllerName", "self == oldSelf"), rules)

    def test_m2_does_not_take_every_new_rule_for_a_tightening(self):
        self.assertEqual({path for _, _, path in findings("v1.2.1", "v1.3.0", "standard", "M2", "Allowed")
                          if path.endswith("requestMirror")},
                         {path + "[].requestMirror" for path in FILTERS})
        undecided = findings("v1.4.1", "v1.5.0", "standard", "M2", "NotDecidable")
        self.assertLessEqual({("httproutes", "v1", path + "[]") for path in FILTERS}, undecided)
        self.assertIn(("httproutes", "v1", "spec.rules"),
                      findings("v1.1.1", "v1.2.0", "standard", "M2", "NotDecidable"))

    def test_m3_m4_m5_standard_versions_go_away_in_order(self):
        for rule in ("M3", "M4", "M5"):
            self.assertEqual(self.broken(MINORS, "standard", rule), {})
        self.assertEqual(findings("v1.0.0", "v1.1.0", "standard", "M3", "Allowed"),
                         {("referencegrants", "v1alpha2", "")})
        self.assertEqual(findings("v1.1.1", "v1.2.0", "standard", "M4", "Allowed"),
                         {("referencegrants", "v1alpha2", ""), ("grpcroutes", "v1alpha2", "")})

    def test_m3_m4_m5_do_not_bind_experimental_which_shows_what_it_did(self):
        removed = changed("v1.1.1", "v1.2.0", "experimental", "VersionRemoved")
        self.assertEqual(removed, {(plural, "v1alpha2", ""): "was served, deprecated"
                                   for plural in ("grpcroutes", "referencegrants")})
        self.assertEqual(changed("v1.0.0", "v1.1.0", "experimental", "VersionRemoved"),
                         {("backendtlspolicies", "v1alpha2", ""): "was served, storage"})
        self.assertEqual(changed("v1.2.1", "v1.3.0", "experimental", "CrdRemoved"),
                         {("backendlbpolicies", "", ""): "had v1alpha2 (served, storage)"})
        self.assertEqual(changed("v1.4.1", "v1.5.0", "experimental", "CrdRemoved"),
                         {("xlistenersets", "", ""): "had v1alpha1 (served, storage)"})

    def test_m6_what_was_new_in_both_channels_at_once(self):
        self.assertEqual(self.broken(MINORS, "standard", "M6"), {
            "v0.6.0": {("referencegrants", "", "")},
            "v1.1.0": {("grpcroutes", "", "")},
            "v1.4.0": {("backendtlspolicies", "", "")},
            "v1.5.0": {("tlsroutes", "", ""), ("listenersets", "", ""), ("referencegrants", "v1", ""),
                       ("gateways", "v1", "status.attachedListenerSets"),
                       ("gateways", "v1beta1", "status.attachedListenerSets")},
            "v1.6.0": {("tcproutes", "", ""), ("udproutes", "", "")},
        })

    def test_m7_versions_that_were_stored_as_soon_as_they_were_there(self):
        self.assertEqual(self.broken(MINORS, "standard", "M7"), {})
        self.assertEqual(self.broken(MINORS, "experimental", "M7"), {
            "v1.1.0": {("grpcroutes", "v1", ""), ("backendtlspolicies", "v1alpha3", "")},
            "v1.4.0": {("backendtlspolicies", "v1", ""), ("tlsroutes", "v1alpha3", "")},
            "v1.5.0": {("tlsroutes", "v1", "")},
            "v1.6.0": {("tcproutes", "v1", ""), ("udproutes", "v1", "")},
        })
        trio = {(plural, "v1", "") for plural in ("gatewayclasses", "gateways", "httproutes")}
        self.assertEqual(findings("v1.0.0", "v1.1.0", "standard", "M7", "Allowed"), trio)
        self.assertIn(("referencegrants", "v1beta1", ""), findings("v0.7.1", "v0.8.0", "standard", "M7", "Allowed"))

    def test_m8_two_steps_at_once(self):
        self.assertEqual(self.broken(MINORS, "standard", "M8"), {
            "v0.6.0": {(plural, version, "") for plural in ("gatewayclasses", "gateways", "httproutes")
                       for version in ("v1alpha2", "v1beta1")},
            "v0.8.0": {("referencegrants", "v1beta1", ""), ("referencegrants", "v1alpha2", "")}})

    def test_mj_a_major_promises_nothing(self):
        changes, _ = comparison("v0.8.1", "v1.0.0", "standard")
        self.assertEqual({(v["ruling"], v["rule"]) for c in changes for v in c["verdicts"]}, {("Allowed", "MJ")})

    def test_x1_experimental_has_what_standard_has(self):
        for before, after in STEPS:
            _, releases = comparison(before, after, "standard")
            found = [(r["release"], r["ruling"]) for r in releases if r["rule"] == "X1"]
            self.assertEqual(found, [(before, "Allowed"), (after, "Allowed")])

    def test_x2_standard_served_alpha_versions(self):
        served = {}
        for before, after in STEPS:
            for finding in comparison(before, after, "standard")[1]:
                if (finding["rule"], finding["ruling"]) == ("X2", "Violates"):
                    served.setdefault(minor(finding["release"]), set()).add(kind(finding))
        grants = {"referencegrants"}
        first = {"gatewayclasses", "gateways", "httproutes"}
        early = grants | first
        self.assertEqual(served, {"v0.5": first, "v0.6": early, "v0.7": early, "v0.8": grants, "v1.0": grants})


    def about_validity(self, version, ruling):
        """{(plural, path)} of what X3 says of a release."""
        return {(kind(r), r["path"]) for r in of_release(version, "standard")
                if (r["rule"], r["ruling"]) == ("X3", ruling) and r["crd"]}

    def test_x3_held_until_parent_refs_had_a_port_in_standard(self):
        for version in VERSIONS[:VERSIONS.index("v1.1.0")]:
            rulings = {r["ruling"] for r in of_release(version, "standard") if r["rule"] == "X3"}
            self.assertEqual(rulings, {"Allowed"}, version)
        for version in VERSIONS[VERSIONS.index("v1.1.0"):]:
            self.assertLessEqual({("httproutes", "spec.parentRefs"), ("grpcroutes", "spec.parentRefs")},
                                 self.about_validity(version, "NotDecidable"), version)

    def test_x3_is_violated_since_rule_names_and_header_values(self):
        first = {}
        for version in VERSIONS:
            for plural, path in self.about_validity(version, "Violates"):
                first.setdefault(version if path == "spec.rules" or path.endswith("value") else "other", set()).add(path)
        self.assertEqual({version for version in first if "spec.rules" in first[version]},
                         set(VERSIONS[VERSIONS.index("v1.4.0"):]))
        values = {version for version in first if any(path.endswith("value") for path in first[version])}
        self.assertEqual(values, set(VERSIONS[VERSIONS.index("v1.5.0"):]))
        self.assertNotIn("other", first)

    def alone(self, rule):
        """{bundle: {(document, path): why}} of what is wrong with a bundle by itself."""
        found = {}
        for version in VERSIONS:
            for channel in CHANNELS:
                for r in of_release(version, channel):
                    if (r["rule"], r["ruling"]) == (rule, "Violates"):
                        found.setdefault(f"{version}/{channel}", {})[r["crd"], r["path"]] = r["why"]
        return found

    def test_a1_documents_that_name_another_bundle(self):
        found = self.alone("A1")
        policies = {f"{kind}/safe-upgrades.gateway.networking.k8s.io"
                    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")}
        version, channel = (f"metadata.annotations[gateway.networking.k8s.io/{name}]" for name in ("bundle-version", "channel"))
        late = VERSIONS[VERSIONS.index("v1.5.0"):]
        self.assertEqual(set(found), {f"v0.8.1/{each}" for each in CHANNELS} | {f"{each}/experimental" for each in late}
                         | {"v1.5.0/standard", "v1.5.1/standard"})
        for each in CHANNELS:
            self.assertEqual(set(found[f"v0.8.1/{each}"].values()), {"it says v0.8.0"})
            self.assertEqual({path for _, path in found[f"v0.8.1/{each}"]}, {version})
        for each in late:
            wrong = found[f"{each}/experimental"]
            self.assertEqual({wrong[policy, channel] for policy in policies}, {"it says standard"})
        for each in ("v1.5.0", "v1.5.1"):
            self.assertEqual(found[f"{each}/standard"], {(policy, version): "it says v1.5.0-dev" for policy in policies})

    def test_a2_what_kustomizations_leave_out(self):
        found = {bundle: {path.split("_")[1].removesuffix(".yaml") for _, path in wrong}
                 for bundle, wrong in self.alone("A2").items()}
        grants = {f"{version}/standard": {"referencegrants"}
                  for version in ("v0.6.0", "v0.6.1", "v0.6.2", "v0.7.0", "v0.7.1")}
        self.assertEqual(found, grants | {
            "v1.0.0/experimental": {"backendtlspolicies"},
            "v1.1.0/experimental": {"backendlbpolicies"}, "v1.1.1/experimental": {"backendlbpolicies"},
            "v1.4.0/experimental": {"xmeshes"}, "v1.4.1/experimental": {"xmeshes"},
            "v1.6.0/experimental": {"xbackends"}, "v1.6.1/experimental": {"xbackends"}})


class OtherSteps(unittest.TestCase):
    def verdicts(self, before, after):
        result = run("diff", "--local", "--bundles", BUNDLES, before, after, "-o", "json")
        answer = json.loads(result.stdout)
        return result.returncode, answer["step"], [v for c in answer["changes"] for v in c["verdicts"]]

    def test_a_downgrade_or_another_channel_has_changes_and_no_verdict(self):
        self.assertEqual(self.verdicts("v1.5.1/standard", "v1.4.1/standard"), (0, "Unruled", []))
        self.assertEqual(self.verdicts("v1.3.0/standard", "v1.3.0/experimental"), (0, "Unruled", []))

    def test_the_other_channel_of_a_release_is_one_that_refuses_more(self):
        self.assertEqual(self.verdicts("v1.5.1/standard", "v1.5.1/experimental"), (3, "Unruled", []))

    def test_over_several_minors_only_what_none_of_them_could_change_is_decided(self):
        code, step, verdicts = self.verdicts("v1.3/standard", "v1.6/standard")
        self.assertEqual((code, step), (3, "Minor"))
        self.assertEqual({v["ruling"] for v in verdicts if v["rule"] == "M6"}, {"Violates", "NotDecidable"})


class Documentation(unittest.TestCase):
    def test_shows_what_the_program_prints(self):
        shown = re.search(r"\$ gatelift bundles diff (\S+) (\S+)\n(.*?)\n\n(?=\S)", DOCUMENT.read_text(), re.DOTALL)
        before, after, text = shown.groups()
        printed = run("diff", "--local", "--bundles", BUNDLES, before, after).stdout
        self.assertEqual(textwrap.dedent(text), printed.rstrip("\n"))


class Verify(unittest.TestCase):
    def test_every_release_is_what_the_catalogue_pins(self):
        result = run("verify", "--bundles", BUNDLES)
        self.assertEqual(result.returncode, 0, result.stdout)
        states = {line.split()[1]: line.split()[0] for line in result.stdout.splitlines()}
        for version in VERSIONS:
            for channel in CHANNELS:
                self.assertEqual(states[f"{version}/{channel}"], "ok")

    def test_every_release_has_what_its_crds_are_recognised_by(self):
        releases = json.loads((BUNDLES / "catalogue.json").read_text())["bundles"]
        self.assertLessEqual(set(VERSIONS), {release["version"] for release in releases})
        for release in releases:
            for channel in CHANNELS:
                with self.subTest(release["version"], channel=channel):
                    self.assertGreater(len(release["channels"][channel]["crds"]), 2)

    def test_bad_releases_say_which_one_to_take(self):
        releases = json.loads((BUNDLES / "catalogue.json").read_text())["bundles"]
        bad = {release["version"]: release["bad"] for release in releases if "bad" in release}
        self.assertEqual(sorted(bad), ["v0.8.0", "v1.1.0", "v1.2.0", "v1.4.0", "v1.5.0"])
        for version, reason in bad.items():
            self.assertIn(f"{minor(version)}.1", reason)

    def test_one_command_adds_a_release(self):
        with tempfile.TemporaryDirectory() as scratch:
            catalogue = pathlib.Path(scratch) / "catalogue.json"
            releases = json.loads((ROOT / "manifests/bundles/catalogue.json").read_text())
            releases["bundles"] = [each for each in releases["bundles"] if each["version"] != "v1.6.1"]
            catalogue.write_text(json.dumps(releases))
            command = [ROOT / "scripts/fetch-bundles", "--catalogue", catalogue, "--pin", "v1.6.1"]
            pinned = subprocess.run(command, env=dict(os.environ, GATELIFT_BIN=PROGRAM), capture_output=True, text=True,
                                    check=False)
            self.assertEqual(pinned.returncode, 0, pinned.stderr)
            self.assertEqual(catalogue.read_text(), (ROOT / "manifests/bundles/catalogue.json").read_text())

    def test_a_byte_or_a_file_more_shows(self):
        with tempfile.TemporaryDirectory() as scratch:
            copy = pathlib.Path(scratch)
            shutil.copytree(BUNDLES / "v1.1.1", copy / "v1.1.1")
            shutil.copy(BUNDLES / "catalogue.json", copy)
            (copy / "v1.1.1/standard/extra.yaml").write_text("{}\n")
            with next((copy / "v1.1.1/experimental").glob("*.yaml")).open("a") as file:
                file.write("\n")
            result = run("verify", "--bundles", copy)
            self.assertEqual(result.returncode, 1)
            self.assertIn("v1.1.1/standard: extra.yaml does not belong to it", result.stdout)
            self.assertRegex(result.stdout, r"DIFFERS +v1\.1\.1/experimental ")


if __name__ == "__main__":
    unittest.main()
