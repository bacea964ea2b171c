#!/usr/bin/env python3
"""Rejects READMEs that went apart: README.md and README.zh.md must have as many sections, the same commands and code (but
for comments and <placeholders>), the same first cells of tables and the same links, in the same order.
Prints one line for each difference; the exit status is 1 if there was one.

    tools/check_readmes.py [ROOT]
"""

import re
import sys
from pathlib import Path

NAMES = ["README.md", "README.zh.md"]


def code(line):
    """A line of a code block without what is translated."""
    return re.sub(r"<[^>]*>", "<>", re.sub(r"\s*(//|#(?!include)).*", "", line))


def outline(text):
    """What both files must have in common: (kind, content) in order."""
    parts = []
    for line in text.splitlines():
        if line.startswith("## "):
            parts.append(("section", ""))
        if line.startswith("    ") and code(line).strip():
            parts.append(("code", code(line).strip()))
        if line.startswith("| `"):
            parts.append(("row", re.split(r"(?<!\\)\|", line)[1].strip()))
        parts += [("link", target) for target in re.findall(r"\]\(([^)]*)\)", line) if target not in NAMES]
    return parts


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    ours, theirs = (outline((root / name).read_text(encoding="utf-8")) for name in NAMES)
    differences = 0
    for kind in ["section", "code", "row", "link"]:
        a, b = ([content for k, content in parts if k == kind] for parts in (ours, theirs))
        if a == b:
            continue
        differences += 1
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        shown = [repr(parts[at]) if at < len(parts) else "nothing" for parts in (a, b)]
        print(f"{kind} {at + 1}: {NAMES[0]} has {shown[0]}, {NAMES[1]} has {shown[1]}")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
