#include "swiftlet/cli/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace swiftlet::cli {
namespace {

std::atomic<Job*> current_job{nullptr};
std::atomic<int> first_signal{0};

void on_signal(int number) {
  int none = 0;
  const bool first = first_signal.compare_exchange_strong(none, number);
  Job* job = current_job.load();
  if (!first || job == nullptr) ::_exit(128 + number);
  job->cancel();
}

// No SA_RESTART: a read that waits must return.
void bind(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);  // nohup and shells' & stay
  }
}

}  // namespace

InterruptGuard::InterruptGuard(Job& job) {
  current_job = &job;
  bind(on_signal);
}

InterruptGuard::~InterruptGuard() {
  bind(SIG_DFL);
  current_job = nullptr;
}

InterruptTurn::InterruptTurn(Job& job) : before_(current_job.exchange(&job)) {}

InterruptTurn::~InterruptTurn() {
  current_job = before_;
  int interrupt = SIGINT;  // SIGTERM still ends the program
  first_signal.compare_exchange_strong(interrupt, 0);
  if (first_signal.load() != 0 && before_ != nullptr) before_->cancel();
}

int interrupted_status() {
  const int number = first_signal.load();
  return number == 0 ? 0 : 128 + number;
}

}  // namespace swiftlet::cli
