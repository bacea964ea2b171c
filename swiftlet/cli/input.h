// Texts from files and standard input, as the commands read them: lines of any length, with LF or CRLF.
// Reading standard input ends with Error(kCancelled) at an interrupt.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/core/text_source.h"

namespace swiftlet::cli {

class Input {
 public:
  // As TextSource; a line, or a whole text, that no memory should hold is an error.
  Input(const std::string& path, const Job& job);
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // The next line without its end; none after the last.
  std::optional<std::string> line();
  std::vector<std::string> lines();
  std::string all() { return reader_.rest(); }
  // Called before each read that may wait, so that answers to the lines before are not held back.
  void before_wait(std::function<void()> call) { before_wait_ = std::move(call); }

 private:
  std::function<void()> before_wait_;
  LineReader reader_;
};

// Whether a person would have to type it.
bool stdin_is_terminal();

}  // namespace swiftlet::cli
