"""all-MiniLM-L6-v2 (or another plain BERT of sentence-transformers) -> GGUF for llama.cpp, float16."""

import json

import numpy as np

import gguf_file as gguf
from safetensors_file import read_safetensors

SPECIAL = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}

EMBEDDINGS = {"embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
              "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm"}
LAYER = {"attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
         "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
         "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}


def gguf_name(name: str) -> str:
    """BERT's name of a tensor -> GGUF's."""
    stem, kind = name.rsplit(".", 1)
    if stem in EMBEDDINGS:
        return f"{EMBEDDINGS[stem]}.{kind}"
    _, _, layer, part = stem.split(".", 3)  # encoder.layer.N.part
    return f"blk.{layer}.{LAYER[part]}.{kind}"


def add_tokenizer(out: gguf.GgufFile, vocabulary: list):
    """WordPiece. llama.cpp wants the start of a word marked, BERT's vocabulary marks the continuation."""
    tokens, types = [], []
    for token in vocabulary:
        if token in SPECIAL:
            tokens.append(token)
        else:
            tokens.append(token[2:] if token.startswith("##") else "\u2581" + token)
        types.append(gguf.TOKEN_CONTROL if token in SPECIAL else gguf.TOKEN_NORMAL)
    out.set("tokenizer.ggml.model", "bert")
    out.set("tokenizer.ggml.pre", "default")
    out.set("tokenizer.ggml.tokens", tokens)
    out.set("tokenizer.ggml.token_type", np.array(types, np.int32))
    ids = {"unknown": "[UNK]", "seperator": "[SEP]", "padding": "[PAD]", "mask": "[MASK]", "bos": "[CLS]",
           "eos": "[SEP]"}  # "seperator" is how GGUF spells it
    for role, token in ids.items():
        out.set(f"tokenizer.ggml.{role}_token_id", vocabulary.index(token))


def convert(config_json: bytes, vocab_txt: bytes, safetensors: bytes, output):
    """Write the GGUF file to the path `output`."""
    config = json.loads(config_json)
    assert config["model_type"] == "bert" and config["hidden_act"] == "gelu", "not a plain BERT"
    vocabulary = vocab_txt.decode().removesuffix("\n").split("\n")
    assert len(vocabulary) == config["vocab_size"]

    out = gguf.GgufFile("bert")
    out.set("general.name", "all-MiniLM-L6-v2")
    out.set("general.license", "apache-2.0")
    out.set(".block_count", config["num_hidden_layers"])
    out.set(".context_length", config["max_position_embeddings"])
    out.set(".embedding_length", config["hidden_size"])
    out.set(".feed_forward_length", config["intermediate_size"])
    out.set(".attention.head_count", config["num_attention_heads"])
    out.set(".attention.layer_norm_epsilon", config["layer_norm_eps"])
    out.set(".attention.causal", False)
    out.set(".pooling_type", gguf.POOLING_MEAN)
    out.set("general.file_type", gguf.FILE_MOSTLY_F16)
    out.set("general.quantization_version", 2)
    out.set("tokenizer.ggml.token_type_count", config["type_vocab_size"])
    add_tokenizer(out, vocabulary)

    for name, array in read_safetensors(safetensors).items():
        if name == "embeddings.position_ids" or name.startswith("pooler."):
            continue  # position ids are 0, 1, 2...; the mean is pooled instead
        target = gguf_name(name)
        # llama.cpp adds these two as they are, so they stay float32.
        as_f32 = array.ndim < 2 or target in ("position_embd.weight", "token_types.weight")
        out.add(target, array.astype(np.float32 if as_f32 else np.float16))
    out.write(output)
