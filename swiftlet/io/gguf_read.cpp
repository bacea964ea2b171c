// Reading a GGUF container from front to back.
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/io/gguf.h"
#include "swiftlet/io/gguf_layout.h"
#include "swiftlet/io/json.h"

namespace swiftlet {

namespace {

static_assert(std::endian::native == std::endian::little, "values are read as they lie in the file");

constexpr std::uint64_t kLongestKey = 65535;     // of the specification
constexpr std::uint64_t kLongestName = 1024;     // of a tensor; the specification has 64
constexpr std::uint64_t kMostValues = 1 << 20;   // key-values; models have a few dozen
constexpr std::uint64_t kMostTensors = 1 << 20;  // models have a few hundred
constexpr std::uint32_t kMostRank = 4;
constexpr int kDeepestArray = 4;
constexpr std::uint64_t kLargestAlignment = 1 << 20;

}  // namespace

class GgufReader {
 public:
  explicit GgufReader(GgufFile& file)
      : file_(file), bytes_(file.file_.data()), size_(file.file_.size()), place_("header") {}

  void read() {
    const std::uint64_t tensors = read_header();
    for (std::uint64_t i = 0; i < values_; ++i) read_value(i);
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor(i);
    place_tensors(read_alignment());
  }

 private:
  // Text of where() is made only for an error: large vocabularies have many strings.
  template <class... Args>
  void need(bool ok, fmt::format_string<Args...> format, Args&&... args) const {
    if (!ok) [[unlikely]]
      throw Error(ErrorCode::kInvalid, where(), fmt::format(format, std::forward<Args>(args)...));
  }
  std::string where() const { return fmt::format("{}: {}", file_.where_, place_); }
  std::uint64_t left() const { return size_ - at_; }

  const std::byte* take(std::uint64_t bytes, std::string_view what) {
    need(bytes <= left(), "expected {} bytes of {} at byte {}, the file ends at {}", bytes, what, at_, size_);
    at_ += bytes;
    return bytes_ + (at_ - bytes);
  }
  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof value, what), sizeof value);
    return value;
  }
  std::string_view text(std::uint64_t longest, std::string_view what) {
    const auto length = number<std::uint64_t>(what);
    need(length <= longest, "expected at most {} bytes of {} at byte {}, came {}", longest, what, at_,
         length);
    return {reinterpret_cast<const char*>(take(length, what)), length};
  }
  // A count of things that take at least `least` bytes each, so that a wrong one asks for no memory.
  std::uint64_t count(std::uint64_t most, std::uint64_t least, std::string_view what) {
    const auto value = number<std::uint64_t>(what);
    need(value <= most && value <= left() / least, "expected a number of {} that fits into {} bytes, came {}",
         what, left(), value);
    return value;
  }

  std::uint64_t read_header() {
    const bool is_gguf = size_ >= 4 && std::memcmp(bytes_, "GGUF", 4) == 0;
    require(is_gguf, file_.where_, "is no GGUF file: it does not begin with \"GGUF\"");
    at_ = 4;
    const auto version = number<std::uint32_t>("the version");
    if (version == 0x02000000 || version == 0x03000000)
      fail(ErrorCode::kUnsupported, file_.where_, "is big endian: expected a little-endian GGUF file");
    if (version != 2 && version != 3)
      fail(ErrorCode::kUnsupported, file_.where_, "is GGUF of version {}: expected version 2 or 3", version);
    const std::uint64_t tensors = count(kMostTensors, 8 + 4 + 8 + 4 + 8, "tensors");
    values_ = count(kMostValues, 8 + 4 + 1, "key-values");
    return tensors;
  }

  void read_value(std::uint64_t number_of_value) {
    place_ = fmt::format("key-value {}", number_of_value);
    const std::string_view key = text(kLongestKey, "a key");
    place_ = fmt::format("key '{}'", printable(key));
    GgufValue value{.kind = read_kind(), .offset = at_};
    if (value.kind == GgufKind::kArray) {
      value.is_array = true;
      skip_array(value, 0);
    } else {
      skip(value.kind, 1);
    }
    need(file_.values_.emplace(key, value).second, "comes twice");
  }
  GgufKind read_kind() {
    const auto kind = number<std::uint32_t>("a type");
    need(kind <= static_cast<std::uint32_t>(GgufKind::kF64), "expected a type of value from 0 to 12, came {}",
         kind);
    return static_cast<GgufKind>(kind);
  }
  void skip_array(GgufValue& value, int depth) {
    need(depth < kDeepestArray, "expected arrays nested at most {} deep", kDeepestArray);
    value.kind = read_kind();
    const bool nested = value.kind == GgufKind::kArray;
    value.count = count(UINT64_MAX, nested ? 12 : gguf_bytes(value.kind), "elements");
    value.offset = at_;
    if (!nested) return skip(value.kind, value.count);
    for (std::uint64_t i = 0; i < value.count; ++i) {
      GgufValue inner;
      skip_array(inner, depth + 1);
    }
  }
  // REQUIRES: count * gguf_bytes(kind) does not overflow, as count() has seen to.
  void skip(GgufKind kind, std::uint64_t elements) {
    if (kind != GgufKind::kString) {
      take(elements * gguf_bytes(kind), "a value");
      return;
    }
    for (std::uint64_t i = 0; i < elements; ++i) text(UINT64_MAX, "a string");
  }

  void read_tensor(std::uint64_t number_of_tensor) {
    place_ = fmt::format("tensor {}", number_of_tensor);
    GgufTensor tensor;
    tensor.name = text(kLongestName, "a name");
    place_ = fmt::format("tensor '{}'", printable(tensor.name));
    const auto rank = number<std::uint32_t>("the rank");
    need(rank >= 1 && rank <= kMostRank, "expected 1 to {} extents, came {}", kMostRank, rank);
    std::vector<std::int64_t> extents(rank);
    std::int64_t elements = 1;
    for (auto extent = extents.rbegin(); extent != extents.rend(); ++extent) {
      const auto value = number<std::uint64_t>("an extent");
      need(value >= 1 && std::in_range<std::int64_t>(value) &&
               !__builtin_mul_overflow(elements, static_cast<std::int64_t>(value), &elements),
           "expected extents from 1 whose product fits into 63 bits, came {}", value);
      *extent = static_cast<std::int64_t>(value);
    }
    tensor.shape = Shape(std::move(extents));
    tensor.type = read_type();
    tensor.bytes = tensor_bytes(tensor, static_cast<std::uint64_t>(elements));
    tensor.begin = number<std::uint64_t>("the offset");  // from the start of the data, for now
    need(file_.index_.emplace(tensor.name, file_.tensors_.size()).second, "comes twice");
    file_.tensors_.push_back(std::move(tensor));
  }
  const GgmlType* read_type() {
    const auto id = number<std::uint32_t>("the type");
    const GgmlType* type = find_ggml_type(id);
    if (type != nullptr && type->is_known()) return type;
    std::string known;
    for (const GgmlType& other : ggml_types())
      known += fmt::format("{}{}", known.empty() ? "" : ", ", other.name);
    fail(ErrorCode::kUnsupported, where(), "is of type {}, which is not read: expected one of {}",
         type == nullptr ? fmt::format("{}", id) : std::string(type->name), known);
  }
  std::uint64_t tensor_bytes(const GgufTensor& tensor, std::uint64_t elements) const {
    const auto block = static_cast<std::uint64_t>(tensor.type->block);
    const auto row = static_cast<std::uint64_t>(tensor.row());
    need(row % block == 0, "has rows of {} elements, {} needs a multiple of {}", row, tensor.type->name,
         block);
    std::uint64_t bytes = 0;
    const bool fits =
        !__builtin_mul_overflow(elements / block, static_cast<std::uint64_t>(tensor.type->bytes), &bytes) &&
        bytes <= size_;
    need(fits, "{} {} does not fit into a file of {} bytes", tensor.type->name, tensor.shape.to_string(),
         size_);
    return bytes;
  }

  std::uint64_t read_alignment() {
    constexpr std::string_view kKey = "general.alignment";
    const auto given = file_.integer(kKey);
    const std::int64_t alignment = given.value_or(32);
    require(alignment >= 8 && alignment <= static_cast<std::int64_t>(kLargestAlignment) &&
                std::has_single_bit(static_cast<std::uint64_t>(alignment)),
            file_.where_key(kKey), "expected a power of two from 8 to {}, came {}", kLargestAlignment,
            alignment);
    return static_cast<std::uint64_t>(alignment);
  }
  void place_tensors(std::uint64_t alignment) {
    if (file_.tensors_.empty()) return;
    const std::uint64_t data = (at_ + alignment - 1) / alignment * alignment;
    for (GgufTensor& tensor : file_.tensors_) {
      place_ = fmt::format("tensor '{}'", printable(tensor.name));
      need(tensor.begin % alignment == 0, "expected an offset that is a multiple of {}, came {}", alignment,
           tensor.begin);
      need(data <= size_ && tensor.begin <= size_ - data && tensor.bytes <= size_ - data - tensor.begin,
           "expected {} bytes at offset {} of the data, the file has {} bytes of data", tensor.bytes,
           tensor.begin, size_ - std::min(data, size_));
      tensor.begin += data;
    }
    check_overlaps();
  }
  void check_overlaps() {
    std::vector<const GgufTensor*> order;
    for (const GgufTensor& tensor : file_.tensors_) order.push_back(&tensor);
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->begin < b->begin; });
    for (std::size_t i = 1; i < order.size(); ++i)
      require(order[i]->begin >= order[i - 1]->begin + order[i - 1]->bytes,
              file_.where_tensor(order[i]->name), "shares bytes with tensor '{}'",
              printable(order[i - 1]->name));
  }

  GgufFile& file_;
  const std::byte* bytes_;
  std::uint64_t size_, at_ = 0, values_ = 0;
  std::string place_;
};

GgufFile GgufFile::open(const std::filesystem::path& path) {
  return parse(map_file(path), path.string());
}

GgufFile GgufFile::parse(Buffer file, std::string where) {
  GgufFile result;
  result.file_ = std::move(file);
  result.where_ = std::move(where);
  GgufReader(result).read();
  return result;
}

}  // namespace swiftlet
