#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the compiler does not: which file may know which.

Reads the sources as text, so comments and strings are taken out first where a rule is about code.
Prints "file:line: what is wrong" and exits 1 where there is something.
"""

import argparse
import fnmatch
import pathlib
import re
import sys

# Each layer and those that it may include, besides itself.
LAYERS = {
    "client": (),
    "reconcilers": ("client",),
    "controller": ("reconcilers", "client"),
}

# Third-party headers, and the only files that may include them. The first pattern that fits decides.
OWNERS = (
    ("nlohmann/*", ("client/json.h",)),
    ("tl/*", ("client/result.h",)),
    ("yaml-cpp/*", ("client/yaml.cc",)),
    ("cpprest/*", ("client/cpprest_*.cc",)),
    ("pplx/*", ("client/cpprest_*.cc",)),
    # cpprest takes its TLS settings as Asio's context.
    ("boost/asio/ssl/*", ("client/beast_*.cc", "client/cpprest_*.cc")),
    ("boost/asio/ssl.hpp", ("client/beast_*.cc", "client/cpprest_*.cc")),
    ("boost/*", ("client/beast_*.cc", "controller/health.cc")),
    ("openssl/*", ("client/tls.cc", "client/kubeconfig*.cc", "client/beast_*.cc", "client/cpprest_*.cc",
                   "reconcilers/bundle/digest.cc")),
    ("zlib.h", ("reconcilers/backup/gzip.cc",)),
    ("spdlog/*", ("controller/log.cc",)),
    ("fmt/*", ("controller/log.cc",)),
    ("CLI/*", ("controller/options.cc",)),
    ("prometheus/*", ("controller/metrics.cc",)),
)

# The operating system's own headers, which the reconcilers do without.
SYSTEM = ("arpa/*", "dirent.h", "fcntl.h", "malloc.h", "net/*", "netdb.h", "netinet/*", "poll.h", "pthread.h", "pwd.h",
          "signal.h", "spawn.h", "sys/*", "syslog.h", "termios.h", "unistd.h")

# Threads and waiting are the controller's and the transports'; a reconciler is a function of what it is given.
THREADS = ("atomic", "condition_variable", "future", "mutex", "semaphore", "shared_mutex", "stop_token", "thread")

# What code may not say, and where: pattern, files that may all the same, layers, and why.
WORDS = (
    (r"\bco_(await|return|yield)\b", (), LAYERS, "coroutines are miscompiled by GCC 12 in everyday patterns"),
    (r"\busing\s+namespace\b", (), LAYERS, "names say where they come from"),
    (r"\b(system_clock|steady_clock|high_resolution_clock)::now\b", (), ("reconcilers",),
     "a reconciler asks its Clock for the time"),
    (r"\b(getenv|sleep_for|sleep_until)\b", (), ("reconcilers",), "a reconciler is a function of what it is given"),
    (r"\b(try|throw|catch)\b(?=\s*[\w({:;])",
     ("client/json.cc", "client/yaml.cc", "client/beast_*.cc", "client/cpprest_*.cc", "controller/options.cc"), LAYERS,
     "failures are values; exceptions end in the file that owns the library which throws them"),
)

# The client has never heard of these, in strings neither.
GATEWAY_API = re.compile(r"gateway\.?networking|gatewayapi|backendtls|httproute", re.IGNORECASE)

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# Raw strings, strings, character literals, both kinds of comment.
NOT_CODE = re.compile(
    r'R"(?P<tag>[^\s()\\]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.DOTALL)


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def without(text, comments_only):
    """`text` with comments (and literals) blanked out, line by line as it was."""
    def blank(match):
        if comments_only and not match.group().startswith(("//", "/*")):
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())
    return NOT_CODE.sub(blank, text)


# A type at the left edge, which is where a namespace's own types stand.
DEFINITION = re.compile(r"^(?:struct|class|enum class|union) (\w+)\b(?!::)(?=[^;(]*\{)", re.MULTILINE)


class Tree:
    def __init__(self, root):
        self.root = root
        self.violations = []

    def complain(self, file, line, what):
        self.violations.append(f"{file}:{line}: {what}")

    def sources(self, *folders):
        for folder in folders:
            for path in sorted((self.root / folder).rglob("*")):
                if path.suffix in (".cc", ".h"):
                    yield path.relative_to(self.root).as_posix(), path.read_text()

    def check_includes(self, file, text):
        layer = file.split("/")[0]
        for number, line in enumerate(text.splitlines(), start=1):
            include = INCLUDE.match(line)
            if not include:
                continue
            ours, theirs = include.groups()
            if ours:
                self.check_own_include(file, number, layer, ours)
            else:
                self.check_foreign_include(file, number, layer, theirs)

    def check_own_include(self, file, number, layer, include):
        target = include.split("/")[0]
        if not (self.root / include).is_file():
            self.complain(file, number, f'"{include}" is no file of ours; name it from the top of the tree')
        elif target != layer and target not in LAYERS[layer]:
            allowed = " and ".join(("itself", *LAYERS[layer]))
            self.complain(file, number, f'{layer} includes "{include}"; it may include {allowed}')

    def check_foreign_include(self, file, number, layer, include):
        if matches(include, SYSTEM):
            if layer == "reconcilers":
                self.complain(file, number, f"<{include}> is the operating system; the reconcilers do without")
            return
        if "." not in include and "/" not in include:
            if include in THREADS and layer == "reconcilers":
                self.complain(file, number, f"<{include}> is about threads; the reconcilers have none")
            return
        for pattern, owners in OWNERS:
            if matches(include, (pattern,)):
                if not matches(file, owners):
                    self.complain(file, number, f"<{include}> belongs to {', '.join(owners)}")
                return
        self.complain(file, number, f"<{include}> has no owner; add one to scripts/check_layers.py")

    def check_words(self, file, text):
        layer = file.split("/")[0]
        code = without(text, comments_only=False)
        for pattern, exempt, layers, why in WORDS:
            if layer not in layers or matches(file, exempt):
                continue
            self.complain_of(file, code, re.compile(pattern), why)
        if layer == "client":
            self.complain_of(file, without(text, comments_only=True), GATEWAY_API,
                             "the client has never heard of Gateway API")

    def complain_of(self, file, text, pattern, why):
        for number, line in enumerate(text.splitlines(), start=1):
            found = pattern.search(line)
            if found:
                self.complain(file, number, f"{found.group().strip()}: {why}")

    def listed(self):
        """Every source that a CMakeLists.txt names."""
        names = set()
        for path in sorted(self.root.rglob("CMakeLists.txt")):
            file = path.relative_to(self.root)
            if file.parts[0] == "build":
                continue
            text = re.sub(r"#[^\n]*", "", path.read_text())
            for number, line in enumerate(text.splitlines(), start=1):
                if re.search(r"\bfile\s*\(\s*GLOB", line, re.IGNORECASE):
                    self.complain(file.as_posix(), number, "a glob; list the sources")
            for word in re.findall(r"[\w./-]+\.cc\b", text):
                names.add((file.parent / word).as_posix())
        return names

    def check_definitions(self):
        """All of ours is one namespace: of two types of one name the linker takes the functions of either for both."""
        first = {}
        for file, text in self.sources(*LAYERS):
            for found in DEFINITION.finditer(without(text, comments_only=False) if file.endswith(".h") else ""):
                name, line = found[1], text.count("\n", 0, found.start()) + 1
                if name in first:
                    self.complain(file, line, f"{name} is another type's name in {first[name]}")
                first.setdefault(name, file)

    def check(self):
        for file, text in self.sources(*LAYERS):
            self.check_includes(file, text)
            self.check_words(file, text)
        self.check_definitions()
        listed = self.listed()
        for file, text in self.sources(*LAYERS, "test", "bench"):
            if not text.startswith("// SPDX-License-Identifier: Apache-2.0\n"):
                self.complain(file, 1, "the first line is not the licence's SPDX line")
            if file.endswith(".cc") and file not in listed:
                self.complain(file, 1, "no CMakeLists.txt lists it: it is not built")
        return self.violations


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    violations = Tree(parser.parse_args().root).check()
    for violation in violations:
        print(violation)
    if violations:
        sys.exit(f"{len(violations)} violations of the layering; see CONTRIBUTING.md")


if __name__ == "__main__":
    main()
