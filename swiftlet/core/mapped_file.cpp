#include "swiftlet/core/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

// One mapping. `changes` is odd while the slot is written, so that a reader never joins the begin of one
// mapping to the end of another.
struct Slot {
  std::atomic<std::uint32_t> changes{0};
  std::atomic<std::uintptr_t> begin{0}, end{0};  // 0: free
  std::atomic<const MappedFile*> file{nullptr};
  std::atomic<bool> marked{false};

  void set(std::uintptr_t from, std::uintptr_t to, const MappedFile* owner) {
    changes.fetch_add(1);
    begin = from;
    end = to;
    file = owner;
    changes.fetch_add(1);
  }
  bool covers(std::uintptr_t address) const {
    const std::uint32_t before = changes.load();
    return before % 2 == 0 && address >= begin.load() && address < end.load() && changes.load() == before;
  }
};

constexpr std::size_t kSlots = 4096;
std::array<Slot, kSlots> slots;
std::atomic<std::size_t> used_slots{0};  // all behind were never used
std::atomic<std::uint32_t> marked_mappings{0};
std::mutex table_mutex;  // of those who write slots; readers take none

static_assert(std::atomic<std::uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

Slot* find_slot(std::uintptr_t address) noexcept {
  const std::size_t used = used_slots.load();
  for (std::size_t i = 0; i < used; ++i)
    if (slots[i].covers(address)) return &slots[i];
  return nullptr;
}

Slot* find_slot(std::span<const std::byte> bytes) noexcept {
  return bytes.empty() ? nullptr : find_slot(reinterpret_cast<std::uintptr_t>(bytes.data()));
}

std::uintptr_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// ---- the handler: async-signal-safe from here

// Replaces the page of `address` and all behind it by zeros: they are gone too, and one mapping is enough.
bool put_zeros(std::uintptr_t address) noexcept {
  Slot* slot = find_slot(address);
  if (slot == nullptr) return false;
  const std::uintptr_t page = address - address % page_bytes();
  void* zeros = ::mmap(reinterpret_cast<void*>(page), slot->end.load() - page, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (zeros == MAP_FAILED) return false;
  if (!slot->marked.exchange(true)) marked_mappings.fetch_add(1);
  return true;
}

std::atomic<bool> guard_wanted{true};
struct sigaction previous {};  // complete before the handler is in place

void pass_on(int number, siginfo_t* info, void* context) {
  if ((previous.sa_flags & SA_SIGINFO) != 0) return previous.sa_sigaction(number, info, context);
  const bool sent = info->si_code <= 0;  // by kill() and its like: nothing would fault again
  if (previous.sa_handler == SIG_IGN && sent) return;
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(number);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(number, &standard, nullptr);
  if (sent) ::raise(number);
}

void on_bus_error(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (info->si_code != BUS_ADRERR || !guard_wanted || !put_zeros(address)) pass_on(number, info, context);
  errno = saved;
}

// ---- until here

std::mutex guard_mutex;
bool installed = false;

bool is_in_place() {
  struct sigaction current {};
  ::sigaction(SIGBUS, nullptr, &current);
  return (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_bus_error;
}

void install_guard() {
  const std::lock_guard lock(guard_mutex);
  // A second time would make a ring of a handler that was put over ours and calls it.
  if (installed || !guard_wanted) return;
  page_bytes();
  ::sigaction(SIGBUS, nullptr, &previous);
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  installed = ::sigaction(SIGBUS, &action, nullptr) == 0;
}

}  // namespace

void guard_mapped_files(bool on) {
  {
    const std::lock_guard lock(guard_mutex);
    guard_wanted = on;
    if (!on && installed && is_in_place()) installed = ::sigaction(SIGBUS, &previous, nullptr) != 0;
  }
  if (on && used_slots > 0) install_guard();
}

MappedFile::MappedFile(int descriptor, std::size_t bytes, std::string path)
    : path_(std::move(path)), descriptor_(descriptor), size_(bytes) {
  install_guard();
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (address == MAP_FAILED) {
    const int error_number = errno;
    ::close(descriptor_);
    fail(ErrorCode::kMemory, path_, "cannot be mapped: {}", errno_text(error_number));
  }
  data_ = static_cast<const std::byte*>(address);
  const std::lock_guard lock(table_mutex);
  while (slot_ < kSlots && slots[slot_].begin != 0) ++slot_;
  if (slot_ == kSlots) {
    close();
    fail(ErrorCode::kMemory, path_, "cannot be mapped: {} files are mapped already", kSlots);
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(data_);
  const std::uintptr_t end = begin + (size_ + page_bytes() - 1) / page_bytes() * page_bytes();
  slots[slot_].set(begin, end, this);
  if (slot_ >= used_slots) used_slots = slot_ + 1;
}

MappedFile::~MappedFile() {
  const std::lock_guard lock(table_mutex);
  slots[slot_].set(0, 0, nullptr);
  if (slots[slot_].marked.exchange(false)) marked_mappings.fetch_sub(1);
  close();  // within the lock: the address may be given out again
}

void MappedFile::close() noexcept {
  ::munmap(const_cast<std::byte*>(data_), size_);
  ::close(descriptor_);
}

bool MappedFile::shrank() const {
  if (slots[slot_].marked) return true;
  // Within the last page that is left there is no fault: what was cut off reads as zeros.
  struct stat status {};
  return ::fstat(descriptor_, &status) == 0 && static_cast<std::size_t>(status.st_size) < size_;
}

void check_mapped(std::span<const std::byte> bytes) {
  const Slot* slot = find_slot(bytes);
  if (slot == nullptr) return;
  const MappedFile* file = slot->file;
  if (file->shrank()) fail(ErrorCode::kIo, file->path(), "was cut short while it was in use");
}

bool any_mapping_marked() noexcept {
  return marked_mappings.load(std::memory_order_relaxed) != 0;
}

void release_mapped(std::span<const std::byte> bytes) noexcept {
  if (find_slot(bytes) == nullptr) return;
  // Whole pages only: the rest belongs to the neighbours.
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = (begin + page_bytes() - 1) / page_bytes() * page_bytes();
  const std::uintptr_t last = (begin + bytes.size()) / page_bytes() * page_bytes();
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace swiftlet
