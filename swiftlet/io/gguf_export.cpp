#include "swiftlet/io/gguf_export.h"

#include <algorithm>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/io/gguf_encode.h"
#include "swiftlet/io/gguf_metadata.h"
#include "swiftlet/io/gguf_model.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

// One weight on its way to a tensor.
struct Item {
  std::string weight;  // of transformers
  GgufDeclaration tensor;
  std::int64_t heads = 0;     // whose rows go from halves to pairs of neighbours; 0: none do
  std::int64_t left_out = 0;  // the first rows, which files do not have
  float added = 0;
};

// Row `row` of a file stands in this row of transformers.
std::int64_t row_in_halves(std::int64_t row, std::int64_t rows, std::int64_t heads) {
  if (heads == 0) return row;
  const std::int64_t head_size = rows / heads, i = row % head_size;
  return row - i + i % 2 * (head_size / 2) + i / 2;
}

void write_pooling(GgufModelWriter& writer) {
  const auto& sentence = writer.checkpoint.sentence_transformer;
  if (!sentence) return;
  const auto found = std::find_if(kGgufPoolings.begin(), kGgufPoolings.end(), [&](Pooling pooling) {
    return sentence->pooling == std::vector<Pooling>{pooling};
  });
  if (found == kGgufPoolings.end())
    fail(ErrorCode::kUnsupported, writer.checkpoint.source,
         "pooling '{}' cannot be written to GGUF, only mean, cls and lasttoken",
         to_string(sentence->pooling));
  writer.u32("pooling_type", found - kGgufPoolings.begin() + 1);
  for (const SentenceLayer& layer : sentence->layers)
    if (layer.kind != SentenceLayer::Kind::kNormalize)
      fail(ErrorCode::kUnsupported, writer.checkpoint.source, "module '{}' cannot be written to GGUF",
           printable(layer.name));
  std::string lost;
  const auto add = [&](bool is_there, std::string_view what) {
    if (is_there) lost += fmt::format("{}{}", lost.empty() ? "" : ", ", what);
  };
  add(!sentence->prompts.empty(), "prompts");
  add(sentence->max_seq_length > 0 &&
          sentence->max_seq_length != writer.config().int_or("max_position_embeddings", 0),
      "max_seq_length");
  add(sentence->layers.empty(), "vectors that are not normalized");
  if (!lost.empty()) warn("{}: GGUF has no place for: {}", writer.checkpoint.source, lost);
}

std::vector<Item> plan_items(const Checkpoint& checkpoint, const GgufArchitecture& architecture) {
  std::vector<Item> items;
  std::string nameless, rounded;
  std::int64_t rounds = 0;
  for (const auto& [name, weight] : checkpoint.weights) {
    const auto tensor = gguf_name(architecture, name);
    if (!tensor) {
      nameless += fmt::format("{}{}", nameless.empty() ? "" : ", ", printable(name));
      continue;
    }
    Item item{.weight = name, .tensor = {*tensor, weight.shape, &gguf_type_of(weight)}};
    item.heads = gguf_neighbour_heads(architecture, checkpoint.config, *tensor, weight.shape,
                                      checkpoint.source + ": " + name);
    if (weight.shape.rank() == 1 && name.ends_with("norm.weight")) item.added = -architecture.norm_offset;
    if (*tensor == kGgufPositions && weight.shape.rank() == 2) {
      item.left_out = std::min(gguf_rows_in_front(architecture, checkpoint.config), weight.shape[0]);
      item.tensor.shape = Shape{weight.shape[0] - item.left_out, weight.shape[1]};
    }
    if (gguf_rounds(weight)) {
      ++rounds;
      rounded = fmt::format("{} in {}", to_string(weight.encoding), item.tensor.type->name);
    }
    items.push_back(std::move(item));
  }
  const bool has_tokens = std::any_of(
      items.begin(), items.end(), [](const Item& item) { return item.tensor.name == "token_embd.weight"; });
  if (!has_tokens)
    fail(ErrorCode::kUnsupported, checkpoint.source,
         "cannot be written to GGUF: its weights are not named as those of {}", architecture.class_name);
  if (!nameless.empty())
    warn("{}: weights that GGUF has no name for are left out: {}", checkpoint.source, nameless);
  if (rounds > 0)
    warn("{}: {} matrices do not keep their values to the last bit: {}", checkpoint.source, rounds, rounded);
  return items;
}

// By layer and name, the first ten layers before the tenth.
void sort(std::vector<Item>& items) {
  const auto key = [](const Item& item) {
    const std::string& name = item.tensor.name;
    const bool in_layer = name.starts_with("blk.");
    return std::tuple(in_layer ? std::stoll(name.substr(4)) : -1, std::string_view(name));
  };
  std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) { return key(a) < key(b); });
}

void write_item(GgufWriter& file, const Checkpoint& checkpoint, const Item& item) {
  const Weight weight = checkpoint.with_bytes(item.weight);
  std::int64_t written = 0;
  write_gguf_rows(
      weight, *item.tensor.type,
      [&](std::int64_t row) { return row_in_halves(row, weight.shape[0], item.heads); }, item.added,
      [&](std::span<const std::byte> bytes) {
        if (written++ >= item.left_out) file.append(bytes);
      });
  file.end_tensor();
  check_mapped(weight);
  release_mapped(weight);
}

}  // namespace

void write_gguf(const std::filesystem::path& path, const Checkpoint& checkpoint,
                const GgufMetadata& tokenizer, const std::function<void(const std::filesystem::path&)>& check,
                const Job& job) {
  const GgufArchitecture& architecture = find_gguf_architecture(checkpoint.config);
  std::vector<Item> items = plan_items(checkpoint, architecture);
  sort(items);
  GgufMetadata metadata;
  metadata.text("general.architecture", architecture.name);
  metadata.text("general.name", std::filesystem::path(checkpoint.source).stem().string());
  metadata.u32("general.quantization_version", 2);
  GgufModelWriter writer{checkpoint, architecture.name, metadata};
  architecture.write(writer);
  write_pooling(writer);
  metadata.append(tokenizer);
  std::vector<GgufDeclaration> declared;
  const GgmlType& f32 = ggml_types().front();
  for (const auto& [name, values] : writer.tensors)
    declared.push_back({name, Shape{static_cast<std::int64_t>(values.size())}, &f32});
  for (const Item& item : items) declared.push_back(item.tensor);
  GgufWriter file(path, metadata, std::move(declared));
  for (const auto& [name, values] : writer.tensors) {
    file.append(std::as_bytes(std::span(values)));
    file.end_tensor();
  }
  const auto count = static_cast<std::int64_t>(items.size());
  for (std::int64_t done = 0; const Item& item : items) {
    job.step("convert", done++, count);
    write_item(file, checkpoint, item);
  }
  job.step("convert", count, count);
  check(file.aside());
  file.commit();
}

}  // namespace swiftlet
