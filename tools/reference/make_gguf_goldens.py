"""Makes tests/data/gguf/: small GGUF models, what transformers computes with their dequantized weights, and blocks of
every type with their values.

    blocks.safetensors             <TYPE>.blocks u8 [n, bytes], <TYPE>.values f32 [n, elements] by the package gguf
    llama-exact/, llama-blocks/, bert-mixed/ and a folder for every other architecture
                                   model.gguf, golden.safetensors as in tests/data/models, tokenizer.json

Weights are random. What they are is decided by the file: every tensor is quantized (or is a random block where the
package cannot quantize the type) and then dequantized by the package, and the reference computes with that in float32.

    tests/fuzz/corpus/gguf/        files of a kilobyte or two to start from

    python tools/reference/make_gguf_goldens.py
"""

import json
import shutil

import gguf
import numpy as np
from common import ASSETS, DATA, ROOT, torch_reference, versions
from gguf import GGMLQuantizationType as Type

torch = torch_reference()

import llama2c  # noqa: E402
import transformers  # noqa: E402
from make_tiny_models import LEAST_MARGIN, byte_level_bpe, dump, randomise, word_piece  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM  # noqa: E402

FOLDER = DATA / "gguf"
CORPUS = ROOT / "tests" / "fuzz" / "corpus" / "gguf"
BLOCKS = [Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q2_K, Type.Q3_K, Type.Q4_K, Type.Q5_K, Type.Q6_K,
          Type.IQ4_NL, Type.IQ4_XS, Type.TQ1_0, Type.TQ2_0, Type.MXFP4]
# Where the f16 scales of a block lie.
SCALES = {Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.Q2_K: [80, 82],
          Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208], Type.IQ4_NL: [0], Type.IQ4_XS: [0],
          Type.TQ1_0: [52], Type.TQ2_0: [64], Type.MXFP4: []}
QUANTIZABLE = {Type.F32, Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.TQ1_0,
               Type.TQ2_0, Type.MXFP4}

CONTROL, NORMAL, UNKNOWN, BYTE = 3, 1, 2, 6


def random_blocks(kind, count, rng, scale=None):
    """Random bytes with finite scales: of any size and sign, or all `scale`."""
    blocks = rng.integers(0, 256, (count, gguf.GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for at in SCALES[kind]:
        values = rng.normal(size=count) * 10.0 ** rng.uniform(-4, 1, count) if scale is None else np.full(count, scale)
        blocks[:, at:at + 2] = values.astype("<f2")[:, None].view(np.uint8)
    if kind == Type.MXFP4:
        blocks[:, 0] = rng.integers(100, 140, count) if scale is None else 127 + round(np.log2(scale))
    if kind == Type.Q8_0:
        blocks[0, 5] = 0x80  # the code -128
    return blocks


def make_blocks():
    rng, tensors = np.random.default_rng(7), {}
    for kind in BLOCKS:
        elements = gguf.GGML_QUANT_SIZES[kind][0]
        blocks = random_blocks(kind, 4 if elements == 256 else 8, rng)
        if kind == Type.MXFP4:
            blocks[:4, 0] = [0, 1, 2, 254]
        tensors[f"{kind.name}.blocks"] = torch.from_numpy(blocks)
        tensors[f"{kind.name}.values"] = torch.from_numpy(gguf.quants.dequantize(blocks, kind).astype(np.float32))
    save_file(tensors, FOLDER / "blocks.safetensors", {"note": json.dumps(versions("gguf", "numpy"))})
    (FOLDER / "blocks.safetensors").chmod(0o644)


def named(model):
    """As a checkpoint's config names its class."""
    model.config.architectures = [type(model).__name__]
    return model


def encode(values, kind, rng):
    """(bytes as the file has them, values that they stand for)"""
    if kind in QUANTIZABLE:
        data = gguf.quants.quantize(values, kind)
    else:
        blocks, size = gguf.GGML_QUANT_SIZES[kind]
        # Codes and inner scales are random: divided by their size the values are about as large as the others.
        sample = gguf.quants.dequantize(random_blocks(kind, 64, rng, 1.0), kind)
        scale = float(values.std() / np.abs(sample).std())
        data = random_blocks(kind, values.size // blocks, rng, scale).reshape(values.shape[0], -1)
    return data, gguf.quants.dequantize(data, kind).astype(np.float32).reshape(values.shape)


def neighbours(values, heads):
    """Rows of halves (i, i + half) to neighbours (2i, 2i + 1), as llama.cpp's files have them."""
    return values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def halves(values, heads):
    return values.reshape(heads, values.shape[0] // heads // 2, 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def add_byte_level(writer, tokenizer):
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if token == "<|endoftext|>" else NORMAL for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_chat_template("{% for message in messages %}{{ message['content'] }}{% endfor %}")


def add_sentence_piece(writer, source):
    pieces = [piece.decode().replace(" ", "▁") for piece in source.pieces]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>"] + pieces[3:])
    writer.add_token_scores([float(score) for score in source.scores])
    writer.add_token_types([UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * (len(pieces) - 259))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def add_word_piece(writer, tokenizer):
    vocab = tokenizer.get_vocab()
    tokens = sorted(vocab, key=vocab.get)

    def marked(token):
        if token.startswith("[") and token.endswith("]"):
            return token
        return token[2:] if token.startswith("##") else "▁" + token

    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("bert-bge")
    writer.add_token_list([marked(token) for token in tokens])
    writer.add_token_types([CONTROL if token.startswith("[") and len(token) > 1 else NORMAL for token in tokens])
    for role, token in (("unknown", "[UNK]"), ("seperator", "[SEP]"), ("padding", "[PAD]"), ("cls", "[CLS]"),
                        ("mask", "[MASK]")):
        writer.add_uint32(f"tokenizer.ggml.{role}_token_id", vocab[token])


LAYER = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
BERT_LAYER = {"attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
              "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
              "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
           "embeddings.word_embeddings": "token_embd", "embeddings.token_type_embeddings": "token_types",
           "embeddings.position_embeddings": "position_embd", "embeddings.LayerNorm": "token_embd_norm"}


def gguf_name(name):
    stem, suffix = name.rsplit(".", 1)
    for prefix, names in (("model.layers.", LAYER), ("encoder.layer.", BERT_LAYER)):
        if stem.startswith(prefix):
            number, part = stem.removeprefix(prefix).split(".", 1)
            return f"blk.{number}.{names[part]}.{suffix}"
    return f"{OUTSIDE[stem]}.{suffix}" if stem in OUTSIDE else None


def add_weights(writer, model, kinds, rng, heads=None):
    """Writes every parameter, the matrices in `kinds` in turn, and puts what was written back into the model."""
    turn = 0
    for name, parameter in model.named_parameters():
        target = gguf_name(name)
        if target is None:
            continue
        values, count = parameter.numpy().copy(), heads and heads.get(target.split(".")[-2])
        kind = Type.F32
        if values.ndim == 2:
            kind, turn = kinds[turn % len(kinds)], turn + 1
        if count:
            values = neighbours(values, count)
        data, stored = encode(values, kind, rng)
        parameter.copy_(torch.from_numpy(halves(stored, count) if count else stored))
        writer.add_tensor(target, data, raw_dtype=kind)
        print(f"    {target:28} {kind.name:7} {values.shape}")


def write(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def begin(name, architecture, seed):
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    writer = gguf.GGUFWriter(folder / "model.gguf", architecture)
    writer.add_name(name)
    return folder, writer, np.random.default_rng(seed), torch.Generator().manual_seed(seed)


def finish(folder, model, lengths, generator, vocab):
    sequences = [torch.randint(5, vocab, (n,), generator=generator) for n in lengths]
    tensors, margin = dump(model, sequences)
    note = {"made_by": "tools/reference/make_gguf_goldens.py"} | versions("gguf", "transformers", "torch")
    save_file(tensors, folder / "golden.safetensors", {"note": json.dumps(note)})
    for path in folder.iterdir():
        path.chmod(0o644)
    print(f"{folder.name}: {(folder / 'model.gguf').stat().st_size} bytes, least greedy margin {margin:.4f}")
    return margin


def llama_keys(writer, config):
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)


def make_llama_exact():
    """Every type whose values Swiftlet keeps, over neighbouring rows of queries and keys with biases."""
    folder, writer, rng, generator = begin("llama-exact", "llama", 11)
    config = LlamaConfig(vocab_size=320, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, attention_bias=True,
                         rope_parameters={"rope_type": "default", "rope_theta": 5000.0}, attn_implementation="eager")
    model = named(LlamaForCausalLM(config))
    randomise(model, generator)
    llama_keys(writer, config)
    tokenizer = byte_level_bpe()
    add_byte_level(writer, tokenizer)
    tokenizer.save(str(folder / "tokenizer.json"))
    kinds = [Type.F16, Type.Q8_0, Type.Q4_0, Type.Q8_0, Type.BF16, Type.Q5_0, Type.MXFP4, Type.IQ4_NL, Type.F32]
    add_weights(writer, model, kinds, rng, {"attn_q": 4, "attn_k": 2})
    write(writer)
    finish(folder, model.eval(), (1, 7, 23), generator, config.vocab_size)


def make_llama_blocks():
    """Every type of 256 elements, and those of 32 that are rounded; llama3 factors of rope; the head tied."""
    folder, writer, rng, generator = begin("llama-blocks", "llama", 12)
    rope = dict(rope_type="llama3", rope_theta=1000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=32)
    config = LlamaConfig(vocab_size=512, hidden_size=256, intermediate_size=256, num_hidden_layers=1,
                         num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=128, rms_norm_eps=1e-5,
                         tie_word_embeddings=True, rope_parameters=rope, attn_implementation="eager")
    model = named(LlamaForCausalLM(config))
    randomise(model, generator)
    llama_keys(writer, config)
    add_sentence_piece(writer, llama2c.Tokenizer(ASSETS / "stories260K" / "tok512.bin", 512))
    default = 1.0 / 1000.0 ** (np.arange(0, 32, 2) / 32)
    writer.add_tensor("rope_freqs.weight", (default / model.model.rotary_emb.inv_freq.numpy()).astype(np.float32))
    kinds = [Type.Q6_K, Type.Q4_K, Type.Q5_K, Type.Q3_K, Type.IQ4_XS, Type.Q2_K, Type.TQ1_0, Type.Q5_1]
    add_weights(writer, model, kinds, rng, {"attn_q": 8, "attn_k": 4})
    write(writer)
    finish(folder, model.eval(), (1, 7, 61), generator, config.vocab_size)


# name: (architecture, class, its config, keys besides the common ones, whether rows are neighbours, added to norms)
FAMILIES = {
    "qwen2": (gguf.MODEL_ARCH.QWEN2, "Qwen2", dict(tie_word_embeddings=True), {}, False, 0),
    "qwen3": (gguf.MODEL_ARCH.QWEN3, "Qwen3", dict(head_dim=12), {}, False, 0),
    "granite": (gguf.MODEL_ARCH.GRANITE, "Granite",
                dict(attention_multiplier=0.3, embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.4),
                dict(attention_scale=0.3, embedding_scale=3.0, logit_scale=2.0, residual_scale=0.4), True, 0),
    "smollm3": (gguf.MODEL_ARCH.SMOLLM3, "SmolLM3", dict(num_hidden_layers=4, tie_word_embeddings=True,
                                                         no_rope_layers=[1, 1, 1, 0], use_sliding_window=False),
                {}, True, 0),
    "olmo2": (gguf.MODEL_ARCH.OLMO2, "Olmo2", {}, {}, False, 0),
    "phi3": (gguf.MODEL_ARCH.PHI3, "Phi3",
             dict(max_position_embeddings=256, original_max_position_embeddings=16, sliding_window=None,
                  rope_parameters=dict(rope_type="longrope", rope_theta=300.0, partial_rotary_factor=0.75,
                                       short_factor=[1.0, 1.25, 1.5], long_factor=[2.0, 3.0, 4.0])),
             dict(rope_scaling_orig_ctx_len=16,
                  rope_scaling_attn_factors=float(np.sqrt(1 + np.log(256 / 16) / np.log(16)))), False, 0),
    "gemma": (gguf.MODEL_ARCH.GEMMA, "Gemma", dict(head_dim=16, num_key_value_heads=1, tie_word_embeddings=True), {},
              False, 1),
    "gemma2": (gguf.MODEL_ARCH.GEMMA2, "Gemma2",
               dict(head_dim=12, query_pre_attn_scalar=12, sliding_window=6, attn_logit_softcapping=4.0,
                    final_logit_softcapping=3.0, tie_word_embeddings=True),
               dict(sliding_window=6, attn_logit_softcapping=4.0, final_logit_softcapping=3.0), False, 1),
    "gemma3": (gguf.MODEL_ARCH.GEMMA3, "Gemma3",
               dict(head_dim=8, query_pre_attn_scalar=8, sliding_window=5, num_hidden_layers=6,
                    tie_word_embeddings=True,
                    rope_parameters=dict(full_attention=dict(rope_type="linear", rope_theta=1000.0, factor=4.0),
                                         sliding_attention=dict(rope_type="default", rope_theta=10000.0))),
               dict(sliding_window=5, rope_scaling_type=gguf.RopeScalingType.LINEAR, rope_scaling_factor=4.0), False,
               1),
    "mixtral": (gguf.MODEL_ARCH.LLAMA, "Mixtral", dict(num_local_experts=4, num_experts_per_tok=2),
                dict(expert_count=4, expert_used_count=2), True, 0),
    "qwen2moe": (gguf.MODEL_ARCH.QWEN2MOE, "Qwen2Moe",
                 dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32,
                      shared_expert_intermediate_size=64),
                 dict(expert_count=4, expert_used_count=2, expert_feed_forward_length=32,
                      expert_shared_feed_forward_length=64), False, 0),
    "qwen3moe": (gguf.MODEL_ARCH.QWEN3MOE, "Qwen3Moe",
                 dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, norm_topk_prob=True, head_dim=12),
                 dict(expert_count=4, expert_used_count=2, expert_feed_forward_length=32), False, 0),
    "olmoe": (gguf.MODEL_ARCH.OLMOE, "Olmoe", dict(num_experts=4, num_experts_per_tok=2),
              dict(expert_count=4, expert_used_count=2), False, 0),
    "gpt-oss": (gguf.MODEL_ARCH.GPT_OSS, "GptOss",
                dict(num_local_experts=4, num_experts_per_tok=2, head_dim=8, sliding_window=6,
                     rope_parameters=dict(rope_type="yarn", rope_theta=1000.0, factor=4.0, truncate=False,
                                          original_max_position_embeddings=32)),
                dict(expert_count=4, expert_used_count=2, expert_feed_forward_length=64, sliding_window=6,
                     rope_scaling_type=gguf.RopeScalingType.YARN, rope_scaling_factor=4.0,
                     rope_scaling_orig_ctx_len=32), False, 0),
}


def projections(name, parameter, turned):
    """What transformers has in one parameter, as files have it: (name, a view of the values), those of all experts as
    [experts, out, in]. `turned`: [experts, in, out] with gates and ups in turns, as gpt-oss has them."""
    if ".experts." not in name:
        return [(name, parameter)]
    stem, end = (name.removesuffix("_bias"), ".bias") if name.endswith("_bias") else (name, ".weight")
    values = parameter.transpose(1, 2) if turned and end == ".weight" else parameter
    if "gate_up_proj" not in stem:
        return [(stem + end, values)]
    parts = (values[:, ::2], values[:, 1::2]) if turned else values.chunk(2, dim=1)
    return [(stem.replace("gate_up_proj", name) + end, part) for name, part in zip(("gate_proj", "up_proj"), parts)]


def make_family(name, number):
    """One model of another family: a matrix each of Q8_0, F16 and Q4_0 in turn. Names are those of the package."""
    arch, cls, given, keys, neighbouring, added = FAMILIES[name]
    folder, writer, rng, generator = begin(name, gguf.MODEL_ARCH_NAMES[arch], 40 + number)
    suffix = "TextConfig" if cls == "Gemma3" else "Config"
    tiny = dict(vocab_size=96, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=128, bos_token_id=0, eos_token_id=0, pad_token_id=None,
                tie_word_embeddings=False, attn_implementation="eager")
    config = getattr(transformers, cls + suffix)(**(tiny | given))
    model = named(getattr(transformers, cls + "ForCausalLM")(config))
    randomise(model, generator)
    rope = config.rope_parameters
    rope = rope.get("full_attention", rope)
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(int(head * rope.get("partial_rotary_factor", 1.0)))
    writer.add_rope_freq_base(rope["rope_theta"])
    for key, value in keys.items():
        getattr(writer, f"add_{key}")(value)
    for kind in ("long", "short"):
        if f"{kind}_factor" in rope:
            writer.add_tensor(f"rope_factors_{kind}.weight", np.array(rope[f"{kind}_factor"], np.float32))
    names = gguf.get_tensor_name_map(arch, config.num_hidden_layers)
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads} if neighbouring else {}
    kinds, turn = [Type.Q8_0, Type.F16, Type.Q4_0], 0
    stored_parts = [part for pair in model.named_parameters() for part in projections(*pair, cls == "GptOss")]
    for parameter_name, parameter in stored_parts:
        target = names.get_name(parameter_name, try_suffixes=(".weight", ".bias"))
        target += ".weight" if target.endswith("sinks") else ""
        values, count, kind = parameter.numpy().copy(), heads.get(target.split(".")[-2]), Type.F32
        # Routers and what is no matrix stay floats.
        if values.ndim >= 2 and values.shape[-1] % 32 == 0 and "_inp" not in target and target.endswith(".weight"):
            kind, turn = kinds[turn % len(kinds)], turn + 1
        if count:
            values = neighbours(values, count)
        norm = added if target.endswith("norm.weight") else 0
        data, stored = encode(values + np.float32(norm), kind, rng)
        parameter.copy_(torch.from_numpy(halves(stored, count) if count else stored - np.float32(norm)))
        if "inp_shexp" in target:
            data = data.reshape(-1)
        writer.add_tensor(target, data, raw_dtype=kind)
    write(writer)
    return finish(folder, model.eval(), (1, 7, 23), generator, config.vocab_size)


def make_bert_mixed():
    folder, writer, rng, generator = begin("bert-mixed", "bert", 13)
    config = BertConfig(vocab_size=140, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                        max_position_embeddings=64, type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12,
                        attn_implementation="eager")
    model = named(BertModel(config, add_pooling_layer=False))
    randomise(model, generator)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_eps(config.layer_norm_eps)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.CLS)
    tokenizer = word_piece()
    add_word_piece(writer, tokenizer)
    tokenizer.save(str(folder / "tokenizer.json"))
    add_weights(writer, model, [Type.Q8_0, Type.F32, Type.F16, Type.Q4_0, Type.Q8_0], rng)
    write(writer)
    finish(folder, model.eval(), (1, 7, 23), generator, config.vocab_size)


def seed(name, architecture, add_tokenizer, tensors, keys=()):
    rng = np.random.default_rng(3)
    writer = gguf.GGUFWriter(CORPUS / name, architecture)
    writer.add_context_length(16)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    for key, value in keys:
        writer.add_float32(f"{architecture}.{key}", value)
    add_tokenizer(writer)
    for tensor, (kind, shape) in tensors.items():
        values = rng.normal(size=shape).astype(np.float32)
        data = encode(values, kind, rng)[0] if len(shape) == 2 else values
        writer.add_tensor(tensor, data, raw_dtype=kind)
    write(writer)


def make_corpus():
    shutil.rmtree(CORPUS, ignore_errors=True)
    CORPUS.mkdir(parents=True)

    def scored(writer):
        writer.add_tokenizer_model("llama")
        writer.add_token_list(["<unk>", "<s>", "</s>", "<0x41>", "▁", "a", "▁a", "b"])
        writer.add_token_scores([0.0, 0.0, 0.0, 0.0, -1.0, -2.0, -0.5, -3.0])
        writer.add_token_types([UNKNOWN, CONTROL, CONTROL, BYTE, NORMAL, NORMAL, NORMAL, 4])
        writer.add_chat_template("{{ messages }}")

    def byte_level(writer):
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("llama-bpe")
        writer.add_token_list(["a", "b", "ab", "Ġ", "<|eot_id|>", "é"])
        writer.add_token_types([NORMAL] * 4 + [CONTROL, NORMAL])
        writer.add_token_merges(["a b"])
        writer.add_bos_token_id(4)
        writer.add_eos_token_id(4)

    def pieces(writer):
        writer.add_tokenizer_model("bert")
        writer.add_token_list(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁a", "b"])
        writer.add_token_types([CONTROL] * 5 + [NORMAL] * 2)
        writer.add_pooling_type(gguf.PoolingType.MEAN)

    seed("scored", "llama", scored,
         {"token_embd.weight": (Type.Q8_0, (8, 32)), "output_norm.weight": (Type.F32, (32,)),
          "blk.0.attn_q.weight": (Type.Q4_0, (32, 32)), "blk.0.attn_k.weight": (Type.Q5_0, (32, 32)),
          "blk.0.ffn_up.weight": (Type.Q4_1, (3, 32)), "rope_freqs.weight": (Type.F32, (8,))},
         [("attention.layer_norm_rms_epsilon", 1e-5), ("rope.freq_base", 1e4)])
    seed("bytelevel", "qwen2", byte_level,
         {"token_embd.weight": (Type.F16, (6, 32)), "output.weight": (Type.MXFP4, (6, 32)),
          "blk.0.ffn_gate.weight": (Type.IQ4_NL, (3, 32)), "blk.0.ffn_up.weight": (Type.Q6_K, (1, 256)),
          "blk.0.ffn_down.weight": (Type.Q4_K, (1, 256)), "blk.0.attn_q.bias": (Type.F32, (32,))})
    seed("wordpiece", "bert", pieces,
         {"token_embd.weight": (Type.BF16, (7, 32)), "token_types.weight": (Type.F32, (2, 32)),
          "blk.0.attn_q.weight": (Type.Q5_1, (32, 32)), "blk.0.ffn_up.weight": (Type.TQ1_0, (1, 256)),
          "blk.0.ffn_down.weight": (Type.Q3_K, (1, 256))})
    for path in CORPUS.iterdir():
        path.chmod(0o644)
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    make_corpus()
    FOLDER.mkdir(parents=True, exist_ok=True)
    make_blocks()
    make_llama_exact()
    make_llama_blocks()
    make_bert_mixed()
    for index, family in enumerate(FAMILIES):
        # Experts that are nearly alike may change places with the order of a sum: then other weights.
        while make_family(family, index) < LEAST_MARGIN and "expert_count" in FAMILIES[family][3]:
            index += 100
