# SPDX-License-Identifier: Apache-2.0
"""The cluster of a run that is killed, and the program that is killed in it."""

import collections
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from bundles import BUNDLES, install
from fixture import NAMESPACE, ROOT, Migration
from kube import by_key, collection, key, policies_path
from policies import apply_policy, ca, policy, write_status
from waiting import PATIENCE, eventually

FROM, TARGET, NAME = "v1.0.0/experimental", "v1.1.1/experimental", "crash"
RIVALS = (("auth", "rival-z"), ("auth", "rival-a"))
CHILDREN = collection("v1", "configmaps", "store")
VICTIM_SECONDS = 150 * PATIENCE
PROGRAM, API_SERVER = "program", "apiserver"

# SIGKILL of the program or of the API server that it talks to, before or after the write with this number.
Death = collections.namedtuple("Death", "whom when number")
# A run of the victim: its exit status, the writes that it began, its words.
Ended = collections.namedtuple("Ended", "status writes words")


def victim_program():
    path = os.environ.get("GATELIFT_CRASH_VICTIM") or ROOT / "build/release/test/crash/crash_victim"
    if not os.access(path, os.X_OK):
        sys.exit(f"crash-matrix: {path} is no program; build crash_victim, or name it in GATELIFT_CRASH_VICTIM")
    return str(path)


class Rig:
    """The cluster, brought to the same beginning again and again.

    `api` and the program talk to the first API server, `other_api` is for who looks on: it talks to the last.
    `downs` are (from, to) of each time without the first."""

    def __init__(self, plane, strategy, count_events=False):
        self.plane = plane
        self.api = plane.api
        self.other_api = plane.api.at(plane.servers[-1])
        self.downs = []
        self._strategy = strategy
        self._options = ["--events"] if count_events else []
        plane.install_operator_manifests()
        plane.create_namespaces("auth", "ops", "store")
        plane.kubectl("create", "clusterrolebinding", "gatelift-dependents", "--clusterrole=gatelift-dependents",
                      f"--serviceaccount={NAMESPACE}:gatelift")
        self._kubeconfig = plane.service_account_kubeconfig()

    def begin(self):
        """v1.0.0 with its six policies, and a migration that nobody has looked at; returns the policies."""
        self.plane.reset()
        self.api.delete(f"{CHILDREN}/child")
        install(self.plane, FROM)
        older = apply_policy(self.api, policy(*RIVALS[0], service="contested", caCertRefs=ca("ca")))
        owner = apply_policy(self.api, policy("store", "owner", caCertRefs=ca("ca", "other")))
        made = [older, owner, apply_policy(self.api, policy("ops", "plain"))]
        made.append(self._apply_client_side(policy("ops", "noted", caCertRefs=ca("ca"))))
        self.api.create(CHILDREN, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "child", "namespace": "store", "ownerReferences": [{
                "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": "owner",
                "uid": owner["metadata"]["uid"]}]}})
        labelled = policy("auth", "labelled")
        labelled["metadata"]["labels"] = {"team": "edge"}
        made.append(apply_policy(self.api, labelled))
        for item in made[:4]:
            write_status(self.api, item)
        self._wait_for_later_second(older)
        apply_policy(self.api, policy(*RIVALS[1], service="contested", caCertRefs=ca("ca")))
        Migration(self.plane, NAME, TARGET, strategy=self._strategy)
        before = by_key(self.api.items(policies_path("v1alpha2")))
        eventually(lambda: by_key(self.other_api.items(policies_path("v1alpha2"))) == before, "every server has them")
        return before

    def _apply_client_side(self, item):
        """What `kubectl apply` of a new object does, without its start-up time."""
        note = json.dumps(item, separators=(",", ":"), sort_keys=True) + "\n"
        noted = {**item, "metadata": {**item["metadata"],
                                      "annotations": {"kubectl.kubernetes.io/last-applied-configuration": note}}}
        return self.api.create(policies_path("v1alpha2", key(item)[0]), noted, manager="kubectl-client-side-apply")

    def _wait_for_later_second(self, item):
        probe = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "what-time-is-it"}}
        eventually(lambda: self.api.call("POST", "/api/v1/namespaces?dryRun=All", probe)["metadata"]["creationTimestamp"]
                   > item["metadata"]["creationTimestamp"], "the next second")

    def run_victim(self, death=None):
        """Runs it to its end. Where it is the API server that dies, that is started again while the victim goes on."""
        command = [victim_program(), self._kubeconfig, BUNDLES, NAME, *self._options]
        if death:
            command += [*(["--wait"] if death.whom == API_SERVER else []), death.when, death.number]
        with tempfile.TemporaryFile("w+") as words, subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words,
                text=True) as victim:
            limit = threading.Timer(VICTIM_SECONDS, victim.kill)
            limit.start()
            try:
                writes = list(self._writes_of(victim))
                status = victim.wait()
            finally:
                limit.cancel()
                limit.join()
            words.seek(0)
            return Ended(status, writes, words.read())

    def _writes_of(self, victim):
        for line in victim.stdout:
            if line != "waiting\n":
                yield line.rstrip("\n").partition(" ")[2]
                continue
            began = time.monotonic()
            self.plane.kill_api_server()
            print(file=victim.stdin, flush=True)
            self.plane.restart_api_server()
            self.downs.append((began, time.monotonic()))
