// WordLevel: every piece is a token, or unknown.
#include "swiftlet/text/model.h"

namespace swiftlet::text {
namespace {

class WordLevel final : public Model {
 public:
  WordLevel(const JsonView& json, ModelTables tables)
      : Model(std::move(tables)), unknown_id_(vocabulary_.find(json.string_or("unk_token", "<unk>"))) {}

  void tokenize(std::string_view piece, std::vector<ModelToken>& out) const override {
    std::int32_t id = vocabulary_.find(piece);
    if (id == Vocabulary::kNone) id = unknown_id_;
    if (id == Vocabulary::kNone)
      fail(ErrorCode::kInvalid, "tokenizer",
           "the vocabulary has no token for {}, and names none for the unknown", shown(piece));
    out.push_back({id, 0, static_cast<std::uint32_t>(piece.size())});
  }
  std::int32_t unknown_id() const override { return unknown_id_; }

 private:
  std::int32_t unknown_id_;
};

}  // namespace

ModelPointer make_wordlevel(const JsonView& json, ModelTables tables) {
  return std::make_unique<WordLevel>(json, std::move(tables));
}

}  // namespace swiftlet::text
