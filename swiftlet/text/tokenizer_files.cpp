#include "swiftlet/text/tokenizer_files.h"

#include "swiftlet/core/error.h"
#include "swiftlet/text/gguf_tokenizer.h"
#include "swiftlet/text/llama2c_file.h"
#include "swiftlet/text/sentencepiece.h"
#include "swiftlet/text/tiktoken.h"
#include "swiftlet/text/token_settings.h"
#include "swiftlet/text/tokenizer_tables.h"
#include "swiftlet/text/vocab_merges.h"
#include "swiftlet/text/vocab_txt.h"

namespace swiftlet::text {

TokenizerText text_of(const TokenizerSource& source) {
  const std::string_view bytes = source.text();
  switch (source.kind) {
    case TokenizerKind::kTokenizerJson: {
      if (source.tables.size() > 0) return read_tables(source);
      const auto settings = std::make_shared<const TokenSettings>(source);
      return {std::string(bytes), settings->config(), {}, {}, settings};
    }
    case TokenizerKind::kVocabText:
      return convert_vocab_txt(bytes, TokenSettings(source), source.where);
    case TokenizerKind::kVocabMerges: {
      const auto merges = source.files.find("merges.txt");
      require(merges != source.files.end(), source.beside("merges.txt"),
              "expected it beside {}, it is not there", source.where);
      const std::string_view text(reinterpret_cast<const char*>(merges->second.data()),
                                  merges->second.size());
      return convert_vocab_merges(bytes, text, TokenSettings(source), source.where,
                                  source.beside("merges.txt"));
    }
    case TokenizerKind::kSentencePiece:
      if (looks_like_sentencepiece(bytes))
        return convert_sentencepiece(parse_sentencepiece(bytes, source.where), TokenSettings(source),
                                     source.where);
      return convert_tiktoken(bytes, TokenSettings(source), source.where);
    case TokenizerKind::kTiktoken:
      return convert_tiktoken(bytes, TokenSettings(source), source.where);
    case TokenizerKind::kLlama2c:
      return convert_llama2c(bytes, source.where);
    case TokenizerKind::kGguf:
      return convert_gguf(*source.gguf);
    case TokenizerKind::kNone:
      break;
  }
  fail(ErrorCode::kNotFound, source.where, "there is no tokenizer");
}

}  // namespace swiftlet::text
