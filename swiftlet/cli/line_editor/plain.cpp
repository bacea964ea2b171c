#include "swiftlet/cli/input.h"
#include "swiftlet/cli/line_editor.h"
#include "swiftlet/cli/output.h"

namespace swiftlet::cli {

struct LineEditor::Impl {
  std::unique_ptr<Input> input;
};

LineEditor::LineEditor() : impl_(std::make_unique<Impl>()) {}
LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::line(const std::string& prompt, const Job& job) {
  if (!impl_->input) impl_->input = std::make_unique<Input>("-", job);
  write_stderr(prompt);
  return impl_->input->line();
}

}  // namespace swiftlet::cli
