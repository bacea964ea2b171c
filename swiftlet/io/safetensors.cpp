#include "swiftlet/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#include <set>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/io/json.h"

namespace swiftlet {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor data is read as it lies in the file");

constexpr std::array<std::pair<DType, std::string_view>, 12> kDTypes{{
    {DType::kF32, "F32"},
    {DType::kF16, "F16"},
    {DType::kBF16, "BF16"},
    {DType::kF64, "F64"},
    {DType::kF8E4M3, "F8_E4M3"},
    {DType::kF8E5M2, "F8_E5M2"},
    {DType::kI8, "I8"},
    {DType::kU8, "U8"},
    {DType::kI16, "I16"},
    {DType::kI32, "I32"},
    {DType::kI64, "I64"},
    {DType::kBool, "BOOL"},
}};

constexpr std::size_t kMaxRank = 32;

std::uint64_t read_u64(const std::byte* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// A non-negative integer that fits into 63 bits.
std::int64_t extent_of(const nlohmann::json& value, const std::string& where, std::string_view what) {
  require(value.is_number_unsigned() && std::in_range<std::int64_t>(value.get<std::uint64_t>()), where,
          "{}: expected a non-negative integer, got {}", what, excerpt(value));
  return value.get<std::int64_t>();
}

const nlohmann::json& member(const nlohmann::json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  require(found != object.end(), where, "has no \"{}\"", key);
  return *found;
}

DType dtype_of(const nlohmann::json& value, const std::string& where) {
  require(value.is_string(), where, "dtype: expected a string, got {}", excerpt(value));
  const auto& name = value.get_ref<const std::string&>();
  for (const auto& [type, text] : kDTypes)
    if (text == name) return type;
  fail(ErrorCode::kUnsupported, where,
       "dtype {} is not supported (F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8, BOOL)",
       excerpt(value));
}

Shape shape_of(const nlohmann::json& value, const std::string& where) {
  require(value.is_array() && value.size() <= kMaxRank, where,
          "shape: expected a list of at most {} extents, got {}", kMaxRank, excerpt(value));
  std::vector<std::int64_t> dims;
  for (const auto& extent : value) dims.push_back(extent_of(extent, where, "shape"));
  return Shape(std::move(dims));
}

// Bytes of a tensor, or nullopt when they do not fit into 63 bits.
std::optional<std::uint64_t> tensor_bytes(DType dtype, const Shape& shape) {
  const auto dims = shape.dims();
  if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return 0;
  auto bytes = static_cast<std::int64_t>(dtype_size(dtype));
  for (const std::int64_t extent : dims)
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

// One tensor of the header. Offsets count from the start of the data until the caller shifts them.
SafetensorsEntry entry_of(std::string name, const nlohmann::json& json, const std::string& where,
                          std::uint64_t data_bytes) {
  require(json.is_object(), where, "expected an object with dtype, shape and data_offsets, got {}",
          excerpt(json));
  SafetensorsEntry entry;
  entry.name = std::move(name);
  entry.dtype = dtype_of(member(json, "dtype", where), where);
  entry.shape = shape_of(member(json, "shape", where), where);
  const auto& offsets = member(json, "data_offsets", where);
  require(offsets.is_array() && offsets.size() == 2, where, "data_offsets: expected [begin, end], got {}",
          excerpt(offsets));
  entry.begin = static_cast<std::uint64_t>(extent_of(offsets[0], where, "data_offsets"));
  entry.end = static_cast<std::uint64_t>(extent_of(offsets[1], where, "data_offsets"));
  require(entry.begin <= entry.end && entry.end <= data_bytes, where,
          "data_offsets [{}, {}] do not lie in the file's {} bytes of data", entry.begin, entry.end,
          data_bytes);
  const auto expected = tensor_bytes(entry.dtype, entry.shape);
  require(expected.has_value(), where, "shape {} has more bytes than 63 bits hold", entry.shape.to_string());
  require(*expected == entry.bytes(), where, "{} {} needs {} bytes, data_offsets hold {}",
          dtype_name(entry.dtype), entry.shape.to_string(), *expected, entry.bytes());
  return entry;
}

// Takes the header apart while it is parsed, one member of the root object at a time, so that a header made
// to blow up in memory is refused early.
class HeaderReader {
 public:
  using Event = nlohmann::json::parse_event_t;
  HeaderReader(const std::string& where, std::uint64_t data_bytes, std::vector<SafetensorsEntry>& entries,
               SafetensorsMetadata& metadata)
      : where_(where), data_bytes_(data_bytes), entries_(entries), metadata_(metadata) {}

  bool operator()(int depth, Event event, nlohmann::json& value) {
    if (depth == 0) return true;  // the header itself, which begins with '{'
    if (event == Event::key) {
      add_key(depth, value.get_ref<const std::string&>());
      return true;
    }
    if (event == Event::object_start || event == Event::array_start) {
      open(depth);
      return true;
    }
    if (depth > 1) {  // inside a tensor: a value, or the end of a list
      count_value();
      return true;
    }
    inner_keys_.clear();
    key_ == kMetadata ? add_metadata(value) : add_tensor(value);
    return false;  // taken over, need not stay in the document
  }

 private:
  static constexpr int kMaxDepth = 4;
  static constexpr std::size_t kMaxValues = 64;  // of one tensor: dtype, two offsets, the extents
  static constexpr std::size_t kMaxMetadata = 65536;
  static constexpr std::string_view kMetadata = "__metadata__";

  std::string here() const { return fmt::format("{}: tensor '{}'", where_, printable(key_)); }

  void open(int depth) {
    if (depth >= kMaxDepth) fail(ErrorCode::kInvalid, here(), "is nested deeper than {} levels", kMaxDepth);
    if (depth == 1) values_ = 0;
  }

  void count_value() {
    const std::size_t limit = key_ == kMetadata ? kMaxMetadata : kMaxValues;
    if (++values_ > limit) fail(ErrorCode::kInvalid, here(), "has more than {} values", limit);
  }

  void add_key(int depth, const std::string& key) {
    if (depth == 1) key_ = key;
    auto& known = depth == 1 ? keys_ : inner_keys_;
    if (depth <= 2 && !known.insert(key).second)
      fail(ErrorCode::kInvalid, here(), "{}comes twice in the header",
           depth == 1 ? "" : fmt::format("\"{}\" ", printable(key)));
  }

  void add_tensor(const nlohmann::json& value) {
    entries_.push_back(entry_of(key_, value, here(), data_bytes_));
  }

  void add_metadata(const nlohmann::json& value) {
    require(value.is_object(), where_, "__metadata__: expected an object, got {}", excerpt(value));
    for (const auto& [key, text] : value.items()) {
      require(text.is_string(), where_, "__metadata__: expected strings, \"{}\" is {}", printable(key),
              excerpt(text));
      metadata_.emplace(key, text.get<std::string>());
    }
  }

  const std::string& where_;
  std::uint64_t data_bytes_;
  std::vector<SafetensorsEntry>& entries_;
  SafetensorsMetadata& metadata_;
  std::string key_;
  std::set<std::string> keys_, inner_keys_;
  std::size_t values_ = 0;
};

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  const Buffer bytes = map_file(path);
  try {
    return parse(bytes, path.string());
  } catch (const Error&) {
    check_mapped(bytes.bytes());  // the truer reason, where it is one
    throw;
  }
}

SafetensorsFile SafetensorsFile::parse(Buffer bytes, std::string where) {
  SafetensorsFile file;
  file.file_ = std::move(bytes);
  file.where_ = std::move(where);
  file.parse_header();
  file.check_layout();
  return file;
}

void SafetensorsFile::parse_header() {
  require(file_.size() >= 8, where_, "is {} bytes, a safetensors file has at least 8", file_.size());
  constexpr std::string_view kPointer = "version https://git-lfs";
  const bool is_pointer =
      file_.size() >= kPointer.size() && std::memcmp(file_.data(), kPointer.data(), kPointer.size()) == 0;
  require(!is_pointer, where_, "is a pointer of git-lfs, not the file itself: fetch it with `git lfs pull`");
  const std::uint64_t length = read_u64(file_.data());
  require(length <= kMaxSafetensorsHeader, where_,
          "header length is {}, at most {} is allowed: not a safetensors file?", length,
          kMaxSafetensorsHeader);
  require(length <= file_.size() - 8, where_, "header is {} bytes, the file only {}: is it truncated?",
          length, file_.size());
  header_ = {reinterpret_cast<const char*>(file_.data()) + 8, static_cast<std::size_t>(length)};
  require(header_.starts_with('{'), where_, "header does not begin with '{{': not a safetensors file?");
  HeaderReader reader(where_, file_.size() - data_offset(), entries_, metadata_);
  try {
    [[maybe_unused]] const auto rest =
        nlohmann::json::parse(header_.begin(), header_.end(), std::ref(reader));
  } catch (const nlohmann::json::parse_error& error) {
    fail_json(header_, where_ + ": header", error);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::kInvalid, where_, "header is not valid JSON: {}", printable(error.what()));
  }
}

void SafetensorsFile::check_layout() {
  std::sort(entries_.begin(), entries_.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t expected = 0;
  for (auto& entry : entries_) {
    require(entry.begin == expected, where(entry.name), "begins at byte {} of the data, expected {}: {}",
            entry.begin, expected, entry.begin < expected ? "tensors overlap" : "the data has a hole");
    expected = entry.end;
    entry.begin += data_offset();
    entry.end += data_offset();
  }
  const std::uint64_t present = file_.size() - data_offset();
  require(expected == present, where_, "tensors hold {} bytes, the file has {} bytes of data", expected,
          present);
  for (std::size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].name, i);
}

std::string SafetensorsFile::where(std::string_view tensor) const {
  return fmt::format("{}: tensor '{}'", where_, printable(tensor));
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

void SafetensorsFile::check_file() const {
  check_mapped(file_.bytes());
}

Buffer SafetensorsFile::bytes(const SafetensorsEntry& entry) const {
  return file_.slice(entry.begin, entry.bytes());
}

Tensor SafetensorsFile::tensor(const SafetensorsEntry& entry) const {
  Buffer data = bytes(entry);
  if (reinterpret_cast<std::uintptr_t>(data.data()) % dtype_size(entry.dtype) != 0) {
    Buffer aligned = Buffer::heap(data.size());
    std::copy_n(data.data(), data.size(), aligned.mutable_data());
    data = std::move(aligned);
  }
  return Tensor(entry.dtype, entry.shape, std::move(data));
}

Tensor SafetensorsFile::tensor(std::string_view name) const {
  const SafetensorsEntry* entry = find(name);
  if (entry == nullptr) fail(ErrorCode::kNotFound, where(name), "is not in the file");
  return tensor(*entry);
}

std::string_view safetensors_dtype(DType type) {
  for (const auto& [value, name] : kDTypes)
    if (value == type) return name;
  return "?";
}

std::string safetensors_header(std::span<const SafetensorsDeclaration> declarations,
                               const SafetensorsMetadata& metadata, std::size_t alignment,
                               std::string_view where, std::size_t least_bytes) {
  SWIFTLET_ASSERT(alignment >= 8 && std::has_single_bit(alignment));
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  std::set<std::string_view> names{"__metadata__"};
  for (const auto& tensor : declarations) {
    require(names.insert(tensor.name).second, where, "tensor '{}' is declared twice", printable(tensor.name));
    const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
    std::uint64_t end = 0;
    require(bytes.has_value() && !__builtin_add_overflow(offset, *bytes, &end), where,
            "tensor '{}' of shape {} is too large", printable(tensor.name), tensor.shape.to_string());
    json.push_back({tensor.name,
                    {{"dtype", safetensors_dtype(tensor.dtype)},
                     {"shape", tensor.shape.dims()},
                     {"data_offsets", {offset, end}}}});
    offset = end;
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::kInvalid, where, "a name or a metadata string is not valid UTF-8");
  }
  if (8 + text.size() < least_bytes) text.resize(least_bytes - 8, ' ');
  text.append((alignment - (8 + text.size()) % alignment) % alignment, ' ');
  require(text.size() <= kMaxSafetensorsHeader, where, "header is {} bytes, at most {} is allowed",
          text.size(), kMaxSafetensorsHeader);
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + text;
}

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path,
                                     std::vector<SafetensorsDeclaration> declarations,
                                     const SafetensorsMetadata& metadata, std::size_t alignment,
                                     std::size_t room)
    : where_(path.string()),
      alignment_(alignment),
      declarations_(std::move(declarations)),
      file_(std::move(path)) {
  std::string header = safetensors_header(declarations_, metadata, alignment_, where_);
  if (room > 0)
    header = safetensors_header(declarations_, metadata, alignment_, where_, header.size() + room);
  header_bytes_ = header.size();
  due_ = header.size();
  file_.write(header);
}

void SafetensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  begin(name);
  append(bytes);
}

void SafetensorsWriter::begin(std::string_view name) {
  SWIFTLET_ASSERT(next_ < declarations_.size() && declarations_[next_].name == name);
  SWIFTLET_ASSERT(file_.size() == due_);
  due_ += *tensor_bytes(declarations_[next_].dtype, declarations_[next_].shape);
  ++next_;
}

void SafetensorsWriter::append(std::span<const std::byte> bytes) {
  SWIFTLET_ASSERT(bytes.size() <= due_ - file_.size());
  file_.write(bytes);
}

std::string SafetensorsWriter::header_with(const SafetensorsMetadata& metadata) const {
  std::string header = safetensors_header(declarations_, metadata, alignment_, where_, header_bytes_);
  require(header.size() == header_bytes_, where_, "metadata need a header of {} bytes, there is room for {}",
          header.size(), header_bytes_);
  return header;
}

void SafetensorsWriter::rewrite_header(std::string_view header) {
  SWIFTLET_ASSERT(header.size() == header_bytes_);
  file_.write_at(0, std::as_bytes(std::span(header)));
}

void SafetensorsWriter::commit() {
  SWIFTLET_ASSERT(is_whole());
  file_.commit();
}

}  // namespace swiftlet
