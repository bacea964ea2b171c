#!/usr/bin/env python3
"""Rejects an include against the layer order of docs/architecture.md.

A layer is a folder of swiftlet/. It may include itself and the layers before it in LAYERS. The doors (cli, serve,
examples, python) know only core, themselves and the public headers of include/swiftlet/; the layers below api know
only the public headers of BASE, which are what core shows of itself. A unit test beside its source may look at any
layer: a pass is tested by running graphs.
Prints one line "file:line: ..." per breach; the exit status is 1 if there was one.

    tools/check_layers.py [ROOT]
"""

import re
import sys
from pathlib import Path

LAYERS = ["core", "encoding", "kernels", "comm", "graph", "ops", "passes", "runtime", "io", "hub", "text", "models",
          "engine", "tasks", "eval", "train", "compress", "api", "serve", "cli"]
BASE = ["swiftlet/error.h", "swiftlet/export.h", "swiftlet/job.h", "swiftlet/logprobs.h",
        "swiftlet/reference.h", "swiftlet/tasks.h", "swiftlet/warnings.h"]
DOORS = ["serve", "cli", "examples", "python"]
SOURCES = {".h", ".cpp", ".cc", ".cu", ".cuh", ".inc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def layer_of(path):
    """The layer or door that owns a file given relative to the root; None where the order does not apply."""
    parts = path.parts
    if parts[0] == "swiftlet" and len(parts) > 2:
        return parts[1]
    return parts[0] if parts[0] in DOORS else None


def breach(root, path, layer, quote, header):
    """Why `path` of `layer` may not include `header`; None when it may."""
    if layer not in LAYERS + DOORS:
        return f'folder "{layer}" is not a layer; give it its place in LAYERS of tools/check_layers.py'
    if header.startswith("../") or "/../" in header:
        return f'"{header}" climbs out of its folder; name it from the root, "swiftlet/<layer>/<file>"'
    if not header.startswith("swiftlet/"):
        if quote == '"' and (root / path.parent / header).exists():
            return f'"{header}" is named from its folder; name it from the root, "swiftlet/<layer>/<file>"'
        return None
    parts = Path(header).parts
    public = len(parts) == 2 or (root / "include" / header).exists()
    if public:
        if layer in DOORS or layer == "api" or header in BASE:
            return None
        return f'layer "{layer}" may not include the public header "{header}": only api and the doors do'
    target = parts[1]
    if target not in LAYERS:
        return f'"{header}" names no layer'
    if target == layer or (layer in DOORS and target == "core"):
        return None
    if layer in DOORS:
        return f'door "{layer}" may not include "{header}": only include/swiftlet/ and core'
    is_test = path.stem.endswith("_test") and target not in DOORS
    if LAYERS.index(target) > LAYERS.index(layer) and not is_test:
        return f'layer "{layer}" may not include "{header}": "{target}" comes after it in the order'
    return None


def check(root):
    breaches = []
    folders = [root / "swiftlet"] + [root / door for door in DOORS]
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.suffix in SOURCES):
        path = file.relative_to(root)
        layer = layer_of(path)
        if layer is None:
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            reason = match and breach(root, path, layer, *match.groups())
            if reason:
                breaches.append(f"{path}:{number}: {reason}")
    return breaches


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    if not (root / "swiftlet").is_dir():
        sys.exit(f"check_layers: {root} has no folder swiftlet/")
    breaches = check(root)
    for line in breaches:
        print(line)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
