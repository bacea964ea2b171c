#include "swiftlet/io/gguf_metadata.h"

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_model.h"
#include "swiftlet/io/gguf_rope.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kMostExtent = std::int64_t{1} << 24;

// `left_out`: positions that the model counts and files do not.
void write_common(GgufModelWriter& writer, std::int64_t left_out = 0) {
  const Config& config = writer.config();
  const auto extent = [&](std::string_view what, std::string_view name) {
    writer.u32(what, config.require_int(name, 1, kMostExtent));
  };
  writer.u32("context_length",
             config.require_int("max_position_embeddings", left_out + 1, kMostExtent) - left_out);
  extent("embedding_length", "hidden_size");
  extent("block_count", "num_hidden_layers");
  extent("feed_forward_length", "intermediate_size");
  extent("attention.head_count", "num_attention_heads");
}

// A head's size from the projection of the first layer, which no default of a family can contradict.
std::int64_t head_dim_of(const GgufModelWriter& writer, std::int64_t heads, std::int64_t kv_heads) {
  if (const std::int64_t queries = writer.extent("blk.0.attn_q.weight", 0); queries > 0)
    return queries / heads;
  if (const std::int64_t all = writer.extent("blk.0.attn_qkv.weight", 0); all > 0)
    return all / (heads + 2 * kv_heads);
  fail(ErrorCode::kInvalid, writer.checkpoint.source,
       "expected projections of the first layer, there are none");
}

void write_window(GgufModelWriter& writer, std::int64_t usual) {
  const std::int64_t window = writer.config().int_or("sliding_window", usual, 0, kMostExtent);
  if (window > 0) writer.u32("attention.sliding_window", window);
}

// Of Granite.
void write_multipliers(GgufModelWriter& writer) {
  const Config& config = writer.config();
  writer.f32("attention.scale", config.number_or("attention_multiplier", 1));
  writer.f32("embedding_scale", config.number_or("embedding_multiplier", 1));
  writer.f32("residual_scale", config.number_or("residual_multiplier", 1));
  writer.f32("logit_scale", config.number_or("logits_scaling", 1));
}

}  // namespace

std::string GgufModelWriter::key(std::string_view what) const {
  return fmt::format("{}.{}", architecture, what);
}

std::int64_t GgufModelWriter::extent(std::string_view tensor, std::size_t axis) const {
  const auto found = shapes.find(tensor);
  return found == shapes.end() || found->second.rank() <= axis ? 0 : found->second[axis];
}

void write_gguf_decoder(GgufModelWriter& writer) {
  write_common(writer);
  const Config& config = writer.config();
  const std::int64_t heads = config.require_int("num_attention_heads", 1, kMostExtent);
  const std::int64_t kv_heads = config.int_or("num_key_value_heads", heads, 1, kMostExtent);
  const std::int64_t head_dim = head_dim_of(writer, heads, kv_heads);
  writer.u32("attention.head_count_kv", kv_heads);
  writer.u32("attention.key_length", head_dim);
  writer.u32("attention.value_length", head_dim);
  writer.f32("attention.layer_norm_rms_epsilon", config.number_or("rms_norm_eps", 1e-6, 0, 1));
  write_gguf_rope(writer, head_dim);
}

void write_gguf_granite(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  write_multipliers(writer);
}

void write_gguf_windowed(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  write_window(writer, 0);
}

void write_gguf_gemma2(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  write_window(writer, 4096);
  writer.f32("attn_logit_softcapping", writer.config().number_or("attn_logit_softcapping", 50));
  writer.f32("final_logit_softcapping", writer.config().number_or("final_logit_softcapping", 30));
}

void write_gguf_gemma3(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  write_window(writer, 4096);
  double local = writer.config().number_or("rope_local_base_freq", 10000);
  if (const auto parameters = writer.config().section("rope_parameters"))
    if (const auto own = parameters->section("sliding_attention"))
      local = own->number_or("rope_theta", local);
  writer.f32("rope.freq_base_swa", local);
}

// Experts: how many there are, and how many a token takes.
void write_gguf_mixtral(GgufModelWriter& writer) {
  write_gguf_decoder(writer);
  const std::int64_t experts = writer.extent("blk.0.ffn_gate_exps.weight", 0);
  if (experts == 0)
    fail(ErrorCode::kUnsupported, writer.checkpoint.source,
         "layers without experts among those that have some cannot be written to GGUF");
  writer.u32("expert_count", experts);
  writer.u32("expert_used_count", writer.config().require_int("num_experts_per_tok", 1, kMostExtent));
}

void write_gguf_mixture(GgufModelWriter& writer) {
  write_gguf_mixtral(writer);
  writer.u32("expert_feed_forward_length", writer.extent("blk.0.ffn_gate_exps.weight", 1));
  if (const std::int64_t shared = writer.extent("blk.0.ffn_gate_shexp.weight", 0); shared > 0)
    writer.u32("expert_shared_feed_forward_length", shared);
}

void write_gguf_gpt_oss(GgufModelWriter& writer) {
  write_gguf_mixture(writer);
  write_window(writer, 128);
}

void write_gguf_granite_moe(GgufModelWriter& writer) {
  write_gguf_mixtral(writer);
  write_multipliers(writer);
}

namespace {

void write_encoder(GgufModelWriter& writer, std::int64_t left_out) {
  write_common(writer, left_out);
  writer.f32("attention.layer_norm_epsilon", writer.config().number_or("layer_norm_eps", 1e-12, 0, 1));
  writer.boolean("attention.causal", false);
}

}  // namespace

void write_gguf_bert(GgufModelWriter& writer) {
  write_encoder(writer, 0);
}

void write_gguf_roberta(GgufModelWriter& writer) {
  const Config& config = writer.config();
  write_encoder(writer, gguf_rows_in_front(find_gguf_architecture(writer.checkpoint), config));
  const auto classes = config.strings("architectures");
  if (classes.empty() || !classes.front().ends_with("ForSequenceClassification")) return;
  writer.u32("pooling_type", kGgufRank);
  const auto names = config.section("id2label");
  if (!names) return;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < names->json().size(); ++i)
    labels.push_back(names->require_string(std::to_string(i)));
  writer.metadata.texts(writer.key("classifier.output_labels"), labels);
}

}  // namespace swiftlet
