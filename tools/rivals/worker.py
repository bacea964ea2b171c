"""The process behind a WorkerContestant: worker.py KIND OPTIONS, then a line of JSON in, a line of JSON out.

Everything that libraries print goes to standard error; the first line of output says that the model is loaded.
"""

import importlib
import json
import os
import sys

import common  # noqa: F401  the environment of the libraries is set before they are imported

KINDS = {"openvino-decoder": ("openvino_decoder", "Engine"), "openvino-encoder": ("encoder_engines", "OpenVino"),
         "onnxruntime-encoder": ("encoder_engines", "OnnxRuntime"), "torch-encoder": ("encoder_engines", "Torch")}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # so that nothing else comes between the answers

    def answer(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    module, name = KINDS[sys.argv[1]]
    engine = getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2]))
    answer(getattr(engine, "about", {}))
    for line in sys.stdin:
        answer(engine.measure(**json.loads(line)))


if __name__ == "__main__":
    main()
