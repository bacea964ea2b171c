#!/usr/bin/env python3
"""Writes tests/data/torch: tensors as torch.save stores them, in every layout, and the same as safetensors.

usage: make_torch_files.py [FOLDER]
"""
import collections
import pathlib
import sys
import zipfile

import torch
from safetensors.torch import save_file


def tensors():
    generator = torch.Generator().manual_seed(7)
    base = torch.randn(6, 5, generator=generator)
    shared = torch.arange(40, dtype=torch.float32).reshape(8, 5)
    return collections.OrderedDict(
        [
            ("f32", base),
            ("f16", base.half()),
            ("bf16", base.bfloat16()),
            ("f64", base.double()),
            ("i8", torch.arange(-4, 4, dtype=torch.int8)),
            ("u8", torch.arange(250, 255, dtype=torch.uint8)),
            ("i16", torch.tensor([-300, 300], dtype=torch.int16)),
            ("i32", torch.tensor([[1 << 20], [-5]], dtype=torch.int32)),
            ("i64", torch.tensor([1 << 40, -1])),
            ("bool", torch.tensor([True, False, True])),
            ("scalar", torch.tensor(2.5)),
            ("empty", torch.zeros(0, 4)),
            ("transposed", base.t()),
            ("strided", shared[::2, 1:4]),
            ("expanded", torch.tensor([1.5]).expand(1)),
            ("first half", shared[:4]),
            ("second half", shared[4:]),
            ("LayerNorm.gamma", torch.ones(5)),
            ("LayerNorm.beta", torch.zeros(5)),
        ]
    )


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/torch")
    folder.mkdir(parents=True, exist_ok=True)
    state = tensors()
    save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, folder / "expected.safetensors")
    torch.save(state, folder / "archive.pt")
    torch.save(state, folder / "protocol4.pt", pickle_protocol=4)
    torch.save(dict(state), folder / "legacy.pt", _use_new_zipfile_serialization=False)

    # A training checkpoint: parameters of a module under "state_dict", with the notes that modules keep.
    module = torch.nn.Linear(3, 2)
    with torch.no_grad():
        module.weight.copy_(torch.arange(6.0).reshape(2, 3))
        module.bias.copy_(torch.tensor([0.5, -0.5]))
    parameters = collections.OrderedDict(module.named_parameters())
    torch.save({"epoch": 3, "state_dict": parameters, "notes": {"loss": [1.0, 0.5]}}, folder / "training.pt")
    torch.save(module.state_dict(), folder / "module.pt")

    # What must be refused: a whole module, a compressed archive.
    torch.save(module, folder / "whole_module.pt")
    with zipfile.ZipFile(folder / "module.pt") as source, zipfile.ZipFile(
        folder / "deflated.pt", "w", zipfile.ZIP_DEFLATED
    ) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
