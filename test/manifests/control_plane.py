# SPDX-License-Identifier: Apache-2.0
"""A real API server for the time of a test, and kubectl to talk to it."""

import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ControlPlane:
    """Ends with its process at the latest: the launcher watches its stdin."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="gatelift-manifests-")
        self._launcher = subprocess.Popen(
            [ROOT / "scripts/control-plane", "start", "--dir", self._folder.name + "/plane"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._launcher.stdout.readline()
        if not line:
            self._launcher.wait()
            raise RuntimeError("the control plane did not start")
        state = json.loads(line)
        self._kubectl = [state["bin"] + "/kubectl", "--kubeconfig", state["kubeconfig"]]

    def close(self):
        self._launcher.stdin.close()
        self._launcher.wait(timeout=60)
        self._launcher.stdout.close()
        self._folder.cleanup()

    def run(self, *arguments, text=None):
        """The finished process, whatever it came to."""
        return subprocess.run(
            [*self._kubectl, *map(str, arguments)], input=text, capture_output=True, text=True, check=False)

    def kubectl(self, *arguments, text=None):
        """What kubectl prints; RuntimeError with its words where it fails."""
        result = self.run(*arguments, text=text)
        if result.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(map(str, arguments))}: {result.stderr}")
        return result.stdout

    def objects(self, *arguments, text=None):
        """The objects that kubectl answers with: `get` prints one List, `create` object after object."""
        rest = self.kubectl(*arguments, "-o", "json", text=text).lstrip()
        found = []
        while rest:
            answer, end = json.JSONDecoder().raw_decode(rest)
            found += answer["items"] if answer["kind"] == "List" else [answer]
            rest = rest[end:].lstrip()
        return found
