#include "swiftlet/graph/dim.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

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

bool Dim::is_affine() const {
  return std::all_of(terms_.begin(), terms_.end(), [](const Term& term) { return term.inner == nullptr; });
}

Dim::Bounds Dim::bounds(const Lookup& largest_of) const {
  Bounds sum{constant_, constant_};
  for (const Term& term : terms_) {
    Bounds part{0, 0};
    if (term.inner != nullptr) {
      part = term.inner->bounds(largest_of);
      part = {floor_divide(part.least, term.divisor), floor_divide(part.most, term.divisor)};
    } else {
      part.most = largest_of(term.key);
    }
    if (term.factor < 0) std::swap(part.least, part.most);
    sum.least += term.factor * part.least;
    sum.most += term.factor * part.most;
  }
  return sum;
}

std::int64_t Dim::maximum(const Lookup& largest_of) const {
  return std::max<std::int64_t>(0, bounds(largest_of).most);
}

std::string Dim::to_string() const {
  std::string text;
  const auto append = [&](std::int64_t factor, const std::string& what) {
    text += text.empty() ? (factor < 0 ? "-" : "") : (factor < 0 ? " - " : " + ");
    text += what;
  };
  for (const Term& term : terms_) {
    const std::int64_t size = std::abs(term.factor);
    append(term.factor, size == 1 ? term.key : fmt::format("{}*{}", size, term.key));
  }
  if (constant_ != 0 || text.empty()) append(constant_, fmt::format("{}", std::abs(constant_)));
  return text;
}

// With sums e of integers and q, r the quotient and remainder of a factor (or of the constant) by d:
//   floor((q*d + r)*s + e)/d) = q*s + floor((r*s + e)/d)          what divides leaves the division
//   floor((g*e + c)/(g*d))    = floor((e + floor(c/g))/d)         common factors cancel
//   floor((floor(a/m) + e)/d) = floor((a + m*e)/(m*d))            divisions do not nest
Dim Dim::floor_div(std::int64_t divisor) const {
  SWIFTLET_ASSERT(divisor > 0);
  Dim whole = floor_divide(constant_, divisor);
  Dim rest = constant_ - whole.constant_ * divisor;
  std::int64_t common = divisor;
  for (const Term& term : terms_) {
    Term quotient = term, remainder = term;
    quotient.factor = floor_divide(term.factor, divisor);
    remainder.factor = term.factor - quotient.factor * divisor;
    common = std::gcd(common, remainder.factor);
    if (quotient.factor != 0) whole.terms_.push_back(std::move(quotient));
    if (remainder.factor != 0) rest.terms_.push_back(std::move(remainder));
  }
  if (rest.terms_.empty()) return whole;  // 0 <= the constant < divisor
  divisor /= common;
  rest.constant_ = floor_divide(rest.constant_, common);
  for (Term& term : rest.terms_) term.factor /= common;
  return whole + rest.divided(divisor);
}

// The division itself, of a sum whose factors lie in [0, divisor) and share none with it.
Dim Dim::divided(std::int64_t divisor) const {
  for (const Term& term : terms_) {
    if (term.inner == nullptr || term.factor != 1) continue;
    Dim others = *this;
    std::erase_if(others.terms_, [&](const Term& other) { return other.key == term.key; });
    return (*term.inner + others * term.divisor).floor_div(term.divisor * divisor);
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
