# SPDX-License-Identifier: Apache-2.0
"""An HTML page as a test looks at it: is it sound, does it stand alone, and what does it say."""

import html.parser
import re

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LOADERS = {"script", "iframe", "object", "embed", "link", "img", "base", "form", "audio", "video", "source", "svg"}


class Page(html.parser.HTMLParser):
    """`problems` says what is wrong with it; `text` is what a reader sees, `parts` its text by the ids of sections."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.problems, self.text, self.parts, self.ids, self.links = [], "", {}, [], []
        self.details = 0
        self._open, self._section = [], ""
        if not text.startswith("<!DOCTYPE html>\n"):
            self.problems.append("does not begin with its doctype")
        self.feed(text)
        self.close()
        self.problems += [f"<{tag}> is not closed" for tag in self._open]
        self.problems += [f"id {name} is there twice" for name in self.ids if self.ids.count(name) > 1]
        self.problems += [f"#{name} leads nowhere" for name in self.links if name not in self.ids]

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in LOADERS:
            self.problems.append(f"<{tag}> is no part of a page that stands alone")
        for name, value in attributes.items():
            if name.startswith("on") or name in ("src", "srcset", "style") or "javascript:" in (value or ""):
                self.problems.append(f"<{tag}> has {name}={value}")
        if tag == "a":
            href = attributes.get("href", "")
            if href.startswith("#"):
                self.links.append(href[1:])
            else:
                self.problems.append(f"leads to {href}")
        if tag == "html" and attributes.get("lang") != "en":
            self.problems.append("says no language")
        if tag == "th" and attributes.get("scope") not in ("col", "row"):
            self.problems.append("a <th> has no scope")
        if tag == "tr" and "table" not in self._open:
            self.problems.append("a <tr> is in no table")
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "section":
            self._section = attributes.get("id", "")
        self.details += tag == "details"
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> closes nothing at {self.getpos()}, open are {self._open[-3:]}")
        else:
            self._open.pop()
        if tag == "section":
            self._section = ""

    def handle_data(self, data):
        if "style" in self._open:
            self.problems += [f"style has {word}" for word in ("url(", "@import", "http", "expression(") if word in data]
            return
        self.text += data
        if self._section:
            self.parts[self._section] = self.parts.get(self._section, "") + data


def contrast(one, other):
    """The ratio of WCAG 2 between two colours written as #rrggbb."""
    def luminance(color):
        parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def color_schemes(text):
    """The custom properties of each :root rule of the page, light and dark."""
    return [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", rule)) for rule in re.findall(r":root\s*\{([^}]*)\}", text)
            if "--text" in rule]
