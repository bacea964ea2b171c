#include "swiftlet/tasks/entities.h"

#include <algorithm>
#include <array>
#include <utility>

#include "swiftlet/core/error.h"
#include "swiftlet/tasks/windows.h"

namespace swiftlet::tasks {
namespace {

constexpr std::array<std::pair<std::string_view, Aggregation>, 5> kNames{{{"none", Aggregation::kNone},
                                                                          {"simple", Aggregation::kSimple},
                                                                          {"first", Aggregation::kFirst},
                                                                          {"average", Aggregation::kAverage},
                                                                          {"max", Aggregation::kMax}}};

// A token, or a word of several, with its one label.
struct Piece {
  std::size_t label = 0;
  double score = 0;
  std::size_t begin = 0, end = 0;
};

std::size_t highest(const std::vector<double>& scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

Piece piece_of(const std::vector<double>& scores, std::size_t begin, std::size_t end) {
  const std::size_t label = highest(scores);
  return {label, scores[label], begin, end};
}

// tokens[first, last) of one word.
Piece word_of(const std::vector<TaggedToken>& tokens, std::size_t first, std::size_t last,
              Aggregation aggregation) {
  const std::size_t begin = tokens[first].begin, end = tokens[last - 1].end;
  if (aggregation == Aggregation::kFirst) return piece_of(tokens[first].scores, begin, end);
  if (aggregation == Aggregation::kMax) {
    std::size_t chosen = first;
    const auto top = [&](std::size_t i) { return tokens[i].scores[highest(tokens[i].scores)]; };
    for (std::size_t i = first; i < last; ++i)
      if (top(i) > top(chosen)) chosen = i;
    return piece_of(tokens[chosen].scores, begin, end);
  }
  std::vector<double> mean(tokens[first].scores.size());
  for (std::size_t i = first; i < last; ++i)
    for (std::size_t label = 0; label < mean.size(); ++label) mean[label] += tokens[i].scores[label];
  for (double& score : mean) score /= static_cast<double>(last - first);
  return piece_of(mean, begin, end);
}

std::vector<Piece> pieces_of(const std::vector<TaggedToken>& tokens, Aggregation aggregation) {
  const bool words = aggregation != Aggregation::kNone && aggregation != Aggregation::kSimple;
  std::vector<Piece> pieces;
  for (std::size_t first = 0, last = 0; first < tokens.size(); first = last) {
    last = first + 1;
    while (words && last < tokens.size() && tokens[last].continues) ++last;
    pieces.push_back(words ? word_of(tokens, first, last, aggregation)
                           : piece_of(tokens[first].scores, tokens[first].begin, tokens[first].end));
  }
  return pieces;
}

// What the first letter of a label says, and what of it is the kind of entity.
struct Tag {
  char place = 'I';  // B, I, E or S
  std::string_view kind;
};

class Scheme {
 public:
  explicit Scheme(const std::vector<std::string>& labels) {
    // E-X and its like are a scheme only beside B-X; alone they are names like any other.
    const auto has = [&](const std::string& label) {
      return std::find(labels.begin(), labels.end(), label) != labels.end();
    };
    for (const std::string& label : labels)
      if (label.size() > 2 && label[1] == '-' && std::string_view("ELSU").find(label[0]) < 4 &&
          has("B-" + label.substr(2)))
        has_ends_ = true;
    for (const std::string& label : labels) tags_.push_back(tag_of(label));
  }
  const Tag& operator[](std::size_t label) const { return tags_[label]; }

 private:
  Tag tag_of(std::string_view label) const {
    if (label.size() < 2 || label[1] != '-') return {'I', label};
    switch (label[0]) {
      case 'B':
        return {'B', label.substr(2)};
      case 'I':
        return {'I', label.substr(2)};
      case 'E':
      case 'L':
        return has_ends_ ? Tag{'E', label.substr(2)} : Tag{'I', label};
      case 'S':
      case 'U':
        return has_ends_ ? Tag{'S', label.substr(2)} : Tag{'I', label};
      default:
        return {'I', label};
    }
  }
  bool has_ends_ = false;
  std::vector<Tag> tags_;
};

bool goes_on(const Tag& last, const Tag& next) {
  return last.kind == next.kind && next.place != 'B' && next.place != 'S' && last.place != 'E' &&
         last.place != 'S';
}

}  // namespace

Aggregation aggregation_from_name(std::string_view name) {
  for (const auto& [known, aggregation] : kNames)
    if (known == name) return aggregation;
  fail(ErrorCode::kUsage, "aggregation", "'{}' is not known; known are none, simple, first, average, max",
       name);
}

std::vector<Entity> entities_of(std::string_view text, const std::vector<TaggedToken>& tokens,
                                const std::vector<std::string>& labels, Aggregation aggregation,
                                const std::vector<std::string>& ignore) {
  const std::vector<Piece> pieces = pieces_of(tokens, aggregation);
  const Scheme scheme(labels);
  CharacterCounter counter(text);
  std::vector<Entity> entities;
  for (std::size_t first = 0, last = 0; first < pieces.size(); first = last) {
    last = first + 1;
    double sum = pieces[first].score;
    for (; aggregation != Aggregation::kNone && last < pieces.size() &&
           goes_on(scheme[pieces[last - 1].label], scheme[pieces[last].label]);
         ++last)
      sum += pieces[last].score;
    std::string label = labels[pieces[first].label];
    if (aggregation != Aggregation::kNone) label = label.substr(label.find('-') + 1);
    if (std::find(ignore.begin(), ignore.end(), label) != ignore.end()) continue;
    const std::size_t begin = pieces[first].begin, end = pieces[last - 1].end;
    entities.push_back({.label = std::move(label),
                        .score = sum / static_cast<double>(last - first),
                        .text = std::string(text.substr(begin, end - begin)),
                        .range = counter.range(begin, end)});
  }
  return entities;
}

}  // namespace swiftlet::tasks
