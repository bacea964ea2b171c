#!/usr/bin/env bash
# Rejects symbols that leak from the files of one instruction set. Whatever such a file shares with the rest of the
# program (an inline function, an instantiated template) may be the copy that the linker keeps, and then an old
# processor runs code it cannot execute. So each object of kernels/{avx2,avxvnni,avx512,amx} may define at most one
# global symbol (its function or table), in namespace swiftlet::kernels, and no weak one.
#
#   tools/check_symbols.sh BUILD_DIR      (a release build: without optimisation nothing is inlined)
set -euo pipefail

build=${1:?usage: tools/check_symbols.sh BUILD_DIR}
[ -d "$build" ] || { printf 'check_symbols: no folder %s\n' "$build" >&2; exit 2; }
command -v nm > /dev/null || { printf 'check_symbols: nm (binutils) is missing\n' >&2; exit 2; }

objects=0 leaks=0
while IFS= read -r object; do
  objects=$((objects + 1))
  # Of nm's letters: V, W, u and their small forms are weak or unique, other capitals are global. The reference
  # that exception tables hold to the personality routine is data of the run-time, alike in every object.
  report=$(nm --defined-only --demangle "$object" | awk '
    {
      letter = $2
      name = substr($0, index($0, " " letter " ") + 3)
      if (name ~ /^DW\.ref\./) next
      if (letter ~ /^[VvWwu]$/) print "weak symbol " name
      else if (letter ~ /^[A-Z]$/) {
        if (name !~ /^swiftlet::kernels::/) print "global symbol outside swiftlet::kernels: " name
        else if (++exports > 1) print "second global symbol " name
      }
    }')
  if [ -n "$report" ]; then
    leaks=$((leaks + 1))
    while IFS= read -r line; do printf '%s: %s\n' "${object#"$build"/}" "$line"; done <<< "$report"
  fi
done < <(find "$build" -regextype posix-extended \
  -regex '.*/kernels/(avx2|avxvnni|avx512|amx)/[^/]*\.o' ! -name '*_test.cpp.o' | sort)

printf 'check_symbols: %d objects, %d with leaks\n' "$objects" "$leaks"
[ "$leaks" -eq 0 ]
