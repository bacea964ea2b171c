#include "swiftlet/core/csv.h"

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {
constexpr std::size_t kRecordLimit = std::size_t{16} << 20;
}

std::string CsvReader::where() const {
  return fmt::format("{}:{}", source_.name(), record_line_);
}

int CsvReader::take() {
  const int byte = source_.get();
  if (byte == '\n') ++line_;
  return byte;
}

void CsvReader::check_size() const {
  if (record_bytes_ > kRecordLimit) [[unlikely]]
    fail(ErrorCode::kInvalid, where(), "the record is larger than {} bytes", kRecordLimit);
}

void CsvReader::put(std::string& field, int byte) {
  ++record_bytes_;
  check_size();
  field += static_cast<char>(byte);
}

bool CsvReader::next(std::vector<std::string>& fields) {
  fields.clear();
  while (source_.peek() == '\n' || source_.peek() == '\r') take();
  record_line_ = line_;
  record_bytes_ = 0;
  if (source_.peek() == TextSource::kEnd) return false;
  while (true) {
    record_bytes_ += sizeof(std::string);
    check_size();
    std::string& field = fields.emplace_back();
    if (options_.quotes && source_.peek() == '"')
      read_quoted(field);
    else
      read_plain(field);
    if (at_record_end()) return true;
  }
}

// Consumes what ended a field: the delimiter (more follows) or the end of the record.
bool CsvReader::at_record_end() {
  const int byte = take();
  if (byte == '\r') {
    const int next = take();
    require(next == '\n' || next == TextSource::kEnd, where(),
            "a carriage return stands alone behind a quote");
  }
  return byte != static_cast<unsigned char>(options_.delimiter);
}

void CsvReader::read_plain(std::string& field) {
  while (true) {
    const int byte = source_.peek();
    if (byte == TextSource::kEnd || byte == '\n' || byte == static_cast<unsigned char>(options_.delimiter))
      break;
    put(field, take());
  }
  if (source_.peek() != static_cast<unsigned char>(options_.delimiter) && field.ends_with('\r'))
    field.pop_back();
}

void CsvReader::read_quoted(std::string& field) {
  const std::size_t opened = line_;
  take();
  while (true) {
    const int byte = take();
    if (byte == TextSource::kEnd)
      fail(ErrorCode::kInvalid, fmt::format("{}:{}", source_.name(), opened), "the quote is never closed");
    if (byte == '"' && source_.peek() != '"') break;
    if (byte == '"') take();  // the second of a doubled quote
    put(field, byte);
  }
  const int after = source_.peek();
  require(after == TextSource::kEnd || after == '\n' || after == '\r' ||
              after == static_cast<unsigned char>(options_.delimiter),
          fmt::format("{}:{}", source_.name(), line_),
          "text follows a closing quote, expected '{}' or the line's end",
          options_.delimiter == '\t' ? "\\t" : std::string(1, options_.delimiter));
}

}  // namespace swiftlet
