#include "swiftlet/io/torch_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/core/mapped_file.h"
#include "swiftlet/io/json.h"
#include "swiftlet/io/pickle.h"
#include "swiftlet/io/zip_archive.h"

namespace swiftlet {
namespace {

using Kind = PickleNode::Kind;

constexpr std::array<std::pair<std::string_view, DType>, 10> kStorages{{
    {"torch FloatStorage", DType::kF32},
    {"torch HalfStorage", DType::kF16},
    {"torch BFloat16Storage", DType::kBF16},
    {"torch DoubleStorage", DType::kF64},
    {"torch CharStorage", DType::kI8},
    {"torch ByteStorage", DType::kU8},
    {"torch ShortStorage", DType::kI16},
    {"torch IntStorage", DType::kI32},
    {"torch LongStorage", DType::kI64},
    {"torch BoolStorage", DType::kBool},
}};
constexpr std::size_t kMostDims = 32;

// The first pickle of a legacy file: an integer of ten bytes.
constexpr std::string_view kLegacyMagic{"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15};

// Where the bytes of a storage are; the legacy stream has them behind the pickles, in an order told last.
struct Storage {
  DType dtype;
  std::string key;
  std::int64_t elements;
};

std::string place_of(const std::string& where, std::string_view name) {
  return fmt::format("{}: tensor '{}'", where, printable(name));
}

std::int64_t integer_of(const PickleNode* node, std::string_view what, const std::string& place) {
  require(node->is(Kind::kInt) && node->number >= 0, place, "expected {} as a number of at least 0", what);
  return node->number;
}

std::vector<std::int64_t> integers_of(const PickleNode* node, std::string_view what,
                                      const std::string& place) {
  require(node->is(Kind::kList) && node->items.size() <= kMostDims, place,
          "expected {} as a list of at most {} numbers", what, kMostDims);
  std::vector<std::int64_t> numbers;
  for (const PickleNode* item : node->items) numbers.push_back(integer_of(item, what, place));
  return numbers;
}

// ("storage", type, key, device, elements), in old files with a view that is not used any more.
Storage storage_of(const PickleNode* node, const std::string& place) {
  require(node->is(Kind::kPersistent) && node->items[0]->is(Kind::kList) && node->items[0]->items.size() >= 5,
          place, "expected a storage");
  const auto& id = node->items[0]->items;
  require(id[0]->is(Kind::kString) && id[0]->text == "storage" && id[1]->is(Kind::kGlobal) &&
              id[2]->is(Kind::kString),
          place, "expected a storage");
  const auto type = std::find_if(kStorages.begin(), kStorages.end(),
                                 [&](const auto& known) { return known.first == id[1]->text; });
  if (type == kStorages.end())
    fail(ErrorCode::kUnsupported, place, "is of {}, which is not read", printable(id[1]->text));
  require(id.size() < 6 || id[5]->is(Kind::kNone), place, "expected a storage that is no view of another");
  return {type->second, std::string(id[2]->text), integer_of(id[4], "the size of a storage", place)};
}

class Reader {
 public:
  explicit Reader(const std::string& where) : where_(where) {}
  virtual ~Reader() = default;

 protected:
  virtual Buffer bytes_of(const Storage& storage, const std::string& place) const = 0;

  TensorFile tensors_of(const PickleNode& root) const {
    TensorFile file{where_, {}};
    const PickleNode* dict = &root;
    require(dict->is(Kind::kDict), where_, "expected a dict of names to tensors");
    for (const std::string_view wrapper : {"state_dict", "model_state_dict", "model", "module"})
      if (const PickleNode* inner = find(*dict, wrapper); inner && inner->is(Kind::kDict)) {
        dict = inner;
        break;
      }
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < dict->items.size(); i += 2) {
      const PickleNode &key = *dict->items[i], &value = *dict->items[i + 1];
      require(key.is(Kind::kString), where_, "expected a dict of names to tensors, a key is no name");
      require(names.insert(key.text).second, place_of(where_, key.text), "comes twice");
      if (auto entry = entry_of(key.text, value)) file.entries.push_back(std::move(*entry));
    }
    require(!file.entries.empty(), where_, "holds no tensors by name");
    return file;
  }

  // The value of a key; null where it is not there, or `dict` is no dict.
  static const PickleNode* find(const PickleNode& dict, std::string_view name) {
    for (std::size_t i = 0; dict.is(Kind::kDict) && i < dict.items.size(); i += 2)
      if (dict.items[i]->is(Kind::kString) && dict.items[i]->text == name) return dict.items[i + 1];
    return nullptr;
  }

 private:
  // Nothing for numbers and strings, which are notes.
  std::optional<TensorEntry> entry_of(std::string_view name, const PickleNode& value) const {
    const PickleNode* call = &value;
    const std::string place = place_of(where_, name);
    if (!call->is(Kind::kCall)) {
      if (call->is(Kind::kNone) || call->is(Kind::kBool) || call->is(Kind::kInt) || call->is(Kind::kFloat) ||
          call->is(Kind::kString))
        return std::nullopt;
      fail(ErrorCode::kUnsupported, place, "is no tensor: only a dict of names to tensors is read");
    }
    // A parameter is a tensor, with whether it is trained.
    if (call->items[0]->text == "torch._utils _rebuild_parameter" && !call->items[1]->items.empty())
      call = call->items[1]->items[0];
    if (!call->is(Kind::kCall) || call->items[0]->text != "torch._utils _rebuild_tensor_v2")
      fail(ErrorCode::kUnsupported, place, "calls {}: only tensors are read, nothing is executed",
           printable(call->is(Kind::kCall) ? call->items[0]->text : "something else"));
    const auto& arguments = call->items[1]->items;  // storage, offset, size, stride, ...
    require(arguments.size() >= 4, place, "expected a storage, an offset, a shape and strides");
    return tensor_of(std::string(name), storage_of(arguments[0], place),
                     integer_of(arguments[1], "the offset", place),
                     integers_of(arguments[2], "the shape", place),
                     integers_of(arguments[3], "the strides", place), place);
  }

  TensorEntry tensor_of(std::string name, const Storage& storage, std::int64_t offset,
                        std::vector<std::int64_t> dims, std::vector<std::int64_t> strides,
                        const std::string& place) const {
    require(strides.size() == dims.size(), place, "has {} strides for {} dimensions", strides.size(),
            dims.size());
    const auto size = static_cast<std::int64_t>(dtype_size(storage.dtype));
    // Elements in all, and how far the last of them lies; a row-major tensor has one after the other.
    std::int64_t elements = 1, reach = 0;
    bool fits = true, row_major = true;
    for (std::size_t d = dims.size(); d-- > 0;) {
      row_major &= dims[d] == 1 || strides[d] == elements;
      std::int64_t step = 0;
      fits &= !__builtin_mul_overflow(std::max<std::int64_t>(dims[d] - 1, 0), strides[d], &step) &&
              !__builtin_add_overflow(reach, step, &reach) &&
              !__builtin_mul_overflow(elements, dims[d], &elements);
    }
    const Buffer all = bytes_of(storage, place);
    const auto held = static_cast<std::int64_t>(all.size()) / size;
    fits = fits && (elements == 0 || (offset <= held && reach < held - offset));
    // Repeated elements could ask for more memory than the file has bytes.
    require(fits && elements <= held, place, "reaches beyond its storage of {} elements", held);
    TensorEntry entry{std::move(name), storage.dtype, Shape(std::move(dims)), {}, {}, place};
    if (elements == 0) return entry;
    if (!row_major) entry.strides = std::move(strides);
    entry.bytes =
        all.slice(static_cast<std::size_t>(offset * size), static_cast<std::size_t>((reach + 1) * size));
    return entry;
  }

 protected:
  const std::string& where_;
};

// archive/data.pkl, archive/data/<key>, archive/byteorder.
class ArchiveReader final : public Reader {
 public:
  ArchiveReader(const Buffer& bytes, const std::string& where)
      : Reader(where), files_(read_zip(bytes, where)) {}

  TensorFile read() {
    for (const auto& [name, bytes] : files_)
      if (name.ends_with("/data.pkl")) root_ = name.substr(0, name.size() - std::strlen("data.pkl"));
    require(!root_.empty(), where_, "has no data.pkl: not a file of torch.save?");
    if (const auto order = files_.find(root_ + "byteorder"); order != files_.end()) {
      const std::string_view text(reinterpret_cast<const char*>(order->second.data()), order->second.size());
      if (text != "little") fail(ErrorCode::kUnsupported, where_, "is not in little-endian order");
    }
    const Pickle pickle = Pickle::parse(files_.at(root_ + "data.pkl").bytes(), where_);
    return tensors_of(pickle.root());
  }

 private:
  Buffer bytes_of(const Storage& storage, const std::string& place) const override {
    const auto found = files_.find(root_ + "data/" + storage.key);
    require(found != files_.end(), place, "has no storage '{}' in the file", printable(storage.key));
    return found->second;
  }

  std::map<std::string, Buffer, std::less<>> files_;
  std::string root_;
};

// Five pickles (magic number, protocol, machine, the object, keys of the storages), then for each key the
// number of elements and the elements.
class LegacyReader final : public Reader {
 public:
  LegacyReader(const Buffer& bytes, const std::string& where) : Reader(where), bytes_(bytes) {}

  TensorFile read() {
    at_ = kLegacyMagic.size();
    next();  // the protocol of the pickles behind
    check_machine(next());
    const Pickle object = next();
    const Pickle keys = next();
    require(keys.root().is(Kind::kList), where_, "expected a list of storages behind the tensors");
    sizes_ = sizes_in(object);
    for (const PickleNode* key : keys.root().items) {
      require(key->is(Kind::kString), where_, "expected the names of storages");
      add_storage(std::string(key->text));
    }
    return tensors_of(object.root());
  }

 private:
  Pickle next() {
    Pickle pickle = Pickle::parse(bytes_.bytes().subspan(at_), where_);
    at_ += pickle.bytes_read();
    return pickle;
  }

  void check_machine(const Pickle& machine) const {
    const PickleNode* little = find(machine.root(), "little_endian");
    if (little && little->number == 0) fail(ErrorCode::kUnsupported, where_, "is not in little-endian order");
  }

  // How many bytes an element of each storage has: only the tensors tell.
  std::map<std::string, std::size_t, std::less<>> sizes_in(const Pickle& object) const {
    std::map<std::string, std::size_t, std::less<>> sizes;
    for (const PickleNode& node : object.nodes()) {
      if (!node.is(Kind::kPersistent)) continue;
      const Storage storage = storage_of(&node, where_);
      sizes.emplace(storage.key, dtype_size(storage.dtype));
    }
    return sizes;
  }

  void add_storage(const std::string& key) {
    const std::string place = fmt::format("{}: storage '{}'", where_, printable(key));
    require(bytes_.size() - at_ >= 8, place, "expected its size at byte {}: is the file truncated?", at_);
    std::uint64_t elements = 0;
    std::memcpy(&elements, bytes_.data() + at_, sizeof elements);
    at_ += 8;
    const auto size = sizes_.find(key);
    require(size != sizes_.end(), place, "belongs to no tensor");
    const std::uint64_t left = bytes_.size() - at_;
    require(elements <= left / size->second, place, "has {} elements, the file only {} bytes behind byte {}",
            elements, left, at_);
    storages_.emplace(key, bytes_.slice(at_, elements * size->second));
    at_ += elements * size->second;
  }

  Buffer bytes_of(const Storage& storage, const std::string& place) const override {
    const auto found = storages_.find(storage.key);
    require(found != storages_.end(), place, "has no storage '{}' in the file", printable(storage.key));
    return found->second;
  }

  const Buffer& bytes_;
  std::size_t at_ = 0;
  std::map<std::string, std::size_t, std::less<>> sizes_;
  std::map<std::string, Buffer, std::less<>> storages_;
};

}  // namespace

bool looks_like_torch(const Buffer& bytes) {
  return looks_like_zip(bytes) || (bytes.size() >= kLegacyMagic.size() &&
                                   std::memcmp(bytes.data(), kLegacyMagic.data(), kLegacyMagic.size()) == 0);
}

TensorFile open_torch_file(const std::filesystem::path& path) {
  const Buffer bytes = map_file(path);
  try {
    return parse_torch_file(bytes, path.string());
  } catch (const Error&) {
    check_mapped(bytes.bytes());  // the truer reason, where it is one
    throw;
  }
}

TensorFile parse_torch_file(const Buffer& bytes, const std::string& where) {
  require(looks_like_torch(bytes), where, "does not begin as a file of torch.save does");
  if (looks_like_zip(bytes)) return ArchiveReader(bytes, where).read();
  return LegacyReader(bytes, where).read();
}

}  // namespace swiftlet
