#!/usr/bin/env python3
"""Swiftlet and huggingface_hub share one cache: each must find, offline, what the other has downloaded.

Starts the test server of tests/tools/hub_server.cpp over models of this repository. Needs a build with tests.

    tools/reference/compare_hub_cache.py [BUILD_DIR]
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = {"tales/stories-7m": "assets/stories-7m", "sentences/dense": "tests/data/sentence/dense",
          "tiny/bert": "tests/data/models/bert-gelu"}


def contents(folder):
    """Every file below a folder by its path, links followed."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*"))
            if path.is_file()}


def expect(what, condition):
    if not condition:
        sys.exit(f"compare_hub_cache: {what}")
    print(f"  {what}")


def swiftlet(build, *words, **environment):
    result = subprocess.run([build / "bin/swiftlet", *words], env={**os.environ, **environment}, text=True,
                            capture_output=True)
    if result.returncode != 0:
        sys.exit(f"compare_hub_cache: swiftlet {' '.join(words)}: {result.stderr}")
    return result.stdout.strip()


def ours_then_theirs(build, work):
    from huggingface_hub import hf_hub_download, snapshot_download

    for name, folder in MODELS.items():
        print(f"{name}: downloaded by swiftlet")
        path = Path(swiftlet(build, "download", name))
        expect("snapshot_download(local_files_only=True) gives the same folder",
               Path(snapshot_download(name, local_files_only=True)) == path)
        for file, data in contents(path).items():
            expect(f"hf_hub_download finds {file}",
                   Path(hf_hub_download(name, file, local_files_only=True)).read_bytes() == data ==
                   (ROOT / folder / file).read_bytes())
        before = {blob: blob.stat().st_mtime_ns for blob in (path.parent.parent / "blobs").iterdir()}
        expect("snapshot_download with the network keeps every blob",
               Path(snapshot_download(name)) == path and
               all(blob.stat().st_mtime_ns == time for blob, time in before.items()))
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained("tales/stories-7m", local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained("tales/stories-7m", local_files_only=True)
    ids = tokenizer("Once upon a time", return_tensors="pt")
    theirs = tokenizer.decode(model.generate(**ids, max_new_tokens=8, do_sample=False)[0], skip_special_tokens=True)
    ours = swiftlet(build, "run", "tales/stories-7m", "Once upon a time", "-n", "8", "--echo", "--quiet", "--offline",
                    "--precision", "f32")
    expect(f"transformers loads it offline and says the same: {theirs!r}", theirs == ours)


def theirs_then_ours(build, work):
    from huggingface_hub import snapshot_download

    for name in MODELS:
        print(f"{name}: downloaded by huggingface_hub")
        path = Path(snapshot_download(name))
        found = json.loads(swiftlet(build, "download", name, "--offline", "--json"))
        expect("swiftlet finds it offline", Path(found["path"]) == path)
        found = json.loads(swiftlet(build, "download", name, "--json"))
        expect("and downloads nothing again", found["downloaded_bytes"] == 0 and Path(found["path"]) == path)


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release").resolve()
    server_program = next(build.rglob("hub_server"))
    with tempfile.TemporaryDirectory() as work:
        for name, folder in MODELS.items():
            shutil.copytree(ROOT / folder, Path(work) / "served" / name)
        server = subprocess.Popen([server_program, Path(work) / "served"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        os.environ.update({"HF_ENDPOINT": server.stdout.readline().strip(), "no_proxy": "127.0.0.1",
                           "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"})
        try:
            step, home = sys.argv[2:] or (None, None)
            if step:
                os.environ["HF_HOME"] = home
                globals()[step](build, Path(work))
                return
            # Each in a process of its own: huggingface_hub reads its variables once.
            for step in ["ours_then_theirs", "theirs_then_ours"]:
                subprocess.run([sys.executable, __file__, build, step, Path(work) / step], check=True)
            print("both programs find everything")
        finally:
            server.stdin.close()
            server.wait()


if __name__ == "__main__":
    main()
