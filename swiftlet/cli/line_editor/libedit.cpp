#include <histedit.h>

#include <clocale>
#include <cstdio>

#include "swiftlet/cli/line_editor.h"
#include "swiftlet/cli/output.h"

namespace swiftlet::cli {

struct LineEditor::Impl {
  EditLine* edit = nullptr;
  History* history = nullptr;
  std::string prompt;
  int interrupts = 0;  // at an empty prompt, one after the other
  bool interrupted = false;

  ~Impl() {
    if (edit != nullptr) ::el_end(edit);
    if (history != nullptr) ::history_end(history);
  }
  static Impl& of(EditLine* edit) {
    void* data = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &data);
    return *static_cast<Impl*>(data);
  }
};

namespace {

constexpr int kHistoryLines = 1000;

}  // namespace

LineEditor::LineEditor() : impl_(std::make_unique<Impl>()) {
  std::setlocale(LC_CTYPE, "");  // the editor counts characters by it
  impl_->edit = ::el_init("swiftlet", stdin, stderr, stderr);
  impl_->history = ::history_init();
  if (impl_->edit == nullptr || impl_->history == nullptr) throw std::bad_alloc();
  HistEvent event;
  ::history(impl_->history, &event, H_SETSIZE, kHistoryLines);
  ::history(impl_->history, &event, H_SETUNIQUE, 1);
  EditLine* edit = impl_->edit;
  ::el_set(edit, EL_CLIENTDATA, impl_.get());
  ::el_set(
      edit, EL_PROMPT, +[](EditLine* e) { return LineEditor::Impl::of(e).prompt.data(); });
  ::el_set(edit, EL_EDITOR, "emacs");
  ::el_set(edit, EL_HIST, ::history, impl_->history);
  ::el_set(edit, EL_SIGNAL, 0);
  // Ctrl-C is a key of the editor, not a signal.
  ::el_set(edit, EL_SETTY, "-d", "-isig", nullptr);
  ::el_set(
      edit, EL_ADDFN, "swiftlet-interrupt", "Takes the line away", +[](EditLine* e, int) -> unsigned char {
        LineEditor::Impl& impl = LineEditor::Impl::of(e);
        const LineInfo* info = ::el_line(e);
        impl.interrupts = info->lastchar == info->buffer ? impl.interrupts + 1 : 0;
        impl.interrupted = true;
        return CC_EOF;
      });
  ::el_set(edit, EL_BIND, "^C", "swiftlet-interrupt", nullptr);
}

LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::line(const std::string& prompt, const Job& job) {
  impl_->prompt = prompt;
  for (;;) {
    if (job.cancelled()) return std::nullopt;
    impl_->interrupted = false;
    int count = 0;
    const char* text = ::el_gets(impl_->edit, &count);
    if (impl_->interrupted) {
      write_stderr(impl_->interrupts == 1 ? "\n(Ctrl-C again or /exit leaves)\n" : "\n");
      if (impl_->interrupts > 1) return std::nullopt;
      ::el_reset(impl_->edit);
      continue;
    }
    impl_->interrupts = 0;
    if (text == nullptr || count <= 0) {
      write_stderr("\n");
      return std::nullopt;
    }
    std::string result(text, static_cast<std::size_t>(count));
    while (result.ends_with('\n') || result.ends_with('\r')) result.pop_back();
    HistEvent event;
    if (!result.empty()) ::history(impl_->history, &event, H_ENTER, result.c_str());
    return result;
  }
}

}  // namespace swiftlet::cli
