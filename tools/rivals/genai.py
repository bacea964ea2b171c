"""OpenVINO GenAI as a contestant on decoders; the engine itself is openvino_decoder.py, in a process of its own."""

from contestant import DecoderContestant, Reading, WorkerContestant


class OpenVinoDecoder(DecoderContestant, WorkerContestant):
    """model: a function that makes the folder. options: properties of the compiled model."""

    def __init__(self, *arguments, options=None, **work):
        super().__init__(*arguments, **work)
        self.options = options or {}

    def open(self, settings):
        super().open(settings)
        self.start("openvino-decoder", model=self.model(), threads=settings.threads, vocabulary=self.shape.tokens - 3,
                   options=self.options)

    def at(self, depth):
        prefill = self.what == "prefill"
        return self.ask(prompt=self.prompt + depth, generate=2 if prefill else self.generate, batch=self.batch,
                        runs=self.settings.runs)[self.what]

    def measure(self):
        value = self.at(self.depth)
        if self.what == "prefill":
            return Reading(value, value / self.prompt * self.shape.prefill_operations(self.prompt))
        if not self.depth:
            return Reading(value)
        shallow = self.at(0)
        return Reading(value, extra={"shallow": shallow, "fall_percent": 100 * (1 - value / shallow)})
