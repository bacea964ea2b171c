#include "swiftlet/core/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "swiftlet/core/error.h"

namespace swiftlet {
namespace {

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

TEST(Buffer, HeapIsAlignedZeroedAndReadableBehindItsEnd) {
  for (std::size_t bytes : {0u, 1u, 63u, 64u, 65u, 1000u}) {
    const Buffer buffer = Buffer::heap(bytes);
    EXPECT_EQ(buffer.size(), bytes);
    EXPECT_TRUE(buffer.is_heap());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
    EXPECT_TRUE(all_zero({buffer.data(), bytes + 64}));  // the address sanitizer watches the tail
  }
}

TEST(Buffer, TooMuchIsAnErrorOfMemory) {
  for (std::size_t bytes : {std::numeric_limits<std::size_t>::max(), std::size_t{1} << 62}) {
    try {
      Buffer::heap(bytes);
      FAIL() << bytes << " bytes were allocated";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMemory);
    }
  }
}

TEST(Buffer, CopiesAndSlicesShareTheBlock) {
  Buffer slice;
  {
    Buffer buffer = Buffer::heap(16);
    const Buffer copy = buffer;
    slice = buffer.slice(4, 8);
    buffer.mutable_data()[5] = std::byte{42};
    EXPECT_EQ(copy.data()[5], std::byte{42});
  }
  EXPECT_EQ(slice.size(), 8u);
  EXPECT_EQ(slice.data()[1], std::byte{42});  // alive although the first owners are gone
}

TEST(Buffer, SlicesStayInside) {
  const Buffer buffer = Buffer::heap(16);
  EXPECT_EQ(buffer.slice(16, 0).size(), 0u);
  EXPECT_THROW(buffer.slice(17, 0), std::logic_error);
  EXPECT_THROW(buffer.slice(8, 9), std::logic_error);
  EXPECT_THROW(buffer.slice(8, std::numeric_limits<std::size_t>::max()), std::logic_error);
}

TEST(Buffer, BorrowedKeepsItsOwnerAndIsReadOnly) {
  auto owner = std::make_shared<const std::array<std::byte, 4>>();
  Buffer buffer = Buffer::borrowed(owner, owner->data(), owner->size());
  EXPECT_EQ(owner.use_count(), 2);
  EXPECT_FALSE(buffer.is_heap());
  EXPECT_THROW(buffer.mutable_data(), std::logic_error);
  buffer = {};
  EXPECT_EQ(owner.use_count(), 1);
}

}  // namespace
}  // namespace swiftlet
