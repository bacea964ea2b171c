#!/usr/bin/env python3
"""Measures all-MiniLM-L6-v2 in ONNX Runtime's int8, and beside it, in turns, the same model in Swiftlet.

The model is exported to ONNX with its mean pooling and normalization, quantized dynamically (weights int8 per tensor
or per channel, activations per tensor at run time) with and without ONNX Runtime's own fusion for BERT, and every
variant is measured: one whose Spearman correlation falls more than a point below f32 does not count, the fastest of
the others does. Sentences are those of STS-B's development part, tokenized before the clock starts, sorted by length,
in batches padded to their longest; only real tokens are counted. Prints one JSON object.

    bench_onnxruntime.py --model models/minilm --threads 2
    bench_onnxruntime.py --swiftlet build/release/bin/swiftlet --native minilm-int8.swiftlet --rounds 5

Needs torch, transformers, onnx, onnxruntime, scipy; onnxscript where torch exports only with it.
"""
import argparse
import csv
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ASSETS, ROOT, versions

BATCHES = (16, 32, 64)
LATENCY_TEXTS = 50  # as `swiftlet bench`
POINT = 0.01


def pairs():
    with open(ASSETS / "stsb" / "dev.csv", newline="", encoding="utf-8") as file:
        return [(a, b, float(score)) for a, b, score in csv.reader(file)]


def sentences():
    return [text for a, b, _ in pairs() for text in (a, b)]


def export(model_folder, path):
    import torch
    from transformers import AutoModel, AutoTokenizer

    class SentenceEncoder(torch.nn.Module):
        def __init__(self, encoder):
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids, attention_mask, token_type_ids):
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask,
                                  token_type_ids=token_type_ids).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    encoder = AutoModel.from_pretrained(model_folder, attn_implementation="eager").eval()
    example = AutoTokenizer.from_pretrained(model_folder)(["a fast bird", "swift"], padding=True, return_tensors="pt")
    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(SentenceEncoder(encoder), tuple(example[name] for name in names), path, input_names=names,
                      output_names=["embedding"], opset_version=17, dynamo=False,
                      dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names} | {"embedding": {0: "batch"}})


def make_variants(model_folder, work):
    """{name: path}: f32 and int8, as exported and with the attention, GELU and norms of BERT fused."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    config = json.loads((Path(model_folder) / "config.json").read_text())
    plain, fused = work / "f32.onnx", work / "f32-fused.onnx"
    if not fused.exists():
        export(model_folder, str(plain))
        optimized = optimizer.optimize_model(str(plain), model_type="bert", num_heads=config["num_attention_heads"],
                                             hidden_size=config["hidden_size"])
        print("fused:", optimized.get_fused_operator_statistics(), file=sys.stderr)
        optimized.save_model_to_file(str(fused))
    variants = {"f32": plain, "f32-fused": fused}
    for source in (plain, fused):
        for per_channel in (False, True):
            path = work / (source.stem.replace("f32", "int8") + ("-per-channel" if per_channel else "") + ".onnx")
            if not path.exists():
                quantize_dynamic(str(source), str(path), per_channel=per_channel, weight_type=QuantType.QInt8,
                                 extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
            variants[path.stem] = path
    return variants


def tokenized(model_folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    return tokenizer(sentences(), truncation=True, max_length=256)["input_ids"]


def feed(ids):
    import numpy

    longest = max(map(len, ids))
    tokens = numpy.zeros((len(ids), longest), numpy.int64)
    mask = numpy.zeros_like(tokens)
    for row, sequence in enumerate(ids):
        tokens[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return {"input_ids": tokens, "attention_mask": mask, "token_type_ids": numpy.zeros_like(tokens)}


def measure(path, ids_file, threads, batches, repeat, vectors_file=None):
    """Best of `repeat` passes over all sentences for each batch size, and the median time of one sentence."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    ids = json.loads(Path(ids_file).read_text())
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    result = {"batches": {}}
    for batch in batches:
        chunks = [order[i : i + batch] for i in range(0, len(order), batch)]
        feeds = [feed([ids[i] for i in chunk]) for chunk in chunks]
        seconds = []
        for _ in range(repeat):
            start = time.perf_counter()
            outputs = [session.run(None, inputs)[0] for inputs in feeds]
            seconds.append(time.perf_counter() - start)
        result["batches"][str(batch)] = {"tokens_per_second": sum(map(len, ids)) / min(seconds),
                                         "sentences_per_second": len(ids) / min(seconds)}
    if vectors_file:
        vectors = numpy.zeros((len(ids), outputs[0].shape[1]), numpy.float32)
        for chunk, output in zip(chunks, outputs):
            vectors[chunk] = output
        numpy.save(vectors_file, vectors)
    latencies = []
    for sequence in ids[:LATENCY_TEXTS]:
        inputs = feed([sequence])
        start = time.perf_counter()
        session.run(None, inputs)
        latencies.append(time.perf_counter() - start)
    result["latency_seconds_p50"] = statistics.median(latencies)
    return result


def spearman(vectors_file):
    import numpy
    from scipy.stats import spearmanr

    vectors = numpy.load(vectors_file)
    cosine = (vectors[0::2] * vectors[1::2]).sum(1)
    return float(spearmanr(cosine, [score for _, _, score in pairs()]).statistic)


def in_own_process(prefix, path, ids_file, threads, batches, repeat, vectors_file=None):
    request = json.dumps([str(path), str(ids_file), threads, list(batches), repeat, vectors_file and str(vectors_file)])
    return json.loads(subprocess.run([*prefix, sys.executable, __file__, "--worker", request], check=True,
                                     stdout=subprocess.PIPE).stdout)


def swiftlet_run(prefix, program, native, texts_file, threads, repeat):
    command = [*prefix, program, "bench", native, "--input", str(texts_file), "--threads", str(threads),
               "--repeat", str(repeat), "--json", "--quiet"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def summary(runs):
    rates = [run["tokens_per_second"] for run in runs]
    return {"tokens_per_second_median": statistics.median(rates), "tokens_per_second_best": max(rates),
            "tokens_per_second_runs": rates,
            "latency_seconds_p50_median": statistics.median(run["latency_seconds_p50"] for run in runs)}


def choose(arguments, variants, ids_file, work):
    """Every variant at every batch size; the fastest int8 one whose quality holds."""
    table, batches, repeat = {}, BATCHES, arguments.repeat
    if arguments.variant:
        name, batch = arguments.variant
        repeat, variants, batches = 1, {"f32": variants["f32"], name: variants[name]}, (int(batch),)
    for name, path in variants.items():
        vectors = work / f"{name}.npy"
        result = in_own_process(arguments.prefix, path, ids_file, arguments.threads, batches, repeat, vectors)
        best = max(result["batches"], key=lambda batch: result["batches"][batch]["tokens_per_second"])
        table[name] = {"batch": int(best), **result["batches"][best], "spearman": spearman(vectors),
                       "latency_seconds_p50": result["latency_seconds_p50"], "file_bytes": path.stat().st_size}
        print(name, json.dumps(table[name]), file=sys.stderr)
    lowest = table["f32"]["spearman"] - POINT
    valid = [name for name in table if name.startswith("int8") and table[name]["spearman"] >= lowest]
    if not valid:
        sys.exit("bench_onnxruntime: no int8 variant keeps the quality")
    return table, max(valid, key=lambda name: table[name]["tokens_per_second"])


def compare(arguments, path, batch, ids, work):
    """Both in turns over the same sentences."""
    ids_file, texts_file = work / "compared-ids.json", work / "compared-sentences.txt"
    ids_file.write_text(json.dumps(ids[:: arguments.every]))
    texts_file.write_text("".join(text + "\n" for text in sentences()[:: arguments.every]), encoding="utf-8")
    rival, ours = [], []
    for _ in range(arguments.rounds):
        run = in_own_process(arguments.prefix, path, ids_file, arguments.threads, [batch], arguments.repeat)
        rival.append({**run["batches"][str(batch)], "latency_seconds_p50": run["latency_seconds_p50"]})
        ours.append(swiftlet_run(arguments.prefix, arguments.swiftlet, arguments.native, texts_file,
                                 arguments.threads, arguments.repeat))
        print(f"round: onnxruntime {rival[-1]['tokens_per_second']:.0f}, swiftlet "
              f"{ours[-1]['tokens_per_second']:.0f} tokens/s", file=sys.stderr)
    rival, ours = summary(rival), summary(ours)
    return {"sentences": len(ids[:: arguments.every]), "onnxruntime": rival, "swiftlet": ours,
            "ratio_of_medians": ours["tokens_per_second_median"] / rival["tokens_per_second_median"],
            "ratio_of_bests": ours["tokens_per_second_best"] / rival["tokens_per_second_best"],
            "latency_ratio": ours["latency_seconds_p50_median"] / rival["latency_seconds_p50_median"]}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(ROOT / "models" / "minilm"), help="folder of the checkpoint")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeat", type=int, default=3, help="passes of a run; the best counts")
    parser.add_argument("--rounds", type=int, default=5, help="turns of the comparison")
    parser.add_argument("--every", type=int, default=1,
                        help="compare on every N-th sentence: short passes find the quiet moments of a busy machine")
    parser.add_argument("--swiftlet", help="the program; measured in turns with ONNX Runtime")
    parser.add_argument("--native", help="the int8 model that it runs")
    parser.add_argument("--prefix", type=shlex.split, default=[], help="command that runs each contestant")
    parser.add_argument("--variant", nargs=2, metavar=("NAME", "BATCH"),
                        help="compare with this one (int8-per-channel 32), not the fastest of all")
    parser.add_argument("--work", type=Path, help="folder to keep the exported models in")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    arguments = parse()
    if arguments.worker:
        print(json.dumps(measure(*json.loads(arguments.worker))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        ids_file = work / "ids.json"
        ids = tokenized(arguments.model)
        ids_file.write_text(json.dumps(ids))
        variants = make_variants(arguments.model, work)
        table, best = choose(arguments, variants, ids_file, work)
        result = {"versions": versions("onnxruntime", "torch", "transformers"), "threads": arguments.threads,
                  "sentences": len(ids), "tokens": sum(map(len, ids)), "variants": table, "best": best}
        if arguments.swiftlet:
            result["comparison"] = compare(arguments, variants[best], table[best]["batch"], ids, work)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
