"""ONNX Runtime, OpenVINO and torch on a sentence encoder: what runs in a worker. Only real tokens are counted."""

import json
import statistics
import time
from pathlib import Path

import numpy as np

from sentences import batches, feed


class Encoder:
    """A subclass says how padded texts become vectors: run() one batch, run_all() a list of them."""

    def run_all(self, feeds):
        return [self.run(inputs) for inputs in feeds]

    def measure(self, ids, what, runs, batch=1, vectors=None):
        ids = json.loads(Path(ids).read_text())
        if what == "forward_seconds_p50":
            return {what: self.latency(ids, runs)}
        chunks = batches(ids, batch)
        feeds = [feed([ids[i] for i in chunk]) for chunk in chunks]
        seconds = []
        for _ in range(runs):
            begin = time.perf_counter()
            outputs = self.run_all(feeds)
            seconds.append(time.perf_counter() - begin)
        if vectors:
            rows = np.zeros((len(ids), outputs[0].shape[1]), np.float32)
            for chunk, output in zip(chunks, outputs):
                rows[chunk] = output
            np.save(vectors, rows)
        return {"tokens_per_second": sum(map(len, ids)) / min(seconds)}

    def latency(self, ids, runs):
        feeds, seconds = [feed([sequence]) for sequence in ids], []
        for inputs in feeds[:5]:
            self.run(inputs)
        for _ in range(runs):
            for inputs in feeds:
                begin = time.perf_counter()
                self.run(inputs)
                seconds.append(time.perf_counter() - begin)
        return statistics.median(seconds)


class OnnxRuntime(Encoder):
    def __init__(self, model, threads, streams=1):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(self, inputs):
        return self.session.run(None, inputs)[0]


class OpenVino(Encoder):
    """streams: batches that are computed at the same time, each by a share of the threads."""

    def __init__(self, model, threads, streams=1):
        import openvino as ov

        compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": streams})
        self.request = compiled.create_infer_request()
        self.queue = ov.AsyncInferQueue(compiled, streams)
        self.queue.set_callback(lambda request, place: self.keep(place, request.get_output_tensor(0).data))

    def keep(self, place, vectors):
        self.outputs[place] = np.array(vectors)

    def run(self, inputs):
        return np.array(self.request.infer(inputs)[0])

    def run_all(self, feeds):
        self.outputs = [None] * len(feeds)
        for place in reversed(range(len(feeds))):  # the longest first: none is left for the end
            self.queue.start_async(feeds[place], place)
        self.queue.wait_all()
        return self.outputs


class Torch(Encoder):
    def __init__(self, model, threads, streams=1):
        import torch

        from encoder_models import sentence_encoder

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = sentence_encoder(model)("sdpa")

    def run(self, inputs):
        with self.torch.inference_mode():
            return self.model(**{name: self.torch.from_numpy(array) for name, array in inputs.items()}).numpy()
