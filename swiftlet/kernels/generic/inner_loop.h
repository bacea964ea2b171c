// A mark inside the loops that decide the speed of a kernel. Each compiled copy of a marked loop is listed in
// a section that no program keeps, and tools/check_inner_loops.py looks at its instructions: none may touch
// the stack.
#pragma once

namespace swiftlet::kernels {
namespace {

// Stands in the body of an innermost loop and costs nothing.
[[gnu::always_inline]] inline void mark_inner_loop() {
  __asm__ volatile(
      "77:\n\t"
      ".pushsection .swiftlet_loops,\"e\",@progbits\n\t"
      ".quad 77b\n\t"
      ".popsection"
      :
      :);  // with operands, though none: a plain statement would count as a write to all memory
}

}  // namespace
}  // namespace swiftlet::kernels
