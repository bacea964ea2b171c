"""What takes part in a row: something that can be measured again and again, in turns with the others.

    open()      makes what it needs and starts what stays alive; Missing when it cannot be had
    measure()   one Reading, the best of a few runs
    close()
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from common import Missing

PYTHON = sys.executable
WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Settings:
    threads: int
    runs: int = 3  # of one contestant in one round; the best counts
    avx2: bool = False
    quick: bool = False


@dataclass
class Reading:
    value: float  # in the unit of the row
    rate: float = 0  # bytes read or operations of matrix products in a second; 0: not known
    limits: dict = field(default_factory=dict)  # what Swiftlet measured beside it: read, f32, bf16, int8, per second
    extra: dict = field(default_factory=dict)  # more figures, by name


class Contestant:
    ours = False

    def __init__(self, name):
        self.name = name

    def open(self, settings):
        self.settings = settings

    def measure(self):
        raise NotImplementedError

    def close(self):
        pass


class DecoderContestant(Contestant):
    """what: "decode" or "prefill", in tokens/s, at a depth of the cache. model: a function that makes the file."""

    def __init__(self, name, model, shape, what, prompt, generate, batch=1, depth=0):
        super().__init__(name)
        self.model, self.shape, self.what = model, shape, what
        self.prompt, self.generate, self.batch, self.depth = prompt, generate, batch, depth


class WorkerContestant(Contestant):
    """A process that loads once and then answers requests, a line of JSON each: engines in Python."""

    process = None

    def start(self, kind, **options):
        self.process = subprocess.Popen([PYTHON, WORKER, kind, json.dumps(options, default=str)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        return self.answer()

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            complaint = (self.process.stderr.read().strip() or "nothing said").splitlines()[-1][-300:]
            self.close()
            raise Missing(f"{self.name}: {complaint}")
        return json.loads(line)

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.stderr.close()
            self.process.wait()
            self.process = None
