#!/usr/bin/env python3
"""Writes what transformers computes for a model in float32: the reference of `swiftlet inspect --check`.

usage: dump_reference.py MODEL OUT.safetensors [TEXT ...]      needs torch, transformers, safetensors

MODEL is a folder. Without texts, two short ones are taken, cut to 64 tokens; a model without a tokenizer gets random
ids. OUT holds, i counting the sequences from 0:

    input_ids.<i>         i32 [T]
    hidden.<i>.<layer>    f32 [T, H]   hidden_states: the embeddings, then every block (the last after the final norm
                                       where transformers has it so)
    last_hidden.<i>       f32 [T, H]   encoders without a head
    logits.<i>            f32 [T, V], or one row of a head
"""
import argparse
import json

from common import torch_reference, versions

torch = torch_reference()
import transformers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

TEXTS = ["The quick brown fox jumps over the lazy dog, and 42 others watch it go by.",
         "春天来了, l'été viendra: schöne neue Welt!"]
MOST_TOKENS = 64


def is_decoder(model):
    return model.config.architectures[0].endswith(("ForCausalLM", "LMHeadModel"))


def is_head(model):
    return "For" in type(model).__name__ and not is_decoder(model)


def head_logits(out):
    """[T, V], [T, labels], [T, 2] (begin and end of a span), or one row for the whole sequence."""
    if hasattr(out, "start_logits"):
        return torch.stack([out.start_logits[0], out.end_logits[0]], dim=-1)
    logits = out.prediction_logits if hasattr(out, "prediction_logits") else out.logits
    return logits[0] if logits.dim() == 3 else logits


def tensors_of(model, sequences):
    """What the model computes for each list of ids, one after the other."""
    tensors = {}
    for i, ids in enumerate(sequences):
        choice = type(model).__name__.endswith("MultipleChoice")
        out = model(input_ids=ids[None, None] if choice else ids[None], output_hidden_states=True)
        tensors[f"input_ids.{i}"] = ids.to(torch.int32)
        for layer, hidden in enumerate(out.hidden_states):
            tensors[f"hidden.{i}.{layer}"] = hidden[0]
        if is_head(model):
            tensors[f"logits.{i}"] = head_logits(out)
        elif is_decoder(model):
            tensors[f"logits.{i}"] = out.logits[0]
        else:
            tensors[f"last_hidden.{i}"] = out.last_hidden_state[0]
            assert torch.equal(out.hidden_states[-1], out.last_hidden_state)
    return {name: tensor.contiguous().clone() for name, tensor in tensors.items()}


def open_model(folder):
    """The class that the config names, in float32."""
    config = transformers.AutoConfig.from_pretrained(folder)
    cls = getattr(transformers, (config.architectures or ["AutoModel"])[0])
    # transformers adds Falcon's ALiBi twice in its eager attention.
    attention = "sdpa" if config.model_type == "falcon" and config.alibi else "eager"
    return cls.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention).eval()


def sequences_for(folder, vocab_size, texts):
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError):
        generator = torch.Generator().manual_seed(1)
        return [torch.randint(0, vocab_size, (n,), generator=generator) for n in (9, 24)]
    return [torch.tensor(tokenizer(text)["input_ids"][:MOST_TOKENS]) for text in texts or TEXTS]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("output")
    parser.add_argument("text", nargs="*")
    options = parser.parse_args()
    model = open_model(options.model)
    name = type(model).__name__
    tensors = tensors_of(model, sequences_for(options.model, model.config.vocab_size, options.text))
    note = {"made_by": "tools/reference/dump_reference.py", "class": name} | versions("transformers", "torch")
    save_file(tensors, options.output, {"note": json.dumps(note)})
    print(f"{options.output}: {len(tensors)} tensors of {name}")


if __name__ == "__main__":
    main()
