"""Makes tests/data/tokenizers/parts.jsonl: what each normalizer, pre-tokenizer, decoder and post-processor of the `tokenizers` package
answers, one object a line:

    {"normalizer": {...}, "cases": [{"text": ..., "pieces": [[character, begin, end], ...]}, ...]}     one piece a character
    {"pre_tokenizer": {...}, "cases": [{"text": ..., "pieces": [[text, begin, end], ...]}, ...]}
    {"decoder": {...}, "cases": [{"tokens": [...], "text": ...}, ...]}
    {"post_processor": {...}, "cases": [{"texts": [one or two], "ids": [...], "type_ids": [...], "offsets": [[begin, end], ...]}, ...]}

Places are in code points of the text.

    python tools/reference/make_tokenizer_part_goldens.py
"""

import json
import random

from tokenizers import PreTokenizedString, Tokenizer, decoders, models, normalizers, pre_tokenizers

from common import DATA

OUT = DATA / "tokenizers" / "parts.jsonl"
TEXTS = [
    "Hello, World!  It's 42°C — naïve café.", "\x01ab\tc\r\nd\x7f\u200be\u2028f", "Ａｂｃ①㌔ﬁ½ ǆ İstanbul ß ΣΑΣ", "e\u0301 e\u0327\u0301 \u212b 각 が か\u3099",
    "你好，世界。カタカナーひらがな한국어 русский ελληνικά", "👩‍👩‍👧 🇩🇪🇫🇷 👍🏽 1️⃣", "   leading and trailing   ", "a", " ", "中", "▁x▁▁y ▁", "--a--b---c.d..e",
    "for(i=0;i<10;++i){x[i]+=0xFF;}", "١٢٣ ४५६ ⅷ ²³ 12,345.67", "שָׁלוֹם مَرْحَبًا नमस्ते", "\u0301start \u00adsoft \ufeffbom \u3000wide", "don't I'VE we'll they'd",
    "\x00\x00a\u0300\x02", "x\u0000\u0001y", "ab" * 20, "ααβ abcабв 漢字かな ABC", "#%&|@ _under_ “quoted” ‘s’", "line1\nline2\n\n line3\t\t", "A1B2C3",
]
MAPPED = ["\u00e9", "a\u0301", "\ufb01", "\x01", "\t", "\u2460", "\r\n", "\u0958"]


def charsmap():
    """A table of replacements as SentencePiece writes it: trained here, small, with insertions, deletions and rules of two characters."""
    import io

    import sentencepiece

    rules = {"\u00e9": "e'", "a\u0301": "\u00e1", "\ufb01": "fi", "\x01": "", "\t": " ", "\u2460": "1", "\r\n": " ", "\uff21": "A", "\u200b": "", "\u300c": "<<",
             "\u212b": "\u00c5", "b": "bb", "c\u0327": "c"}
    path = DATA / "tokenizers" / "rules.tsv"
    path.write_text("".join(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n" for source, target in rules.items()))
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(["a b c d e f g", "hello"] * 5), model_writer=model, vocab_size=20, hard_vocab_limit=False,
                                             normalization_rule_tsv=str(path), minloglevel=2)
    path.unlink()
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def normalizer_parts():
    n = normalizers
    from tokenizers import Regex

    yield from [n.NFC(), n.NFD(), n.NFKC(), n.NFKD(), n.Lowercase(), n.StripAccents(), n.Nmt(), n.ByteLevel(), n.Strip(), n.Strip(left=False), n.Strip(right=False),
                n.Prepend("▁"), n.Prepend("ab"), n.Replace("a", "bc"), n.Replace(Regex(" {2,}"), "▁"), n.Replace(Regex(r"\p{L}+"), "x"), n.Replace("ab", ""),
                n.Replace(Regex(r"[\p{P}&&[^,.]]"), "."), n.Replace(Regex(r"[^\W\d]"), "w"), n.Replace(Regex(r"[[:punct:]]+"), "!"), n.BertNormalizer(), n.BertNormalizer(lowercase=False, strip_accents=True),
                n.BertNormalizer(clean_text=False, handle_chinese_chars=False), n.Precompiled(charsmap()),
                n.Sequence([n.Precompiled(charsmap()), n.Strip(left=False, right=True), n.Replace(Regex(" {2,}"), "▁")]),
                n.Sequence([n.NFD(), n.StripAccents(), n.Lowercase()]), n.Sequence([n.Nmt(), n.NFKC(), n.Replace(Regex(" {2,}"), " "), n.Lowercase()])]


def pretokenizer_parts():
    p = pre_tokenizers
    from tokenizers import Regex

    yield from [p.BertPreTokenizer(), p.ByteLevel(), p.ByteLevel(add_prefix_space=False), p.ByteLevel(add_prefix_space=False, use_regex=False), p.Whitespace(),
                p.WhitespaceSplit(), p.Digits(), p.Digits(individual_digits=True), p.CharDelimiterSplit("a"), p.UnicodeScripts(), p.FixedLength(1), p.FixedLength(3)]
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    yield from [p.Punctuation(behavior=b) for b in behaviors]
    yield from [p.Split(pattern, behavior=b, invert=invert) for b in behaviors for invert in (False, True) for pattern in (" ", Regex(r"\p{N}{1,2}|-+"))]
    yield from [p.Metaspace(prepend_scheme=scheme, split=split) for scheme in ("always", "first", "never") for split in (True, False)]
    yield from [p.Sequence([p.WhitespaceSplit(), p.Metaspace()]), p.Sequence([p.Whitespace(), p.Digits(individual_digits=True), p.ByteLevel(use_regex=False)]),
                p.Sequence([p.Split(Regex(r"[一-龥぀-ゟ゠-ヿ]+"), "isolated"), p.Metaspace(prepend_scheme="first")]),
                p.Split(Regex(r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"), "isolated"),
                p.Split(Regex(r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+|[\p{Han}]+|[\p{L}\p{M}[^\s\w]]+"), "isolated")]


def decoder_parts():
    d = decoders
    from tokenizers import Regex

    yield from [d.ByteLevel(), d.WordPiece(), d.WordPiece(prefix="@@", cleanup=False), d.Metaspace(), d.Metaspace(prepend_scheme="never"), d.BPEDecoder(),
                d.BPEDecoder(suffix="_"), d.CTC(), d.CTC(pad_token="a", word_delimiter_token="b", cleanup=False), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0),
                d.Strip("a", 0, 2), d.Replace("▁", " "), d.Replace(Regex("a+"), "b"),
                d.Sequence([d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)]), d.Sequence([d.ByteFallback(), d.Metaspace(), d.Fuse(), d.Replace("a", "bc")])]


TOKENS = ["▁Hello", "▁", "▁▁", "he", "##llo", "lo</w>", "w</w>", "<0xE4>", "<0xBD>", "<0xA0>", "<0xFF>", "<0x41>", "<pad>", "|", "a", "a", "b", "aaa", "Ġthe", "Ġ", "Ã©", "ä½", "ł",
          " .", "n't", " 's", " do not", "@@x", "x_", "_", "é", "你", " ", "'", ",", "", "▁a▁b"]


def post_processor_parts():
    vocab = {"<s>": 0, "</s>": 1, "[CLS]": 2, "[SEP]": 3}
    special = {name: {"id": name, "ids": [i], "tokens": [name]} for name, i in vocab.items()}

    def piece(text):
        name, _, kind = text.partition(":")
        key = "Sequence" if name in "AB" else "SpecialToken"
        return {key: {"id": name, "type_id": int(kind or 0)}}

    def template(single, pair):
        return {"type": "TemplateProcessing", "single": [piece(t) for t in single.split()], "pair": [piece(t) for t in pair.split()], "special_tokens": special}

    yield {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
    for trim in (True, False):
        for prefix in (True, False):
            yield {"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": trim, "add_prefix_space": prefix}
            yield {"type": "ByteLevel", "trim_offsets": trim, "add_prefix_space": prefix, "use_regex": True}
    yield template("[CLS] A [SEP]", "[CLS] A [SEP] B:1 [SEP]:1")
    yield template("A </s>", "A </s> B </s>")
    yield template("<s>:2 A:3", "<s>:2 B:3 A:4 </s>:5")
    yield {"type": "Sequence", "processors": [{"type": "ByteLevel", "trim_offsets": True, "add_prefix_space": False, "use_regex": False}, template("<s> A", "<s> A <s>:1 B:1")]}


def as_json(part):
    return json.loads(part.__getstate__())


def pieces_of(text, normalizer=None, pre_tokenizer=None):
    state = PreTokenizedString(text)
    if normalizer:
        state.normalize(normalizer.normalize)
    pre_tokenizer.pre_tokenize(state)
    return [[piece, *offsets] for piece, offsets, _ in state.get_splits(offset_referential="original", offset_type="char")]


def byte_level_bpe():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = ["<s>", "</s>", "[CLS]", "[SEP]", *alphabet]
    merges = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("Ġ", "Ġ"), ("l", "l")]
    return {"type": "BPE", "vocab": {name: i for i, name in enumerate(names + ["".join(merge) for merge in merges])}, "merges": [list(merge) for merge in merges]}


def post_processor_line(part):
    prefix = part.get("add_prefix_space", False)
    whole = {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": as_json(pre_tokenizers.ByteLevel(add_prefix_space=prefix)), "post_processor": part,
             "decoder": None, "model": byte_level_bpe()}
    tokenizer = Tokenizer.from_str(json.dumps(whole))
    cases = []
    for texts in [["the hello"], ["  the  call \n x"], ["the"], [""], ["the hello", "call the"], [" a", "  b  c"], ["你好", "é"]]:
        encoding = tokenizer.encode(*texts)
        cases.append({"texts": texts, "ids": encoding.ids, "type_ids": encoding.type_ids, "offsets": [list(o) for o in encoding.offsets]})
    return {"post_processor": part, "tokenizer": whole, "cases": cases}


def main():
    chance = random.Random(5)
    lines = []
    for part in normalizer_parts():
        lines.append({"normalizer": as_json(part), "cases": [{"text": text, "pieces": pieces_of(text, part, pre_tokenizers.FixedLength(1))} for text in TEXTS + MAPPED]})
    for part in pretokenizer_parts():
        lines.append({"pre_tokenizer": as_json(part), "cases": [{"text": text, "pieces": pieces_of(text, None, part)} for text in TEXTS]})
    for part in decoder_parts():
        cases = []
        while len(cases) < 24:
            tokens = chance.choices(TOKENS, k=chance.randint(1, 7))
            try:
                cases.append({"tokens": tokens, "text": part.decode(tokens)})
            except BaseException as panic:  # the package indexes beyond tokens that Strip leaves nothing of
                assert type(panic).__name__ == "PanicException"
        lines.append({"decoder": as_json(part), "cases": cases})
    for part in post_processor_parts():
        lines.append(post_processor_line(part))
    OUT.write_text("".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    print(f"{len(lines)} parts, {sum(len(line['cases']) for line in lines)} cases, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
