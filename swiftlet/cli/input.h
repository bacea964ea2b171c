// Texts from files and standard input: lines of any length, with LF or CRLF, a byte-order mark at the start
// dropped. Reading standard input ends with Error(kCancelled) at an interrupt.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "swiftlet/core/error.h"
#include "swiftlet/job.h"

namespace swiftlet::cli {

class Input {
 public:
  // "-": standard input. Throws kNotFound and kIo as files do, kUnsupported for gzip data, kInvalid for a
  // line or a whole text that no memory should hold.
  Input(const std::string& path, const Job& job);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // The next line without its end; none after the last.
  std::optional<std::string> line();
  std::vector<std::string> lines();
  std::string all();
  // Called before each read that may wait, so that answers to the lines before are not held back.
  void before_wait(std::function<void()> call) { before_wait_ = std::move(call); }

 private:
  bool fill();
  void check_start();
  std::string name_;
  const Job* job_;
  int descriptor_ = -1;
  std::string buffer_;
  std::size_t start_ = 0;  // of what line() has not returned
  bool started_ = false, ended_ = false;
  std::function<void()> before_wait_;
};

// Whether a person would have to type it.
bool stdin_is_terminal();

}  // namespace swiftlet::cli
