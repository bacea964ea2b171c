"""The texts of the encoders' rows: STS-B's development part, tokenized before any clock starts."""

import csv
import json

import numpy as np

from checkpoints import encoder_folder
from common import MODELS, ROOT

EVERY = 6  # of the sentences are timed: enough for steady figures, and short passes find the quiet moments
LENGTH = 16  # tokens of the texts whose latency is measured, special ones included
STSB = ROOT / "assets" / "stsb" / "dev.csv"


def pairs():
    with open(STSB, newline="", encoding="utf-8") as file:
        return [(a, b, float(score)) for a, b, score in csv.reader(file)]


def all_sentences():
    return [text for a, b, _ in pairs() for text in (a, b)]


def tokenize(shape, texts):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(encoder_folder(shape) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def text_file(shape, which):
    """One text a line. which: "some" of the sentences, "all", or those of "one" length."""
    texts = all_sentences()
    if which == "some":
        texts = texts[::EVERY]
    if which == "one":
        texts = [text for text, ids in zip(texts, tokenize(shape, texts)) if len(ids) == LENGTH][:50]
    path = MODELS / shape.name / f"{which}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    return path


def ids_file(shape, which):
    texts = text_file(shape, which).read_text(encoding="utf-8").splitlines()
    path = MODELS / shape.name / f"{which}.json"
    path.write_text(json.dumps(tokenize(shape, texts)))
    return path


def feed(ids):
    """Padded to the longest: {name of the input: [texts, tokens] int64}."""
    longest = max(map(len, ids))
    tokens = np.zeros((len(ids), longest), np.int64)
    mask = np.zeros_like(tokens)
    for row, sequence in enumerate(ids):
        tokens[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}


def batches(ids, size):
    """Positions of the texts, sorted by length, `size` at a time: the least padding."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    return [order[i : i + size] for i in range(0, len(order), size)]


def spearman(vectors):
    """Of the cosines of the pairs with the human scores; vectors of all_sentences(), unit length."""
    from scipy.stats import spearmanr

    cosine = (vectors[0::2] * vectors[1::2]).sum(1)
    return float(spearmanr(cosine, [score for _, _, score in pairs()]).statistic)
