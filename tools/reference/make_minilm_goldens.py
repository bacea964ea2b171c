"""Makes tests/data/minilm/: what all-MiniLM-L6-v2 answers in float32 through transformers, by the recipe of its folder
(mean of the last hidden states, then unit length; at most 256 tokens, the two special ones included).

    golden.safetensors   input_ids.<i> i32 [T] and embeddings f32 [24, 384] for the lines of sentences.txt;
                         hidden.0.<layer> f32 [T, 384] of the first sentence, layer 0 the output of the embeddings;
                         stsb_dev_cosine f32 [1500], the cosine of each row of assets/stsb/dev.csv
    reference.json       Spearman and Pearson of those cosines with the scores (scipy)

Each sentence is computed by itself, unpadded.

    python tools/reference/make_minilm_goldens.py MINILM_FOLDER
"""

import csv
import json
import sys
from pathlib import Path

from common import ASSETS, DATA, torch_reference, versions

torch = torch_reference()

from safetensors.torch import save_file  # noqa: E402
from scipy.stats import pearsonr, spearmanr  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import BertModel  # noqa: E402

OUT = DATA / "minilm"


class Reference:
    def __init__(self, folder):
        limit = json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(limit)
        self.model = BertModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    def ids(self, text):
        return torch.tensor(self.tokenizer.encode(text).ids, dtype=torch.int32)

    def embed(self, text):
        hidden = self.model(input_ids=self.ids(text)[None].long()).last_hidden_state[0]
        return torch.nn.functional.normalize(hidden.mean(dim=0), dim=0)


def stsb(reference):
    with open(ASSETS / "stsb" / "dev.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    cosine = torch.stack([reference.embed(first) @ reference.embed(second) for first, second, _ in rows])
    return cosine, [float(score) for _, _, score in rows]


def main():
    reference = Reference(Path(sys.argv[1]))
    sentences = (OUT / "sentences.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    tensors = {f"input_ids.{i}": reference.ids(text) for i, text in enumerate(sentences)}
    tensors["embeddings"] = torch.stack([reference.embed(text) for text in sentences])
    first = reference.model(input_ids=tensors["input_ids.0"][None].long(), output_hidden_states=True)
    tensors |= {f"hidden.0.{layer}": hidden[0].clone() for layer, hidden in enumerate(first.hidden_states)}
    tensors["stsb_dev_cosine"], scores = stsb(reference)
    save_file(tensors, OUT / "golden.safetensors")
    (OUT / "golden.safetensors").chmod(0o644)

    cosine = tensors["stsb_dev_cosine"].double().numpy()
    result = {"made_by": "tools/reference/make_minilm_goldens.py", **versions("transformers", "torch", "scipy"),
              "stsb_dev": {"rows": len(scores), "spearman": float(spearmanr(cosine, scores).statistic),
                           "pearson": float(pearsonr(cosine, scores).statistic)}}
    (OUT / "reference.json").write_text(json.dumps(result, indent=2) + "\n")
    print(result["stsb_dev"], sorted(len(tensors[f"input_ids.{i}"]) for i in range(len(sentences))))


if __name__ == "__main__":
    main()
