# SPDX-License-Identifier: Apache-2.0
"""The two Envoy Gateways and a client that stands for a proxy of theirs, as scripts/test-envoy-gateway builds them."""

import base64
import json
import os
import pathlib
import shutil
import signal
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
        self._process = None
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
        secret(self._plane, "envoy-gateway", self._root / "certs")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(**self._command("server", "--config-path", "/envoy-gateway.json"),
                                             stdout=log, stderr=subprocess.STDOUT)

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def stop(self):
        """SIGTERM, as a Deployment that is scaled down gets it."""
        if not self.is_running():
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"Envoy Gateway {self.version} did not stop within {STOP_SECONDS} s") from None

    def explain(self):
        if self._process is not None and self._process.poll() is not None:
            return f"Envoy Gateway {self.version} has ended with {self._process.returncode}:\n" + tail(self.log)
        return tail(self.log)


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


def now():
    """The clock of every time that is compared here."""
    return time.time()
