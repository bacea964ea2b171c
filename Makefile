# The front door. `make help` lists what it opens; the build itself is CMake (see CMakePresets.json).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory

BUILD := build/release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CONFIGURE := $(if $(shell command -v ccache),-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
CTEST := ctest --output-on-failure -j$(JOBS)
SOURCES = git ls-files -co --exclude-standard -- '*.cpp' '*.h'

.PHONY: help
help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup:  ## install what is missing (apt packages, the MiniLM model)
	@tools/setup.sh

# Tests and command line share one folder and its objects, so the tests are switched on there but never off.
.PHONY: build
build:  ## the command line alone, optimised: build/release/bin/swiftlet
	@tools/setup.sh --no-model
	@test -f $(BUILD)/build.ninja || cmake --preset release -DSWIFTLET_TESTS=OFF $(CONFIGURE) > /dev/null
	@cmake --build $(BUILD) -j$(JOBS) --target swiftlet

.PHONY: install
install:  ## program, manual page, completions, library and CMake package into PREFIX (default /usr/local)
	@tools/setup.sh --no-model
	@cmake --preset release $(if $(wildcard $(BUILD)/build.ninja),,-DSWIFTLET_TESTS=OFF) $(CONFIGURE) > /dev/null
	@cmake --build $(BUILD) -j$(JOBS)
	@cmake --install $(BUILD) --prefix $(PREFIX)

.PHONY: test
test:  ## everything that is tested, with g++
	@tools/setup.sh --test
	@cmake --preset release -DSWIFTLET_TESTS=ON $(CONFIGURE) > /dev/null
	@cmake --build $(BUILD) -j$(JOBS)
	@$(CTEST) --test-dir $(BUILD)

.PHONY: demo
demo: setup build  ## compress MiniLM, search with it, let two small Llamas write
	@tools/demo.sh

.PHONY: bench
bench: build  ## measure this machine and the models: docs/results.md
	@tools/setup.sh || echo 'bench: MiniLM could not be fetched; its rows will be left out' >&2
	@command -v python3 > /dev/null || { echo 'bench: python3 is needed, install it' >&2; exit 1; }
	@tools/bench_results.py

RIVALS ?=
.PHONY: bench-rivals
bench-rivals: build  ## measure Swiftlet beside llama.cpp, OpenVINO, ONNX Runtime, torch: docs/rivals.md (RIVALS=--help)
	@tools/setup.sh || echo 'bench-rivals: MiniLM could not be fetched; its rows will be left out' >&2
	@tools/rivals/install.sh $(RIVALS)
	@build/rivals/venv/bin/python tools/rivals $(RIVALS)

.PHONY: clang asan tsan
clang:  ## build and test with clang
	@tools/setup.sh --ci
	@cmake --preset clang -DSWIFTLET_TESTS=ON $(CONFIGURE) > /dev/null
	@cmake --build build/clang -j$(JOBS)
	@$(CTEST) --test-dir build/clang

asan:  ## build and test with clang's address and undefined-behaviour sanitizers
	@tools/setup.sh --ci
	@cmake --preset asan -DSWIFTLET_TESTS=ON $(CONFIGURE) > /dev/null
	@cmake --build build/asan -j$(JOBS)
	@$(CTEST) --test-dir build/asan -LE slow

tsan:  ## build the tests that use threads and run them under the thread sanitizer
	@tools/setup.sh --test
	@cmake --preset tsan -DSWIFTLET_TESTS=ON $(CONFIGURE) > /dev/null
	@cmake --build build/tsan -j$(JOBS) --target threads_tests
	@$(CTEST) --test-dir build/tsan -L threads

FUZZ_SECONDS ?= 600
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.cpp,%,$(wildcard tests/fuzz/fuzz_*.cpp))
.PHONY: fuzz
fuzz:  ## feed every parser damaged input, FUZZ_SECONDS each (default 600); findings stay in build/fuzz
	@tools/setup.sh --ci
	@cmake --preset fuzz -DSWIFTLET_TESTS=ON $(CONFIGURE) > /dev/null
	@cmake --build build/fuzz -j$(JOBS) --target $(addprefix fuzz_,$(FUZZ_TARGETS))
	@for target in $(FUZZ_TARGETS); do \
	  mkdir -p build/fuzz/corpus/$$target; \
	  echo "fuzz: $$target for $(FUZZ_SECONDS) s"; \
	  build/fuzz/tests/fuzz/fuzz_$$target -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=10 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=build/fuzz/$$target- build/fuzz/corpus/$$target tests/fuzz/corpus/$$target; \
	done

.PHONY: format lint
format:  ## clang-format over the sources
	@$(SOURCES) | xargs -r clang-format -i

lint:  ## layer order, READMEs in step, format, shell scripts, clang-tidy
	@tools/check_layers.py
	@tools/check_readmes.py
	@tools/check_format.sh || [ $$? -eq 77 ]  # 77: skipped
	@if command -v shellcheck > /dev/null; then shellcheck tools/*.sh tests/*/*.sh .ci/run; else echo "shellcheck: not installed, skipped"; fi
	@if command -v clang-tidy > /dev/null; then \
	  cmake --preset clang -DSWIFTLET_TESTS=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON $(CONFIGURE) > /dev/null; \
	  git ls-files 'swiftlet/*.cpp' | grep -v _test.cpp | xargs -r -P$(JOBS) -n2 \
	    clang-tidy -p build/clang --quiet --warnings-as-errors='*' 2> >(grep -v 'warnings.* generated' >&2); \
	else echo "clang-tidy: not installed, skipped"; fi

.PHONY: clean
clean:  ## remove everything built (the model stays)
	@rm -rf build
