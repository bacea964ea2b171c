#include "swiftlet/text/decoder.h"

#include <array>

namespace swiftlet::text {
namespace {

struct Kind {
  std::string_view name;
  DecoderPointer (*make)(const JsonView&);
};

constexpr std::array kKinds = {
    Kind{"ByteLevel", make_byte_level_decoder},
    Kind{"WordPiece", make_wordpiece_decoder},
    Kind{"Metaspace", make_metaspace_decoder},
    Kind{"BPEDecoder", make_bpe_decoder},
    Kind{"ByteFallback", make_byte_fallback},
    Kind{"Fuse", make_fuse},
    Kind{"Strip", make_strip_decoder},
    Kind{"Replace", make_replace_decoder},
    Kind{"CTC", make_ctc_decoder},
};

void append(const JsonView& json, Decoders& out) {
  const std::string_view type = json.at("type").string();
  if (type == "Sequence") {
    json.at("decoders").each([&](const JsonView& item) { append(item, out); });
    return;
  }
  for (const Kind& kind : kKinds)
    if (kind.name == type) {
      out.push_back(kind.make(json));
      return;
    }
  json.unsupported("the decoder {} is not available", shown(type));
}

}  // namespace

Decoders make_decoders(const JsonView& json) {
  Decoders out;
  append(json, out);
  constexpr double kMostGrowth = 65536;
  double growth = 1;
  for (const DecoderPointer& decoder : out) growth *= decoder->growth();
  if (growth > kMostGrowth)
    json.invalid("expected replacements that keep texts short, these make {:g} bytes of one", growth);
  return out;
}

DecoderChain::DecoderChain(const Decoders& decoders)
    : collector_(std::make_unique<Collector>()), head_(collector_.get()) {
  for (auto decoder = decoders.rbegin(); decoder != decoders.rend(); ++decoder) {
    sinks_.push_back((*decoder)->open(*head_));
    head_ = sinks_.back().get();
  }
}

std::string DecoderChain::take() {
  std::string out;
  out.swap(collector_->out);
  return out;
}

}  // namespace swiftlet::text
