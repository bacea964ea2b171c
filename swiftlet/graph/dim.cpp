#include "swiftlet/graph/dim.h"

#include <algorithm>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return quotient - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

}  // namespace

Dim Dim::symbol(std::string_view name) {
  Dim dim;
  dim.terms_.push_back({std::string(name), 1, nullptr, 0});
  return dim;
}

std::int64_t Dim::constant() const {
  SWIFTLET_ASSERT(is_constant());
  return constant_;
}

std::string_view Dim::symbol_name() const {
  const bool one =
      terms_.size() == 1 && constant_ == 0 && terms_[0].factor == 1 && terms_[0].inner == nullptr;
  return one ? std::string_view(terms_[0].key) : std::string_view();
}

void Dim::collect_symbols(std::vector<std::string>& names) const {
  for (const Term& term : terms_) {
    if (term.inner != nullptr)
      term.inner->collect_symbols(names);
    else
      names.push_back(term.key);
  }
}

std::int64_t Dim::evaluate(const Lookup& value_of) const {
  std::int64_t sum = constant_;
  for (const Term& term : terms_)
    sum += term.factor * (term.inner != nullptr ? floor_divide(term.inner->evaluate(value_of), term.divisor)
                                                : value_of(term.key));
  return sum;
}

std::string Dim::to_string() const {
  std::string text;
  for (const Term& term : terms_) {
    if (!text.empty()) text += " + ";
    if (term.factor != 1) text += fmt::format("{}*", term.factor);
    text += term.key;
  }
  if (text.empty()) return fmt::format("{}", constant_);
  if (constant_ != 0)
    text += fmt::format(" {} {}", constant_ < 0 ? "-" : "+", constant_ < 0 ? -constant_ : constant_);
  return text;
}

Dim Dim::floor_div(std::int64_t divisor) const {
  SWIFTLET_ASSERT(divisor > 0);
  const bool exact =
      std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) { return term.factor % divisor == 0; });
  if (exact) {  // floor((d*e + c)/d) = e + floor(c/d) holds for every integer e
    Dim result = floor_divide(constant_, divisor);
    for (Term term : terms_) {
      term.factor /= divisor;
      result.terms_.push_back(std::move(term));
    }
    return result;
  }
  Dim result;
  result.terms_.push_back(
      {fmt::format("({})/{}", to_string(), divisor), 1, std::make_shared<Dim>(*this), divisor});
  return result;
}

void Dim::add_term(Term term) {
  const auto place = std::lower_bound(terms_.begin(), terms_.end(), term,
                                      [](const Term& a, const Term& b) { return a.key < b.key; });
  if (place == terms_.end() || place->key != term.key) {
    terms_.insert(place, std::move(term));
    return;
  }
  place->factor += term.factor;
  if (place->factor == 0) terms_.erase(place);
}

Dim operator+(const Dim& a, const Dim& b) {
  Dim sum = a;
  sum.constant_ += b.constant_;
  for (const Dim::Term& term : b.terms_) sum.add_term(term);
  return sum;
}

Dim operator*(const Dim& a, std::int64_t factor) {
  if (factor == 0) return Dim(0);
  Dim product = a;
  product.constant_ *= factor;
  for (Dim::Term& term : product.terms_) term.factor *= factor;
  return product;
}

Dim operator-(const Dim& a, const Dim& b) {
  return a + b * -1;
}

bool operator==(const Dim& a, const Dim& b) {
  if (a.constant_ != b.constant_ || a.terms_.size() != b.terms_.size()) return false;
  return std::equal(
      a.terms_.begin(), a.terms_.end(), b.terms_.begin(),
      [](const Dim::Term& x, const Dim::Term& y) { return x.key == y.key && x.factor == y.factor; });
}

std::string to_string(const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i ? ", " : "") + dims[i].to_string();
  return text + "]";
}

}  // namespace swiftlet
