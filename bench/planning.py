#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what a plan over many objects takes: calls, memory, time.

N objects, spread evenly over ten kinds of v1.3.0 experimental, on a real API server; then `gatelift plan --to
v1.4.1/experimental`, which looks at each of them, since the schema of each kind changes. Beside it, in the same run,
kubectl reads the same objects (`kubectl get KINDS -A -o json`). Then `gatelift migrate` rehearses them, and stops before
its first write, since one more object is there that the target refuses. The calls are counted in the audit log.
"""

import argparse
import collections
import concurrent.futures
import json
import math
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/e2e"))

from bundles import BUNDLES, install  # noqa: E402
from fixture import ControlPlane, program  # noqa: E402
from kube import GATEWAY, MIGRATIONS, Api, collection  # noqa: E402

FROM, TO = "v1.3.0/experimental", "v1.4.1/experimental"
X_GROUP = "gateway.networking.x-k8s.io"
CONNECTIONS = 12
PAGE = 500  # objects of one LIST
NAMESPACES = [f"team-{i:02}" for i in range(10)]
SERVICE = {"group": "", "kind": "Service", "name": "shop"}
RULES = {"rules": [{"backendRefs": [{"name": "shop", "port": 443}]}]}
KINDS = {
    ("GatewayClass", "gatewayclasses", f"{GATEWAY}/v1"): {"controllerName": "example.com/edge"},
    ("Gateway", "gateways", f"{GATEWAY}/v1"): {
        "gatewayClassName": "edge", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    ("HTTPRoute", "httproutes", f"{GATEWAY}/v1"): {"parentRefs": [{"name": "edge"}], **RULES},
    ("GRPCRoute", "grpcroutes", f"{GATEWAY}/v1"): {"parentRefs": [{"name": "edge"}], **RULES},
    ("TCPRoute", "tcproutes", f"{GATEWAY}/v1alpha2"): RULES,
    ("UDPRoute", "udproutes", f"{GATEWAY}/v1alpha2"): RULES,
    ("TLSRoute", "tlsroutes", f"{GATEWAY}/v1alpha2"): {"hostnames": ["a.example.com"], **RULES},
    ("ReferenceGrant", "referencegrants", f"{GATEWAY}/v1beta1"): {
        "from": [{"group": GATEWAY, "kind": "HTTPRoute", "namespace": "team-00"}],
        "to": [{"group": "", "kind": "Service"}]},
    ("BackendTLSPolicy", "backendtlspolicies", f"{GATEWAY}/v1alpha3"): {
        "targetRefs": [SERVICE], "validation": {"hostname": "a.example.com", "wellKnownCACertificates": "System"}},
    ("XBackendTrafficPolicy", "xbackendtrafficpolicies", f"{X_GROUP}/v1alpha1"): {
        "targetRefs": [SERVICE], "retryConstraint": {"budget": {"percent": 20}}},
}


def fill(plane, each):
    """Creates `each` objects of every kind, over several connections."""
    connections = [Api(plane.kubeconfig, plane.folder) for _ in range(CONNECTIONS)]

    def create(api, kind, plural, api_version, spec, i):
        namespace = None if kind == "GatewayClass" else NAMESPACES[i % len(NAMESPACES)]
        metadata = {"name": f"{kind.lower()}-{i:05}", **({"namespace": namespace} if namespace else {})}
        api.create(collection(api_version, plural, namespace),
                     {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}, "bench")

    def share(first):
        for kind, spec in KINDS.items():
            for i in range(first, each, CONNECTIONS):
                create(connections[first], *kind, spec, i)

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        for done in pool.map(share, range(CONNECTIONS)):
            assert done is None
    for connection in connections:
        connection.close()


def measured(command):
    """Seconds, peak MiB and what was printed; VmHWM is read while the process runs."""
    began = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, text=True)
    peak = [0.0]

    def watch():
        while process.poll() is None:
            try:
                found = re.search(r"^VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
            except OSError:
                return
            if found:
                peak[0] = max(peak[0], int(found.group(1)) / 1024)
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, err = process.communicate(timeout=600)
    watcher.join()
    return {"seconds": round(time.monotonic() - began, 2), "peakMiB": round(peak[0], 1)}, process.returncode, out, err


def calls(plane, since, until):
    """What was asked, by verb and resource."""
    counts = collections.Counter()
    for line in plane.audit._file.read_bytes()[since:until].splitlines():
        event = json.loads(line)
        if event["stage"] != "ResponseComplete" or event["user"]["username"].startswith("system:"):
            continue  # the API server looks after CRDs that come and go
        if "/namespaces/mark-" not in event["requestURI"]:
            verb = event["verb"] + (" as a dry run" if "dryRun=All" in event["requestURI"] else "")
            counts[verb, event.get("objectRef", {}).get("resource", event["requestURI"].split("?")[0])] += 1
    return counts


def of_objects(counts, wanted):
    """The calls about objects of our kinds whose verb is `wanted`."""
    return sum(number for (verb, resource), number in counts.items()
               if wanted(verb) and any(resource == plural for _, plural, _ in KINDS))


def figures(counts, pages, objects):
    lists = of_objects(counts, lambda verb: verb == "list")
    dry_runs = of_objects(counts, lambda verb: verb.endswith("dry run"))
    return {"lists": lists, "listsPerPage": round(lists / pages, 2), "dryRuns": dry_runs,
            "dryRunsPerObject": round(dry_runs / objects, 3),
            "calls": {f"{verb} {resource}": number for (verb, resource), number in sorted(counts.items())}}


def rehearse(plane, pages):
    """A run that is stopped by its rehearsal: what planning and rehearsing took together."""
    plane.api.create(collection(f"{GATEWAY}/v1alpha2", "tlsroutes", NAMESPACES[0]),
                     {"apiVersion": f"{GATEWAY}/v1alpha2", "kind": "TLSRoute",
                      "metadata": {"name": "any", "namespace": NAMESPACES[0]}, "spec": RULES}, "bench")
    since = plane.audit.mark()
    used, code, _, err = measured([program(), "migrate", "--to", TO, "--bundles", BUNDLES, "--yes", "--name", "bench",
                                   "--strategy", "Recreate", "--kubeconfig", plane.kubeconfig])
    between = plane.audit.mark()
    record = plane.api.get(f"{MIGRATIONS}/bench")["status"]
    rehearsal = record.get("rehearsal", {})
    if code != 3 or rehearsal.get("refused") != 1 or rehearsal["evidence"]["none"] != 0:
        raise SystemExit(f"gatelift migrate: exit {code}, rehearsal {rehearsal}: {err}")
    return {**used, "rehearsal": rehearsal, **figures(calls(plane, since, between), pages, rehearsal["objects"])}


def sample(plane, total):
    each = total // len(KINDS)
    install(plane, FROM)
    plane.create_namespaces(*NAMESPACES)
    fill(plane, each)
    since = plane.audit.mark()
    plan, code, out, err = measured([program(), "plan", "--to", TO, "--bundles", BUNDLES, "-o", "json",
                                     "--kubeconfig", plane.kubeconfig])
    between = plane.audit.mark()
    if code not in (0, 3):
        raise SystemExit(f"gatelift plan: exit {code}: {err}")
    planned = sum(action["objects"] for action in json.loads(out)["actions"])
    if planned != each * len(KINDS):
        raise SystemExit(f"the plan has seen {planned} objects instead of {each * len(KINDS)}")
    names = ",".join(f"{plural}.{version.split('/')[0]}" for _, plural, version in KINDS)
    kubectl, code, _, err = measured([plane._kubectl, "--kubeconfig", plane.kubeconfig, "get", names, "-A", "-o", "json"])
    if code != 0:
        raise SystemExit(f"kubectl get: exit {code}: {err}")
    pages = len(KINDS) * math.ceil(each / PAGE)
    return {"objects": planned, "kinds": len(KINDS), "pages": pages, "kubectl": kubectl,
            "plan": {**plan, **figures(calls(plane, since, between), pages, planned)},
            "planAndRehearsal": rehearse(plane, pages)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10000, help="all together (default 10,000)")
    arguments = parser.parse_args()
    plane = ControlPlane("--apiserver-arg=--audit-log-maxsize=4000")  # MiB: no second file
    try:
        plane.install_operator_manifests()
        print(json.dumps(sample(plane, arguments.objects), indent=2))
    finally:
        plane.close()


if __name__ == "__main__":
    main()
