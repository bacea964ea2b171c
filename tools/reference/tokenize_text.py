"""Ids of the `tokenizers` package, one text a line in, one line of ids out; truncation and padding are turned off.

    python tools/reference/tokenize_text.py TOKENIZER_JSON [--no-special] < text > ids
"""

import sys

from tokenizers import Tokenizer


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for line in sys.stdin.buffer.read().decode("utf-8").removesuffix("\n").split("\n"):
        print(*tokenizer.encode(line, add_special_tokens="--no-special" not in sys.argv).ids)


if __name__ == "__main__":
    main()
