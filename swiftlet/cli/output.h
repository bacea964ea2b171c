// Standard output: where results go, and nothing else.
//
// Buffered; flush() before anything that may wait. Errors of the stream are not lost: a full disk throws
// Error(kIo), a reader that went away (`| head`) throws OutputClosed, which ends the program quietly. One
// thread at a time.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace swiftlet::cli {

struct OutputClosed {};

class Output {
 public:
  explicit Output(int descriptor = 1) : descriptor_(descriptor) {}
  void write(std::string_view text);
  void line(std::string_view text) {
    write(text);
    write("\n");
  }
  void flush();

 private:
  int descriptor_;
  std::string pending_;
};

// An answer that goes out piece by piece while an engine makes it. What fails is thrown at the end, not
// through the engine, which must end its work.
class AnswerStream {
 public:
  explicit AnswerStream(Output& out) : out_(out) {}
  // False when nobody reads any more: the answer may end.
  bool write(std::string_view piece) noexcept;
  // Ends the last line.
  void finish();

 private:
  Output& out_;
  bool ends_line_ = false;
  std::exception_ptr broken_;
};

// To standard error. What cannot be written there is lost: there is nobody left to tell.
void write_stderr(std::string_view text) noexcept;

// Opens /dev/null for each standard stream that is closed, so that no file of ours gets its number. A closed
// standard output then fails at the first write, as it should. Call it first.
void reserve_standard_streams();

}  // namespace swiftlet::cli
