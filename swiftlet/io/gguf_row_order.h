// In which order the rows of a matrix (the elements of a vector) lie in a GGUF file, where transformers has
// them in another.
#pragma once

#include <cstdint>

namespace swiftlet {

struct GgufRowOrder {
  enum class Kind : std::uint8_t {
    kSame,
    kNeighbours,  // each of `heads` heads: pairs (2i, 2i + 1) that transformers has as halves (i, i + half)
    kGrouped,     // all queries, all keys, all values, which transformers has group by group: for each of
                  // `groups` keys its queries, itself, its value
  };
  Kind kind = Kind::kSame;
  std::int64_t heads = 0, groups = 0;

  bool is_same() const { return kind == Kind::kSame; }

  // Where row `row` of `rows` lies in the file. REQUIRES: rows divide as the kind says.
  std::int64_t in_file(std::int64_t row, std::int64_t rows) const {
    if (kind == Kind::kNeighbours) {
      const std::int64_t size = rows / heads, i = row % size, half = size / 2;
      return row - i + 2 * (i % half) + i / half;
    }
    if (kind == Kind::kGrouped) {
      const std::int64_t size = rows / (heads + 2 * groups), queries = heads / groups;
      const std::int64_t head = row / size, group = head / (queries + 2), part = head % (queries + 2);
      const std::int64_t place =
          part < queries ? group * queries + part : heads + (part - queries) * groups + group;
      return place * size + row % size;
    }
    return row;
  }

  // The way back.
  std::int64_t in_transformers(std::int64_t row, std::int64_t rows) const {
    if (kind == Kind::kNeighbours) {
      const std::int64_t size = rows / heads, i = row % size;
      return row - i + i % 2 * (size / 2) + i / 2;
    }
    if (kind == Kind::kGrouped) {
      const std::int64_t size = rows / (heads + 2 * groups), queries = heads / groups, head = row / size;
      const std::int64_t group = head < heads ? head / queries : (head - heads) % groups;
      const std::int64_t part = head < heads ? head % queries : queries + (head - heads) / groups;
      return (group * (queries + 2) + part) * size + row % size;
    }
    return row;
  }
};

}  // namespace swiftlet
