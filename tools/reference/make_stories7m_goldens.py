"""Makes the references of language modelling, all by perplexity.py's windows in float32 through transformers:

    tests/data/stories-7m/reference.json       perplexity of stories-7m on the whole validation text, -log p of its first
                                               windows, KL and top-1 agreement of a damaged copy, greedy answers
    tests/data/stories-7m/golden.safetensors   input_ids.0, hidden.0.<layer>, logits.0 of one prompt
    tests/data/models/reference.json           perplexity of every tiny Llama on a small text, KL of two of them

    python tools/reference/make_stories7m_goldens.py
"""

import json
import math

from common import ASSETS, DATA, ROOT, torch_reference, versions

torch = torch_reference()

from safetensors.torch import save_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

import perplexity  # noqa: E402

MODEL = ASSETS / "stories-7m"
OUT = DATA / "stories-7m"
NOTE = {"made_by": "tools/reference/make_stories7m_goldens.py", **versions("transformers", "torch")}
CONTEXT, STRIDE = 256, 128
PREFIX = 2048  # tokens for the comparison with the damaged copy
DAMAGED = "model.layers.7.mlp.down_proj.weight"
PROMPTS = ["Once upon a time", "The old king had three daughters, and", "\"Where are you going?\" said the fox"]
GREEDY_TOKENS = 40
TINY_TEXT, TINY_CONTEXT, TINY_STRIDE = DATA / "minilm" / "sentences.txt", 64, 48
TINY_PAIR = "llama-grouped", "llama-bias"


def greedy(model, ids):
    ids, margin = list(ids), float("inf")
    for _ in range(GREEDY_TOKENS):
        best = model(input_ids=torch.tensor(ids)[None], use_cache=False).logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        ids.append(best.indices[0].item())
    return ids[-GREEDY_TOKENS:], margin


def answers(model):
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    for prompt in PROMPTS:
        prompt_ids = tokenizer.encode(prompt).ids
        ids, margin = greedy(model, prompt_ids)
        yield {"prompt": prompt, "prompt_ids": prompt_ids, "ids": ids, "text": tokenizer.decode(prompt_ids + ids),
               "least_margin": round(margin, 6)}


def write(path, content):
    path.write_text(json.dumps(NOTE | content, indent=1) + "\n")
    print(path.relative_to(ROOT))


def damaged_copy():
    model = perplexity.load(MODEL)
    model.state_dict()[DAMAGED].mul_(0.5)
    return model


def stories7m():
    OUT.mkdir(parents=True, exist_ok=True)
    model = perplexity.load(MODEL)
    ids, size = perplexity.read_ids(MODEL, ASSETS / "text" / "stories-valid.txt.gz")
    scores = perplexity.score(model, ids, CONTEXT, STRIDE)
    whole = perplexity.summary(scores)
    prefix = ids[:PREFIX]
    damaged = damaged_copy()
    reference = {
        "context": CONTEXT, "stride": STRIDE,
        "validation": {"text": "assets/text/stories-valid.txt.gz", "tokens": len(ids), **whole,
                       "bits_per_byte": whole["nll"] / math.log(2) / size},
        "first_windows": scores[:8], "last_window": scores[-1],
        "prefix": {"tokens": PREFIX, **perplexity.summary(perplexity.score(model, prefix, CONTEXT, STRIDE))},
        "damaged": {"change": f"{DAMAGED} times 0.5", "tokens": PREFIX,
                    "perplexity": perplexity.summary(
                        perplexity.score(damaged, prefix, CONTEXT, STRIDE))["perplexity"],
                    **perplexity.compare(model, damaged, prefix, CONTEXT, STRIDE)},
        "greedy": list(answers(model))}
    write(OUT / "reference.json", reference)

    ids = reference["greedy"][1]["prompt_ids"]
    out = model(input_ids=torch.tensor(ids)[None], output_hidden_states=True)
    tensors = {"input_ids.0": torch.tensor(ids, dtype=torch.int32), "logits.0": out.logits[0].clone()}
    tensors |= {f"hidden.0.{layer}": hidden[0].clone() for layer, hidden in enumerate(out.hidden_states)}
    save_file(tensors, OUT / "golden.safetensors")
    (OUT / "golden.safetensors").chmod(0o644)


def tiny_models():
    names = sorted(path.name for path in (DATA / "models").glob("llama-*"))
    ids, _ = perplexity.read_ids(DATA / "models" / names[0], TINY_TEXT)
    models = {name: perplexity.load(DATA / "models" / name) for name in names}
    reference, model = TINY_PAIR
    write(DATA / "models" / "reference.json", {
        "text": str(TINY_TEXT.relative_to(ROOT)), "tokens": len(ids), "context": TINY_CONTEXT, "stride": TINY_STRIDE,
        "perplexity": {name: perplexity.summary(perplexity.score(models[name], ids, TINY_CONTEXT, TINY_STRIDE))
                       for name in names},
        "distance": {"reference": reference, "model": model,
                     **perplexity.compare(models[reference], models[model], ids, TINY_CONTEXT, TINY_STRIDE)}})


if __name__ == "__main__":
    tiny_models()
    stories7m()
