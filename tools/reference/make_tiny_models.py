"""Makes tests/data/models/<name>/: tiny random checkpoints and what transformers computes with them.

Each folder holds config.json, model.safetensors, tokenizer.json and golden.safetensors with

    input_ids.<i>         i32 [T]     three sequences of different lengths, each computed by itself, unpadded
    hidden.<i>.<layer>    f32 [T, H]  layer 0 is the output of the embeddings, layer n that of block n.
                                      Decoders: the last one is taken after the final norm (the convention of
                                      transformers' hidden_states); encoders: it equals last_hidden.
    logits.<i>            f32 [T, V]  decoders only
    greedy.<i>            i32 [24]    decoders only: the 24 most likely next tokens, one after the other
    last_hidden.<i>       f32 [T, H]  encoders only

and tests/data/heads/<name>/ with a head each: logits.<i> is what the head gives, of every token or, where it reads the
whole sequence, in one row.

The later ones are as small as the variant that they show allows, and have no tokenizer.

All arithmetic is float32 with eager attention; 16-bit checkpoints are widened first. Weights, gains and biases are
all random and large enough that a wrong sign, a swapped axis or a forgotten bias shows in the first layer.

    python tools/reference/make_tiny_models.py [NAME...]
"""

import json
import re
import shutil
import sys
from collections import Counter

from common import DATA, torch_reference, versions
from dump_reference import is_decoder, tensors_of

torch = torch_reference()

from safetensors.torch import load_file, save_file  # noqa: E402
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402
from transformers.integrations.mxfp4 import convert_moe_packed_tensors  # noqa: E402
from transformers.utils import logging  # noqa: E402
import transformers  # noqa: E402
from transformers import BertForMaskedLM, BertModel, LlamaForCausalLM  # noqa: E402

logging.disable_progress_bar()

GREEDY_TOKENS = 24
LEAST_MARGIN = 1e-3
LLAMA_VOCAB = 320
BERT_VOCAB = 140

# Only here to have something to learn merges and word pieces from.
TEXT = """The swift is a small bird that spends most of its life in the air. It eats, drinks and even sleeps on the
wing. In the early summer swifts return from the south and nest under the roofs of old houses, in walls and in towers.
When the evening is warm they chase each other over the streets, and their thin cries can be heard from far away. A
young swift leaves the nest in the night and does not come back; it may fly for two or three years before it rests for
the first time. Nobody had taught it the way, and yet it finds the lakes and the forests where its parents spent the
winter. Those who watch them say that the summer is over on the day when the last swift has gone."""

LLAMA = dict(vocab_size=LLAMA_VOCAB, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=4, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=0,
             pad_token_id=None)
BERT = dict(vocab_size=BERT_VOCAB, hidden_size=40, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
            max_position_embeddings=64, type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12, pad_token_id=0)
LLAMA3_ROPE = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=32)
# What the later decoders share.
TINY = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=128, bos_token_id=0, eos_token_id=0, pad_token_id=None)
YARN_ROPE = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32, beta_fast=8.0)

# name: (class, config, dtype of the file, lengths, entries written over config.json as older checkpoints have them)
MODELS = {
    "llama-tied": (LlamaForCausalLM, LLAMA | dict(tie_word_embeddings=True), torch.float32, (1, 7, 23), {}),
    "llama-grouped": (LlamaForCausalLM,
                      LLAMA | dict(num_attention_heads=6, num_key_value_heads=2, tie_word_embeddings=False,
                                   rms_norm_eps=1e-6, rope_parameters=dict(rope_type="default", rope_theta=500.0)),
                      torch.float32, (1, 7, 23), {"rope_theta": 500.0, "rope_scaling": None}),
    "llama-bias": (LlamaForCausalLM, LLAMA | dict(attention_bias=True, num_key_value_heads=2), torch.float32,
                   (1, 7, 23), {}),
    "llama-rope-llama3": (LlamaForCausalLM,
                          LLAMA | dict(hidden_size=64, rope_parameters=LLAMA3_ROPE | dict(rope_theta=1000.0)),
                          torch.float32, (1, 7, 61), {"rope_theta": 1000.0, "rope_scaling": LLAMA3_ROPE}),
    "llama-bf16": (LlamaForCausalLM, LLAMA | dict(num_key_value_heads=1), torch.bfloat16, (1, 7, 23), {}),
    "llama-head-dim": (LlamaForCausalLM, LLAMA | dict(head_dim=16, num_key_value_heads=2, tie_word_embeddings=True),
                       torch.float32, (1, 7, 23), {}),
    "bert-gelu": (BertModel, BERT, torch.float32, (1, 7, 23), {}),
    "bert-mlm": (BertForMaskedLM, BERT | dict(num_attention_heads=5, layer_norm_eps=1e-5), torch.float32, (1, 7, 23),
                 {}),
    "bert-f16": (BertModel, BERT | dict(num_hidden_layers=2), torch.float16, (1, 7, 23), {}),
    "llama-rope-yarn": (LlamaForCausalLM,
                        LLAMA | dict(head_dim=16, num_key_value_heads=2,
                                     rope_parameters=YARN_ROPE | dict(rope_theta=1000.0)),
                        torch.float32, (1, 7, 61), {"rope_theta": 1000.0, "rope_scaling": YARN_ROPE}),
    "llama-rope-dynamic": (LlamaForCausalLM,
                           LLAMA | dict(num_key_value_heads=1, num_hidden_layers=2,
                                        rope_parameters=dict(rope_type="dynamic", factor=4.0, rope_theta=300.0)),
                           torch.float32, (1, 7, 61), {}),
}


def tiny(class_name, old_keys=None, lengths=(1, 7, 23), dtype=torch.bfloat16, base=TINY, **config):
    """A row of MODELS; `old_keys` replace rope_parameters in config.json, as older checkpoints have them."""
    return getattr(transformers, class_name), base | config, dtype, lengths, old_keys or {}


def rope(theta, **more):
    return dict(rope_type="default", rope_theta=theta) | more


LONG_ROPE = dict(rope_type="longrope", short_factor=[1.0, 1.25, 1.5], long_factor=[2.0, 3.0, 4.0],
                 original_max_position_embeddings=64)

MODELS |= {
    "llama-mlp-bias": tiny("LlamaForCausalLM", mlp_bias=True, hidden_act="gelu_pytorch_tanh",
                           rope_parameters=rope(100.0, rope_type="linear", factor=2.0)),
    "mistral-window": tiny("MistralForCausalLM", sliding_window=6),
    "mistral-full": tiny("MistralForCausalLM", {"rope_theta": 300.0}, sliding_window=None, head_dim=12,
                         rope_parameters=rope(300.0)),
    "qwen2-full": tiny("Qwen2ForCausalLM", tie_word_embeddings=True),
    "qwen2-window": tiny("Qwen2ForCausalLM", use_sliding_window=True, sliding_window=5, max_window_layers=1,
                         num_hidden_layers=3),
    "qwen3-heads": tiny("Qwen3ForCausalLM", head_dim=12, attention_bias=True),
    "qwen3-window": tiny("Qwen3ForCausalLM", head_dim=16, use_sliding_window=True, sliding_window=4,
                         layer_types=["sliding_attention", "full_attention"], tie_word_embeddings=True),
    "gemma-one": tiny("GemmaForCausalLM", {"rope_theta": 200.0, "hidden_act": "gelu", "hidden_activation": None},
                      head_dim=16, num_key_value_heads=1, rope_parameters=rope(200.0), hidden_act="gelu_pytorch_tanh"),
    "gemma2-caps": tiny("Gemma2ForCausalLM", head_dim=12, sliding_window=6, query_pre_attn_scalar=20,
                        attn_logit_softcapping=4.0, final_logit_softcapping=3.0, num_hidden_layers=3),
    "gemma2-no-caps": tiny("Gemma2ForCausalLM", head_dim=16, sliding_window=6, query_pre_attn_scalar=16,
                           attn_logit_softcapping=None, final_logit_softcapping=None, attention_bias=True,
                           layer_types=["full_attention", "sliding_attention"]),
    "gemma3-text": tiny("Gemma3ForCausalLM", head_dim=16, sliding_window=5, query_pre_attn_scalar=16,
                        num_hidden_layers=3,
                        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                        rope_parameters=dict(full_attention=rope(1000.0, rope_type="linear", factor=4.0),
                                             sliding_attention=rope(50.0))),
    "gemma3-old-keys": tiny("Gemma3ForCausalLM",
                            {"rope_theta": 2000.0, "rope_local_base_freq": 60.0, "sliding_window_pattern": 2,
                             "layer_types": None, "rope_scaling": {"rope_type": "linear", "factor": 2.0}},
                            head_dim=12, sliding_window=5, query_pre_attn_scalar=12,
                            final_logit_softcapping=4.0,
                            layer_types=["sliding_attention", "full_attention"],
                            rope_parameters=dict(full_attention=rope(2000.0, rope_type="linear", factor=2.0),
                                                 sliding_attention=rope(60.0))),
    "phi3-window": tiny("Phi3ForCausalLM", sliding_window=6),
    "phi3-longrope": tiny("Phi3ForCausalLM",
                          {"rope_theta": 300.0, "partial_rotary_factor": 0.75,
                           "rope_scaling": {key: value for key, value in LONG_ROPE.items()
                                            if key.endswith("factor")} | {"type": "longrope"}},
                          max_position_embeddings=256, original_max_position_embeddings=64, tie_word_embeddings=True,
                          rope_parameters=LONG_ROPE | dict(rope_theta=300.0, partial_rotary_factor=0.75)),
    "smollm3-no-rope": tiny("SmolLM3ForCausalLM", no_rope_layers=[1, 0, 1], num_hidden_layers=3),
    "smollm3-window": tiny("SmolLM3ForCausalLM", no_rope_layer_interval=2, use_sliding_window=True, sliding_window=5,
                           attention_bias=True, mlp_bias=True, tie_word_embeddings=False),
    "olmo2": tiny("Olmo2ForCausalLM"),
    "granite-multipliers": tiny("GraniteForCausalLM", embedding_multiplier=3.0, attention_multiplier=0.3,
                                residual_multiplier=0.4, logits_scaling=2.0, attention_bias=True),
    "stablelm-one": tiny("StableLmForCausalLM", {"rope_theta": 100.0, "partial_rotary_factor": 0.5}, use_qkv_bias=True,
                         rope_parameters=rope(100.0, partial_rotary_factor=0.5)),
    "stablelm-parallel": tiny("StableLmForCausalLM", use_parallel_residual=True, qk_layernorm=True),
    "cohere-parallel": tiny("CohereForCausalLM", logit_scale=0.5),
    "cohere-qk-norm": tiny("CohereForCausalLM", use_qk_norm=True, attention_bias=True, logit_scale=2.0, tie_word_embeddings=False),
    "cohere2-window": tiny("Cohere2ForCausalLM", logit_scale=1.5, sliding_window=5, num_hidden_layers=3,
                           layer_types=["sliding_attention", "full_attention", "sliding_attention"]),
    "glm": tiny("GlmForCausalLM", head_dim=12, rope_parameters=rope(500.0, partial_rotary_factor=0.5)),
    "glm4-post-norms": tiny("Glm4ForCausalLM", {"rope_theta": 500.0, "partial_rotary_factor": 0.5}, head_dim=8,
                            attention_bias=False, rope_parameters=rope(500.0, partial_rotary_factor=0.5)),
}

GPT = dict(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=128, bos_token_id=0, eos_token_id=0)
NEOX = {key: value for key, value in TINY.items() if key != "num_key_value_heads"}
OPT = {key: value for key, value in NEOX.items() if key != "intermediate_size"} | dict(ffn_dim=48, pad_token_id=1)
FALCON = {key: value for key, value in NEOX.items() if key != "intermediate_size"} | dict(ffn_hidden_size=48)
BLOOM = dict(vocab_size=96, hidden_size=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0)
MPT = dict(vocab_size=96, d_model=32, n_layers=2, n_heads=4, max_seq_len=128)

MODELS |= {
    "gpt2": tiny("GPT2LMHeadModel", base=GPT),
    "gpt2-scales": tiny("GPT2LMHeadModel", base=GPT, n_inner=40, scale_attn_by_inverse_layer_idx=True,
                        scale_attn_weights=False, activation_function="relu", tie_word_embeddings=False),
    "gpt-neox-parallel": tiny("GPTNeoXForCausalLM", {"rotary_pct": 0.5, "rotary_emb_base": 300}, base=NEOX,
                              rope_parameters=rope(300.0, partial_rotary_factor=0.5)),
    "gpt-neox-serial": tiny("GPTNeoXForCausalLM", base=NEOX, use_parallel_residual=False, attention_bias=False,
                            tie_word_embeddings=True, hidden_act="gelu_fast"),
    "gptj": tiny("GPTJForCausalLM", base=GPT, rotary_dim=4),
    "phi-parallel": tiny("PhiForCausalLM", {"rope_theta": 200.0, "partial_rotary_factor": 0.5},
                         rope_parameters=rope(200.0, partial_rotary_factor=0.5)),
    "phi-qk-norm": tiny("PhiForCausalLM", qk_layernorm=True),
    "falcon-rw": tiny("FalconForCausalLM", base=FALCON, alibi=True, multi_query=False, parallel_attn=False, bias=True),
    "falcon-7b": tiny("FalconForCausalLM", {"rope_theta": 400.0}, base=FALCON, multi_query=True, parallel_attn=True,
                      rope_parameters=rope(400.0)),
    "falcon-40b": tiny("FalconForCausalLM", base=FALCON, new_decoder_architecture=True, num_kv_heads=2,
                       ffn_hidden_size=40),
    "falcon-11b": tiny("FalconForCausalLM", base=FALCON, new_decoder_architecture=True, num_kv_heads=2,
                       num_ln_in_parallel_attn=1, tie_word_embeddings=False),
    "opt-before": tiny("OPTForCausalLM", base=OPT),
    "opt-after": tiny("OPTForCausalLM", base=OPT, do_layer_norm_before=False, word_embed_proj_dim=16,
                      enable_bias=False),
    "bloom": tiny("BloomForCausalLM", base=BLOOM),
    "bloom-six-heads": tiny("BloomForCausalLM", base=BLOOM, n_head=6, hidden_size=36,
                            apply_residual_connection_post_layernorm=True),
    "mpt": tiny("MptForCausalLM", base=MPT),
    "mpt-six-heads": tiny("MptForCausalLM", base=MPT, d_model=36, n_heads=6,
                          attn_config=dict(softmax_scale=0.3)),
}

ENCODER = dict(vocab_size=96, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
               max_position_embeddings=64, type_vocab_size=2, pad_token_id=0)
DISTIL = dict(vocab_size=96, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=64)
MODERN = {key: value for key, value in ENCODER.items() if key != "type_vocab_size"} | dict(
    num_hidden_layers=4, local_attention=8, bos_token_id=0, eos_token_id=0, cls_token_id=0, sep_token_id=0)

MODELS |= {
    "roberta": tiny("RobertaForMaskedLM", base=ENCODER, pad_token_id=1, type_vocab_size=1),
    "xlm-roberta": tiny("XLMRobertaModel", base=ENCODER, pad_token_id=3, layer_norm_eps=1e-5),
    "electra-narrow": tiny("ElectraModel", base=ENCODER, embedding_size=16),
    "electra-wide": tiny("ElectraForMaskedLM", base=ENCODER, embedding_size=32, hidden_act="relu"),
    "albert": tiny("AlbertModel", base=ENCODER, embedding_size=16, num_hidden_layers=3),
    "albert-groups": tiny("AlbertForMaskedLM", base=ENCODER, embedding_size=32, num_hidden_groups=2,
                          num_hidden_layers=4),
    "mpnet": tiny("MPNetModel", base=ENCODER, pad_token_id=1, lengths=(1, 7, 60)),
    "distilbert": tiny("DistilBertForMaskedLM", base=DISTIL),
    "modernbert": tiny("ModernBertModel", base=MODERN),
    "modernbert-biases": tiny("ModernBertForMaskedLM",
                              {"global_rope_theta": 500.0, "local_rope_theta": 40.0, "layer_types": None,
                               "global_attn_every_n_layers": 2},
                              base=MODERN, norm_bias=True, attention_bias=True, mlp_bias=True,
                              layer_types=["full_attention", "sliding_attention"] * 2,
                              rope_parameters=dict(full_attention=rope(500.0), sliding_attention=rope(40.0))),
    "nomic-bert": tiny("NomicBertModel", base=ENCODER),
}

# Mixtures of experts. transformers holds the experts of a layer in one tensor and writes them one by one, as they were
# published; `stacked` has what it holds.
MIXTURE = dict(base=TINY, num_hidden_layers=2)
MANY = MIXTURE | dict(num_experts=6, num_experts_per_tok=3, moe_intermediate_size=20)

MODELS |= {
    "mixtral": tiny("MixtralForCausalLM", {"rope_theta": 300.0}, **MIXTURE, num_local_experts=4,
                    rope_parameters=rope(300.0)),
    "mixtral-window": tiny("MixtralForCausalLM", **MIXTURE, num_local_experts=3, num_experts_per_tok=1, head_dim=12,
                           sliding_window=6, tie_word_embeddings=True),
    "qwen3-moe": tiny("Qwen3MoeForCausalLM", **MANY, norm_topk_prob=True, head_dim=12),
    "qwen3-moe-dense": tiny("Qwen3MoeForCausalLM", **MANY | dict(num_hidden_layers=4), decoder_sparse_step=2,
                            mlp_only_layers=[3], attention_bias=True, use_sliding_window=True, sliding_window=5,
                            tie_word_embeddings=True),
    "olmoe": tiny("OlmoeForCausalLM", **MIXTURE, num_experts=6, num_experts_per_tok=3),
    "olmoe-normalized": tiny("OlmoeForCausalLM", **MIXTURE, num_experts=4, num_experts_per_tok=4, norm_topk_prob=True,
                             attention_bias=True, hidden_act="gelu"),
    "qwen2-moe": tiny("Qwen2MoeForCausalLM", **MANY, shared_expert_intermediate_size=24),
    "qwen2-moe-window": tiny("Qwen2MoeForCausalLM", **MANY | dict(num_hidden_layers=3),
                             shared_expert_intermediate_size=36, norm_topk_prob=True, qkv_bias=False,
                             use_sliding_window=True, sliding_window=5, max_window_layers=2, mlp_only_layers=[1]),
}

GPT_OSS = MIXTURE | dict(num_local_experts=4, num_experts_per_tok=2, head_dim=8, sliding_window=6, hidden_act="silu")

MODELS |= {
    # Blocks of 32 values; rope_theta and rope_scaling as they were published.
    "gpt-oss-mxfp4": tiny("GptOssForCausalLM",
                          {"rope_theta": 1000.0,
                           "rope_scaling": YARN_ROPE | dict(truncate=False), "initial_context_length": 32,
                           "quantization_config": dict(quant_method="mxfp4", modules_to_not_convert=["lm_head"])},
                          **GPT_OSS, intermediate_size=32, lengths=(1, 7, 61),
                          rope_parameters=YARN_ROPE | dict(truncate=False, rope_theta=1000.0)),
    "gpt-oss": tiny("GptOssForCausalLM", **GPT_OSS | dict(num_hidden_layers=3), swiglu_limit=1.5, swiglu_alpha=1.3,
                    layer_types=["full_attention", "sliding_attention", "full_attention"], tie_word_embeddings=True,
                    rope_parameters=YARN_ROPE | dict(rope_theta=300.0)),
}

MODELS |= {
    "granitemoe": tiny("GraniteMoeForCausalLM", **MIXTURE, num_local_experts=4, num_experts_per_tok=3,
                       embedding_multiplier=3.0, attention_multiplier=0.3, residual_multiplier=0.4, logits_scaling=2.0,
                       tie_word_embeddings=True),
}

DEBERTA = dict(base=ENCODER, type_vocab_size=0, relative_attention=True, position_biased_input=False,
               layer_norm_eps=1e-7, lengths=(1, 7, 60))

MODELS |= {
    # As version 3 is published: logarithmic steps, one projection for contents and positions.
    "deberta-v3": tiny("DebertaV2Model", **DEBERTA, position_buckets=8, max_relative_positions=-1, share_att_key=True,
                       norm_rel_ebd="layer_norm", pos_att_type=["p2c", "c2p"]),
    "deberta-v2-own": tiny("DebertaV2Model", **DEBERTA | dict(position_biased_input=True, type_vocab_size=2),
                           max_relative_positions=12, pos_att_type="c2p|p2c"),
    "deberta-v2-one": tiny("DebertaV2ForMaskedLM", **DEBERTA, position_buckets=4, max_relative_positions=32,
                           share_att_key=True, pos_att_type=["c2p"]),
}

MODELS |= {
    # Answers begin within the original context and end beyond it, where all keys turn by the long factors.
    "phi3-longrope-beyond": tiny("Phi3ForCausalLM", max_position_embeddings=128, original_max_position_embeddings=16,
                                 lengths=(1, 7, 61),
                                 rope_parameters=LONG_ROPE | dict(rope_theta=300.0, partial_rotary_factor=0.75,
                                                                  original_max_position_embeddings=16)),
    # The clip is among the values that it keeps, so that most of them change.
    "mpt-clipped": tiny("MptForCausalLM", base=MPT, attn_config=dict(clip_qkv=0.4)),
    "olmoe-clipped": tiny("OlmoeForCausalLM", **MIXTURE, num_experts=4, num_experts_per_tok=2, clip_qkv=0.5),
    "olmo": tiny("OlmoForCausalLM", rope_parameters=rope(300.0)),
    "olmo-clipped": tiny("OlmoForCausalLM", clip_qkv=0.7, attention_bias=True, tie_word_embeddings=True),
    "gemma3-both-sides": tiny("Gemma3TextModel", head_dim=16, use_bidirectional_attention=True, sliding_window=12,
                              query_pre_attn_scalar=16, layer_types=["sliding_attention", "full_attention"]),
    "opt-bare-norms": tiny("OPTForCausalLM", base=OPT, layer_norm_elementwise_affine=False),
    # As version 2's largest models are published, and what else the config can ask for.
    "deberta-v2-convolution": tiny("DebertaV2Model", **DEBERTA, position_buckets=8, share_att_key=True,
                                   norm_rel_ebd="layer_norm", pos_att_type=["p2c", "c2p"], conv_kernel_size=3,
                                   conv_act="gelu"),
    "deberta-v2-groups": tiny("DebertaV2Model", **DEBERTA, max_relative_positions=12, pos_att_type="p2c",
                              conv_kernel_size=5, conv_groups=2),
    "deberta-v2-narrow": tiny("DebertaV2ForMaskedLM", **DEBERTA | dict(relative_attention=False, type_vocab_size=2,
                                                                      position_biased_input=True),
                              embedding_size=16, pos_att_type=["c2p"]),
}

# Heads, in folders of their own: tests/data/heads/<name>. The smallest encoder, and everything that a head may ask of
# the config.
SMALL = dict(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
             max_position_embeddings=32, type_vocab_size=2, pad_token_id=0)
SMALL_DISTIL = dict(vocab_size=40, dim=16, n_layers=1, n_heads=2, hidden_dim=24, max_position_embeddings=32)
SMALL_MODERN = {key: value for key, value in SMALL.items() if key != "type_vocab_size"} | dict(
    local_attention=8, bos_token_id=0, eos_token_id=0, cls_token_id=0, sep_token_id=0)
SMALL_LLAMA = {key: value for key, value in TINY.items() if key != "num_key_value_heads"} | dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2)
HEAD_CLASSES = dict(masked="MaskedLM", sequence="SequenceClassification", token="TokenClassification",
                    question="QuestionAnswering", choice="MultipleChoice")


def heads(name, prefix, base, which=tuple(HEAD_CLASSES), **config):
    labels = dict(sequence=dict(num_labels=3), token=dict(num_labels=5))
    return {f"{name}-{head}": tiny(f"{prefix}For{HEAD_CLASSES[head]}", base=base, lengths=(1, 4, 9),
                                   **(config | labels.get(head, {}))) for head in which}


HEADS = (heads("bert", "Bert", SMALL)
         | heads("roberta", "Roberta", SMALL, pad_token_id=1, type_vocab_size=1)
         | heads("distilbert", "DistilBert", SMALL_DISTIL)
         | heads("albert", "Albert", SMALL, embedding_size=8)
         | heads("electra", "Electra", SMALL, embedding_size=8)
         | heads("mpnet", "MPNet", SMALL, pad_token_id=1)
         | heads("modernbert", "ModernBert", SMALL_MODERN)
         | heads("nomic-bert", "NomicBert", SMALL, ("masked", "sequence", "token"))
         | heads("llama", "Llama", SMALL_LLAMA, ("sequence",))
         | {
             "bert-pretraining": tiny("BertForPreTraining", base=SMALL, lengths=(1, 4, 9)),
             "bert-untied": tiny("BertForMaskedLM", base=SMALL, lengths=(1, 4, 9), tie_word_embeddings=False,
                                 hidden_act="relu"),
             "bert-one-label": tiny("BertForSequenceClassification", base=SMALL, lengths=(1, 4, 9), num_labels=1),
             "xlm-roberta-sequence": tiny("XLMRobertaForSequenceClassification", base=SMALL, lengths=(1, 4, 9),
                                          pad_token_id=1),
             "camembert-token": tiny("CamembertForTokenClassification", base=SMALL, lengths=(1, 4, 9),
                                     pad_token_id=1, num_labels=4),
             "electra-choice-mean": tiny("ElectraForMultipleChoice", base=SMALL, lengths=(1, 4, 9),
                                         embedding_size=16, summary_type="mean", summary_activation="tanh"),
             "modernbert-sequence-mean": tiny("ModernBertForSequenceClassification", base=SMALL_MODERN,
                                              lengths=(1, 4, 9), classifier_pooling="mean", classifier_bias=True,
                                              norm_bias=True, classifier_activation="relu", num_labels=2),
             "modernbert-masked-bare": tiny("ModernBertForMaskedLM", base=SMALL_MODERN, lengths=(1, 4, 9),
                                            decoder_bias=False, classifier_activation="silu"),
             "gpt2-sequence": tiny("GPT2ForSequenceClassification", base=GPT, lengths=(1, 4, 9), n_embd=16,
                                   n_layer=1, n_head=2, n_positions=32, vocab_size=40),
             "opt-sequence": tiny("OPTForSequenceClassification", base=OPT, lengths=(1, 4, 9), vocab_size=40,
                                  hidden_size=16, ffn_dim=24, num_hidden_layers=1, num_attention_heads=2,
                                  max_position_embeddings=32, do_layer_norm_before=False, word_embed_proj_dim=8),
         })

SMALL_DEBERTA = SMALL | dict(type_vocab_size=0, relative_attention=True, position_biased_input=False, position_buckets=4,
                             share_att_key=True, norm_rel_ebd="layer_norm", pos_att_type=["p2c", "c2p"])
HEADS |= heads("deberta-v2", "DebertaV2", SMALL_DEBERTA)
HEADS |= {
    # The head of the published models: untied in vain, for it reads the table of words.
    "deberta-v2-masked-published": tiny("DebertaV2ForMaskedLM", base=SMALL_DEBERTA, lengths=(1, 4, 9), legacy=False,
                                        tie_word_embeddings=False, hidden_act="relu"),
    "deberta-v2-masked-narrow": tiny("DebertaV2ForMaskedLM", base=SMALL_DEBERTA, lengths=(1, 4, 9),
                                     embedding_size=8),
}


def randomise(model, generator):
    """Every parameter random: matrices of gain about 1 (1.5 for queries and keys), gains about 1, biases about 0."""
    tied = is_decoder(model) and model.config.tie_word_embeddings
    gain = 0.0 if "Gemma" in type(model).__name__ else 1.0
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("weight") and ("norm" in name.lower() or parameter.dim() == 1):
            parameter.copy_(gain + 0.25 * noise)
        elif name.endswith("sinks"):
            parameter.copy_(1 + noise)
        elif parameter.dim() == 1 or name.endswith("proj_bias"):
            parameter.copy_(0.2 * noise)
        elif "embed" in name or "wte" in name or "wpe" in name:
            # Tied embeddings are small, or every token would predict itself.
            parameter.copy_((0.1 if tied else 0.6) * noise)
        else:
            sharp = 1.5 if any(part in name for part in ("q_proj", "k_proj", "query", "key", "qkv", "c_attn")) else 1.0
            # Experts lie [experts, out, in], those of gpt-oss [experts, in, out].
            inputs = -1 if parameter.dim() == 3 and "GptOss" not in type(model).__name__ else 1
            parameter.copy_(sharp * noise / parameter.shape[inputs] ** 0.5)


def byte_level_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=LLAMA_VOCAB, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def word_piece():
    """The pieces of TEXT chosen by hand: its letters, alone and as continuations, and its most frequent words. (The
    trainer of the package does not give the same pieces on every run.)"""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted(set(TEXT.lower()) - set(" \n"))
    pieces = special + letters + [f"##{letter}" for letter in letters if letter.isalpha()]
    words = Counter(word for word in re.findall("[a-z]+", TEXT.lower()) if len(word) > 1)
    pieces += sorted(words, key=lambda word: (-words[word], word))[:BERT_VOCAB - len(pieces)]
    assert len(pieces) == BERT_VOCAB
    vocab = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def routing_margin(model, out):
    """The smallest distance between the score of the last expert that is chosen and that of the first which is not, ten
    times: scores are sums over one row, and a tenth of what logits must be apart is enough for them."""
    chosen = getattr(model.config, "num_experts_per_tok", 0)
    margins = [float("inf")]
    for scores in (getattr(out, "router_logits", None) or ()) if chosen else ():
        best = scores.reshape(-1, scores.shape[-1]).sort(dim=-1, descending=True).values
        if chosen < best.shape[-1]:
            margins.append((best[:, chosen - 1] - best[:, chosen]).min().item())
    return 10 * min(margins)


def routed(model):
    return dict(output_router_logits=True) if hasattr(model.config, "output_router_logits") else {}


def greedy(model, ids):
    """The next tokens without a cache, and the smallest distance between the first and the second choice."""
    ids, margin = ids.clone(), float("inf")
    for _ in range(GREEDY_TOKENS):
        out = model(input_ids=ids[None], use_cache=False, **routed(model))
        best = out.logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item(), routing_margin(model, out))
        ids = torch.cat([ids, best.indices[:1]])
    return ids[-GREEDY_TOKENS:].to(torch.int32), margin


def dump(model, sequences):
    """The tensors of golden.safetensors and the smallest margin of the greedy choices."""
    tensors, margin = tensors_of(model, sequences), float("inf")
    for i, ids in enumerate(sequences if is_decoder(model) else ()):
        tensors[f"greedy.{i}"], least = greedy(model, ids)
        margin = min(margin, least)
    return tensors, margin


def rewrite_config(folder, entries):
    """transformers 5 writes `rope_parameters`; most published checkpoints carry the older pair, so some of ours do."""
    if entries:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config.pop("rope_parameters", None)
        path.write_text(json.dumps(config | entries, indent=2, sort_keys=True) + "\n")


def pack_mxfp4(folder, model, generator):
    """Gives the experts random blocks of four-bit values and puts these in the place of the experts in the file."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    for name, parameter in model.named_parameters():
        if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            continue
        experts, inputs, outputs = parameter.shape
        blocks = torch.randint(256, (experts, outputs, inputs // 32, 16), generator=generator, dtype=torch.uint8)
        scales = torch.randint(122, 126, blocks.shape[:-1], generator=generator, dtype=torch.uint8)
        parameter.copy_(convert_moe_packed_tensors(blocks, scales, dtype=torch.float32))
        del tensors[name]
        tensors |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
    save_file(tensors, path, {"format": "pt"})


def make(name, seed):
    cls, config, dtype, lengths, entries = (MODELS | HEADS)[name]
    folder = DATA / ("heads" if name in HEADS else "models") / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(seed)

    # The eager way of Falcon adds its linear biases twice.
    attention = "sdpa" if config.get("alibi") else "eager"
    model = cls(cls.config_class(**config, attn_implementation=attention))
    model.config.architectures = [cls.__name__]
    decoder = is_decoder(model)
    randomise(model, generator)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if config["vocab_size"] in (LLAMA_VOCAB, BERT_VOCAB):
        (byte_level_bpe() if decoder else word_piece()).save(str(folder / "tokenizer.json"))
    packed = {key: value for key, value in entries.items() if key == "quantization_config"}
    rewrite_config(folder, {key: value for key, value in entries.items() if key not in packed})

    reader = cls if name in HEADS else getattr(transformers, cls.__name__.replace("ForMaskedLM", "Model"))
    model = reader.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention).eval()
    if packed:
        pack_mxfp4(folder, model, generator)
        rewrite_config(folder, packed)
    sequences = [torch.randint(5, config["vocab_size"], (n,), generator=generator) for n in lengths]
    tensors, margin = dump(model, sequences)
    # One entry only: safetensors writes several in no fixed order.
    note = {"made_by": "tools/reference/make_tiny_models.py"} | versions("transformers", "torch")
    if decoder:
        note |= {"last_hidden_layer": "after the final norm", "least_greedy_margin": round(margin, 6)}
    save_file(tensors, folder / "golden.safetensors", {"note": json.dumps(note)})
    for path in folder.iterdir():
        path.chmod(0o644)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{name:20} {size / 1e3:7.1f} kB  least greedy margin {margin:.4f}")
    return margin


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(MODELS) + list(HEADS)
    for index, name in enumerate(list(MODELS) + list(HEADS)):
        # Two tokens that are nearly alike may change places with the order of a sum: then other weights.
        seed = 1000 + index if name in MODELS else 50000 + index - len(MODELS)
        while name in chosen and make(name, seed) < LEAST_MARGIN:
            seed += 1000
