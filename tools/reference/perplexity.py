"""Perplexity, and distance to another model, of a Llama folder on a text, in float32 through transformers.

The windows of the transformers documentation (https://huggingface.co/docs/transformers/perplexity): the tokens of the
whole file without special ones; windows [b, b + context) with b = 0, stride, 2 stride, ... until one reaches the end;
of each window only the tokens that no earlier one scored count. So every token is scored once, with as much context
as its window gives, and the first of the file not at all (nor, with a stride of the whole context, the first of each
window). The perplexity is exp(sum of -log p / number of scored tokens). (The documentation weighs the windows slightly
otherwise, see documented_perplexity.)

    python tools/reference/perplexity.py MODEL_FOLDER TEXT[.gz] [--context 256] [--stride 128] [--reference FOLDER]
"""

import argparse
import gzip
import math
from pathlib import Path

from common import torch_reference

torch = torch_reference()

from tokenizers import Tokenizer  # noqa: E402
from transformers import LlamaForCausalLM  # noqa: E402


def load(folder):
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def read_ids(folder, text_path):
    opened = gzip.open(text_path) if str(text_path).endswith(".gz") else open(text_path, "rb")
    with opened as file:
        text = file.read().decode("utf-8")
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_truncation()
    return torch.tensor(tokenizer.encode(text, add_special_tokens=False).ids), len(text.encode())


def windows(count, context, stride):
    """(begin, end, first scored token) of each window. The first token of a window has nothing to be predicted from."""
    previous_end = 0
    for begin in range(0, count, stride):
        end = min(begin + context, count)
        if max(previous_end, begin + 1) < end:
            yield begin, end, max(previous_end, begin + 1)
        previous_end = end
        if end == count:
            return


def log_probabilities(model, ids, window):
    """[scored, V]: the distributions of the scored tokens of a window, and the tokens."""
    begin, end, scored = window
    logits = model(input_ids=ids[begin:end][None]).logits[0]
    return logits[scored - begin - 1:end - begin - 1].double().log_softmax(dim=-1), ids[scored:end]


def score(model, ids, context, stride):
    """Per window: begin, end, number of scored tokens, sum of -log p in nats."""
    result = []
    for window in windows(len(ids), context, stride):
        logp, tokens = log_probabilities(model, ids, window)
        nll = -logp.gather(1, tokens[:, None]).sum().item()
        result.append({"begin": window[0], "end": window[1], "scored": len(tokens), "nll": nll})
    return result


def summary(scores):
    nll, scored = sum(s["nll"] for s in scores), sum(s["scored"] for s in scores)
    return {"scored": scored, "nll": nll, "perplexity": math.exp(nll / scored)}


def documented_perplexity(scores):
    """As the code of the documentation has it: it takes one from the number of tokens of every window, though only the
    first loses one to the shift of the labels."""
    weights = [s["scored"] - (i > 0) for i, s in enumerate(scores)]
    return math.exp(sum(w * s["nll"] / s["scored"] for w, s in zip(weights, scores)) / sum(weights))


def compare(reference, model, ids, context, stride):
    """Over the scored positions: mean KL(reference || model) in nats, share of equal most likely tokens."""
    divergence, equal, scored = 0.0, 0, 0
    for window in windows(len(ids), context, stride):
        p, _ = log_probabilities(reference, ids, window)
        q, _ = log_probabilities(model, ids, window)
        divergence += (p.exp() * (p - q)).sum().item()
        equal += (p.argmax(dim=1) == q.argmax(dim=1)).sum().item()
        scored += len(p)
    return {"scored": scored, "kl": divergence / scored, "top1_agreement": equal / scored}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--stride", type=int, default=128)
    parser.add_argument("--reference")
    options = parser.parse_args()
    ids, size = read_ids(options.model, options.text)
    scores = score(load(options.model), ids, options.context, options.stride)
    total = summary(scores)
    print(f"{len(ids)} tokens, {total['scored']} scored, perplexity {total['perplexity']:.6f}, "
          f"{total['nll'] / math.log(2) / size:.5f} bits per byte; "
          f"weighed as the documentation's code does {documented_perplexity(scores):.6f}")
    if options.reference:
        print(compare(load(options.reference), load(options.model), ids, options.context, options.stride))


if __name__ == "__main__":
    main()
