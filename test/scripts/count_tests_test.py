#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/count_tests.py must never make a failure look like a success."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

COUNT = pathlib.Path(__file__).resolve().parents[2] / "scripts/count_tests.py"

PASSED = '<testcase name="A.Passes" status="run"/>'
FAILED = '<testcase name="A.Fails" status="fail"><failure message=""/></testcase>'
SKIPPED = ('<testcase name="A.Skips" status="notrun">'
           '<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/></testcase>')
NOT_STARTED = ('<testcase name="a_test_NOT_BUILT" status="notrun">'
               '<skipped message="Unable to find executable: a_test"/></testcase>')
DISABLED = '<testcase name="A.Disabled" status="disabled"/>'


class CountTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gatelift-count-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def report(self, name, *cases):
        path = self.folder / f"{name}.xml"
        path.write_text(f'<?xml version="1.0"?><testsuite name="x">{"".join(cases)}</testsuite>')
        return path

    def count(self, *arguments):
        result = subprocess.run([sys.executable, COUNT, *arguments], capture_output=True, text=True, check=False)
        lines = result.stdout.splitlines()
        return result.returncode, lines[-1], lines[:-1]

    def test_adds_up_all_reports(self):
        code, last, lines = self.count(self.report("dev", PASSED, PASSED, SKIPPED), self.report("tsan", PASSED))
        self.assertEqual((code, last), (0, "3 passed, 0 failed"))
        self.assertEqual(lines, ["dev: 2 passed, 0 failed, 1 skipped", "tsan: 1 passed, 0 failed, 0 skipped"])

    def test_names_what_failed(self):
        code, last, lines = self.count(self.report("dev", PASSED, FAILED))
        self.assertEqual((code, last), (1, "1 passed, 1 failed"))
        self.assertIn("FAILED dev: A.Fails", lines)

    def test_a_test_that_could_not_be_started_has_failed(self):
        self.assertEqual(self.count(self.report("dev", PASSED, NOT_STARTED))[:2], (1, "1 passed, 1 failed"))

    def test_what_broke_outside_of_the_tests_has_failed(self):
        code, last, lines = self.count(self.report("dev", PASSED), "--broken", "build-tsan")
        self.assertEqual((code, last), (1, "1 passed, 1 failed"))
        self.assertIn("FAILED build-tsan (not a test)", lines)

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(self.count(self.report("dev"), "--broken")[:2], (1, "0 passed, 0 failed"))
        self.assertEqual(self.count("--broken")[:2], (1, "0 passed, 0 failed"))
        self.assertEqual(self.count(self.report("dev", SKIPPED, DISABLED))[:2], (1, "0 passed, 0 failed"))

    def test_a_report_that_is_missing_or_cut_off_has_failed(self):
        self.assertEqual(self.count(self.folder / "none.xml")[:2], (1, "0 passed, 1 failed"))
        cut = self.folder / "cut.xml"
        cut.write_text("<testsuite><testcase name='A' status='run'/>")
        self.assertEqual(self.count(cut)[:2], (1, "0 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
