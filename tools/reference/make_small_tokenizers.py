"""Trains the small SentencePiece models of tests/data/tokenizers/ and converts them for the `tokenizers` package.

    small-unigram/spiece.model      Unigram, own table of replacements (charsmap), user-defined and control pieces
    small-fallback/spiece.model     Unigram with byte fallback, no replacements
    small-deberta/spm.model         Unigram with the special pieces of DeBERTa, all but [MASK]; no tokenizer.json
    small-bpe/tokenizer.model       BPE with byte fallback, as Llama has it, spaces kept
    <name>/tokenizer.json           the same for the package, put together as transformers' SpmConverter does

    python tools/reference/make_small_tokenizers.py
"""

import gzip
import io
import json

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from common import ASSETS, DATA

OUT = DATA / "tokenizers"
RULES = {"\u00e9": "e", "e\u0301": "e", "a\u0301": "\u00e1", "\ufb01": "fi", "\x01": "", "\t": " ", "\n": " ", "\r\n": " ", "\u3000": " ", "\u2460": "1", "\u200b": "", "\u2026": "...",
         "\u201c": '"', "\u201d": '"', "\uff21": "A", "\u212b": "\u00c5"}


def training_text():
    with gzip.open(ASSETS / "text" / "stories-valid.txt.gz") as file:
        lines = file.read().decode("utf-8").split("\n")[:4000]
    return lines + [json.loads(line) for line in open(OUT / "torture.jsonl", encoding="utf-8")][:150]


def train(name, file_name, **options):
    (OUT / name).mkdir(exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(training_text()), model_writer=model, num_threads=1, minloglevel=2, shuffle_input_sentence=False,
                                             hard_vocab_limit=False, **options)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    proto.normalizer_spec.ClearField("normalization_rule_tsv")  # the path of a file that is no more
    (OUT / name / file_name).write_bytes(proto.SerializeToString())
    return proto


def added_tokens(proto):
    return [AddedToken(piece.piece, normalized=False, special=piece.type != 4) for piece in proto.pieces if piece.type in (2, 3, 4)]


def convert_unigram(proto):
    spec = proto.normalizer_spec
    tokenizer = Tokenizer(models.Unigram([(piece.piece, piece.score) for piece in proto.pieces], proto.trainer_spec.unk_id, proto.trainer_spec.byte_fallback))
    steps = [normalizers.Precompiled(spec.precompiled_charsmap)] if spec.precompiled_charsmap else []
    tokenizer.normalizer = normalizers.Sequence(steps + [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always" if spec.add_dummy_prefix else "never")
    decoder = decoders.Metaspace(prepend_scheme="always" if spec.add_dummy_prefix else "never")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoder]) if proto.trainer_spec.byte_fallback else decoder
    tokenizer.add_tokens(added_tokens(proto))
    return tokenizer


def convert_llama(proto):
    from transformers.convert_slow_tokenizer import generate_merges

    vocab = {piece.piece: i for i, piece in enumerate(proto.pieces)}
    scores = {piece.piece: piece.score for piece in proto.pieces}
    tokenizer = Tokenizer(models.BPE(vocab, generate_merges(vocab, scores), unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    tokenizer.add_tokens(added_tokens(proto))
    return tokenizer


def main():
    rules = OUT / "rules.tsv"
    rules.write_text("".join(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n" for source, target in RULES.items()))
    unigram = train("small-unigram", "spiece.model", model_type="unigram", vocab_size=700, character_coverage=0.995, normalization_rule_tsv=str(rules),
                    user_defined_symbols=["<sep>", "Once upon a time"], control_symbols=["<ctl>"], pad_id=3)
    train("small-deberta", "spm.model", model_type="unigram", vocab_size=400, character_coverage=0.98, normalization_rule_tsv=str(rules),
          pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]", unk_piece="[UNK]")
    rules.unlink()
    fallback = train("small-fallback", "spiece.model", model_type="unigram", vocab_size=800, character_coverage=0.99, byte_fallback=True, normalization_rule_name="identity")
    bpe = train("small-bpe", "tokenizer.model", model_type="bpe", vocab_size=800, character_coverage=0.99, byte_fallback=True, normalization_rule_name="identity",
                remove_extra_whitespaces=False)
    for name, tokenizer in {"small-unigram": convert_unigram(unigram), "small-fallback": convert_unigram(fallback), "small-bpe": convert_llama(bpe)}.items():
        tokenizer.save(str(OUT / name / "tokenizer.json"), pretty=False)
        print(name, tokenizer.get_vocab_size())


if __name__ == "__main__":
    main()
