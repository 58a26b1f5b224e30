#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the Dockerfile to the scripts and files that it names; no container engine is needed."""

import fnmatch
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# In every Debian, since apt and dpkg themselves need them.
IN_THE_BASE_IMAGE = {"libc6", "libgcc-s1", "libstdc++6", "zlib1g", "liblzma5", "libzstd1", "libbz2-1.0"}


def instructions():
    """Pairs of instruction and its text, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", " ", text)
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def stages():
    found = []
    for instruction, text in instructions():
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, text))
    return found


def commands(stage):
    """The words of each command of the stage's RUNs."""
    for instruction, text in stage:
        if instruction == "RUN":
            yield from (shlex.split(command) for command in text.split("&&"))


def in_context(path):
    """Whether .dockerignore lets a file of ours through; like Docker, the last line that fits decides."""
    ignored = False
    parents = [path, *(str(parent) for parent in pathlib.PurePosixPath(path).parents)]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            if any(fnmatch.fnmatchcase(parent, pattern.lstrip("!")) for parent in parents if parent != "."):
                ignored = not pattern.startswith("!")
    return not ignored


class Dockerfile(unittest.TestCase):
    def setUp(self):
        self.build, self.final = stages()

    def copied(self, stage):
        """(sources, destination) of each COPY from our tree."""
        for instruction, text in stage:
            if instruction == "COPY" and not text.startswith("--from"):
                *sources, destination = text.split()
                yield sources, destination

    def test_copies_what_there_is_and_what_the_context_holds(self):
        for stage in (self.build, self.final):
            for sources, _ in self.copied(stage):
                for source in sources:
                    with self.subTest(source):
                        self.assertTrue((ROOT / source).exists())
                        self.assertTrue(in_context(source))

    def test_has_each_script_in_place_before_it_runs(self):
        for stage, workdir in ((self.build, ""), (self.final, "/usr/share/gatelift/")):
            present = set()
            for instruction, text in stage:
                if instruction == "COPY" and not text.startswith("--from"):
                    *sources, destination = text.split()
                    for source in sources:
                        base = pathlib.Path(source).name if destination.endswith("/") else ""
                        path = (destination + base).removeprefix(workdir)
                        present.add(path)
                        if (ROOT / source).is_dir():
                            present |= {f"{path}/{file.name}" for file in (ROOT / source).iterdir()}
                if instruction == "RUN":
                    for script in re.findall(r"(?:^|\s)(?:/usr/share/gatelift/)?(scripts/[\w-]+)(?=\s|$)", text):
                        with self.subTest(script):
                            self.assertIn(script, present)
                            self.assertIn("scripts/lib.sh", present)
                            self.assertTrue(os.access(ROOT / script, os.X_OK))

    def test_calls_scripts_with_arguments_that_they_take(self):
        seen = set()
        for stage in (self.build, self.final):
            for words in commands(stage):
                name = words[0].rpartition("scripts/")[2]
                if "scripts/" not in words[0]:
                    continue
                seen.add(name)
                usage = subprocess.run([ROOT / "scripts" / name, "--help"],
                                       capture_output=True, text=True, check=True).stdout
                for flag in (word for word in words[1:] if word.startswith("-")):
                    with self.subTest(name, flag=flag):
                        self.assertRegex(usage, rf"(?<![\w-]){re.escape(flag)}(?![\w-])")
                if name == "build":
                    presets = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]
                    self.assertIn(words[1], [preset["name"] for preset in presets])
        self.assertEqual(seen, {"install-deps", "fetch-bundles", "build"})

    def test_puts_the_bundles_where_the_program_looks(self):
        folders = [words[1] for words in commands(self.build) if words[0] == "scripts/fetch-bundles"]
        sources = "".join(path.read_text() for path in sorted((ROOT / "controller").glob("option*.cc")))
        self.assertEqual(len(folders), 1)
        self.assertIn(f'"{folders[0]}"', sources)
        self.assertIn(("COPY", f"--from=build {folders[0]} {folders[0]}"), self.final)

    def test_ends_as_the_program_and_as_the_user_of_the_deployment(self):
        final = dict(self.final)
        program = json.loads(final["ENTRYPOINT"])
        self.assertIn(("COPY", f"--from=build /src/build/release/gatelift {program[0]}"), self.final)
        self.assertEqual(json.loads(final["CMD"]), ["controller"])
        user, _, group = final["USER"].partition(":")
        deployment = (ROOT / "manifests/deploy/deployment.yaml").read_text()
        self.assertIn(f"runAsUser: {user}\n", deployment)
        self.assertIn(f"runAsGroup: {group}\n", deployment)

    def test_names_the_version_of_the_build_and_of_the_manifests(self):
        version = re.search(r"project\(gatelift VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        self.assertIn(("ARG", f"VERSION={version}"), self.final)
        for name in ("kustomization.yaml", "plan-only/kustomization.yaml"):
            self.assertIn(f"newTag: {version}\n", (ROOT / "manifests" / name).read_text())
        self.assertIn(f"image: gatelift:{version}\n", (ROOT / "manifests/deploy/deployment.yaml").read_text())


class Runtime(unittest.TestCase):
    """Only for the program as shipped: sanitizers bring libraries of their own."""

    @unittest.skipUnless(shutil.which("dpkg-query"), "no Debian")
    def test_packages_hold_every_library_that_the_program_is_linked_to(self):
        program = os.environ["GATELIFT_BIN"]
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        paths = re.findall(r"=> (/\S+)", linked)
        self.assertGreater(len(paths), 5)
        self.assertNotIn("not found", linked)
        wanted = subprocess.run([ROOT / "scripts/install-deps", "--runtime", "--print"],
                                capture_output=True, text=True, check=True).stdout.split()
        closure = subprocess.run(["apt-cache", "depends", "--recurse", "--important", *wanted],
                                 capture_output=True, text=True, check=True).stdout
        provided = {word.strip("<>") for word in closure.split()} | set(wanted) | IN_THE_BASE_IMAGE
        for path in paths:
            with self.subTest(path):
                self.assertIn(owner_of(path), provided)


def owner_of(path):
    """The package that holds a library; a merged /usr has two names for it."""
    for name in (path, path.removeprefix("/usr"), os.path.realpath(path)):
        found = subprocess.run(["dpkg-query", "--search", name], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    return f"nobody's {path}"


if __name__ == "__main__":
    unittest.main(verbosity=2)
