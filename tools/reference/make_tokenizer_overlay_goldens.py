"""Makes tests/data/tokenizers/beside.jsonl: what transformers makes of a tokenizer.json with other files beside it.

One object a line: {"tokenizer": path from the repository's root, "model_type", "files": {name: JSON}, "added": [tokens that no file had], "cases": [{"text", "ids",
"text_of_ids"}]}; the last is what decoding gives, special tokens skipped.

    python tools/reference/make_tokenizer_overlay_goldens.py
"""

import json
import shutil
import tempfile
from pathlib import Path

import transformers

from common import ASSETS, DATA, ROOT

OUT = DATA / "tokenizers"
BYTES = ASSETS / "stories-7m" / "tokenizer.json"
BERT = DATA / "models" / "bert-gelu" / "tokenizer.json"
PIECES = OUT / "small-bpe" / "tokenizer.json"


def token(content, **marks):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True, **marks}


FAST = "PreTrainedTokenizerFast"
# tokenizer.json, model_type, {file: content}
CASES = [
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "eos_token": "<|im_end|>", "added_tokens_decoder": {
        "0": token("<|endoftext|>"), "4096": token("<|im_end|>", lstrip=True, rstrip=True), "4097": token("<extra>", special=False, normalized=True, single_word=True)}}}),
    # Ids with a hole, and in another order.
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "added_tokens_decoder": {"5000": token("<extra>"), "4999": token("<|im_end|>")}}}),
    # Other marks of a token that is there.
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "eos_token": "<|endoftext|>", "added_tokens_decoder": {"0": token("<|endoftext|>", rstrip=True, special=False)}}}),
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "bos_token": "<s>", "additional_special_tokens": ["<|im_end|>", "<extra>"]}}),
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "extra_special_tokens": {"image_token": "<|im_end|>", "other": "<extra>"}, "pad_token": "<pad>"}}),
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "cls_token": "<extra>", "pad_token": "<pad>", "image_token": "<|im_end|>", "add_bos_token": False}}),
    (BYTES, "llama", {"special_tokens_map.json": {"bos_token": "<s>", "pad_token": "<pad>", "extra_special_tokens": ["<|im_end|>"]},
                      "added_tokens.json": {"<extra>": 4096, "<|im_end|>": 4097, "<pad>": 4098}}),
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "eos_token": "<extra>"}, "special_tokens_map.json": {"eos_token": "<|im_end|>"}}),
    # added_tokens_decoder tells everything.
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "added_tokens_decoder": {"0": token("<|endoftext|>")}},
                      "special_tokens_map.json": {"eos_token": "<|im_end|>"}, "added_tokens.json": {"<extra>": 4096}}),
    (BYTES, "gpt2", {"tokenizer_config.json": {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True}}),
    (BYTES, "gpt2", {"tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer"}}),
    (BYTES, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "add_prefix_space": True}}),
    (BERT, "bert", {"tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": False}}),
    (BERT, "bert", {"tokenizer_config.json": {"tokenizer_class": "BertTokenizerFast", "strip_accents": False, "tokenize_chinese_chars": False}}),
    (BERT, "bert", {"tokenizer_config.json": {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": False, "strip_accents": True}}),
    (BERT, "bert", {"tokenizer_config.json": {"do_lower_case": False}}),
    (BERT, "llama", {"tokenizer_config.json": {"tokenizer_class": FAST, "do_lower_case": False}}),
    (PIECES, "llama", {"tokenizer_config.json": {"tokenizer_class": "LlamaTokenizerFast", "add_prefix_space": False, "legacy": False}}),
]
TEXTS = ["Hello world", "  two  spaces ", "a<|im_end|>b <|im_end|> c", "foo<extra>bar", "foo <extra> bar", "the cat<pad><s> ran<|endoftext|>  off", "Na\u00efve CAF\u00c9 The",
         "\u65e5\u672c\u8a9e the", "once upon a time", ""]


def case(source, model_type, files):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(source, Path(folder) / "tokenizer.json")
        for name, content in {"config.json": {"model_type": model_type}, **files}.items():
            (Path(folder) / name).write_text(json.dumps(content))
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    own = {added["content"] for added in json.loads(source.read_text(encoding="utf-8"))["added_tokens"]}
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    cases = []
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"]
        cases.append({"text": text, "ids": ids, "text_of_ids": tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)})
    return {"tokenizer": source.relative_to(ROOT).as_posix(), "model_type": model_type, "files": files,
            "added": [added for added in backend["added_tokens"] if added["content"] not in own], "cases": cases}


def main():
    lines = [case(*one) for one in CASES]
    (OUT / "beside.jsonl").write_text("".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    print(len(lines), "folders")


if __name__ == "__main__":
    main()
