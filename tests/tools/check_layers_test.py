#!/usr/bin/env python3
"""tools/check_layers.py rejects what it must and accepts what it may: each case is a small tree of its own."""

import importlib.util
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"
sys.dont_write_bytecode = True
specification = importlib.util.spec_from_file_location("check_layers", SCRIPT)
check_layers = importlib.util.module_from_spec(specification)
specification.loader.exec_module(check_layers)


class CheckLayers(unittest.TestCase):
    def in_tree(self, files, action):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "swiftlet").mkdir()
            for name, text in files.items():
                file = Path(folder) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return action(Path(folder))

    def accepts(self, files):
        self.assertEqual(self.in_tree(files, check_layers.check), [])

    def rejects(self, files, *words):
        breaches = self.in_tree(files, check_layers.check)
        self.assertEqual(len(breaches), 1, breaches)
        for word in words:
            self.assertIn(word, breaches[0])

    def test_the_exit_status_and_the_output_tell(self):
        def run(folder):
            return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)

        good = self.in_tree({"swiftlet/core/a.cpp": "#include <vector>\n"}, run)
        self.assertEqual((good.returncode, good.stdout), (0, ""))
        bad = self.in_tree({"swiftlet/core/a.cpp": '#include "swiftlet/graph/a.h"\n'}, run)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("swiftlet/core/a.cpp:1:", bad.stdout)

    def test_downwards_is_fine(self):
        self.accepts({"swiftlet/ops/linear.cpp": '#include "swiftlet/ops/linear.h"\n'
                                                 '#include "swiftlet/graph/node.h"\n'
                                                 "#include <vector>\n"})

    def test_upwards_names_file_and_line(self):
        self.rejects({"swiftlet/core/error.cpp": '// comment\n#include "swiftlet/graph/node.h"\n'},
                     "swiftlet/core/error.cpp:2:", '"graph" comes after it')

    def test_upwards_in_brackets_and_indented(self):
        self.rejects({"swiftlet/io/hub.h": "#  include  <swiftlet/models/llama.h>\n"}, "swiftlet/io/hub.h:1:")

    def test_kernels_of_an_instruction_set_belong_to_kernels(self):
        self.accepts({"swiftlet/kernels/avx2/norm.cpp": '#include "swiftlet/kernels/kernel_table.h"\n'})
        self.rejects({"swiftlet/kernels/avx2/norm.cpp": '#include "swiftlet/runtime/program.h"\n'}, "avx2/norm.cpp:1:")

    def test_relative_paths_cannot_hide_a_breach(self):
        self.rejects({"swiftlet/core/a.h": '#include "../graph/node.h"\n'}, "climbs out")
        self.rejects({"swiftlet/core/a.h": '#include "swiftlet/core/../graph/node.h"\n'}, "climbs out")
        self.rejects({"swiftlet/core/a.h": '#include "b.h"\n', "swiftlet/core/b.h": ""}, "from the root")

    def test_unknown_folder_is_no_layer(self):
        self.rejects({"swiftlet/extras/a.cpp": '#include "swiftlet/core/error.h"\n'}, '"extras" is not a layer')
        self.rejects({"swiftlet/core/a.cpp": '#include "swiftlet/extras/a.h"\n'}, "names no layer")

    def test_public_headers_are_for_api_and_doors(self):
        header = {"include/swiftlet/model.h": ""}
        self.accepts(header | {"swiftlet/api/model.cpp": '#include "swiftlet/model.h"\n'})
        self.accepts(header | {"swiftlet/cli/run.cpp": '#include "swiftlet/model.h"\n'
                                                       '#include "swiftlet/core/error.h"\n'})
        self.accepts(header | {"examples/embed.cpp": '#include "swiftlet/model.h"\n'})
        self.rejects(header | {"swiftlet/engine/engine.cpp": '#include "swiftlet/model.h"\n'}, "public header")

    def test_every_layer_knows_errors_and_jobs(self):
        header = {"include/swiftlet/error.h": "", "include/swiftlet/job.h": ""}
        self.accepts(header | {"swiftlet/engine/engine.cpp": '#include "swiftlet/job.h"\n',
                               "swiftlet/core/error.h": '#include "swiftlet/error.h"\n'})

    def test_doors_do_not_reach_behind_the_public_headers(self):
        for door in ["swiftlet/cli/run.cpp", "swiftlet/serve/http.cpp", "examples/run.cpp"]:
            self.rejects({door: '#include "swiftlet/engine/engine.h"\n'}, f"{door}:1:", "only include/swiftlet/")
        self.rejects({"swiftlet/serve/http.cpp": '#include "swiftlet/cli/options.h"\n'}, "may not include")

    def test_unit_tests_may_look_at_every_layer_but_not_behind_the_doors(self):
        self.accepts({"swiftlet/passes/fold_constants_test.cpp": '#include "swiftlet/runtime/program.h"\n'})
        self.rejects({"swiftlet/passes/fold_constants_test.cpp": '#include "swiftlet/cli/options.h"\n'}, '"cli"')
        self.rejects({"swiftlet/passes/fold_constants_testing.h": '#include "swiftlet/runtime/program.h"\n'}, "after")

    def test_every_breach_is_listed(self):
        source = '#include "swiftlet/graph/a.h"\n#include "swiftlet/ops/b.h"\n'
        self.assertEqual(len(self.in_tree({"swiftlet/core/a.cpp": source}, check_layers.check)), 2)


if __name__ == "__main__":
    unittest.main()
