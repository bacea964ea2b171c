"""OpenVINO GenAI on a decoder: the engine that runs in a worker. Prompts are token ids, generation is greedy.

Its two backends for attention (paged, and stateful models) are both tried with the first work that is asked for; the
one that does it faster stays.
"""

import time

import numpy as np
import openvino as ov
import openvino_genai as genai

BACKENDS = ("PA", "SDPA")


class Engine:
    def __init__(self, model, threads, vocabulary, options):
        self.pipelines = [genai.LLMPipeline(model, "CPU", ATTENTION_BACKEND=backend, INFERENCE_NUM_THREADS=threads,
                                            **options) for backend in BACKENDS]
        self.vocabulary = vocabulary
        self.turn = 0

    def run(self, pipeline, prompt, generate, batch):
        """(seconds to the first token of all, seconds from there to the last)."""
        self.turn += 1  # another prompt each time: no prefix of it is in a cache
        ids = np.random.default_rng(self.turn).integers(0, self.vocabulary, (batch, prompt), dtype=np.int64)
        inputs = genai.TokenizedInputs(ov.Tensor(ids), ov.Tensor(np.ones_like(ids)))
        config = genai.GenerationConfig(max_new_tokens=generate, ignore_eos=True, do_sample=False)
        begin = time.perf_counter()
        result = pipeline.generate(inputs, config)
        total = time.perf_counter() - begin
        steps = list(result.perf_metrics.raw_metrics.m_new_token_times)  # milliseconds, one for each step
        if {len(tokens) for tokens in result.tokens} != {generate}:
            raise RuntimeError(f"{generate} tokens were asked for, {[len(t) for t in result.tokens]} came")
        decode = (steps[-1] - steps[-generate]) / 1e3
        return total - decode, decode

    def measure(self, prompt, generate, batch, runs):
        if len(self.pipelines) > 1:
            seconds = [min(sum(self.run(pipeline, prompt, generate, batch)) for _ in range(2))
                       for pipeline in self.pipelines]
            self.pipelines = [self.pipelines[seconds.index(min(seconds))]]
        pairs = [self.run(self.pipelines[0], prompt, generate, batch) for _ in range(runs)]
        return {"prefill": batch * prompt / min(first for first, _ in pairs),
                "decode": batch * (generate - 1) / min(decode for _, decode in pairs) if generate > 1 else 0}
