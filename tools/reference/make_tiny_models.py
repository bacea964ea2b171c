"""Makes tests/data/models/<name>/: tiny random checkpoints and what transformers computes with them.

Each folder holds config.json, model.safetensors, tokenizer.json and golden.safetensors with

    input_ids.<i>         i32 [T]     three sequences of different lengths, each computed by itself, unpadded
    hidden.<i>.<layer>    f32 [T, H]  layer 0 is the output of the embeddings, layer n that of block n.
                                      Llama: the last one is taken after the final norm (the convention of
                                      transformers' hidden_states); BERT: it equals last_hidden.
    logits.<i>            f32 [T, V]  Llama only
    greedy.<i>            i32 [24]    Llama only: the 24 most likely next tokens, one after the other
    last_hidden.<i>       f32 [T, H]  BERT only

All arithmetic is float32 with eager attention; 16-bit checkpoints are widened first. Weights, gains and biases are
all random and large enough that a wrong sign, a swapped axis or a forgotten bias shows in the first layer.

    python tools/reference/make_tiny_models.py [NAME...]
"""

import json
import re
import shutil
import sys
from collections import Counter

from common import DATA, torch_reference, versions

torch = torch_reference()

from safetensors.torch import save_file  # noqa: E402
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402
from transformers.utils import logging  # noqa: E402
from transformers import BertConfig, BertForMaskedLM, BertModel, LlamaConfig, LlamaForCausalLM  # noqa: E402

logging.disable_progress_bar()

GREEDY_TOKENS = 24
LLAMA_VOCAB = 320
BERT_VOCAB = 140

# Only here to have something to learn merges and word pieces from.
TEXT = """The swift is a small bird that spends most of its life in the air. It eats, drinks and even sleeps on the
wing. In the early summer swifts return from the south and nest under the roofs of old houses, in walls and in towers.
When the evening is warm they chase each other over the streets, and their thin cries can be heard from far away. A
young swift leaves the nest in the night and does not come back; it may fly for two or three years before it rests for
the first time. Nobody had taught it the way, and yet it finds the lakes and the forests where its parents spent the
winter. Those who watch them say that the summer is over on the day when the last swift has gone."""

LLAMA = dict(vocab_size=LLAMA_VOCAB, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=4, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=0,
             pad_token_id=None)
BERT = dict(vocab_size=BERT_VOCAB, hidden_size=40, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
            max_position_embeddings=64, type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12, pad_token_id=0)
LLAMA3_ROPE = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=32)
YARN_ROPE = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32, beta_fast=8.0)

# name: (class, config, dtype of the file, lengths, entries written over config.json as older checkpoints have them)
MODELS = {
    "llama-tied": (LlamaForCausalLM, LLAMA | dict(tie_word_embeddings=True), torch.float32, (1, 7, 23), {}),
    "llama-grouped": (LlamaForCausalLM,
                      LLAMA | dict(num_attention_heads=6, num_key_value_heads=2, tie_word_embeddings=False,
                                   rms_norm_eps=1e-6, rope_parameters=dict(rope_type="default", rope_theta=500.0)),
                      torch.float32, (1, 7, 23), {"rope_theta": 500.0, "rope_scaling": None}),
    "llama-bias": (LlamaForCausalLM, LLAMA | dict(attention_bias=True, num_key_value_heads=2), torch.float32,
                   (1, 7, 23), {}),
    "llama-rope-llama3": (LlamaForCausalLM,
                          LLAMA | dict(hidden_size=64, rope_parameters=LLAMA3_ROPE | dict(rope_theta=1000.0)),
                          torch.float32, (1, 7, 61), {"rope_theta": 1000.0, "rope_scaling": LLAMA3_ROPE}),
    "llama-bf16": (LlamaForCausalLM, LLAMA | dict(num_key_value_heads=1), torch.bfloat16, (1, 7, 23), {}),
    "llama-head-dim": (LlamaForCausalLM, LLAMA | dict(head_dim=16, num_key_value_heads=2, tie_word_embeddings=True),
                       torch.float32, (1, 7, 23), {}),
    "bert-gelu": (BertModel, BERT, torch.float32, (1, 7, 23), {}),
    "bert-mlm": (BertForMaskedLM, BERT | dict(num_attention_heads=5, layer_norm_eps=1e-5), torch.float32, (1, 7, 23),
                 {}),
    "bert-f16": (BertModel, BERT | dict(num_hidden_layers=2), torch.float16, (1, 7, 23), {}),
    "llama-rope-yarn": (LlamaForCausalLM,
                        LLAMA | dict(head_dim=16, num_key_value_heads=2,
                                     rope_parameters=YARN_ROPE | dict(rope_theta=1000.0)),
                        torch.float32, (1, 7, 61), {"rope_theta": 1000.0, "rope_scaling": YARN_ROPE}),
    "llama-rope-dynamic": (LlamaForCausalLM,
                           LLAMA | dict(num_key_value_heads=1, num_hidden_layers=2,
                                        rope_parameters=dict(rope_type="dynamic", factor=4.0, rope_theta=300.0)),
                           torch.float32, (1, 7, 61), {}),
}


def randomise(model, generator):
    """Every parameter random: matrices of gain about 1 (1.5 for queries and keys), gains about 1, biases about 0."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name.lower() and name.endswith("weight"):
            parameter.copy_(1.0 + 0.25 * noise)
        elif parameter.dim() == 1:
            parameter.copy_(0.2 * noise)
        elif "embed" in name:
            # Tied embeddings are small, or every token would predict itself.
            tied_llama = isinstance(model, LlamaForCausalLM) and model.config.tie_word_embeddings
            parameter.copy_((0.1 if tied_llama else 0.6) * noise)
        else:
            sharp = 1.5 if any(part in name for part in ("q_proj", "k_proj", "query", "key")) else 1.0
            parameter.copy_(sharp * noise / parameter.shape[1] ** 0.5)


def byte_level_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=LLAMA_VOCAB, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def word_piece():
    """The pieces of TEXT chosen by hand: its letters, alone and as continuations, and its most frequent words. (The
    trainer of the package does not give the same pieces on every run.)"""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted(set(TEXT.lower()) - set(" \n"))
    pieces = special + letters + [f"##{letter}" for letter in letters if letter.isalpha()]
    words = Counter(word for word in re.findall("[a-z]+", TEXT.lower()) if len(word) > 1)
    pieces += sorted(words, key=lambda word: (-words[word], word))[:BERT_VOCAB - len(pieces)]
    assert len(pieces) == BERT_VOCAB
    vocab = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def greedy(model, ids):
    """The next tokens without a cache, and the smallest distance between the first and the second choice."""
    ids, margin = ids.clone(), float("inf")
    for _ in range(GREEDY_TOKENS):
        best = model(input_ids=ids[None], use_cache=False).logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        ids = torch.cat([ids, best.indices[:1]])
    return ids[-GREEDY_TOKENS:].to(torch.int32), margin


def dump(model, sequences):
    """The tensors of golden.safetensors and the smallest margin of the greedy choices."""
    tensors, margin = {}, float("inf")
    for i, ids in enumerate(sequences):
        out = model(input_ids=ids[None], output_hidden_states=True)
        tensors[f"input_ids.{i}"] = ids.to(torch.int32)
        for layer, hidden in enumerate(out.hidden_states):
            tensors[f"hidden.{i}.{layer}"] = hidden[0]
        if isinstance(model, BertModel):
            tensors[f"last_hidden.{i}"] = out.last_hidden_state[0]
            assert torch.equal(out.hidden_states[-1], out.last_hidden_state)
        else:
            tensors[f"logits.{i}"] = out.logits[0]
            assert torch.equal(out.logits, model.lm_head(out.hidden_states[-1]))
            tensors[f"greedy.{i}"], least = greedy(model, ids)
            margin = min(margin, least)
    return {name: tensor.contiguous().clone() for name, tensor in tensors.items()}, margin


def rewrite_config(folder, entries):
    """transformers 5 writes `rope_parameters`; most published checkpoints carry the older pair, so some of ours do."""
    if entries:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        del config["rope_parameters"]
        path.write_text(json.dumps(config | entries, indent=2, sort_keys=True) + "\n")


def make(name, seed):
    cls, config, dtype, lengths, entries = MODELS[name]
    folder = DATA / "models" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(seed)

    llama = cls is LlamaForCausalLM
    model = cls((LlamaConfig if llama else BertConfig)(**config, attn_implementation="eager"))
    randomise(model, generator)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (byte_level_bpe() if llama else word_piece()).save(str(folder / "tokenizer.json"))
    rewrite_config(folder, entries)

    reader = LlamaForCausalLM if llama else BertModel
    model = reader.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    sequences = [torch.randint(5, config["vocab_size"], (n,), generator=generator) for n in lengths]
    tensors, margin = dump(model, sequences)
    # One entry only: safetensors writes several in no fixed order.
    note = {"made_by": "tools/reference/make_tiny_models.py"} | versions("transformers", "torch")
    if llama:
        note |= {"last_hidden_layer": "after the final norm", "least_greedy_margin": round(margin, 6)}
    save_file(tensors, folder / "golden.safetensors", {"note": json.dumps(note)})
    for path in folder.iterdir():
        path.chmod(0o644)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{name:20} {size / 1e3:7.1f} kB  least greedy margin {margin:.4f}")


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(MODELS)
    for index, name in enumerate(MODELS):
        if name in chosen:
            make(name, seed=1000 + index)
