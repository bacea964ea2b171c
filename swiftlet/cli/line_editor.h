// A line typed by a person: with editing and history where the build has libedit, else as the terminal gives
// it. One of line_editor/*.cpp is built. One at a time, on one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "swiftlet/job.h"

namespace swiftlet::cli {

class LineEditor {
 public:
  // REQUIRES: standard input is a terminal. Prompts and editing go to standard error, so that standard output
  // holds the answers alone.
  LineEditor();
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // The next line without its end; none at Ctrl-D, and at a second Ctrl-C at an empty prompt. A Ctrl-C
  // before takes the typed line away. Ends with none when `job` is cancelled.
  std::optional<std::string> line(const std::string& prompt, const Job& job);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swiftlet::cli
