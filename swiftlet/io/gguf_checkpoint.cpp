#include "swiftlet/io/gguf_checkpoint.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "swiftlet/core/cpu_info.h"
#include "swiftlet/core/error.h"
#include "swiftlet/core/log.h"
#include "swiftlet/core/memory.h"
#include "swiftlet/io/gguf_model.h"
#include "swiftlet/io/gguf_vocabulary.h"
#include "swiftlet/io/gguf_weight.h"

namespace swiftlet {
namespace {

namespace fs = std::filesystem;

using Files = std::vector<std::shared_ptr<const GgufFile>>;

constexpr std::int64_t kMostParts = 9999;
constexpr std::uint64_t kWorthThreads = std::uint64_t{1} << 22;  // bytes that are laid out anew

// "name-00002-of-00003.gguf" as {"name", 2, 3}.
struct PartName {
  std::string stem;
  std::int64_t number = 0, count = 0;
};

std::optional<PartName> part_name(const fs::path& path) {
  constexpr std::size_t kTail = 15;  // "-00002-of-00003"
  const std::string stem = path.stem().string();
  if (path.extension() != ".gguf" || stem.size() < kTail) return std::nullopt;
  const std::string_view tail = std::string_view(stem).substr(stem.size() - kTail);
  const auto digits = [](std::string_view text, std::int64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && value >= 1;
  };
  PartName name{.stem = stem.substr(0, stem.size() - kTail)};
  const bool good = tail[0] == '-' && tail.substr(6, 4) == "-of-" && digits(tail.substr(1, 5), name.number) &&
                    digits(tail.substr(10, 5), name.count) && name.number <= name.count;
  return good ? std::optional(name) : std::nullopt;
}

std::int64_t split_count(const GgufFile& file) {
  const std::int64_t count = file.integer("split.count").value_or(1);
  require(count >= 0 && count <= kMostParts, file.where_key("split.count"), "expected at most {}, came {}",
          kMostParts, count);
  return std::max<std::int64_t>(count, 1);
}

Files open_all(const fs::path& path) {
  Files files{std::make_shared<const GgufFile>(GgufFile::open(path))};
  const std::int64_t count = split_count(*files.front());
  if (count == 1) return files;
  const std::vector<fs::path> parts = gguf_parts(path);
  require(std::ssize(parts) == count, path.string(),
          "is a part of {}: expected the name to end in -0000N-of-{:05}.gguf", count, count);
  files.clear();
  std::int64_t tensors = 0;
  for (const fs::path& part : parts) {
    if (!fs::exists(part))
      fail(ErrorCode::kNotFound, part.string(), "is missing: the model has {} parts", count);
    files.push_back(std::make_shared<const GgufFile>(GgufFile::open(part)));
    const GgufFile& file = *files.back();
    require(split_count(file) == count && file.integer("split.no") == std::ssize(files) - 1, part.string(),
            "expected part {} of {} (split.no {}), came split.no {} of {}", files.size(), count,
            files.size() - 1, file.integer("split.no").value_or(-1), split_count(file));
    tensors += std::ssize(file.tensors());
  }
  const std::int64_t expected = files.front()->integer("split.tensors.count").value_or(tensors);
  require(tensors == expected, path.string(), "expected {} tensors in {} parts, came {}", expected, count,
          tensors);
  return files;
}

// One tensor on its way to a weight.
struct Item {
  std::shared_ptr<const GgufFile> file;
  GgufTensor tensor;  // of the file, or the part of one that is this weight
  std::string name;   // of transformers
  GgufWeightOptions options;
  GgufWeightPlan plan;
};

bool is_used_up(std::string_view name) {
  return name == "rope_freqs.weight" || name.starts_with("rope_factors_") ||
         name.ends_with(".attn_rot_embd.weight");
}

constexpr std::int64_t kMostExperts = 1 << 16;

// `count` rows of a tensor, or entries of its first dimension.
GgufTensor rows_of(const GgufTensor& tensor, std::int64_t first, std::int64_t count) {
  GgufTensor part = tensor;
  std::vector<std::int64_t> dims(tensor.shape.dims().begin(), tensor.shape.dims().end());
  const std::uint64_t each = tensor.bytes / static_cast<std::uint64_t>(dims[0]);
  dims[0] = count;
  part.shape = Shape(dims);
  part.bytes = each * static_cast<std::uint64_t>(count);
  part.begin = tensor.begin + each * static_cast<std::uint64_t>(first);
  return part;
}

// One expert of a tensor that holds them all.
GgufTensor expert_of(const GgufTensor& tensor, std::int64_t expert) {
  GgufTensor one = rows_of(tensor, expert, 1);
  const std::span<const std::int64_t> dims = tensor.shape.dims();
  one.shape = Shape(std::vector<std::int64_t>(dims.begin() + 1, dims.end()));
  return one;
}

// The rows of a fused tensor that are one weight.
GgufTensor part_of(const GgufTensor& tensor, GgufForm form, const Config& config, const std::string& where) {
  if (form < GgufForm::kQueries) return tensor;
  const std::int64_t rows = tensor.shape.rank() > 0 ? tensor.shape[0] : 0;
  if (form >= GgufForm::kGates) {
    require(rows > 0 && rows % 2 == 0, where, "expected as many rows of gates as of ups, came {}", rows);
    return rows_of(tensor, form == GgufForm::kUps ? rows / 2 : 0, rows / 2);
  }
  const std::int64_t heads = gguf_head_count(config);
  const std::int64_t groups = config.int_or("num_key_value_heads", heads, 1), all = heads + 2 * groups;
  require(rows > 0 && rows % all == 0, where, "expected rows for {} heads and {} keys and values, came {}",
          heads, groups, rows);
  const std::int64_t size = rows / all;
  if (form == GgufForm::kQueries) return rows_of(tensor, 0, heads * size);
  return rows_of(tensor, (form == GgufForm::kKeys ? heads : heads + groups) * size, groups * size);
}

class Planner {
 public:
  Planner(const GgufArchitecture& architecture, const Config& config, bool has_head)
      : architecture_(architecture), config_(config), has_head_(has_head) {}

  void add(const std::shared_ptr<const GgufFile>& file, const GgufTensor& tensor) {
    const std::string where = file->where_tensor(tensor.name);
    std::vector<GgufContent> contents = gguf_contents(architecture_, tensor.name);
    // A name that nobody knows stays, and is warned about with all that the model does not read.
    if (contents.empty()) return add_one(file, tensor, {std::string(tensor.name)}, where);
    for (GgufContent& content : contents) {
      if (has_head_ && !content.name.starts_with("classifier."))
        content.name.insert(0, architecture_.head_root);
      const std::size_t star = content.name.find('*');
      if (star == std::string::npos) {
        add_one(file, tensor, content, where);
        continue;
      }
      const Shape& shape = tensor.shape;
      require(shape.rank() >= 2 && shape[0] >= 1 && shape[0] <= kMostExperts, where,
              "expected 1 to {} experts, came {}", kMostExperts, shape.to_string());
      for (std::int64_t expert = 0; expert < shape[0]; ++expert) {
        GgufContent one = content;
        one.name.replace(star, 1, std::to_string(expert));
        add_one(file, expert_of(tensor, expert), one, where);
      }
    }
  }

  std::vector<Item> items;

 private:
  void add_one(const std::shared_ptr<const GgufFile>& file, const GgufTensor& tensor,
               const GgufContent& content, const std::string& where) {
    Item item{.file = file,
              .tensor = part_of(tensor, content.form, config_, where),
              .name = content.name,
              .options = {},
              .plan = {}};
    Shape& shape = item.tensor.shape;
    if (content.form == GgufForm::kOneRow && shape.rank() == 1) shape = Shape{1, shape[0]};
    item.options.order = gguf_row_order(architecture_, config_, content, shape, where);
    if (tensor.name.ends_with("norm.weight") && shape.rank() == 1)
      item.options.added = architecture_.norm_offset;
    if (tensor.name == kGgufPositions && shape.rank() == 2)
      item.options.rows_in_front = gguf_rows_in_front(architecture_, config_);
    item.plan = plan_gguf_weight(item.tensor, item.options);
    items.push_back(std::move(item));
  }

  const GgufArchitecture& architecture_;
  const Config& config_;
  bool has_head_;
};

std::vector<Item> plan_items(const Files& files, const GgufArchitecture& architecture, const Config& config) {
  Planner planner(architecture, config, has_gguf_head(*files.front()));
  for (const auto& file : files)
    for (const GgufTensor& tensor : file->tensors())
      if (!is_used_up(tensor.name)) planner.add(file, tensor);
  return std::move(planner.items);
}

std::uint64_t bytes_after(const std::vector<Item>& items) {
  std::uint64_t sum = 0;
  for (const Item& item : items) sum += item.plan.bytes;
  return sum;
}

// One line for the file: what was rounded, and what it costs.
void tell_rounded(const std::string& source, const std::vector<Item>& items) {
  std::map<std::string_view, int> counts;
  std::uint64_t before = 0, after = 0;
  Encoding encoding;
  for (const Item& item : items) {
    if (!item.plan.rounds) continue;
    ++counts[item.tensor.type->name];
    encoding = item.plan.encoding;
    before += item.tensor.bytes;
    after += item.plan.bytes;
  }
  if (counts.empty()) return;
  std::string types;
  for (const auto& [name, count] : counts)
    types += fmt::format("{}{} of {}", types.empty() ? "" : ", ", count, name);
  constexpr double kMegabyte = 1e6;
  warn(
      "{}: matrices that cannot run as they are were rounded to {} ({}): {:.1f} MB of the file are {:.1f} MB "
      "now",
      source, to_string(encoding), types, static_cast<double>(before) / kMegabyte,
      static_cast<double>(after) / kMegabyte);
}

void add_weight(Checkpoint& checkpoint, Item item, bool stream) {
  const auto make = [item](ThreadPool* pool) {
    GgufWeightOptions options = item.options;
    options.pool = pool;
    return make_gguf_weight(*item.file, item.tensor, item.name, options);
  };
  require(!checkpoint.weights.contains(item.name), item.file->where_tensor(item.tensor.name),
          "is a second '{}'", item.name);
  if (!stream || !item.plan.copies) {
    checkpoint.weights.emplace(item.name, make(item.options.pool));
    return;
  }
  Weight weight;
  weight.name = item.name;
  weight.shape = item.plan.shape;
  weight.encoding = item.plan.encoding;
  weight.layout = item.plan.layout;
  if (weight.encoding.is_integer()) weight.arithmetic = Arithmetic::kInt8;
  checkpoint.weights.emplace(item.name, std::move(weight));
  checkpoint.made_weights.emplace(item.name, [make] { return make(nullptr); });
}

Checkpoint read(const Files& files, const std::string& source, const CheckpointOptions& options) {
  const GgufFile& first = *files.front();
  const GgufArchitecture& architecture = find_gguf_architecture(first);
  Checkpoint checkpoint;
  checkpoint.source = source;
  checkpoint.format = "gguf";
  checkpoint.config = gguf_config(first, architecture);
  checkpoint.tokenizer = gguf_tokenizer(files.front());
  checkpoint.generation = gguf_generation(first);
  checkpoint.chat_template = gguf_chat_template(first);
  checkpoint.named_templates = gguf_named_templates(first);
  checkpoint.sentence_transformer = gguf_sentence_transformer(first, architecture);
  std::vector<Item> items = plan_items(files, architecture, checkpoint.config);
  if (options.check_memory) check_fits(source, bytes_after(items));
  tell_rounded(source, items);
  std::optional<ThreadPool> pool;
  if (!options.stream && bytes_after(items) >= kWorthThreads) pool.emplace();
  for (Item& item : items) {
    if (pool) item.options.pool = &*pool;
    add_weight(checkpoint, std::move(item), options.stream);
  }
  return checkpoint;
}

}  // namespace

std::vector<fs::path> gguf_parts(const fs::path& path) {
  const auto name = part_name(path);
  if (!name) return {path};
  std::vector<fs::path> parts;
  for (std::int64_t i = 1; i <= name->count; ++i)
    parts.push_back(path.parent_path() / fmt::format("{}-{:05}-of-{:05}.gguf", name->stem, i, name->count));
  return parts;
}

Checkpoint load_gguf(const fs::path& path, const CheckpointOptions& options) {
  return read(open_all(path), path.string(), options);
}

Checkpoint parse_gguf(Buffer file, std::string where, bool stream) {
  Files files{std::make_shared<const GgufFile>(GgufFile::parse(std::move(file), where))};
  if (split_count(*files.front()) > 1)
    fail(ErrorCode::kUnsupported, where, "is one part of {}: it is read by its name",
         split_count(*files.front()));
  return read(files, where, {.check_memory = false, .stream = stream});
}

}  // namespace swiftlet
