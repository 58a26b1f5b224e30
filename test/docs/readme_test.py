#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The README says what the code says: the phases, the checks, the commands, and where things are."""

import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def table(header):
    """The rows of the table that begins with this header, as lists of cells."""
    lines = README.splitlines()
    start = lines.index(header) + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def code_of(cell):
    return re.match(r"`([^`]+)`", cell).group(1)


def phase_table():
    """(phase, irreversible) of each row of the engine's table."""
    source = (ROOT / "reconcilers/phase_table.h").read_text()
    return re.findall(r"\{Phase::(\w+),.*?,\s*(true|false)\},", source)


def actions():
    source = (ROOT / "reconcilers/migration.h").read_text()
    return re.findall(r"^\s+(\w+),", re.search(r"enum class ActionKind \{(.*?)\};", source, re.DOTALL).group(1), re.MULTILINE)


def checks():
    """The severities of each check that the sources can make, as far as they say it in place."""
    found = {}
    for path in sorted((ROOT / "reconcilers/plan").glob("*.cc")) + [ROOT / "reconcilers/rollback.cc"]:
        text = path.read_text()
        for code, severity in re.findall(r'\{\s*"([A-Z]\w+)",\s*(?:Severity::(\w+)|access\.lacking)', text):
            found.setdefault(code, set()).update({severity} - {""})
        for *codes, severity in re.findall(r'\{[\w.]+ \? "([A-Z]\w+)" : "([A-Z]\w+)",\s*Severity::(\w+)', text):
            for code in codes:
                found.setdefault(code, set()).add(severity)
        for function, severity in (("block", "Blocker"), ("note", "Note")):
            for code in re.findall(rf'\b{function}\(\s*"([A-Z]\w+)"', text):
                found.setdefault(code, set()).add(severity)
        for code in re.findall(r'\bcheck\.code = "(\w+)"', text):
            found.setdefault(code, set())
    for path in sorted((ROOT / "reconcilers/convert").glob("*.cc")):
        for codes in re.findall(r'(?:push_back\(\s*\{|return \{)\s*(?:[\w>()-]+ \? "(\w+)"\s*:\s*)?"([A-Z]\w+)"',
                                path.read_text()):
            for code in filter(None, codes):
                found.setdefault(code, set()).add("Blocker")
    # Problems that a person may choose a resolution of.
    for code in re.findall(r"/// Resolutions of (\w+)\.", (ROOT / "reconcilers/convert/convert.h").read_text()):
        found[code] = {"Consent"}
    return found


class ReadmeTest(unittest.TestCase):
    def test_has_the_phases_of_the_phase_table(self):
        said = [(code_of(row[0]), {"yes": "true", "no": "false"}[row[2]])
                for row in table("| phase | what happens | irreversible |")]
        self.assertEqual(said, phase_table())

    def test_has_the_actions_of_a_plan(self):
        said = [code_of(row[0]) for row in table("| action | when | what happens |")]
        self.assertEqual(said, actions())

    def test_has_every_check_and_no_other(self):
        said = {code_of(row[0]) for row in table("| check | severity | when |")}
        self.assertEqual(said, set(checks()))

    def test_has_the_severities_of_the_checks(self):
        coded = checks()
        for row in table("| check | severity | when |"):
            severities = set(row[1].split(", "))
            self.assertLessEqual(severities, {"Blocker", "Consent", "Warning", "Note"}, row)
            self.assertLessEqual(coded[code_of(row[0])], severities, row)

    def test_names_commands_and_flags_that_the_program_has(self):
        program = os.environ["GATELIFT_BIN"]
        for row in table("| command | does |"):
            words = code_of(row[0]).split()[1:]
            command = [word for word in words if re.fullmatch(r"[a-z]+", word)]
            result = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 0, f"{command}: {result.stderr}")
            for flag in re.findall(r"--[a-z-]+", " ".join(row)):
                self.assertIn(flag, result.stdout, row)

    def test_links_to_what_is_there(self):
        for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
            for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", document.read_text()):
                if not re.match(r"[a-z]+:", target):
                    self.assertTrue((document.parent / target).exists(), f"{document}: {target}")

    def test_names_files_that_are_there(self):
        for path in re.findall(r"(?<![\w/.-])((?:scripts|manifests|docs|test|bench)/[\w./-]*\w)", README):
            self.assertTrue((ROOT / path).exists(), path)

    def test_shows_the_sample_that_it_names(self):
        sample = (ROOT / "manifests/samples/to_v1_1.yaml").read_text()
        shown = re.search(r"```yaml\n(.*?)```", README, re.DOTALL).group(1)
        for word in ("apiVersion: gatelift.dev/v1alpha1", "kind: GatewayAPIMigration", "to-v1-1", "v1.1.1", "experimental"):
            self.assertIn(word, sample)
            self.assertIn(word, shown)


if __name__ == "__main__":
    unittest.main()
