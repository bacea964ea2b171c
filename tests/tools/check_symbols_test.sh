#!/usr/bin/env bash
# tools/check_symbols.sh must accept a clean object and reject each kind of leak.
#
#   check_symbols_test.sh CXX
set -euo pipefail

compiler=${1:?usage: check_symbols_test.sh CXX}
script=$(cd "$(dirname "$0")/../.." && pwd)/tools/check_symbols.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# expect STATUS WORDS FOLDER SOURCE: compiles SOURCE as an object of kernels/FOLDER and runs the check on it.
expect() {
  local wanted=$1 words=$2 folder=$3 source=$4 status=0 output
  rm -rf "$work/build"
  mkdir -p "$work/build/lib.dir/kernels/$folder"
  printf '%s\n' "$source" | "$compiler" -std=c++20 -O2 -x c++ -c - -o "$work/build/lib.dir/kernels/$folder/x.cpp.o"
  output=$("$script" "$work/build") || status=$?
  if [ $status -ne "$wanted" ] || [[ $output != *"$words"* ]]; then
    printf 'FAILED: wanted status %s and "%s", got %s:\n%s\nfor: %s\n' "$wanted" "$words" $status "$output" "$source"
    failures=$((failures + 1))
  fi
}

clean='namespace { int twice(int x) { return 2 * x; } }
       namespace swiftlet::kernels { int avx2_kernels(int x) { return twice(x); } }'
weak='namespace swiftlet { __attribute__((noinline)) inline int shared(int x) { return x + 1; } }
      namespace swiftlet::kernels { int avx2_kernels(int x) { return shared(x); } }'
second='namespace swiftlet::kernels { int avx2_kernels() { return 1; } int other() { return 2; } }'
object='namespace swiftlet::kernels { int avx2_kernels() { return 1; } extern const int kTable[2]; const int kTable[2]{1, 2}; }'
outside='int helper() { return 1; }'
template='template <class T> __attribute__((noinline)) T twice(T x) { return x + x; }
          namespace swiftlet::kernels { int avx2_kernels(int x) { return twice(x); } }'

expect 0 '1 objects, 0 with leaks' avx2 "$clean"
expect 1 'weak symbol swiftlet::shared(int)' avx2 "$weak"
expect 1 'weak symbol int twice<int>(int)' avx512 "$template"
expect 1 'second global symbol' avxvnni "$second"
expect 1 'second global symbol' amx "$object"
expect 1 'global symbol outside swiftlet::kernels: helper()' avx2 "$outside"
# Baseline code may share what it likes: the check looks at the folders of instruction sets only.
expect 0 '0 objects' scalar "$weak"

[ $failures -eq 0 ] && printf 'all cases as expected\n'
