#!/usr/bin/env bash
# tools/check_format.sh must accept a file laid out as .clang-format says and reject one that is not.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/swiftlet"
cp "$root/.clang-format" "$work/"

status=0
printf 'int answer() {\n  return 42;\n}\n' > "$work/swiftlet/good.cpp"
"$root/tools/check_format.sh" "$work" || status=$?
[ $status -ne 77 ] || exit 77
[ $status -eq 0 ] || { printf 'FAILED: a well-formed file was rejected\n'; exit 1; }

printf 'int  answer( ){return 42;}\n' > "$work/swiftlet/bad.cpp"
if "$root/tools/check_format.sh" "$work" 2> "$work/report"; then
  printf 'FAILED: a badly laid out file was accepted\n'
  exit 1
fi
grep -q 'bad.cpp:1:' "$work/report" || { printf 'FAILED: the report names no place\n'; cat "$work/report"; exit 1; }
printf 'all cases as expected\n'
