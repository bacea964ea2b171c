"""llama.cpp as a contestant: its own programs, llama-bench and llama-batched-bench, on files of llama-quantize."""

import json
import re

from common import Missing, run
from contestant import DecoderContestant, Reading
from decoder_models import LLAMA, LLAMA_AVX2


def program(settings, name):
    return (LLAMA_AVX2 if settings.avx2 else LLAMA) / name


class LlamaCpp(DecoderContestant):
    """With several sequences, decode alone."""

    def open(self, settings):
        super().open(settings)
        if not program(settings, "llama-bench").exists():
            raise Missing("llama.cpp is not built: tools/rivals/install.sh builds it"
                          + (" for AVX2 with --avx2" if settings.avx2 else ""))
        self.path = self.model()

    def measure(self):
        if self.batch > 1:
            return Reading(self.batched())
        prompt, generate = (self.prompt, 0) if self.what == "prefill" else (0, self.generate)
        depths = f"0,{self.depth}" if self.depth else "0"
        rows = json.loads(run(program(self.settings, "llama-bench"), "-m", self.path, "-p", prompt, "-n", generate,
                              "-d", depths, "-t", self.settings.threads, "-r", self.settings.runs, "-o", "json"))
        best = {row["n_depth"]: max(row["samples_ts"]) for row in rows}
        value = best[self.depth]
        if self.what == "prefill":
            return Reading(value, value / self.prompt * self.shape.prefill_operations(self.prompt))
        extra = {"shallow": best[0], "fall_percent": 100 * (1 - value / best[0])} if self.depth else {}
        return Reading(value, value * (rows[0]["model_size"] + self.cache_bytes()), extra=extra)

    def cache_bytes(self):
        """Read for a token: keys and values in f16 of the tokens before it."""
        return self.shape.layers * 2 * self.shape.kv * 2 * (self.depth + self.generate / 2)

    def batched(self):
        tokens = self.batch * (self.prompt + self.generate)
        out = run(program(self.settings, "llama-batched-bench"), "-m", self.path, "-npp", self.prompt, "-ntg",
                  self.generate, "-npl", ",".join([str(self.batch)] * self.settings.runs), "-c", tokens, "-b", 2048,
                  "-t", self.settings.threads, "--output-format", "jsonl")
        speeds = [json.loads(line)["speed_tg"] for line in re.findall(r"\{.*\}", out)]
        if not speeds:
            raise Missing("llama-batched-bench printed no result")
        return max(speeds)
