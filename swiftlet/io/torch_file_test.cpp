#include "swiftlet/io/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "swiftlet/core/error.h"
#include "swiftlet/core/file.h"
#include "swiftlet/io/checkpoint_parts.h"

namespace swiftlet {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

std::string data(const std::string& name) {
  return SWIFTLET_SOURCE_DIR "/tests/data/torch/" + name;
}

std::map<std::string, Tensor> by_name(const TensorFile& file) {
  std::map<std::string, Tensor> tensors;
  for (const TensorEntry& entry : file.entries) tensors.emplace(entry.name, entry.tensor());
  return tensors;
}

Buffer buffer_of(std::string_view bytes) {
  Buffer buffer = Buffer::heap(bytes.size());
  std::memcpy(buffer.mutable_data(), bytes.data(), bytes.size());
  return buffer;
}

std::string error_in(const Buffer& bytes) {
  try {
    by_name(parse_torch_file(bytes, "x.bin"));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class Layouts : public ::testing::TestWithParam<const char*> {};

// Every dtype, strided, shared and empty storages: against the same tensors as safetensors.
TEST_P(Layouts, HoldTheSameTensors) {
  const auto expected = by_name(open_safetensors_file(data("expected.safetensors")));
  const auto found = by_name(open_torch_file(data(GetParam())));
  ASSERT_GE(expected.size(), 19u);
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    const Tensor& other = found.at(name);
    EXPECT_EQ(other.dtype(), tensor.dtype()) << name;
    EXPECT_EQ(other.shape(), tensor.shape()) << name;
    ASSERT_EQ(other.buffer().size(), tensor.buffer().size()) << name;
    if (other.buffer().size() == 0) continue;
    EXPECT_EQ(std::memcmp(other.buffer().data(), tensor.buffer().data(), tensor.buffer().size()), 0) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(TorchFile, Layouts, ::testing::Values("archive.pt", "protocol4.pt", "legacy.pt"),
                         [](const auto& test) {
                           const std::string name = test.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(TorchFile, TakesTheWeightsOutOfATrainingCheckpoint) {
  const auto module = by_name(open_torch_file(data("module.pt")));
  const auto training = by_name(open_torch_file(data("training.pt")));
  ASSERT_EQ(training.size(), 2u);
  for (const auto& [name, tensor] : module)
    EXPECT_TRUE(std::ranges::equal(training.at(name).span<float>(), tensor.span<float>())) << name;
  EXPECT_EQ(module.at("weight").shape(), (Shape{2, 3}));
  EXPECT_EQ(module.at("weight").span<float>()[5], 5);
}

TEST(TorchFile, MapsWhatIsInOrder) {
  for (const TensorEntry& entry : open_torch_file(data("archive.pt")).entries) {
    const bool copied = entry.name == "transposed" || entry.name == "strided";
    EXPECT_EQ(!entry.strides.empty(), copied) << entry.name;
  }
}

TEST(TorchFile, OldNamesOfLayerNormsAreTheNewOnes) {
  Checkpoint checkpoint;
  add_tensors(checkpoint, open_torch_file(data("archive.pt")));
  EXPECT_TRUE(checkpoint.weights.contains("LayerNorm.weight"));
  EXPECT_TRUE(checkpoint.weights.contains("LayerNorm.bias"));
  EXPECT_EQ(checkpoint.weights.at("f64").encoding.format, Format::kF32);
  EXPECT_TRUE(checkpoint.tensors.contains("i64"));
}

// With `stream`, what must be copied is made when it is asked for.
TEST(TorchFile, StreamsCopies) {
  Checkpoint whole, streamed;
  add_tensors(whole, open_torch_file(data("archive.pt")));
  add_tensors(streamed, open_torch_file(data("archive.pt")), true);
  EXPECT_TRUE(streamed.made_weights.contains("transposed"));
  EXPECT_FALSE(streamed.made_weights.contains("f32"));
  const Weight made = streamed.with_bytes("transposed"), there = whole.with_bytes("transposed");
  ASSERT_EQ(made.codes.size(), there.codes.size());
  EXPECT_EQ(std::memcmp(made.codes.data(), there.codes.data(), made.codes.size()), 0);
}

TEST(TorchFileBad, RefusesAllButTensors) {
  EXPECT_THAT(error_in(map_file(data("whole_module.pt"))), HasSubstr("expected a dict"));
  EXPECT_THAT(error_in(map_file(data("deflated.pt"))), HasSubstr("is compressed"));
  EXPECT_EQ(error_in(buffer_of("not a file of torch")),
            "[x.bin] does not begin as a file of torch.save does");
}

// A legacy stream around the pickle of an object.
std::string legacy(const std::string& object, const std::string& rest = "\x80\x02]q\x00."s) {
  return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"s + "\x80\x02M\xe9\x03."s +
         "\x80\x02}X\x0d\x00\x00\x00little_endian\x88s."s + object + rest;
}
std::string text(const std::string& string) {
  return "X"s + static_cast<char>(string.size()) + "\0\0\0"s + string;
}

TEST(TorchFileBad, ExecutesNothing) {
  const std::string call = "cposix\nsystem\n(" + text("exit 1") + "tR";
  EXPECT_EQ(error_in(buffer_of(legacy("\x80\x02}" + text("w") + call + "s."))),
            "[x.bin: tensor 'w'] calls posix system: only tensors are read, nothing is executed");
  EXPECT_THAT(error_in(buffer_of(legacy("\x80\x02" + call + "."))), HasSubstr("expected a dict"));
  EXPECT_THAT(error_in(buffer_of(legacy("\x80\x02i" + text("x") + "."))),
              HasSubstr("opcode 0x69 is not read"));
}

TEST(TorchFileBad, NamesThePlace) {
  const auto bad = [](const std::string& object) { return error_in(buffer_of(legacy("\x80\x02" + object))); };
  EXPECT_THAT(bad("}."), HasSubstr("holds no tensors"));
  EXPECT_THAT(bad("}K\x01K\x01s."), HasSubstr("a key is no name"));
  EXPECT_THAT(bad("s."), HasSubstr("byte 2 of the pickle] expected a value, there is none"));
  EXPECT_THAT(bad("t."), HasSubstr("expected a mark"));
  EXPECT_THAT(bad("h\x05."), HasSubstr("expected a value remembered as 5"));
  EXPECT_THAT(bad("X\xff\xff\xff\xff."), HasSubstr("expected a string of 4294967295 bytes"));
  EXPECT_THAT(bad("}" + text("w") + "]s."), HasSubstr("tensor 'w'] is no tensor"));
  // A dict that holds itself is no tensor either.
  EXPECT_THAT(bad("}q\x01" + text("w") + "h\x01s."), HasSubstr("tensor 'w'] is no tensor"));
}

std::string rebuild(const std::string& offset, const std::string& shape, const std::string& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") +
         text("cpu") + "K\x04NtQ" + offset + "(" + shape + "t(" + strides + "t\x89}tR";
}

TEST(TorchFileBad, StaysInsideItsStorages) {
  const std::string storage = "\x80\x02]"s + text("0") + "a." + "\x04\0\0\0\0\0\0\0"s + std::string(16, '\1');
  const auto read = [&](const std::string& offset, const std::string& shape, const std::string& strides) {
    return error_in(
        buffer_of(legacy("\x80\x02}" + text("w") + rebuild(offset, shape, strides) + "s.", storage)));
  };
  EXPECT_EQ(read("K"s + '\0', "K\x02K\x02", "K\x02K\x01"), "");
  EXPECT_EQ(read("K"s + '\0', "K\x02K\x02", "K\x01K\x02"), "");
  EXPECT_THAT(read("K\x01", "K\x02K\x02", "K\x02K\x01"), HasSubstr("beyond its storage of 4 elements"));
  EXPECT_THAT(read("K\x05", "K\x01", "K\x01"), HasSubstr("beyond its storage"));
  EXPECT_THAT(read("K"s + '\0', "K\x02K\x02", "K\x03K\x01"), HasSubstr("beyond its storage"));
  // One element, over and over.
  EXPECT_THAT(read("K"s + '\0', "J\xff\xff\xff\x7f", "K"s + '\0'), HasSubstr("beyond its storage"));
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
  EXPECT_THAT(read("K"s + '\0', huge + huge, huge + huge), HasSubstr("beyond its storage"));
  EXPECT_THAT(read("J\xff\xff\xff\xff", "K\x01", "K\x01"), HasSubstr("expected the offset"));
  EXPECT_THAT(read("K"s + '\0', "K\x01K\x01", "K\x01"), HasSubstr("has 1 strides for 2 dimensions"));
}

// Whatever is cut off or changed: an error or tensors, never a crash.
TEST(TorchFileBad, SurvivesDamage) {
  for (const char* name : {"archive.pt", "legacy.pt", "training.pt"}) {
    const Buffer good = map_file(data(name));
    const std::string bytes(reinterpret_cast<const char*>(good.data()), good.size());
    int refused = 0;
    for (std::size_t length = 0; length < bytes.size(); length += 7)
      refused += !error_in(buffer_of(std::string_view(bytes).substr(0, length))).empty();
    EXPECT_EQ(refused, static_cast<int>((bytes.size() + 6) / 7)) << name;
    std::mt19937 random(3);
    for (int round = 0; round < 3000; ++round) {
      std::string damaged = bytes;
      for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
      error_in(buffer_of(damaged));
    }
  }
}

}  // namespace
}  // namespace swiftlet
