#include "swiftlet/kernels/disentangled.h"

#include <algorithm>
#include <atomic>

#include "swiftlet/kernels/carver.h"
#include "swiftlet/kernels/kernel_table.h"

namespace swiftlet::kernels {
namespace {

// What one thread has in the workspace.
struct Scratch {
  float* keys;        // [D, T], a head's keys, columns first
  float* positions;   // [D, B], of one table, columns first
  float* by_key;      // [T, B]: k_j . pq_b
  float* by_query;    // [B]: q_i . pk_b
  float* scores;      // [T]
  std::size_t bytes;  // of all
};

Scratch carve(std::byte* base, int head_dim, std::int64_t longest, std::int64_t rows) {
  Carver carver{base};
  Scratch scratch{};
  scratch.keys = carver.take<float>(head_dim * longest);
  scratch.positions = carver.take<float>(head_dim * rows);
  scratch.by_key = carver.take<float>(longest * rows);
  scratch.by_query = carver.take<float>(rows);
  scratch.scores = carver.take<float>(longest);
  scratch.bytes = carver.used;
  return scratch;
}

class Head {
 public:
  Head(const KernelTable& table, const DisentangledArgs& args, const Segment& segment, int head,
       const Scratch& scratch)
      : rows_(table.rows),
        args_(args),
        scratch_(scratch),
        begin_(segment.query_begin),
        tokens_(segment.query_end - segment.query_begin),
        first_(bucket(1 - tokens_)),
        used_(bucket(tokens_ - 1) - first_ + 1),
        at_(std::int64_t{head} * args.head_dim),
        width_(std::int64_t{args.heads} * args.head_dim) {}

  void run() {
    turn(args_.k + begin_ * width_, tokens_, scratch_.keys);
    if (args_.position_queries != nullptr) multiply_keys();
    if (args_.position_keys != nullptr)
      turn(args_.position_keys + first_ * width_, used_, scratch_.positions);
    for (std::int64_t i = 0; i < tokens_; ++i) attend(i);
  }

 private:
  std::int64_t bucket(std::int64_t distance) const {
    return args_.buckets[std::clamp(distance, 1 - args_.most, args_.most - 1) + args_.most - 1];
  }

  // The head's columns of `count` rows, columns first.
  void turn(const float* from, std::int64_t count, float* to) const {
    for (std::int64_t row = 0; row < count; ++row)
      for (std::int64_t d = 0; d < args_.head_dim; ++d) to[d * count + row] = from[row * width_ + at_ + d];
  }

  // y[first .. last] = the head's columns of `row` times these columns of the positions [D, B]. Distances
  // that ascend have rows that do not decrease, so a token needs no others.
  void multiply_positions(const float* row, std::int64_t first, std::int64_t last, float* y) const {
    rows_.combine(row + at_, scratch_.positions + first, used_, args_.head_dim, last - first + 1, y + first);
  }

  void multiply_keys() {
    turn(args_.position_queries + first_ * width_, used_, scratch_.positions);
    for (std::int64_t j = 0; j < tokens_; ++j)
      multiply_positions(args_.k + (begin_ + j) * width_, bucket(-j) - first_,
                         bucket(tokens_ - 1 - j) - first_, scratch_.by_key + j * used_);
  }

  void attend(std::int64_t i) {
    const float* q = args_.q + (begin_ + i) * width_;
    float* scores = scratch_.scores;
    rows_.combine(q + at_, scratch_.keys, tokens_, args_.head_dim, tokens_, scores);
    if (args_.position_keys != nullptr)
      multiply_positions(q, bucket(i - tokens_ + 1) - first_, bucket(i) - first_, scratch_.by_query);
    for (std::int64_t j = 0; j < tokens_; ++j) {
      const std::int64_t b = bucket(i - j) - first_;
      if (args_.position_keys != nullptr) scores[j] += scratch_.by_query[b];
      if (args_.position_queries != nullptr) scores[j] += scratch_.by_key[j * used_ + b];
      scores[j] *= args_.scale;
    }
    rows_.softmax(scores, scores, 1, tokens_);
    rows_.combine(scores, args_.v + begin_ * width_ + at_, width_, tokens_, args_.head_dim,
                  args_.y + (begin_ + i) * width_ + at_);
  }

  const RowKernels& rows_;
  const DisentangledArgs& args_;
  const Scratch& scratch_;
  std::int64_t begin_, tokens_, first_, used_, at_, width_;
};

}  // namespace

std::size_t disentangled_workspace(int head_dim, std::int64_t longest, std::int64_t rows, int threads) {
  return static_cast<std::size_t>(threads) * carve(nullptr, head_dim, longest, rows).bytes;
}

void disentangled_attention(const KernelTable& table, ThreadPool& pool, const DisentangledArgs& args,
                            std::int64_t longest, std::int64_t rows, std::byte* workspace) noexcept {
  const std::size_t each = carve(nullptr, args.head_dim, longest, rows).bytes;
  const std::int64_t units = std::int64_t{args.segment_count} * args.heads;
  std::atomic<std::int64_t> next{0};
  pool.run([&](int member) {
    const Scratch scratch =
        carve(workspace + each * static_cast<std::size_t>(member), args.head_dim, longest, rows);
    for (std::int64_t unit; (unit = next.fetch_add(1, std::memory_order_relaxed)) < units;) {
      const Segment& segment = args.segments[unit / args.heads];
      if (segment.query_begin < segment.query_end)
        Head(table, args, segment, static_cast<int>(unit % args.heads), scratch).run();
    }
  });
}

}  // namespace swiftlet::kernels
