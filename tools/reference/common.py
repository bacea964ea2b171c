"""What the reference scripts share: where things lie, and how a reference is run."""

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
ASSETS = ROOT / "assets"


def torch_reference():
    """torch, set so that the same input gives the same bits on every run: one thread, no TF32, no fast paths."""
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.backends.mha.set_fastpath_enabled(False)
    return torch


def versions(*packages):
    from importlib.metadata import version

    return {name: version(name) for name in packages}
