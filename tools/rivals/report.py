"""docs/rivals.json and the page made of it. A row that is measured again replaces its own entry and no other."""

import datetime
import json
import subprocess
from importlib.metadata import PackageNotFoundError, version

from common import ROOT, SWIFTLET, WORK, run

from busy import busy_percent

PACKAGES = ["openvino", "openvino-genai", "nncf", "onnxruntime", "torch", "transformers"]
LIMITS = {"read": ("reading", 1e9, "GB/s"), "f32": ("f32 arithmetic", 1e12, "TFLOPS"),
          "bf16": ("bf16 arithmetic", 1e12, "TFLOPS"), "int8": ("int8 arithmetic", 1e12, "TOPS")}
MODES = {"native": "With the best instructions of the machine", "avx2": "With AVX2 alone"}

PAGE = """# Beside the rivals

Written by `make bench-rivals`; all readings are in [rivals.json](rivals.json), what each contestant is and how the work
was made equal in [comparison.md](comparison.md). Swiftlet's own figures, without rivals, are in
[results.md](results.md).

- The contestants of a row work in turns on the same machine, the order reversed from round to round. A reading is the
  best of a few runs of a round, a figure the median of the rounds; the spread shows the least and the most.
- *Ratio*: how many times faster (or smaller) the first of Swiftlet's entries is.
- *Share*: of the limit of the machine that is named above the table, the most that was seen while the row was measured:
  by Swiftlet's own loops beside each of its runs, or by a contestant at work. Decode is held against reading a
  working set of the same size over and over; prefill, batches and encoders count their matrix products alone.
- Decoders have random weights: their shapes are real, their texts mean nothing.
"""


def commit():
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    done = git("rev-parse", "--short", "HEAD")
    if done.returncode != 0:
        return None
    changed = git("diff", "--quiet", "HEAD", "--", "swiftlet", "include").returncode != 0
    return done.stdout.strip() + (" with changes" if changed else "")


def versions():
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            pass
    llama = WORK / "llama.cpp" / "VERSION"
    if llama.exists():
        found["llama.cpp"] = llama.read_text().strip()
    return found


def environment(settings):
    machine = json.loads(run(SWIFTLET, "inspect", "--machine", "--threads", settings.threads, "--json", "--quiet"))
    kept = ("cpu", "isa", "features", "read_gigabytes_per_second", "f32_gflops", "bf16_gflops", "int8_gops",
            "total_memory_bytes")
    return {"date": datetime.date.today().isoformat(), "commit": commit(), "threads": settings.threads,
            "machine": {key: machine[key] for key in kept}, "busy_percent_before": round(busy_percent()),
            "versions": versions()}


def amount(value, digits):
    return f"{value:,.{digits}f}"


def digits_of(unit, value):
    return 3 if unit in ("s", "ms") else 1 if value < 1000 else 0


def target_text(targets, unit):
    words = {"ratio": "≥ {:g}x", "share": "≥ {:g}% of the limit", "at_most": "≤ {:g} " + unit,
             "fall": "falls ≤ {:g}%"}
    return ", ".join(words[name].format(aim) for name, aim in targets.items())


def summary_line(key, row):
    own = next((e for e in row["contestants"] if e["ours"]), None)
    rival = next((e for e in row["contestants"] if e["name"] == row["best_rival"]), None)
    shown = [f"{amount(e['median'], digits_of(row['unit'], e['median']))} {row['unit']}" if e else "not measured"
             for e in (own, rival)]
    share = f"{own['share_percent']:.0f}%" if own and own["share_percent"] else ""
    ratio = f"{row['ratio']:.2f}x" if row["ratio"] else ""
    reached = {True: "yes", False: "no", None: "not known"}[row["reached"]]
    best = f"{shown[1]} ({rival['name']})" if rival else shown[1]
    return (f"| [{row['title']}](#{key}) | {shown[0]} | {best} | {ratio} | {share} | "
            f"{target_text(row.get('targets', {}), row['unit'])} | {reached} |")


def row_text(key, row, level):
    lines = [f'{level} <a id="{key}"></a>{row["title"]}', ""]
    if row["limit"]:
        name, scale, unit = LIMITS[row["limit_kind"]]
        lines += [f"Limit: {name}, {row['limit'] / scale:.1f} {unit}. {row['rounds']} rounds, each the best of "
                  f"{row['runs']}.", ""]
    else:
        lines += [f"{row['rounds']} rounds, each the best of {row['runs']}.", ""]
    falls = any("fall_percent" in e for e in row["contestants"])
    lines.append(f"| | {row['unit']} | spread | ratio | share |" + (" without the depth | falls by |" if falls else ""))
    lines.append("|---|---:|---:|---:|---:|" + ("---:|---:|" if falls else ""))
    for e in row["contestants"]:
        digits = digits_of(row["unit"], e["median"])
        cells = [e["name"], amount(e["median"], digits),
                 f"{amount(min(e['values']), digits)} to {amount(max(e['values']), digits)}",
                 f"{e['ratio']:.2f}" if e.get("ratio") else "",
                 f"{e['share_percent']:.0f}%" if e["share_percent"] else ""]
        if falls:
            cells += [amount(e["shallow"], 1), f"{e['fall_percent']:.0f}%"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [f"\n{name} did not take part: {reason}." for name, reason in row["absent"].items()]
    lines += ["\n" + note for note in row["notes"]]
    lines += [f"\nSpearman's correlation on STS-B, in hundredths: {e['name']} {100 * e['spearman']:.2f}."
              for e in row["contestants"] if e.get("spearman")]
    return "\n".join(lines) + "\n"


def environment_text(environment, keys, everything):
    machine, of = environment["machine"], environment["versions"]
    busy = environment["busy_percent_before"]
    lines = [f"{'All rows' if everything else ', '.join(keys)}: {environment['date']}, commit {environment['commit']}, "
             f"{machine['cpu']} ({machine['isa']}), {environment['threads']} threads; other work took {busy}% of the "
             "processors" + (" before the first row: **the figures are noisy.**" if busy > 10 else
                             " before the first row."),
             f"Read from memory {machine['read_gigabytes_per_second']:.1f} GB/s, f32 "
             f"{machine['f32_gflops'] / 1e3:.2f}, bf16 {machine['bf16_gflops'] / 1e3:.2f} TFLOPS, int8 "
             f"{machine['int8_gops'] / 1e3:.2f} TOPS.",
             ", ".join(f"{name} {number}" for name, number in of.items()) + "."]
    return "\n".join(lines) + "\n"


def mode_text(mode, rows, order):
    keys = [key for key in order if key in rows]
    lines = [f"## {MODES[mode]}", ""]
    groups = {}
    for key in keys:
        groups.setdefault(json.dumps(rows[key]["environment"], sort_keys=True), []).append(key)
    lines += [environment_text(json.loads(text), group, len(groups) == 1) for text, group in groups.items()]
    lines += ["| work | Swiftlet | best rival | ratio | share | target | reached |",
              "|---|---:|---:|---:|---:|---|---|"]
    lines += [summary_line(anchor(mode, key), rows[key]) for key in keys] + [""]
    lines += [row_text(anchor(mode, key), rows[key], "###") for key in keys]
    return "\n".join(lines)


def anchor(mode, key):
    return key if mode == "native" else f"{mode}-{key}"


def write_whole(path, text):
    """The file appears whole or stays as it was."""
    draft = path.with_name(path.name + ".tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def add(output, mode, key, result, order):
    """Puts one row into output.json and writes output.md anew."""
    data = output.with_suffix(".json")
    everything = json.loads(data.read_text()) if data.exists() else {}
    everything.setdefault(mode, {})[key] = result
    write_whole(data, json.dumps(everything, indent=1) + "\n")
    parts = [mode_text(name, everything[name], order) for name in MODES if name in everything]
    write_whole(output.with_suffix(".md"), PAGE + "\n" + "\n".join(parts))
