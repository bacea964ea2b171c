#!/usr/bin/env python3
"""Measures llama.cpp and Swiftlet in turns on decoders of a real shape with random weights.

Both read the same f16 weights: llama.cpp as GGUF, quantized by its own llama-quantize, Swiftlet as a folder in the
layout of Hugging Face, quantized by `swiftlet compress`. Formats are paired by what a token reads: Q8_0 with int8 in
groups of 32, Q4_0 with int4 in groups of 32 (in both the embedding table, which is the output head too, has 8 bits).
A round runs every contestant once, the order turning; a figure of a round is the best of three runs in one process,
for both; the table has the medians of the rounds. Prints one JSON object, and the table on standard error.

    tools/reference/rivals.sh                       # builds llama.cpp in build/rivals
    build/rivals/venv/bin/python tools/reference/bench_llama_cpp.py --threads 2 --rounds 5

Random weights give meaningless text: only speed is compared here, never output. Needs numpy and gguf.
"""
import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np

from common import ROOT

SHAPES = {
    "qwen2-0.5b": dict(vocab_size=151936, hidden_size=896, intermediate_size=4864, num_hidden_layers=24,
                       num_attention_heads=14, num_key_value_heads=2, max_position_embeddings=32768),
    "tiny": dict(vocab_size=512, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=2,
                 num_key_value_heads=1, max_position_embeddings=4096),
}
FORMATS = {"8 bits": ("Q8_0", ["--weights", "int8", "--group", "32"]),
           "4 bits": ("Q4_0", ["--weights", "int4", "--group", "32", "--embeddings", "int8"])}
RUNS = 3


def say(text):
    print(f"bench_llama_cpp: {text}", file=sys.stderr, flush=True)


def run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"bench_llama_cpp: {command[0]} failed with {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def tensors(shape):
    """Name in a Hugging Face checkpoint, name in GGUF, and f16 values, one by one."""
    rng = np.random.default_rng(1)
    hidden, inner = shape["hidden_size"], shape["intermediate_size"]
    kv = hidden // shape["num_attention_heads"] * shape["num_key_value_heads"]

    def matrix(rows, columns):
        return (rng.standard_normal((rows, columns), dtype=np.float32) * 0.02).astype(np.float16)

    gain = np.ones(hidden, np.float32)
    yield "model.embed_tokens.weight", "token_embd.weight", matrix(shape["vocab_size"], hidden)
    for i in range(shape["num_hidden_layers"]):
        layer, block = f"model.layers.{i}.", f"blk.{i}."
        yield layer + "input_layernorm.weight", block + "attn_norm.weight", gain
        yield layer + "self_attn.q_proj.weight", block + "attn_q.weight", matrix(hidden, hidden)
        yield layer + "self_attn.k_proj.weight", block + "attn_k.weight", matrix(kv, hidden)
        yield layer + "self_attn.v_proj.weight", block + "attn_v.weight", matrix(kv, hidden)
        yield layer + "self_attn.o_proj.weight", block + "attn_output.weight", matrix(hidden, hidden)
        yield layer + "post_attention_layernorm.weight", block + "ffn_norm.weight", gain
        yield layer + "mlp.gate_proj.weight", block + "ffn_gate.weight", matrix(inner, hidden)
        yield layer + "mlp.up_proj.weight", block + "ffn_up.weight", matrix(inner, hidden)
        yield layer + "mlp.down_proj.weight", block + "ffn_down.weight", matrix(hidden, inner)
    yield "model.norm.weight", "output_norm.weight", gain


def write_folder(shape, folder):
    """The same tensors as a Hugging Face folder; safetensors by hand, a tensor at a time."""
    header, at = {}, 0
    for name, _, values in tensors(shape):
        kind = "F16" if values.dtype == np.float16 else "F32"
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [at, at + values.nbytes]}
        at += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, _, values in tensors(shape):
            file.write(values.tobytes())
    config = dict(shape, model_type="llama", architectures=["LlamaForCausalLM"], hidden_act="silu", rms_norm_eps=1e-6,
                  rope_theta=1000000.0, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def write_gguf(shape, path):
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(shape["vocab_size"])
    writer.add_context_length(shape["max_position_embeddings"])
    writer.add_embedding_length(shape["hidden_size"])
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_feed_forward_length(shape["intermediate_size"])
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_rope_dimension_count(shape["hidden_size"] // shape["num_attention_heads"])
    writer.add_rope_freq_base(1000000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(1)  # mostly f16
    for _, name, values in tensors(shape):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def prepare(arguments, work):
    shape = SHAPES[arguments.shape]
    folder, f16 = work / "hf", work / "f16.gguf"
    if not (work / "done").exists():
        say(f"making {arguments.shape} with random weights")
        write_folder(shape, folder)
        write_gguf(shape, f16)
        for kind, (quantization, options) in FORMATS.items():
            run(arguments.llama / "llama-quantize", f16, work / f"{quantization}.gguf", quantization)
            run(arguments.swiftlet, "compress", folder, "-o", work / f"{kind[0]}.swiftlet", *options, "--quiet")
        (work / "done").touch()


def measure_llama(arguments, model):
    rows = json.loads(run(arguments.llama / "llama-bench", "-m", model, "-p", arguments.prompt, "-n",
                          arguments.generate, "-t", arguments.threads, "-ngl", 0, "-r", RUNS, "-o", "json"))
    return {("prefill" if row["n_prompt"] else "decode"): max(row["samples_ts"]) for row in rows}


def measure_swiftlet(arguments, model):
    def bench(prompt, generate):
        return json.loads(run(arguments.swiftlet, "bench", model, "--prompt", prompt, "--generate", generate,
                              "--threads", arguments.threads, "--repeat", RUNS, "--json", "--quiet"))

    prefill, decode = bench(arguments.prompt, 2), bench(1, arguments.generate)
    return {"prefill": prefill["prefill_tokens_per_second"], "decode": decode["decode_tokens_per_second"],
            "percent_of_read_limit": decode["percent_of_read_limit"],
            "percent_of_compute_limit": prefill["percent_of_compute_limit"]}


def compare(arguments, work):
    results = {}
    for kind, (quantization, _) in FORMATS.items():
        files = {"llama.cpp": work / f"{quantization}.gguf", "Swiftlet": work / f"{kind[0]}.swiftlet"}
        measures = {"llama.cpp": measure_llama, "Swiftlet": measure_swiftlet}
        rounds = {name: [] for name in files}
        for turn in range(arguments.rounds):
            for name in sorted(files, reverse=turn % 2 == 1):
                say(f"{kind}, round {turn + 1} of {arguments.rounds}: {name}")
                rounds[name].append(measures[name](arguments, files[name]))
        entry = {name: {"file": path.name, "file_bytes": path.stat().st_size, "rounds": rounds[name]}
                 for name, path in files.items()}
        for what in ("prefill", "decode"):
            for name in files:
                entry[name][what] = statistics.median(row[what] for row in rounds[name])
            entry[what + "_ratio"] = entry["Swiftlet"][what] / entry["llama.cpp"][what]
        results[kind] = entry
    return results


def table(arguments, results):
    lines = [f"| {arguments.shape}, {arguments.threads} threads | MB | prefill {arguments.prompt}, tokens/s | "
             f"decode {arguments.generate}, tokens/s |", "|---|---:|---:|---:|"]
    for kind, entry in results.items():
        for name in ("llama.cpp", "Swiftlet"):
            row = entry[name]
            lines.append(f"| {kind}: {name}, {row['file']} | {row['file_bytes'] / 1e6:.0f} | {row['prefill']:.0f} | "
                         f"{row['decode']:.1f} |")
        lines.append(f"| ratio | | {entry['prefill_ratio']:.2f} | {entry['decode_ratio']:.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shape", choices=SHAPES, default="qwen2-0.5b")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--llama", type=Path, default=ROOT / "build/rivals/llama.cpp/build/bin",
                        help="the folder of llama-bench and llama-quantize")
    parser.add_argument("--swiftlet", type=Path, default=ROOT / "build/release/bin/swiftlet")
    parser.add_argument("--work", type=Path, default=ROOT / "build/rivals/models")
    arguments = parser.parse_args()
    work = arguments.work / arguments.shape
    prepare(arguments, work)
    results = compare(arguments, work)
    version = arguments.llama.parent.parent / "VERSION"
    print(json.dumps({"llama.cpp": version.read_text().strip() if version.exists() else "unknown",
                      "shape": arguments.shape, "threads": arguments.threads, "prompt": arguments.prompt,
                      "generate": arguments.generate, "results": results}, indent=1))
    print(table(arguments, results), file=sys.stderr)


if __name__ == "__main__":
    main()
