"""The forms of a sentence encoder that the contestants run, each made once and kept: native, ONNX and OpenVINO's."""

import json

from checkpoints import encoder_folder
from common import MODELS, made_once
from decoder_models import compress
from sentences import all_sentences, feed, tokenize

NAMES = ["input_ids", "attention_mask", "token_type_ids"]
CALIBRATION = 300  # texts that OpenVINO's quantization sees


def native(shape):
    return made_once(MODELS / shape.name / "int8.swiftlet",
                     lambda path: compress(encoder_folder(shape), path, ["--weights", "int8"]))


def sentence_encoder(folder):
    """The model with mean pooling and normalization, as every contestant computes it."""
    import torch
    from transformers import AutoModel

    class SentenceEncoder(torch.nn.Module):
        def __init__(self, attention):
            super().__init__()
            self.encoder = AutoModel.from_pretrained(folder, attn_implementation=attention).eval()

        def forward(self, input_ids, attention_mask, token_type_ids):
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask,
                                  token_type_ids=token_type_ids).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    return SentenceEncoder


def onnx_f32(shape):
    def export(path):
        import torch

        example = feed([[101, 7592, 102], [101, 102]])
        torch.onnx.export(sentence_encoder(encoder_folder(shape))("eager"),
                          tuple(torch.from_numpy(example[name]) for name in NAMES), str(path), input_names=NAMES,
                          output_names=["embedding"], opset_version=17, dynamo=False,
                          dynamic_axes={name: {0: "batch", 1: "tokens"} for name in NAMES}
                          | {"embedding": {0: "batch"}})

    return made_once(MODELS / shape.name / "f32.onnx", export)


def onnx_fused(shape):
    """With ONNX Runtime's own fusion of the attention, GELU and norms of BERT."""
    def fuse(path):
        from onnxruntime.transformers import optimizer

        optimizer.optimize_model(str(onnx_f32(shape)), model_type="bert", num_heads=shape.heads,
                                 hidden_size=shape.hidden).save_model_to_file(str(path))

    return made_once(MODELS / shape.name / "f32-fused.onnx", fuse)


def onnx_int8(shape):
    """{name: path}: weights int8 by tensor or by channel, activations at run time; as exported and fused."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    variants = {}
    for source in (onnx_f32(shape), onnx_fused(shape)):
        for channels in (False, True):
            name = source.stem.replace("f32", "int8") + ("-per-channel" if channels else "")
            variants[name] = made_once(MODELS / shape.name / f"{name}.onnx", lambda path, source=source,
                                       channels=channels: quantize_dynamic(
                str(source), str(path), per_channel=channels, weight_type=QuantType.QInt8,
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT}))
    return variants


def openvino_int8(shape):
    """{name: path}: weights and activations, calibrated by NNCF; and weights alone, activations at run time."""
    import nncf
    import openvino as ov

    def calibrated(folder):
        ids = tokenize(shape, all_sentences()[:: max(1, 3000 // CALIBRATION)])
        data = nncf.Dataset([feed([sequence]) for sequence in ids])
        save(nncf.quantize(ov.Core().read_model(onnx_f32(shape)), data, model_type=nncf.ModelType.TRANSFORMER,
                           preset=nncf.QuantizationPreset.PERFORMANCE, subset_size=len(ids)), folder)

    def weights(folder):
        save(nncf.compress_weights(ov.Core().read_model(onnx_f32(shape)), mode=nncf.CompressWeightsMode.INT8_SYM),
             folder)

    def save(model, folder):
        folder.mkdir(exist_ok=True)
        ov.save_model(model, folder / "model.xml")

    base = MODELS / shape.name
    return {"calibrated": made_once(base / "openvino-calibrated", calibrated) / "model.xml",
            "weights": made_once(base / "openvino-weights", weights) / "model.xml"}


def variants_of(engine, shape):
    """{name: path} of what the engine may run."""
    if engine == "torch":
        return {"f32": encoder_folder(shape)}
    return onnx_int8(shape) if engine == "onnxruntime" else openvino_int8(shape)


def choice_file(shape, engine, threads):
    return MODELS / shape.name / f"choice-{engine}-{threads}.json"


def read_choice(path):
    return json.loads(path.read_text()) if path.exists() else None
