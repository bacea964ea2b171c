#include "swiftlet/cli/records.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "swiftlet/cli/input.h"
#include "swiftlet/core/csv.h"
#include "swiftlet/core/error.h"

namespace swiftlet::cli {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

void check_needed(const Record& record, const std::vector<Field>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (!record.texts[i] && (fields[i].needed || fields[i].named))
      fail(ErrorCode::kInvalid, record.where, "has no '{}'", fields[i].column);
}

class TextRecords final : public RecordReader {
 public:
  TextRecords(const std::string& path, std::vector<Field> fields, const Job& job)
      : input_(path, job), name_(path == "-" ? "standard input" : path), fields_(std::move(fields)) {
    for (std::size_t i = 1; i < fields_.size(); ++i)
      if (fields_[i].needed || fields_[i].named)
        fail(ErrorCode::kUsage, name_,
             "lines of text have no column '{}': a csv, tsv or jsonl file was expected", fields_[i].column);
  }
  std::optional<Record> next() override {
    auto line = input_.line();
    if (!line) return std::nullopt;
    Record record{.where = fmt::format("{}:{}", name_, ++number_)};
    record.texts.resize(fields_.size());
    record.texts[0] = std::move(line);
    return record;
  }

 private:
  Input input_;
  std::string name_;
  std::vector<Field> fields_;
  std::int64_t number_ = 0;
};

class CsvRecords final : public RecordReader {
 public:
  CsvRecords(const std::string& path, char delimiter, std::vector<Field> fields, const Job& job)
      : reader_(path, {.delimiter = delimiter, .source = {.limit = UINT64_MAX, .job = &job}}),
        fields_(std::move(fields)) {
    if (!reader_.next(header_)) fail(ErrorCode::kInvalid, path, "a header was expected, the file is empty");
    fields_.front().needed = true;
    for (const Field& field : fields_) places_.push_back(place_of(field, path));
  }
  std::optional<Record> next() override {
    std::vector<std::string> cells;
    if (!reader_.next(cells)) return std::nullopt;
    Record record{.where = reader_.where()};
    require(cells.size() == header_.size(), record.where, "has {} cells, the header has {}", cells.size(),
            header_.size());
    for (const std::size_t place : places_)
      record.texts.push_back(place == kNone ? std::nullopt : std::optional(cells[place]));
    return record;
  }

 private:
  std::size_t place_of(const Field& field, const std::string& path) const {
    const auto found = std::find(header_.begin(), header_.end(), field.column);
    if (found != header_.end()) return static_cast<std::size_t>(found - header_.begin());
    if (&field == &fields_.front() && !field.named && header_.size() == 1) return 0;
    if (field.named || field.needed)
      fail(ErrorCode::kInvalid, path, "has no column '{}'; there are {}", field.column,
           fmt::join(header_, ", "));
    return kNone;
  }
  CsvReader reader_;
  std::vector<Field> fields_;
  std::vector<std::string> header_;
  std::vector<std::size_t> places_;
};

class JsonRecords final : public RecordReader {
 public:
  JsonRecords(const std::string& path, std::vector<Field> fields, const Job& job)
      : input_(path, job), name_(path == "-" ? "standard input" : path), fields_(std::move(fields)) {}
  std::optional<Record> next() override {
    for (auto line = input_.line(); line; line = input_.line()) {
      ++number_;
      if (line->find_first_not_of(" \t") != std::string::npos) return record_of(*line);
    }
    return std::nullopt;
  }

 private:
  Record record_of(const std::string& line) const {
    Record record{.where = fmt::format("{}:{}", name_, number_)};
    const auto json = nlohmann::json::parse(line, nullptr, false);
    record.texts.resize(fields_.size());
    if (json.is_string()) {
      record.texts[0] = json.get<std::string>();
    } else {
      require(json.is_object(), record.where, "a JSON object or string was expected");
      for (std::size_t i = 0; i < fields_.size(); ++i) {
        const auto found = json.find(fields_[i].column);
        if (found == json.end() || found->is_null()) continue;
        require(found->is_string(), record.where, "'{}' is no text", fields_[i].column);
        record.texts[i] = found->get<std::string>();
      }
    }
    check_needed(record, fields_);
    return record;
  }
  Input input_;
  std::string name_;
  std::vector<Field> fields_;
  std::int64_t number_ = 0;
};

class ArgumentRecords final : public RecordReader {
 public:
  ArgumentRecords(std::vector<std::string> texts, std::size_t fields)
      : texts_(std::move(texts)), fields_(fields) {}
  std::optional<Record> next() override {
    if (next_ == texts_.size()) return std::nullopt;
    Record record{.where = fmt::format("text {}", next_ + 1)};
    record.texts.resize(fields_);
    record.texts[0] = std::move(texts_[next_++]);
    return record;
  }

 private:
  std::vector<std::string> texts_;
  std::size_t fields_, next_ = 0;
};

}  // namespace

std::string format_of(const std::string& path) {
  std::string_view name = path;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (name.ends_with(".csv")) return "csv";
  if (name.ends_with(".tsv")) return "tsv";
  return name.ends_with(".jsonl") || name.ends_with(".ndjson") ? "jsonl" : "text";
}

std::vector<Record> RecordReader::take(std::size_t most) {
  std::vector<Record> records;
  while (records.size() < most) {
    auto record = next();
    if (!record) break;
    records.push_back(std::move(*record));
  }
  return records;
}

std::unique_ptr<RecordReader> open_records(const std::string& path, std::string format,
                                           std::vector<Field> fields, const Job& job) {
  if (format.empty()) format = format_of(path);
  if (format == "csv" || format == "tsv")
    return std::make_unique<CsvRecords>(path, format == "csv" ? ',' : '\t', std::move(fields), job);
  fields.front().needed = true;
  if (format == "jsonl") return std::make_unique<JsonRecords>(path, std::move(fields), job);
  return std::make_unique<TextRecords>(path, std::move(fields), job);
}

std::unique_ptr<RecordReader> argument_records(std::vector<std::string> texts, std::size_t fields) {
  return std::make_unique<ArgumentRecords>(std::move(texts), fields);
}

}  // namespace swiftlet::cli
