"""The rows: what is measured, with whom, and what is aimed at. A new row is a function and a line of ROWS."""

import decoder_models as forms
import encoder_models
from checkpoints import BERT_BASE, MINILM, QWEN2_05B, QWEN2_15B, SMALL, SMALL_BERT
from encoders import EncoderRival
from genai import OpenVinoDecoder
from llama_cpp import LlamaCpp
from mix import mix_notes
from processes import LlamaCppProcess, OpenVinoProcess, SwiftletProcess
from row import Row, Target
from sentences import text_file
from swiftlet import SwiftletDecoder, SwiftletEncoder

DEPTH, CONTEXT = 2048, 2048


def half_billion(settings):
    return SMALL if settings.quick else QWEN2_05B


def decoders(settings, shape, native, quantized, openvino, **work):
    """Swiftlet on native files, llama.cpp on its own, OpenVINO. "file:" before a form: llama.cpp's very file."""
    def contestant(kind, engine, form, make):
        own = form.removeprefix("file:")
        if own != form:
            return kind(f"{engine}, the {own} file", lambda: forms.quantized(shape, own), shape, **work)
        return kind(f"{engine}, {form}", lambda: make(shape, form), shape, **work)

    everyone = [contestant(SwiftletDecoder, "Swiftlet", form, forms.native) for form in native]
    everyone += [contestant(LlamaCpp, "llama.cpp", form, forms.quantized) for form in quantized]
    if not settings.avx2:
        everyone += [contestant(OpenVinoDecoder, "OpenVINO", form, forms.openvino) for form in openvino]
    return everyone


def decode(settings, native, quantized, openvino, shape=None, **work):
    work = {"what": "decode", "prompt": 1, "generate": 8 if settings.quick else 64, **work}
    return decoders(settings, shape or half_billion(settings), native, quantized, openvino, **work)


def prefill(settings, native, quantized, openvino):
    return decoders(settings, half_billion(settings), native, quantized, openvino, what="prefill",
                    prompt=64 if settings.quick else 512, generate=2)


def of_4_bits(settings):
    """Many rows: the first is the one that the machine multiplies fastest."""
    return ["int4-g32", "q4_r", "file:Q4_0"] if settings.avx2 else ["q4_r", "int4-g32", "file:Q4_0"]


def prefill_of_4_bits(settings):
    return prefill(settings, of_4_bits(settings), ["Q4_0"], ["int4-g32"])


def at_depth(settings):
    return decode(settings, ["file:Q4_0", "int4-g32"], ["Q4_0"], ["int4-g32"], depth=64 if settings.quick else DEPTH)


def sixteen(settings):
    return decode(settings, of_4_bits(settings), ["Q4_0"], ["int4-g32"], prompt=16 if settings.quick else 128,
                  batch=4 if settings.quick else 16)


def billion_and_half(settings):
    shape = SMALL if settings.quick else QWEN2_15B
    return decode(settings, ["file:Q4_K_M"], ["Q4_K_M"], ["file:Q4_K_M"], shape=shape)


def sentence_encoders(settings, shape, what, texts):
    everyone = [SwiftletEncoder("Swiftlet, int8", lambda: encoder_models.native(shape), shape, what,
                                lambda: text_file(shape, texts))]
    if not settings.avx2:
        everyone += [EncoderRival("OpenVINO", "openvino", shape, what),
                     EncoderRival("ONNX Runtime", "onnxruntime", shape, what),
                     EncoderRival("torch", "torch", shape, what)]
    return everyone


def encode(settings, shape):
    return sentence_encoders(settings, SMALL_BERT if settings.quick else shape, "tokens_per_second", "some")


def one_sentence(settings):
    return sentence_encoders(settings, MINILM, "forward_seconds_p50", "one")


def whole_processes(settings, what, prompt, generate):
    shape = half_billion(settings)
    work = dict(what=what, prompt=prompt, generate=generate, native=lambda: forms.native(shape, "int4-g32"))
    everyone = [SwiftletProcess("Swiftlet, int4-g32", lambda: forms.native(shape, "int4-g32"), **work),
                LlamaCppProcess("llama.cpp, Q4_0", lambda: forms.quantized(shape, "Q4_0"), **work)]
    if not settings.avx2:
        everyone.append(OpenVinoProcess("OpenVINO, int4-g32", lambda: forms.openvino(shape, "int4-g32"), **work))
    return everyone


ROWS = [
    Row("decode-8bit", "Decode, Qwen2-0.5B shape, 8 bits in groups of 32", "tokens/s", Target(1.15, share=90),
        lambda s: decode(s, ["int8-g32", "file:Q8_0"], ["Q8_0"], ["int8"]), limit="read", digits=1),
    Row("decode-q4_0", "Decode, Qwen2-0.5B shape, Q4_0: 4 bits in groups of 32, head of 8 bits", "tokens/s",
        Target(1.12), lambda s: decode(s, ["file:Q4_0", "int4-g32"], ["Q4_0"], ["int4-g32"]), limit="read", digits=1),
    Row("decode-mix", "Decode, Qwen2-0.5B shape, Swiftlet's own 4-bit mix against Q4_0", "tokens/s", Target(1.35),
        lambda s: decode(s, ["mix"], ["Q4_0"], ["int4-g32"]), limit="read", digits=1, notes=mix_notes),
    Row("decode-q4_k_m", "Decode, Qwen2-1.5B shape, the same Q4_K_M file", "tokens/s", Target(1.2), billion_and_half,
        limit="read", digits=1),
    Row("decode-depth", f"Decode behind {DEPTH} tokens, Qwen2-0.5B shape, Q4_0", "tokens/s", Target(1.5, fall=15),
        at_depth, limit="read", digits=1),
    Row("prefill-int8", "Prefill of 512 tokens, Qwen2-0.5B shape, int8 by channel", "tokens/s",
        Target(1.5, share=55), lambda s: prefill(s, ["int8"], ["Q8_0"], ["int8"]), limit="int8"),
    Row("prefill-int4", "Prefill of 512 tokens, Qwen2-0.5B shape, 4 bits (4.5 with scales)", "tokens/s",
        Target(1.8, share=45), prefill_of_4_bits, limit="int8"),
    Row("prefill-16bit", "Prefill of 512 tokens, Qwen2-0.5B shape, weights of 16 bits", "tokens/s", Target(1.6),
        lambda s: prefill(s, ["bf16"], ["f16", "BF16"], ["f16"]), limit="bf16"),
    Row("batch-16", "16 sequences of 128 tokens and 64 more, Qwen2-0.5B shape, 4 bits: generated tokens",
        "tokens/s", Target(2.2), sixteen, runs=1),
    Row("minilm", "Sentences of STS-B, all-MiniLM-L6-v2, int8", "tokens/s", Target(1.45),
        lambda s: encode(s, MINILM), limit="int8"),
    Row("bert-base", "Sentences of STS-B, BERT-base shape, int8", "tokens/s", Target(1.15),
        lambda s: encode(s, BERT_BASE), limit="int8", runs=2),
    Row("one-sentence", "One sentence of 16 tokens, all-MiniLM-L6-v2, int8: median time", "ms", Target(1.5),
        one_sentence, lower_is_better=True, digits=3),
    Row("start", "Start to first token, Qwen2-0.5B shape, 4 bits: the whole process", "s", Target(at_most=0.25),
        lambda s: whole_processes(s, "seconds", 16, 1), lower_is_better=True, digits=3),
    Row("memory", f"Anonymous memory at its peak, Qwen2-0.5B shape, 4 bits, a context of {CONTEXT}", "MB",
        Target(at_most=150),
        lambda s: whole_processes(s, "megabytes", 64 if s.quick else CONTEXT - 80, 8 if s.quick else 64),
        lower_is_better=True, digits=1, runs=1),
]
