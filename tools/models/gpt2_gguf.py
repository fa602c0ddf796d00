#!/usr/bin/env python3
"""gpt2_gguf.py FOLDER OUT.gguf  GPT-2 from its folder as transformers keeps it -> GGUF for llama.cpp, float32.

FOLDER holds config.json, model.safetensors, vocab.json and merges.txt. Called gpt2.gguf (or gpt2-*.gguf), the
file is used as the notebook used GPT-2: examples/notebook/README.md. Needs numpy.
"""

import json
import sys
from pathlib import Path

import numpy as np

import gguf_file as gguf
from safetensors_file import read_safetensors

WHOLE = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
LAYER = {"ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
         "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}


def gguf_name(name: str) -> str:
    """transformers' name of a tensor -> GGUF's; "" for what is no weight (causal masks, a second copy of wte)."""
    stem, kind = name.removeprefix("transformer.").rsplit(".", 1)
    if stem in WHOLE:
        return f"{WHOLE[stem]}.{kind}"
    if stem == "lm_head" or stem.endswith(".attn"):
        return ""
    _, layer, part = stem.split(".", 2)  # h.N.part
    return f"blk.{layer}.{LAYER[part]}.{kind}"


def add_tokenizer(out: gguf.GgufFile, vocab_json: bytes, merges_txt: bytes, size: int):
    """Byte-level BPE. Ids that the vocabulary leaves out get a name that no text can have."""
    ids = json.loads(vocab_json)
    tokens = [f"[PAD{i}]" for i in range(size)]
    types = np.full(size, gguf.TOKEN_UNUSED, np.int32)
    for token, i in ids.items():
        tokens[i] = token
        types[i] = gguf.TOKEN_CONTROL if token == "<|endoftext|>" else gguf.TOKEN_NORMAL
    merges = [line for line in merges_txt.decode().split("\n") if line and not line.startswith("#version")]
    out.set("tokenizer.ggml.model", "gpt2")
    out.set("tokenizer.ggml.pre", "gpt-2")
    out.set("tokenizer.ggml.tokens", tokens)
    out.set("tokenizer.ggml.token_type", types)
    out.set("tokenizer.ggml.merges", merges)
    for role in ("bos", "eos", "unknown"):
        out.set(f"tokenizer.ggml.{role}_token_id", ids["<|endoftext|>"])
    out.set("tokenizer.ggml.add_bos_token", False)
    out.set("tokenizer.ggml.add_eos_token", False)


def convert(config_json: bytes, vocab_json: bytes, merges_txt: bytes, safetensors: bytes, output):
    """Write the GGUF file to the path `output`."""
    config = json.loads(config_json)
    if config["model_type"] != "gpt2" or config.get("activation_function", "gelu_new") != "gelu_new":
        raise ValueError(f"no plain GPT-2: model_type {config['model_type']}, activation "
                         f"{config.get('activation_function')}")
    width = config["n_embd"]

    out = gguf.GgufFile("gpt2")
    out.set("general.name", "gpt2")
    out.set(".block_count", config["n_layer"])
    out.set(".context_length", config["n_positions"])
    out.set(".embedding_length", width)
    out.set(".feed_forward_length", config.get("n_inner") or 4 * width)
    out.set(".attention.head_count", config["n_head"])
    out.set(".attention.layer_norm_epsilon", config["layer_norm_epsilon"])
    out.set("general.file_type", gguf.FILE_ALL_F32)
    add_tokenizer(out, vocab_json, merges_txt, config["vocab_size"])
    for name, array in read_safetensors(safetensors).items():
        target = gguf_name(name)
        if target:
            is_linear = array.ndim == 2 and target.startswith("blk.")  # kept inputs first: Conv1D
            out.add(target, (array.T if is_linear else array).astype(np.float32))
    out.write(output)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    names = ("config.json", "vocab.json", "merges.txt", "model.safetensors")
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        sys.exit(f"error: {folder} lacks {', '.join(missing)}; save_pretrained of transformers' GPT2Model and "
                 "GPT2Tokenizer writes all four")
    try:
        convert(*[(folder / name).read_bytes() for name in names], sys.argv[2])
    except (KeyError, ValueError) as error:
        sys.exit(f"error: {folder}: {error}")


if __name__ == "__main__":
    main()
