"""Measures Swiftlet beside llama.cpp, OpenVINO, ONNX Runtime and torch: `make bench-rivals`.

    make bench-rivals                                              installs the rivals, measures all rows
    make bench-rivals RIVALS='--only decode-q4_0 --rounds 3'       one row
    make bench-rivals RIVALS=--avx2                                AVX2 alone: Swiftlet and llama.cpp
    make bench-rivals RIVALS=--prepare                             makes the models and measures nothing
    make bench-rivals RIVALS=--quick                               small shapes, to see that everything runs

Everything is installed and made under build/rivals, once. A rival that is missing is told, not fatal.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import report
from common import ROOT, SWIFTLET, WORK, Missing, say
from contestant import Settings
from rows import ROWS
from turns import measure_row, open_all


def parse():
    parser = argparse.ArgumentParser(prog="tools/rivals", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[row.key for row in ROWS], metavar="ROW",
                        help="one row (may be repeated): " + ", ".join(row.key for row in ROWS))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant (5)")
    parser.add_argument("--runs", type=int, default=3, help="runs of a turn, of which the best counts (at most 3)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--avx2", action="store_true", help="Swiftlet forced to AVX2, llama.cpp built for it")
    parser.add_argument("--quick", action="store_true", help="small shapes, one round; the figures mean nothing")
    parser.add_argument("--prepare", action="store_true", help="make what the rows need, measure nothing")
    parser.add_argument("--output", type=Path, help="without .md and .json (docs/rivals)")
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.runs, arguments.threads) < 1:
        parser.error("--rounds, --runs and --threads must be at least 1")
    return arguments


def prepare(rows, settings):
    for row in rows:
        say(f"preparing {row.key}")
        ready, _ = open_all(row.contestants(settings), settings)
        for contestant in ready:
            contestant.close()


def measure(rows, settings, rounds, output):
    environment = report.environment(settings)
    if environment["busy_percent_before"] > 10:
        say(f"other work takes {environment['busy_percent_before']}% of the processors: the figures will be noisy")
    order = [row.key for row in ROWS]
    for row in rows:
        begin = time.monotonic()
        result = measure_row(row, settings, rounds)
        result["environment"] = environment
        report.add(output, "avx2" if settings.avx2 else "native", row.key, result, order)
        ratio = f"{result['ratio']:.2f}x {result['best_rival']}" if result["ratio"] else "no rival"
        say(f"{row.key}: {ratio}; {time.monotonic() - begin:.0f} s")
    say(f"wrote {output.with_suffix('.md')}")


def main():
    arguments = parse()
    if not SWIFTLET.exists():
        sys.exit(f"rivals: {SWIFTLET.relative_to(ROOT)} is not there: run make")
    settings = Settings(threads=arguments.threads, runs=arguments.runs, avx2=arguments.avx2, quick=arguments.quick)
    rows = [row for row in ROWS if not arguments.only or row.key in arguments.only]
    default = WORK / "quick" if arguments.quick else ROOT / "docs" / "rivals"
    try:
        if arguments.prepare:
            prepare(rows, settings)
        else:
            measure(rows, settings, 1 if arguments.quick else arguments.rounds, arguments.output or default)
    except Missing as reason:
        sys.exit(f"rivals: {reason}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
