#!/usr/bin/env python3
"""Measures the program on this machine and writes docs/results.md and docs/results.json: `make bench`.

Every figure comes from a command of the program in this run, and the page shows the commands. Nothing beyond the
Python standard library is needed. MiniLM's rows are left out, with the reason, where models/minilm is not whole.

    tools/bench_results.py                  everything, some minutes
    tools/bench_results.py --threads 1      with one thread
    tools/bench_results.py --repeat 1 --limit 20 --output build/bench/quick    a quick look
"""
import argparse
import csv
import datetime
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from busy import busy_percent

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "build/release/bin/swiftlet"
WORK = "build/bench"
MINILM = "models/minilm"
STORIES = "assets/stories-7m"
STSB = "assets/stsb/dev.csv"
VALID = "assets/text/stories-valid.txt.gz"
PROMPT, GENERATE = 256, 128
SHORT = 8  # a decoder's run takes a fraction of a second: so many times more of them
CONTEXT, STRIDE = 256, 128
COMPRESSED = [("int8", ["--weights", "int8"]), ("int4, groups of 32", ["--weights", "int4", "--group", 32])]


class Failed(Exception):
    """A command of the program went wrong, or did not say what it should."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Program:
    """Runs the program, keeps the commands in the order in which they ran."""

    def __init__(self, threads):
        self.options = ["--threads", str(threads)] if threads else []
        self.commands = []

    def run(self, *words, threads=True):
        command = [PROGRAM, *map(str, words), *(self.options if threads else []), "--json", "--quiet"]
        shown = shlex.join(["swiftlet", *command[1:]])
        say(shown)
        self.commands.append(shown)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failed(f"{shown}: exit status {done.returncode}")
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise Failed(f"{shown}: expected one JSON object, {error}") from error


def need(result, key):
    if not isinstance(result.get(key), (int, float)):
        raise Failed(f"a number was expected for {key}, the program says {result.get(key)!r}")
    return result[key]


def weights_bytes(model):
    path = Path(model)
    return (path / "model.safetensors" if path.is_dir() else path).stat().st_size


def native(program, source, name, options):
    """The compressed model, without a gate: its quality is measured like that of the others."""
    target = f"{WORK}/{name}.swiftlet"
    program.run("compress", source, "-o", target, *options)
    return target


def encoder_row(program, name, model, sentences, arguments):
    first = len(program.commands)
    bench = program.run("bench", model, "--input", sentences, "--repeat", arguments.repeat)
    quality = program.run("eval", model, "--task", "stsb", "--data", STSB, "--limit", arguments.limit)
    return {"weights": name, "model": model, "file_bytes": weights_bytes(model), "commands": program.commands[first:],
            **{key: need(bench, key) for key in ("sentences_per_second", "tokens_per_second", "latency_seconds_p50",
                                                 "percent_of_compute_limit", "load_seconds", "peak_memory_bytes")},
            "spearman": need(quality, "spearman"), "pearson": need(quality, "pearson")}


def decoder_row(program, name, model, arguments):
    first = len(program.commands)
    bench = program.run("bench", model, "--prompt", PROMPT, "--generate", GENERATE, "--repeat",
                        SHORT * arguments.repeat)
    quality = program.run("eval", model, "--task", "perplexity", "--data", VALID, "--context", CONTEXT, "--stride",
                          STRIDE, "--limit", arguments.limit)
    return {"weights": name, "model": model, "file_bytes": weights_bytes(model), "commands": program.commands[first:],
            **{key: need(bench, key) for key in ("prefill_tokens_per_second", "decode_tokens_per_second",
                                                 "read_gigabytes_per_second", "percent_of_compute_limit",
                                                 "percent_of_read_limit", "load_seconds", "peak_memory_bytes")},
            "perplexity": need(quality, "perplexity")}


def write_sentences():
    """Both sentences of every pair of STS-B's development part, one a line."""
    path = f"{WORK}/stsb-sentences.txt"
    with open(STSB, newline="", encoding="utf-8") as pairs, open(path, "w", encoding="utf-8") as out:
        count = 0
        for first, second, _ in csv.reader(pairs):
            out.write(f"{first}\n{second}\n")
            count += 2
    return path, count


def minilm_missing():
    """Why MiniLM cannot be measured; None when it can."""
    if subprocess.run(["tools/fetch_minilm.sh", "--check"]).returncode == 0:
        return None
    return f"{MINILM} is not there or not whole; `make setup` fetches it"


def measure_encoder(program, arguments):
    sentences, count = write_sentences()
    result = {"input": sentences, "sentences": count, "rows": []}
    result["left_out"] = minilm_missing()
    if result["left_out"]:
        say(f"MiniLM is left out: {result['left_out']}")
        return result
    models = [("f32", MINILM)]
    for name, options in COMPRESSED:
        models.append((name, native(program, MINILM, f"minilm-{options[1]}", options)))
    result["rows"] = [encoder_row(program, name, model, sentences, arguments) for name, model in models]
    return result


def measure_decoder(program, arguments):
    models = [("bf16", STORIES)]
    for name, options in COMPRESSED:
        models.append((name, native(program, STORIES, f"stories-7m-{options[1]}", options)))
    return {"prompt": PROMPT, "generate": GENERATE, "context": CONTEXT, "stride": STRIDE,
            "rows": [decoder_row(program, name, model, arguments) for name, model in models]}


def commit():
    if not shutil.which("git"):
        return None
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True)
    if done.returncode != 0:
        return None
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "swiftlet", "include"]).returncode != 0
    return done.stdout.strip() + (" with changes" if changed else "")


def ratio(row, first, key):
    return row[key] / first[key]


# One column: title, and the text of its cell from the row and the first row of the table.
ENCODER_COLUMNS = [
    ("weights", lambda r, f: r["weights"]),
    ("MB", lambda r, f: f"{r['file_bytes'] / 1e6:.1f}"),
    ("size", lambda r, f: f"{ratio(f, r, 'file_bytes'):.2f}x smaller" if r is not f else "1"),
    ("sentences/s", lambda r, f: f"{r['sentences_per_second']:.0f}"),
    ("tokens/s", lambda r, f: f"{r['tokens_per_second']:,.0f}"),
    ("speed", lambda r, f: f"{ratio(r, f, 'tokens_per_second'):.2f}x"),
    ("one sentence, ms", lambda r, f: f"{r['latency_seconds_p50'] * 1e3:.2f}"),
    ("% of arithmetic limit", lambda r, f: f"{r['percent_of_compute_limit']:.0f}"),
    ("peak memory, MB", lambda r, f: f"{r['peak_memory_bytes'] / 1e6:.0f}"),
    ("Spearman", lambda r, f: f"{r['spearman'] * 100:.2f}"),
    ("change", lambda r, f: f"{(r['spearman'] - f['spearman']) * 100:+.2f}"),
]
DECODER_COLUMNS = [
    ("weights", lambda r, f: r["weights"]),
    ("MB", lambda r, f: f"{r['file_bytes'] / 1e6:.1f}"),
    ("size", lambda r, f: f"{ratio(f, r, 'file_bytes'):.2f}x smaller" if r is not f else "1"),
    ("prefill, tokens/s", lambda r, f: f"{r['prefill_tokens_per_second']:,.0f}"),
    ("speed", lambda r, f: f"{ratio(r, f, 'prefill_tokens_per_second'):.2f}x"),
    ("% of arithmetic limit", lambda r, f: f"{r['percent_of_compute_limit']:.0f}"),
    ("decode, tokens/s", lambda r, f: f"{r['decode_tokens_per_second']:,.0f}"),
    ("speed", lambda r, f: f"{ratio(r, f, 'decode_tokens_per_second'):.2f}x"),
    ("decode, GB/s", lambda r, f: f"{r['read_gigabytes_per_second']:.1f}"),
    ("% of reading limit", lambda r, f: f"{r['percent_of_read_limit']:.0f}"),
    ("peak memory, MB", lambda r, f: f"{r['peak_memory_bytes'] / 1e6:.0f}"),
    ("perplexity", lambda r, f: f"{r['perplexity']:.3f}"),
    ("change", lambda r, f: f"{(ratio(r, f, 'perplexity') - 1) * 100:+.2f}%"),
]


def table(rows, columns):
    lines = ["| " + " | ".join(title for title, _ in columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    lines += ["| " + " | ".join(cell(row, rows[0]) for _, cell in columns) + " |" for row in rows]
    return "\n".join(lines)


def commands(lines):
    return "<details><summary>The commands</summary>\n\n```sh\n" + "\n".join(lines) + "\n```\n\n</details>"


def machine_table(machine):
    def limit(key, unit):
        return f"{machine[key]:,.1f} {unit}" if need(machine, key) > 0 else "no instructions for it"

    rows = [("processor", machine["cpu"]), ("kernels", machine["isa"]), ("threads", machine["threads"]),
            ("reading of memory, behind the caches", limit("read_gigabytes_per_second", "GB/s")),
            ("f32", limit("f32_gflops", "GFLOP/s")), ("bf16", limit("bf16_gflops", "GFLOP/s")),
            ("int8", limit("int8_gops", "GOP/s"))]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


PAGE = """# Results

Written by `make bench` on {date}{commit}. Run it to have the figures of your machine; the raw ones are in
[results.json](results.json). Other engines doing the same work are in [rivals.md](rivals.md).

How it is measured:

- Speed is the best of {repeat} runs in one process ({short} for the short ones of a decoder), weights loaded, after
  which the same process measures the limits of the machine for the percentages.
- Other work took this much of the processors in the second before the run:
  {busy}.
- *Size* and *speed* compare with the first row of the table, *change* is the difference of quality to it.
- MB are 10⁶ bytes, of the file that holds the weights. Peak memory is that of the whole process.
- The limit of arithmetic is that of the type in which the matrices are multiplied (f32, bf16 or int8), for the matrix
  products alone: norms, attention and quantizing take their time without counting. Decode is held against reading:
  the bytes of weights and cache for a token over the time it takes, against reading as many bytes over and over: what
  the caches of the processor keep of them counts for both.
- Compressed models are rounded to the nearest value, without calibration; activations are int8.

## The machine

{machine}

{machine_commands}

## all-MiniLM-L6-v2, sentence encoder of 22.7 million parameters

{encoder}

## stories-7m, Llama of 6.95 million parameters

A prompt of {prompt} tokens, {generate} generated, one sequence. Perplexity is that of
[stories-valid.txt.gz](../{valid}){limited}, in windows of {context} tokens that advance by {stride}.

{decoder}
"""

ENCODER_TEXT = """The {sentences:,} sentences of STS-B's development part are embedded together; tokenizing, done before, is
not counted. *One sentence* is the median time of a sentence alone, tokenizing included. Spearman's correlation with the
human scores of the pairs{limited} is given in hundredths.

{table}

{commands}"""


def page(result, arguments):
    encoder, decoder = result["minilm"], result["stories_7m"]
    limited = f" (the first {arguments.limit} items only)" if arguments.limit else ""
    if encoder["rows"]:
        text = ENCODER_TEXT.format(sentences=encoder["sentences"], table=table(encoder["rows"], ENCODER_COLUMNS),
                                   limited=limited, commands=commands(encoder["commands"]))
    else:
        text = f"Not measured: {encoder['left_out']}."
    busy = result["busy_percent_before"]
    busy = f"{busy:.0f}%" + (": the figures are lower than the machine allows, and noisy" if busy > 10 else "")
    return PAGE.format(
        date=result["date"], commit=f" (commit {result['commit']})" if result["commit"] else "",
        repeat=arguments.repeat, short=SHORT * arguments.repeat, busy=busy, machine=machine_table(result["machine"]),
        machine_commands=commands(result["machine_commands"]), encoder=text, prompt=PROMPT, generate=GENERATE,
        valid=VALID, context=CONTEXT, stride=STRIDE, limited=limited,
        decoder=table(decoder["rows"], DECODER_COLUMNS) + "\n\n" + commands(decoder["commands"]))


def collect(arguments):
    program = Program(arguments.threads)

    def part(work, *extra):
        first = len(program.commands)
        result = work(*extra)
        return result, program.commands[first:]

    busy = busy_percent()
    machine, machine_commands = part(lambda: program.run("inspect", "--machine"))
    minilm, minilm_commands = part(measure_encoder, program, arguments)
    stories, stories_commands = part(measure_decoder, program, arguments)
    return {"date": datetime.date.today().isoformat(), "commit": commit(), "busy_percent_before": busy,
            "repeat": arguments.repeat, "limit": arguments.limit, "machine": machine,
            "machine_commands": machine_commands, "minilm": {**minilm, "commands": minilm_commands},
            "stories_7m": {**stories, "commands": stories_commands}}


def write_whole(path, text):
    """The file appears whole or stays as it was."""
    draft = path.with_name(path.name + ".tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=0, help="0: as the program chooses")
    parser.add_argument("--repeat", type=int, default=5, help="runs of which the best counts")
    parser.add_argument("--limit", type=int, default=0, help="items of the quality tasks; 0: all")
    parser.add_argument("--output", type=Path, default=Path("docs/results"), help="without .md and .json")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    Path(WORK).mkdir(parents=True, exist_ok=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        result = collect(arguments)
        text = page(result, arguments)
    except Failed as error:
        sys.exit(f"bench: {error}")
    write_whole(arguments.output.with_suffix(".json"), json.dumps(result, indent=2) + "\n")
    write_whole(arguments.output.with_suffix(".md"), text)
    say(f"wrote {arguments.output.with_suffix('.md')}")


if __name__ == "__main__":
    main()
