#!/usr/bin/env bash
# The demonstration behind `make demo`: a sentence encoder compressed inside an accuracy budget, search with what
# came out, two small Llamas that write, and the larger one as int4.
#
# What it makes lies in build/demo. A result is used again while it is newer than the program and its inputs.
set -euo pipefail
cd "$(dirname "$0")/.."

swiftlet=build/release/bin/swiftlet
out=build/demo
stsb=assets/stsb/dev.csv
corpus=assets/text/corpus.txt
valid=assets/text/stories-valid.txt.gz
mkdir -p "$out"

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
[ -t 1 ] || title() { printf '\n== %s\n' "$*"; }
# Shows a command as a user would type it, then runs it.
show() {
  local word
  printf '$ %s' "${1##*/}"
  for word in "${@:2}"; do
    case $word in
      *[!A-Za-z0-9_./%=:-]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  printf '\n'
  "$@"
}

# fresh FILE INPUT...: FILE exists and is newer than the program and every input.
fresh() {
  local file=$1 input
  shift
  [ -e "$file" ] || return 1
  for input in "$swiftlet" "$@"; do
    [ "$file" -nt "$input" ] || return 1
  done
}

# compress_once NAME INPUTS... -- COMMAND...: runs the command, which writes NAME.swiftlet, and keeps its table; shows
# the kept table when nothing has changed since.
compress_once() {
  local name=$1 inputs=()
  shift
  while [ "$1" != -- ]; do
    inputs+=("$1")
    shift
  done
  shift
  if fresh "$out/$name.swiftlet" "${inputs[@]}" && fresh "$out/$name.txt" "${inputs[@]}"; then
    printf '(made before: %s; remove build/demo to make it again)\n' "$out/$name.swiftlet"
    cat "$out/$name.txt"
    return
  fi
  rm -f "$out/$name.txt"
  show "$@" | tee "$out/$name.part"
  mv "$out/$name.part" "$out/$name.txt"
}

title "1. MiniLM, a sentence encoder, to int8: at most 0.3 points of Spearman correlation may be lost"
compress_once minilm-int8 models/minilm/model.safetensors $stsb -- \
  "$swiftlet" compress models/minilm -o $out/minilm-int8.swiftlet --weights int8 --activations int8 \
  --metric stsb --data $stsb --budget 0.3

title "2. Search by meaning with the compressed model, over passages of old children's books"
show "$swiftlet" search $out/minilm-int8.swiftlet --corpus $corpus --top 3 \
  'a child lost in the forest' 'how to make somebody laugh'

title "3. Two small Llamas write: 260 thousand parameters, then 7 million"
show "$swiftlet" run assets/stories260K/stories260K.bin --echo 'Once upon a time' --max-tokens 120
printf '\n'
show "$swiftlet" run assets/stories-7m --echo 'Once upon a time' --max-tokens 120 --temperature 0.7 --top-p 0.9 --seed 7
printf '\n'

title "4. The larger one to int4: at most 5% of perplexity may be lost"
compress_once stories-int4 assets/stories-7m/model.safetensors $valid -- \
  "$swiftlet" compress assets/stories-7m -o $out/stories-int4.swiftlet --weights int4 --group 32 \
  --metric perplexity --data $valid --context 256 --stride 128 --budget 5%
printf '\n'
show "$swiftlet" run $out/stories-int4.swiftlet --echo 'Once upon a time' --max-tokens 60 --temperature 0.7 --top-p 0.9 --seed 7

title "Done. The models lie in $out; try: $swiftlet inspect $out/minilm-int8.swiftlet"
