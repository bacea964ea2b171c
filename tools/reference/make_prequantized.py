#!/usr/bin/env python3
"""Writes tests/data/prequantized: one matrix as other tools quantize and pack it, and the values it stands for.

Each file holds the packed tensors of a module "m", "expected" [N, K] in float32, and in its metadata the
quantization_config of a checkpoint. compressed-tensors and bitsandbytes pack and unpack for themselves; GPTQ
and AWQ, whose packages need a GPU, are packed here as their published kernels read them.

usage: make_prequantized.py [FOLDER]     needs torch, safetensors, compressed-tensors, bitsandbytes
"""
import json
import pathlib
import sys

import bitsandbytes.functional as bnb
import torch
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32, unpack_from_int32
from safetensors.torch import save_file

N, K, GROUP = 16, 64, 32


def generator():
    return torch.Generator().manual_seed(11)


def write(folder, name, config, tensors, expected):
    tensors = {key: tensor.contiguous() for key, tensor in tensors.items()}
    tensors["expected"] = expected.float().contiguous()
    save_file(tensors, folder / f"{name}.safetensors", {"config": json.dumps({"quantization_config": config})})


def random_codes(bits, groups, symmetric):
    g = generator()
    codes = torch.randint(0, 2**bits, (N, K), generator=g)
    middle = 2 ** (bits - 1)
    zeros = torch.full((N, groups), middle) if symmetric else torch.randint(1, 2**bits, (N, groups), generator=g)
    scales = (torch.rand(N, groups, generator=g) * 0.1 + 0.01).half()
    return codes, zeros, scales


def words(values, bits):
    """Packs the last dimension, the first value in the lowest bits."""
    per_word = 32 // bits
    values = values.reshape(*values.shape[:-1], -1, per_word).to(torch.int64)
    packed = sum(values[..., i] << (bits * i) for i in range(per_word))
    return torch.where(packed >= 2**31, packed - 2**32, packed).to(torch.int32)


def gptq(folder, name, bits, symmetric, group=GROUP, order=False, version=1):
    groups = K // group
    codes, zeros, scales = random_codes(bits, groups, symmetric)
    index = torch.arange(K) // group
    if order:
        index = index[torch.randperm(K, generator=generator())]
    stored = (zeros - (1 if version == 1 else 0)) % 2**bits
    tensors = {
        "m.qweight": words(codes, bits).t(),  # [K / per_word, N]
        "m.qzeros": words(stored.t(), bits),  # [groups, N / per_word]
        "m.scales": scales.t(),
        "m.g_idx": index.to(torch.int32),
    }
    config = {"quant_method": "gptq", "bits": bits, "group_size": group if group < K else -1, "sym": symmetric}
    config |= {"desc_act": order, "checkpoint_format": "gptq" if version == 1 else "gptq_v2"}
    expected = (codes - zeros[:, index]).float() * scales.float()[:, index]
    write(folder, name, config, tensors, expected)


def awq(folder):
    codes, zeros, scales = random_codes(4, K // GROUP, False)
    order = [0, 2, 4, 6, 1, 3, 5, 7]

    def pack(values):  # [rows, N] -> [rows, N / 8]
        return words(values.reshape(values.shape[0], -1, 8)[..., order].reshape(values.shape), 4)

    tensors = {"m.qweight": pack(codes.t()), "m.qzeros": pack(zeros.t()), "m.scales": scales.t()}
    config = {"quant_method": "awq", "bits": 4, "group_size": GROUP, "zero_point": True, "version": "gemm"}
    index = torch.arange(K) // GROUP
    write(folder, "awq", config, tensors, (codes - zeros[:, index]).float() * scales.float()[:, index])


def compressed(folder, name, bits, symmetric, form="pack-quantized", group=GROUP):
    codes, zeros, scales = random_codes(bits, K // group, symmetric)
    middle = 2 ** (bits - 1)
    signed, zeros, scales = (codes - middle).to(torch.int8), (zeros - middle).to(torch.int8), scales.bfloat16()
    if form == "int-quantized":
        signed = signed.clamp(min=-127)
        tensors = {"m.weight": signed}
    else:
        tensors = {"m.weight_packed": pack_to_int32(signed, bits), "m.weight_shape": torch.tensor([N, K])}
        signed = unpack_from_int32(tensors["m.weight_packed"], bits, torch.Size([N, K]))
    tensors["m.weight_scale"] = scales
    if not symmetric:
        tensors["m.weight_zero_point"] = pack_to_int32(zeros, bits, packed_dim=0) if form == "pack-quantized" else zeros
    weights = {"num_bits": bits, "type": "int", "symmetric": symmetric, "group_size": group, "strategy": "group"}
    config = {"quant_method": "compressed-tensors", "format": form}
    config["config_groups"] = {"group_0": {"targets": ["Linear"], "weights": weights}}
    index = torch.arange(K) // group
    expected = (signed.float() - zeros[:, index].float()) * scales.float()[:, index]
    write(folder, name, config, tensors, expected)


def bitsandbytes4(folder, name, kind, nested):
    values = torch.randn(N, K, generator=generator()) * 0.05
    packed, state = bnb.quantize_4bit(values, blocksize=64, quant_type=kind, compress_statistics=nested)
    tensors = {"m.weight": packed} | {f"m.weight.{key}": value for key, value in state.as_dict(packed=True).items()}
    config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": kind}
    config["bnb_4bit_use_double_quant"] = nested
    write(folder, name, config, tensors, bnb.dequantize_4bit(packed, state))


def bitsandbytes8(folder):
    values = torch.randn(N, K, generator=generator()) * 0.05
    scale = values.abs().amax(dim=1)
    codes = torch.round(values * (127 / scale[:, None])).to(torch.int8)
    tensors = {"m.weight": codes, "m.SCB": scale, "m.weight_format": torch.tensor(0, dtype=torch.uint8)}
    config = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    write(folder, "bitsandbytes_int8", config, tensors, codes.float() * (scale / 127)[:, None])


def float8(folder, name, config, block, dtype=torch.float8_e4m3fn, end="weight_scale", vector=False):
    """fp8 codes, and scales of blocks of [rows, columns] that may be cut off at the edges."""
    rows, columns = -(-N // block[0]), -(-K // block[1])
    scales = torch.rand(rows, columns, generator=generator()) * 0.01 + 0.001
    spread = scales.repeat_interleave(block[0], 0)[:N].repeat_interleave(block[1], 1)[:, :K]
    codes = (torch.randn(N, K, generator=generator()) * 20).to(dtype)
    tensors = {"m.weight": codes, f"m.{end}": scales.reshape(()) if vector else scales}
    tensors |= {"m.input_scale": torch.tensor(0.5)} if vector else {}
    write(folder, name, config, tensors, codes.float() * spread)


def compressed_float8(strategy, **more):
    weights = {"num_bits": 8, "type": "float", "symmetric": True, "strategy": strategy} | more
    groups = {"group_0": {"targets": ["Linear"], "weights": weights}}
    return {"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": groups}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/prequantized")
    folder.mkdir(parents=True, exist_ok=True)
    gptq(folder, "gptq", 4, symmetric=True)
    gptq(folder, "gptq_asymmetric", 4, symmetric=False)
    gptq(folder, "gptq_v2", 4, symmetric=False, version=2)
    gptq(folder, "gptq_whole_rows", 4, symmetric=True, group=K)
    gptq(folder, "gptq_2_bits", 2, symmetric=True)
    gptq(folder, "gptq_8_bits", 8, symmetric=False)
    gptq(folder, "gptq_act_order", 4, symmetric=True, order=True)
    awq(folder)
    compressed(folder, "compressed_4_bits", 4, symmetric=True)
    compressed(folder, "compressed_4_bits_asymmetric", 4, symmetric=False)
    compressed(folder, "compressed_8_bits", 8, symmetric=False)
    compressed(folder, "compressed_int8", 8, symmetric=True, form="int-quantized", group=K)
    bitsandbytes4(folder, "bitsandbytes_nf4", "nf4", nested=False)
    bitsandbytes4(folder, "bitsandbytes_nf4_nested", "nf4", nested=True)
    bitsandbytes4(folder, "bitsandbytes_fp4", "fp4", nested=False)
    bitsandbytes8(folder)
    blocks = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [12, 48]}
    float8(folder, "fp8_blocks", blocks, (12, 48), end="weight_scale_inv")
    whole = {"quant_method": "fp8", "activation_scheme": "static"}
    float8(folder, "fp8_whole_e5m2", whole, (N, K), dtype=torch.float8_e5m2, vector=True)
    float8(folder, "fbgemm_fp8", {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0}, (1, K))
    float8(folder, "modelopt_fp8", {"quant_method": "modelopt", "quant_algo": "FP8"}, (N, K), vector=True)
    float8(folder, "compressed_float8", compressed_float8("channel"), (1, K))
    float8(folder, "compressed_float8_groups", compressed_float8("group", group_size=16), (1, 16))
    float8(folder, "compressed_float8_blocks", compressed_float8("block", block_structure=[8, 32]), (8, 32))


if __name__ == "__main__":
    main()
