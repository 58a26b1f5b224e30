# SPDX-License-Identifier: Apache-2.0
"""v1.0.0 to v1.1.1, experimental, in place, while everybody writes at either version for the whole run: what is there at
the end is what they wrote."""

import sys
import time
import unittest

import in_place
from bundles import assert_is_bundle, install
from etcd import address_of, old_shapes, stored
from fixture import Operator, Scenario
from kube import by_key
from policies import NAMESPACES, converted
from residents import IDENTITY, Residents, as_applied
from writers import MADE_NAMESPACE, TICK, Writers

TARGET = "v1.1.1/experimental"
VERSIONS = ("v1alpha2", "v1alpha3")
HELD_SECONDS = 8
TURNED_SECONDS = 2
AFTER_SECONDS = 2
KEPT = ("finalizers", "ownerReferences")


class Written(Scenario):
    """The run is made once; each test is one claim about it."""

    flags = (in_place.AUDIT,)
    namespaces = NAMESPACES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        install(cls.plane, in_place.FROM)
        cls.residents = Residents(cls.plane, in_place.POLICIES)
        cls.onlookers = in_place.Onlookers(cls.plane, cls.residents.before, VERSIONS)
        cls.addClassCleanup(cls.onlookers.finish)
        cls.writers = Writers(cls.plane, cls.residents, VERSIONS[1])
        cls.addClassCleanup(cls.writers.finish)
        cls.status = cls.onlookers.look_on(cls.carry_out)
        cls.model = cls.writers.finish()
        print(cls.model.count(), dict(cls.model.conflicts), file=sys.stderr)
        cls.after = by_key(cls.residents.live(VERSIONS[1]).values())

    @classmethod
    def carry_out(cls):
        operator = Operator(cls.plane)
        cls.addClassCleanup(operator.stop)
        migration = in_place.start(cls.plane, TARGET, inPlace={"hold": "Approval"})
        in_place.wait_until_held(migration)
        time.sleep(HELD_SECONDS)
        cls.writers.turn_to_the_new_version()
        time.sleep(TURNED_SECONDS)
        in_place.release(cls.plane, migration)
        status = migration.wait_until_ready(in_place.RUN_SECONDS)
        time.sleep(AFTER_SECONDS)
        return status

    def test_everybody_wrote_at_every_version_that_was_there(self):
        self.assertEqual(self.model.problems[:in_place.SHOWN], [])
        for who in ("ticker", "git-server-side", "git-client-side", "typed", "maker"):
            for version in VERSIONS:
                self.assertGreater(self.model.counts[who, f"at {version}"], 0, (who, version))
        self.assertGreater(self.model.counts["old-controller", "at v1alpha2"], 0)
        self.assertGreater(self.model.counts["new-controller", "at v1alpha3"], 0)

    def test_no_look_found_a_policy_whole_at_no_version(self):
        self.assertEqual(self.onlookers.samples.neither()[:in_place.SHOWN], [])

    def test_only_what_a_person_deleted_was_seen_to_go(self):
        for version, seen in self.onlookers.seen.items():
            strangers = [name for _, name in seen.deleted if not is_made(name)]
            self.assertEqual((version, strangers[:in_place.SHOWN]), (version, []))

    def test_every_policy_is_there_and_no_other(self):
        self.assertEqual(set(self.after), {*self.model.manifests, *self.model.made})

    def test_specs_are_what_was_written_last(self):
        wrong = [(name, self.after[name]["spec"]) for name, manifest in
                 {**self.model.manifests, **self.model.made}.items()
                 if name in self.after and self.after[name]["spec"] != converted(manifest, VERSIONS[1])["spec"]]
        self.assertEqual(wrong[:in_place.SHOWN], [])

    def test_labels_are_what_was_written_last(self):
        wrong = []
        for name, manifest in self.model.manifests.items():
            wanted = dict(manifest["metadata"].get("labels", {}))
            if name in self.model.ticks:
                wanted[TICK] = self.model.ticks[name]
            if self.after[name]["metadata"].get("labels", {}) != wanted:
                wrong.append((name, wanted, self.after[name]["metadata"].get("labels")))
        self.assertEqual(wrong[:in_place.SHOWN], [])

    def test_each_controller_finds_its_own_status(self):
        wrong = []
        for name, wanted in self.model.statuses.items():
            ancestors = self.after[name].get("status", {}).get("ancestors", [])
            found = {each["controllerName"]: each["conditions"][0]["message"] for each in ancestors}
            wrong += [(name, who, message, found.get(who)) for who, message in wanted.items()
                      if found.get(who) != message]
        self.assertEqual(wrong[:in_place.SHOWN], [])

    def test_each_policy_is_the_one_that_it_was(self):
        for name, old in self.residents.before.items():
            for part in (*IDENTITY, *KEPT):
                self.assertEqual(self.after[name]["metadata"].get(part), old["metadata"].get(part), (name, part))

    def test_nobody_is_named_as_a_writer_who_was_none(self):
        versions = {entry["apiVersion"].rpartition("/")[2] for item in self.after.values()
                    for entry in item["metadata"]["managedFields"]}
        managers = {entry["manager"] for item in self.after.values() for entry in item["metadata"]["managedFields"]}
        self.assertEqual(versions, {VERSIONS[1]})
        self.assertEqual({manager for manager in managers if "gatelift" in manager}, set())

    def test_etcd_holds_the_new_shape_alone(self):
        self.assertEqual(old_shapes(stored(address_of(self.plane.pids["etcd"])))[:in_place.SHOWN], [])

    def test_the_cluster_holds_the_target(self):
        self.assertEqual(self.status["unavailable"]["measured"], "0s")
        assert_is_bundle(self, self.plane, TARGET)

    def test_git_goes_on_without_force(self):
        for item in self.residents.applied:
            manifest = as_applied(self.model.manifests[(item["metadata"]["namespace"], item["metadata"]["name"])],
                                  VERSIONS[1])
            manifest["spec"]["validation"]["hostname"] = "next.example.com"
            answer = self.plane.api.call(
                "PATCH", in_place.path_of(manifest, VERSIONS[1]), manifest, "application/apply-patch+yaml",
                fieldManager=in_place.APPLIER, dryRun="All")
            self.assertEqual(answer["spec"], manifest["spec"])


def is_made(name):
    return name[0] == MADE_NAMESPACE and name[1].startswith("made-")


if __name__ == "__main__":
    unittest.main(verbosity=2)
