"""openvino_run.py MODEL PROMPT_FILE TOKENS THREADS: OpenVINO GenAI continues a text, as its users would have it.

The compiled model is kept in a cache beside the model, so that every start but the first finds it.
"""

import sys
from pathlib import Path

import openvino_genai as genai

model, prompt, tokens, threads = sys.argv[1:]
pipeline = genai.LLMPipeline(model, "CPU", INFERENCE_NUM_THREADS=int(threads), CACHE_DIR=str(Path(model) / "cache"))
config = genai.GenerationConfig(max_new_tokens=int(tokens), ignore_eos=True, do_sample=False, apply_chat_template=False)
print(pipeline.generate(Path(prompt).read_text(), config))
