#include "swiftlet/io/llama2c.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/mapped_file.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeaderBytes = 28;
constexpr std::int32_t kMagic = 0x616b3432;  // "ak42": the versions after 0

std::int32_t read_i32(const std::byte* bytes) {
  std::int32_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

struct Header {
  std::int64_t dim = 0, hidden = 0, layers = 0, heads = 0, kv_heads = 0, vocab = 0, seq_len = 0;
  bool tied = true;

  std::int64_t head_size() const { return dim / heads; }
  std::int64_t kv_dim() const { return head_size() * kv_heads; }
  // Values in the file; every extent is at most kMaxExtent, so nothing overflows.
  std::int64_t values() const {
    const std::int64_t layer = 2 * dim * dim + 2 * kv_dim() * dim + 3 * hidden * dim + 2 * dim;
    return vocab * dim * (tied ? 1 : 2) + layers * layer + dim + seq_len * (head_size() / 2) * 2;
  }
};

constexpr std::int64_t kMaxExtent = std::int64_t{1} << 24;
constexpr std::int64_t kMaxLayers = 4096;

bool plausible(const Header& h) {
  const auto within = [](std::int64_t value, std::int64_t max) { return value >= 1 && value <= max; };
  return within(h.dim, 1 << 17) && within(h.hidden, 1 << 20) && within(h.layers, kMaxLayers) &&
         within(h.heads, h.dim) && within(h.kv_heads, h.heads) && within(h.vocab, kMaxExtent) &&
         within(h.seq_len, kMaxExtent) && h.dim % h.heads == 0 && h.head_size() % 2 == 0 &&
         h.heads % h.kv_heads == 0;
}

Header read_header(const Buffer& file, const std::string& where) {
  require(file.size() >= kHeaderBytes, where, "is {} bytes, the header of a llama2.c model has {}",
          file.size(), kHeaderBytes);
  if (read_i32(file.data()) == kMagic)
    fail(ErrorCode::kUnsupported, where, "is a llama2.c model of version {}, only version 0 is supported",
         read_i32(file.data() + 4));
  std::int32_t fields[7];
  std::memcpy(fields, file.data(), sizeof fields);
  Header header{fields[0], fields[1],    fields[2],
                fields[3], fields[4],    std::abs(static_cast<std::int64_t>(fields[5])),
                fields[6], fields[5] > 0};
  require(
      plausible(header), where,
      "is no llama2.c model: dim {}, hidden_dim {}, n_layers {}, n_heads {}, n_kv_heads {}, vocab_size {}, "
      "seq_len {} are not a plausible header",
      fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6]);
  const std::uint64_t expected = kHeaderBytes + 4 * static_cast<std::uint64_t>(header.values());
  require(file.size() == expected, where, "is {} bytes, its header asks for exactly {}", file.size(),
          expected);
  return header;
}

Config config_of(const Header& h, const std::string& where) {
  const nlohmann::json json{
      {"architectures", {"LlamaForCausalLM"}},
      {"model_type", "llama"},
      {"hidden_act", "silu"},
      {"hidden_size", h.dim},
      {"intermediate_size", h.hidden},
      {"num_hidden_layers", h.layers},
      {"num_attention_heads", h.heads},
      {"num_key_value_heads", h.kv_heads},
      {"head_dim", h.head_size()},
      {"vocab_size", h.vocab},
      {"max_position_embeddings", h.seq_len},
      {"rms_norm_eps", 1e-5},
      {"rope_theta", 10000.0},
      {"tie_word_embeddings", h.tied},
      {"attention_bias", false},
      {"mlp_bias", false},
      {"bos_token_id", 1},
      {"eos_token_id", 2},
  };
  return Config::parse(json.dump(), where + ": header");
}

// Rows of one head from the order of neighbours to that of halves:
//   out[i] = in[2i], out[half + i] = in[2i + 1]
Buffer split_rope_halves(const Buffer& rows, std::int64_t heads, std::int64_t head_size, std::int64_t dim) {
  Buffer out = Buffer::heap(rows.size());
  const std::size_t row_bytes = static_cast<std::size_t>(dim) * sizeof(float);
  const std::int64_t half = head_size / 2;
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t i = 0; i < head_size; ++i) {
      const std::int64_t from = head * head_size + i;
      const std::int64_t to = head * head_size + (i % 2) * half + i / 2;
      std::memcpy(out.mutable_data() + static_cast<std::size_t>(to) * row_bytes,
                  rows.data() + static_cast<std::size_t>(from) * row_bytes, row_bytes);
    }
  }
  check_mapped(rows.bytes());
  release_mapped(rows.bytes());
  return out;
}

// Walks through the file, which was checked to hold all of it.
class Reader {
 public:
  Reader(const Buffer& file, Checkpoint& checkpoint, bool stream)
      : file_(file), checkpoint_(checkpoint), stream_(stream) {}

  void take(const std::string& name, Shape shape) {
    Buffer values = next(shape);
    checkpoint_.weights.emplace(name, made(name, std::move(shape), std::move(values)));
  }
  void take_roped(const std::string& name, const Shape& shape, std::int64_t heads) {
    const auto permuted = [name, shape, rows = next(shape), heads] {
      return made(name, shape, split_rope_halves(rows, heads, shape[0] / heads, shape[1]));
    };
    checkpoint_.weights.emplace(name, stream_ ? made(name, shape, Buffer()) : permuted());
    if (stream_) checkpoint_.made_weights.emplace(name, permuted);
  }
  void skip(std::int64_t values) { offset_ += static_cast<std::size_t>(values) * sizeof(float); }

 private:
  Buffer next(const Shape& shape) {
    const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * sizeof(float);
    Buffer values = file_.slice(offset_, bytes);
    offset_ += bytes;
    return values;
  }
  static Weight made(const std::string& name, Shape shape, Buffer values) {
    Weight weight;
    weight.name = name;
    weight.shape = std::move(shape);
    weight.codes = std::move(values);
    return weight;
  }

  const Buffer& file_;
  Checkpoint& checkpoint_;
  bool stream_;
  std::size_t offset_ = kHeaderBytes;
};

void read_weights(const Buffer& file, const Header& h, Checkpoint& checkpoint, bool stream) {
  Reader reader(file, checkpoint, stream);
  const auto each_layer = [&](const char* name, const Shape& shape) {
    for (std::int64_t i = 0; i < h.layers; ++i)
      reader.take(fmt::format("model.layers.{}.{}.weight", i, name), shape);
  };
  const auto each_layer_roped = [&](const char* name, const Shape& shape, std::int64_t heads) {
    for (std::int64_t i = 0; i < h.layers; ++i)
      reader.take_roped(fmt::format("model.layers.{}.{}.weight", i, name), shape, heads);
  };
  reader.take("model.embed_tokens.weight", {h.vocab, h.dim});
  each_layer("input_layernorm", {h.dim});
  each_layer_roped("self_attn.q_proj", {h.dim, h.dim}, h.heads);
  each_layer_roped("self_attn.k_proj", {h.kv_dim(), h.dim}, h.kv_heads);
  each_layer("self_attn.v_proj", {h.kv_dim(), h.dim});
  each_layer("self_attn.o_proj", {h.dim, h.dim});
  each_layer("post_attention_layernorm", {h.dim});
  each_layer("mlp.gate_proj", {h.hidden, h.dim});
  each_layer("mlp.down_proj", {h.dim, h.hidden});
  each_layer("mlp.up_proj", {h.hidden, h.dim});
  reader.take("model.norm.weight", {h.dim});
  reader.skip(h.seq_len * (h.head_size() / 2) * 2);
  if (!h.tied) reader.take("lm_head.weight", {h.vocab, h.dim});
}

std::vector<fs::path> tokenizer_candidates(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("tok") && name.ends_with(".bin") && entry.is_regular_file())
      found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    const bool first_a = a.filename() == "tokenizer.bin", first_b = b.filename() == "tokenizer.bin";
    return first_a != first_b ? first_a : a < b;
  });
  return found;
}

TokenizerSource find_tokenizer_bin(const fs::path& folder, std::int64_t vocab) {
  TokenizerSource source;
  std::string others;
  for (const auto& path : tokenizer_candidates(folder)) {
    Buffer bytes = map_file(path);
    const std::int64_t pieces = count_llama2c_pieces(bytes.bytes());
    if (pieces != vocab) {
      others += fmt::format("; {} {}", path.filename().string(),
                            pieces > 0 ? fmt::format("has {}", pieces) : "is damaged");
      continue;
    }
    source.kind = TokenizerKind::kLlama2c;
    source.where = path.string();
    source.bytes = std::move(bytes);
    return source;
  }
  source.where =
      fmt::format("{}: no tokenizer.bin or tok*.bin with {} pieces{}", folder.string(), vocab, others);
  return source;
}

}  // namespace

std::int64_t count_llama2c_pieces(std::span<const std::byte> bytes) {
  std::size_t offset = 4;
  std::int64_t pieces = 0;
  if (bytes.size() < offset) return 0;
  const std::int32_t longest = read_i32(bytes.data());
  while (offset < bytes.size()) {
    if (bytes.size() - offset < 8) return 0;
    const std::int32_t length = read_i32(bytes.data() + offset + 4);
    offset += 8;
    if (length < 0 || length > longest || static_cast<std::size_t>(length) > bytes.size() - offset) return 0;
    offset += static_cast<std::size_t>(length);
    ++pieces;
  }
  return pieces;
}

Checkpoint parse_llama2c(Buffer file, std::string where, bool stream) {
  const Header header = read_header(file, where);
  Checkpoint checkpoint;
  checkpoint.config = config_of(header, where);
  checkpoint.source = std::move(where);
  checkpoint.format = "llama2.c";
  read_weights(file, header, checkpoint, stream);
  // BOS separates the texts that such models were trained on; llama2.c ends there as well.
  checkpoint.generation.bos_token_id = 1;
  checkpoint.generation.eos_token_ids = {1, 2};
  return checkpoint;
}

Checkpoint load_llama2c(const fs::path& path, bool stream) {
  Checkpoint checkpoint = parse_llama2c(map_file(path), path.string(), stream);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  checkpoint.tokenizer = find_tokenizer_bin(folder, checkpoint.config.require_int("vocab_size"));
  return checkpoint;
}

}  // namespace swiftlet
