#!/usr/bin/env python3
"""tools/check_readmes.py accepts translations and rejects READMEs that went apart."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "check_readmes.py"

ENGLISH = """# Swiftlet
[other](README.zh.md)
## Use
    # a comment
    swiftlet run MODEL  // prints
    git clone <this> x
| `swiftlet run a\\|b` | text |
See [a page](docs/a.md).
"""


class CheckReadmes(unittest.TestCase):
    def run_on(self, chinese):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "README.md").write_text(ENGLISH, encoding="utf-8")
            (Path(folder) / "README.zh.md").write_text(chinese, encoding="utf-8")
            return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)

    def rejects(self, old, new, *words):
        self.assertIn(old, ENGLISH)
        result = self.run_on(ENGLISH.replace(old, new))
        self.assertEqual(result.returncode, 1)
        for word in words:
            self.assertIn(word, result.stdout)

    def test_a_translation_is_accepted(self):
        chinese = ENGLISH.replace("Use", "用法").replace("# a comment", "# 注释").replace("// prints", "// 输出")
        chinese = chinese.replace("<this>", "<本仓库>").replace("README.zh.md", "README.md").replace("text", "文字")
        result = self.run_on(chinese)
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_differences_are_named(self):
        self.rejects("## Use\n", "", "section 1")
        self.rejects("run MODEL", "run MODEL --json", "code 1", "swiftlet run MODEL --json")
        self.rejects("    git clone <this> x\n", "", "code 2", "has nothing")
        self.rejects("| `swiftlet run a\\|b` | text |\n", "", "row 1", "a\\\\|b")
        self.rejects("docs/a.md", "docs/b.md", "link 1", "docs/b.md")


if __name__ == "__main__":
    unittest.main()
