// Profile: where the time of repeated work goes: one row for each of its parts and, where a capacity was
// asked for, every single call for a trace.
//
// Whoever does the work adds its rows once; recording allocates nothing. Times are nanoseconds of the steady
// clock. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace swiftlet {

class Profile {
 public:
  struct Row {
    std::string name, group;
    std::int64_t calls = 0, nanoseconds = 0;
    double bytes = 0, operations = 0;  // of all calls
  };
  struct Span {
    std::int64_t begin = 0, end = 0;
    std::int32_t row = 0;  // kWhole: one repetition of the whole work
  };
  static constexpr std::int32_t kWhole = -1;

  explicit Profile(std::size_t span_capacity = 0) { spans_.reserve(span_capacity); }

  void add_row(std::string name, std::string group) {
    rows_.push_back({.name = std::move(name), .group = std::move(group)});
  }
  void record(std::size_t row, std::int64_t begin, std::int64_t end) noexcept {
    ++rows_[row].calls;
    rows_[row].nanoseconds += end - begin;
    keep({begin, end, static_cast<std::int32_t>(row)});
  }
  void record_whole(std::int64_t begin, std::int64_t end) noexcept {
    ++whole_.calls;
    whole_.nanoseconds += end - begin;
    keep({begin, end, kWhole});
  }
  void add_cost(std::size_t row, double bytes, double operations) noexcept {
    rows_[row].bytes += bytes;
    rows_[row].operations += operations;
  }

  const std::vector<Row>& rows() const { return rows_; }
  const Row& whole() const { return whole_; }
  const std::vector<Span>& spans() const { return spans_; }
  std::int64_t lost_spans() const { return lost_spans_; }  // for which there was no room

  static std::int64_t now() noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

 private:
  void keep(const Span& span) noexcept {
    if (spans_.size() < spans_.capacity())
      spans_.push_back(span);
    else
      ++lost_spans_;
  }

  std::vector<Row> rows_;
  Row whole_{.name = "whole"};
  std::vector<Span> spans_;
  std::int64_t lost_spans_ = 0;
};

}  // namespace swiftlet
