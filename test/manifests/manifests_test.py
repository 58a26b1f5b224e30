#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What manifests/ promises, asked of a real API server."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from control_plane import ROOT, ControlPlane

MANIFESTS = ROOT / "manifests"
OPERATOR = "system:serviceaccount:gatelift-system:gatelift"
PLANNER = "system:serviceaccount:gatelift-system:gatelift-planner"
DIGEST = "sha256:" + "5" * 64
STRATEGIES = {"InPlace": "ConvertInPlace", "Recreate": "Convert"}  # and what each does with policies

plane = None


def setUpModule():
    global plane
    plane = ControlPlane()
    unittest.addModuleCleanup(plane.close)
    plane.kubectl("apply", "--server-side", "-k", MANIFESTS)
    plane.kubectl("wait", "--for=condition=Established", "crd/gatewayapimigrations.gatelift.dev")


def migration(name, **spec):
    target = {"version": "v1.1.1", "channel": "experimental"}
    return {"apiVersion": "gatelift.dev/v1alpha1", "kind": "GatewayAPIMigration",
            "metadata": {"name": name}, "spec": {"target": target, **spec}}


def create(manifest):
    return plane.run("create", "-f", "-", "-o", "json", text=json.dumps(manifest))


def patch(name, change, *arguments):
    return plane.run("patch", "gwm", name, "--type=merge", "-p", json.dumps(change), *arguments)


def reviewed(rows):
    """Whether each (user, verb, resource, name, namespace) is allowed, as the API server says."""
    reviews = []
    for user, verb, resource, name, namespace in rows:
        resource, _, subresource = resource.partition("/")
        plural, _, group = resource.partition(".")
        attributes = {"resourceAttributes": {"verb": verb, "group": group, "resource": plural,
                                             "subresource": subresource, "name": name, "namespace": namespace}}
        if not plural:
            attributes = {"nonResourceAttributes": {"verb": verb, "path": "/" + subresource}}
        groups = ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:gatelift-system"]
        reviews.append({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                        "spec": {"user": user, "groups": groups, **attributes}})
    answers = plane.objects("create", "-f", "-", text=json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": reviews}))
    return [answer["status"]["allowed"] for answer in answers]


def documented_rights():
    """The rows of SECURITY.md's table."""
    header, rows = None, []
    for line in (ROOT / "SECURITY.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or (header is None and cells[0] != "verb"):
            continue
        if header is None:
            header = cells
        else:
            rows.append(dict(zip(header, ["" if cell == "-" else cell for cell in cells])))
    return rows


def roles():
    """Every rule that manifests/ holds, with the role it is in."""
    for role in plane.objects("get", "clusterroles,roles", "-A", "-l", "app.kubernetes.io/part-of=gatelift"):
        for rule in role["rules"]:
            yield f"{role['kind']}/{role['metadata']['name']}", rule


def bundles():
    """The folder of the released bundles."""
    fetched = subprocess.run([ROOT / "scripts/fetch-bundles"], capture_output=True, text=True, check=True).stdout
    return pathlib.Path(re.search(r" releases in (.+), \d+ of them", fetched).group(1))


def bundle_crds():
    """Names of all CRDs in the released bundles."""
    names = set()
    for file in bundles().glob("v*/*/*.yaml"):
        group, _, plural = file.stem.partition("_")
        if not plural.startswith("vap_"):
            names.add(f"{plural}.{group}")
    return names


def copy_of(crd):
    """The name of the copy at which a rehearsal tries a CRD's objects."""
    return crd.partition(".")[0] + ".rehearsal.gatelift.dev"


class Resource(unittest.TestCase):
    def test_samples_are_taken_as_they_are(self):
        files = sorted(MANIFESTS.glob("samples/*.yaml"))
        self.assertGreaterEqual(len(files), 4)
        for file in files:
            with self.subTest(file.name):
                plane.kubectl("create", "--validate=strict", "--dry-run=server", "-f", file)

    def test_leaves_nothing_but_the_target_to_be_said(self):
        spec = json.loads(create(migration("defaults")).stdout)["spec"]
        del spec["target"]
        self.assertEqual(spec, {"strategy": "InPlace", "mode": "Apply", "approval": "Automatic", "suspend": False,
                                "onFailure": "Halt", "backup": {"retain": "720h"}})

    def test_refuses_what_makes_no_sense(self):
        wrong = {
            "spec.target.version": {"target": {"version": "1.1.1", "channel": "standard"}},
            "spec.target.version: Required": {"target": {"channel": "standard"}},
            "spec.target.channel": {"target": {"version": "v1.1.1", "channel": "beta"}},
            "spec.strategy": {"strategy": "Hope"},
            "spec.mode": {"mode": "Dry"},
            "spec.approval": {"approval": "Maybe"},
            "spec.onFailure": {"onFailure": "Panic"},
            "spec.backup.retain": {"backup": {"retain": "30 days"}},
            "spec.approvedPlan": {"approval": "Required", "approvedPlan": "yes"},
            "spec.accept[0].check: Required": {"accept": [{"object": "HTTPRoute/a/b"}]},
            "spec.approvedPlan has no effect": {"approvedPlan": DIGEST},
            "spec.inPlace has no effect": {"strategy": "Recreate", "inPlace": {"hold": "None"}},
            "spec.inPlace.hold": {"strategy": "InPlace", "inPlace": {"hold": "Never"}},
        }
        for words, spec in wrong.items():
            with self.subTest(words):
                result = create(migration("wrong", **spec))
                self.assertNotEqual(result.returncode, 0, result.stdout)
                self.assertIn(words, result.stderr)

    def test_takes_what_does(self):
        right = [
            {"target": {"version": "v1.1", "channel": "standard"}},
            {"target": {"version": "v1.6.0-rc.1", "channel": "experimental"}},
            {"approval": "Required", "approvedPlan": DIGEST},
            {"accept": [{"check": "FieldLoss", "object": "HTTPRoute/a/b", "field": "spec.rules[0].timeouts"}]},
            {"accept": [{"check": "UnknownContent"}]},
            {"backup": {"retain": "36h30m"}},
            {"strategy": "InPlace"},
            {"strategy": "InPlace", "inPlace": {"hold": "Approval"}},
        ]
        for i, spec in enumerate(right):
            with self.subTest(spec):
                result = create(migration(f"right-{i}", **spec))
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_holds_target_strategy_and_mode_while_a_run_is_under_way(self):
        create(migration("held"))
        changes = {
            "spec.target cannot change": {"spec": {"target": {"version": "v1.2.1"}}},
            "spec.mode cannot change": {"spec": {"mode": "Plan"}},
        }
        for phase in ("BackUp", "Migrate", "Verify"):
            plane.kubectl("patch", "gwm", "held", "--subresource=status", "--type=merge",
                          "-p", json.dumps({"status": {"phase": phase}}))
            for words, change in changes.items():
                with self.subTest(phase=phase, change=change):
                    result = patch("held", change)
                    self.assertNotEqual(result.returncode, 0, result.stdout)
                    self.assertIn(words, result.stderr)
            for change in ({"spec": {"suspend": phase == "BackUp"}}, {"spec": {"onFailure": "Rollback"}},
                           {"metadata": {"annotations": {"gatelift.dev/rollback": "true"}}}):
                with self.subTest(phase=phase, change=change):
                    self.assertEqual(patch("held", change).returncode, 0)

    def test_lets_the_target_change_before_and_after_a_run(self):
        create(migration("free"))
        for minor, phase in enumerate((None, "Plan", "Approve", "Rehearse", "Done"), start=2):
            if phase:
                plane.kubectl("patch", "gwm", "free", "--subresource=status", "--type=merge",
                              "-p", json.dumps({"status": {"phase": phase}}))
            with self.subTest(phase=phase):
                result = patch("free", {"spec": {"target": {"version": f"v1.{minor}"}}})
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_shows_what_people_ask_for(self):
        create(migration("shown"))
        ready = {"type": "Ready", "status": "False", "reason": "Migrating", "message": "37 of 40 objects",
                 "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1}
        status = {"phase": "Migrate", "progress": "37/40", "conditions": [ready],
                  "from": {"version": "v1.0.0", "channel": "experimental"},
                  "to": {"version": "v1.1.1", "channel": "experimental"}}
        patched = patch("shown", {"status": status}, "--subresource=status")
        self.assertEqual(patched.returncode, 0, patched.stderr)
        header, row = plane.kubectl("get", "gwm", "shown").splitlines()
        self.assertEqual(header.split(), "NAME PHASE FROM TO STRATEGY PROGRESS READY AGE".split())
        self.assertEqual(row.split()[:-1], "shown Migrate v1.0.0 v1.1.1 InPlace 37/40 False".split())
        wide = plane.kubectl("get", "gatelift", "-o", "wide")
        self.assertRegex(wide.splitlines()[0], r"CHANNEL.*REASON +MESSAGE")
        self.assertIn("Migrating   37 of 40 objects", wide)

    def test_explains_every_field(self):
        crd = plane.objects("get", "crd", "gatewayapimigrations.gatelift.dev")[0]
        silent = []

        def visit(schema, path):
            if not schema.get("description") and path not in ("metadata",) and not path.endswith("[]"):
                silent.append(path)
            for name, child in schema.get("properties", {}).items():
                visit(child, f"{path}.{name}".lstrip("."))
            if "items" in schema:
                visit(schema["items"], path + "[]")

        visit(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "")
        self.assertEqual(silent, [])


class Rights(unittest.TestCase):
    def test_are_those_of_the_table_in_security_md(self):
        table = documented_rights()
        self.assertGreater(len(table), 40)
        questions = []
        for user, column in ((OPERATOR, "gatelift"), (PLANNER, "gatelift-planner")):
            questions += [((user, row["verb"], row["resource"], row["name"], row["namespace"]), row[column])
                          for row in table]
        for (question, documented), allowed in zip(questions, reviewed([q for q, _ in questions])):
            with self.subTest(question):
                self.assertEqual("yes" if allowed else "no", documented)

    def test_have_no_wildcard(self):
        rules = list(roles())
        self.assertGreater(len(rules), 15)
        for role, rule in rules:
            with self.subTest(role, rule=rule):
                for field in ("apiGroups", "resources", "verbs", "resourceNames", "nonResourceURLs"):
                    self.assertFalse([value for value in rule.get(field, []) if "*" in value])
                self.assertFalse({"escalate", "bind", "impersonate"} & set(rule["verbs"]))

    def test_of_the_planner_write_nothing(self):
        for role, rule in roles():
            if role.endswith(("/gatelift-planner", "/gatelift-clients")) and rule["resources"] != ["selfsubjectaccessreviews"]:
                with self.subTest(role, rule=rule):
                    self.assertLessEqual(set(rule["verbs"]), {"get", "list", "watch"})

    def test_reach_every_crd_of_every_bundle_and_its_objects(self):
        names = bundle_crds()
        self.assertGreater(len(names), 12)
        questions = [(OPERATOR, verb, resource, name, "")
                     for crd in sorted(names)
                     for verb, resource, name in (
                         ("patch", "customresourcedefinitions.apiextensions.k8s.io", crd),
                         ("update", "customresourcedefinitions.apiextensions.k8s.io", crd),
                         ("patch", "customresourcedefinitions.apiextensions.k8s.io/status", crd),
                         ("list", crd, ""), ("watch", crd, ""), ("patch", crd, ""),
                         ("patch", "customresourcedefinitions.apiextensions.k8s.io", copy_of(crd)),
                         ("delete", "customresourcedefinitions.apiextensions.k8s.io", copy_of(crd)),
                         ("list", copy_of(crd), ""), ("create", copy_of(crd), ""), ("patch", copy_of(crd), ""),
                         ("delete", copy_of(crd), ""))]
        denied = [q for q, allowed in zip(questions, reviewed(questions)) if not allowed]
        self.assertEqual(denied, [])

    def test_of_people_come_with_the_roles_that_clusters_have(self):
        roles = {role["metadata"]["name"]: role["metadata"]["labels"]
                 for role in plane.objects("get", "clusterroles", "-l", "app.kubernetes.io/part-of=gatelift")}
        self.assertEqual(roles["gatelift-view"]["rbac.authorization.k8s.io/aggregate-to-view"], "true")
        self.assertEqual(roles["gatelift-edit"]["rbac.authorization.k8s.io/aggregate-to-admin"], "true")
        self.assertNotIn("rbac.authorization.k8s.io/aggregate-to-edit", roles["gatelift-edit"])

    def test_of_a_plan_only_installation_change_nothing_of_the_users(self):
        rendered = plane.objects("create", "--dry-run=client", "-k", MANIFESTS / "plan-only")
        bound = {item["roleRef"]["name"] for item in rendered
                 if item["kind"] == "ClusterRoleBinding" and item["subjects"][0]["name"] == "gatelift"}
        self.assertEqual(bound, {"gatelift-planner", "gatelift-records", "gatelift-clients", "gatelift-metrics"})


@unittest.skipUnless(os.environ.get("GATELIFT_BIN"), "no program to ask")
class Plan(unittest.TestCase):
    """What the program itself says of the rights that it is given."""

    @classmethod
    def setUpClass(cls):
        plane.kubectl("apply", "--server-side", "-f", bundles() / "v1.0.0/experimental")
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all")

    def plan_as(self, account, strategy, action):
        """Exit status and blockers of `gatelift plan` as a ServiceAccount; policies are to have this action."""
        config = json.loads(plane.kubectl("config", "view", "--raw", "-o", "json"))
        token = plane.kubectl("create", "token", account, "-n", "gatelift-system").strip()
        for user in config["users"]:
            user["user"] = {"token": token}
        with tempfile.NamedTemporaryFile("w", suffix=".kubeconfig") as file:
            json.dump(config, file)
            file.flush()
            result = subprocess.run(
                [os.environ["GATELIFT_BIN"], "plan", "--to", "v1.1.1/experimental", "--kubeconfig", file.name,
                 "--bundles", bundles(), "--strategy", strategy, "-o", "json"], capture_output=True, text=True, check=False)
        self.assertIn(result.returncode, (0, 3), result.stderr)
        plan = json.loads(result.stdout)
        actions = {action["crd"].split(".")[0]: action["action"] for action in plan["actions"]}
        self.assertEqual(actions["backendtlspolicies"], action)
        self.assertEqual(actions["backendlbpolicies"], "Create")
        self.assertEqual(actions["httproutes"], "Update")
        return result.returncode, {check["check"] for check in plan["checks"] if check["severity"] == "Blocker"}

    def test_as_the_controller_lacks_no_permission(self):
        for strategy, action in STRATEGIES.items():
            self.assertEqual(self.plan_as("gatelift", strategy, action), (0, set()))

    def test_as_the_planner_is_whole_and_lacks_permissions_only(self):
        for strategy, action in STRATEGIES.items():
            self.assertLessEqual(self.plan_as("gatelift-planner", strategy, action)[1], {"MissingPermission"})


class Pod(unittest.TestCase):
    def test_passes_the_restricted_standard(self):
        # The namespace enforces it; a Deployment is only warned about, a Pod is refused.
        deployment = plane.objects("get", "deployment", "gatelift", "-n", "gatelift-system")[0]
        pod = {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": "gatelift", "namespace": "gatelift-system"},
               "spec": deployment["spec"]["template"]["spec"]}
        result = plane.run("create", "--dry-run=server", "-f", "-", text=json.dumps(pod))
        self.assertEqual(result.returncode, 0, result.stderr)
        container = pod["spec"]["containers"][0]
        self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
        self.assertIn("memory", container["resources"]["limits"])
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
        self.assertIn("restricted", plane.run("create", "--dry-run=server", "-f", "-", text=json.dumps(pod)).stderr)

    @unittest.skipUnless(os.environ.get("GATELIFT_BIN"), "no program to ask")
    def test_has_arguments_that_the_program_takes(self):
        deployment = plane.objects("get", "deployment", "gatelift", "-n", "gatelift-system")[0]
        arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
        result = subprocess.run([os.environ["GATELIFT_BIN"], *arguments, "--help"],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        for flag in (argument.partition("=")[0] for argument in arguments if argument.startswith("--")):
            self.assertIn(flag, result.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
