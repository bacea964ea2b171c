// Dim: an extent of a tensor in a graph: a number, or an affine expression of named symbols and of floor
// divisions of such expressions: "tokens", "2*tokens + 3", "(length + 1)/2".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace swiftlet {

class Dim {
 public:
  Dim(std::int64_t constant = 0) : constant_(constant) {}  // NOLINT: numbers are dimensions
  static Dim symbol(std::string_view name);

  bool is_constant() const { return terms_.empty(); }
  // REQUIRES: is_constant().
  std::int64_t constant() const;
  // The symbol's name when the dimension is exactly one symbol, else empty.
  std::string_view symbol_name() const;
  // Every symbol that occurs, also inside divisions, in no particular order.
  void collect_symbols(std::vector<std::string>& names) const;

  using Lookup = std::function<std::int64_t(std::string_view symbol)>;
  std::int64_t evaluate(const Lookup& value_of) const;
  // Whether no division is left: a constant plus factors of symbols.
  bool is_affine() const;
  // An upper bound of the value when every symbol lies between 0 and what `largest_of` says; at least 0.
  std::int64_t maximum(const Lookup& largest_of) const;
  std::string to_string() const;

  // floor(dim / divisor) in one form: what divides leaves the division, common factors cancel and divisions
  // do not nest, so (4*tokens + 8)/4 is tokens + 2 and ((tokens + 1)/2 + 1)/2 is (tokens + 3)/4.
  Dim floor_div(std::int64_t divisor) const;
  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, std::int64_t factor);
  friend bool operator==(const Dim& a, const Dim& b);

 private:
  // factor * symbol, or factor * floor(inner / divisor); `key` is the text of symbol or division and orders
  // the terms.
  struct Term {
    std::string key;
    std::int64_t factor = 0;
    std::shared_ptr<const Dim> inner;
    std::int64_t divisor = 0;
  };
  struct Bounds {
    std::int64_t least, most;
  };
  void add_term(Term term);
  Dim divided(std::int64_t divisor) const;
  Bounds bounds(const Lookup& largest_of) const;

  std::int64_t constant_ = 0;
  std::vector<Term> terms_;  // sorted by key, factors not zero: equal expressions are equal in this form
};

using Dims = std::vector<Dim>;

std::string to_string(const Dims& dims);  // "[tokens, 384]"

}  // namespace swiftlet
