// Reads the protobuf message of a SentencePiece model (sentencepiece_model.proto: ModelProto).
#include <simdjson.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "swiftlet/core/error.h"
#include "swiftlet/text/json_view.h"
#include "swiftlet/text/sentencepiece.h"

namespace swiftlet::text {
namespace {

enum Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// One field of a message: a number, or bytes that may be a message themselves.
struct Field {
  std::uint32_t number = 0, wire = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

class WireReader {
 public:
  // `all`: the whole file, of which `message` is a part, so that errors can tell the place.
  WireReader(std::string_view all, std::string_view message, const std::string& where)
      : all_(all), at_(message.data()), end_(message.data() + message.size()), where_(where) {}

  bool next(Field& field) {
    if (at_ == end_) return false;
    const std::uint64_t key = varint("a field's number");
    field = {};
    field.number = static_cast<std::uint32_t>(key >> 3);
    field.wire = static_cast<std::uint32_t>(key & 7);
    if (key >> 3 == 0 || key >> 3 > 0x1FFFFFFF)
      invalid("a field's number from 1 to 536870911, came {}", key >> 3);
    switch (field.wire) {
      case kVarint:
        field.value = varint("a number");
        return true;
      case kFixed64:
        take(8, "a number of 8 bytes");
        return true;
      case kFixed32: {
        std::uint32_t bits = 0;
        std::memcpy(&bits, take(4, "a number of 4 bytes"), 4);
        field.value = bits;
        return true;
      }
      case kBytes: {
        const std::uint64_t size = varint("a length");
        if (size > left())
          invalid("at most {} bytes for field {}, came a length of {}", left(), field.number, size);
        field.bytes = {take(static_cast<std::size_t>(size), "bytes"), static_cast<std::size_t>(size)};
        return true;
      }
      default:
        invalid("a field of kind 0, 1, 2 or 5, came kind {}", field.wire);
    }
  }

  void expect(const Field& field, Wire wire, std::string_view name) const {
    if (field.wire != wire)
      invalid("{} as a field of kind {}, came kind {}", name, static_cast<int>(wire), field.wire);
  }
  WireReader inner(const Field& field, std::string_view name) const {
    expect(field, kBytes, name);
    return {all_, field.bytes, where_};
  }
  std::string where() const { return fmt::format("{}: byte {}", where_, at_ - all_.data()); }
  // Throws "[where: byte n] expected ...".
  template <class... Args>
  [[noreturn]] void invalid(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kInvalid, where(), "expected " + fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const char* take(std::size_t size, std::string_view what) {
    if (size > left()) invalid("{}, the message ends after {} bytes", what, left());
    at_ += size;
    return at_ - size;
  }
  std::uint64_t varint(std::string_view what) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(*take(1, what));
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    invalid("{} of at most 10 bytes, came a longer one", what);
  }

  std::string_view all_;
  const char *at_, *end_;
  std::string where_;
};

SentencePiece read_piece(WireReader reader) {
  SentencePiece piece;
  for (Field field; reader.next(field);) {
    switch (field.number) {
      case 1:
        reader.expect(field, kBytes, "the text of a piece");
        if (!simdjson::validate_utf8(field.bytes.data(), field.bytes.size()))
          reader.invalid("a piece in UTF-8, came {}", shown(field.bytes));
        piece.text = field.bytes;
        break;
      case 2:
        reader.expect(field, kFixed32, "the score of a piece");
        piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
        if (!std::isfinite(piece.score)) reader.invalid("a finite score, came {}", piece.score);
        break;
      case 3:
        reader.expect(field, kVarint, "the type of a piece");
        if (field.value < 1 || field.value > 6)
          reader.invalid("a type of piece from 1 to 6, came {}", field.value);
        piece.type = static_cast<PieceType>(field.value);
        break;
      default:
        break;
    }
  }
  return piece;
}

std::int32_t read_id(const WireReader& reader, const Field& field) {
  reader.expect(field, kVarint, "an id");
  const auto id = static_cast<std::int64_t>(field.value);  // negative ones are written in 64 bits
  if (id < -1 || id > INT32_MAX) reader.invalid("an id from -1 to {}, came {}", INT32_MAX, id);
  return static_cast<std::int32_t>(id);
}

void read_trainer(WireReader reader, SentencePieceModel& model) {
  for (Field field; reader.next(field);) {
    switch (field.number) {
      case 3:
        reader.expect(field, kVarint, "the kind of model");
        if (field.value < 1 || field.value > 4)
          reader.invalid("a kind of model from 1 to 4, came {}", field.value);
        model.algorithm = static_cast<SentencePieceModel::Algorithm>(field.value);
        break;
      case 24:
        reader.expect(field, kVarint, "treat_whitespace_as_suffix");
        if (field.value != 0)
          fail(ErrorCode::kUnsupported, reader.where(),
               "spaces behind words (treat_whitespace_as_suffix) are not read");
        break;
      case 35:
        reader.expect(field, kVarint, "byte_fallback");
        model.byte_fallback = field.value != 0;
        break;
      case 40:
        model.unknown_id = read_id(reader, field);
        break;
      case 41:
        model.bos_id = read_id(reader, field);
        break;
      case 42:
        model.eos_id = read_id(reader, field);
        break;
      case 43:
        model.pad_id = read_id(reader, field);
        break;
      default:
        break;
    }
  }
}

void read_normalizer(WireReader reader, SentencePieceModel& model) {
  for (Field field; reader.next(field);) {
    switch (field.number) {
      case 2:
        reader.expect(field, kBytes, "precompiled_charsmap");
        model.charsmap = field.bytes;
        break;
      case 3:
        reader.expect(field, kVarint, "add_dummy_prefix");
        model.add_dummy_prefix = field.value != 0;
        break;
      case 4:
        reader.expect(field, kVarint, "remove_extra_whitespaces");
        model.remove_extra_whitespaces = field.value != 0;
        break;
      case 5:
        reader.expect(field, kVarint, "escape_whitespaces");
        if (field.value == 0)
          fail(ErrorCode::kUnsupported, reader.where(),
               "spaces that are not escaped (escape_whitespaces) are not read");
        break;
      default:
        break;
    }
  }
}

}  // namespace

bool looks_like_sentencepiece(std::string_view bytes) {
  // The first piece: field 1 of the message, whose own field 1 is its text.
  return bytes.size() > 3 && bytes[0] == '\x0A' && bytes[2] == '\x0A';
}

SentencePieceModel parse_sentencepiece(std::string_view bytes, const std::string& where) {
  SentencePieceModel model;
  WireReader reader(bytes, bytes, where);
  for (Field field; reader.next(field);) {
    switch (field.number) {
      case 1:
        model.pieces.push_back(read_piece(reader.inner(field, "a piece")));
        break;
      case 2:
        read_trainer(reader.inner(field, "trainer_spec"), model);
        break;
      case 3:
        read_normalizer(reader.inner(field, "normalizer_spec"), model);
        break;
      default:
        break;
    }
  }
  require(!model.pieces.empty(), where, "expected a SentencePiece model, came one without pieces");
  const auto count = static_cast<std::int32_t>(model.pieces.size());
  require(model.unknown_id >= 0 && model.unknown_id < count, where,
          "expected the id of the unknown piece below {}, came {}", count, model.unknown_id);
  for (std::int32_t* const id : {&model.bos_id, &model.eos_id, &model.pad_id})
    if (*id >= count) *id = -1;  // a default that such a small model does not have
  return model;
}

}  // namespace swiftlet::text
