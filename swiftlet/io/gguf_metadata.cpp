#include "swiftlet/io/gguf_metadata.h"

#include "swiftlet/core/error.h"
#include "swiftlet/io/gguf_model.h"
#include "swiftlet/io/gguf_rope.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kMostExtent = std::int64_t{1} << 24;

// A head's size from the projection of the first layer, which no default of a family can contradict.
std::int64_t head_dim_of(const GgufModelWriter& writer, std::int64_t heads, std::int64_t kv_heads) {
  if (const std::int64_t queries = writer.extent("blk.0.attn_q.weight", 0); queries > 0)
    return queries / heads;
  if (const std::int64_t all = writer.extent("blk.0.attn_qkv.weight", 0); all > 0)
    return all / (heads + 2 * kv_heads);
  fail(ErrorCode::kInvalid, writer.checkpoint.source,
       "expected projections of the first layer, there are none");
}

}  // namespace

std::string GgufModelWriter::key(std::string_view what) const {
  return fmt::format("{}.{}", architecture, what);
}

std::int64_t GgufModelWriter::extent(std::string_view tensor, std::size_t axis) const {
  const auto found = shapes.find(tensor);
  return found == shapes.end() || found->second.rank() <= axis ? 0 : found->second[axis];
}

void write_common(GgufModelWriter& writer, std::int64_t left_out) {
  const Config& config = writer.config();
  constexpr std::string_view kContexts[]{"max_position_embeddings", "n_positions", "n_ctx", "max_seq_len",
                                         "seq_length"};
  std::int64_t context = 2048;  // that of the families whose configs need not say it
  for (const std::string_view key : kContexts)
    if (config.has(key)) {
      context = config.require_int(key, left_out + 1, kMostExtent);
      break;
    }
  writer.u32("context_length", context - left_out);
  writer.u32("embedding_length", gguf_width(config));
  writer.u32("block_count", gguf_layer_count(config));
  writer.u32("feed_forward_length",
             config.int_or("intermediate_size", writer.extent("blk.0.ffn_up.weight", 0), 1, kMostExtent));
  writer.u32("attention.head_count", gguf_head_count(config));
  writer.u32("vocab_size", writer.extent("token_embd.weight", 0));
}

void write_layer_norm(GgufModelWriter& writer, double usual) {
  const Config& config = writer.config();
  for (const std::string_view key : {"layer_norm_epsilon", "layer_norm_eps", "norm_eps"})
    if (config.has(key)) usual = config.require_number(key, 0, 1);
  writer.f32("attention.layer_norm_epsilon", usual);
}

void write_window(GgufModelWriter& writer, std::int64_t usual) {
  const std::int64_t window = writer.config().int_or("sliding_window", usual, 0, kMostExtent);
  if (window > 0) writer.u32("attention.sliding_window", window);
}

void write_layer_types(GgufModelWriter& writer) {
  std::vector<bool> sliding;
  for (const std::string& type : writer.config().strings("layer_types"))
    sliding.push_back(type == "sliding_attention");
  constexpr std::string_view kPattern = "attention.sliding_window_pattern";
  if (!sliding.empty())
    writer.metadata.booleans(writer.key(kPattern), sliding);
  else if (writer.config().has("sliding_window_pattern"))
    writer.u32(kPattern, writer.config().require_int("sliding_window_pattern", 1, kMostExtent));
}

void write_clamp(GgufModelWriter& writer, const Config& section) {
  if (section.has("clip_qkv")) writer.f32("attention.clamp_kqv", section.require_number("clip_qkv"));
}

double rope_theta_of_windows(const Config& config, const char* key) {
  const double theta = config.number_or(key, 10000);
  const auto parameters = config.section("rope_parameters");
  const auto own = parameters ? parameters->section("sliding_attention") : std::nullopt;
  return own ? own->number_or("rope_theta", theta) : theta;
}

void write_rotary(GgufModelWriter& writer, const GgufRopeDefaults& defaults) {
  const Config& config = writer.config();
  const std::int64_t heads = gguf_head_count(config);
  const std::int64_t kv_heads = config.int_or("num_key_value_heads", heads, 1, kMostExtent);
  const std::int64_t head_dim = head_dim_of(writer, heads, kv_heads);
  writer.u32("attention.head_count_kv", kv_heads);
  writer.u32("attention.key_length", head_dim);
  writer.u32("attention.value_length", head_dim);
  write_gguf_rope(writer, head_dim, defaults);
}

void write_gguf_decoder(GgufModelWriter& writer) {
  write_common(writer);
  writer.f32("attention.layer_norm_rms_epsilon", writer.config().number_or("rms_norm_eps", 1e-6, 0, 1));
  write_rotary(writer);
}

}  // namespace swiftlet
