#!/usr/bin/env bash
# The installed package serves a program that knows nothing else of us: installs, builds examples/library against it,
# runs it, and looks at what the library exports.
#
#   package_test.sh SOURCE_DIR BUILD_DIR CXX
set -euo pipefail

source=$1 build=$2 cxx=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'package_test: %s\n' "$*" >&2; exit 1; }

cmake --install "$build" --prefix "$work/prefix" > "$work/install.log" || fail "$(cat "$work/install.log")"
mv "$work/prefix" "$work/moved"  # nothing may depend on the place where it was installed
cmake -S "$source/examples/library" -B "$work/example" -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_CXX_COMPILER="$cxx" \
  -DCMAKE_CXX_FLAGS='-Wall -Wextra -Wpedantic -Werror' > "$work/configure.log" || fail "$(cat "$work/configure.log")"
cmake --build "$work/example" > "$work/build.log" || fail "$(cat "$work/build.log")"

# The manual page and the completions are those of the installed program.
share=$work/moved/share
installed_as() {
  local file=$share/$1
  shift
  "$work/moved/bin/swiftlet" "$@" | cmp -s - "$file" || fail "$file is not what swiftlet $* prints"
}
installed_as man/man1/swiftlet.1 help --man
installed_as bash-completion/completions/swiftlet completion bash
installed_as zsh/site-functions/_swiftlet completion zsh
installed_as fish/vendor_completions.d/swiftlet.fish completion fish

cd "$work"  # no checkout around
"$work/example/tell" stories-7m 'Once upon a time' > story || fail 'the example failed'
"$work/moved/bin/swiftlet" run stories-7m 'Once upon a time' --max-tokens 200 --no-echo --quiet > reference ||
  fail 'the installed program failed'
[ "$(sed '$d' story)" = "$(cat reference)" ] || fail "example: $(cat story) program: $(cat reference)"
"$work/example/tell" stories-7m 'Once upon a time' 20 | tail -1 | grep -q ', cancelled)$' || fail 'nothing was cancelled'

status=0
"$work/example/tell" missing.swiftlet x 2> error || status=$?
if [ $status -ne 1 ] || ! grep -q '^tell: \[missing.swiftlet\]' error; then fail "status $status: $(cat error)"; fi

# Exports: the classes and functions of the public headers, nothing of our libraries or of the layers behind.
exports=$(nm -D --defined-only --demangle "$(find "$work/moved" -name 'libswiftlet.so')" | cut -d' ' -f3-)
printf '%s\n' "$exports" | grep -q '^swiftlet::Model::load' || fail 'Model::load is not exported'
strangers=$(printf '%s\n' "$exports" | grep -Ev \
  '^(typeinfo |typeinfo name |vtable )?(for )?swiftlet::(Error|Job|Model|Chat|SearchIndex|EvalResult)(::|$)' |
  grep -Ev '^swiftlet::(version|chat_template_names|locate_model|is_hub_name|download|fetch_model|embedding_line|write_embeddings|eval_tasks|evaluate|compress|convert|verify_file|bench|machine|guard_mapped_files|set_warning_handler)(\[abi:cxx11\])?\(' || true)
[ -z "$strangers" ] || fail "exported without being public: $strangers"
printf 'package_test: %d symbols exported\n' "$(printf '%s\n' "$exports" | wc -l)"
