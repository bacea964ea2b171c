#!/usr/bin/env python3
"""Writes tests/data/metrics/*.json: what scipy, pytrec_eval and torch say about small inputs.

Usage: metrics.py [OUTPUT_FOLDER]     needs numpy, scipy, torch and pytrec_eval (or pytrec_eval-terrier)
"""
import json
import math
import pathlib
import sys

import numpy
import pytrec_eval
import scipy.stats
import torch


def correlation_cases():
    random = numpy.random.default_rng(7)
    x = random.normal(size=200)
    noisy = 0.6 * x + random.normal(size=200)
    inputs = {
        "normal": (x, noisy),
        "ties": (random.integers(0, 6, 150) * 1.0, random.integers(0, 4, 150) * 0.25),
        "large_offset": (x + 1e9, noisy - 1e9),
        "tiny": (x * 1e-200, noisy * 1e-200),
        "two_points": (numpy.array([1.0, 2.0]), numpy.array([5.0, -3.0])),
        "monotone": (numpy.sort(x), numpy.exp(numpy.sort(x))),
    }
    cases = []
    for name, (a, b) in inputs.items():
        # Small numbers lose their squares in double: the reference is computed on the values scaled up.
        scale = 1e200 if name == "tiny" else 1.0
        cases.append({
            "name": name, "x": a.tolist(), "y": b.tolist(),
            "pearson": float(scipy.stats.pearsonr(a * scale, b * scale).statistic),
            "spearman": float(scipy.stats.spearmanr(a * scale, b * scale).statistic),
            "ranks_x": scipy.stats.rankdata(a).tolist(),
        })
    return cases


def ranking_cases():
    random = numpy.random.default_rng(11)
    cutoffs = [1, 3, 5, 10, 20]
    qrels, run = {}, {}
    for query in range(12):
        documents = [f"d{i}" for i in range(60)]
        judged = random.choice(60, size=15, replace=False)
        low = -1 if query % 3 == 0 else 0
        qrels[f"q{query}"] = {f"d{i}": int(random.integers(low, 4)) for i in judged}
        retrieved = random.choice(60, size=int(random.integers(1, 50)), replace=False)
        # A coarse grid of scores makes many ties; every fourth query has scores that tie only in f32.
        scores = random.integers(0, 8, size=len(retrieved)) / 8
        if query % 4 == 1:
            scores = 0.5 + random.integers(0, 8, size=len(retrieved)) * 1e-12
        run[f"q{query}"] = {documents[i]: float(s) for i, s in zip(retrieved, scores)}
    qrels["q12"] = {"d1": 0, "d2": 0}  # nothing relevant
    run["q12"] = {"d1": 1.0, "d3": 0.5}
    measures = {"recip_rank", "ndcg"} | {f"{m}.{','.join(map(str, cutoffs))}" for m in ("ndcg_cut", "recall")}
    scores = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    return {"cutoffs": cutoffs, "queries": [
        {"id": q, "judgements": qrels[q], "run": run[q], "expected": scores[q]} for q in sorted(run)]}


def divergence_cases():
    torch.manual_seed(3)
    rows = []
    for scale, noise in ((1.0, 0.1), (8.0, 1.0), (60.0, 20.0), (0.0, 0.0)):
        reference = torch.randn(40) * scale
        model = reference + torch.randn(40) * noise
        target = int(torch.randint(40, (1,)))
        log_p = torch.log_softmax(reference.double(), -1)
        log_q = torch.log_softmax(model.double(), -1)
        rows.append({
            "reference": reference.tolist(), "model": model.tolist(), "target": target,
            "kl": float(torch.nn.functional.kl_div(log_q, log_p, log_target=True, reduction="sum")),
            "nll": float(-log_p[target]),
            "log_sum_exp": float(torch.logsumexp(reference.double(), -1)),
            "top_1": [int(reference.argmax()), int(model.argmax())],
        })
    values = [row["kl"] for row in rows]
    return {"rows": rows, "p95_kl": float(numpy.quantile(values, 0.95)), "mean_kl": float(numpy.mean(values))}


def window_cases():
    """The loop of the transformers documentation, with the tokens that its shifted loss really scores."""
    cases = []
    for tokens, context, stride in ((14, 8, 4), (8, 8, 4), (9, 8, 4), (5, 8, 4), (100, 16, 16), (97, 16, 16),
                                    (50, 10, 1), (102578, 256, 128), (33, 7, 3)):
        windows, previous_end = [], 0
        for begin in range(0, tokens, stride):
            end = min(begin + context, tokens)
            labels = numpy.full(end - begin, -100)
            fresh = end - previous_end
            labels[-fresh:] = 0
            scored = begin + 1 + numpy.flatnonzero(labels[1:] != -100)  # the loss predicts labels[1:]
            if len(scored):
                windows.append([begin, end, int(scored[0])])
                assert len(scored) == end - scored[0]
            previous_end = end
            if end == tokens:
                break
        summary = windows if len(windows) <= 64 else None
        cases.append({"tokens": tokens, "context": context, "stride": stride, "count": len(windows),
                      "scored": sum(w[1] - w[2] for w in windows), "windows": summary})
    return cases


def sampling_cases():
    """What remains after the warpers of transformers, in the order of its generate(), as probabilities."""
    from transformers import (MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper,
                              TypicalLogitsWarper)
    torch.manual_seed(5)
    cases = []
    for temperature, top_k, top_p, min_p, typical_p in (
            (1.0, 0, 1.0, 0, 1), (0.7, 10, 1.0, 0, 1), (1.3, 0, 0.9, 0, 1), (0.8, 20, 0.5, 0, 1),
            (2.0, 5, 0.95, 0, 1), (1.0, 1, 1.0, 0, 1), (1.0, 0, 0.01, 0, 1), (1.0, 100, 0.8, 0, 1),
            (1.0, 0, 1.0, 0.05, 1), (1.7, 0, 1.0, 0.2, 1), (0.9, 12, 0.9, 0.1, 1), (1.0, 0, 1.0, 1.0, 1),
            (1.0, 0, 1.0, 0, 0.9), (1.5, 0, 1.0, 0, 0.2), (0.6, 0, 0.95, 0, 0.5), (1.2, 30, 0.9, 0.02, 0.6)):
        logits = torch.randn(48) * 2.5
        scores = TemperatureLogitsWarper(temperature)(None, logits[None])
        if top_k > 0:
            scores = TopKLogitsWarper(top_k)(None, scores)
        if top_p < 1.0:
            scores = TopPLogitsWarper(top_p)(None, scores)
        if min_p > 0:
            scores = MinPLogitsWarper(min_p)(None, scores)
        if typical_p < 1.0:
            scores = TypicalLogitsWarper(typical_p)(None, scores)
        cases.append({"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p,
                      "typical_p": typical_p, "logits": logits.tolist(),
                      "probabilities": torch.softmax(scores[0].double(), -1).tolist()})
    return cases


def processor_cases():
    """Logits after the processors of transformers, in the order of its generate()."""
    from transformers import (MinNewTokensLengthLogitsProcessor, NoBadWordsLogitsProcessor,
                              NoRepeatNGramLogitsProcessor, RepetitionPenaltyLogitsProcessor,
                              SequenceBiasLogitsProcessor)
    torch.manual_seed(6)
    cases = []
    plain = {"bias": [], "repetition_penalty": 1.0, "no_repeat_ngram": 0, "banned": [], "min_new_tokens": 0}
    for options in ({"repetition_penalty": 1.3}, {"repetition_penalty": 0.8}, {"no_repeat_ngram": 1},
                    {"no_repeat_ngram": 2}, {"no_repeat_ngram": 3}, {"banned": [[4], [2, 7], [1, 2, 9]]},
                    {"bias": [[3, 1.5], [8, -2.25]]}, {"min_new_tokens": 5}, {"min_new_tokens": 4},
                    {"bias": [[1, 0.5]], "repetition_penalty": 1.2, "no_repeat_ngram": 2, "banned": [[5]],
                     "min_new_tokens": 9}):
        options = plain | options
        tokens, prompt = [3, 1, 2, 8, 1, 2, 0, 3, 1, 2], 6
        ids = torch.tensor([tokens])
        logits = torch.randn(12) * 3
        scores = logits[None].clone()
        if options["bias"]:
            scores = SequenceBiasLogitsProcessor({(token,): bias for token, bias in options["bias"]})(ids, scores)
        if options["repetition_penalty"] != 1:
            scores = RepetitionPenaltyLogitsProcessor(options["repetition_penalty"])(ids, scores)
        if options["no_repeat_ngram"]:
            scores = NoRepeatNGramLogitsProcessor(options["no_repeat_ngram"])(ids, scores)
        if options["banned"]:
            scores = NoBadWordsLogitsProcessor(options["banned"], eos_token_id=11)(ids, scores)
        scores = MinNewTokensLengthLogitsProcessor(prompt, options["min_new_tokens"], 11)(ids, scores)
        cases.append(options | {"tokens": tokens, "prompt": prompt, "end": 11, "logits": logits.tolist(),
                                "processed": [None if score == -math.inf else score
                                              for score in scores[0].tolist()]})
    return cases


def main():
    default = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data" / "metrics"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    for name, cases in (("correlation", correlation_cases()), ("ranking", ranking_cases()),
                        ("divergence", divergence_cases()), ("windows", window_cases()),
                        ("sampling", sampling_cases()), ("processors", processor_cases())):
        (folder / f"{name}.json").write_text(json.dumps(cases, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
