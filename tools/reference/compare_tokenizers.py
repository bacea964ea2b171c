"""Compares our tokenizers with the `tokenizers` package: ids, offsets and decoded text of every line of every text set.

    SWIFTLET_DATA_DIR=... python tools/reference/compare_tokenizers.py [--speed [--pairs N]] [--only NAME] [--sets PART]

Needs the program tokenizer_bench (cmake --preset release -DSWIFTLET_BENCH=ON). What has no tokenizer.json is converted as
transformers does. With --speed, processor times on one thread instead (the package with TOKENIZERS_PARALLELISM=false), and how
much sooner two threads are done.
"""

import argparse
import csv
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer

import tokenizer_sources
from common import DATA, ROOT

EXTERNAL = Path(os.environ["SWIFTLET_DATA_DIR"])
PROGRAM = ROOT / "build" / "release" / "bench" / "tokenizer_bench"


def lines_of(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        return file.read().decode("utf-8").removesuffix("\n").split("\n")


def text_sets():
    """Every text file of the data sets, a text a line (STS-B: a text a field)."""
    folder = EXTERNAL / "datasets"
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name == "SOURCES.tsv":
            continue
        if path.suffix == ".csv":
            with open(path, newline="", encoding="utf-8") as file:
                texts = [field for row in csv.reader(file) for field in row]
        elif path.suffix == ".json":
            texts = [found for found in strings_of(json.loads(path.read_text(encoding="utf-8")))]
        else:
            texts = lines_of(path)
        yield str(path.relative_to(folder)), texts


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)


SCRIPTS = [(0x20, 0x7F), (0xA0, 0x180), (0x300, 0x370), (0x370, 0x400), (0x400, 0x500), (0x590, 0x600), (0x600, 0x700),
           (0x900, 0x980), (0x980, 0xA00), (0xB80, 0xC00), (0xE00, 0xE80), (0xF00, 0x1000), (0x1000, 0x10A0),
           (0x10A0, 0x1100), (0x1100, 0x1200), (0x1200, 0x1380), (0x13A0, 0x1400), (0x1780, 0x1800), (0x1E00, 0x2000),
           (0x2000, 0x2070), (0x2070, 0x20D0), (0x2100, 0x2200), (0x2190, 0x2300), (0x2460, 0x2500), (0x2500, 0x2700),
           (0x3000, 0x3040), (0x3040, 0x3100), (0x3130, 0x3190), (0x3200, 0x3400), (0x4E00, 0xA000), (0xAC00, 0xD7A4),
           (0xF900, 0xFB00), (0xFB00, 0xFB50), (0xFB50, 0xFE00), (0xFE00, 0xFE10), (0xFE30, 0xFF00), (0xFF00, 0xFFF0),
           (0x10000, 0x10100), (0x1D400, 0x1D800), (0x1F100, 0x1F200), (0x1F300, 0x1F700), (0x1F900, 0x1FA00),
           (0x20000, 0x20100), (0xE0020, 0xE0080)]
PIECES = ["\u200d", "\u200b", "\u200c", "\u2060", "\ufeff", "\ufe0f", "\u0301", "\u0308", "\u0327", "\u1ab0", "\u20dd", "\u00ad", "\u061c",
          " ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2028", "\u0085", "\x00", "\x01", "\x1f", "\x7f", "\u2581", "\u0120",
          "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "👍🏽", "1️⃣", "🧑🏿‍🚀", "e\u0301", "é", "ﬁ", "ǆ", "İ", "ß", "Å", "\u212b", "각", "각", "が", "か\u3099", "①", "½", "…",
          "for (int i = 0; i < n; ++i) {", "    return x[i] += 0x1F;", "</div>", "'ll", "'S", "don't", "I'VE", "123", "3.14", "1,000,000",
          "<s>", "</s>", "<unk>", "<pad>", "<extra_id_0>", "<|endoftext|>", "<|im_start|>", "<|begin_of_text|>", "[CLS]", "[MASK]", "<0x41>",
          "http://a.b/c?d=e&f", "a@b.co", "#tag", "--", "''", "``", "!!!", "?", "\\n", "~", "|", "the", "quick", "Brown", "FOX", "swiftly",
          "здравствуй", "мир", "שלום", "مرحبا", "नमस्ते", "สวัสดี", "你好", "世界", "こんにちは", "カタカナー", "안녕", "ελληνικά", "Việt"]


def torture_texts(count=6000, seed=1):
    """The committed torture set, and as many more: pieces that are known to be hard, characters of all scripts, Unicode forms."""
    texts = [json.loads(line) for line in open(DATA / "tokenizers" / "torture.jsonl", encoding="utf-8")]
    chance = random.Random(seed)
    for _ in range(count):
        parts = []
        for _ in range(chance.randint(1, 12)):
            kind = chance.random()
            if kind < 0.6:
                parts.append(chance.choice(PIECES))
            elif kind < 0.95:
                low, high = chance.choice(SCRIPTS)
                parts.append("".join(chr(chance.randrange(low, high)) for _ in range(chance.randint(1, 6))))
            else:
                parts.append(" " * chance.randint(1, 40))
            if chance.random() < 0.4:
                parts.append(" ")
        text = "".join(parts)
        form = chance.random()
        texts.append(unicodedata.normalize("NFD", text) if form < 0.15 else unicodedata.normalize("NFC", text) if form < 0.3 else text)
    return texts


def expected_line(tokenizer, special, encoding, text):
    ids = " ".join(map(str, encoding.ids))
    offsets = encoding.offsets
    if not text.isascii():
        starts, at = [0], 0
        for character in text:
            at += len(character.encode("utf-8"))
            starts.append(at)
        offsets = [(starts[begin], starts[end]) for begin, end in offsets]
    places = " ".join(f"{begin} {end}" for begin, end in offsets)
    # The package of today renames special tokens that a file calls normalized, and no longer skips them.
    return ids, places, tokenizer.decode([token for token in encoding.ids if token not in special])


def is_common(name, text):
    """Llama 2's tokenizer.json is not quite its tokenizer.model: it lacks U+00A0, and finds special tokens in normalized text."""
    return name != "llama2-model" or not any(part in text for part in ("\u00a0", "s>", "unk>"))


def our_lines(path, texts, special):
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)
        file.seek(0)
        command = [str(PROGRAM), str(path), "--dump"] + ([] if special else ["--no-special"])
        result = subprocess.run(command, stdin=file, stdout=subprocess.PIPE)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {result.returncode}")
    return [line.split("\t") for line in result.stdout.decode("utf-8").removesuffix("\n").split("\n")]


def compare(name, ours, tokenizer, set_name, texts, special=True, show=3):
    differing = {"ids": [], "offsets": [], "decoded": []}
    found = our_lines(ours, texts, special)
    assert len(found) == len(texts), (len(found), len(texts))
    special_ids = {token for token, added in tokenizer.get_added_tokens_decoder().items() if added.special}
    for start in range(0, len(texts), 1000):
        batch = texts[start:start + 1000]
        for text, encoding, line in zip(batch, tokenizer.encode_batch(batch, add_special_tokens=special), found[start:]):
            ids, places, decoded = expected_line(tokenizer, special_ids, encoding, text)
            if ids != line[0]:
                differing["ids"].append((text, ids, line[0]))
            elif places != line[1]:
                differing["offsets"].append((text, places, line[1]))
            elif decoded != json.loads(line[2]):
                differing["decoded"].append((text, decoded, json.loads(line[2])))
    counts = {kind: len(cases) for kind, cases in differing.items()}
    print(f"{name:14} {set_name:32} {len(texts):7} texts, differing: {counts}", flush=True)
    for kind, cases in differing.items():
        for text, expected, came in sorted(cases, key=lambda case: len(case[0]))[:show]:
            print(f"    {kind}: {json.dumps(text)[:200]}\n        expected {expected[:300]!r}\n        came     {came[:300]!r}")
    return sum(counts.values())


SPEED_SETS = {"wikitext": "wikitext-2-raw/wiki.valid.raw", "shakespeare": "text/shakespeare.txt", "wmt.de": "wmt-sample/train.de"}


def time_ours(ours, texts):
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)
        file.seek(0)
        return json.loads(subprocess.run([str(PROGRAM), str(ours)], stdin=file, stdout=subprocess.PIPE, check=True).stdout)


def time_package(tokenizer, texts):
    """Milliseconds of processor time, the better of its two ways."""
    def least(call):
        def once():
            start = time.thread_time()
            call()
            return 1e3 * (time.thread_time() - start)
        return min(once(), once())

    return min(least(lambda: [tokenizer.encode(text) for text in texts]), least(lambda: tokenizer.encode_batch_fast(texts)))


def measure(name, ours, tokenizer, set_name, texts, pairs):
    """Ours and the package in turns: what else the machine does meets both."""
    found = [(time_ours(ours, texts), time_package(tokenizer, texts)) for _ in range(pairs)]
    ratios = sorted(package / our["encode_milliseconds"] for our, package in found)
    our = min((our for our, _ in found), key=lambda our: our["encode_milliseconds"])
    two = sorted(our["one_thread_elapsed_milliseconds"] / our["two_threads_elapsed_milliseconds"] for our, _ in found)
    print(f"{name:14} {set_name:18} load {our['load_milliseconds']:6.1f} ms, native {our['native_load_milliseconds']:5.2f} ms, "
          f"{our['megabytes_per_second']:5.1f} MB/s: {ratios[len(ratios) // 2]:5.2f} times the package ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
          f"two threads {two[len(two) // 2]:.2f} ({two[0]:.2f} to {two[-1]:.2f})", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--pairs", type=int, default=3, help="how often each side is timed, in turns")
    parser.add_argument("--only", action="append")
    parser.add_argument("--sets", default="", help="only sets whose name holds this")
    parser.add_argument("--torture", type=int, default=6000)
    options = parser.parse_args()
    wrong = 0
    for name, (ours, make) in tokenizer_sources.all_sources(EXTERNAL).items():
        if options.only and name not in options.only:
            continue
        tokenizer = make()
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if options.speed:
            for set_name, path in SPEED_SETS.items():
                if options.sets in set_name:
                    texts = lines_of(EXTERNAL / "datasets" / path)
                    measure(name, ours, tokenizer, set_name + " lines", texts, options.pairs)
                    measure(name, ours, tokenizer, set_name + " whole", ["\n".join(texts)], options.pairs)
            continue
        for set_name, texts in [("torture", torture_texts(options.torture)), *text_sets()]:
            if options.sets in set_name:
                wrong += compare(name, ours, tokenizer, set_name, [text for text in texts if is_common(name, text)])
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
