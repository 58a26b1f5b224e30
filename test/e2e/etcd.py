# SPDX-License-Identifier: Apache-2.0
"""What etcd itself holds, read past the API server by etcd's JSON gateway."""

import base64
import json
import pathlib
import urllib.request

from kube import GATEWAY
from policies import LAST_APPLIED

POLICIES = f"/registry/{GATEWAY}/backendtlspolicies/"
# The fields of v1alpha2 that no later version has, plain and as managedFields spell them.
OLD_FIELDS = {prefix + field for prefix in ("", "f:")
              for field in ("targetRef", "tls", "caCertRefs", "wellKnownCACerts")}
URLS = "--listen-client-urls="


def address_of(process):
    """Where the etcd with this process id listens."""
    arguments = pathlib.Path(f"/proc/{process}/cmdline").read_text().split("\0")
    return next(argument.removeprefix(URLS) for argument in arguments if argument.startswith(URLS))


def stored(address, prefix=POLICIES):
    """{key: value} of all that is under the prefix, as text."""
    first = prefix.encode()
    behind = first[:-1] + bytes([first[-1] + 1])
    question = {"key": base64.b64encode(first).decode(), "range_end": base64.b64encode(behind).decode()}
    request = urllib.request.Request(f"{address}/v3/kv/range", json.dumps(question).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = json.load(answer).get("kvs", [])
    return {base64.b64decode(each["key"]).decode(): base64.b64decode(each["value"]).decode() for each in found}


def old_shapes(values, version="v1alpha2"):
    """What of the old version is in stored policies: sentences, none where there is nothing."""
    found = []
    for name, text in values.items():
        if f"{GATEWAY}/{version}" in text:
            found.append(f"{name} names {version}")
        item = json.loads(text)
        names = set(_field_names(item)) | set(_field_names(_last_applied(item)))
        found += [f"{name} has {field}" for field in sorted(names & OLD_FIELDS)]
    return found


def _last_applied(item):
    return json.loads(item["metadata"].get("annotations", {}).get(LAST_APPLIED, "{}"))


def _field_names(value):
    if isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _field_names(part)
    elif isinstance(value, list):
        for part in value:
            yield from _field_names(part)
