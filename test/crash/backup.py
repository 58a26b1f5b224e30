# SPDX-License-Identifier: Apache-2.0
"""What a backup holds, read without the program."""

import base64
import gzip
import hashlib
import json

from kube import SECRETS, key


class Backup:
    """What the Secrets hold, read without the program: only what agrees with every digest counts."""

    def __init__(self, api):
        secrets = {item["metadata"]["name"]: item for item in api.items(SECRETS)}
        self.originals = {}
        self.strays = set(secrets)
        for name, secret in secrets.items():
            if "index.json.gz" in secret.get("data", {}):
                self.strays.discard(name)
                self._read_index(json.loads(self._inflated(secret, "index.json.gz")), secrets)

    @staticmethod
    def _packed(secret, part):
        return base64.b64decode(secret["data"][part])

    def _inflated(self, secret, part):
        return gzip.decompress(self._packed(secret, part))

    @staticmethod
    def _digest(content):
        return "sha256:" + hashlib.sha256(content).hexdigest()

    def _read_index(self, index, secrets):
        for chunk in index["chunks"]:
            secret = secrets.get(chunk["secret"])
            if not secret or any(self._digest(self._packed(secret, part)) != chunk[wanted] for part, wanted in (
                    ("documents.yaml.gz", "documentsSha256"), ("entries.json.gz", "entriesSha256"))):
                return
            self.strays.discard(chunk["secret"])
            text = self._inflated(secret, "documents.yaml.gz")
            for entry in json.loads(self._inflated(secret, "entries.json.gz")):
                document = text[entry["offset"]:entry["offset"] + entry["size"]]
                if entry["role"] == "Original" and self._digest(document) == entry["sha256"]:
                    self.originals[entry.get("namespace", ""), entry["name"]] = document.decode()

    def holds(self, old):
        """This very object, with what makes it what it is."""
        text = self.originals.get(key(old), "")
        wanted = [old["metadata"]["uid"], f"hostname: {old['spec']['tls']['hostname']}"]
        return all(words in text for words in wanted)
