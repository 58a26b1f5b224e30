# SPDX-License-Identifier: Apache-2.0
"""v1.0.0 to v1.1.1, experimental, in place, on two API servers of which the second hears of every change seconds late:
with each of them reachable by itself, and behind one address that leads to either."""

import json
import threading
import unittest

import in_place
from bundles import assert_is_bundle, gateway_crds
from etcd import address_of, old_shapes, stored
from fixture import Operator, Scenario
from kube import CRDS, ApiError, collection, key
from policies import NAMESPACES
from relay import Relay
from residents import Residents, changes
from waiting import eventually
from watchers import CRD, Watchers

TARGET = "v1.1.1/experimental"
OLD, NEW = "v1alpha2", "v1alpha3"
COUNT = 24
WRITERS = 3
TURN_SECONDS = 10  # from the old version to the new one: at once it would be an edit of both, which is for a person
PAUSE_SECONDS = 4  # between edits of one policy: whoever is asked through the late server takes as long for a write
SLICES = collection("discovery.k8s.io/v1", "endpointslices", "default")
TWO = (in_place.AUDIT, "--apiservers=2", "--etcd-relay")


class LateWriter:
    """Edits the host name of one policy through the late server, at the version that it serves, the old one first."""

    def __init__(self, api, item):
        self._api = api.another()
        self._item = item
        self._over = threading.Event()
        self.last, self.versions, self.problems = None, set(), []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self):
        self._over.set()
        self._thread.join()

    def _run(self):
        number, version, part = 0, OLD, "tls"
        while not self._over.is_set():
            hostname = f"late-{number}.example.com"
            try:
                self._api.patch(in_place.path_of(self._item, version), {"spec": {part: {"hostname": hostname}}},
                                manager="late")
                self.last, number = hostname, number + 1
                self.versions.add(version)
                self._over.wait(PAUSE_SECONDS)
            except ApiError as error:
                if error.status == 404 and version == OLD:
                    version, part = NEW, "validation"
                    self._over.wait(TURN_SECONDS)
                elif error.status not in (409, 429, 503):
                    self.problems.append(str(error))
                    return


class TwoServers(Scenario):
    """What holds of each such run. Subclasses say how the servers are reached."""

    namespaces = NAMESPACES
    delay = "2s"

    def setUp(self):
        self.delay_file = self.plane.folder / "plane/etcd-delay"
        self.begin_with(in_place.FROM)
        self.residents = Residents(self.plane, COUNT)
        self.addCleanup(self.residents.remove_owners)
        self.late = self.plane.api.at(self.plane.servers[1])
        self.edited = [key(item) for item in self.residents.applied[:WRITERS]]

    def run_beside_onlookers(self):
        onlookers = in_place.Onlookers(self.plane, self.residents.before, (OLD, NEW))
        self.addCleanup(onlookers.finish)
        late_watchers = Watchers(self.late, (OLD, NEW), in_place.NAME)
        self.addCleanup(late_watchers.finish)
        operator = Operator(self.plane, kubeconfig=self.reach_servers())
        self.addCleanup(operator.stop)
        self.addCleanup(self.delay_file.unlink, missing_ok=True)
        status, writers = onlookers.look_on(self.carry_out)
        late_seen, _ = late_watchers.finish()
        self.assert_nothing_was_missed(onlookers, late_seen)
        self.assert_edits_are_there(writers)
        self.assert_is_the_target()
        return status

    def carry_out(self):
        """The status at the end, and the writers. An object that changes all the time cannot be rehearsed, so that these
        begin afterwards."""
        migration = in_place.start(self.plane, TARGET)
        eventually(lambda: self.is_time_to_be_late(migration), "the run has begun", 120, migration.explain)
        self.delay_file.write_text(self.delay)
        writers = [LateWriter(self.late, self.residents.before[name]) for name in self.edited]
        try:
            return migration.wait_until_ready(200), writers
        finally:
            for writer in writers:
                writer.finish()

    def reach_servers(self):
        """A kubeconfig for the operator; None is its usual one."""
        raise NotImplementedError

    def is_time_to_be_late(self, migration):
        return migration.status().get("phase") in ("BackUp", "Migrate")

    def assert_nothing_was_missed(self, onlookers, late_seen):
        onlookers.assert_nobody_missed_a_policy(self)
        onlookers.assert_every_version_was_whole(self)
        for version, seen in late_seen.items():
            self.assertEqual((version, seen.deleted[:3], seen.added[:3]), (version, [], []))
            self.assertEqual((version, seen.not_whole[:3]), (version, []))

    def assert_edits_are_there(self, writers):
        after = self.residents.live(NEW)
        for name, writer in zip(self.edited, writers):
            self.assertEqual(writer.problems, [])
            self.assertIn(OLD, writer.versions)
            self.assertEqual(after[name]["spec"]["validation"]["hostname"], writer.last)
        others = [{name: item for name, item in items.items() if name not in self.edited}
                  for items in (self.residents.before, after)]
        self.assertEqual(changes(*others, NEW)[:in_place.SHOWN], [])

    def assert_is_the_target(self):
        assert_is_bundle(self, self.plane, TARGET)
        self.assertEqual(gateway_crds(self.plane.api)[CRD]["status"]["storedVersions"], [NEW])
        self.assertEqual(old_shapes(stored(address_of(self.plane.pids["etcd"])))[:in_place.SHOWN], [])

    def what_the_plan_says(self, status):
        return next(check["message"] for check in status["plan"]["checks"] if check["check"] == "SeveralAPIServers")


class OneByOne(TwoServers):
    flags = (*TWO, "--apiserver-arg=--endpoint-reconciler-type=none")

    def reach_servers(self):
        self.addresses = []
        for number, server in enumerate(self.plane.servers):
            relay = Relay(target_of(server))
            self.addCleanup(relay.close)
            self.addresses.append(f"{relay.host}:{relay.port}")
            self.plane.api.create(SLICES, endpoint_slice(f"kubernetes-{number}", relay.host, relay.port))
        return None

    def test_no_step_comes_before_the_late_one_knows_of_the_last(self):
        said = self.what_the_plan_says(self.run_beside_onlookers())
        for address in self.addresses:
            self.assertIn(address, said)


class BehindOneAddress(TwoServers):
    """The endpoints are addresses that nobody can reach, as from outside of many clusters. Half of the operator's own
    calls go to the late server, so that it is late from the bridge on only."""

    flags = TWO
    delay = "1s"

    def is_time_to_be_late(self, migration):
        return len(self.plane.api.get(f"{CRDS}/{CRD}")["spec"]["versions"]) > 1

    def reach_servers(self):
        relay = Relay(*(target_of(server) for server in self.plane.servers), host="127.0.0.1")
        self.addCleanup(relay.close)
        account = json.loads(self.plane.service_account_kubeconfig().read_text())
        return self.plane.kubeconfig_with_token(account["users"][0]["user"]["token"], "either",
                                                f"https://{relay.host}:{relay.port}")

    def test_fresh_connections_and_time_take_the_place_of_asking(self):
        self.assertIn("cannot be asked one by one", self.what_the_plan_says(self.run_beside_onlookers()))


def target_of(server):
    host, _, port = server.removeprefix("https://").partition(":")
    return host, int(port)


def endpoint_slice(name, host, port):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "endpoints": [{"addresses": [host]}], "ports": [{"name": "https", "port": port}]}


if __name__ == "__main__":
    unittest.main(verbosity=2)
