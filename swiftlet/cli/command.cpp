#include "swiftlet/cli/command.h"

#include <algorithm>
#include <numeric>

namespace swiftlet::cli {
namespace {

// Levenshtein: insertions, deletions and substitutions from `a` to `b`.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands{
      {"run", "Continue a prompt with a decoder, streaming the text", setup_run},
      {"chat", "Talk with a decoder: turns, history, a system prompt", setup_chat},
      {"embed", "Turn texts into vectors with a sentence encoder", setup_embed},
      {"search", "Find the passages of a file that mean what a query means", setup_search},
      {"classify", "Label texts and pairs with a classifier", setup_classify},
      {"rerank", "Sort documents by their worth for a query, with a cross-encoder", setup_rerank},
      {"tag", "Find the entities in texts", setup_tag},
      {"answer", "Find the part of a text that answers a question", setup_answer},
      {"fill", "Fill the masks of texts with words", setup_fill},
      {"tokenize", "Turn texts into token ids and back", setup_tokenize},
      {"eval", "Measure the quality of a model on a task", setup_eval},
      {"bench", "Measure the speed of a model and its distance to the machine's limits", setup_bench},
      {"compress", "Make a model smaller inside an accuracy budget", setup_compress},
      {"convert", "Write a model as a native .swiftlet file, or as a folder for transformers", setup_convert},
      {"download", "Bring models of the hub into the cache", setup_download},
      {"inspect", "Show a model, its graph, its certificate, or this machine", setup_inspect},
      {"completion", "Print the completion script of a shell", setup_completion},
      {"help", "Explain a command, or print the manual page", setup_help},
      {"version", "Print the version", setup_version},
  };
  return kCommands;
}

const Command* find_command(const std::string& name) {
  for (const Command& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

std::vector<std::unique_ptr<CommandLine>> command_lines() {
  std::vector<std::unique_ptr<CommandLine>> lines;
  for (const Command& command : commands()) {
    lines.push_back(std::make_unique<CommandLine>(command.name, command.summary));
    command.setup(*lines.back());
  }
  return lines;
}

std::string nearest(const std::string& word, const std::vector<std::string>& names) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& name : names) {
    const bool begins = word.size() >= 3 && name.starts_with(word);
    const std::size_t distance = begins ? 1 : edit_distance(word, name);
    if (distance < least && distance < std::max(word.size(), name.size())) {
      least = distance;
      best = name;
    }
  }
  return best;
}

}  // namespace swiftlet::cli
