#include "swiftlet/cli/roff.h"

#include <gtest/gtest.h>

namespace swiftlet::cli {
namespace {

TEST(Roff, EscapesWhatRoffWouldChange) {
  EXPECT_EQ(roff_escaped("a-b --c"), "a\\-b \\-\\-c");
  EXPECT_EQ(roff_escaped("C:\\new"), "C:\\enew");
  EXPECT_EQ(roff_escaped("it's \"x\" `y` ^~"), "it\\(aqs \\(dqx\\(dq \\(gay\\(ga \\(ha\\(ti");
  EXPECT_EQ(roff_bold("-o"), "\\fB\\-o\\fR");
}

TEST(Roff, BackticksBecomeBold) {
  EXPECT_EQ(roff_prose("see `a -b` and `c`."), "see \\fBa \\-b\\fR and \\fBc\\fR.");
  EXPECT_EQ(roff_prose("one ` alone"), "one \\(ga alone");
}

TEST(Roff, NoLineBecomesARequest) {
  ManualPage page("X-Y", 1, "x 1.0");
  page.section("NAME");
  page.paragraph(".dot\nplain\n'quote");
  page.item(".npy", "a file");
  page.verbatim({"  .indented", ".so /etc/passwd"});
  EXPECT_EQ(page.text(),
            ".TH X\\-Y 1 \"\" \"x 1.0\" \"User Commands\"\n.SH NAME\n\\&.dot\nplain\n\\&'quote\n"
            ".TP\n\\&.npy\na file\n.PP\n.RS 4\n.nf\n  .indented\n\\&.so /etc/passwd\n.fi\n.RE\n");
}

TEST(Roff, ParagraphsAreParted) {
  ManualPage page("X", 1, "x");
  page.section("A");
  page.paragraph("one");
  page.paragraph("two");
  EXPECT_TRUE(page.text().ends_with(".SH A\none\n.PP\ntwo\n")) << page.text();
}

}  // namespace
}  // namespace swiftlet::cli
