#!/usr/bin/env bash
# Brings what Swiftlet is compared with into build/rivals: llama.cpp, built for this machine from the source inside
# llama-cpp-python's source distribution, and a Python environment with OpenVINO, ONNX Runtime, torch and what the
# scripts here need. Optional: nothing else of the project reads it. What is there is left alone.
#
#   tools/rivals/install.sh          about 15 minutes on two cores
#   tools/rivals/install.sh --avx2   llama.cpp once more, without AVX-512 and AMX
set -euo pipefail
cd "$(dirname "$0")/../.."

llama_cpp_python=0.3.36
work=build/rivals
programs=(llama-bench llama-quantize llama-batched-bench llama-completion)
mkdir -p "$work"

# The option is one of many that may come; the others are for the measurements.
avx2=
case " $* " in *' --avx2 '*) avx2=1 ;; esac

say() { printf 'rivals: %s\n' "$*" >&2; }

# build FOLDER OPTIONS...: llama.cpp, where its programs are not there yet
build() {
  local folder=$work/llama.cpp/$1 program missing=
  shift
  for program in "${programs[@]}"; do
    [ -x "$folder/bin/$program" ] || missing=1
  done
  [ -n "$missing" ] || return 0
  say "building llama.cpp in $folder"
  local launcher=()
  if command -v ccache > /dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  cmake -S "$work/llama.cpp" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON -DLLAMA_OPENSSL=OFF \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF \
    "${launcher[@]}" "$@" > "$work/cmake.log" 2>&1 || { tail -n 20 "$work/cmake.log" >&2; return 1; }
  cmake --build "$folder" --target "${programs[@]}" > "$work/build.log" 2>&1 ||
    { tail -n 20 "$work/build.log" >&2; return 1; }
}

if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
fi
if ! "$work/venv/bin/python" -c 'import gguf, nncf, onnx, onnxruntime, openvino_genai, scipy, torch, transformers' \
  2> /dev/null; then
  say 'installing the Python packages'
  "$work/venv/bin/pip" install --quiet -r tools/rivals/requirements.txt ||
    say 'not all of them could be installed: the tables will tell what is missing'
fi

# GCC's _tile_loadconfig says that it reads 8 bytes, so GCC 12 leaves out the stores to the other 56 of a local
# configuration, and llama.cpp ends at its first tile. One line tells it that all of them are read.
tell_of_the_tiles() {
  sed -i 's/^\( *\)_tile_loadconfig(&tc);/\1__asm__ volatile("" : : "m"(tc));\n&/' "$1"
}

unpack() {
  [ ! -f "$work/llama.cpp/CMakeLists.txt" ] || return 0
  say 'fetching llama.cpp'
  local download
  download=$(mktemp -d "$work/.fetch.XXXXXX") || return 1
  "$work/venv/bin/pip" download --quiet --no-deps --no-binary llama-cpp-python \
    "llama-cpp-python==$llama_cpp_python" --dest "$download" &&
    tar -xzf "$download"/llama_cpp_python-*.tar.gz -C "$download" &&
    tell_of_the_tiles "$download"/llama_cpp_python-*/vendor/llama.cpp/ggml/src/ggml-cpu/amx/mmq.cpp &&
    mv "$download"/llama_cpp_python-*/vendor/llama.cpp "$work/llama.cpp" &&
    printf 'of llama-cpp-python %s\n' "$llama_cpp_python" > "$work/llama.cpp/VERSION"
  local status=$?
  rm -rf "$download"
  return $status
}

# llama-quantize makes the files of both: so the one of this machine is always there.
llama_cpp() {
  unpack && build build -DGGML_NATIVE=ON || return 1
  [ -n "$avx2" ] || return 0
  build build-avx2 -DGGML_NATIVE=OFF -DGGML_AVX512=OFF -DGGML_AVX_VNNI=OFF -DGGML_AVX=ON -DGGML_AVX2=ON \
    -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON
}

llama_cpp || say 'llama.cpp could not be built: its places in the tables will stay empty'
say "ready in $work"
