#include "tests/cli/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>

namespace swiftlet::cli_test {
namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return {ends[0], ends[1]};
}

// Both ends of a terminal as a pipe: what is written to the one is read from the other.
Pipe make_terminal() {
  winsize size{};
  size.ws_row = 24;
  size.ws_col = 100;
  Pipe ends;
  if (::openpty(&ends.read_end, &ends.write_end, nullptr, nullptr, &size) != 0)
    throw std::runtime_error("openpty failed");
  return ends;
}

void limit(int resource, std::uint64_t bytes) {
  rlimit value{};
  ::getrlimit(__rlimit_resource(resource), &value);
  value.rlim_cur = bytes;
  if (bytes > 0) ::setrlimit(__rlimit_resource(resource), &value);
}

[[noreturn]] void run_child(const std::vector<std::string>& arguments, const Start& start, int in, int out,
                            int err) {
  ::dup2(in, 0);
  if (!start.output_path.empty()) out = ::open(start.output_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(out, 1);
  ::dup2(err, 2);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGPIPE, SIG_DFL);
  ::setenv("TERM", "xterm", 1);
  // No test asks a hub or a cache that it did not make.
  ::setenv("HF_HUB_OFFLINE", "1", 1);
  ::setenv("HF_HOME", "/nonexistent", 1);
  for (const char* name : {"HF_ENDPOINT", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN"})
    ::unsetenv(name);
  for (const std::string& pair : start.environment) {
    const std::size_t equals = pair.find('=');
    ::setenv(pair.substr(0, equals).c_str(), pair.substr(equals + 1).c_str(), 1);
  }
  std::vector<char*> words{const_cast<char*>("swiftlet")};
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  if (start.user != 0 && ::setuid(start.user) != 0) ::_exit(126);
  limit(RLIMIT_DATA, start.data_limit);
  limit(RLIMIT_FSIZE, start.file_limit);
  if (::chdir(SWIFTLET_SOURCE_DIR) == 0) ::execv(SWIFTLET_PROGRAM, words.data());
  ::_exit(127);
}

// Until when to wait for the child's next word; kills it when its time is over.
timespec next_wait(pid_t child, const Start& start, const Result& result,
                   std::chrono::steady_clock::time_point begin) {
  std::chrono::nanoseconds wait = start.watch ? std::chrono::milliseconds(1) : std::chrono::hours(1);
  if (start.kill_after) {
    const auto left = begin + *start.kill_after - std::chrono::steady_clock::now();
    if (left.count() <= 0) ::kill(child, SIGKILL);
    if (left.count() > 0) wait = std::min<std::chrono::nanoseconds>(wait, left);
  }
  if (start.watch) start.watch(child, result);
  return {wait.count() / 1'000'000'000, wait.count() % 1'000'000'000};
}

// Feeds the input and collects both outputs until the child has closed them.
void exchange(pid_t child, const Start& start, int in, int out, int err, Result& result) {
  const auto begin = std::chrono::steady_clock::now();
  std::size_t sent = 0;
  int interrupts = start.interrupts;
  while (out >= 0 || err >= 0) {
    const bool has_more = in >= 0 && sent < start.input.size();
    if (in >= 0 && !has_more) {
      ::close(in);
      in = -1;
    }
    std::array<pollfd, 3> waits{pollfd{in, POLLOUT, 0}, pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
    const timespec wait = next_wait(child, start, result, begin);
    if (::ppoll(waits.data(), waits.size(), &wait, nullptr) <= 0) continue;
    if (waits[0].revents != 0) {
      const ssize_t n = ::write(in, start.input.data() + sent, start.input.size() - sent);
      sent = n > 0 ? sent + std::size_t(n) : start.input.size();  // the child may not want it
    }
    std::array<char, 4096> piece{};
    for (std::size_t i : {1, 2}) {
      if (waits[i].revents == 0) continue;
      int& from = i == 1 ? out : err;
      const ssize_t n = ::read(from, piece.data(), piece.size());
      if (n > 0) {
        (i == 1 ? result.out : result.err).append(piece.data(), std::size_t(n));
      } else {  // the end; a terminal says EIO
        ::close(from);
        from = -1;
      }
    }
    if (interrupts > 0 && !(result.out + result.err).empty()) {
      --interrupts;
      ::kill(child, SIGINT);
    }
  }
  if (in >= 0) ::close(in);
}

}  // namespace

Result swiftlet(const std::vector<std::string>& arguments, const Start& start) {
  ::signal(SIGPIPE, SIG_IGN);
  const Pipe in = make_pipe(), out = make_pipe(), err = start.terminal_error ? make_terminal() : make_pipe();
  const pid_t child = ::fork();
  if (child == 0) run_child(arguments, start, in.read_end, out.write_end, err.write_end);
  ::close(in.read_end);
  ::close(out.write_end);
  ::close(err.write_end);
  Result result;
  exchange(child, start, in.write_end, out.read_end, err.read_end, result);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

nlohmann::json json_of(const Result& result) {
  EXPECT_EQ(result.status, 0) << result.err;
  auto object = nlohmann::json::parse(result.out, nullptr, false);
  EXPECT_TRUE(object.is_object()) << "standard output is no JSON object: " << result.out;
  return object.is_object() ? object : nlohmann::json::object();
}

Scratch::Scratch() {
  static std::atomic<int> count{0};
  folder_ = std::filesystem::temp_directory_path() / fmt::format("swiftlet-cli-{}-{}", ::getpid(), ++count);
  std::filesystem::create_directories(folder_);
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Scratch::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name);
}

std::size_t Scratch::files() const {
  return std::size_t(
      std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string minilm() {
  const char* named = std::getenv("SWIFTLET_MINILM");
  const std::filesystem::path path = named != nullptr
                                         ? std::filesystem::path(named)
                                         : std::filesystem::path(SWIFTLET_SOURCE_DIR) / "models/minilm";
  return std::filesystem::exists(path / "config.json") ? path.string() : "";
}

std::size_t error_lines(const std::string& err) {
  std::istringstream lines(err);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) count += line.starts_with("swiftlet: error: [");
  return count;
}

}  // namespace swiftlet::cli_test
