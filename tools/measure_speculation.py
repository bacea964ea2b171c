#!/usr/bin/env python3
"""Measures what guessing tokens by prompt lookup brings and costs: the same answers with it and without, in turns.

    tools/measure_speculation.py assets/stories-7m
    tools/measure_speculation.py MODEL --rounds 11 --tokens 200

Three kinds of answers: greedy ones behind a text that comes three times, which copy; ones that say something new in
familiar words (temperature 0.8), where guesses are made and are often wrong; ones of high temperature, where few are.
Prints a table in Markdown: medians over the rounds, the ratio of each round's pair, and how many tokens were guessed.
Fails where an answer differs. (docs/generation.md)
"""
import argparse
import os
import statistics
import sys
from pathlib import Path

from bench_results import ROOT, Failed, Program

TEXT = ("Once upon a time there was a little girl named Lily. She loved to play outside in the park with her friends. "
        "One day she saw a big red ball in the grass. ")
KINDS = [("copies", TEXT * 3, ["--temperature", "0"]),
         ("goes on", TEXT, ["--temperature", "0.8", "--seed", "7"]),
         ("is random", TEXT, ["--temperature", "2", "--seed", "7"])]


def measure(program, model, kind, arguments):
    name, prompt, options = kind

    def answer(speculate):
        return program.run("run", model, prompt, "-n", arguments.tokens, "--ignore-eos", *options, "--speculate",
                           speculate)

    pairs = []
    for number in range(arguments.rounds):
        turns = ["none", "lookup"] if number % 2 == 0 else ["lookup", "none"]
        by = {s: answer(s) for s in turns}
        if by["none"]["text"] != by["lookup"]["text"]:
            raise Failed(f"the answer that {name} is another one with guesses")
        pairs.append(by)
    speed = {s: statistics.median(p[s]["decode_tokens_per_second"] for p in pairs) for s in ("none", "lookup")}
    ratios = sorted(p["lookup"]["decode_tokens_per_second"] / p["none"]["decode_tokens_per_second"] for p in pairs)
    last = pairs[-1]["lookup"]
    return (f"| {model.name} | {name} | {speed['none']:,.1f} | {speed['lookup']:,.1f} "
            f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
            f"| {last['accepted_tokens']} of {last['drafted_tokens']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=200)
    arguments = parser.parse_args()
    models = [model.resolve() for model in arguments.models]
    os.chdir(ROOT)
    program = Program(threads=0)
    print("| model | answer | tokens/s without | with lookup | ratio of pairs: median (least to most) | guesses right |")
    print("|---|---|---:|---:|---:|---:|")
    try:
        for model in models:
            for kind in KINDS:
                print(measure(program, model, kind, arguments), flush=True)
    except Failed as error:
        sys.exit(f"speculation: {error}")


if __name__ == "__main__":
    main()
