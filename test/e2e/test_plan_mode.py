# SPDX-License-Identifier: Apache-2.0
"""What only looks, and what finds nothing to do, changes nothing of anybody's."""

import json
import sys
import unittest

from bundles import BUNDLES, gateway_crds
from fixture import Migration, Scenario
from kube import ApiError, by_key, policies_path
from policies import APPLIER, NAMESPACES, apply_policy, converted, many, policy, write_status

TARGET = "v1.1.1/experimental"
LIVELY = {("coordination.k8s.io/v1", "leases"), ("events.k8s.io/v1", "events"), ("v1", "events")}


class Looking(Scenario):
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with("v1.0.0/experimental")

    def resource_versions(self):
        """Of every object outside our group and namespace, but for heartbeats and events."""
        api = self.plane.api
        versions = ["v1"] + [group["preferredVersion"]["groupVersion"] for group in api.get("/apis")["groups"]]
        found = {}
        for version in versions:
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for resource in api.get(root)["resources"]:
                if "list" not in resource["verbs"] or version.startswith("gatelift.dev/"):
                    continue
                if (version, resource["name"]) in LIVELY:
                    continue
                for item in api.items(f"{root}/{resource['name']}"):
                    metadata = item["metadata"]
                    if metadata.get("namespace") != "gatelift-system":
                        found[version, resource["name"], metadata.get("namespace"), metadata["name"]] = (
                            metadata.get("uid"), metadata.get("resourceVersion"))
        return found

    def test_mode_plan_changes_no_resource_version(self):
        many(self.plane.api, 10)
        before = self.resource_versions()
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, "look", TARGET, mode="Plan")
        status = migration.wait_until_ready()
        self.assertEqual(self.resource_versions(), before)
        self.assert_touched_nothing(since)
        self.assertEqual(status["phase"], "Approve")
        actions = {action["crd"]: action["action"] for action in status["plan"]["actions"]}
        self.assertEqual(actions["backendtlspolicies.gateway.networking.k8s.io"], "Convert")
        self.assertEqual(status["plan"]["objects"], 10)
        self.assertRegex(status["plan"]["digest"], "^sha256:[0-9a-f]{64}$")

        self.plane.kubectl("patch", "gwm", "look", "--type=merge", "-p", '{"spec": {"mode": "Apply"}}')
        self.assertEqual(migration.wait_until_ready()["phase"], "Done")
        self.assertEqual(len(self.plane.api.items(policies_path("v1alpha3"))), 10)

    def test_the_plan_command_writes_nothing_at_all(self):
        many(self.plane.api, 10)
        planner = self.plane.service_account_kubeconfig("gatelift-planner")
        before = self.resource_versions()
        since = self.plane.audit.mark()
        result = self.plane.gatelift("plan", "--to", TARGET, "--bundles", BUNDLES, "-o", "json", "--strategy",
                                     "Recreate", kubeconfig=planner)
        plan = json.loads(result.stdout)
        self.assertEqual(plan["objects"], 10, result.stderr)
        stops = {check["check"] for check in plan["checks"] if check["severity"] == "Blocker"}
        self.assertLessEqual(stops, {"MissingPermission"})
        self.assertEqual(self.resource_versions(), before)
        writes = [write for write in self.plane.audit.writes(since) if write.resource != "selfsubjectaccessreviews"
                  and not write.user.startswith("system:apiserver")]
        self.assertEqual([write for write in writes if write.code < 300], [])

    def test_a_plan_compares_both_strategies(self):
        for key in many(self.plane.api, 8)[:5]:
            write_status(self.plane.api, self.plane.api.get(f"{policies_path('v1alpha2', key[0])}/{key[1]}"))
        rival = policy("auth", "rival", service="backend-00")  # backend-00 is in the namespace auth
        apply_policy(self.plane.api, rival, APPLIER)
        self.start_operator()
        plan = Migration(self.plane, "look", TARGET, mode="Plan", strategy="Recreate").wait_until_ready()["plan"]
        recreate, in_place = plan["strategies"]
        self.assertEqual((recreate["strategy"], recreate["chosen"]), ("Recreate", True))
        self.assertEqual((recreate["objectsRecreated"], recreate["policiesInterrupted"]), (9, 5))
        self.assertEqual(recreate["estimatedWrites"], plan["estimatedWrites"])
        self.assertTrue(any("2 BackendTLSPolicy objects compete" in risk for risk in recreate["risks"]), recreate)
        self.assertEqual((in_place["strategy"], in_place["chosen"]), ("InPlace", False))
        self.assertEqual((in_place["objectsRecreated"], in_place["policiesInterrupted"]), (0, 0))
        self.assertEqual(in_place["estimatedUnavailable"], "0s")
        self.assertNotIn("obstacles", in_place)

        other = Migration(self.plane, "other", TARGET, mode="Plan", strategy="InPlace").wait_until_ready()["plan"]
        self.assertEqual(other["estimatedWrites"], in_place["estimatedWrites"])
        self.assertEqual([each["estimatedWrites"] for each in other["strategies"]],
                         [each["estimatedWrites"] for each in plan["strategies"]])

        shown = self.plane.gatelift("plan", "--to", TARGET, "--bundles", BUNDLES, "--strategy", "Recreate").stdout
        table = shown[shown.index("STRATEGIES"):shown.index("\nAbout ")].splitlines()
        self.assertEqual(table[1].split(), ["Recreate", "(chosen)", "InPlace"])
        self.assertLessEqual(max(map(len, table)), 100)
        rows = {line[2:22].strip(): line[24:].split("  ") for line in table if line[2:3].strip()}
        self.assertEqual([cell.strip() for cell in rows["policies interrupted"] if cell.strip()], ["5 that are in effect", "none"])
        print("\n" + "\n".join(table), file=sys.stderr)

        # What a controller writes into a status changes what is counted, and no approval.
        digest = self.plan_json()["digest"]
        write_status(self.plane.api, self.plane.api.get(f"{policies_path('v1alpha2', 'auth')}/rival"))
        later = self.plan_json()
        self.assertEqual(later["strategies"][0]["policiesInterrupted"], 6)
        self.assertEqual(later["digest"], digest)

    def plan_json(self):
        return json.loads(self.plane.gatelift("plan", "--to", TARGET, "--bundles", BUNDLES, "-o", "json", "--strategy",
                                              "Recreate").stdout)

    def test_nothing_is_deleted_unless_somebody_asks_for_it(self):
        many(self.plane.api, 3)
        shown = self.plane.gatelift("plan", "--to", TARGET, "--bundles", BUNDLES, "-o", "json")
        actions = {action["crd"]: action["action"] for action in json.loads(shown.stdout)["actions"]}
        self.assertEqual(actions["backendtlspolicies.gateway.networking.k8s.io"], "ConvertInPlace")

    def test_a_hold_without_its_strategy_is_a_wrong_call(self):
        result = self.plane.gatelift("plan", "--to", TARGET, "--bundles", BUNDLES, "--strategy", "Recreate",
                                     "--hold", "Approval")
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertIn("--strategy InPlace", result.stderr)

    def test_a_second_identical_migration_is_ready_at_once_and_writes_nothing(self):
        many(self.plane.api, 10)
        self.start_operator()
        Migration(self.plane, "first", TARGET).wait_until_ready()
        before = self.resource_versions()
        since = self.plane.audit.mark()
        status = Migration(self.plane, "second", TARGET).wait_until_ready()
        self.assertEqual(self.resource_versions(), before)
        self.assert_touched_nothing(since)
        self.assertEqual(status["unavailable"]["measured"], "0s")
        result = self.plane.gatelift("migrate", "--to", TARGET, "--bundles", BUNDLES, "--yes", "--strategy", "Recreate")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.resource_versions(), before)

    def test_the_migrate_command_does_it_all_without_a_daemon(self):
        keys = many(self.plane.api, 10)
        before = by_key(self.plane.api.items(policies_path("v1alpha2")))
        result = self.plane.gatelift("migrate", "--to", TARGET, "--bundles", BUNDLES, "--yes", "--strategy", "Recreate")
        self.assertEqual(result.returncode, 0, result.stderr)
        after = by_key(self.plane.api.items(policies_path("v1alpha3")))
        self.assertEqual({name: item["spec"] for name, item in after.items()},
                         {name: converted(item)["spec"] for name, item in before.items()})
        self.assertEqual(sorted(after), sorted(keys))
        with self.assertRaises(ApiError):
            self.plane.api.get(policies_path("v1alpha2"))
        stored = gateway_crds(self.plane.api)["backendtlspolicies.gateway.networking.k8s.io"]["status"]["storedVersions"]
        self.assertEqual(stored, ["v1alpha3"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
