#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures migrations of BackendTLSPolicy from bundle v1.0.0 to v1.1.1 (experimental) on a real API server, by
deleting and making anew and in place.

Every sample starts from the same state on the same server: the v1.0.0 bundle, and policies that
argocd-controller applied and envoy wrote a status to. The ways are taken in turn, several times, and the median of each
figure counts. docs/bench.md says what the figures mean.
"""

import argparse
import collections
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import object_writes

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROUP = "gateway.networking.k8s.io"
POLICIES = f"backendtlspolicies.{GROUP}"
NAMESPACE = "gatelift-system"
NAMESPACES = 10
# In the middle of the order in which a list has them: the first policy of the sixth of ten namespaces.
OBSERVED = "team-05/policy-00005"
TICKS = os.sysconf("SC_CLK_TCK")

# What a person does who follows the release notes. The old objects lose their status, and what must not be in a new
# object is taken out.
CONVERT = (r"s#{g}/v1alpha2#{g}/v1alpha3#; s/^    targetRef:$/    targetRefs:/; s/^    tls:$/    validation:/; "
           r"s/caCertRefs:/caCertificateRefs:/; s/wellKnownCACerts:/wellKnownCACertificates:/; "
           r"/^    targetRefs:/,/^    validation:/ s/^      group:/    - group:/; "
           r"/^    (resourceVersion|uid|creationTimestamp|generation):/d").format(g=GROUP)
BY_HAND = (
    ("get", "kubectl get backendtlspolicies -A -o yaml > policies.yaml"),
    ("delete", f"kubectl delete crd {POLICIES}"),
    ("apply", "kubectl apply --server-side -f {bundle}"),
    ("convert", "sed -E -i " + shlex.quote(CONVERT) + " policies.yaml"),
    ("create", "kubectl create -f policies.yaml"),
)

AUDIT = "--apiserver-arg=--audit-log-maxsize=4000"  # MiB: no second file


class Failure(Exception):
    """Ends the program with its text and without a traceback."""


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        raise Failure(f"{shlex.join(map(str, command))}: exit {result.returncode}: {result.stderr.strip()[-2000:]}")
    return result.stdout


def cpu_of(pid):
    """Seconds of CPU that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def busy_cpu():
    fields = list(map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]))
    return (sum(fields[:8]) - fields[3] - fields[4]) / TICKS


def peak_memory(pid):
    """VmHWM in MiB. (What wait4 says of a child includes the Python that forked it.)"""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) / 1024 if found else 0.0


def timestamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Server:
    """A control plane, and everything that is asked of it from outside."""

    def __init__(self, folder, bundles):
        self.folder = folder
        self.bundles = bundles
        self._launcher = subprocess.Popen(
            [ROOT / "scripts/control-plane", "start", "--dir", folder / "plane", AUDIT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._launcher.stdout.readline()
        if not line:
            raise Failure("the control plane did not start")
        self.state = json.loads(line)
        self.pids = [pid for name, pid in self.state["pids"].items() if name != "launcher"]
        self.environment = dict(os.environ, KUBECONFIG=self.state["kubeconfig"],
                                PATH=self.state["bin"] + os.pathsep + os.environ["PATH"],
                                GATELIFT_BUNDLES=str(bundles))
        self.access = folder / "access.json"
        self.access.write_text(self.kubectl("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
        self.floor = folder / "floor"
        run(["go", "build", "-o", self.floor, "."], cwd=ROOT / "bench/floor",
            env=dict(self.environment, GOWORK="off", GOFLAGS="-mod=readonly"))

    def close(self):
        self._launcher.stdin.close()
        self._launcher.wait(timeout=60)

    def kubectl(self, *arguments, text=None):
        return run(["kubectl", *map(str, arguments)], env=self.environment, input=text)

    def bundle(self, version):
        return self.bundles / version / "experimental"

    def cpu(self):
        return sum(cpu_of(pid) for pid in self.pids)

    def settle(self):
        """Returns when the server has digested what was done to it."""
        for _ in range(60):
            before = self.cpu()
            time.sleep(0.5)
            if self.cpu() - before < 0.05:
                return

    def install(self):
        """The custom resource and the roles, and a kubeconfig of the ServiceAccount."""
        for part in ("deploy/namespace.yaml",):
            self.kubectl("apply", "--server-side", "-f", ROOT / "manifests" / part)
        for part in ("crd", "rbac"):
            self.kubectl("apply", "--server-side", "-k", ROOT / "manifests" / part)
        self.kubectl("wait", "--for=condition=Established", "crd/gatewayapimigrations.gatelift.dev", "--timeout=30s")
        token = self.kubectl("create", "token", "gatelift", "-n", NAMESPACE, "--duration=24h").strip()
        config = json.loads(self.access.read_text())
        config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
        path = self.folder / "operator.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        return path

    def reset(self, objects):
        self.kubectl("delete", "gatewayapimigrations", "--all", "--ignore-not-found")
        self.kubectl("delete", "secrets,configmaps,leases", "--all", "-n", NAMESPACE)
        self.remove_crds()
        self.kubectl("apply", "--server-side", "-f", self.bundle("v1.0.0"))
        self.kubectl("wait", "--for=condition=Established", f"crd/{POLICIES}", "--timeout=30s")
        run([self.floor, "seed", "--access", self.access, "--objects", str(objects), "--namespaces", str(NAMESPACES)])
        self.settle()

    def remove_crds(self):
        """Lists every kind first: where its watch cache is not filled yet, the server fails to delete the instances and
        tries again ever later, for minutes."""
        names = []
        for crd in json.loads(self.kubectl("get", "crd", "-o", "json"))["items"]:
            if crd["spec"]["group"] == GROUP:
                names.append("crd/" + crd["metadata"]["name"])
                served = next(version["name"] for version in crd["spec"]["versions"] if version["served"])
                self.kubectl("get", "--raw", f"/apis/{GROUP}/{served}/{crd['spec']['names']['plural']}?limit=1")
        if names:
            self.kubectl("delete", *names)

    def policies(self, version):
        return json.loads(self.kubectl("get", "--raw", f"/apis/{GROUP}/{version}/backendtlspolicies"))["items"]

    def check(self, before, whole, stayed):
        """Raises where the cluster is not as the way claims to leave it."""
        found = self.policies("v1alpha3")
        if len(found) != len(before):
            raise Failure(f"{len(found)} policies at v1alpha3, want {len(before)}")
        if stayed and uids_of(found) != uids_of(before):
            raise Failure("policies have other uids than before")
        for crd in json.loads(self.kubectl("get", "crd", "-o", "json"))["items"]:
            storage = [version["name"] for version in crd["spec"]["versions"] if version["storage"]]
            if whole and crd["status"]["storedVersions"] != storage:
                raise Failure(f"{crd['metadata']['name']}: storedVersions {crd['status']['storedVersions']}, want {storage}")
        for item in found:
            managers = sorted(entry["manager"] for entry in item["metadata"]["managedFields"])
            if "name" not in item["spec"]["targetRefs"][0] or "hostname" not in item["spec"]["validation"]:
                raise Failure(f"{item['metadata']['name']} has lost its spec: {item['spec']}")
            if whole and ("ancestors" not in item.get("status", {}) or managers != ["argocd-controller", "envoy"]):
                raise Failure(f"{item['metadata']['name']}: status, or managers {managers}, are not as before")


def uids_of(items):
    return {(item["metadata"]["namespace"], item["metadata"]["name"]): item["metadata"]["uid"] for item in items}


class Audit:
    """What the API server answered from now on."""

    def __init__(self, server):
        self._path = pathlib.Path(server.state["auditLogs"][0])
        self._offset = self._path.stat().st_size

    def lines(self):
        time.sleep(0.3)  # a line may come just after its response
        with open(self._path, encoding="utf-8") as file:
            file.seek(self._offset)
            return file.readlines()

    def events(self):
        return [json.loads(line) for line in self.lines()]


def resource_of(event):
    reference = event.get("objectRef", {})
    name = reference.get("resource", "")
    return name + ("/" + reference["subresource"] if "subresource" in reference else "")


def writes_of(events, agent):
    """Writes that were answered with success and left something, by verb and resource."""
    counts = collections.Counter()
    for event in events:
        if event["verb"] in ("create", "update", "patch", "delete") and event.get("userAgent", "").startswith(agent):
            stays = "dryRun" not in event["requestURI"] and resource_of(event) != "selfsubjectaccessreviews"
            if event["responseStatus"].get("code", 500) < 400 and stays:
                counts[f"{event['verb']} {resource_of(event)}"] += 1
    return dict(sorted(counts.items()))


def absences_of(events):
    """Seconds from the end of each policy's deletion to the end of its creation."""
    gone, absent = {}, []
    for event in events:
        reference = event.get("objectRef", {})
        if reference.get("resource") != "backendtlspolicies" or "subresource" in reference:
            continue
        if event["responseStatus"].get("code", 500) >= 300 or "dryRun" in event["requestURI"]:
            continue
        key, at = (reference.get("namespace"), reference.get("name")), timestamp(event["stageTimestamp"])
        if event["verb"] == "delete":
            gone[key] = at
        elif event["verb"] in ("create", "patch") and key in gone:
            absent.append(at - gone.pop(key))
    return sorted(absent)


class Observer:
    """Reads one policy at both versions while a sample is taken."""

    def __init__(self, server, hz):
        self._process = subprocess.Popen(
            [server.floor, "observe", "--access", server.access, "--object", OBSERVED, "--hz", str(hz)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)

    def pid(self):
        return self._process.pid

    def finish(self):
        time.sleep(0.2)
        out, _ = self._process.communicate(timeout=30)
        if self._process.returncode != 0:
            raise Failure("observe failed")
        return json.loads(out)

    def kill(self):
        self._process.kill()
        self._process.communicate()


class MigrationWatch:
    """Notes when a migration is created, when its phases change, and when it is Ready."""

    def __init__(self, server):
        config = json.loads(server.access.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cadata=decoded(cluster["certificate-authority-data"]))
        for name in ("client-certificate", "client-key"):
            path = server.folder / name
            path.touch(mode=0o600)
            path.write_text(decoded(user[name + "-data"]))
        context.load_cert_chain(server.folder / "client-certificate", server.folder / "client-key")
        address = urllib.parse.urlsplit(cluster["server"]).netloc
        self._connection = http.client.HTTPSConnection(address, context=context, timeout=600)
        self._connection.request("GET", "/apis/gatelift.dev/v1alpha1/gatewayapimigrations?watch=1")
        self._answer = self._connection.getresponse()
        if self._answer.status != 200:
            raise Failure(f"watch of gatewayapimigrations: {self._answer.status}")
        self.created = None
        self.ended = None
        self.object = None
        self.phases = []  # (phase, seconds since creation)
        self.over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            for line in self._answer:
                self._see(time.time(), json.loads(line)["object"])

    def _see(self, now, migration):
        self.created = self.created or now
        self.object = migration
        status = migration.get("status", {})
        phase = status.get("phase")
        if phase and (not self.phases or self.phases[-1][0] != phase):
            self.phases.append((phase, now - self.created))
        conditions = {c["type"]: c for c in status.get("conditions", [])}
        if conditions.get("Ready", {}).get("status") == "True" or conditions.get("Stalled", {}).get("status") == "True":
            self.ended = self.ended or now
            self.over.set()

    def result(self, seconds):
        if not self.over.wait(seconds):
            raise Failure(f"the migration was not over after {seconds} s: {json.dumps(self.object)[:2000]}")
        ready = next(c for c in self.object["status"]["conditions"] if c["type"] == "Ready")
        if ready["status"] != "True":
            raise Failure(f"the migration stalled: {ready['message']}")
        return self.ended - self.created

    def close(self):
        if self._connection.sock:
            self._connection.sock.close()


def decoded(text):
    import base64
    return base64.b64decode(text).decode()


def follow_process(process, seconds=900):
    """Waits for the end of a process; its greatest VmHWM in MiB."""
    peak, deadline = 0.0, time.monotonic() + seconds
    while process.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            peak = max(peak, peak_memory(process.pid))
        if time.monotonic() > deadline:
            process.kill()
            raise Failure(f"{process.args[0]} did not end within {seconds} s")
        time.sleep(0.01)
    return peak


class Bench:
    def __init__(self, server, program, hz, keep):
        self.server = server
        self.program = program
        self.hz = hz
        self.keep = keep
        self.taken = 0
        self.operator = server.install()
        self._bridge = None
        self._client = None  # the process that is measured

    def sample(self, way, objects):
        server = self.server
        if way == "in_place_floor":
            self.bridge()
        server.reset(objects)
        before = server.policies("v1alpha2")
        audit = Audit(server)
        observer = Observer(server, self.hz)
        busy, own = busy_cpu(), server.cpu() + cpu_of(os.getpid())
        began = time.time()
        try:
            figures = getattr(self, "by_" + way)(audit)
            took = time.time() - began
            figures["serverCPU"] = server.cpu() + cpu_of(os.getpid()) - own
            others = busy_cpu() - busy - figures["serverCPU"] - figures.get("cpu", 0) - cpu_of(observer.pid())
            figures["othersCPU"] = max(0.0, others) / took / os.cpu_count()
            seen = observer.finish()
        finally:
            observer.kill()
            self.taken += 1
            if self.keep:
                self.keep.mkdir(parents=True, exist_ok=True)
                (self.keep / f"{self.taken:02d}-{objects}-{way}.audit").write_text("".join(audit.lines()))
        figures["absence"] = float(seen["absence"])
        figures["observer"] = seen
        absent = absences_of(audit.events())
        if absent:
            figures["absenceMedian"], figures["absenceMax"] = statistics.median(absent), absent[-1]
        server.check(before, whole=way != "hand", stayed=way.startswith("in_place"))
        return {"way": way, "objects": objects, **figures}

    def bridge(self):
        """A file with the CRD of the policies as gatelift leaves it in a hold."""
        if self._bridge:
            return self._bridge
        self.server.reset(1)
        process = subprocess.Popen([*self.migrate("InPlace"), "--hold", "Approval"], env=self.server.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(600):
                crd = json.loads(self.server.kubectl("get", "crd", POLICIES, "-o", "json"))
                if [each["name"] for each in crd["spec"]["versions"] if each["served"]] == ["v1alpha2", "v1alpha3"]:
                    break
                time.sleep(0.1)
            else:
                raise Failure("gatelift does not serve both versions")
        finally:
            process.terminate()
            process.wait(timeout=60)
        self._bridge = self.server.folder / "bridge.json"
        self._bridge.write_text(json.dumps(crd))
        return self._bridge

    def migrate(self, strategy):
        return [self.program, "migrate", "--to", "v1.1.1/experimental", "--strategy", strategy, "--yes"]

    def by_hand(self, audit):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.server.folder))
        environment = dict(self.server.environment, KUBECACHEDIR=str(folder / "cache"))
        times = os.times()
        steps, began = {}, time.time()
        for name, command in BY_HAND:
            at = time.time()
            run(["bash", "-euo", "pipefail", "-c", command.format(bundle=self.server.bundle("v1.1.1"))]
                if "{bundle}" in command else ["bash", "-euo", "pipefail", "-c", command],
                cwd=folder, env=environment)
            steps[name] = time.time() - at
        total = time.time() - began
        now = os.times()
        cpu = now.children_user + now.children_system - times.children_user - times.children_system
        return {"total": total, "steps": steps, "cpu": cpu, "writes": writes_of(audit.events(), "kubectl")}

    def run_floor(self, command, *flags):
        """What it prints, and figures of it."""
        process = subprocess.Popen(
            [self.server.floor, command, "--access", self.server.access, "--bundle", self.server.bundle("v1.1.1"),
             *flags], stdout=subprocess.PIPE, text=True)
        self._client = process
        times = os.times()
        peak = follow_process(process)
        now = os.times()
        if process.returncode != 0:
            raise Failure("floor failed")
        result = json.loads(process.stdout.read())
        cpu = now.children_user + now.children_system - times.children_user - times.children_system
        return result, {"total": result["total"], "cpu": cpu, "peak": peak}

    def by_floor(self, audit, *flags):
        result, figures = self.run_floor("write", *flags)
        steps = {k: result[k] for k in ("otherCRDs", "deletes", "crdGone", "crdServed", "creates", "statuses")}
        return {**figures, "steps": steps, "reported": result["window"],
                "writes": writes_of(audit.events(), "gatelift-bench-write")}

    def by_floor_post(self, audit):
        return self.by_floor(audit, "--post")

    def by_in_place_floor(self, audit):
        clock = self.clock()
        result, figures = self.run_floor("in-place", "--bridge", self.bridge())
        steps = {k: result[k] for k in ("otherCRDs", "expand", "project", "serveBoth", "unserve", "contract", "prove",
                                        "targetCRD")}
        agent = "gatelift-bench-in-place"
        return {**figures, "steps": steps, "reported": 0.0, "writes": writes_of(audit.events(), agent),
                **object_writes.figures_of(audit.events(), agent, clock)}

    def clock(self):
        self._client = None
        return object_writes.Clock(self._client_cpu, self.server.cpu)

    def _client_cpu(self):
        if not self._client:
            raise ProcessLookupError
        return cpu_of(self._client.pid)

    def figures_of(self, watch, audit):
        total = watch.result(900)
        ends = [at for _, at in watch.phases[1:]] + [total]
        steps = collections.Counter()
        for (phase, began), ended in zip(watch.phases, ends):
            steps[phase] += ended - began
        measured = watch.object["status"].get("unavailable", {}).get("measured", "0s")
        return {"total": total, "steps": dict(steps), "reported": go_seconds(measured),
                "writes": writes_of(audit.events(), "gatelift/")}

    def by_in_place(self, audit):
        clock = self.clock()
        return {**self.by_foreground(audit, "InPlace"), **object_writes.figures_of(audit.events(), "gatelift/", clock)}

    def by_in_place_daemon(self, audit):
        clock = self.clock()
        return {**self.by_daemon(audit, "InPlace"), **object_writes.figures_of(audit.events(), "gatelift/", clock)}

    def by_foreground(self, audit, strategy="Recreate"):
        watch = MigrationWatch(self.server)
        log = open(self.server.folder / "foreground.log", "ab")
        began = time.time()
        process = subprocess.Popen(self.migrate(strategy), env=self.server.environment, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
        self._client = process
        times = os.times()
        peak = follow_process(process)
        wall = time.time() - began
        now = os.times()
        log.close()
        if process.returncode != 0:
            tail = (self.server.folder / "foreground.log").read_text()[-3000:]
            raise Failure(f"gatelift migrate: exit {process.returncode}: {tail}")
        figures = self.figures_of(watch, audit)
        watch.close()
        cpu = now.children_user + now.children_system - times.children_user - times.children_system
        return {**figures, "wall": wall, "cpu": cpu, "peak": peak}

    def by_daemon(self, audit, strategy="Recreate"):
        server = self.server
        log = open(server.folder / "daemon.log", "ab")
        environment = dict(server.environment, KUBECONFIG=str(self.operator))
        process = subprocess.Popen([self.program, "controller", "--listen", "127.0.0.1:0"],
                                   env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._client = process
        try:
            time.sleep(2.0)  # it has its watch and its lease
            watch = MigrationWatch(server)
            before = cpu_of(process.pid)
            idle = peak_memory(process.pid)
            server.kubectl("create", "-f", "-", text=json.dumps({
                "apiVersion": "gatelift.dev/v1alpha1", "kind": "GatewayAPIMigration", "metadata": {"name": "bench"},
                "spec": {"target": {"version": "v1.1.1", "channel": "experimental"}, "strategy": strategy}}))
            figures = self.figures_of(watch, audit)
            watch.close()
            return {**figures, "cpu": cpu_of(process.pid) - before, "peak": peak_memory(process.pid), "idle": idle}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
            log.close()


def go_seconds(text):
    """A Go duration such as 1m2.5s or 350ms."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", text))


def medians(samples):
    """One row per way and number of objects: the median of every number that the samples have."""
    groups = {}
    for sample in samples:
        groups.setdefault((sample["objects"], sample["way"]), []).append(sample)
    rows = []
    for (objects, way), group in sorted(groups.items()):
        row = {"objects": objects, "way": way, "samples": len(group)}
        for key, value in group[0].items():
            if isinstance(value, float):
                row[key] = statistics.median(each.get(key, 0.0) for each in group)
        row["totals"] = [round(each["total"], 2) for each in group]
        row["steps"] = {key: statistics.median(each["steps"].get(key, 0.0) for each in group)
                        for key in group[0]["steps"]}
        if "passes" in group[0]:
            row["passes"] = {key: statistics.median(each["passes"].get(key, 0.0) for each in group)
                             for key in group[0]["passes"]}
        row["neither"] = max(each["observer"]["neither"] for each in group)
        row["writes"] = max((each["writes"] for each in group), key=lambda writes: sum(writes.values()))
        rows.append(row)
    return rows


WORDS = {
    "hand": "by hand, kubectl",
    "floor": "write floor",
    "floor_post": "write floor, creates by POST",
    "foreground": "`gatelift migrate`, Recreate",
    "daemon": "`gatelift controller`, Recreate",
    "in_place_floor": "write floor in place",
    "in_place": "`gatelift migrate`, InPlace",
    "in_place_daemon": "`gatelift controller`, InPlace",
}


def floor_of(way):
    """The way that makes the same writes and no others."""
    return "in_place_floor" if way.startswith("in_place") else "floor"


def seconds(value):
    return "-" if value is None else f"{value:.2f} s"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def main_table(rows, objects):
    of = {row["way"]: row for row in rows if row["objects"] == objects}
    lines = []
    for way in WORDS:
        if way not in of:
            continue
        row = of[way]
        floor = of.get(floor_of(way), {}).get("total")
        lines.append([
            WORDS[way], seconds(row["total"]), f"{row['total'] / floor:.2f}" if floor else "-",
            seconds(row["absence"]), seconds(row.get("absenceMedian")), seconds(row.get("absenceMax")),
            seconds(row.get("reported")), str(sum(row["writes"].values())),
            f"{object_writes.number_of(row['writes']) / objects:.2f}", seconds(row.get("cpu")),
            f"{row['peak']:.0f} MiB" if "peak" in row else "-",
        ])
    return table(["way", "total", "× floor", "absence, seen", "absence, median", "absence, max", "absence, own figure",
                  "writes", "of policies, each", "CPU", "peak RSS"], lines)


def cpu_of_passes(row):
    return row["passesCPU"] + row["passesServerCPU"]


def passes_table(rows, objects):
    """"" where no way was in place."""
    of = {row["way"]: row for row in rows if row["objects"] == objects and "passes" in row}
    floor = of.get("in_place_floor")
    lines = []
    for way in WORDS:
        if way not in of:
            continue
        row = of[way]
        used = cpu_of_passes(row)
        cells = [WORDS[way], seconds(row["writing"]), f"{row['writing'] / floor['writing']:.2f}" if floor else "-",
                 f"{row['passesCPU']:.2f} + {used - row['passesCPU']:.2f} s",
                 f"{used / cpu_of_passes(floor):.2f}" if floor else "-"]
        for name in object_writes.PASSES:
            took = row["passes"].get(name, 0.0)
            cells.append(seconds(took) + (f" ({took / floor['passes'][name]:.2f})" if floor else ""))
        lines.append([*cells, seconds(row["span"]), str(row["neither"])])
    head = ["way", "object writes", "× floor", "CPU, client + server", "× floor", *(f"{name} (× floor)" for name in object_writes.PASSES),
            "first to last write", "samples at neither version"]
    return table(head, lines) if lines else ""


def steps_table(rows, objects):
    lines = []
    for way in WORDS:
        for row in rows:
            if row["objects"] == objects and row["way"] == way:
                lines.append([WORDS[way], ", ".join(f"{k} {v:.2f}" for k, v in row["steps"].items()),
                              ", ".join(map(str, row["totals"]))])
    return table(["way", "seconds by step", "totals of the samples"], lines)


def figures_text(result):
    machine = result["machine"]
    parts = [f"Made by `{machine['command']}` on {machine['date']}: {machine['cpus']} CPUs ({machine['model']}), "
             f"Linux {machine['kernel']}, Kubernetes {machine['kubernetes']}, {result['repeats']} samples each. Other work "
             f"took {machine['others']:.0%} of the CPUs meanwhile."]
    for objects in sorted({row["objects"] for row in result["medians"]}):
        parts += [f"### {objects:,} policies", main_table(result["medians"], objects),
                  passes_table(result["medians"], objects), steps_table(result["medians"], objects)]
    return "\n\n".join(filter(None, parts)) + "\n"


def short_figures(result):
    """For the README."""
    lines = []
    for objects in sorted({row["objects"] for row in result["medians"]}):
        of = {row["way"]: row for row in result["medians"] if row["objects"] == objects}
        for way in WORDS:
            if way == "floor_post":
                continue
            if way in of:
                row = of[way]
                lines.append([f"{objects:,}", WORDS[way], seconds(row["total"]), seconds(row["absence"]),
                              f"{row['peak']:.0f} MiB" if "gatelift" in WORDS[way] else "-"])
    return table(["policies", "way", "total", "one policy absent for", "peak RSS"], lines) + "\n"


def replace_figures(path, text):
    before, begin, rest = path.read_text().partition("<!-- figures: begin -->\n")
    _, end, after = rest.partition("<!-- figures: end -->")
    if not begin or not end:
        raise Failure(f"{path} has no place for figures")
    path.write_text(before + begin + "\n" + text + "\n" + end + after)


def cpu_model():
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", default="100,2000", help="numbers of policies (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="samples of each way (default: %(default)s)")
    parser.add_argument("--ways", default=",".join(WORDS), help="default: %(default)s")
    parser.add_argument("--short", action="store_true", help="50 policies, each way once: does it run at all")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/bench.md, .json and README.md")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the samples and medians there")
    parser.add_argument("--program", type=pathlib.Path, help="default: GATELIFT_BIN, else build/release/gatelift")
    parser.add_argument("--bundles", type=pathlib.Path, help="default: bundles in the cache")
    parser.add_argument("--hz", type=int, default=100, help="reads per second and version of the one policy that is "
                                                            "observed (default: %(default)s)")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="leave there the logs, and an audit log of each sample for timeline.py")
    return parser.parse_args()


def take_samples(bench, ways, numbers, repeats):
    samples = []
    for objects in numbers:
        for turn in range(repeats):
            # Another way is first in each turn, so that what one leaves behind does not always hit the same next one.
            for way in ways[turn % len(ways):] + ways[:turn % len(ways)]:
                sample = bench.sample(way, objects)
                samples.append(sample)
                note(f"{objects} {way}: total {sample['total']:.2f} s, absence {sample['absence']:.2f} s, "
                     f"cpu {sample['cpu']:.2f} s, peak {sample.get('peak', 0):.0f} MiB, "
                     f"others {sample['othersCPU']:.0%}, "
                     f"steps {json.dumps({k: round(v, 2) for k, v in sample['steps'].items()})}"
                     + (f", passes {json.dumps({k: round(v, 2) for k, v in sample['passes'].items()})}, "
                        f"their CPU {sample['passesCPU']:.2f} + {sample['passesServerCPU']:.2f} s, "
                        f"at neither version {sample['observer']['neither']}" if "passes" in sample else ""))
    return samples


def main():
    arguments = parse_arguments()
    numbers = [50] if arguments.short else [int(n) for n in arguments.objects.split(",")]
    repeats = 1 if arguments.short else arguments.repeats
    ways = arguments.ways.split(",")
    program = arguments.program or pathlib.Path(os.environ.get("GATELIFT_BIN") or ROOT / "build/release/gatelift")
    if set(ways) - {"hand", "floor", "floor_post"} and not os.access(program, os.X_OK):
        raise Failure(f"{program} is not there; run scripts/build")
    cache = pathlib.Path(os.environ.get("GATELIFT_CACHE") or
                         pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gatelift")
    bundles = (arguments.bundles or cache / "bundles").absolute()
    with tempfile.TemporaryDirectory(prefix="gatelift-bench-") as folder:
        server = Server(pathlib.Path(folder), bundles)
        try:
            samples = take_samples(Bench(server, program.absolute(), arguments.hz, arguments.keep), ways, numbers,
                                   repeats)
        finally:
            server.close()
            if arguments.keep:
                keep(pathlib.Path(folder), arguments.keep)
    result = {
        "machine": {
            "command": shlex.join(["scripts/bench", *sys.argv[1:]]), "date": datetime.date.today().isoformat(),
            "cpus": os.cpu_count(), "model": cpu_model(), "kernel": platform.release(),
            "kubernetes": pathlib.Path(server.state["bin"]).name,
            "others": statistics.median(sample["othersCPU"] for sample in samples),
        },
        "repeats": repeats, "medians": medians(samples), "samples": samples,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    if arguments.write:
        (ROOT / "docs/bench.json").write_text(json.dumps(result, indent=1) + "\n")
        replace_figures(ROOT / "docs/bench.md", figures_text(result))
        replace_figures(ROOT / "README.md", short_figures(result))
    print(figures_text(result))


def keep(folder, target):
    target.mkdir(parents=True, exist_ok=True)
    for name in ("foreground.log", "daemon.log"):
        if (folder / name).exists():
            shutil.copy(folder / name, target)


if __name__ == "__main__":
    # So that the control plane is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        main()
    except (Failure, OSError) as failure:
        sys.exit(f"bench: {failure}")
