"""Decoders and encoders of real shapes with random weights: folders as transformers has them, and GGUF in f16.

Weights are drawn once, into the folder; the GGUF file has the same numbers. The speed of a model does not depend on
them, nor does anything of its text make sense: outputs are compared on models that were trained, not on these.
"""

import json
import shutil
from dataclasses import dataclass

import numpy as np

from common import MODELS, ROOT, Missing, made_once
from vocabulary import make_vocabulary, tokenizer_json

SPREAD = 0.02  # standard deviation of the weights


@dataclass(frozen=True)
class DecoderShape:
    """Of Qwen2: grouped heads, gated MLP, biases for queries, keys and values, the table of tokens is the head too."""
    name: str
    vocab: int
    tokens: int  # of the vocabulary that stand for something; the table has more rows
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    context: int = 32768

    @property
    def kv(self):
        return self.hidden // self.heads * self.kv_heads

    @property
    def layer_parameters(self):
        """In matrices: what a token is multiplied with, without the head."""
        h = self.hidden
        return self.layers * (2 * h * h + 2 * h * self.kv + 3 * h * self.inner)

    def prefill_operations(self, tokens):
        """Of the matrix products for a prompt, whose last token alone meets the head."""
        return 2.0 * (tokens * self.layer_parameters + self.vocab * self.hidden)


@dataclass(frozen=True)
class EncoderShape:
    name: str
    hidden: int
    inner: int
    layers: int
    heads: int
    vocab: int = 30522
    positions: int = 512

    @property
    def operations(self):
        """Of the matrix products for one token."""
        return 2.0 * self.layers * (4 * self.hidden * self.hidden + 2 * self.hidden * self.inner)


QWEN2_05B = DecoderShape("qwen2-0.5b", 151936, 151646, 896, 4864, 24, 14, 2)
QWEN2_15B = DecoderShape("qwen2-1.5b", 151936, 151646, 1536, 8960, 28, 12, 2)
SMALL = DecoderShape("small", 2048, 2000, 256, 512, 2, 4, 2, 4096)  # to try the scripts out
MINILM = EncoderShape("minilm", 384, 1536, 6, 12)
BERT_BASE = EncoderShape("bert-base", 768, 3072, 12, 12)
SMALL_BERT = EncoderShape("small-bert", 64, 128, 2, 2)


def decoder_tensors(shape):
    """(name in transformers, name in GGUF, rows and columns or length) in the order of the files."""
    h = shape.hidden
    yield "model.embed_tokens.weight", "token_embd.weight", (shape.vocab, h)
    for i in range(shape.layers):
        layer, block = f"model.layers.{i}.", f"blk.{i}."
        yield layer + "input_layernorm.weight", block + "attn_norm.weight", (h,)
        for own, gguf, rows in (("q", "attn_q", h), ("k", "attn_k", shape.kv), ("v", "attn_v", shape.kv)):
            yield f"{layer}self_attn.{own}_proj.weight", f"{block}{gguf}.weight", (rows, h)
            yield f"{layer}self_attn.{own}_proj.bias", f"{block}{gguf}.bias", (rows,)
        yield layer + "self_attn.o_proj.weight", block + "attn_output.weight", (h, h)
        yield layer + "post_attention_layernorm.weight", block + "ffn_norm.weight", (h,)
        yield layer + "mlp.gate_proj.weight", block + "ffn_gate.weight", (shape.inner, h)
        yield layer + "mlp.up_proj.weight", block + "ffn_up.weight", (shape.inner, h)
        yield layer + "mlp.down_proj.weight", block + "ffn_down.weight", (h, shape.inner)
    yield "model.norm.weight", "output_norm.weight", (h,)


def encoder_tensors(shape):
    h = shape.hidden

    def dense(name, rows, columns):
        yield name + ".weight", (rows, columns)
        yield name + ".bias", (rows,)

    def norm(name):
        yield name + ".weight", (h,)
        yield name + ".bias", (h,)

    yield "embeddings.word_embeddings.weight", (shape.vocab, h)
    yield "embeddings.position_embeddings.weight", (shape.positions, h)
    yield "embeddings.token_type_embeddings.weight", (2, h)
    yield from norm("embeddings.LayerNorm")
    for i in range(shape.layers):
        layer = f"encoder.layer.{i}."
        for own in ("query", "key", "value"):
            yield from dense(f"{layer}attention.self.{own}", h, h)
        yield from dense(layer + "attention.output.dense", h, h)
        yield from norm(layer + "attention.output.LayerNorm")
        yield from dense(layer + "intermediate.dense", shape.inner, h)
        yield from dense(layer + "output.dense", h, shape.inner)
        yield from norm(layer + "output.LayerNorm")
    yield from dense("pooler.dense", h, h)


def draw(name, extents, rng, matrix_type):
    """Matrices in `matrix_type`; vectors in f32: ones for norms, near zero for biases."""
    if len(extents) == 2:
        return (rng.standard_normal(extents, dtype=np.float32) * SPREAD).astype(matrix_type)
    if "norm" in name.lower() and name.endswith("weight"):
        return np.ones(extents, np.float32)
    return rng.standard_normal(extents, dtype=np.float32) * SPREAD


def write_safetensors(path, tensors, matrix_type):
    """tensors: [(name, extents)]. One at a time: none but the current one is in memory."""
    header, at = {}, 0
    for name, extents in tensors:
        kind = matrix_type if len(extents) == 2 else np.float32
        size = int(np.prod(extents)) * np.dtype(kind).itemsize
        header[name] = {"dtype": {2: "F16", 4: "F32"}[np.dtype(kind).itemsize], "shape": list(extents),
                        "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(1)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, extents in tensors:
            draw(name, extents, rng, matrix_type).tofile(file)


def decoder_folder(shape):
    def make(folder):
        folder.mkdir(exist_ok=True)
        write_safetensors(folder / "model.safetensors", [(name, extents) for name, _, extents in
                                                         decoder_tensors(shape)], np.float16)
        (folder / "config.json").write_text(json.dumps(dict(
            model_type="qwen2", architectures=["Qwen2ForCausalLM"], vocab_size=shape.vocab, hidden_size=shape.hidden,
            intermediate_size=shape.inner, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads, max_position_embeddings=shape.context, hidden_act="silu",
            rms_norm_eps=1e-6, rope_theta=1000000.0, tie_word_embeddings=True, use_sliding_window=False,
            bos_token_id=shape.tokens - 3, eos_token_id=shape.tokens - 1, torch_dtype="float16"), indent=1) + "\n")
        (folder / "tokenizer.json").write_text(tokenizer_json(shape.tokens))
        (folder / "tokenizer_config.json").write_text(json.dumps(dict(
            tokenizer_class="Qwen2Tokenizer", eos_token="<|im_end|>", pad_token="<|endoftext|>",
            add_prefix_space=False, model_max_length=shape.context)) + "\n")

    return made_once(MODELS / shape.name / "hf", make)


def read_tensors(folder):
    """{name: array}, mapped."""
    path = folder / "model.safetensors"
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    data = np.memmap(path, np.uint8, "r", 8 + size)
    kinds = {"F16": np.float16, "F32": np.float32}
    return {name: data[slice(*entry["data_offsets"])].view(kinds[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items()}


def decoder_gguf(shape):
    """The folder's numbers as llama.cpp reads them."""
    import gguf

    def make(path):
        tensors = read_tensors(decoder_folder(shape))
        writer = gguf.GGUFWriter(path, "qwen2")
        writer.add_name(shape.name)
        writer.add_context_length(shape.context)
        writer.add_embedding_length(shape.hidden)
        writer.add_block_count(shape.layers)
        writer.add_feed_forward_length(shape.inner)
        writer.add_head_count(shape.heads)
        writer.add_head_count_kv(shape.kv_heads)
        writer.add_rope_freq_base(1000000.0)
        writer.add_layer_norm_rms_eps(1e-6)
        writer.add_file_type(1)  # mostly f16
        tokens, merges = make_vocabulary(shape.tokens)
        tokens += [f"[PAD{i}]" for i in range(len(tokens), shape.vocab)]
        kinds = [gguf.TokenType.NORMAL] * (shape.tokens - 3) + [gguf.TokenType.CONTROL] * 3
        kinds += [gguf.TokenType.UNUSED] * (shape.vocab - shape.tokens)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_list(tokens)
        writer.add_token_types(kinds)
        writer.add_token_merges([" ".join(pair) for pair in merges])
        writer.add_bos_token_id(shape.tokens - 3)
        writer.add_eos_token_id(shape.tokens - 1)
        writer.add_pad_token_id(shape.tokens - 3)
        writer.add_add_bos_token(False)
        for name, own, _ in decoder_tensors(shape):
            writer.add_tensor(own, np.asarray(tensors[name]))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    return made_once(MODELS / shape.name / "f16.gguf", make)


def minilm_folder():
    folder = ROOT / "models" / "minilm"
    if not (folder / "model.safetensors").exists():
        raise Missing("models/minilm is not there: tools/fetch_minilm.sh fetches it")
    return folder


def encoder_folder(shape):
    """A sentence encoder with mean pooling; tokenizer and pooling are MiniLM's."""
    if shape == MINILM:
        return minilm_folder()
    source = minilm_folder()

    def make(folder):
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors", ".*"))
        write_safetensors(folder / "model.safetensors", list(encoder_tensors(shape)), np.float32)
        config = json.loads((source / "config.json").read_text())
        config.update(hidden_size=shape.hidden, intermediate_size=shape.inner, num_hidden_layers=shape.layers,
                      num_attention_heads=shape.heads, vocab_size=shape.vocab,
                      max_position_embeddings=shape.positions)
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        pooling = folder / "1_Pooling" / "config.json"
        pooling.write_text(json.dumps({**json.loads(pooling.read_text()), "word_embedding_dimension": shape.hidden}))

    return made_once(MODELS / shape.name / "hf", make)
