#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants violations in a small tree and looks whether scripts/check_layers.py sees them, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "scripts/check_layers.py"
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


class CheckLayers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="gatelift-layers-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.plant("client/json.h", "#include <nlohmann/json.hpp>\n#include <string>\n")
        self.plant("client/json.cc", '#include "client/json.h"\nvoid f() {\n  try {\n  } catch (...) {\n  }\n}\n')
        self.plant("reconcilers/plan/plan.cc", '#include "client/json.h"\n')
        self.plant("controller/main.cc", '#include "client/json.h"\n#include <unistd.h>\n#include <thread>\n')
        self.write("client/CMakeLists.txt", "add_library(client json.cc)\n")
        self.write("reconcilers/CMakeLists.txt", "add_library(reconcilers\n  plan/plan.cc\n)\n")
        self.write("controller/CMakeLists.txt", "add_executable(program main.cc)\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def plant(self, name, code):
        self.write(name, SPDX + code)

    def violations(self):
        result = subprocess.run([sys.executable, CHECK, self.root], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1 if result.stdout else 0, result.stderr)
        return result.stdout.splitlines()

    def assert_only(self, beginning, words):
        found = self.violations()
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(beginning), found[0])
        self.assertIn(words, found[0])

    def test_a_clean_tree_passes(self):
        self.assertEqual(self.violations(), [])

    def test_the_client_may_not_know_the_reconcilers(self):
        self.plant("reconcilers/plan/plan.h", "")
        self.plant("client/json.cc", '#include "reconcilers/plan/plan.h"\n')
        self.assert_only("client/json.cc:2:", "it may include itself")

    def test_the_reconcilers_may_not_know_the_controller(self):
        self.plant("controller/health.h", "")
        self.plant("reconcilers/plan/plan.cc", '#include "controller/health.h"\n')
        self.assert_only("reconcilers/plan/plan.cc:2:", "itself and client")

    def test_includes_are_named_from_the_top(self):
        self.plant("client/json.cc", '#include "json.h"\n')
        self.assert_only("client/json.cc:2:", "from the top of the tree")

    def test_a_third_party_header_stays_with_its_owner(self):
        for header, owner in (("nlohmann/json.hpp", "client/json.h"), ("openssl/evp.h", "digest.cc"),
                              ("boost/asio.hpp", "client/beast_*.cc"), ("CLI/CLI.hpp", "controller/options.cc")):
            with self.subTest(header):
                self.plant("reconcilers/plan/plan.cc", f"#include <{header}>\n")
                self.assert_only("reconcilers/plan/plan.cc:2:", owner)

    def test_a_library_that_nobody_decided_on_is_seen(self):
        self.plant("client/json.cc", "#include <curl/curl.h>\n")
        self.assert_only("client/json.cc:2:", "has no owner")

    def test_the_reconcilers_have_no_threads_no_system_and_no_clock(self):
        for code, words in (("#include <mutex>\n", "threads"), ("#include <sys/socket.h>\n", "operating system"),
                            ("auto t = std::chrono::steady_clock::now();\n", "Clock")):
            with self.subTest(code):
                self.plant("reconcilers/plan/plan.cc", code)
                self.assert_only("reconcilers/plan/plan.cc:2:", words)

    def test_coroutines_are_seen(self):
        self.plant("controller/main.cc", "task f() {\n  co_await g();\n}\n")
        self.assert_only("controller/main.cc:3:", "co_await")

    def test_exceptions_outside_the_seams_are_seen(self):
        self.plant("controller/main.cc", "void f() {\n  throw 1;\n}\n")
        self.assert_only("controller/main.cc:3:", "throw")

    def test_the_client_may_not_name_gateway_api_not_even_in_a_string(self):
        self.plant("client/json.cc", 'const char* group = "gateway.networking.k8s.io";\n')
        self.assert_only("client/json.cc:2:", "never heard")

    def test_comments_and_strings_are_not_code(self):
        self.plant("client/json.cc", "// co_await, gateway.networking.k8s.io\n/* throw 1;\n using namespace std; */\n"
                                     'const char* a = "co_await \\" throw 1;";\nconst char* b = R"(try {)";\n')
        self.assertEqual(self.violations(), [])

    def test_a_source_that_is_not_built_is_seen(self):
        self.plant("reconcilers/plan/forgotten.cc", "")
        self.assert_only("reconcilers/plan/forgotten.cc:1:", "not built")

    def test_a_source_that_is_listed_in_a_comment_only_is_seen(self):
        self.plant("client/old.cc", "")
        self.write("client/CMakeLists.txt", "add_library(client json.cc)  # old.cc\n")
        self.assert_only("client/old.cc:1:", "not built")

    def test_a_test_that_is_not_built_is_seen(self):
        self.plant("test/unit/client/json_test.cc", "")
        self.assert_only("test/unit/client/json_test.cc:1:", "not built")

    def test_two_types_of_one_name_are_seen(self):
        self.plant("reconcilers/a.h", "struct Trial {\n  int a;\n};\nclass Trial::State {\n};\nstruct Later;\n")
        self.plant("reconcilers/b.h", "struct Later {\n};\n\nclass Trial\n    : public Base {\n};\n")
        self.assert_only("reconcilers/b.h:5:", "Trial is another type's name in reconcilers/a.h")

    def test_a_glob_is_seen(self):
        self.write("client/CMakeLists.txt", "file(GLOB sources *.cc)\nadd_library(client json.cc)\n")
        self.assert_only("client/CMakeLists.txt:1:", "a glob")

    def test_a_missing_licence_is_seen(self):
        self.write("client/json.cc", '#include "client/json.h"\n')
        self.assert_only("client/json.cc:1:", "SPDX")


if __name__ == "__main__":
    unittest.main(verbosity=2)
