// Converting and compressing take memory by the largest tensor, not by the model.
#include <algorithm>
#include <fstream>
#include <random>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

constexpr std::uint64_t kMega = std::uint64_t{1} << 20;
constexpr std::int64_t kWidth = 1024, kInner = 4096, kLayers = 7, kVocabulary = 1000;
constexpr std::uint64_t kLargestTensor = kWidth * kInner * 4;

struct TensorInFile {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::int64_t elements() const { return shape.size() == 1 ? shape[0] : shape[0] * shape[1]; }
  std::uint64_t bytes() const { return std::uint64_t(elements()) * (dtype == "F64" ? 8 : 4); }
};

// A Llama without tokenizer: 560 MB, most of it in matrices of 16 MB. Those of the attention are f64, which
// must be converted.
std::vector<TensorInFile> tensors_of_the_model() {
  std::vector<TensorInFile> tensors{{"model.embed_tokens.weight", "F32", {kVocabulary, kWidth}},
                                    {"model.norm.weight", "F32", {kWidth}}};
  for (std::int64_t i = 0; i < kLayers; ++i) {
    const auto add = [&](const char* name, const char* dtype, std::vector<std::int64_t> shape) {
      tensors.push_back(
          {"model.layers." + std::to_string(i) + "." + name + ".weight", dtype, std::move(shape)});
    };
    for (const char* name : {"input_layernorm", "post_attention_layernorm"}) add(name, "F32", {kWidth});
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"})
      add(name, "F64", {kWidth, kWidth});
    for (const char* name : {"mlp.gate_proj", "mlp.up_proj"}) add(name, "F32", {kInner, kWidth});
    add("mlp.down_proj", "F32", {kWidth, kInner});
  }
  return tensors;
}

// Values of [-1, 1), the same few megabytes again and again from other places.
template <class T>
void write_random(std::ofstream& file, std::int64_t count, std::size_t from) {
  static const std::vector<T> pool = [] {
    std::mt19937 random(1);
    std::uniform_real_distribution<T> value(-1, 1);
    std::vector<T> values(kMega);
    std::generate(values.begin(), values.end(), [&] { return value(random); });
    return values;
  }();
  for (from %= pool.size(); count > 0; from = 0) {
    const auto piece = std::min(count, std::int64_t(pool.size() - from));
    file.write(reinterpret_cast<const char*>(pool.data() + from), piece * std::int64_t(sizeof(T)));
    count -= piece;
  }
}

std::uint64_t write_large_model(const Scratch& scratch) {
  scratch.write("config.json", nlohmann::json{{"model_type", "llama"},
                                              {"hidden_act", "silu"},
                                              {"hidden_size", kWidth},
                                              {"intermediate_size", kInner},
                                              {"num_hidden_layers", kLayers},
                                              {"num_attention_heads", 16},
                                              {"num_key_value_heads", 16},
                                              {"vocab_size", kVocabulary},
                                              {"max_position_embeddings", 128},
                                              {"rms_norm_eps", 1e-5},
                                              {"rope_theta", 10000.0},
                                              {"tie_word_embeddings", true}}
                                   .dump());
  const auto tensors = tensors_of_the_model();
  auto header = nlohmann::ordered_json::object();
  std::uint64_t end = 0;
  for (const TensorInFile& tensor : tensors) {
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {end, end + tensor.bytes()}}};
    end += tensor.bytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  std::ofstream file(scratch.path("model.safetensors"), std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), 8);
  file << text;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].dtype == "F64")
      write_random<double>(file, tensors[i].elements(), i * 7919);
    else
      write_random<float>(file, tensors[i].elements(), i * 7919);
  }
  return end;
}

std::uint64_t anonymous_bytes(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string key; status >> key;)
    if (std::uint64_t kilobytes = 0; key == "RssAnon:" && status >> kilobytes) return kilobytes * 1024;
  return 0;
}

// Runs the command under the promised limit and returns the largest anonymous memory that was seen.
std::uint64_t peak_of(const std::vector<std::string>& words) {
  std::uint64_t peak = 0;
  Start start;
  start.data_limit = 2 * kLargestTensor + 256 * kMega;
  start.watch = [&](pid_t process, const Result&) { peak = std::max(peak, anonymous_bytes(process)); };
  const Result result = swiftlet(words, start);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_GT(peak, 0u);
  return peak;
}

TEST(Slow, ConvertAndCompressTakeMemoryByTheLargestTensor) {
  const Scratch scratch;
  const std::uint64_t model = write_large_model(scratch);
  // Tighter than the promise, so that a copy of the small result or of what was f64 (113 MB each) would be
  // seen as well.
  const std::uint64_t bound = 2 * kLargestTensor + 64 * kMega;
  ASSERT_GT(model, 4 * bound);
  const std::string folder = scratch.path(""), native = scratch.path("native.swiftlet"),
                    small = scratch.path("small.swiftlet"), back = scratch.path("back");
  EXPECT_LT(peak_of({"convert", folder, "-o", native}), bound);
  EXPECT_GT(std::filesystem::file_size(native), model * 3 / 4);
  std::filesystem::remove(native);
  EXPECT_LT(peak_of({"compress", folder, "-o", small}), bound);
  EXPECT_GT(std::filesystem::file_size(small), bound);
  std::filesystem::remove(scratch.path("model.safetensors"));
  EXPECT_LT(peak_of({"inspect", small, "--verify"}), bound);
  EXPECT_LT(peak_of({"convert", small, "-o", back}), bound);
  EXPECT_GT(std::filesystem::file_size(back + "/model.safetensors"), model * 3 / 4);
}

}  // namespace
}  // namespace swiftlet::cli_test
