"""Whether Swiftlet's own 4-bit mix keeps as much of a model as llama.cpp's Q4_0 does.

Random weights cannot tell: the divergence (KL, nats a token) of both from the original is measured on the bundled
stories-7m, which was trained, over the same text.
"""

import json

from common import MODELS, ROOT, SWIFTLET, Missing, made_once, run
from decoder_models import LLAMA, NATIVE, compress

STORIES = ROOT / "assets" / "stories-7m"
TEXT = ROOT / "assets" / "text" / "stories-valid.txt.gz"
WINDOWS = 100


def divergence(model):
    return json.loads(run(SWIFTLET, "eval", model, "--task", "kl", "--reference", STORIES, "--data", TEXT, "--context",
                          256, "--stride", 128, "--limit", WINDOWS, "--json", "--quiet"))["kl_divergence"]


def mix_notes():
    folder = MODELS / "stories-7m"
    folder.mkdir(parents=True, exist_ok=True)
    mix = folder / "mix.swiftlet"  # made anew: the options may be others than last time
    try:
        compress(STORIES, mix, NATIVE["mix"])
        f16 = made_once(folder / "f16.gguf", lambda path: run(SWIFTLET, "convert", STORIES, "-o", path, "--quiet"))
        q4_0 = made_once(folder / "Q4_0.gguf", lambda path: run(LLAMA / "llama-quantize", f16, path, "Q4_0"))
        ours, theirs = divergence(mix), divergence(q4_0)
    except Missing as reason:
        return [f"The divergence of the mix was not measured: {reason}"], False
    keeps = ours <= theirs
    verdict = "The mix keeps as much." if keeps else "**The mix keeps less: the row does not count.**"
    figures = f"the mix {ours:.4f}, Q4_0 {theirs:.4f} nats a token"
    return [f"KL divergence from the original on stories-7m: {figures}. {verdict}"], keeps
