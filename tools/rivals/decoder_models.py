"""The forms of a decoder that the contestants run, each made once from the same random weights and kept."""

import shutil

from checkpoints import decoder_folder, decoder_gguf
from common import MODELS, SWIFTLET, WORK, Missing, made_once, run

LLAMA = WORK / "llama.cpp" / "build" / "bin"
LLAMA_AVX2 = WORK / "llama.cpp" / "build-avx2" / "bin"

# Options of `swiftlet compress`. In all of them the table of tokens, which is the head too, has 8 bits as in the files
# of llama.cpp, but for the mix, which may be anything that keeps as much of the model as Q4_0 does (see mix.py).
NATIVE = {
    "int8-g32": ["--weights", "int8", "--group", "32"],
    "int8": ["--weights", "int8"],
    "int4-g32": ["--weights", "int4", "--group", "32", "--embeddings", "int8"],
    "bf16": ["--weights", "bf16"],
    "q4_r": ["--weights", "q4_r", "--embeddings", "int8"],
    "mix": ["--weights", "q4_r", "--embeddings", "q5_0"],
}
# Of nncf.compress_weights.
OPENVINO = {
    "f16": None,
    "int8": dict(mode="INT8_SYM"),
    "int4-g32": dict(mode="INT4_SYM", group_size=32, ratio=1.0),
}


def native(shape, form):
    """Made anew when its options have changed."""
    path = MODELS / shape.name / f"{form}.swiftlet"
    made_with, options = path.with_suffix(".options"), " ".join(NATIVE[form])
    if path.exists() and not (made_with.exists() and made_with.read_text() == options):
        path.unlink()
    made_once(path, lambda draft: compress(decoder_folder(shape), draft, NATIVE[form]))
    made_with.write_text(options)
    return path


def compress(source, path, options):
    """The program wants the extension, which the name of a draft has kept."""
    run(SWIFTLET, "compress", source, "-o", path, *options, "--quiet")


def quantized(shape, form):
    """llama.cpp's own file: Q8_0, Q4_0, Q4_K_M, BF16."""
    if form == "f16":
        return decoder_gguf(shape)
    return made_once(MODELS / shape.name / f"{form}.gguf", lambda path: run(
        LLAMA / "llama-quantize", decoder_gguf(shape), path, form))


def openvino(shape, form):
    """A folder as GenAI wants it: its own reading of the f16 GGUF file, with weights compressed by NNCF."""
    def read(folder):
        try:
            import openvino_genai as genai
        except ImportError as error:
            raise Missing(f"openvino_genai: {error}") from error
        source = folder.with_name("openvino-source")
        source.mkdir(exist_ok=True)
        link = source / "model.gguf"  # GenAI writes what it made of the file beside it
        link.unlink(missing_ok=True)
        link.symlink_to(decoder_gguf(shape))
        genai.LLMPipeline(str(link), "CPU", enable_save_ov_model=True)
        link.unlink()
        source.rename(folder)

    def compressed(folder):
        try:
            import nncf
            import openvino as ov
        except ImportError as error:
            raise Missing(f"openvino, nncf: {error}") from error
        source = openvino(shape, "f16")
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("openvino_model.*"))
        options = dict(OPENVINO[form])
        mode = getattr(nncf.CompressWeightsMode, options.pop("mode"))
        model = nncf.compress_weights(ov.Core().read_model(source / "openvino_model.xml"), mode=mode, **options)
        ov.save_model(model, folder / "openvino_model.xml")

    return made_once(MODELS / shape.name / f"openvino-{form}", read if form == "f16" else compressed)
