"""What llama.cpp computes with GGUF files of the small models, beside the references of their sources:

    for m in tests/data/models/*/; do swiftlet convert $m -o OUT/$(basename $m).gguf; done
    python tools/reference/compare_llama_cpp.py LLAMA_CPP_LOGITS OUT

One line a file: the relative distance of its logits (an encoder's last hidden states). llama.cpp looks activations of
the GELU kind up in a table of f16, so 1e-3 is what it can do there; others reach 1e-6.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

MODELS = Path(__file__).resolve().parents[2] / "tests" / "data" / "models"


def reference(dump, i):
    if f"logits.{i}" in dump:
        return dump[f"logits.{i}"]
    last = max(int(name.split(".")[1]) for name in dump if name.startswith("hidden."))
    return dump[f"hidden.{last}.{i}"]


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    for path in sorted(folder.glob("*.gguf")):
        dump = load_file(MODELS / path.stem / "golden.safetensors")
        worst, fault = 0.0, ""
        for i in range(sum(name.startswith("input_ids.") for name in dump)):
            ids = [str(token) for token in dump[f"input_ids.{i}"].reshape(-1)]
            done = subprocess.run([program, path, *ids], capture_output=True)
            wanted = reference(dump, i)
            if done.returncode != 0 or len(done.stdout) != 4 * wanted.size:
                fault = done.stderr.decode().strip().splitlines()[:1] or [f"exit status {done.returncode}"]
                break
            got = np.frombuffer(done.stdout, np.float32).reshape(wanted.shape)
            worst = max(worst, float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted)))
        print(f"{path.stem:24} {fault[0] if fault else f'{worst:.1e}'}")


if __name__ == "__main__":
    main()
