// Templates against the output of Jinja itself, and templates that mean harm.
#include "swiftlet/text/jinja.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace swiftlet::text {
namespace {

std::tm fixed_time() {
  std::tm now{};  // Wednesday 2024-05-15 14:03:09
  now.tm_year = 124, now.tm_mon = 4, now.tm_mday = 15, now.tm_hour = 14, now.tm_min = 3, now.tm_sec = 9;
  now.tm_wday = 3, now.tm_yday = 135;
  return now;
}

std::string render(const std::string& source, const std::string& variables = "{}") {
  return JinjaTemplate::parse(source, "template").render(variables, {.now = fixed_time()});
}

std::string error_of(const std::string& source, const std::string& variables = "{}") {
  try {
    return "no error: " + render(source, variables);
  } catch (const Error& error) {
    return error.what();
  }
}

class JinjaGolden : public testing::TestWithParam<std::string> {};

// tools/reference/make_jinja_cases.py wrote them.
TEST_P(JinjaGolden, SameAsJinja) {
  std::ifstream file(SWIFTLET_SOURCE_DIR "/tests/data/jinja/" + GetParam() + ".jsonl");
  ASSERT_TRUE(file.is_open());
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const auto row = nlohmann::ordered_json::parse(line);
    const std::string source = row["template"], variables = row["variables"].dump();
    SCOPED_TRACE(source);
    if (row.contains("text")) {
      try {
        EXPECT_EQ(render(source, variables), row["text"].get<std::string>());
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
      continue;
    }
    const std::string message = error_of(source, variables);
    EXPECT_TRUE(message.starts_with("[template: line ")) << message;
    const bool named = row["error"] == "UndefinedError" || row["error"] == "TemplateError";
    if (!named) continue;
    EXPECT_NE(message.find(row["message"].get<std::string>()), std::string::npos) << message;
  }
  EXPECT_GT(cases, 10);
}

INSTANTIATE_TEST_SUITE_P(Cases, JinjaGolden,
                         testing::Values("expressions", "values", "statements", "scopes", "white_space",
                                         "macros", "filters", "tests", "methods", "formatting", "errors",
                                         "chat"),
                         [](const auto& instance) { return instance.param; });

TEST(Jinja, ErrorsNameTheLine) {
  EXPECT_EQ(error_of("a\nb\n{{ x.y }}"), "[template: line 3] 'x' is undefined");
  EXPECT_EQ(error_of("\n{% if true %}"),
            "[template: line 2] unexpected end of template, expected 'elif' or 'else' or 'endif'");
  EXPECT_EQ(error_of("{{ raise_exception('no\nsystem') }}"), "[template: line 1] no?system");
  EXPECT_EQ(error_of("{{ 9223372036854775807 + 1 }}"),
            "[template: line 1] an integer needs more than 64 bits");
  EXPECT_EQ(error_of("{% include 'x' %}"), "[template: line 1] 'include' is not available in chat templates");
  EXPECT_EQ(error_of("{% for a in [1] recursive %}{% endfor %}"),
            "[template: line 1] recursive loops are not available");
}

struct Hostile {
  const char* what;
  std::string source;
};

std::string many(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// Each ends with an error, within seconds and without eating the memory.
TEST(Jinja, HostileTemplatesEndWithAnError) {
  const std::string loops = "{% for a in range(99999) %}{% for b in range(99999) %}";
  const Hostile cases[] = {
      {"steps", loops + "{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}"},
      {"output", loops + "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}"},
      {"range", "{{ range(1000000) }}"},
      {"repetition", "{{ 'x' * 99999999999 }}"},
      {"list repetition", "{{ [1] * 99999999999 }}"},
      {"power", "{{ 10 ** 1000000000 }}"},
      {"doubling",
       "{% set n = namespace(x='x') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}"},
      {"doubling lists",
       "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}"},
      {"a graph of lists",
       "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x "
       "}}"},
      {"a graph as JSON",
       "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ "
       "n.x|tojson }}"},
      {"comparing graphs",
       "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% set n.y = "
       "[n.y, n.y] %}{% endfor %}{{ n.x == n.y }}"},
      {"nested values",
       "{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}"},
      {"a namespace in itself", "{% set n = namespace() %}{% set n.x = n %}{{ n }}"},
      {"recursion", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"},
      {"mutual recursion",
       "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{% for x in [1] %}{{ a() }}{% endfor %}{% "
       "endmacro %}{{ a() }}"},
      {"brackets", "{{ " + many("(", 100000)},
      {"lists", "{{ " + many("[", 100000)},
      {"nots", "{{ " + many("not ", 100000) + "1 }}"},
      {"minuses", "{{ " + many("-", 100000) + "1 }}"},
      {"sums", "{{ 1" + many("+1", 100000) + " }}"},
      {"attributes", "{{ a" + many(".a", 100000) + " }}"},
      {"filters", "{{ a" + many("|e", 100000) + " }}"},
      {"calls", "{{ a" + many("()", 100000) + " }}"},
      {"conditions", "{{ " + many("(1 if ", 1000)},
      {"ifs", many("{% if 1 %}", 100000)},
      {"width", "{{ '%99999999999d' % 1 }}"},
      {"star width", "{{ '%*d' % (99999999999, 1) }}"},
      {"format width", "{{ '{:99999999999}'.format(1) }}"},
      {"center", "{{ 'x'.center(99999999999) }}"},
      {"indent", "{{ 'x\ny'|indent(99999999999) }}"},
      {"batch", "{{ [1]|batch(99999999999, 0)|list }}"},
      {"slice", "{{ [1]|slice(99999999999)|list }}"},
      {"replace", "{% set a = 'x' * 9999 %}{% set b = a * 999 %}{{ b|replace('x', a) }}"},
      {"join", "{% set a = 'x' * 9999 %}{{ (a * 99)|list|join(a) }}"},
      {"tabs", "{{ ('\t' * 9999).expandtabs(99999999) }}"},
      {"JSON indent", "{{ [[[1]]]|tojson(indent=99999999999) }}"},
      {"bytes that are no text", "{{ '\xff\xfe' * 99999999999 }}"},
  };
  for (const Hostile& hostile : cases) {
    SCOPED_TRACE(hostile.what);
    const auto begin = std::chrono::steady_clock::now();
    const std::string message = error_of(hostile.source);
    EXPECT_TRUE(message.starts_with("[template: line ")) << message.substr(0, 200);
    EXPECT_LT(message.size(), 700U);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  }
}

TEST(Jinja, ALongConversationIsNoAttack) {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (int i = 0; i < 1000; ++i)
    messages.push_back({{"role", i % 2 == 0 ? "user" : "assistant"}, {"content", std::string(1000, 'x')}});
  const std::string source =
      "{% set ns = namespace(text='') %}{% for m in messages %}{% set ns.text = ns.text ~ '<' ~ m.role ~ '>' "
      "~ "
      "m.content|trim %}{% endfor %}{{ ns.text }}";
  EXPECT_GT(render(source, nlohmann::ordered_json{{"messages", messages}}.dump()).size(), 1'000'000U);
}

TEST(JinjaThreads, OneTemplateIsRenderedByMany) {
  const auto parsed = JinjaTemplate::parse(
      "{% macro m(x) %}{{ x }}!{% endmacro %}{% for i in range(n) %}{{ m(i) }}{% endfor %}", "t");
  const std::string wanted = parsed.render(R"({"n": 50})", {});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) EXPECT_EQ(parsed.render(R"({"n": 50})", {}), wanted);
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace swiftlet::text
