"""Makes tests/data/tasks/<name>/: tiny random models with a tokenizer and a head, and what the pipelines of transformers
(the cross-encoder of sentence-transformers for `reranker`) answer with them in float32, in golden.json.

transformers 5 has no pipeline for question answering any more, so `spans` is compared with the definition written out
here: softmax of begins and ends over the context and the first token, products, whole words, sums over equal texts,
windows by the tokenizer.

    PYTHONPATH=<folder of sentence-transformers> python tools/reference/make_task_goldens.py
"""

import json
import shutil

from common import DATA, torch_reference, versions

torch = torch_reference()

import numpy as np  # noqa: E402
import transformers  # noqa: E402
from tokenizers import AddedToken, processors  # noqa: E402
from transformers import PreTrainedTokenizerFast, pipeline  # noqa: E402

from make_tiny_models import BERT_VOCAB, LLAMA_VOCAB, byte_level_bpe, randomise, word_piece  # noqa: E402

BERT = dict(vocab_size=BERT_VOCAB, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
            max_position_embeddings=48, type_vocab_size=2, pad_token_id=0)
ROBERTA = BERT | dict(vocab_size=LLAMA_VOCAB + 3, type_vocab_size=1, max_position_embeddings=49)
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]

TEXTS = ["The swift is a small bird.", "Nobody had taught it the way, and yet it finds the lakes!",
         "Swifts return from the south in early summer", "", "é déjà vu — 鳥 nest 🐦 of wings", "it's over-the-air (2 or 3 years)."]
PAIRS = [("The swift is a bird.", "It sleeps on the wing."), ("winter", "The lakes and the forests of the south"),
         ("small", "a")]
MASKED = ["The [MASK] is a small bird.", "it [MASK] the lakes and [MASK] the forests", "[MASK]"]
CHOICES = [("The swift", ["is a bird", "flies over the old houses and towers", "sleeps"]), ("summer is", ["over", "far"])]
DOCUMENTS = ["The swift is a small bird.", "Old houses and towers", "They nest under the roofs in early summer", "a bird"]
CONTEXT = ("The swift is a small bird that spends most of its life in the air. It eats, drinks and even sleeps on the "
           "wing. In the early summer swifts return from the south and nest under the roofs of old houses.")
QUESTIONS = [("Where does it sleep?", CONTEXT[:70]), ("When do the swifts return?", CONTEXT),
             ("Who?", "A bird — déjà vu — in the air.")]


def labels(names):
    return dict(id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})


MODELS = {
    "sentiment": ("BertForSequenceClassification", BERT | labels(["negative", "neutral", "positive"])),
    "topics": ("BertForSequenceClassification",
               BERT | labels(["birds", "lakes", "seasons", "towers"]) | dict(problem_type="multi_label_classification")),
    "rating": ("BertForSequenceClassification", BERT | labels(["stars"]) | dict(problem_type="regression")),
    "reranker": ("BertForSequenceClassification", BERT | dict(num_labels=1)),
    "entities": ("BertForTokenClassification", BERT | labels(ENTITIES)),
    "entities-bytes": ("RobertaForTokenClassification", ROBERTA | labels(ENTITIES)),
    "spans": ("BertForQuestionAnswering", BERT),
    "masked": ("BertForMaskedLM", BERT),
    "masked-bytes": ("RobertaForMaskedLM", ROBERTA),
    "choices": ("BertForMultipleChoice", BERT),
}


def tokenizer_of(class_name):
    if class_name.startswith("Bert"):
        return PreTrainedTokenizerFast(tokenizer_object=word_piece(), model_max_length=48, cls_token="[CLS]",
                                       sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]",
                                       model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    bpe = byte_level_bpe()
    bpe.add_special_tokens(["<s>", "</s>", AddedToken("<mask>", lstrip=True, special=True)])
    bpe.post_processor = processors.RobertaProcessing(("</s>", 321), ("<s>", 320), trim_offsets=True,
                                                      add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, model_max_length=48, cls_token="<s>", sep_token="</s>",
                                   bos_token="<s>", eos_token="</s>", pad_token="<|endoftext|>",
                                   mask_token="<mask>", model_input_names=["input_ids", "attention_mask"])


def plain(value):
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def classify(model, tokenizer):
    run = pipeline("text-classification", model=model, tokenizer=tokenizer)
    inputs = [dict(text=text) for text in TEXTS] + [dict(text=a, text_pair=b) for a, b in PAIRS]
    return [{"input": item, "labels": run(item, top_k=None)} for item in inputs]


def rerank(folder):
    from sentence_transformers import CrossEncoder
    model = CrossEncoder(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    ranks = model.rank("the swift", DOCUMENTS)
    return {"query": "the swift", "documents": DOCUMENTS,
            "ranks": [{"document": int(rank["corpus_id"]), "score": float(rank["score"])} for rank in ranks]}


def tag(model, tokenizer):
    out = []
    for aggregation in ("none", "simple", "first", "average", "max"):
        run = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy=aggregation)
        for text in TEXTS:
            if text:
                out.append({"text": text, "aggregation": aggregation, "entities": [
                    {"label": entity.get("entity_group", entity.get("entity")), "score": entity["score"],
                     "begin": entity["start"], "end": entity["end"]} for entity in run(text)]})
    return out


def fill(model, tokenizer, texts):
    run = pipeline("fill-mask", model=model, tokenizer=tokenizer)
    out = []
    for text in texts:
        found = run(text, top_k=4)
        found = found if isinstance(found[0], list) else [found]
        out.append({"text": text, "masks": [[{"token": word["token"], "word": word["token_str"],
                                              "score": word["score"]} for word in mask] for mask in found]})
    targets = run(texts[0], targets=["swift", "bird"])
    return {"texts": out, "targets": [{"token": word["token"], "score": word["score"]} for word in targets]}


def choose(model, tokenizer):
    out = []
    for text, choices in CHOICES:
        logits = [model(input_ids=row["input_ids"][None], token_type_ids=row["token_type_ids"][None]).logits
                  for row in ({key: value for key, value in tokenizer(text, choice, return_tensors="pt").items()}
                              for choice in choices)]
        out.append({"text": text, "choices": choices, "scores": torch.cat(logits, -1)[0].softmax(-1).tolist()})
    return out


def answers(model, tokenizer, question, context, top_k, impossible, window=40, stride=12, longest=6):
    encoded = tokenizer(question, context, truncation="only_second", max_length=window, stride=min(stride, window // 2),
                        return_overflowing_tokens=True, return_offsets_mapping=True)
    found, none = [], 1e6
    for i, ids in enumerate(encoded["input_ids"]):
        inputs = {key: torch.tensor([encoded[key][i]]) for key in ("input_ids", "token_type_ids", "attention_mask")}
        out = model(**inputs)
        allowed = np.array([part == 1 for part in encoded.sequence_ids(i)])
        allowed[0] = True

        def softmax(logits):
            values = np.where(allowed, logits[0].numpy().astype(np.float64), -10000.0)
            values = np.exp(values - values.max())
            return values / values.sum()

        begin, end = softmax(out.start_logits), softmax(out.end_logits)
        none = min(none, begin[0] * end[0])
        begin[0] = end[0] = 0
        table = np.tril(np.triu(np.outer(begin, end)), longest - 1)
        for flat in np.argsort(-table.flatten(), kind="stable")[:2 * top_k + 10]:
            s, e = np.unravel_index(flat, table.shape)
            if s == 0 or not (allowed[s] and allowed[e]):
                continue
            encoding = encoded[i]
            first = encoding.word_to_chars(encoding.token_to_word(s), 1)[0]
            last = encoding.word_to_chars(encoding.token_to_word(e), 1)[1]
            text = context[first:last]
            for known in found:
                if known["text"].lower() == text.lower():
                    known["score"] += table[s, e]
                    break
            else:
                found.append({"text": text, "score": table[s, e], "begin": first, "end": last})
    if impossible:
        found.append({"text": "", "score": none, "begin": 0, "end": 0})
    return sorted(found, key=lambda answer: -answer["score"])[:top_k]


def answer(model, tokenizer):
    return {"window": 40, "overlap": 12, "max_answer_tokens": 6,
            "questions": [{"question": question, "context": context, "top_k": top_k, "can_be_impossible": impossible,
                           "answers": answers(model, tokenizer, question, context, top_k, impossible)}
                          for question, context in QUESTIONS for top_k, impossible in ((1, False), (4, True))]}


def make(name, seed):
    class_name, config = MODELS[name]
    folder = DATA / "tasks" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(seed)
    cls = getattr(transformers, class_name)
    model = cls(cls.config_class(**config, attn_implementation="eager"))
    model.config.architectures = [class_name]
    randomise(model, generator)
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer = tokenizer_of(class_name)
    tokenizer.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model = cls.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    if name == "reranker":
        golden = rerank(folder)
    elif "Sequence" in class_name:
        golden = classify(model, tokenizer)
    elif "Token" in class_name:
        golden = tag(model, tokenizer)
    elif "Question" in class_name:
        golden = answer(model, tokenizer)
    elif "Choice" in class_name:
        golden = choose(model, tokenizer)
    else:
        golden = fill(model, tokenizer, [text.replace("[MASK]", tokenizer.mask_token) for text in MASKED])
    note = {"made_by": "tools/reference/make_task_goldens.py"} | versions("transformers", "torch")
    results = plain(golden)
    lines = [json.dumps(item, ensure_ascii=False) for item in (results if isinstance(results, list) else [results])]
    (folder / "golden.json").write_text('{"note": ' + json.dumps(note) + ',\n"results": [\n' + ",\n".join(lines) + "\n]}\n")
    for path in folder.iterdir():
        path.chmod(0o644)
    print(f"{name:16} {sum(path.stat().st_size for path in folder.iterdir()) / 1e3:7.1f} kB")


if __name__ == "__main__":
    for index, model_name in enumerate(MODELS):
        make(model_name, 7000 + index)
