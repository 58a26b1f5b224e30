# SPDX-License-Identifier: Apache-2.0
"""The two Envoy Gateways and a client that stands for a proxy of theirs, as scripts/test-envoy-gateway builds them."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time

from kube import collection
from waiting import eventually

CACHE = pathlib.Path(os.environ.get("GATELIFT_ENVOY_GATEWAY") or pathlib.Path(
    os.environ.get("GATELIFT_CACHE") or
    pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gatelift") / "envoy-gateway")
NAMESPACE = "envoy-gateway-system"
NAME = "gateway.envoyproxy.io/gatewayclass-controller"
STOP_SECONDS = 30
RESTART_SECONDS = 1  # between two starts, so that one that cannot run does not run wild


def now():
    """The clock of every time that is compared here."""
    return time.time()


def secret(plane, name, folder):
    """Writes what a Secret of the controllers' namespace holds, a file for each key."""
    data = plane.api.get(f"{collection('v1', 'secrets', NAMESPACE)}/{name}")["data"]
    folder.mkdir(parents=True, exist_ok=True)
    for key, value in data.items():
        (folder / key).write_bytes(base64.b64decode(value))


def tail(log):
    """The last lines of a log, for a person to read."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(line[:400] for line in lines[-15:])


class EnvoyGateway:
    """One version, as admin of the API server.

    It reads its certificates from /certs and nowhere else, so it gets a folder as its root."""

    def __init__(self, plane, version):
        self._plane = plane
        self.version = version
        self.started = 0.0
        self.ends = []  # when it ended by itself
        self._lock = threading.Lock()
        self._wanted = False
        self._process = None
        self._keeper = None
        self._root = plane.folder / f"envoy-gateway-{version}"
        self.log = plane.folder / f"envoy-gateway-{version}.log"
        self._root.mkdir(exist_ok=True)
        for folder in ("certs", "tmp"):
            (self._root / folder).mkdir(exist_ok=True)
        shutil.copy(CACHE / version / "envoy-gateway", self._root)
        shutil.copy(plane.kubeconfig, self._root / "kubeconfig")
        (self._root / "envoy-gateway.json").write_text(json.dumps({
            "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyGateway",
            "gateway": {"controllerName": NAME}, "provider": {"type": "Kubernetes"}}))

    def _command(self, *arguments):
        return {"args": ["unshare", "--map-root-user", "--root", str(self._root), "/envoy-gateway", *arguments],
                "env": {"PATH": os.environ["PATH"], "HOME": "/", "KUBECONFIG": "/kubeconfig"},
                "stdin": subprocess.DEVNULL}

    def install_crds(self):
        """Its own; it does not start without them."""
        self._plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", CACHE / self.version / "crds")
        self._plane.kubectl("wait", "--for=condition=Established", "-f", CACHE / self.version / "crds")

    def make_certificates(self):
        """As the Job of its chart does: one authority, and a certificate each for the controller and the proxies."""
        done = subprocess.run(**self._command("certgen"), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"envoy-gateway certgen: {done.stdout}{done.stderr}")

    def start(self):
        """It is started again whenever it ends, as a Deployment's pod is: 1.1.4 may die of a race of its own."""
        secret(self._plane, "envoy-gateway", self._root / "certs")
        self.started = now()
        self._wanted = True
        self._process = self._spawn()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _spawn(self):
        with self.log.open("ab") as log:
            return subprocess.Popen(**self._command("server", "--config-path", "/envoy-gateway.json"),
                                    stdout=log, stderr=subprocess.STDOUT)

    def _keep(self):
        while True:
            self._process.wait()
            with self._lock:
                if not self._wanted:
                    return
                self.ends.append(now())
                self._process = self._spawn()
            time.sleep(RESTART_SECONDS)

    def stop(self):
        """SIGTERM, as a Deployment that is scaled down gets it."""
        with self._lock:
            if not self._wanted:
                return
            self._wanted = False
            self._process.terminate()
        self._keeper.join(STOP_SECONDS)
        if self._keeper.is_alive():
            self._process.kill()
            self._keeper.join()
            raise AssertionError(f"Envoy Gateway {self.version} did not stop within {STOP_SECONDS} s")

    def explain(self):
        return f"Envoy Gateway {self.version} ended {len(self.ends)} times by itself:\n{tail(self.log)}"


class Proxy:
    """What a proxy of a Gateway is told, from whichever controller answers."""

    def __init__(self, plane, gateway):
        certificates = plane.folder / "proxy-certs"
        secret(plane, "envoy", certificates)
        self._reports = []
        self._file = plane.folder / "proxy.log"
        self._log = self._file.open("wb")
        self._process = subprocess.Popen(
            [CACHE / "xds", "--certs", certificates, "--cluster", gateway],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._reports.append(json.loads(line))

    def reports(self):
        return list(self._reports)

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._reader.join()
        self._process.stdout.close()
        self._log.close()

    def wait_until(self, look, what, timeout=60, explain=None):
        """Until `look` is true of the reports."""
        eventually(lambda: self._process.poll() is None and look(self.reports()), what, timeout,
                   lambda: f"{self.reports()[-5:]}\n{tail(self._file)}\n{explain() if explain else ''}")
