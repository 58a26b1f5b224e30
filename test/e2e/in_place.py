# SPDX-License-Identifier: Apache-2.0
"""One conversion in place with readers and watchers beside it, and what has to hold of each such run."""

import copy
import os
import sys

from audit import OPERATOR
from bundles import assert_is_bundle, assert_stores_one_version, crds_of, gateway_crds, install
from etcd import address_of, old_shapes, stored
from fixture import Migration, Operator, Scenario
from kube import CRDS, GATEWAY, key, policies_path
from policies import APPLIER, NAMESPACES, apply_policy
from readers import Reader
from residents import UPDATER, Residents, as_applied, as_list, changes
from watchers import CRD, Watchers, step_of

FROM = "v1.0.0/experimental"
NAME = "in-place"
POLICIES = int(os.environ.get("GATELIFT_POLICIES", "200"))
RUN_SECONDS = 60 + POLICIES // 10
# What one thread reaches is printed; a machine that is busy gets a tenth of what an idle one has to.
SAMPLES_PER_SECOND = float(os.environ.get("GATELIFT_SAMPLES_PER_SECOND", "20"))
AUDIT = "--apiserver-arg=--audit-log-maxsize=4000"  # MiB: no second file
SHOWN = 5


class Onlookers:
    """A reader of the policies, and a list/watch client of each version. Start them before there is a thread."""

    def __init__(self, plane, names, versions, migration=NAME):
        self._reader = Reader(plane.api, names, versions)
        self._watchers = Watchers(plane.api, versions, migration)
        self.samples, self.seen = None, None

    def finish(self):
        """Has them say what they saw. May be called again."""
        self.seen, steps = self._watchers.finish()
        self.samples = self._reader.finish()
        return steps

    def show(self):
        print("\n" + self.samples.table(self.finish()), file=sys.stderr)
        print(f"{self.samples.per_second():.0f} samples a second, of {self.samples.cpu_of_one() * 1000:.2f} ms of the "
              "reader's own CPU each", file=sys.stderr)
        for version, seen in self.seen.items():
            print(f"{version}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(seen.events.items()))
                  + f"; {len(seen.not_whole)} events with an object that lacked its shape", file=sys.stderr)

    def look_on(self, run):
        """What `run` returns. Where it fails, they have seen how far it came."""
        try:
            return run()
        finally:
            self.finish()
            self.show()

    def assert_nobody_missed_a_policy(self, test):
        """At each look a version had the policy whole, and no watch said that one was gone or new."""
        test.assertEqual(self.samples.neither()[:SHOWN], [])
        for version, seen in self.seen.items():
            test.assertEqual((version, seen.deleted[:SHOWN]), (version, []))

    def assert_every_version_was_whole(self, test):
        """Whatever was served, in an answer or an event, had what clients of that version act on."""
        test.assertEqual(self.samples.empty()[:SHOWN], [])
        for version, seen in self.seen.items():
            test.assertEqual((version, seen.not_whole[:SHOWN], seen.added[:SHOWN]), (version, [], []))


def start(plane, target, **spec):
    return Migration(plane, NAME, target, strategy="InPlace", **spec)


def wait_until_held(migration):
    migration.wait_for_reason("Held", RUN_SECONDS)
    if step_of(migration.status()) != "Hold":
        raise AssertionError(f"held, and the step of the policies' CRD is {step_of(migration.status())}")


def release(plane, migration):
    plane.api.patch(migration.path, {"spec": {"inPlace": {"hold": "None"}}}, manager="person")


def path_of(item, version):
    return f"{policies_path(version, key(item)[0])}/{key(item)[1]}"


class Run(Scenario):
    """A run is made once; each test is one claim about it. Subclasses name the target."""

    flags = (AUDIT,)
    namespaces = NAMESPACES
    target = None
    versions = ()
    later = ()  # bundles whose CRD is applied next
    count = POLICIES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        install(cls.plane, FROM)
        cls.residents = Residents(cls.plane, cls.count)
        cls.prepare()
        cls.new = cls.versions[1]
        cls.onlookers = Onlookers(cls.plane, cls.residents.before, cls.versions)
        cls.addClassCleanup(cls.onlookers.finish)
        cls.since = cls.plane.audit.mark()
        cls.status = cls.onlookers.look_on(cls.carry_out)
        cls.until = cls.plane.audit.mark()
        cls.after = cls.residents.live(cls.new)
        cls.stored = stored(address_of(cls.plane.pids["etcd"]))

    @classmethod
    def prepare(cls):
        """What else is there before the run."""

    @classmethod
    def carry_out(cls):
        """Makes the run, and returns the status that it ends with."""
        operator = Operator(cls.plane)
        cls.addClassCleanup(operator.stop)
        return start(cls.plane, cls.target).wait_until_ready(RUN_SECONDS)

    def test_no_look_found_a_policy_whole_at_no_version(self):
        self.onlookers.assert_nobody_missed_a_policy(self)

    def test_no_version_served_a_policy_without_its_shape(self):
        self.onlookers.assert_every_version_was_whole(self)

    def test_the_reader_was_quick_enough_to_see_it(self):
        self.assertGreaterEqual(self.onlookers.samples.per_second(), SAMPLES_PER_SECOND)

    def test_nothing_of_a_policy_changed_but_its_shape(self):
        self.assertEqual(len(self.after), self.count)
        self.assertEqual(changes(self.residents.before, self.after, self.new)[:SHOWN], [])

    def test_etcd_holds_the_new_shape_alone(self):
        self.assertEqual(len(self.stored), self.count)
        self.assertEqual(old_shapes(self.stored)[:SHOWN], [])

    def test_crds_are_those_of_the_target(self):
        assert_is_bundle(self, self.plane, self.target)
        crds = gateway_crds(self.plane.api)
        assert_stores_one_version(self, crds)
        self.assertEqual(crds[CRD]["status"]["storedVersions"], [self.new])

    def test_the_crds_are_nobody_s_but_who_applied_them(self):
        for crd in gateway_crds(self.plane.api).values():
            managers = {entry["manager"] for entry in crd["metadata"]["managedFields"]}
            self.assertLessEqual(managers, {"kubectl", "kube-apiserver"}, crd["metadata"]["name"])

    def test_who_applied_the_crd_applies_the_next_without_force(self):
        for bundle in self.later:
            with self.subTest(bundle):
                body = crds_of(self.plane, bundle)[CRD]
                body = {**body, "metadata": {part: value for part, value in body["metadata"].items() if value}}
                answer = self.plane.api.call("PATCH", f"{CRDS}/{CRD}", body, "application/apply-patch+yaml",
                                             fieldManager="kubectl", dryRun="All")
                self.assertEqual(answer["metadata"]["annotations"][f"{GATEWAY}/bundle-version"],
                                 bundle.partition("/")[0])

    def test_the_status_says_that_nothing_was_absent(self):
        self.assertEqual(self.status["unavailable"]["measured"], "0s")
        self.assert_counts_add_up(self.status)
        counts = next(crd["objects"] for crd in self.status["crds"] if crd["name"] == CRD)
        self.assertEqual((counts["found"], counts["done"]), (self.count, self.count))

    def test_nothing_was_deleted_and_no_write_was_forbidden(self):
        writes = list(self.plane.audit.writes(self.since, self.until))
        self.assertEqual([write for write in writes if write.is_gateway_api and write.verb.startswith("delete")], [])
        self.assertEqual([write for write in writes if write.user == OPERATOR and write.code in (403, 422)], [])
        ours = [write for write in writes if write.user == OPERATOR and write.resource == "backendtlspolicies"]
        print(f"{len(ours)} writes of {self.count} policies", file=sys.stderr)

    def test_the_applier_goes_on_without_force(self):
        wanted = changed(self._pick(self.residents.applied), self.new)
        answer = apply_policy(self.plane.api, wanted, APPLIER)
        self.assertEqual(answer["spec"], wanted["spec"])
        self.assertEqual(answer["metadata"]["labels"], wanted["metadata"]["labels"])

    def test_what_was_applied_converted_changes_nothing(self):
        for item in self.residents.applied:
            answer = self.plane.api.call("PATCH", path_of(item, self.new), as_applied(item, self.new),
                                         "application/apply-patch+yaml", fieldManager=APPLIER, dryRun="All")
            # Another test of this class may have changed the spec since: the owner's word is what counts here.
            self.assertEqual(answer["spec"], self.after[key(item)]["spec"], key(item))

    def test_the_client_side_owner_goes_on(self):
        wanted = changed(self._pick(self.residents.client_side), self.new)
        untouched = [as_applied(item, self.new) for item in self.residents.client_side if key(item) != key(wanted)]
        words = self.plane.kubectl("apply", "-f", "-", text=as_list([wanted, *untouched[:10]]), timeout=600)
        self.assertEqual((words.count(" configured"), words.count(" unchanged")), (1, min(10, len(untouched))), words)
        live = self._live(wanted)
        self.assertEqual(live["spec"], wanted["spec"])
        self.assertEqual(live["metadata"]["labels"], wanted["metadata"]["labels"])

    def test_who_writes_whole_objects_goes_on(self):
        item = self._live(self._pick(self.residents.created))
        wanted = {**item, "spec": changed(self._pick(self.residents.created), self.new)["spec"]}
        answer = self.plane.api.replace(path_of(item, self.new), wanted, UPDATER)
        self.assertEqual(answer["spec"], wanted["spec"])

    def _live(self, item):
        return self.plane.api.get(path_of(item, self.new))

    @staticmethod
    def _pick(manifests):
        """One in which there is something to take away."""
        return next(item for item in manifests if "caCertRefs" in item["spec"]["tls"] and "labels" in item["metadata"])


def changed(manifest, version):
    """The manifest at a later version with one field changed, two removed and one added."""
    new = copy.deepcopy(as_applied(manifest, version))
    new["spec"]["validation"]["hostname"] = "changed.example.com"
    del new["metadata"]["labels"]["team"]
    del new["spec"]["validation"]["caCertificateRefs"]
    new["spec"]["validation"]["wellKnownCACertificates"] = "System"
    return new
