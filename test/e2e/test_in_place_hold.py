# SPDX-License-Identifier: Apache-2.0
"""A conversion in place that is held: the operator dies and comes back, others touch the CRD, objects come and go at both
versions, and nothing is lost when the hold is let go of."""

import unittest

import in_place
from bundles import assert_is_bundle, crds_of, gateway_crds
from etcd import address_of, old_shapes, stored
from fixture import Scenario
from kube import CRDS, ApiError, key, policies_path
from policies import APPLIER, NAMESPACES, converted, policy
from residents import UPDATER, Residents, at
from stages import STAGES, Stop
from waiting import eventually
from watchers import CRD, step_of

TARGET = "v1.1.1/experimental"
OLD, NEW = "v1alpha2", "v1alpha3"
COUNT = 18
PATH = f"{CRDS}/{CRD}"


class Held(Scenario):
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with(in_place.FROM)
        self.residents = Residents(self.plane, COUNT)
        self.addCleanup(self.residents.remove_owners)
        self.operator = self.start_operator()

    def hold(self):
        migration = in_place.start(self.plane, TARGET, inPlace={"hold": "Approval"})
        in_place.wait_until_held(migration)
        return migration

    def restart(self):
        self.operator.kill()
        self.operator = self.start_operator()

    def get(self, name, version):
        return self.plane.api.get(f"{policies_path(version, name[0])}/{name[1]}")

    def label(self, name, version, manager="labeller"):
        self.plane.api.patch(f"{policies_path(version, name[0])}/{name[1]}",
                             {"metadata": {"labels": {"touched": "yes"}}}, manager=manager)

    def wait_until_in_step(self, manifests):
        """Until each policy (manifests at v1alpha2) is whole at both versions, as it was written last."""
        def look():
            return not [name for name, manifest in manifests.items()
                        if self.get(name, OLD)["spec"].get("tls") != manifest["spec"]["tls"]
                        or self.get(name, NEW)["spec"].get("validation") != converted(manifest)["spec"]["validation"]]

        eventually(look, "every policy is whole at both versions", 30)

    def assert_ends_well(self, migration, wanted):
        """Lets go; then the policies are those of `wanted` (manifests at v1alpha2), and nothing of ours is left."""
        in_place.release(self.plane, migration)
        migration.wait_until_ready(in_place.RUN_SECONDS)
        after = self.residents.live(NEW)
        self.assertEqual(set(after), set(wanted))
        for name, manifest in wanted.items():
            self.assertEqual(after[name]["spec"], converted(manifest)["spec"], name)
            self.assertEqual({entry["apiVersion"].rpartition("/")[2] for entry in after[name]["metadata"]["managedFields"]},
                             {NEW}, name)
        self.assertEqual([name for name, text in self.stored().items() if "gatelift" in text], [])
        self.assertEqual(old_shapes(self.stored()), [])
        assert_is_bundle(self, self.plane, TARGET)
        self.assertEqual(gateway_crds(self.plane.api)[CRD]["status"]["storedVersions"], [NEW])

    def stored(self):
        return stored(address_of(self.plane.pids["etcd"]))

    # What people do to policies while the kind is held.

    def edit(self, wanted, tag):
        """One each by server-side apply at the old version and at the new one, by a whole write at each, one made at
        each, one deleted at each, and one of these made again."""
        host = f"{tag}.example.com"
        applied = [key(item) for item in self.residents.applied if key(item) in wanted]
        created = [key(item) for item in self.residents.created if key(item) in wanted]
        for name, version in zip(applied, (OLD, NEW)):
            wanted[name]["spec"]["tls"]["hostname"] = host
            item = wanted[name]
            self.plane.api.apply(in_place.path_of(item, version), at(item, version),
                                 APPLIER, force=True)
        for name, version in zip(created, (OLD, NEW)):
            wanted[name]["spec"]["tls"]["hostname"] = host
            item = at(wanted[name], version)
            live = self.get(name, version)
            spec = {field: item["spec"][field] for field in item["spec"]}
            self.plane.api.replace(in_place.path_of(item, version), {**live, "spec": spec}, UPDATER)
        for number, version in enumerate((OLD, NEW, NEW)):
            item = policy("auth", f"made-{tag}-{number}")
            wanted[key(item)] = item
            self.plane.api.create(policies_path(version, "auth"), at(item, version),
                                  "maker")
        for name, version in zip((("auth", f"made-{tag}-0"), ("auth", f"made-{tag}-1")), (NEW, OLD)):
            self.plane.api.delete(f"{policies_path(version, 'auth')}/{name[1]}")
        again = wanted.pop(("auth", f"made-{tag}-1"))
        again["spec"]["tls"]["hostname"] = f"again-{host}"
        wanted[key(again)] = again
        self.plane.api.create(policies_path(OLD, "auth"), again, "maker")
        del wanted[("auth", f"made-{tag}-0")]

    def test_restarts_touches_of_the_crd_and_objects_that_come_and_go(self):
        migration = self.hold()
        wanted = self.residents.manifests()
        self.edit(wanted, "up")
        self.wait_until_in_step(wanted)
        self.operator.kill()
        self.edit(wanted, "down")
        self.plane.kubectl("label", "crd", CRD, "example.com/owner=edge")
        self.plane.kubectl("annotate", "crd", CRD, "example.com/note=held")
        self.operator = self.start_operator()
        self.wait_until_in_step(wanted)
        crd = self.plane.api.get(PATH)
        crd["spec"]["versions"][0]["additionalPrinterColumns"] = [
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "priority": 1}]
        self.plane.api.replace(PATH, crd, "columns")
        self.edit(wanted, "touched")
        self.wait_until_in_step(wanted)
        self.plane.api.patch(migration.path, {"spec": {"suspend": True}})
        migration.wait_for_reason("Suspended", 30)
        self.edit(wanted, "suspended")
        self.wait_until_in_step(wanted)
        self.plane.api.patch(migration.path, {"spec": {"suspend": False}})
        in_place.wait_until_held(migration)
        self.restart()
        self.edit(wanted, "last")
        self.wait_until_in_step(wanted)
        self.assertEqual((migration.condition("Ready")["reason"], step_of(migration.status())), ("Held", "Hold"))
        self.assert_ends_well(migration, wanted)
        live = self.residents.live(NEW)
        uids = {name: live[name]["metadata"]["uid"] for name in self.residents.before}
        self.assertEqual(uids, {name: item["metadata"]["uid"] for name, item in self.residents.before.items()})
        crd = gateway_crds(self.plane.api)[CRD]
        self.assertEqual((crd["metadata"]["labels"]["example.com/owner"], crd["metadata"]["annotations"]["example.com/note"]),
                         ("edge", "held"))

    def manifest_of(self, bundle):
        crd = crds_of(self.plane, bundle)[CRD]
        body = {**crd, "metadata": {part: value for part, value in crd["metadata"].items() if value}}
        body.pop("status", None)
        return body

    def put_real_schemas(self):
        """Both versions, each with the schema of its release: what destroys."""
        crd = self.plane.api.get(PATH)
        old = self.manifest_of(in_place.FROM)["spec"]["versions"][0]
        crd["spec"]["versions"] = [{**old, "storage": False}, *self.manifest_of(TARGET)["spec"]["versions"]]
        self.plane.api.replace(PATH, crd, "stranger")

    def is_bridge(self):
        versions = gateway_crds(self.plane.api)[CRD]["spec"]["versions"]
        return [version["schema"] for version in versions] == [versions[0]["schema"]] * 2

    def test_the_api_server_takes_neither_bundle_s_crd_while_both_are_stored(self):
        migration = self.hold()
        for bundle in (in_place.FROM, TARGET):
            with self.assertRaises(ApiError) as caught:
                self.plane.api.apply(PATH, self.manifest_of(bundle), "kubectl", force=True)
            self.assertEqual(caught.exception.status, 422)
            self.assertIn("status.storedVersions", caught.exception.text)
        self.assertTrue(self.is_bridge())
        self.assert_ends_well(migration, self.residents.manifests())

    def test_the_old_bundle_s_crd_over_the_bridge_while_shapes_are_given(self):
        stage = next(each for each in STAGES if each.name == "Project, half")
        stop = Stop(self.plane, stage.denied)
        self.addCleanup(stop.remove)
        migration = in_place.start(self.plane, TARGET, inPlace={"hold": "Approval"})
        migration.wait_for_reason(stage.reason, in_place.RUN_SECONDS)
        self.plane.api.apply(PATH, self.manifest_of(in_place.FROM), "kubectl", force=True)
        for name in self.residents.before:
            self.label(name, OLD)
        stop.remove()
        in_place.wait_until_held(migration)
        self.assertTrue(self.is_bridge())
        self.wait_until_in_step(self.residents.manifests())
        self.assert_ends_well(migration, self.residents.manifests())

    def test_real_schemas_over_the_bridge(self):
        migration = self.hold()
        wanted = self.residents.manifests()
        names = sorted(self.residents.before)
        edited = key(self.residents.created[0])
        wanted[edited]["spec"]["tls"]["hostname"] = "edited.example.com"
        live = self.get(edited, OLD)
        self.plane.api.replace(in_place.path_of(live, OLD), {**live, "spec": wanted[edited]["spec"]}, UPDATER)
        self.wait_until_in_step(wanted)
        self.put_real_schemas()
        for number, name in enumerate(names):
            self.label(name, (OLD, NEW)[number % 2])
        self.assertNotEqual([name for name in names if not self.get(name, OLD)["spec"]], [])
        migration.wait_until_stalled("CRDReverted", CRD, "spec.versions", "stranger")
        # Put back; what the backup knows is whole again, what was edited since is named.
        eventually(self.is_bridge, "the bridge is back", 90, migration.explain)
        migration.wait_until_stalled("ProjectionFailed", "/".join(edited), "spec", "backup", timeout=60)
        self.wait_until_in_step({name: item for name, item in wanted.items() if name != edited})
        item = wanted[edited]
        self.plane.api.apply(in_place.path_of(item, OLD), item, UPDATER, force=True)
        in_place.wait_until_held(migration)
        self.wait_until_in_step(wanted)
        self.operator.kill()
        self.put_real_schemas()
        self.operator = self.start_operator()
        eventually(self.is_bridge, "the bridge is back after a restart", 60, migration.explain)
        in_place.wait_until_held(migration)
        self.assert_ends_well(migration, wanted)


if __name__ == "__main__":
    unittest.main(verbosity=2)
