#!/usr/bin/env python3
"""Lets transformers open what `swiftlet convert` writes for it, and compares what it computes there with the references.

usage: compare_folders.py [--only PART]      needs torch, transformers, safetensors and a built swiftlet

Every model of tests/data that has a reference (golden.safetensors) is converted into a folder. For the ids of the
reference, hidden states and logits of the folder must be those that transformers computes for the source, or, where it
cannot open that (GGUF, MXFP4), those of the reference: the largest ||difference|| / ||expected|| is printed, and one over the
tolerance is a failure.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from common import DATA, ROOT
from dump_reference import open_model, tensors_of, torch
from safetensors.torch import load_file

PROGRAM = ROOT / "build" / "release" / "bin" / "swiftlet"
TOLERANCE = 1e-5  # the same weights and the same program
ROUNDED = {"gguf/llama-blocks/model.gguf": 0.03}  # K-quants become int8-g32 (docs/gguf.md)


def sources():
    for path in sorted(DATA.glob("*/*/golden.safetensors")):
        file = path.parent / "model.gguf"
        yield path, file if file.exists() else path.parent


def is_plain(source):
    return source.is_dir() and "quantization_config" not in (source / "config.json").read_text()


def largest_difference(folder, source, reference):
    count = sum(name.startswith("input_ids.") for name in reference)
    ids = [reference[f"input_ids.{i}"].reshape(-1).long() for i in range(count)]
    came = tensors_of(open_model(folder), ids)
    expected = tensors_of(open_model(source), ids) if is_plain(source) else reference
    assert set(came) & set(expected) >= {"input_ids.0", "hidden.0.0"}
    worst = 0.0
    for name, value in expected.items():
        if name in came and not name.startswith("input_ids."):
            difference = came[name].reshape(value.shape).double() - value.double()
            worst = max(worst, (difference.norm() / value.double().norm()).item())
    return worst


def check(path, source):
    reference = load_file(path)
    if "input_ids.0" not in reference:
        return None
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "written"
        made = subprocess.run([PROGRAM, "convert", source, "-o", written, "-q"], capture_output=True, text=True)
        if made.returncode != 0:
            return made.stderr.strip()
        return largest_difference(written, source, reference)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="models whose path holds this")
    options = parser.parse_args()
    failures = compared = 0
    for path, source in sources():
        name = str(source.relative_to(DATA))
        if options.only not in name:
            continue
        try:
            found = check(path, source)
        except Exception as error:  # what transformers does not open is a failure like any other
            found = f"{type(error).__name__}: {error}".split("\n")[0]
        if found is None:
            continue
        compared += 1
        good = isinstance(found, float) and found <= ROUNDED.get(name, TOLERANCE)
        failures += not good
        print(f"{name:40} {found if isinstance(found, str) else f'{found:.1e}'}{'' if good else '   FAILED'}", flush=True)
    print(f"{compared} folders, {failures} failed")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
