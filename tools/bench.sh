#!/usr/bin/env bash
# The measurements behind `make bench`: writes docs/results.md with the limits of this machine and, for MiniLM in f32,
# int8 and int4 and for stories-7m in bf16, int8 and int4, size, speed, memory and quality. Every figure comes from
# the run that writes it.
set -euo pipefail
cd "$(dirname "$0")/.."

swiftlet=build/release/bin/swiftlet
out=build/bench
stsb=assets/stsb/dev.csv
corpus=assets/text/corpus.txt
valid=assets/text/stories-valid.txt.gz
results=docs/results.md
mkdir -p "$out"

say() { printf 'bench: %s\n' "$*" >&2; }
# field FILE KEY: the value of a key in one JSON object whose keys are unique; MISSING when it is not there.
field() {
  local value
  value=$(grep -o "\"$2\" *: *[^,}]*" "$1" | head -n 1 | sed 's/^[^:]*: *//; s/^"//; s/"$//') || true
  printf '%s' "${value:-MISSING}"
}
# number FORMAT FILE KEY [FACTOR]
number() {
  awk -v v="$(field "$2" "$3")" -v f="${4:-1}" -v format="$1" \
    'BEGIN { if (v == "MISSING") print v; else printf format, v * f }'
}

# native NAME SOURCE OPTIONS...: a compressed model without a gate; the quality is measured below.
native() {
  local file=$out/$1.swiftlet
  [ "$file" -nt $swiftlet ] && [ "$file" -nt "$2" ] && return
  say "making $file"
  $swiftlet compress "$2" -o "$file" "${@:3}" --quiet > /dev/null
}

encoder_row() {  # NAME MODEL WEIGHTS_FILE
  say "measuring $1"
  $swiftlet bench "$2" --input $corpus --json --quiet > "$out/bench.json"
  $swiftlet eval "$2" --task stsb --data $stsb --json --quiet > "$out/eval.json"
  printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$1" \
    "$(awk -v b="$(stat -c %s "$3")" 'BEGIN { printf "%.1f", b / 1e6 }')" \
    "$(number %.0f "$out/bench.json" sentences_per_second)" \
    "$(number %.0f "$out/bench.json" tokens_per_second)" \
    "$(number %.2f "$out/bench.json" latency_seconds_p50 1000)" \
    "$(number %.0f "$out/bench.json" percent_of_compute_limit)" \
    "$(number %.0f "$out/bench.json" peak_memory_bytes 1e-6)" \
    "$(number %.2f "$out/eval.json" spearman 100)" \
    "$(number %.2f "$out/eval.json" pearson 100)"
}

decoder_row() {  # NAME MODEL WEIGHTS_FILE
  say "measuring $1"
  $swiftlet bench "$2" --prompt 128 --generate 64 --batch 1 --json --quiet > "$out/bench.json"
  $swiftlet eval "$2" --task perplexity --data $valid --context 256 --stride 128 --json --quiet > "$out/eval.json"
  printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "$1" \
    "$(awk -v b="$(stat -c %s "$3")" 'BEGIN { printf "%.1f", b / 1e6 }')" \
    "$(number %.0f "$out/bench.json" prefill_tokens_per_second)" \
    "$(number %.0f "$out/bench.json" decode_tokens_per_second)" \
    "$(number %.1f "$out/bench.json" read_gigabytes_per_second)" \
    "$(number %.0f "$out/bench.json" percent_of_read_limit)" \
    "$(number %.0f "$out/bench.json" peak_memory_bytes 1e-6)" \
    "$(number %.3f "$out/eval.json" perplexity)"
}

native minilm-int8 models/minilm --weights int8 --activations int8
native minilm-int4 models/minilm --weights int4 --group 32 --activations int8
native stories-int8 assets/stories-7m --weights int8 --activations int8
native stories-int4 assets/stories-7m --weights int4 --group 32 --activations int8
say "measuring the machine"
$swiftlet inspect --machine --json --quiet > "$out/machine.json"

{
  cat << EOT
# Results

Written by \`make bench\` on $(date -u +%Y-%m-%d)$(git rev-parse --short HEAD 2> /dev/null | sed 's/^/, commit /'). Run it to have the figures of your machine. Sizes in MB are
10⁶ bytes; the percentages compare with the limits measured in the same run.

## The machine

| | |
|---|---|
| processor | $(field "$out/machine.json" cpu) |
| kernels | $(field "$out/machine.json" isa) |
| threads | $(field "$out/machine.json" threads) |
| memory, reading | $(number %.1f "$out/machine.json" read_gigabytes_per_second) GB/s |
| f32 | $(number %.1f "$out/machine.json" f32_gflops) GFLOP/s |
| bf16 | $(number %.1f "$out/machine.json" bf16_gflops) GFLOP/s |
| int8 | $(number %.1f "$out/machine.json" int8_gops) GOP/s |

## all-MiniLM-L6-v2, sentence encoder of 22.7 million parameters

Speed on the $(wc -l < $corpus) passages of \`$corpus\`, the time for one passage alone as the median, quality on the 1,500 pairs of STS-B's development part (in hundredths).

| weights | MB | sentences/s | tokens/s | one passage, ms | % of arithmetic limit | peak memory, MB | Spearman | Pearson |
|---|---|---|---|---|---|---|---|---|
EOT
  encoder_row 'f32' models/minilm models/minilm/model.safetensors
  encoder_row 'int8' $out/minilm-int8.swiftlet $out/minilm-int8.swiftlet
  encoder_row 'int4, groups of 32' $out/minilm-int4.swiftlet $out/minilm-int4.swiftlet
  cat << EOT

## stories-7m, Llama of 6.95 million parameters

A prompt of 128 tokens, 64 generated, one sequence; perplexity of \`$valid\` in windows of 256 tokens that advance by 128.

| weights | MB | prefill, tokens/s | decode, tokens/s | decode, GB/s | % of reading limit | peak memory, MB | perplexity |
|---|---|---|---|---|---|---|---|
EOT
  decoder_row 'bf16' assets/stories-7m assets/stories-7m/model.safetensors
  decoder_row 'int8' $out/stories-int8.swiftlet $out/stories-int8.swiftlet
  decoder_row 'int4, groups of 32' $out/stories-int4.swiftlet $out/stories-int4.swiftlet
} > "$out/results.md"
if grep -q MISSING "$out/results.md"; then
  say "a measurement is missing, see $out/results.md"
  exit 1
fi
mv "$out/results.md" $results
say "wrote $results"
