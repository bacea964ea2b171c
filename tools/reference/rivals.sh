#!/usr/bin/env bash
# Brings what Swiftlet is compared with into build/rivals: llama.cpp, built for this machine from the source inside
# llama-cpp-python's source distribution, and a Python environment with onnxruntime and what the scripts here need.
# Optional: nothing else of the project reads it. Takes about 12 minutes on two cores; what is there is left alone.
set -euo pipefail
cd "$(dirname "$0")/../.."

llama_cpp_python=0.3.36
work=build/rivals
mkdir -p "$work"

if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
fi
if ! "$work/venv/bin/python" -c 'import gguf, onnx, onnxruntime, scipy, torch, transformers' 2> /dev/null; then
  printf 'rivals: installing the Python packages\n'
  "$work/venv/bin/pip" install --quiet -r tools/reference/requirements.txt gguf
fi

if [ ! -x "$work/llama.cpp/build/bin/llama-bench" ] || [ ! -x "$work/llama.cpp/build/bin/llama-quantize" ]; then
  printf 'rivals: fetching llama.cpp\n'
  download=$(mktemp -d "$work/.fetch.XXXXXX")
  trap 'rm -rf "$download"' EXIT
  "$work/venv/bin/pip" download --quiet --no-deps --no-binary llama-cpp-python \
    "llama-cpp-python==$llama_cpp_python" --dest "$download"
  tar -xzf "$download"/llama_cpp_python-*.tar.gz -C "$download"
  rm -rf "$work/llama.cpp"
  mv "$download"/llama_cpp_python-*/vendor/llama.cpp "$work/llama.cpp"
  printf 'of llama-cpp-python %s\n' "$llama_cpp_python" > "$work/llama.cpp/VERSION"
  printf 'rivals: building llama.cpp\n'
  cmake -S "$work/llama.cpp" -B "$work/llama.cpp/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
    -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF > /dev/null
  cmake --build "$work/llama.cpp/build" --target llama-bench llama-quantize
fi
printf 'rivals: ready in %s\n' "$work"
