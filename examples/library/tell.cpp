// Tells a story word by word, and stops when it gets too long: loading, streaming, cancelling, errors.
//
//   tell MODEL PROMPT [CHARACTERS]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "swiftlet/swiftlet.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: tell MODEL PROMPT [CHARACTERS]\n", stderr);
    return 2;
  }
  const std::size_t most = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1000;
  try {
    auto model = swiftlet::Model::load(argv[1]);
    std::size_t told = 0;
    const auto story =
        model.generate(argv[2], {.max_new_tokens = 200, .seed = 7}, [&](std::string_view piece) {
          std::fwrite(piece.data(), 1, piece.size(), stdout);
          std::fflush(stdout);
          told += piece.size();
          return told < most;  // false cancels
        });
    std::printf("\n(%zu tokens, %.0f a second, %s)\n", story.tokens.size(), story.decode_tokens_per_second(),
                story.finish_reason.c_str());
  } catch (
      const swiftlet::Error& error) {  // one line that names the file or the option, and what was expected
    std::fprintf(stderr, "tell: %s\n", error.what());
    return 1;
  }
}
