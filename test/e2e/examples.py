# SPDX-License-Identifier: Apache-2.0
"""Upstream's own example objects of a release, taken from its Go module beside the CRDs."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import shutil
import tempfile

from bundles import BUNDLES, GROUPS

FETCHER = pathlib.Path(__file__).resolve().parents[2] / "scripts/fetch-bundles"
FOLDER = BUNDLES.parent / "examples"
FOLDERS = {"standard": ("standard",), "experimental": ("standard", "experimental")}
BEFORE_CHANNELS = {"standard": "v1beta1"}  # v0.5 has folders by version, with the same objects in each


def _fetcher():
    loader = importlib.machinery.SourceFileLoader("fetch_bundles", str(FETCHER))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def fetch(versions):
    """Lays examples out as FOLDER/<version>/{standard,experimental}; what is there already stays."""
    missing = [version for version in versions if not (FOLDER / version / "standard").is_dir()]
    if not missing:
        return
    fetcher = _fetcher()
    pinned = {bundle["version"]: bundle["goSum"] for bundle in fetcher.read_catalogue()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with fetcher.downloaded(missing, pinned=True) as modules:
        for version in missing:
            if modules[version]["Sum"] != pinned[version]:
                raise RuntimeError(f"{version} is not the module that the catalogue pins")
            _lay_out(pathlib.Path(modules[version]["Dir"]) / "examples", version)


def _lay_out(source, version):
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=f".{version}.", dir=FOLDER))
    try:
        for part in FOLDERS["experimental"]:
            # File by file: the module cache is read-only, and copytree would copy that.
            origin = source / part if (source / part).is_dir() else source / BEFORE_CHANNELS[part]
            for file in sorted(origin.rglob("*.yaml")):
                copy = temporary / part / file.relative_to(origin)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(file.read_bytes())
        temporary.chmod(0o755)
        os.rename(temporary, FOLDER / version)
    except OSError:
        if not (FOLDER / version / "standard").is_dir():  # else somebody else was faster
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read(plane, folder):
    """Every document below a folder. kubectl reads them: it knows YAML, and asks no server here."""
    text = plane.kubectl("label", "--local", "-R", "-f", folder, "-o", "json", "none-").lstrip()
    while text:
        document, end = json.JSONDecoder().raw_decode(text)
        text = text[end:].lstrip()
        yield from document["items"] if document["kind"] == "List" else [document]


class Examples:
    """The examples of all releases, each read once."""

    def __init__(self, plane):
        self._plane = plane
        self._documents = {}

    def of(self, bundle):
        """The documents of the Gateway API groups, each with a name of its own: where two files mean different
        objects by one name, the later ones get another namespace. Namespaces are named, and not given."""
        if bundle not in self._documents:
            version, channel = bundle.split("/")
            fetch([version])
            self._documents[bundle] = list(self._distinct(version, channel))
        return self._documents[bundle]

    def _distinct(self, version, channel):
        seen = {}
        for part in FOLDERS[channel]:
            for document in _read(self._plane, FOLDER / version / part):
                if document["apiVersion"].partition("/")[0] not in GROUPS:
                    continue
                metadata = document["metadata"]
                if not metadata.get("labels"):
                    metadata.pop("labels", None)
                if document["kind"] != "GatewayClass":
                    metadata.setdefault("namespace", "default")
                key = document["kind"], metadata.get("namespace", ""), metadata["name"]
                number = seen[key] = seen.get(key, 0) + 1
                if number > 1:
                    if document["kind"] == "GatewayClass":
                        metadata["name"] += f"-{number}"
                    else:
                        metadata["namespace"] += f"-{number}"
                yield document
