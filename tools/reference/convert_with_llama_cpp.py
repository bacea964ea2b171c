"""Has llama.cpp's own converter write the small models of tests/data/models as GGUF files, without tokenizers:

    python tools/reference/convert_with_llama_cpp.py LLAMA_CPP OUT [NAME...]

LLAMA_CPP is its source (tools/rivals/install.sh brings it). OUT/NAME.gguf appears for every model whose class the
converter knows and whose configuration it accepts; one line tells why for the others. The files are read by

    SWIFTLET_CONVERTED_DIR=OUT build/release/tests/golden/golden_test --gtest_filter='ConvertedGguf*'

which compares them with the references of their sources. tests/data/gguf/converted keeps one of most families, which
that test reads where the variable is not set.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
MODELS = Path(__file__).resolve().parents[2] / "tests" / "data" / "models"


def corrections(config):
    """Keys that the converter takes for granted of published models, where the small ones differ."""
    inner = config.get("ffn_hidden_size") or config.get("n_inner") or config.get("intermediate_size")
    keys = {"vocab_size": config["vocab_size"]}
    if inner and config["model_type"] in ("falcon", "gpt2", "phi"):
        keys["feed_forward_length"] = inner
    if config["model_type"] == "phi":
        keys["attention.head_count_kv"] = config["num_key_value_heads"]
    if config["model_type"] == "glm":
        keys["attention.layer_norm_rms_epsilon"] = config["rms_norm_eps"]
        keys["attention.key_length"] = keys["attention.value_length"] = config["head_dim"]
        keys["rope.dimension_count"] = config["head_dim"] // 2
    theta = (config.get("rope_parameters") or {}).get("rope_theta") or config.get("rope_theta")
    theta = theta or config.get("rotary_emb_base")
    if theta and config["model_type"] in ("falcon", "gpt_neox", "phi", "stablelm", "glm", "gemma"):
        keys["rope.freq_base"] = float(theta)
    return keys


def no_vocabulary(self):
    self.gguf_writer.add_tokenizer_model("no_vocab")
    if self.hparams.get("type_vocab_size"):
        self.gguf_writer.add_token_type_count(self.hparams["type_vocab_size"])


def corrected(model, config):
    prepare = model.prepare_metadata

    def prepare_and_correct(vocab_only):
        prepare(vocab_only)
        writer = model.gguf_writer
        for key, value in corrections(config).items():
            add = writer.add_float32 if isinstance(value, float) else writer.add_uint32
            add(f"{writer.arch}.{key}", value)

    model.prepare_metadata = prepare_and_correct
    return model


def published(config):
    """What published configs say and small ones do not, because transformers has since renamed or dropped it."""
    kind = config["model_type"]
    if kind == "gpt2":
        config.setdefault("n_ctx", config["n_positions"])
    if kind == "gpt_neox":
        config.setdefault("rotary_pct", config.get("rope_parameters", {}).get("partial_rotary_factor", 0.25))
    if kind == "cohere2":
        config.setdefault("rotary_pct", 1.0)
    if kind == "falcon" and not config["new_decoder_architecture"] and config["multi_query"]:
        config["num_kv_heads"] = 1
    if kind == "mpt":
        config["architectures"] = ["MPTForCausalLM"]
    if kind == "nomic_bert":
        old = {"n_embd": "hidden_size", "n_inner": "intermediate_size", "n_layer": "num_hidden_layers",
               "n_head": "num_attention_heads", "layer_norm_epsilon": "layer_norm_eps"}
        config |= {new: config[name] for new, name in old.items()}
        config |= dict(n_positions=2048, max_trained_positions=2048, activation_function="swiglu", causal=False,
                       qkv_proj_bias=False, mlp_fc1_bias=False, mlp_fc2_bias=False, prenorm=False,
                       rotary_emb_fraction=1.0, rotary_emb_interleaved=False, rotary_emb_scale_base=None)
    return config


def convert(name, out, get_model_class, types):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder) / name
        folder.mkdir()
        shutil.copy(MODELS / name / "model.safetensors", folder)
        config = published(json.loads((MODELS / name / "config.json").read_text()))
        (folder / "config.json").write_text(json.dumps(config))
        vocab = {str(token): token for token in range(config["vocab_size"])}
        model = {"type": "WordPiece", "vocab": vocab}
        (folder / "tokenizer.json").write_text(json.dumps({"model": model, "added_tokens": []}))
        ftype = types.MOSTLY_BF16 if config["dtype"] == "bfloat16" else types.ALL_F32  # the same values
        cls = get_model_class(config["architectures"][0])
        kept, cls.set_vocab = cls.set_vocab, no_vocabulary
        try:
            corrected(cls(folder, ftype, out / f"{name}.gguf"), config).write()
        finally:
            cls.set_vocab = kept


def main():
    source, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    sys.path[:0] = [str(source), str(source / "gguf-py")]
    import gguf
    import torch
    from conversion import ModelBase, get_model_class

    load = ModelBase.load_hparams

    def load_all(folder, is_mistral_format):
        """transformers' reading of a config leaves out what it does not know; the published keys stay."""
        return json.loads((folder / "config.json").read_text()) | load(folder, is_mistral_format)

    ModelBase.load_hparams = staticmethod(load_all)
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[3:] or sorted(path.parent.name for path in MODELS.glob("*/config.json")):
        try:
            with torch.inference_mode():
                convert(name, out, get_model_class, gguf.LlamaFileType)
            print(f"{name}: written")
        except Exception as error:  # whatever the converter raises is why it does not take the model
            (out / f"{name}.gguf").unlink(missing_ok=True)
            print(f"{name}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
