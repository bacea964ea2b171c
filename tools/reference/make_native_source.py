"""Writes tests/data/native/source: the smallest Llama that has a weight of every kind, for the golden native file.

    python3 tools/reference/make_native_source.py
    build/release/bin/swiftlet compress tests/data/native/source -o tests/data/native/version-1.swiftlet \
        --weights int4 --group 8 --asymmetric --embeddings int8 --skip '*o_proj*'
    build/release/bin/swiftlet convert tests/data/native/version-1.swiftlet -o /tmp/values
    cp /tmp/values/model.safetensors tests/data/native/version-1-values.safetensors

Needs Python alone. Every value is a multiple of 1/128 below 1, so f32, f16 and bf16 hold it exactly.
"""

import json
import pathlib
import struct

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests/data/native/source"
HIDDEN, INNER, KV, VOCABULARY = 16, 16, 8, 20

TENSORS = [
    ("model.norm.weight", "F32", [HIDDEN]),
    ("model.layers.0.input_layernorm.weight", "F16", [HIDDEN]),
    ("model.layers.0.post_attention_layernorm.weight", "BF16", [HIDDEN]),
    ("model.embed_tokens.weight", "BF16", [VOCABULARY, HIDDEN]),
    ("model.layers.0.self_attn.q_proj.weight", "BF16", [HIDDEN, HIDDEN]),
    ("model.layers.0.self_attn.k_proj.weight", "BF16", [KV, HIDDEN]),
    ("model.layers.0.self_attn.v_proj.weight", "BF16", [KV, HIDDEN]),
    ("model.layers.0.self_attn.o_proj.weight", "BF16", [HIDDEN, HIDDEN]),
    ("model.layers.0.mlp.gate_proj.weight", "BF16", [INNER, HIDDEN]),
    ("model.layers.0.mlp.up_proj.weight", "BF16", [INNER, HIDDEN]),
    ("model.layers.0.mlp.down_proj.weight", "BF16", [HIDDEN, INNER]),
]


def numbers(seed):
    """A linear congruential generator: the same on every machine."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield ((state >> 33) % 255 - 127) / 128


def encoded(dtype, value):
    if dtype == "F32":
        return struct.pack("<f", value)
    return struct.pack("<e", value) if dtype == "F16" else struct.pack("<f", value)[2:]


def write_weights():
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for seed, (name, dtype, shape) in enumerate(TENSORS):
        source = numbers(seed)
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        blob = b"".join(encoded(dtype, next(source)) for _ in range(count))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    text = json.dumps(header, separators=(",", ":"))
    text += " " * (-len(text) % 8)
    (FOLDER / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text.encode() + data)


def write_json(name, value):
    (FOLDER / name).write_text(json.dumps(value, indent=1) + "\n")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_weights()
    write_json("config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 1, "vocab_size": VOCABULARY, "max_position_embeddings": 32,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True,
        "bos_token_id": 0, "eos_token_id": 1})
    pieces = ["<s>", "</s>", *"swiftle bdarn.", "sw", "if", "swif", "ft"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    assert len(vocabulary) == VOCABULARY
    write_json("tokenizer.json", {
        "version": "1.0",
        "added_tokens": [{"id": number, "content": piece, "special": True, "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False} for number, piece in enumerate(pieces[:2])],
        "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "unk_token": None, "fuse_unk": False, "byte_fallback": False,
                  "vocab": vocabulary, "merges": ["s w", "i f", "sw if", "f t"]}})
    write_json("tokenizer_config.json", {"bos_token": "<s>", "eos_token": "</s>"})
    (FOLDER / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")


main()
