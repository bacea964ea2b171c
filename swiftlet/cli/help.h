// The words about the program as a whole: `swiftlet help` and the manual page are made of the same ones.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace swiftlet::cli {

struct Topic {
  std::string_view term, meaning;
};

inline constexpr std::string_view kAbout =
    "Swiftlet makes a pretrained language model smaller and faster inside an accuracy budget,\n"
    "proves what was kept, and runs the result.";
inline constexpr std::string_view kAboutOptions =
    "`swiftlet COMMAND --help` tells the options and gives examples.";
inline constexpr std::string_view kAboutModels =
    "MODEL is a folder (Hugging Face or sentence-transformers layout), a .swiftlet, .safetensors, .gguf\n"
    "or llama2.c .bin file, a bundled model (stories-7m, stories260K), or a name of the hub, downloaded\n"
    "once: org/name, org/name@revision, org/name/FILE.gguf, org/name:Q4_K_M.\n"
    "Results go to standard output, everything else to standard error.";

inline constexpr std::array<Topic, 7> kEnvironment{{
    {"SWIFTLET_ISA", "forces an instruction set, avx2 for example; `swiftlet inspect --machine` lists them"},
    {"SWIFTLET_ASSETS", "the folder of the bundled models, when it is not beside the program"},
    {"HF_HUB_CACHE", "where models of the hub are kept, else HF_HOME/hub or ~/.cache/huggingface/hub"},
    {"HF_HOME", "the folder of the cache and the token, ~/.cache/huggingface"},
    {"HF_TOKEN", "who asks the hub, for private and gated models; else the file HF_HOME/token"},
    {"HF_ENDPOINT", "a mirror of the hub, in place of https://huggingface.co"},
    {"HF_HUB_OFFLINE", "1: no connection, as --offline"},
}};

inline constexpr std::array<Topic, 5> kExitStatuses{{
    {"0", "done"},
    {"1", "failed"},
    {"2", "wrong use"},
    {"3", "the accuracy budget was not met"},
    {"130", "interrupted (Ctrl-C ends the work cleanly, a second one at once)"},
}};

// What `swiftlet help` prints.
std::string top_help();
// swiftlet.1 in roff: the words above, then every subcommand with its options.
std::string manual_page();

}  // namespace swiftlet::cli
