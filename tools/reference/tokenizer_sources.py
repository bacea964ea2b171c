"""The tokenizers that are compared, each as the `tokenizers` package has it: read, or converted as transformers does."""

import base64
import json
from pathlib import Path

from tokenizers import Tokenizer

from common import ASSETS, DATA


def read_tokenizer(path):
    """tokenizer.json, whose merges may hold tokens with spaces: the package wants those as pairs."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception:
        data = json.loads(path.read_text(encoding="utf-8"))
        vocab = data["model"]["vocab"]
        data["model"]["merges"] = [split_merge(merge, vocab) for merge in data["model"]["merges"]]
        return Tokenizer.from_str(json.dumps(data))


def split_merge(merge, vocab):
    cuts = [at for at, character in enumerate(merge) if character == " "]
    return next([merge[:at], merge[at + 1:]] for at in cuts
                if merge[:at] in vocab and merge[at + 1:] in vocab and merge[:at] + merge[at + 1:] in vocab)


def load_tiktoken(path):
    return {base64.b64decode(token): int(rank) for token, rank in
            (line.split() for line in Path(path).read_bytes().splitlines() if line)}


def llama3(folder):
    """A tiktoken file with the special tokens of Llama 3, as transformers' conversion script names them."""
    from tokenizers import processors
    from transformers.convert_slow_tokenizer import TikTokenConverter

    TikTokenConverter.load_tiktoken_bpe = staticmethod(load_tiktoken)
    tokenizer = TikTokenConverter(vocab_file=str(folder / "tokenizer.model"), extra_special_tokens=llama3_special_tokens()).converted()
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|>:0 $A:0 <|begin_of_text|>:1 $B:1",
                                      special_tokens=[("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))])])
    return tokenizer


def llama3_special_tokens():
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
             "<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>", "<|end_header_id|>",
             "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"]
    return names + [f"<|reserved_special_token_{i}|>" for i in range(3, 256 - len(names) + 3)]


def from_transformers(name, folder):
    """What a tokenizer class of transformers makes of a folder without tokenizer.json."""
    import transformers

    return getattr(transformers, name).from_pretrained(str(folder)).backend_tokenizer


def all_sources(external):
    """name -> (what ours is loaded from, a function that makes the package's)"""
    folder = external / "tokenizers"

    def read(path):
        return path, lambda: read_tokenizer(path)

    return {
        "bert-uncased": read(folder / "bert-uncased" / "tokenizer.json"),
        "gpt2": read(folder / "gpt2" / "tokenizer.json"),
        "llama2": read(folder / "llama2" / "tokenizer.json"),
        "t5": read(folder / "t5" / "tokenizer.json"),
        "stories-7m": read(ASSETS / "stories-7m" / "tokenizer.json"),
        "stories260k": read(DATA / "tokenizers" / "stories260k" / "tokenizer.json"),
        "llama2-model": (folder / "llama2" / "tokenizer.model", lambda: read_tokenizer(folder / "llama2" / "tokenizer.json")),
        "llama3": (folder / "llama3" / "tokenizer.model", lambda: llama3(folder / "llama3")),
        "qwen2": (folder / "qwen2", lambda: from_transformers("Qwen2Tokenizer", folder / "qwen2")),
    }
