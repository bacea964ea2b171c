"""Makes tests/data/stories260k/: what stories260K says at temperature 0.

    golden.json          per prompt: the text, its ids (BOS first), the 200 next ids, the text they spell, and the smallest
                         distance between the two best logits on the way
    golden.safetensors   input_ids.0, hidden.0.<layer>, logits.0 of one prompt, as in make_tiny_models.py

Two implementations must agree before anything is written: llama2c.py, plain numpy over the file as it is, and
transformers over the same weights with the rows of query and key put in its order.

    python tools/reference/make_stories260k_goldens.py
"""

import json

import numpy as np

import llama2c
from common import ASSETS, DATA, torch_reference, versions

torch = torch_reference()

from safetensors.torch import save_file  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

OUT = DATA / "stories260k"
PROMPTS = ["", "Once upon a time", "Lily and Tom"]
TOKENS = 200


def halves(weight, heads):
    """Rows of each head from neighbouring pairs (0, 1), (2, 3) to pairs half a head apart, as transformers turns them."""
    rows, width = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)


def to_transformers(source):
    w = source.weights
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=source.vocab_size, hidden_size=source.dim, intermediate_size=source.hidden_dim,
        num_hidden_layers=source.n_layers, num_attention_heads=source.n_heads, num_key_value_heads=source.n_kv_heads,
        max_position_embeddings=source.seq_len, rms_norm_eps=float(llama2c.RMS_EPS), bos_token_id=1, eos_token_id=2,
        rope_parameters=dict(rope_type="default", rope_theta=10000.0), attn_implementation="eager"))
    state = {"model.embed_tokens.weight": w["embedding"], "model.norm.weight": w["final_norm"],
             "lm_head.weight": w["classifier"]}
    for i in range(source.n_layers):
        layer = {"input_layernorm": w["attention_norm"][i], "post_attention_layernorm": w["ffn_norm"][i],
                 "self_attn.q_proj": halves(w["q"][i], source.n_heads),
                 "self_attn.k_proj": halves(w["k"][i], source.n_kv_heads), "self_attn.v_proj": w["v"][i],
                 "self_attn.o_proj": w["o"][i], "mlp.gate_proj": w["gate"][i], "mlp.down_proj": w["down"][i],
                 "mlp.up_proj": w["up"][i]}
        state |= {f"model.layers.{i}.{name}.weight": value for name, value in layer.items()}
    model.load_state_dict({name: torch.tensor(value) for name, value in state.items()}, strict=True)
    return model.eval()


def check(source, model, ids):
    """Both implementations on the same tokens: logits close, the same best token everywhere."""
    decoder = llama2c.Decoder(source)
    ours = np.stack([decoder.step(token) for token in ids])
    theirs = model(input_ids=torch.tensor(ids)[None]).logits[0].numpy()
    difference = float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
    assert difference < 1e-5, difference
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()
    return difference


def main():
    source = llama2c.read_model(ASSETS / "stories260K" / "stories260K.bin")
    tokenizer = llama2c.Tokenizer(ASSETS / "stories260K" / "tok512.bin", source.vocab_size)
    model = to_transformers(source)
    OUT.mkdir(parents=True, exist_ok=True)
    cases = []
    for prompt in PROMPTS:
        prompt_ids = tokenizer.encode(prompt)
        ids, margin = llama2c.greedy(source, prompt_ids, TOKENS)
        difference = check(source, model, prompt_ids + ids)
        text = tokenizer.decode(prompt_ids + ids).decode("utf-8")
        cases.append({"prompt": prompt, "prompt_ids": prompt_ids, "ids": ids, "text": text,
                      "least_margin": round(margin, 6)})
        print(f"{prompt!r}: {len(ids)} tokens, least margin {margin:.4f}, implementations {difference:.1e} apart")
        print("   ", text[:100].replace("\n", "\\n"), "...")
    note = {"made_by": "tools/reference/make_stories260k_goldens.py", **versions("numpy", "torch", "transformers")}
    (OUT / "golden.json").write_text(json.dumps(note | {"cases": cases}, indent=1) + "\n")

    ids = cases[1]["prompt_ids"] + cases[1]["ids"][:24]
    out = model(input_ids=torch.tensor(ids)[None], output_hidden_states=True)
    tensors = {"input_ids.0": torch.tensor(ids, dtype=torch.int32), "logits.0": out.logits[0].clone()}
    tensors |= {f"hidden.0.{layer}": hidden[0].clone() for layer, hidden in enumerate(out.hidden_states)}
    save_file(tensors, OUT / "golden.safetensors")
    (OUT / "golden.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
