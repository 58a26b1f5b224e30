# SPDX-License-Identifier: Apache-2.0
"""The cluster of a run that is killed, and the program that is killed in it."""

import json
import os
import subprocess
import sys

from bundles import BUNDLES, install
from fixture import NAMESPACE, ROOT, Migration
from kube import by_key, collection, key, policies_path
from policies import apply_policy, ca, policy, write_status
from waiting import eventually

FROM, TARGET, NAME = "v1.0.0/experimental", "v1.1.1/experimental", "crash"
RIVALS = (("auth", "rival-z"), ("auth", "rival-a"))
CHILDREN = collection("v1", "configmaps", "store")
VICTIM_SECONDS = 150


def victim_program():
    path = os.environ.get("GATELIFT_CRASH_VICTIM") or ROOT / "build/release/test/crash/crash_victim"
    if not os.access(path, os.X_OK):
        sys.exit(f"crash-matrix: {path} is no program; build crash_victim, or name it in GATELIFT_CRASH_VICTIM")
    return str(path)


class Rig:
    """The cluster, brought to the same beginning again and again."""

    def __init__(self, plane, count_events):
        self.plane = plane
        self.api = plane.api
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
        Migration(self.plane, NAME, TARGET)
        return by_key(self.api.items(policies_path("v1alpha2")))

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

    def run_victim(self, *death):
        """(exit status, the writes that it began, its words)"""
        command = [victim_program(), self._kubeconfig, BUNDLES, NAME, *self._options, *death]
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False,
                                stdin=subprocess.DEVNULL, timeout=VICTIM_SECONDS)
        return result.returncode, [line.partition(" ")[2] for line in result.stdout.splitlines()], result.stderr
