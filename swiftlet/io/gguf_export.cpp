#include "swiftlet/io/gguf_export.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/io/gguf_encode.h"
#include "swiftlet/io/gguf_metadata.h"
#include "swiftlet/io/gguf_model.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

// One tensor of the file, of one weight or of those of all experts.
struct Item {
  std::map<std::int64_t, std::string> weights;  // names in transformers, by expert
  bool of_experts = false;
  GgufDeclaration tensor;
  GgufRowOrder order;
  std::int64_t left_out = 0;  // the first rows, which files do not have
  float added = 0;
};

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

// Vectors, and what llama.cpp adds to activations or chooses experts with.
bool is_kept_f32(std::string_view tensor) {
  constexpr std::array kEnds{"_norm.weight", ".ffn_gate_inp.weight", ".ffn_gate_inp_shexp.weight",
                             "token_types.weight", "position_embd.weight"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) { return tensor.ends_with(end); });
}

class Planner {
 public:
  Planner(const Checkpoint& checkpoint, const GgufArchitecture& architecture)
      : checkpoint_(checkpoint), architecture_(architecture) {}

  // By layer and name, the first ten layers before the tenth.
  std::vector<Item> plan() {
    for (const auto& [name, weight] : checkpoint_.weights) {
      const auto place = gguf_place(architecture_, name);
      if (place)
        add(name, weight, *place);
      else
        nameless_ += fmt::format("{}{}", nameless_.empty() ? "" : ", ", printable(name));
    }
    if (!items_.contains("token_embd.weight"))
      fail(ErrorCode::kUnsupported, checkpoint_.source,
           "cannot be written to GGUF: its weights are not named as those of {}", architecture_.class_name);
    tell();
    std::vector<Item> items;
    for (auto& [name, item] : items_) {
      if (item.of_experts) stack(item);
      items.push_back(std::move(item));
    }
    sort(items);
    return items;
  }

 private:
  void add(const std::string& name, const Weight& weight, const GgufPlace& place) {
    Item& item = items_[place.tensor];
    const std::string where = checkpoint_.source + ": " + name;
    const GgmlType* type = &gguf_type_of(weight);
    Shape shape = weight.shape;
    if (place.form == GgufForm::kOneRow && shape.rank() == 2 && shape[0] == 1) shape = Shape{shape[1]};
    if (is_kept_f32(place.tensor) || shape.rank() == 1) type = &ggml_types().front();
    if (item.weights.empty()) {
      item.of_experts = place.expert.has_value();
      item.tensor = {place.tensor, shape, type};
      item.order = gguf_row_order(architecture_, checkpoint_.config, {name, place.form}, shape, where);
      if (shape.rank() == 1 && name.ends_with("norm.weight")) item.added = -architecture_.norm_offset;
      if (place.tensor == kGgufPositions && shape.rank() == 2) leave_out_positions(item);
    }
    require(item.weights.empty() || item.tensor.shape == shape, where, "expected {} as its neighbours, is {}",
            item.tensor.shape.to_string(), shape.to_string());
    item.tensor.type = &gguf_type_of_both(*item.tensor.type, *type);
    require(item.weights.emplace(place.expert.value_or(0), name).second, where, "is a second '{}'",
            place.tensor);
    if (gguf_rounds(weight) && item.tensor.type->name != "F32") {
      ++rounds_;
      rounded_ = fmt::format("{} in {}", to_string(weight.encoding), item.tensor.type->name);
    }
  }

  void leave_out_positions(Item& item) const {
    const Shape shape = item.tensor.shape;
    item.left_out = std::min(gguf_rows_in_front(architecture_, checkpoint_.config), shape[0]);
    item.tensor.shape = Shape{shape[0] - item.left_out, shape[1]};
  }

  // The tensor of all experts.
  void stack(Item& item) const {
    const auto count = std::ssize(item.weights);
    require(item.weights.rbegin()->first == count - 1, checkpoint_.source,
            "expected {} experts in '{}', there are {}", item.weights.rbegin()->first + 1, item.tensor.name,
            count);
    std::vector<std::int64_t> dims{count};
    for (const std::int64_t dim : item.tensor.shape.dims()) dims.push_back(dim);
    item.tensor.shape = Shape(dims);
  }

  void tell() const {
    if (!nameless_.empty())
      warn("{}: weights that GGUF has no name for are left out: {}", checkpoint_.source, nameless_);
    if (rounds_ > 0)
      warn("{}: {} matrices do not keep their values to the last bit: {}", checkpoint_.source, rounds_,
           rounded_);
  }

  static void sort(std::vector<Item>& items) {
    const auto key = [](const Item& item) {
      const std::string& name = item.tensor.name;
      const bool in_layer = name.starts_with("blk.");
      return std::tuple(in_layer ? std::stoll(name.substr(4)) : -1, std::string_view(name));
    };
    std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) { return key(a) < key(b); });
  }

  const Checkpoint& checkpoint_;
  const GgufArchitecture& architecture_;
  std::map<std::string, Item> items_;
  std::string nameless_, rounded_;
  std::int64_t rounds_ = 0;
};

void write_item(GgufWriter& file, const Checkpoint& checkpoint, const Item& item) {
  for (const auto& [expert, name] : item.weights) {
    const Weight weight = checkpoint.with_bytes(name);
    std::int64_t written = 0;
    write_gguf_rows(
        weight, *item.tensor.type,
        [&](std::int64_t row) { return item.order.in_transformers(row, weight.shape[0]); }, item.added,
        [&](std::span<const std::byte> bytes) {
          if (written++ >= item.left_out) file.append(bytes);
        });
    check_mapped(weight);
    release_mapped(weight);
  }
  file.end_tensor();
}

}  // namespace

void write_gguf(const std::filesystem::path& path, const Checkpoint& checkpoint,
                const GgufMetadata& tokenizer, const std::function<void(const std::filesystem::path&)>& check,
                const Job& job) {
  const GgufArchitecture& architecture = find_gguf_architecture(checkpoint);
  const std::vector<Item> items = Planner(checkpoint, architecture).plan();
  GgufMetadata metadata;
  metadata.text("general.architecture", architecture.name);
  metadata.text("general.name", std::filesystem::path(checkpoint.source).stem().string());
  metadata.u32("general.quantization_version", 2);
  GgufModelWriter writer{checkpoint, architecture.name, metadata};
  for (const Item& item : items) writer.shapes.emplace(item.tensor.name, item.tensor.shape);
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
