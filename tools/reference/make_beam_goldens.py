#!/usr/bin/env python3
"""Writes tests/data/stories-7m/beams.json: beam search by transformers in float32 over the bundled stories-7m.

Each case has the options, the prompt's ids, the end tokens (a full stop and others besides the model's own, or few
hypotheses would end) and for each of the n best its new tokens, without the end token, and its score.

usage: make_beam_goldens.py      needs torch and transformers
"""
import itertools
import json

from common import ASSETS, DATA, torch_reference, versions

torch = torch_reference()
import transformers  # noqa: E402

PROMPTS = ["Once upon a time there was a", "The king said", "In the morning, the fox"]
GRID = list(itertools.product((2, 3, 4, 7), (0.0, 1.0, 2.5, -1.0), (False, True, "never")))
NEW_TOKENS = 14


def main():
    folder = ASSETS / "stories-7m"
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32,
                                                              attn_implementation="eager").eval()
    ends = [0] + [tokenizer.encode(text)[0] for text in (".", ",", " and")]
    cases = []
    for index, (beams, penalty, early) in enumerate(GRID):
        ids = tokenizer(PROMPTS[index % len(PROMPTS)], return_tensors="pt")["input_ids"]
        some = ends if index % 2 else ends[:2]
        repetition = 1.3 if index % 5 == 0 else 1.0
        out = model.generate(ids, num_beams=beams, num_return_sequences=beams, length_penalty=penalty,
                             early_stopping=early, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=some,
                             pad_token_id=0, repetition_penalty=repetition, return_dict_in_generate=True,
                             output_scores=True)
        best = []
        for i, sequence in enumerate(out.sequences):
            tokens = sequence[ids.shape[1]:].tolist()
            end = next((n for n, token in enumerate(tokens) if token in some), len(tokens))
            score = round(out.sequences_scores[i].item(), 6)
            best.append({"tokens": tokens[:end], "ended": end < len(tokens), "score": score})
        cases.append({"beams": beams, "length_penalty": penalty, "early_stopping": str(early).lower(),
                      "repetition_penalty": repetition, "prompt": ids[0].tolist(), "ends": some, "best": best})
    path = DATA / "stories-7m" / "beams.json"
    document = {"made_by": "tools/reference/make_beam_goldens.py", "new_tokens": NEW_TOKENS,
                "versions": versions("transformers", "torch"), "cases": cases}
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(f"{path.name}: {len(cases)} cases, {sum(b['ended'] for c in cases for b in c['best'])} hypotheses that ended")


if __name__ == "__main__":
    main()
