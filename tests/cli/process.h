// Starts the built program and reads what comes back.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace swiftlet::cli_test {

struct Result {
  int status = -1;  // exit status; 128 + the signal when one killed it
  std::string out, err;
};

struct Start {
  std::string input;                     // standard input
  std::string output_path;               // standard output goes there instead of to Result::out
  bool terminal_error = false;           // standard error is a terminal of 100 columns
  int interrupts = 0;                    // SIGINT as soon as something was printed, so many times
  std::vector<std::string> environment;  // "NAME=value", beside our own
  std::optional<std::chrono::microseconds> kill_after;  // SIGKILL so long after the start
  std::uint64_t data_limit = 0;                         // RLIMIT_DATA, bytes; 0: none
  std::uint64_t file_limit = 0;                         // RLIMIT_FSIZE, bytes: stands for a full disk
  uid_t user = 0;                                       // become that one first; 0: stay
  // Called about every millisecond while it runs, with what it has printed so far.
  std::function<void(pid_t, const Result&)> watch;
};

// Runs `swiftlet ARGUMENTS` in the root of the source tree.
Result swiftlet(const std::vector<std::string>& arguments, const Start& start = {});

// Standard output as the one JSON object that it must be; fails the test otherwise.
nlohmann::json json_of(const Result& result);

// A folder of the test's own, removed with it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const;  // returns its path
  bool has(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
  std::size_t files() const;

 private:
  std::filesystem::path folder_;
};

std::string read(const std::string& path);
// MiniLM from SWIFTLET_MINILM or models/minilm; empty when it is not there.
std::string minilm();

// Lines that begin with "swiftlet: error: ["; a failure shows exactly one.
std::size_t error_lines(const std::string& err);

}  // namespace swiftlet::cli_test
