#!/usr/bin/env bash
# Tells which C++ files differ from .clang-format. Other versions of clang-format lay out differently, so only
# the one of Debian 12 and Ubuntu 22.04 judges; without it the check is skipped (exit status 77).
#
#   tools/check_format.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

version=14
formatter=
for candidate in clang-format-$version clang-format; do
  if "$candidate" --version 2> /dev/null | grep -q "version $version\."; then
    formatter=$candidate
    break
  fi
done
if [ -z "$formatter" ]; then
  printf 'check_format: skipped, no clang-format %s here\n' "$version"
  exit 77
fi

folders=()
for folder in swiftlet include tests bench examples tools; do
  if [ -d "$folder" ]; then folders+=("$folder"); fi
done
find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 -r "$formatter" --dry-run --Werror
