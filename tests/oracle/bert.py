"""BERT's forward pass in numpy, float32, one text at a time: the reference for MiniLM.

Why not sentence-transformers itself: with torch it is gigabytes, to run six layers. This reads the published weights
(model.safetensors, SHA-256 53aa5117...d9db) and the published tokenizer (tokenizer.json, by Hugging Face's own
tokenizers library), and computes as transformers' BertModel and the model's card say: post-norm layers, exact GELU,
mean over the tokens. Nothing is shared with llama.cpp; of the project only the reader of safetensors is used.
"""

import math

import numpy as np

# The Gaussian error function by a table of the exact one, off by less than 1e-10: numpy has none.
GRID = np.linspace(-6, 6, 600_001)
ERF = np.array([math.erf(x) for x in GRID])


def gelu(x: np.ndarray) -> np.ndarray:
    return x * (0.5 * (1 + np.interp(x / math.sqrt(2), GRID, ERF))).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class Bert:
    def __init__(self, config: dict, tensors: dict):
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.epsilon = config["layer_norm_eps"]
        self.tensors = tensors

    def linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def norm(self, name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + self.epsilon)
        return scaled * self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def attention(self, name: str, x: np.ndarray) -> np.ndarray:
        def split(part: str) -> np.ndarray:  # tokens x width -> heads x tokens x width of a head
            return self.linear(f"{name}.self.{part}", x).reshape(len(x), self.heads, -1).transpose(1, 0, 2)

        query, key, value = split("query"), split("key"), split("value")
        weights = softmax(query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1]))
        return (weights @ value).transpose(1, 0, 2).reshape(len(x), -1)

    def embed(self, ids: list) -> np.ndarray:
        """The mean of the last layer over the tokens, special ones included."""
        table = self.tensors
        x = (table["embeddings.word_embeddings.weight"][ids]
             + table["embeddings.position_embeddings.weight"][: len(ids)]
             + table["embeddings.token_type_embeddings.weight"][0])
        x = self.norm("embeddings.LayerNorm", x)
        for layer in range(self.layers):
            name = f"encoder.layer.{layer}"
            attended = self.linear(name + ".attention.output.dense", self.attention(name + ".attention", x))
            x = self.norm(name + ".attention.output.LayerNorm", x + attended)
            inner = gelu(self.linear(name + ".intermediate.dense", x))
            x = self.norm(name + ".output.LayerNorm", x + self.linear(name + ".output.dense", inner))
        return x.mean(0)
