"""Makes assets/text/corpus.txt, the passages that the demonstration searches: one a line.

The paragraphs of the stories validation text, short ones (mostly talk) joined to the next until the passage has 120
characters, long ones cut between sentences at about 360.

    python tools/reference/make_corpus.py
"""

import gzip
import re

from common import ASSETS

SHORTEST, LONGEST = 120, 360


def sentences(paragraph):
    return re.split(r"(?<=[.!?]['\"])\s+|(?<=[.!?])\s+(?=[A-Z'\"])", " ".join(paragraph.split()))


def passages(text):
    passage = ""
    for paragraph in re.split(r"\n\s*\n", text):
        for sentence in sentences(paragraph):
            if passage and len(passage) + len(sentence) > LONGEST:
                yield passage
                passage = ""
            passage = f"{passage} {sentence}".strip()
        if len(passage) >= SHORTEST:
            yield passage
            passage = ""
    if passage:
        yield passage


def main():
    with gzip.open(ASSETS / "text" / "stories-valid.txt.gz") as file:
        found = [passage for passage in passages(file.read().decode("utf-8")) if len(passage) >= 30]
    (ASSETS / "text" / "corpus.txt").write_text("\n".join(found) + "\n", encoding="utf-8")
    print(len(found), "passages, the longest of", max(map(len, found)), "characters")


if __name__ == "__main__":
    main()
