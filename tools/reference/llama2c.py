"""The files of llama2.c read and run by plain numpy: an implementation that shares nothing with Swiftlet or transformers.

Model file (version 0): seven int32 (dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len; a negative
vocab_size says that the classifier is not the embedding), then float32 tensors in the order of read_model below. Rotary
pairs are neighbours (2i, 2i+1). Tokenizer file: int32 longest piece, then per piece float32 score, int32 length, bytes;
byte b is piece b + 3.
"""

import struct
from dataclasses import dataclass

import numpy as np

BOS = 1
RMS_EPS = np.float32(1e-5)


@dataclass
class Model:
    dim: int
    hidden_dim: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    vocab_size: int
    seq_len: int
    weights: dict  # name -> float32 array, one entry for all layers, layer first


def read_model(path):
    raw = open(path, "rb").read()
    dim, hidden, layers, heads, kv_heads, vocab, seq_len = struct.unpack_from("<7i", raw)
    tied, vocab = vocab > 0, abs(vocab)
    head = dim // heads
    shapes = [("embedding", (vocab, dim)), ("attention_norm", (layers, dim)), ("q", (layers, heads * head, dim)),
              ("k", (layers, kv_heads * head, dim)), ("v", (layers, kv_heads * head, dim)),
              ("o", (layers, dim, heads * head)), ("ffn_norm", (layers, dim)), ("gate", (layers, hidden, dim)),
              ("down", (layers, dim, hidden)), ("up", (layers, hidden, dim)), ("final_norm", (dim,)),
              ("rope_cos", (seq_len, head // 2)), ("rope_sin", (seq_len, head // 2))]
    if not tied:
        shapes.append(("classifier", (vocab, dim)))
    weights, at = {}, 28
    for name, shape in shapes:
        count = int(np.prod(shape))
        weights[name] = np.frombuffer(raw, "<f4", count, at).reshape(shape)
        at += 4 * count
    if at != len(raw):
        raise ValueError(f"{path}: {len(raw)} bytes, the header asks for {at}")
    if tied:
        weights["classifier"] = weights["embedding"]
    return Model(dim, hidden, layers, heads, kv_heads, vocab, seq_len, weights)


def rms_norm(x, gain):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + RMS_EPS) * gain


def rotate(x, position):
    """x [heads, head_dim]: pairs (2i, 2i+1) turned by position / 10000^(2i / head_dim)."""
    angle = position * 10000.0 ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    out = np.empty_like(x)
    out[:, 0::2] = x[:, 0::2] * cos - x[:, 1::2] * sin
    out[:, 1::2] = x[:, 0::2] * sin + x[:, 1::2] * cos
    return out


class Decoder:
    """One sequence, token by token."""

    def __init__(self, model):
        self.model = model
        self.keys = [[] for _ in range(model.n_layers)]
        self.values = [[] for _ in range(model.n_layers)]

    def step(self, token):
        """Logits [vocab] after `token`."""
        m, w = self.model, self.model.weights
        head, group, position = m.dim // m.n_heads, m.n_heads // m.n_kv_heads, len(self.keys[0])
        x = w["embedding"][token]
        for layer in range(m.n_layers):
            h = rms_norm(x, w["attention_norm"][layer])
            q = rotate((w["q"][layer] @ h).reshape(m.n_heads, head), position)
            self.keys[layer].append(rotate((w["k"][layer] @ h).reshape(m.n_kv_heads, head), position))
            self.values[layer].append((w["v"][layer] @ h).reshape(m.n_kv_heads, head))
            keys, values = np.stack(self.keys[layer]), np.stack(self.values[layer])
            attended = np.empty((m.n_heads, head), np.float32)
            for i in range(m.n_heads):
                score = keys[:, i // group] @ q[i] / np.float32(np.sqrt(head))
                score = np.exp(score - score.max())
                attended[i] = (score / score.sum()) @ values[:, i // group]
            x = x + w["o"][layer] @ attended.reshape(-1)
            h = rms_norm(x, w["ffn_norm"][layer])
            gate = w["gate"][layer] @ h
            x = x + w["down"][layer] @ (gate / (1 + np.exp(-gate)) * (w["up"][layer] @ h))
        return w["classifier"] @ rms_norm(x, w["final_norm"])


def greedy(model, prompt, count):
    """(the `count` next tokens at temperature 0, the smallest distance between first and second choice). Like llama2.c's
    program it stops when the model says BOS, which ends a story; that BOS is not part of the answer."""
    decoder, out, margin = Decoder(model), [], float("inf")
    for token in prompt:
        logits = decoder.step(token)
    while len(out) < count:
        second, first = np.sort(logits)[-2:]
        margin = min(margin, float(first - second))
        token = int(np.argmax(logits))
        if token == BOS:
            break
        out.append(token)
        logits = decoder.step(token)
    return out, margin


class Tokenizer:
    def __init__(self, path, size):
        raw = open(path, "rb").read()
        at, self.pieces, self.scores = 4, [], []
        for _ in range(size):
            score, length = struct.unpack_from("<fi", raw, at)
            self.pieces.append(raw[at + 8:at + 8 + length])
            self.scores.append(score)
            at += 8 + length
        if at != len(raw):
            raise ValueError(f"{path}: {len(raw)} bytes, {size} pieces end at {at}")
        self.ids = {}
        for i, piece in enumerate(self.pieces):
            self.ids.setdefault(piece, i)

    def encode(self, text, bos=True):
        ids = [BOS] if bos else []
        if not text:
            return ids
        tokens = []
        for char in " " + text:
            data = char.encode()
            tokens += [self.ids[data]] if data in self.ids else [byte + 3 for byte in data]
        while True:  # join the neighbours with the best score, the first of equals, until none can be joined
            best = None
            for i in range(len(tokens) - 1):
                joined = self.ids.get(self.pieces[tokens[i]] + self.pieces[tokens[i + 1]])
                if joined is not None and (best is None or self.scores[joined] > best[0]):
                    best = (self.scores[joined], i, joined)
            if best is None:
                return ids + tokens
            tokens[best[1]:best[1] + 2] = [best[2]]

    def decode(self, ids):
        """Bytes of the text, without the space that encode put first (when a BOS precedes it)."""
        out, previous = b"", None
        for token in ids:
            piece = self.pieces[token]
            if previous == BOS and piece.startswith(b" "):
                piece = piece[1:]
            if piece.startswith(b"<0x") and len(piece) == 6:
                piece = bytes([int(piece[3:5], 16)])
            if token != BOS:
                out += piece
            previous = token
        return out
