#include "swiftlet/text/split_pieces.h"

#include <algorithm>

namespace swiftlet::text {
namespace {

struct Part {
  Span span;
  bool match;
};

// The piece as a row of matches and of what lies between them.
std::vector<Part> parts_of(Span piece, const std::vector<Span>& matches, bool invert) {
  std::vector<Part> parts;
  parts.reserve(matches.size() * 2 + 1);
  std::uint32_t at = piece.begin;
  for (const Span& match : matches) {
    if (match.begin > at) parts.push_back({{at, match.begin}, invert});
    parts.push_back({match, !invert});
    at = match.end;
  }
  if (at < piece.end) parts.push_back({{at, piece.end}, invert});
  return parts;
}

void push(Span span, std::vector<Span>& out) {
  if (span.begin < span.end) out.push_back(span);
}

// Matches and what is between them alike.
void isolate(Span piece, const std::vector<Span>& matches, std::vector<Span>& out) {
  std::uint32_t at = piece.begin;
  for (const Span& match : matches) {
    push({at, match.begin}, out);
    push(match, out);
    at = match.end;
  }
  push({at, piece.end}, out);
}

// Joins each part to the one before it where join(previous was a match, this is a match).
template <class F>
void join_parts(const std::vector<Part>& parts, std::vector<Span>& out, F&& join) {
  std::vector<Span> joined;
  bool previous = false;
  for (const Part& part : parts) {
    if (!joined.empty() && join(previous, part.match)) {
      joined.back().end = part.span.end;
    } else {
      joined.push_back(part.span);
    }
    previous = part.match;
  }
  for (const Span& span : joined) push(span, out);
}

}  // namespace

SplitBehavior split_behavior(const JsonView& json) {
  const std::string_view name = json.string();
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  json.invalid("expected Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous, came {}",
               shown(name));
}

void split_piece(Span piece, const std::vector<Span>& matches, SplitBehavior behavior, bool invert,
                 std::vector<Span>& out) {
  if (behavior == SplitBehavior::kIsolated) return isolate(piece, matches, out);
  const std::vector<Part> parts = parts_of(piece, matches, invert);
  switch (behavior) {
    case SplitBehavior::kRemoved:
      for (const Part& part : parts)
        if (!part.match) push(part.span, out);
      return;
    case SplitBehavior::kIsolated:  // done
      return;
    case SplitBehavior::kMergedWithPrevious:
      return join_parts(parts, out, [](bool previous, bool match) { return match && !previous; });
    case SplitBehavior::kContiguous:
      return join_parts(parts, out, [](bool previous, bool match) { return match == previous; });
    case SplitBehavior::kMergedWithNext: {
      // The mirror image of MergedWithPrevious: joined from the right.
      std::vector<Span> joined;
      bool next = false;
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (!joined.empty() && part->match && !next) {
          joined.back().begin = part->span.begin;
        } else {
          joined.push_back(part->span);
        }
        next = part->match;
      }
      for (auto span = joined.rbegin(); span != joined.rend(); ++span) push(*span, out);
      return;
    }
  }
}

}  // namespace swiftlet::text
