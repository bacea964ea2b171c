"""A byte-level BPE vocabulary of any size, made of random merges of letters.

The real vocabularies of these sizes belong to others, and the time to load one counts in some of the rows. The words
mean nothing; the table, the merges and the work of cutting a text are those of a real one.
"""

import json
import random

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
           r"\s+(?!\S)|\s+")  # the rule that cuts words in Qwen2


def byte_letters():
    """The printable character that stands for each byte in a byte-level vocabulary (Radford et al., GPT-2, 2019)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        letters.setdefault(byte, chr(256 + len(letters) - len(plain)))
    return [letters[byte] for byte in range(256)]


def make_vocabulary(size):
    """(tokens, merges): `size` tokens, the special ones last."""
    rng = random.Random(1)
    tokens = byte_letters()
    known, merges = set(tokens), []
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = ["\u0120", *letters]  # the first stands for a space
    while len(tokens) + len(SPECIAL) < size:
        left, right = rng.choice(words), rng.choice(letters)
        word = left + right
        if word in known or len(word) > 12:
            continue
        known.add(word)
        tokens.append(word)
        words.append(word)
        merges.append((left, right))
    return tokens + SPECIAL, merges


def tokenizer_json(size):
    tokens, merges = make_vocabulary(size)
    first = len(tokens) - len(SPECIAL)
    added = [dict(id=first + i, content=text, single_word=False, lstrip=False, rstrip=False, normalized=False,
                  special=True) for i, text in enumerate(SPECIAL)]
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]}, "post_processor": level,
        "decoder": level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
                  "vocab": {token: i for i, token in enumerate(tokens[:first])}, "merges": list(map(list, merges))}})


def random_text(words):
    rng = random.Random(2)
    return " ".join("".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 8)))
                    for _ in range(words))
