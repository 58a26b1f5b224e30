# SPDX-License-Identifier: Apache-2.0
"""A real API server, the operator as its own ServiceAccount beside it, and what a test says to both.

The program is GATELIFT_BIN, the bundles are in GATELIFT_BUNDLES (default: scripts/fetch-bundles' directory), the API
server's minor is GATELIFT_KUBERNETES (default: what scripts/control-plane says)."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

from audit import Audit
from bundles import BUNDLES, install, remove
from kube import MIGRATIONS, SECRETS, Api, collection
from waiting import PATIENCE, eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMESPACE = "gatelift-system"
STOP_SECONDS = 40


def program():
    path = os.environ.get("GATELIFT_BIN") or ROOT / "build/release/gatelift"
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"{path} is no program; name it in GATELIFT_BIN")
    return str(path)


class ControlPlane:
    """Ends with its process at the latest: the launcher watches its stdin. `minor` overrides GATELIFT_KUBERNETES."""

    def __init__(self, *flags, minor=None):
        self._folder = tempfile.TemporaryDirectory(prefix="gatelift-e2e-")
        self.folder = pathlib.Path(self._folder.name)
        chosen = {"GATELIFT_KUBERNETES": minor} if minor else {}
        self._launcher = subprocess.Popen(
            [ROOT / "scripts/control-plane", "start", "--dir", self.folder / "plane", *flags],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **chosen})
        line = self._launcher.stdout.readline()
        if not line:
            self._launcher.wait()
            raise RuntimeError("the control plane did not start")
        state = json.loads(line)
        self.server, self.servers = state["server"], state["servers"]
        self.kubeconfig = pathlib.Path(state["kubeconfig"])
        self.pids = state["pids"]
        self._kubectl = state["bin"] + "/kubectl"
        self.api = Api(self.kubeconfig, self.folder)
        self.audit = Audit(pathlib.Path(state["auditLogs"][0]), self.api)

    def close(self):
        self.api.close()
        self._launcher.stdin.close()
        self._launcher.wait(timeout=60)
        self._launcher.stdout.close()
        self._folder.cleanup()

    def kill_api_server(self, number=0):
        """SIGKILL. It stays away until it is started again."""
        self._command("kill-apiserver", number)

    def restart_api_server(self, number=0):
        """SIGKILL where it runs, and a new one; returns when that is ready."""
        self._command("restart-apiserver", number)

    def _command(self, name, number):
        subprocess.run([ROOT / "scripts/control-plane", name, "--dir", self.folder / "plane", f"--server={number}"],
                       check=True, timeout=120 * PATIENCE)

    def run_kubectl(self, *arguments, text=None, timeout=120):
        """The finished process, whatever it came to."""
        command = [self._kubectl, "--kubeconfig", self.kubeconfig, "--cache-dir", self.folder / "kubectl", *arguments]
        return subprocess.run([str(part) for part in command], input=text, capture_output=True, text=True,
                              timeout=timeout, check=False)

    def kubectl(self, *arguments, text=None, timeout=120):
        """What kubectl prints; RuntimeError with its words where it fails."""
        result = self.run_kubectl(*arguments, text=text, timeout=timeout)
        if result.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(map(str, arguments))}: {result.stderr}")
        return result.stdout

    def create_namespaces(self, *names):
        for name in names:
            if not self.api.find(f"/api/v1/namespaces/{name}"):
                self.api.create("/api/v1/namespaces",
                                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def install_operator_manifests(self):
        self.create_namespaces(NAMESPACE)
        self.kubectl("apply", "--server-side", "-k", ROOT / "manifests/crd")
        self.kubectl("apply", "--server-side", "-k", ROOT / "manifests/rbac")
        eventually(lambda: self.api.get(MIGRATIONS), "GatewayAPIMigrations are served")

    def service_account_kubeconfig(self, account="gatelift"):
        """A kubeconfig with a token of the ServiceAccount and nothing else."""
        token = self.kubectl("create", "token", account, "-n", NAMESPACE, "--duration=1h").strip()
        return self.kubeconfig_with_token(token, account)

    def kubeconfig_with_token(self, token, name, server=None):
        authority = self.folder / "certificate-authority-data.pem"
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server or self.server,
                                                      "certificate-authority": str(authority)}}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}]}))
        return path

    def gatelift(self, *arguments, kubeconfig=None, timeout=120):
        """A command of the program, as admin unless another kubeconfig is given: the finished process."""
        command = [program(), *arguments, "--kubeconfig", kubeconfig or self.kubeconfig]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, check=False)

    def reset(self):
        """Takes away what a scenario has left: migrations, backups, reports, and all of Gateway API."""
        for item in self.api.items(MIGRATIONS):
            path = f"{MIGRATIONS}/{item['metadata']['name']}"
            if item["metadata"].get("finalizers"):
                self.api.patch(path, {"metadata": {"finalizers": None}})
            self.api.delete(path)
        self.api.delete(SECRETS)
        self.api.delete(collection("v1", "configmaps", NAMESPACE))
        self.api.delete(collection("coordination.k8s.io/v1", "leases", NAMESPACE))
        self.api.delete(collection("events.k8s.io/v1", "events", "default"))
        remove(self.api)


class Operator:
    """`gatelift controller` with the ServiceAccount's rights."""

    def __init__(self, plane, *flags, kubeconfig=None):
        self._plane = plane
        self.address = f"127.0.0.1:{free_port()}"
        self.log = plane.folder / f"operator-{self.address.rpartition(':')[2]}.log"
        command = [program(), "controller", "--kubeconfig", kubeconfig or plane.service_account_kubeconfig(),
                   "--bundles", BUNDLES, "--listen", self.address, *flags]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=subprocess.STDOUT)

    def output(self):
        return self.log.read_text(errors="replace")

    def is_running(self):
        return self._process.poll() is None

    def stop(self):
        """SIGTERM, and the exit status."""
        self._process.terminate()
        try:
            return self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"the operator did not stop within {STOP_SECONDS} s of SIGTERM\n{self.output()}") from None

    def kill(self):
        """SIGKILL. Its lease stays behind, and is taken away so that the next one need not wait for it."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._plane.api.delete(collection("coordination.k8s.io/v1", "leases", NAMESPACE))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Migration:
    """One GatewayAPIMigration, as a person makes and follows it; with strategy Recreate, unless a test says otherwise."""

    def __init__(self, plane, name, target, **spec):
        version, channel = target.split("/")
        self._plane = plane
        self.name = name
        self.path = f"{MIGRATIONS}/{name}"
        plane.api.create(MIGRATIONS, {
            "apiVersion": "gatelift.dev/v1alpha1", "kind": "GatewayAPIMigration", "metadata": {"name": name},
            "spec": {"target": {"version": version, "channel": channel}, "strategy": "Recreate", **spec}}, manager="person")

    def object(self):
        return self._plane.api.get(self.path)

    def status(self):
        return self.object().get("status", {})

    def condition(self, kind):
        """The condition, where it is about the present spec; else an empty one."""
        item = self.object()
        for condition in item.get("status", {}).get("conditions", []):
            if condition["type"] == kind and condition.get("observedGeneration") == item["metadata"]["generation"]:
                return condition
        return {}

    def wait_until_ready(self, timeout=60):
        """The status, once it is ready."""
        eventually(lambda: self.condition("Ready").get("status") == "True", f"{self.name} is Ready", timeout, self.explain)
        return self.status()

    def wait_until_stalled(self, *words, timeout=60):
        """The message of the condition Stalled, once it is true and says all these words."""
        def look():
            stalled = self.condition("Stalled")
            text = stalled.get("reason", "") + ": " + stalled.get("message", "")
            return text if stalled.get("status") == "True" and all(word in text for word in words) else None

        return eventually(look, f"{self.name} is Stalled and says {words}", timeout, self.explain)

    def wait_for_reason(self, reason, timeout=60):
        eventually(lambda: self.condition("Ready").get("reason") == reason, f"{self.name} says {reason}", timeout,
                   self.explain)

    def checks(self):
        return self.status().get("plan", {}).get("checks", [])

    def explain(self):
        status = self.status()
        status.get("plan", {}).pop("actions", None)
        logs = sorted(self._plane.folder.glob("operator-*.log"), key=lambda log: log.stat().st_mtime)
        tail = "".join(logs[-1].read_text(errors="replace").splitlines(keepends=True)[-15:]) if logs else ""
        return json.dumps(status, indent=1)[:6000] + "\n" + tail


class Scenario(unittest.TestCase):
    """Tests that share one control plane; each begins and ends with nothing of Gateway API in it."""

    flags = ()
    minor = None
    namespaces = ()
    plane = None

    @classmethod
    def setUpClass(cls):
        cls.plane = ControlPlane(*cls.flags, minor=cls.minor)
        cls.addClassCleanup(cls.plane.close)
        cls.plane.install_operator_manifests()
        cls.plane.create_namespaces(*cls.namespaces)

    def start_operator(self, *flags, **options):
        """An operator that has to stop as it should when the test is over."""
        operator = Operator(self.plane, *flags, **options)

        def stop():
            if operator.is_running():
                self.assertEqual(operator.stop(), 0, operator.output())

        self.addCleanup(stop)
        return operator

    def begin_with(self, bundle, **options):
        """Installs a bundle, and takes everything away after the test."""
        self.addCleanup(self.plane.reset)
        install(self.plane, bundle, **options)

    def assert_touched_nothing(self, since):
        """The operator has written nothing of anybody else's."""
        self.assertEqual(self.plane.audit.outside(since), [])

    def assert_counts_add_up(self, status):
        for crd in status["crds"]:
            counts = crd["objects"]
            self.assertEqual(counts["found"], sum(counts[part] for part in ("done", "unchanged", "skipped", "failed")), crd)

