#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The template of the report's page is sound HTML that needs nothing else and can be read in light and dark.

Each section of the template is whole elements, so that what is true of the template is true of the pages made of it;
test/e2e/test_report.py looks at such pages."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/e2e"))

from page import Page, color_schemes, contrast  # noqa: E402

TEMPLATE = (ROOT / "reconcilers/report/page.html").read_text()
READABLE = 4.5  # WCAG 2, level AA, for text of usual size


class PageTest(unittest.TestCase):
    def test_is_sound_and_stands_alone(self):
        # Which parts there are is known when it is filled; attributes that come and go are taken as there.
        text = re.sub(r'\{\{[#^/]\w+\}\}(?=[^<>]*>)', "", TEMPLATE)
        page = Page(text.replace("#{{id}}", "#summary"))
        self.assertEqual(page.problems, [])
        self.assertIn("{{title}}", page.text)

    def test_a_checker_that_finds_nothing_would_be_no_test(self):
        bad = Page('<!DOCTYPE html>\n<html><p onclick="x"><script src="http://x"></script><table><tr><th>x</table>'
                   '<style>a { background: url(x) }</style><a href="http://x">x</a><a href="#no">x</a>')
        for words in ("says no language", "onclick", "<script>", "src=", "no scope", "url(", "leads to http", "#no"):
            self.assertTrue(any(words in problem for problem in bad.problems), f"{words}: {bad.problems}")

    def test_needs_no_script(self):
        self.assertNotIn("script", TEMPLATE.lower())

    def test_its_colors_can_be_read_in_light_and_dark(self):
        schemes = color_schemes(TEMPLATE)
        self.assertEqual(len(schemes), 2)
        pairs = [("text", "back"), ("text", "card"), ("text", "code"), ("dim", "back"), ("dim", "card"), ("dim", "code"),
                 ("link", "back"), ("good", "good-back"), ("bad", "bad-back"), ("warn", "warn-back"), ("run", "run-back"),
                 ("bad", "card"), ("warn", "card"), ("add", "add-back"), ("del", "del-back")]
        for colors in schemes:
            for front, back in pairs:
                self.assertGreaterEqual(contrast(colors[front], colors[back]), READABLE, (front, back, colors))

    def test_values_are_put_in_escaped_only(self):
        self.assertNotRegex(TEMPLATE, r"\{\{[{&]")

    def test_values_stand_in_text_or_in_quotes(self):
        for tag in re.findall(r"<[a-z][^>]*>", TEMPLATE):
            without = re.sub(r'"[^"]*"', "", re.sub(r"\{\{[#^/]\w+\}\}", "", tag))
            self.assertNotIn("{{", without, tag)


if __name__ == "__main__":
    unittest.main()
