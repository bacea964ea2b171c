// swiftlet search MODEL --corpus FILE [QUERY...]: semantic search over the lines of a file.
#include <chrono>
#include <memory>

#include "swiftlet/cli/command.h"
#include "swiftlet/cli/format.h"
#include "swiftlet/cli/input.h"
#include "swiftlet/core/memory.h"

namespace swiftlet::cli {
namespace {

struct SearchOptions {
  std::string model, corpus;
  SearchIndex::Prompts prompts;
  std::vector<std::string> queries;
  std::int64_t top = 5;
};

// Passages with the number of their line in the file; blank lines are none.
struct Corpus {
  std::vector<std::string> passages;
  std::vector<std::int64_t> lines;
};

bool blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\f\v") == std::string::npos;
}

Corpus read_corpus(const std::string& path, const Job& job) {
  Corpus corpus;
  Input input(path, job);
  for (std::int64_t number = 1; auto text = input.line(); ++number) {
    if (blank(*text)) continue;
    corpus.passages.push_back(std::move(*text));
    corpus.lines.push_back(number);
  }
  if (corpus.passages.empty()) fail(ErrorCode::kInvalid, path, "one passage a line was expected, none came");
  return corpus;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Searcher {
 public:
  Searcher(Session& session, Model& model, Corpus corpus, std::size_t top, SearchIndex::Prompts prompts)
      : session_(session),
        lines_(std::move(corpus.lines)),
        index_(model, std::move(corpus.passages), &session.job, std::move(prompts)),
        top_(top) {}

  // `heading`: names the query above its passages.
  void answer(const std::string& query, bool heading) {
    if (session_.job.cancelled()) fail(ErrorCode::kCancelled, "search", "interrupted");
    const auto start = std::chrono::steady_clock::now();
    const auto hits = index_.search(query, top_);
    seconds_ += seconds_since(start);
    if (session_.options.json)
      add_json(query, hits);
    else
      print(query, hits, heading);
    ++answered_;
  }
  void warn_of_cut_passages() const { warn_of_cut(index_.cut(), std::int64_t(lines_.size())); }
  void finish(const SearchOptions& options, double index_seconds) {
    if (answered_ == 0) fail(ErrorCode::kInvalid, "search", "a query was expected, none came");
    const double passages = double(lines_.size());
    if (session_.options.json)
      session_.print_json({{"model", options.model},
                           {"corpus", options.corpus},
                           {"passages", lines_.size()},
                           {"index_seconds", index_seconds},
                           {"passages_per_second", passages / index_seconds},
                           {"query_seconds", seconds_ / double(answered_)},
                           {"peak_memory_bytes", peak_memory_bytes()},
                           {"queries", std::move(queries_)}});
    session_.note("{} passages embedded in {} ({} passages/s); {} per query", grouped(std::int64_t(passages)),
                  human_seconds(index_seconds), human_number(passages / index_seconds),
                  human_seconds(seconds_ / double(answered_)));
  }

 private:
  using Hits = std::vector<SearchIndex::Hit>;
  void print(const std::string& query, const Hits& hits, bool heading) {
    session_.progress.clear();
    if (heading) session_.out.line((answered_ > 0 ? "\n" : "") + query);
    const std::size_t digits = std::to_string(hits.size()).size();
    for (std::size_t rank = 0; rank < hits.size(); ++rank)
      session_.out.line(fmt::format("{:>{}}  {:.4f}  {}", rank + 1, digits, hits[rank].score,
                                    index_.passages()[hits[rank].passage]));
  }
  void add_json(const std::string& query, const Hits& hits) {
    Json list = Json::array();
    for (std::size_t rank = 0; rank < hits.size(); ++rank)
      list.push_back({{"rank", rank + 1},
                      {"score", hits[rank].score},
                      {"line", lines_[hits[rank].passage]},
                      {"passage", index_.passages()[hits[rank].passage]}});
    queries_.push_back({{"query", query}, {"hits", std::move(list)}});
  }

  Session& session_;
  std::vector<std::int64_t> lines_;
  SearchIndex index_;
  std::size_t top_, answered_ = 0;
  double seconds_ = 0;
  Json queries_ = Json::array();
};

int search(Session& session, const SearchOptions& options) {
  Corpus corpus = read_corpus(options.corpus, session.job);
  Model model = session.load(options.model);
  const auto start = std::chrono::steady_clock::now();
  Searcher searcher(session, model, std::move(corpus), std::size_t(options.top), options.prompts);
  const double index_seconds = seconds_since(start);
  searcher.warn_of_cut_passages();
  for (const std::string& query : options.queries) searcher.answer(query, options.queries.size() > 1);
  if (options.queries.empty()) {
    session.progress.clear();
    if (stdin_is_terminal()) write_stderr("Type one query a line; Ctrl-D ends:\n");
    Input input("-", session.job);
    input.before_wait([&] { session.out.flush(); });
    while (const auto query = input.line())
      if (!blank(*query)) searcher.answer(*query, true);
  }
  searcher.finish(options, index_seconds);
  return kDone;
}

}  // namespace

Action setup_search(CommandLine& line) {
  auto options = std::make_shared<SearchOptions>();
  line.describe("Prints rank, score (cosine) and passage, best first.");
  line.positional("MODEL", options->model, "An encoder");
  line.rest("QUERY", options->queries, "Queries; one a line from standard input when absent");
  line.group("Search");
  line.text("-c,--corpus", options->corpus, "FILE", "The passages, one a line", true);
  line.number<std::int64_t>("--top", options->top, "Passages to show for each query", 1);
  line.text("--query-prompt", options->prompts.query, "NAME",
            "The model's prompt to put before queries; none: not even its default");
  line.text("--passage-prompt", options->prompts.passage, "NAME", "The same before passages");
  line.machine_options();
  line.output_options();
  line.examples(
      {"swiftlet search models/minilm --corpus assets/text/corpus.txt \"a king who lost his crown\"",
       "swiftlet search minilm.swiftlet --corpus notes.txt --top 3 < queries.txt",
       "swiftlet search minilm.swiftlet --corpus notes.txt \"tax return\" --json"});
  return [options](Session& session) { return search(session, *options); };
}

}  // namespace swiftlet::cli
