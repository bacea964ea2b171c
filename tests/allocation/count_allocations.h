// Counts what this program asks the heap for, on all threads: operator new in every build, and malloc and its
// kin where no sanitizer has taken their place (CMake chooses count_malloc.cpp or count_new.cpp).
#pragma once

namespace swiftlet::test {

long allocations();

}  // namespace swiftlet::test
