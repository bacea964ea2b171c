#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/models/decoder.h"
#include "swiftlet/models/families.h"

namespace swiftlet::models {
namespace {

constexpr std::array kFamilies{
    &kLlama,   &kMistral, &kQwen2,      &kQwen3,      &kGemma,     &kGemma2,     &kGemma3,
    &kPhi3,    &kSmolLm3, &kOlmo,       &kOlmo2,      &kGranite,   &kStableLm,   &kCohere,
    &kCohere2, &kGlm,     &kGlm4,       &kGpt2,       &kGptNeoX,   &kGptJ,       &kPhi,
    &kFalcon,  &kOpt,     &kBloom,      &kMpt,        &kMixtral,   &kQwen2Moe,   &kQwen3Moe,
    &kOlmoe,   &kGptOss,  &kGraniteMoe, &kBert,       &kRoberta,   &kXlmRoberta, &kCamembert,
    &kElectra, &kAlbert,  &kMpnet,      &kDistilbert, &kDebertaV2, &kModernBert, &kNomicBert,
};

std::span<const HeadSpec> heads_of(const Family& family) {
  return family.heads.empty() && family.kind == Kind::kDecoder ? decoder_heads() : family.heads;
}

std::string shortened(const std::vector<std::string>& names) {
  const std::size_t shown = std::min<std::size_t>(names.size(), 5);
  return fmt::format("{}{}",
                     fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                     names.size() > shown ? ", ..." : "");
}

void warn_unread(const Checkpoint& checkpoint, const Family& family, const Graph& graph) {
  std::vector<std::string> unread;  // no graph reads integers
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (!family.ignores(name)) unread.push_back(name);
  for (const auto& [name, weight] : checkpoint.weights)
    if (!graph.find(name) && !family.ignores(name)) unread.push_back(name);
  if (unread.empty()) return;
  warn("{}: {} weights are not part of a '{}' model and are ignored: {}", checkpoint.source, unread.size(),
       family.model_type, shortened(unread));
}

// What every config may say without a word on how the model computes: notes, training, the tasks of heads.
bool is_harmless(std::string_view key) {
  constexpr std::array kEnds{"dropout", "_pdrop", "_token_id", "_prob", "_token_index"};
  constexpr std::array kBegins{"_",      "output_",     "summary_", "initializer_",
                               "torch_", "classifier_", "id2label", "label2id"};
  constexpr std::array kWhole{"architectures",
                              "cache_implementation",
                              "auto_map",
                              "chunk_size_feed_forward",
                              "dtype",
                              "finetuning_task",
                              "gradient_checkpointing",
                              "is_encoder_decoder",
                              "model_type",
                              "model_max_length",
                              "num_labels",
                              "pretraining_tp",
                              "problem_type",
                              "return_dict",
                              "task_specific_params",
                              "tie_encoder_decoder",
                              "tokenizer_class",
                              "transformers_version",
                              "unsloth_version",
                              "use_bfloat16",
                              "use_cache",
                              "use_return_dict",
                              "vocab_file",
                              "init_std",
                              "initializer_range",
                              "is_decoder",
                              "add_cross_attention"};
  const auto is_one_of = [&](const auto& list, auto matches) {
    return std::any_of(list.begin(), list.end(), matches);
  };
  return is_one_of(kEnds, [&](std::string_view end) { return key.ends_with(end); }) ||
         is_one_of(kBegins, [&](std::string_view begin) { return key.starts_with(begin); }) ||
         is_one_of(kWhole, [&](std::string_view whole) { return key == whole; });
}

std::vector<std::string> unknown_keys(const Config& config, const Family& family) {
  std::vector<std::string> keys = config.unread();
  std::erase_if(keys, [&](const std::string& key) {
    const std::size_t colon = key.rfind(": ");  // of a section
    // Only masked LMs have something to tie.
    if (family.kind == Kind::kEncoder && key == "tie_word_embeddings") return true;
    return is_harmless(colon == std::string::npos ? key : key.substr(colon + 2)) ||
           std::find(family.harmless.begin(), family.harmless.end(), key) != family.harmless.end();
  });
  return keys;
}

std::string head_list(std::span<const HeadSpec> heads) {
  std::vector<std::string_view> names;
  for (const HeadSpec& head : heads)
    if (const auto name = to_string(head.task); std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string models_markdown() {
  std::string text =
      "# Models\n\nWhat `model_type` in a model's `config.json` may say. Made from the registry "
      "(`swiftlet/models/registry.cpp`) by the test\n`Registry.TheDocumentIsThatOfTheRegistry` with "
      "`SWIFTLET_UPDATE_DOCS=1`; do not edit.\n\nHeads are what `architectures` may name beside the plain "
      "model; [tasks.md](tasks.md) tells what they are for.\n";
  for (const Kind kind : {Kind::kDecoder, Kind::kEncoder}) {
    text += kind == Kind::kDecoder ? "\n## Decoders\n\n" : "\n## Encoders\n\n";
    text += "| model_type | models | heads |\n|---|---|---|\n";
    for (const Family* family : kFamilies)
      if (family->kind == kind)
        text += fmt::format("| `{}` | {} | {} |\n", family->model_type, family->title,
                            head_list(heads_of(*family)));
  }
  return text;
}

std::vector<std::string_view> known_families() {
  std::vector<std::string_view> names;
  for (const Family* family : kFamilies) names.push_back(family->model_type);
  return names;
}

std::string known_heads(const Config& config) {
  std::vector<std::string_view> names;
  for (const HeadSpec& head : heads_of(find_family(config))) names.push_back(head.suffix);
  return fmt::format("{}", fmt::join(names, ", "));
}

const Family& find_family(const Config& config) {
  const std::string type = config.require_string("model_type");
  for (const Family* family : kFamilies)
    if (family->model_type == type) return *family;
  fail(ErrorCode::kUnsupported, config.where() + ": model_type", "'{}' is not available; known are {}", type,
       fmt::join(known_families(), ", "));
}

BuiltModel build_model(const Checkpoint& checkpoint) {
  const Family& family = find_family(checkpoint.config);
  const Scope::Shapes shapes = [&](const std::string& name) -> std::optional<Shape> {
    const Weight* weight = checkpoint.find(name);
    if (const auto other = checkpoint.tensors.find(name); other != checkpoint.tensors.end())
      fail(ErrorCode::kInvalid, name, "is of {}, expected floats", dtype_name(other->second.dtype()));
    if (weight == nullptr) return std::nullopt;
    return weight->shape;
  };
  const Config config = checkpoint.config.recorded();
  try {
    Ending ending;
    HeadChoice choice;
    if (checkpoint.sentence_transformer)
      ending.sentence = &*checkpoint.sentence_transformer;
    else
      choice = choose_head(config, heads_of(family));
    ending.head = choice.spec;
    const bool unknown = choice.spec == nullptr && choice.architecture.find("For") != std::string::npos &&
                         !choice.architecture.ends_with("ForCausalLM");
    if (family.kind == Kind::kDecoder && unknown)
      fail(ErrorCode::kUnsupported, config.where() + ": architectures",
           "'{}' is not available; known for '{}' are ForCausalLM, {}", choice.architecture,
           family.model_type, known_heads(config));
    BuiltModel model = family.build(config, shapes, ending);
    if (choice.spec != nullptr)
      model.head = describe_head(*choice.spec, choice.architecture, config);
    else if (model.kind == Kind::kEncoder)
      model.unknown_head = choice.architecture;
    warn_unread(checkpoint, family, model.graph);
    model.unknown_keys = unknown_keys(config, family);
    if (!model.unknown_keys.empty())
      warn("{}: keys that a '{}' model does not know are ignored: {}", config.where(), family.model_type,
           shortened(model.unknown_keys));
    return model;
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (text.starts_with("[" + checkpoint.config.where()) || text.starts_with("[" + checkpoint.source)) throw;
    fail(error.code(), checkpoint.source, "{}", text);
  }
}

}  // namespace swiftlet::models
