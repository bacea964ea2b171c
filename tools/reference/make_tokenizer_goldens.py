"""Makes tests/data/tokenizers/: what the `tokenizers` package answers, to compare our own tokenizers with.

    stories260k/tokenizer.json   SentencePiece-style BPE with byte fallback, converted from tok512.bin of llama2.c
    <name>/golden.jsonl          one object per text of torture.jsonl:
        text               the text
        ids                with the special tokens that the post-processor adds
        ids_no_special     without them (special tokens spelled in the text are still found)
        offsets            [begin, end) of each of `ids`, in code points of the text; [0, 0] for an added token
        decoded            decode(ids), special tokens left out
        decoded_special    decode(ids), special tokens kept
    whole_sets.json              number of texts and ids, and SHA-256 of all ids, over STS-B dev and the stories
                                 validation text; a text's ids are joined by single spaces and end in a line feed

Truncation and padding, which some tokenizer.json ask for, are turned off. gpt2 and t5 are too large to carry
along: their tokenizer.json are read from the folder that SWIFTLET_DATA_DIR names, and so are the two data sets.

    SWIFTLET_DATA_DIR=... python tools/reference/make_tokenizer_goldens.py
"""

import csv
import gzip
import hashlib
import json
import os
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

import llama2c
from common import ASSETS, DATA, versions

EXTERNAL = Path(os.environ["SWIFTLET_DATA_DIR"])
OUT = DATA / "tokenizers"
TOKENIZERS = {
    "bert-uncased": OUT / "bert-uncased" / "tokenizer.json",
    "stories-7m": ASSETS / "stories-7m" / "tokenizer.json",
    "stories260k": OUT / "stories260k" / "tokenizer.json",
    "small-unigram": OUT / "small-unigram" / "tokenizer.json",
    "small-fallback": OUT / "small-fallback" / "tokenizer.json",
    "small-bpe": OUT / "small-bpe" / "tokenizer.json",
    "gpt2": EXTERNAL / "tokenizers" / "gpt2" / "tokenizer.json",
    "t5": EXTERNAL / "tokenizers" / "t5" / "tokenizer.json",
}


def convert_llama2c(source):
    """The pieces of a llama2.c tokenizer file as a tokenizer.json; a merge's rank is the place of its result."""
    pieces = [piece.decode().replace(" ", "\u2581") for piece in source.pieces]
    pieces[1:3] = ["<s>", "</s>"]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    assert len(vocab) == len(pieces)
    learned = sorted(range(259, len(pieces)), key=lambda i: -source.scores[i])
    merges = [(piece[:cut], piece[cut:]) for piece in (pieces[i] for i in learned) for cut in range(1, len(piece))
              if piece[:cut] in vocab and piece[cut:] in vocab]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1",
                                                             special_tokens=[("<s>", 1)])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<unk>", "<s>", "</s>")])
    return tokenizer


def load(path):
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def golden(tokenizer, text):
    encoding = tokenizer.encode(text)
    return {"text": text, "ids": encoding.ids,
            "ids_no_special": tokenizer.encode(text, add_special_tokens=False).ids,
            "offsets": [list(offset) for offset in encoding.offsets],
            "decoded": tokenizer.decode(encoding.ids),
            "decoded_special": tokenizer.decode(encoding.ids, skip_special_tokens=False)}


def whole_set(encodings):
    digest, texts, count = hashlib.sha256(), 0, 0
    for ids in encodings:
        digest.update((" ".join(map(str, ids)) + "\n").encode())
        texts, count = texts + 1, count + len(ids)
    return {"texts": texts, "ids": count, "sha256": digest.hexdigest()}


def stsb_sentences():
    """Both sentences of each row of the CSV, row after row."""
    with open(EXTERNAL / "datasets" / "stsb" / "dev.csv", newline="", encoding="utf-8") as file:
        return [sentence for row in csv.reader(file) for sentence in row[:2]]


def story_lines():
    """The lines of the file, empty ones too, without their line feeds."""
    with gzip.open(EXTERNAL / "datasets" / "stories" / "valid.txt.gz") as file:
        return file.read().decode("utf-8").removesuffix("\n").split("\n")


def compare_with_llama2c(source, tokenizer, texts):
    """How many texts llama2.c's own algorithm cuts as the converted tokenizer does."""
    differing = [text for text in texts
                 if source.encode(text) != tokenizer.encode(text).ids]
    print(f"stories260k: llama2.c's algorithm agrees on {len(texts) - len(differing)} of {len(texts)} texts")
    return differing


def main():
    source = llama2c.Tokenizer(ASSETS / "stories260K" / "tok512.bin", 512)
    TOKENIZERS["stories260k"].parent.mkdir(parents=True, exist_ok=True)
    convert_llama2c(source).save(str(TOKENIZERS["stories260k"]))

    texts = [json.loads(line) for line in open(OUT / "torture.jsonl", encoding="utf-8")]
    sets = {"stsb_dev": stsb_sentences(), "stories_valid": story_lines()}
    summary = {"made_by": "tools/reference/make_tokenizer_goldens.py", **versions("tokenizers"), "tokenizers": {}}
    for name, path in TOKENIZERS.items():
        tokenizer = load(path)
        (OUT / name).mkdir(exist_ok=True)
        with open(OUT / name / "golden.jsonl", "w", encoding="utf-8") as file:
            for text in texts:
                file.write(json.dumps(golden(tokenizer, text), separators=(",", ":")) + "\n")
        summary["tokenizers"][name] = {
            set_name: {"special": whole_set(tokenizer.encode(text).ids for text in lines),
                       "no_special": whole_set(tokenizer.encode(text, add_special_tokens=False).ids for text in lines)}
            for set_name, lines in sets.items()}
        print(name, {key: value["special"]["ids"] for key, value in summary["tokenizers"][name].items()})
    converted = load(TOKENIZERS["stories260k"])
    for text in compare_with_llama2c(source, converted, texts):
        print("   differs:", json.dumps(text)[:100])
    for lines in sets.values():
        compare_with_llama2c(source, converted, lines)
    (OUT / "whole_sets.json").write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    main()
