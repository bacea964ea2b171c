#include "swiftlet/io/gguf_rope.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "swiftlet/core/error.h"
#include "swiftlet/io/rope_section.h"

namespace swiftlet {
namespace {

constexpr std::int64_t kMostContext = 1 << 24;  // tokens, in the keys that are written

// A vector of factors that divide the frequencies; empty when the file has none.
std::vector<double> factors_of(const GgufFile& file, std::string_view name, std::int64_t rotary_dim) {
  const GgufTensor* tensor = file.find(name);
  if (tensor == nullptr) return {};
  const bool fits =
      tensor->type->name == "F32" && tensor->shape.rank() == 1 && 2 * tensor->shape[0] == rotary_dim;
  require(fits, file.where_tensor(name), "expected {} factors in F32, came {} {}", rotary_dim / 2,
          tensor->type->name, tensor->shape.to_string());
  const Buffer bytes = file.bytes(*tensor);
  std::vector<double> factors(static_cast<std::size_t>(tensor->shape[0]));
  for (std::size_t i = 0; i < factors.size(); ++i) {
    float factor;
    std::memcpy(&factor, bytes.data() + i * sizeof factor, sizeof factor);
    require(std::isfinite(factor) && factor > 0, file.where_tensor(name),
            "expected positive factors, came {}", factor);
    factors[i] = factor;
  }
  return factors;
}

struct Llama3 {
  double factor, low, high, context;
};

// Llama 3.1's division of frequencies: what transformers computes from its four numbers, as factors.
double llama3_factor(const Llama3& scaling, double frequency) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < scaling.context / scaling.high) return 1;
  if (wavelength > scaling.context / scaling.low) return scaling.factor;
  const double blend = (scaling.context / wavelength - scaling.low) / (scaling.high - scaling.low);
  return 1 / ((1 - blend) / scaling.factor + blend);
}

bool gives(const Llama3& scaling, const std::vector<double>& factors, double theta) {
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const double frequency = std::pow(theta, -static_cast<double>(i) / static_cast<double>(factors.size()));
    if (!(std::abs(factors[i] / llama3_factor(scaling, frequency) - 1) <= 1e-5)) return false;
  }
  return true;
}

// The numbers behind the factors: those that every Llama 3 has, or those that its blended frequencies ask
// for, where the blend is linear in the frequency. Multiples of low, high and context say the same: low is 1.
std::optional<Llama3> llama3_of(const std::vector<double>& factors, double theta) {
  // The factors are quotients in f32: a few parts in 10^7 are theirs.
  const double most = std::round(1e4 * *std::max_element(factors.begin(), factors.end())) / 1e4;
  if (const Llama3 usual{most, 1, 4, 8192}; gives(usual, factors, theta)) return usual;
  std::vector<std::pair<double, double>> blended;  // frequency, share of it that stays
  for (std::size_t i = 0; i < factors.size(); ++i)
    if (factors[i] > 1 + 1e-5 && factors[i] < most * (1 - 1e-5))
      blended.emplace_back(std::pow(theta, -static_cast<double>(i) / static_cast<double>(factors.size())),
                           (1 / factors[i] - 1 / most) / (1 - 1 / most));
  if (blended.size() < 2) return std::nullopt;
  const auto [high_frequency, high_share] = blended.front();
  const auto [low_frequency, low_share] = blended.back();
  const double slope = (high_share - low_share) / (high_frequency - low_frequency);
  const double offset = slope * low_frequency - low_share;  // low / (high - low)
  const Llama3 solved{most, 1, 1 + std::round(1e3 / offset) / 1e3,
                      std::round(2 * std::numbers::pi * slope / offset)};
  if (!(solved.high > solved.low && solved.context >= 1 && solved.context < 1e9)) return std::nullopt;
  return gives(solved, factors, theta) ? std::optional(solved) : std::nullopt;
}

nlohmann::json from_factors(const GgufKeys& keys, const std::vector<double>& factors, double theta) {
  if (const auto llama3 = llama3_of(factors, theta))
    return {{"rope_type", "llama3"},
            {"factor", llama3->factor},
            {"low_freq_factor", llama3->low},
            {"high_freq_factor", llama3->high},
            {"original_max_position_embeddings", static_cast<std::int64_t>(llama3->context)}};
  // Any other list: the same short and long factors, and no other change.
  return {{"rope_type", "longrope"},
          {"short_factor", factors},
          {"long_factor", factors},
          {"attention_factor", 1.0},
          {"original_max_position_embeddings", keys.extent("context_length")}};
}

nlohmann::json from_keys(const GgufKeys& keys) {
  const std::string type(keys.text("rope.scaling.type").value_or("none"));
  // Of files before there was a type.
  const double old = keys.number("rope.scale_linear").value_or(1);
  const double factor = keys.number("rope.scaling.factor").value_or(old);
  if (type == "none" || type == "linear" || type.empty())
    return factor == 1 ? nlohmann::json() : nlohmann::json{{"rope_type", "linear"}, {"factor", factor}};
  if (type != "yarn")
    fail(ErrorCode::kUnsupported, keys.where("rope.scaling.type"),
         "'{}' is not available; known are none, linear, yarn, and longrope with its tensors of factors",
         printable(type));
  nlohmann::json yarn{{"rope_type", "yarn"}, {"factor", factor}};
  if (keys.file.has(keys.key("rope.scaling.original_context_length")))
    yarn["original_max_position_embeddings"] = keys.extent("rope.scaling.original_context_length");
  if (const auto fast = keys.number("rope.scaling.yarn_beta_fast")) yarn["beta_fast"] = *fast;
  if (const auto slow = keys.number("rope.scaling.yarn_beta_slow")) yarn["beta_slow"] = *slow;
  if (const auto attention = keys.number("rope.scaling.attn_factor"); attention && *attention != 1)
    yarn["attention_factor"] = *attention * (factor <= 1 ? 1 : 0.1 * std::log(factor) + 1);
  return yarn;
}

// Phi 3: lists for texts up to the original context and beyond.
std::optional<nlohmann::json> longrope(const GgufKeys& keys, std::int64_t rotary_dim) {
  const auto brief = factors_of(keys.file, "rope_factors_short.weight", rotary_dim);
  const auto extended = factors_of(keys.file, "rope_factors_long.weight", rotary_dim);
  if (brief.empty() && extended.empty()) return std::nullopt;
  require(!brief.empty() && !extended.empty(), keys.file.where(),
          "expected both rope_factors_short.weight and rope_factors_long.weight, one is missing");
  nlohmann::json scaling{{"rope_type", "longrope"}, {"short_factor", brief}, {"long_factor", extended}};
  if (keys.file.has(keys.key("rope.scaling.original_context_length")))
    scaling["original_max_position_embeddings"] = keys.extent("rope.scaling.original_context_length");
  if (const auto factor = keys.number("rope.scaling.attn_factor")) scaling["attention_factor"] = *factor;
  return scaling;
}

std::vector<float> floats_of(const std::vector<double>& numbers) {
  return {numbers.begin(), numbers.end()};
}

void write_original_context(GgufModelWriter& writer, const Config& rope) {
  const std::int64_t original = original_context(writer.config(), rope);
  require(original <= kMostContext, writer.config().where(), "a context of {} tokens is too long for GGUF",
          original);
  writer.u32("rope.scaling.original_context_length", original);
}

void write_yarn(GgufModelWriter& writer, const Config& rope, double factor) {
  writer.text("rope.scaling.type", "yarn");
  writer.f32("rope.scaling.factor", factor);
  write_original_context(writer, rope);
  writer.f32("rope.scaling.yarn_beta_fast", rope.number_or("beta_fast", 32));
  writer.f32("rope.scaling.yarn_beta_slow", rope.number_or("beta_slow", 1));
  if (rope.has("attention_factor"))
    writer.f32("rope.scaling.attn_factor",
               rope.require_number("attention_factor") / (factor <= 1 ? 1 : 0.1 * std::log(factor) + 1));
}

void write_longrope(GgufModelWriter& writer, const Config& rope) {
  writer.tensors.emplace_back("rope_factors_long.weight", floats_of(rope.numbers("long_factor")));
  writer.tensors.emplace_back("rope_factors_short.weight", floats_of(rope.numbers("short_factor")));
  write_original_context(writer, rope);
  writer.f32("rope.scaling.attn_factor", longrope_attention_factor(writer.config(), rope));
}

}  // namespace

void read_gguf_rope(const GgufKeys& keys, std::int64_t head_dim, nlohmann::json& config) {
  const double theta = keys.number("rope.freq_base").value_or(10000);
  require(theta > 0, keys.where("rope.freq_base"), "expected a positive number, came {}", theta);
  config["rope_theta"] = theta;
  const std::int64_t rotary_dim = keys.integer("rope.dimension_count").value_or(head_dim);
  require(rotary_dim >= 1 && rotary_dim <= head_dim, keys.where("rope.dimension_count"),
          "expected from 1 to {}, the size of a head, came {}", head_dim, rotary_dim);
  if (rotary_dim != head_dim)
    config["partial_rotary_factor"] = static_cast<double>(rotary_dim) / static_cast<double>(head_dim);
  const auto factors = factors_of(keys.file, "rope_freqs.weight", rotary_dim);
  const auto lists = longrope(keys, rotary_dim);
  const nlohmann::json scaling = lists             ? *lists
                                 : factors.empty() ? from_keys(keys)
                                                   : from_factors(keys, factors, theta);
  if (!scaling.is_null()) config["rope_scaling"] = scaling;
  // Where transformers looks first: the class of Phi-3 has a number of its own there.
  constexpr const char* kOriginal = "original_max_position_embeddings";
  if (lists && lists->contains(kOriginal)) config[kOriginal] = (*lists)[kOriginal];
}

void write_gguf_rope(GgufModelWriter& writer, std::int64_t head_dim, const GgufRopeDefaults& defaults) {
  const Config& config = writer.config();
  const Config rope = rope_section(config, "full_attention").value_or(Config());
  const double theta = rope.number_or("rope_theta", config.number_or("rope_theta", defaults.theta));
  const double partial =
      rope.number_or("partial_rotary_factor", config.number_or("partial_rotary_factor", defaults.partial));
  const auto rotary_dim = static_cast<std::int64_t>(static_cast<double>(head_dim) * partial);
  writer.f32("rope.freq_base", theta);
  writer.u32("rope.dimension_count", rotary_dim);
  const std::string type = rope_type(rope);
  if (type == "default" || type == "dynamic") return;
  if (type == "longrope") return write_longrope(writer, rope);
  const double factor = rope.require_number("factor", 1e-6, 1e6);
  if (type == "linear") {
    writer.text("rope.scaling.type", "linear");
    writer.f32("rope.scaling.factor", factor);
  } else if (type == "yarn") {
    write_yarn(writer, rope, factor);
  } else if (type == "llama3") {
    const Llama3 scaling{factor, rope.require_number("low_freq_factor"),
                         rope.require_number("high_freq_factor"),
                         static_cast<double>(original_context(config, rope))};
    std::vector<float> factors;
    for (std::int64_t i = 0; i < rotary_dim / 2; ++i)
      factors.push_back(static_cast<float>(llama3_factor(
          scaling, std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim)))));
    writer.tensors.emplace_back("rope_freqs.weight", std::move(factors));
  } else {
    fail(ErrorCode::kUnsupported, config.where() + ": rope_type", "'{}' cannot be written to GGUF",
         printable(type));
  }
}

}  // namespace swiftlet
