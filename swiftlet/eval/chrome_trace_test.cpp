#include "swiftlet/eval/chrome_trace.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "swiftlet/core/file.h"
#include "swiftlet/eval/test_folder.h"

namespace swiftlet {
namespace {

TEST(ChromeTrace, EventsAreCompleteNestedAndInMicroseconds) {
  Profile prefill(16), decode(16);
  for (Profile* profile : {&prefill, &decode}) profile->add_row("layers.0 \"q\"", "linear");
  prefill.record(0, 5'000'000, 5'001'500);
  prefill.record_whole(5'000'000, 5'002'000);
  decode.record(0, 5'010'000, 5'010'250);
  const TestFolder folder;
  const auto path = folder.path() / "trace.json";
  const TracePhase phases[] = {{"prefill", &prefill}, {"decode", &decode}};
  write_chrome_trace(path, phases);

  const auto events = nlohmann::json::parse(read_text_file(path))["traceEvents"];
  ASSERT_EQ(events.size(), 4u);  // the first names the process
  EXPECT_EQ(events[0]["ph"], "M");
  for (std::size_t i = 1; i < events.size(); ++i) {
    EXPECT_EQ(events[i]["ph"], "X");
    EXPECT_EQ(events[i]["pid"], 1);
    EXPECT_EQ(events[i]["tid"], 1);
  }
  EXPECT_EQ(events[1]["name"], "layers.0 \"q\"");
  EXPECT_EQ(events[1]["cat"], "prefill");
  EXPECT_EQ(events[1]["args"]["op"], "linear");
  EXPECT_EQ(events[1]["ts"], 0.0);
  EXPECT_EQ(events[1]["dur"], 1.5);
  EXPECT_EQ(events[2]["name"], "prefill");  // the whole step around it
  EXPECT_EQ(events[2]["dur"], 2.0);
  EXPECT_EQ(events[3]["cat"], "decode");
  EXPECT_EQ(events[3]["ts"], 10.0);
  EXPECT_EQ(events[3]["dur"], 0.25);
}

TEST(ChromeTrace, ManyEventsAndNone) {
  Profile profile(10'000), empty;
  profile.add_row("a", "add");
  for (int i = 0; i < 12'000; ++i) profile.record(0, 1000 * i, 1000 * i + 10);
  const TestFolder folder;
  const auto path = folder.path() / "trace.json";
  const TracePhase phases[] = {{"decode", &profile}, {"empty", &empty}};
  write_chrome_trace(path, phases);
  EXPECT_EQ(nlohmann::json::parse(read_text_file(path))["traceEvents"].size(), 10'001u);
  write_chrome_trace(path, {});
  EXPECT_EQ(nlohmann::json::parse(read_text_file(path))["traceEvents"].size(), 1u);
}

TEST(ChromeTrace, AFolderThatIsNotThereIsAnError) {
  EXPECT_THROW(write_chrome_trace("/no/such/folder/trace.json", {}), Error);
}

}  // namespace
}  // namespace swiftlet
