"""The rows about whole processes: start to first token, and memory. Each contestant is what its users would start.

A process loads the model, reads a prompt, writes some tokens and ends. Its time is taken from outside, from the start
to the end. Its anonymous memory too: RssAnon of /proc/PID/status, looked at every two milliseconds, the largest value.
That is what a process takes for itself; pages of mapped files, which the system can drop and all processes share, are
not in it. VmHWM, the kernel's own peak, would count them. OpenVINO runs in Python, as most of its users run it.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from common import MODELS, SWIFTLET, Missing, run
from contestant import Contestant, Reading
from llama_cpp import program
from swiftlet import environment
from vocabulary import random_text


def prompt_file(model, tokens):
    """A text of so many tokens (at most a few less), by the tokenizer of a native model."""
    text = random_text(tokens)
    lines = run(SWIFTLET, "tokenize", model, "--no-special", "--quiet", stdin=text + "\n")
    words, count = text.split(), len(lines.split())
    keep = int(len(words) * min(1, tokens / count))
    while len(run(SWIFTLET, "tokenize", model, "--no-special", "--quiet",
                  stdin=" ".join(words[:keep]) + "\n").split()) > tokens:
        keep -= 1
    path = MODELS / f"prompt-{tokens}.txt"
    path.write_text(" ".join(words[:keep]))
    return path


def run_and_watch(command, stdin, env):
    """(seconds, largest RssAnon in bytes) of a process that ends well."""
    begin = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdin=stdin, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, **env})
    status, peak = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        for line in status.read_text().splitlines():
            if line.startswith("RssAnon:"):
                peak = max(peak, int(line.split()[1]) * 1024)
        time.sleep(0.002)
    if process.returncode != 0:
        raise Missing(f"{Path(str(command[0])).name} ended with {process.returncode}")
    return time.perf_counter() - begin, peak


class ProcessContestant(Contestant):
    """what: "seconds" or "megabytes" (10⁶). model: a function that makes the file; native: one for the tokens."""

    def __init__(self, name, model, what, prompt, generate, native):
        super().__init__(name)
        self.model, self.what, self.prompt, self.generate, self.native = model, what, prompt, generate, native

    def open(self, settings):
        super().open(settings)
        self.path = self.model()
        self.text = prompt_file(self.native(), self.prompt)

    def measure(self):
        seconds = megabytes = float("inf")
        for _ in range(self.settings.runs):
            with open(self.text) as stdin:
                time_taken, peak = run_and_watch(self.command(), stdin, self.environment())
            seconds, megabytes = min(seconds, time_taken), min(megabytes, peak / 1e6)
        return Reading(seconds if self.what == "seconds" else megabytes)

    def environment(self):
        return {}


class SwiftletProcess(ProcessContestant):
    ours = True

    def command(self):
        return [SWIFTLET, "run", self.path, "-n", self.generate, "--ignore-eos", "--threads", self.settings.threads]

    def environment(self):
        return environment(self.settings)


class LlamaCppProcess(ProcessContestant):
    def open(self, settings):
        super().open(settings)
        if not program(settings, "llama-completion").exists():
            raise Missing("llama.cpp is not built: tools/rivals/install.sh builds it")

    def command(self):
        return [program(self.settings, "llama-completion"), "-m", self.path, "-f", self.text, "-n", self.generate,
                "-c", 2048, "-t", self.settings.threads, "--temp", 0, "--ignore-eos", "-no-cnv", "--no-warmup",
                "--no-display-prompt"]


class OpenVinoProcess(ProcessContestant):
    def command(self):
        return [sys.executable, Path(__file__).with_name("openvino_run.py"), self.path, self.text, self.generate,
                self.settings.threads]
