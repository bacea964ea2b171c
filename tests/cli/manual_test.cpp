// The manual page says what the help says, and roff finds nothing wrong with it.
#include <cstdio>
#include <regex>
#include <set>
#include <sstream>

#include "tests/cli/process.h"

namespace swiftlet::cli_test {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string page() {
  const Result result = swiftlet({"help", "--man"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  return result.out;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// The page as a reader sees it, but for the layout.
std::string plain(std::string text) {
  for (const char* silent : {"\\fB", "\\fI", "\\fR", "\\&"}) text = replaced(text, silent, "");
  const std::pair<const char*, const char*> kSigns[] = {{"\\-", "-"},   {"\\(aq", "'"}, {"\\(dq", "\""},
                                                        {"\\(ga", "`"}, {"\\(ha", "^"}, {"\\(ti", "~"}};
  for (const auto& [roff, sign] : kSigns) text = replaced(text, roff, sign);
  return replaced(text, "\\e", "\\");
}

std::vector<std::string> commands() {
  std::vector<std::string> names;
  bool inside = false;
  for (const std::string& line : lines_of(swiftlet({"help"}).out)) {
    if (inside && line.empty()) break;
    if (inside) names.push_back(line.substr(2, line.find(' ', 2) - 2));
    if (line == "Commands:") inside = true;
  }
  return names;
}

// The part of the page that tells of one command.
std::string part_of(const std::string& text, const std::string& command) {
  const std::string title = "\n.SS swiftlet " + command + "\n";
  const std::size_t start = text.find(title);
  if (start == std::string::npos) return {};
  return text.substr(start, text.find("\n.S", start + title.size()) - start);
}

TEST(Manual, HasEveryCommandOptionAndExampleOfTheHelp) {
  const std::string text = plain(page());
  const std::vector<std::string> names = commands();
  ASSERT_GE(names.size(), 12u);
  std::size_t options = 0;
  for (const std::string& command : names) {
    const std::string part = part_of(text, command);
    bool example = false;
    for (const std::string& line : lines_of(swiftlet({"help", command}).out)) {
      if (example) {
        EXPECT_THAT(part, HasSubstr("\n" + line.substr(2) + "\n"));
        continue;
      }
      example = example || line == "Examples:";
      std::smatch option;  // "  -n, --name VALUE    Meaning", a meaning that does not fit is on the next line
      if (!std::regex_match(line, option, std::regex("  (-[^ ]+(, --[^ ]+)?( [^ ]+)?)(  .*)?"))) continue;
      EXPECT_THAT(part, HasSubstr("\n.TP\n" + option[1].str() + "\n")) << command;
      ++options;
    }
    EXPECT_TRUE(example) << command;
  }
  EXPECT_GE(options, 80u);
}

TEST(Manual, TellsTheRestOfTheHelp) {
  const std::string text = replaced(replaced(plain(page()), "\n.TP\n", "\n"), "\n", " ");
  std::string section;
  for (const std::string& line : lines_of(swiftlet({"help"}).out)) {
    if (line == "Environment:" || line == "Exit status:") section = line;
    if (line.empty() || line == section || section.empty()) continue;
    std::istringstream words(line);
    std::string all;
    for (std::string word; words >> word;) all += (all.empty() ? "" : " ") + word;
    EXPECT_THAT(text, HasSubstr(replaced(all, "`", "")));
  }
  EXPECT_EQ(section, "Exit status:");
}

TEST(Manual, IsEscaped) {
  const std::set<std::string> macros{".TH", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi"};
  for (const std::string& line : lines_of(page())) {
    ASSERT_FALSE(line.empty());
    EXPECT_NE(line[0], '\'') << line;
    EXPECT_TRUE(line[0] != '.' || macros.contains(line.substr(0, 3))) << line;
    for (std::size_t i = 0; i < line.size(); ++i) {
      EXPECT_TRUE(line[i] >= ' ' && line[i] <= '~') << line;
      EXPECT_FALSE(line[i] == '-') << "a hyphen without backslash: " << line;
      if (line[i] == '\\') {
        EXPECT_NE(std::string("-efF(&").find(line.at(i + 1)), std::string::npos) << line;
        ++i;
      }
    }
  }
}

// Standard output and error of a shell command.
std::string shell(const std::string& command) {
  FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::string answer;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) answer += char(c);
  ::pclose(pipe);
  return answer;
}

TEST(Manual, GroffHasNoWarnings) {
  if (shell("command -v groff").empty()) GTEST_SKIP() << "groff is not installed";
  const Scratch scratch;
  const std::string file = scratch.write("swiftlet.1", page());
  EXPECT_EQ(shell("groff -man -Tascii -ww -z " + file), "");
  // The check must be able to fail.
  EXPECT_NE(shell("groff -man -Tascii -ww -z " + scratch.write("bad.1", page() + ".NOSUCH x\n")), "");
  const std::string text = shell("groff -man -Tascii -P-cbou " + file);
  EXPECT_THAT(text, HasSubstr("\n   swiftlet compress\n"));
  EXPECT_THAT(text, HasSubstr("--skip 'model.layers.0.*' --table"));
  EXPECT_THAT(text, HasSubstr("--weights int8 --budget 0.3 \\\n"));
}

TEST(Manual, MandocHasNoWarnings) {
  if (shell("command -v mandoc").empty()) GTEST_SKIP() << "mandoc is not installed";
  const Scratch scratch;
  // It has no date on purpose: the same sources give the same page.
  EXPECT_EQ(
      shell("mandoc -T lint -W warning " + scratch.write("swiftlet.1", page()) + " | grep -v 'missing date'"),
      "");
}

}  // namespace
}  // namespace swiftlet::cli_test
