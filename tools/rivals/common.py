"""What the modules of this folder share: where things lie, how a program is run, what is said when one is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "rivals"  # everything that is installed or made lies here, and is kept
MODELS = WORK / "models"
SWIFTLET = ROOT / "build" / "release" / "bin" / "swiftlet"
sys.path.append(str(ROOT / "tools"))  # for what measuring scripts share


class Missing(Exception):
    """A contestant that cannot be had here. Its place in the tables stays empty, with this reason."""


def say(text):
    print(f"rivals: {text}", file=sys.stderr, flush=True)


def run(*command, stdin=None, env=None):
    """Standard output of the command; Missing, with the end of what it complained, when it fails or is not there."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, **(env or {})})
    except FileNotFoundError as error:
        raise Missing(f"{Path(words[0]).name} is not there") from error
    if done.returncode != 0:
        complaint = (done.stderr.strip() or "nothing said").splitlines()[-1][-300:]
        raise Missing(f"{Path(words[0]).name} ended with {done.returncode}: {complaint}")
    return done.stdout


def made_once(path, make):
    """The file or folder, made by make(draft) beside its place when it is not there, so that it appears whole."""
    if not path.exists():
        say(f"making {path.relative_to(WORK) if path.is_relative_to(WORK) else path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name("draft-" + path.name)
        if draft.is_dir():  # of a run that was broken off
            shutil.rmtree(draft)
        make(draft)
        draft.replace(path)
    return path
