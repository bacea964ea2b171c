"""What llama.cpp computes with GGUF files of the small models, beside the references of their sources:

    for m in tests/data/models/*/; do swiftlet convert $m -o OUT/$(basename $m).gguf; done
    python tools/reference/compare_llama_cpp.py LLAMA_CPP_LOGITS OUT

One line a file: the relative distance of its logits (an encoder's last hidden states). 1e-6 is that of float32; where a
file has matrices of bf16 or blocks, llama.cpp rounds activations to bf16 or int8, and it has a table of f16 for GELU.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

MODELS = Path(__file__).resolve().parents[2] / "tests" / "data" / "models"


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    for path in sorted(folder.glob("*.gguf")):
        dump = load_file(MODELS / path.stem / "golden.safetensors")
        worst, fault = 0.0, ""
        for i in range(sum(name.startswith("input_ids.") for name in dump)):
            ids = [str(token) for token in dump[f"input_ids.{i}"].reshape(-1)]
            done = subprocess.run([program, path, *ids], capture_output=True)
            wanted = dump[f"logits.{i}" if f"logits.{i}" in dump else f"last_hidden.{i}"]
            if done.returncode != 0 or len(done.stdout) != 4 * wanted.size:
                fault = done.stderr.decode().strip().splitlines()[:1] or [f"exit status {done.returncode}"]
                break
            got = np.frombuffer(done.stdout, np.float32).reshape(wanted.shape)
            worst = max(worst, float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted)))
        print(f"{path.stem:24} {fault[0] if fault else f'{worst:.1e}'}")


if __name__ == "__main__":
    main()
