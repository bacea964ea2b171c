#include "swiftlet/text/added_tokens.h"

#include <algorithm>

namespace swiftlet::text {
namespace {

AddedToken read_added_token(const JsonView& json, std::int64_t highest_id) {
  AddedToken token;
  token.content = json.at("content").string();
  token.id = static_cast<std::int32_t>(json.at("id").integer(0, highest_id));
  token.special = json.boolean_or("special", false);
  token.single_word = json.boolean_or("single_word", false);
  token.lstrip = json.boolean_or("lstrip", false);
  token.rstrip = json.boolean_or("rstrip", false);
  token.normalized = json.boolean_or("normalized", !token.special);
  return token;
}

bool stands_alone(std::string_view text, Span span) {
  return (span.begin == 0 || !is_word(char_before(text, span.begin).code)) &&
         (span.end == text.size() || !is_word(char_at(text, span.end).code));
}

// Takes the white space on its left, though not what lies before `from`, and on its right along, as the token
// asks.
Span widened(std::string_view text, Span span, const AddedToken& token, std::uint32_t from) {
  while (token.lstrip && span.begin > from && is_white_space(char_before(text, span.begin).code))
    span.begin -= char_before(text, span.begin).bytes;
  if (token.lstrip) span.begin = std::min(std::max(span.begin, from), span.end);
  while (token.rstrip && span.end < text.size() && is_white_space(char_at(text, span.end).code))
    span.end += char_at(text, span.end).bytes;
  return span;
}

}  // namespace

AddedTokens::AddedTokens(const JsonView& json, const Vocabulary& vocabulary, const Normalizers& normalizers,
                         bool split_special) {
  json.each([&](const JsonView& item) { add(item, vocabulary); });
  // Where two contents are equal once normalized, the special one is found.
  for (const bool special : {true, false})
    for (const auto& [id, token] : tokens_) {
      if (token.special != special || (special && split_special)) continue;
      if (!token.normalized) {
        raw_.insert(token.content, id);
        continue;
      }
      NormalizedText content(token.content);
      normalize(normalizers, content);
      normalized_.insert(content.text(), id);
    }
}

void AddedTokens::add(const JsonView& json, const Vocabulary& vocabulary) {
  AddedToken token = read_added_token(json, Vocabulary::highest_id(vocabulary.count() + tokens_.size()));
  if (token.content.empty()) return;  // names nothing that a text could hold
  const std::int32_t known = vocabulary.find(token.content);
  if (known != Vocabulary::kNone && known != token.id)
    json.at("id").invalid("expected {}, the id of {} in the vocabulary, came {}", known, shown(token.content),
                          token.id);
  if (known == Vocabulary::kNone && vocabulary.has(token.id))
    json.at("id").invalid("expected an id of its own, came {}, which is {} in the vocabulary", token.id,
                          shown(vocabulary.token(token.id)));
  const auto [place, fresh] = tokens_.emplace(token.id, token);
  if (!fresh && place->second.content != token.content)
    json.at("id").invalid("expected an id of its own, came {}, which is {}", token.id,
                          shown(place->second.content));
  const auto [name, first] = ids_.emplace(token.content, token.id);
  if (!first && name->second != token.id)
    json.at("content").invalid("{} is added twice, as {} and {}", shown(token.content), name->second,
                               token.id);
}

const AddedToken* AddedTokens::find(std::int32_t id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

std::int32_t AddedTokens::find(std::string_view content) const {
  const auto found = ids_.find(content);
  return found == ids_.end() ? Vocabulary::kNone : found->second;
}

bool AddedTokens::is_special(std::int32_t id) const {
  const AddedToken* const token = find(id);
  return token && token->special;
}

void AddedTokens::Finder::insert(std::string_view content, std::int32_t id) {
  if (content.empty()) return;
  if (nodes_.empty()) nodes_.emplace_back();
  starts_[static_cast<std::uint8_t>(content.front())] = true;
  std::uint32_t node = 0;
  for (char byte : content) {
    if (const Node* next = step(nodes_[node], byte)) {
      node = static_cast<std::uint32_t>(next - nodes_.data());
      continue;
    }
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    nodes_[node].next.emplace_back(byte, fresh);
    nodes_.emplace_back();
    node = fresh;
  }
  if (nodes_[node].id == Vocabulary::kNone) nodes_[node].id = id;
}

const AddedTokens::Finder::Node* AddedTokens::Finder::step(const Node& node, char byte) const {
  for (const auto& [value, next] : node.next)
    if (value == byte) return &nodes_[next];
  return nullptr;
}

Segment AddedTokens::Finder::longest_at(std::string_view text, std::size_t at) const {
  Segment best{{static_cast<std::uint32_t>(at), 0}, Vocabulary::kNone};
  const Node* node = nodes_.data();
  for (std::size_t i = at; i < text.size() && (node = step(*node, text[i])); ++i)
    if (node->id != Vocabulary::kNone)
      best = {{best.span.begin, static_cast<std::uint32_t>(i + 1)}, node->id};
  return best;
}

std::vector<Segment> AddedTokens::Finder::split(std::string_view text, const AddedTokens& owner) const {
  std::vector<Segment> segments;
  std::uint32_t done = 0;
  const auto push_text = [&](std::uint32_t end) {
    if (done < end) segments.push_back({{done, end}, Vocabulary::kNone});
  };
  for (std::uint32_t at = 0; !nodes_.empty() && at < text.size();) {
    if (!starts_[static_cast<std::uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    const Segment match = longest_at(text, at);
    if (match.id == Vocabulary::kNone) {
      ++at;
      continue;
    }
    at = match.span.end;
    const AddedToken& token = *owner.find(match.id);
    if (token.single_word && !stands_alone(text, match.span)) continue;
    // What an earlier token took along on its right is still there to be found, as in the reference.
    const Span span = widened(text, match.span, token, done);
    push_text(span.begin);
    segments.push_back({span, match.id});
    done = span.end;
  }
  push_text(static_cast<std::uint32_t>(text.size()));
  return segments;
}

}  // namespace swiftlet::text
