"""Makes tests/data/sentence/<name>/: tiny random sentence encoders in the folders that sentence-transformers writes, one for
each pooling and module, and the vectors that it computes with them in float32, in golden.json.

    PYTHONPATH=<folder of sentence-transformers> python tools/reference/make_sentence_goldens.py
"""

import json
import shutil
import tempfile

from common import DATA, torch_reference, versions

torch = torch_reference()

from sentence_transformers import SentenceTransformer  # noqa: E402
from sentence_transformers.models import Dense, LayerNorm, Normalize, Pooling, Transformer  # noqa: E402
from transformers import BertConfig, BertModel  # noqa: E402

from make_task_goldens import BERT, TEXTS, tokenizer_of  # noqa: E402
from make_tiny_models import randomise  # noqa: E402

WIDTH = BERT["hidden_size"]
MODES = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
PROMPTS = {"query": "where is the ", "passage": "", "long": "the swift: of houses and towers "}

# name: modes, modules behind the pooling, whether prompts are pooled, default prompt
MODELS = {
    "dense": (("cls", "max"), lambda: [Dense(2 * WIDTH, 8), Normalize()], True, None),
    "layer-norm": (("mean_sqrt_len_tokens",), lambda: [LayerNorm(WIDTH)], True, None),
    "residual": (("weightedmean",),
                 lambda: [Dense(WIDTH, WIDTH, activation_function=torch.nn.Identity(), use_residual=True),
                          Dense(WIDTH, 8, bias=False, activation_function=torch.nn.GELU(), use_residual=True)],
                 True, None),
    "last-token": (("lasttoken",), lambda: [Normalize()], True, "query"),
    "every-mode": (tuple(MODES), lambda: [], True, None),
    "no-prompt": (tuple(MODES), lambda: [Normalize()], False, "long"),
}


def make(name, seed):
    modes, layers, include_prompt, default = MODELS[name]
    folder = DATA / "sentence" / name
    shutil.rmtree(folder, ignore_errors=True)
    generator = torch.Generator().manual_seed(seed)
    with tempfile.TemporaryDirectory() as place:
        model = BertModel(BertConfig(**BERT), add_pooling_layer=False)
        model.config.architectures = ["BertModel"]
        randomise(model, generator)
        model.to(torch.bfloat16).save_pretrained(place)
        tokenizer_of("BertModel").save_pretrained(place)
        transformer = Transformer(place, max_seq_length=32, model_kwargs={"dtype": torch.float32})
    modules = [transformer, Pooling(WIDTH, pooling_mode=modes, include_prompt=include_prompt)]
    for layer in layers():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / max(1, parameter.shape[-1]) ** 0.5)
        modules.append(layer)
    model = SentenceTransformer(modules=modules, prompts=PROMPTS, default_prompt_name=default, device="cpu")
    model.save(str(folder), create_model_card=False)
    results = [{"prompt": prompt or "", "text": text,
                "vector": model.encode(text, prompt_name=prompt).tolist()}
               for prompt in (None, "query", "long") for text in TEXTS]
    note = {"made_by": "tools/reference/make_sentence_goldens.py"} | versions("sentence-transformers", "transformers",
                                                                              "torch")
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in results)
    (folder / "golden.json").write_text(f'{{"note": {json.dumps(note)},\n"results": [\n{lines}\n]}}\n')
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    print(f"{name:16} {sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / 1e3:7.1f} kB")


if __name__ == "__main__":
    for index, model_name in enumerate(MODELS):
        make(model_name, 9000 + index)
