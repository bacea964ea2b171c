#!/usr/bin/env bash
# tools/check_inner_loops.py must accept loops that stay in registers and reject each way to the stack.
#
#   check_inner_loops_test.sh CXX
set -euo pipefail

compiler=${1:?usage: check_inner_loops_test.sh CXX}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# expect STATUS WORDS BODY: compiles a function with BODY as an object of kernels/avx2 and runs the check on it.
expect() {
  local wanted=$1 words=$2 body=$3 status=0 output
  rm -rf "$work/build"
  mkdir -p "$work/build/lib.dir/kernels/avx2"
  printf '#include "swiftlet/kernels/generic/inner_loop.h"\nusing swiftlet::kernels::mark_inner_loop;\nvoid other(long);\n%s\n' \
    "long sum(const long* x, long n) { $body }" |
    "$compiler" -std=c++20 -O2 -I "$root" -x c++ -c - -o "$work/build/lib.dir/kernels/avx2/x.cpp.o"
  output=$("$root/tools/check_inner_loops.py" "$work/build") || status=$?
  if [ $status -ne "$wanted" ] || [[ $output != *"$words"* ]]; then
    printf 'FAILED: wanted status %s and "%s", got %s:\n%s\nfor: %s\n' "$wanted" "$words" $status "$output" "$body"
    failures=$((failures + 1))
  fi
}

clean='long s = 0; for (long i = 0; i < n; ++i) { mark_inner_loop(); s += x[i]; } return s;'
two='long s = 0; for (long i = 0; i < n; ++i) { mark_inner_loop(); s += x[i]; }
     for (long i = 0; i < n; ++i) { mark_inner_loop(); s ^= x[i]; } return s;'
outer='long s = 0; for (long j = 0; j < n; ++j) { volatile long t = j; for (long i = 0; i < n; ++i) { mark_inner_loop(); s += x[i]; } s += t; } return s;'
spilled='volatile long s = 0; for (long i = 0; i < n; ++i) { mark_inner_loop(); s = s + x[i]; } return s;'
framed='long s = 0; volatile char* room = static_cast<char*>(__builtin_alloca(n)); room[0] = 1; volatile long t = 0;
        for (long i = 0; i < n; ++i) { mark_inner_loop(); t = t + x[i]; } return s + t + room[n / 2];'
called='for (long i = 0; i < n; ++i) { mark_inner_loop(); other(x[i]); } return 0;'
indexed='long s = 0; for (long i = 0; i < n; ++i) { mark_inner_loop(); __asm__ volatile("mov -64(%%rsp,%1,8), %%rax\n\tadd %%rax, %0" : "+r"(s) : "r"(i) : "rax"); } return s;'
unmarked='long s = 0; for (long i = 0; i < n; ++i) s += x[i]; return s;'
outside='mark_inner_loop(); return x[n];'

expect 0 '1 loops, 0 broken' "$clean"
expect 0 '2 loops, 0 broken' "$two"
expect 0 '1 loops, 0 broken' "$outer"
expect 1 'touches the stack' "$spilled"
expect 1 'touches the stack' "$framed"
expect 1 'touches the stack' "$called"
expect 1 'touches the stack' "$indexed"
expect 1 'no marked loop' "$unmarked"
expect 1 'the mark is in no loop' "$outside"

[ $failures -eq 0 ] && printf 'all cases as expected\n'
