"""ONNX Runtime, OpenVINO and torch as contestants on sentence encoders, each in the form that serves it best.

What an engine runs is chosen once: every variant at every size of batch and number of streams over the timed
sentences, the fastest of those whose Spearman correlation on STS-B is less than a point below f32. Weights that are
random have no such correlation: there only speed decides.
"""

import json

from checkpoints import MINILM
from common import MODELS, Missing, say
from contestant import Reading, WorkerContestant
from encoder_models import choice_file, read_choice, variants_of
from sentences import ids_file, spearman

BATCHES = (16, 32, 64)
POINT = 0.01


class EncoderRival(WorkerContestant):
    """engine: "onnxruntime", "openvino", "torch". what: "tokens_per_second" or "forward_seconds_p50"."""

    def __init__(self, name, engine, shape, what):
        super().__init__(name)
        self.engine, self.shape, self.what = engine, shape, what

    def open(self, settings):
        super().open(settings)
        try:
            self.variants = variants_of(self.engine, self.shape)
        except ImportError as error:
            raise Missing(f"{self.engine}: {error}") from error
        latency = self.what == "forward_seconds_p50"
        self.ids = ids_file(self.shape, "one" if latency else "some")
        self.choice = self.choose()
        self.load(self.choice["variant"], 1 if latency else self.choice["streams"])
        self.name = f"{self.name} ({self.choice['variant']}" + (
            ")" if latency or self.engine == "torch" else f", batches of {self.choice['batch']})")

    def load(self, variant, streams):
        self.start(f"{self.engine}-encoder", model=self.variants[variant], threads=self.settings.threads,
                   streams=streams)

    def choose(self):
        path = choice_file(self.shape, self.engine, self.settings.threads)
        choice = read_choice(path)
        if choice is None:
            say(f"choosing what {self.engine} runs on {self.shape.name}")
            choice = self.fastest(self.lowest() if self.shape == MINILM and self.engine != "torch" else None)
            path.write_text(json.dumps(choice) + "\n")
        return choice

    def lowest(self):
        """The correlation that a variant must have, by the same model in f32 in this engine's tokens."""
        reference = EncoderRival("f32", "torch", self.shape, "tokens_per_second")
        reference.settings = self.settings
        reference.variants = variants_of("torch", self.shape)
        reference.load("f32", 1)
        try:
            return reference.correlation() - POINT
        finally:
            reference.close()

    def correlation(self):
        import numpy

        vectors = MODELS / self.shape.name / "vectors.npy"
        self.ask(ids=str(ids_file(self.shape, "all")), what="tokens_per_second", runs=1, batch=32,
                 vectors=str(vectors))
        return spearman(numpy.load(vectors))

    def fastest(self, lowest):
        """lowest: the correlation that a variant must reach; None: any."""
        some, best = str(ids_file(self.shape, "some")), None
        streams = sorted({1, self.settings.threads}) if self.engine == "openvino" else [1]
        for variant in self.variants:
            for count in streams:
                self.load(variant, count)
                quality = self.correlation() if lowest is not None else None
                for batch in BATCHES:
                    speed = self.ask(ids=some, what="tokens_per_second", runs=2, batch=batch)["tokens_per_second"]
                    tried = dict(variant=variant, streams=count, batch=batch, tokens_per_second=speed,
                                 spearman=quality)
                    if lowest is not None and quality < lowest:
                        say(f"{self.engine} {variant} does not count: its correlation is {quality:.4f}")
                    elif best is None or speed > best["tokens_per_second"]:
                        best = tried
                self.close()
        if best is None:
            raise Missing(f"no int8 variant of {self.engine} keeps the quality")
        return best

    def measure(self):
        value = self.ask(ids=str(self.ids), what=self.what, runs=self.settings.runs,
                         batch=self.choice["batch"])[self.what]
        if self.what == "forward_seconds_p50":
            return Reading(value * 1e3)
        extra = {} if self.choice["spearman"] is None else {"spearman": self.choice["spearman"]}
        return Reading(value, value * self.shape.operations, extra=extra)
