"""Swiftlet as a contestant: its own program, `swiftlet bench`, whose limits of the machine come with each run."""

import json

from common import SWIFTLET, run
from contestant import Contestant, DecoderContestant, Reading


def environment(settings):
    return {"SWIFTLET_ISA": "avx2"} if settings.avx2 else {}


def bench(settings, model, *options):
    result = json.loads(run(SWIFTLET, "bench", model, *options, "--threads", settings.threads, "--json", "--quiet",
                            env=environment(settings)))
    limits = result["limits"]
    result["limits"] = {"read": limits["read_gigabytes_per_second"] * 1e9, "f32": limits["f32_gflops"] * 1e9,
                        "bf16": limits["bf16_gflops"] * 1e9, "int8": limits["int8_gops"] * 1e9}
    return result


class SwiftletDecoder(DecoderContestant):
    ours = True

    def open(self, settings):
        super().open(settings)
        self.path = self.model()

    def once(self, depth):
        return bench(self.settings, self.path, "--prompt", self.prompt, "--generate", self.generate, "--batch",
                     self.batch, "--depth", depth, "--repeat", self.settings.runs)

    def measure(self):
        result = self.once(self.depth)
        value = result[f"{self.what}_tokens_per_second"]
        if self.what == "prefill":
            rate = value / self.prompt * self.shape.prefill_operations(self.prompt)
        else:
            rate = result["read_gigabytes_per_second"] * 1e9
        extra = {}
        if self.depth:
            shallow = self.once(0)[f"{self.what}_tokens_per_second"]
            extra = {"shallow": shallow, "fall_percent": 100 * (1 - value / shallow)}
        return Reading(value, rate, result["limits"], extra)


class SwiftletEncoder(Contestant):
    """texts: a function that gives a file of one text a line. what: "tokens_per_second" or "forward_seconds_p50"."""
    ours = True

    def __init__(self, name, model, shape, what, texts):
        super().__init__(name)
        self.model, self.shape, self.what, self.texts = model, shape, what, texts

    def open(self, settings):
        super().open(settings)
        self.path, self.input = self.model(), self.texts()

    def measure(self):
        result = bench(self.settings, self.path, "--input", self.input, "--repeat", self.settings.runs)
        if self.what == "forward_seconds_p50":
            return Reading(result[self.what] * 1e3, 0, result["limits"])
        return Reading(result[self.what], result[self.what] * self.shape.operations, result["limits"])
