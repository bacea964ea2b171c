"""Makes tests/data/tokenizers/families.jsonl: what the classes of transformers make of vocabulary files without a tokenizer.json.

    small-bytes/vocab.json, merges.txt   the byte-level vocabulary of assets/stories-7m
    small-bytes/ranks.tiktoken           the first tokens of it as a tiktoken file

One object a line: {"files": [...], "config": tokenizer_config.json, "cases": [{"text", "ids"}]}. Files are named from tests/data/tokenizers/. DeBERTa's have
"offsets" besides, in bytes of the text.

    python tools/reference/make_tokenizer_family_goldens.py
"""

import base64
import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import transformers
from tokenizers import processors
from transformers.convert_slow_tokenizer import DebertaV2Converter, TikTokenConverter, bytes_to_unicode

from common import ASSETS, DATA
from tokenizer_sources import llama3_special_tokens, load_tiktoken

OUT = DATA / "tokenizers"
# class, the files it reads (name in its folder -> ours), tokenizer_config.json
FAMILIES = [
    ("XLMRobertaTokenizer", {"sentencepiece.bpe.model": "small-unigram/spiece.model"}, {}),
    ("XLMRobertaTokenizer", {"sentencepiece.bpe.model": "small-fallback/spiece.model"}, {}),
    ("CamembertTokenizer", {"sentencepiece.bpe.model": "small-fallback/spiece.model"}, {}),
    ("LlamaTokenizer", {"tokenizer.model": "small-bpe/tokenizer.model"}, {"legacy": False, "add_bos_token": True, "add_eos_token": True}),
    ("LlamaTokenizer", {"tokenizer.model": "small-bpe/tokenizer.model"}, {"legacy": False, "add_prefix_space": False, "add_bos_token": False}),
    ("GPT2Tokenizer", {"vocab.json": "small-bytes/vocab.json", "merges.txt": "small-bytes/merges.txt"}, {}),
    ("GPT2Tokenizer", {"vocab.json": "small-bytes/vocab.json", "merges.txt": "small-bytes/merges.txt"},
     {"add_bos_token": True, "add_prefix_space": True, "bos_token": "<bos>", "pad_token": "<pad>"}),
    ("Qwen2Tokenizer", {"vocab.json": "small-bytes/vocab.json", "merges.txt": "small-bytes/merges.txt"},
     {"added_tokens_decoder": {"1763": {"content": "<|im_start|>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}}}),
    ("GPTNeoXTokenizer", {"vocab.json": "small-bytes/vocab.json", "merges.txt": "small-bytes/merges.txt"}, {}),
    ("RobertaTokenizer", {"vocab.json": "small-bytes/vocab.json", "merges.txt": "small-bytes/merges.txt"},
     {"mask_token": {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False, "special": True}}),
    ("CLIPTokenizer", {"vocab.json": "small-bytes/vocab.json", "merges.txt": "small-bytes/merges.txt"}, {}),
]


def write_small_bytes():
    folder = OUT / "small-bytes"
    folder.mkdir(exist_ok=True)
    model = json.loads((ASSETS / "stories-7m" / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    pairs = [merge if isinstance(merge, list) else merge.split(" ") for merge in model["merges"]][:1500]
    kept = {token for token in model["vocab"] if len(token) == 1} | {"".join(pair) for pair in pairs}
    vocab = {token: i for i, token in enumerate(["<|endoftext|>", *sorted(kept, key=lambda token: model["vocab"][token])])}
    for token in ("<s>", "</s>", "<unk>", "<pad>", "<mask>", "<|startoftext|>"):
        vocab[token] = len(vocab)
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in pairs), encoding="utf-8")
    bytes_of = {character: byte for byte, character in bytes_to_unicode().items()}
    tokens = sorted(kept, key=lambda token: model["vocab"][token])
    assert len([token for token in tokens if len(token) == 1]) == 256
    lines = [f"{base64.b64encode(bytes(bytes_of[c] for c in token)).decode()} {rank}\n" for rank, token in enumerate(tokens)]
    (folder / "ranks.tiktoken").write_text("".join(lines))


def tiktoken_line(texts):
    TikTokenConverter.load_tiktoken_bpe = staticmethod(load_tiktoken)
    tokenizer = TikTokenConverter(vocab_file=str(OUT / "small-bytes" / "ranks.tiktoken"), extra_special_tokens=llama3_special_tokens()).converted()
    begin = "<|begin_of_text|>"
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))])
    return {"files": {"tokenizer.model": "small-bytes/ranks.tiktoken"}, "config": {}, "cases": [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts]}


def deberta_line(texts, config):
    """By DebertaV2Converter: what DebertaV2TokenizerFast was up to transformers 4. Its class of transformers 5 leaves out the table of replacements that the
    model was trained with."""
    file = "small-deberta/spm.model"
    given = {key: config.get(key, False) for key in ("do_lower_case", "split_by_punct")}
    slow = SimpleNamespace(vocab_file=str(OUT / file), convert_tokens_to_ids=["[PAD]", "[CLS]", "[SEP]", "[UNK]"].index, **given)
    roles = dict(bos="[CLS]", eos="[SEP]", unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=DebertaV2Converter(slow).converted(), **{f"{role}_token": token for role, token in roles.items()})
    cases = []
    for text in texts:
        encoding = fast.backend_tokenizer.encode(text)
        offsets = [[len(text[:place].encode()) for place in pair] for pair in encoding.offsets]
        cases.append({"text": text, "ids": encoding.ids, "offsets": offsets})
    return {"files": {"spm.model": file}, "config": config, "cases": cases}


def main():
    write_small_bytes()
    texts = [json.loads(line) for line in open(OUT / "torture.jsonl", encoding="utf-8")][::2]
    texts += ["a<mask>b <mask> c", "x <|im_start|>user", "<s>a</s>", "<extra_id_0> b<extra_id_4>", "<|begin_of_text|>a<|eot_id|>", "don't 12345 DON'T", "<|endoftext|>"]
    lines = []
    for name, files, config in FAMILIES:
        config = {"tokenizer_class": name, **config}
        with tempfile.TemporaryDirectory() as folder:
            for own, ours in files.items():
                shutil.copy(OUT / ours, Path(folder) / own)
            (Path(folder) / "tokenizer_config.json").write_text(json.dumps(config))
            tokenizer = getattr(transformers, name).from_pretrained(folder).backend_tokenizer
            lines.append({"files": files, "config": config, "cases": [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts]})
    lines.append(tiktoken_line(texts))
    # The published models name no class: it follows from config.json.
    marked = texts[:-7] + ["a [MASK] b", "[MASK]", "[CLS] a[SEP] [PAD] b [UNK]", "(one, two)! three-four ...", "  Three  Spaces   Before ", "A\u2460 B\n\tC"]
    lines += [deberta_line(marked, {"do_lower_case": False, "vocab_type": "spm"}),
              deberta_line(marked, {"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": True, "split_by_punct": True})]
    (OUT / "families.jsonl").write_text("".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    (OUT / "small-bpe" / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer", "legacy": true}\n')
    print(len(lines), "families")


if __name__ == "__main__":
    main()
