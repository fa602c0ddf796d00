"""Whisper as CTranslate2 keeps it (model.bin, float16) -> whisper.cpp's ggml file.

The weights are OpenAI's, bit for bit. The order of the tensors differs from the official file (whisper.cpp finds them
by name), so the file has another SHA-256 but the same size.
"""

import json
import math
import struct

import numpy as np

from binary import Cursor

GGML_MAGIC = 0x67676D6C
GGML_F32, GGML_F16, GGML_Q8_0 = 0, 1, 8
MOSTLY_F16, MOSTLY_Q8_0 = 1, 2007  # the file's own type; thousands are the version of the quantisation
CT2_TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # ctranslate2::DataType


def read_ctranslate2(data: bytes) -> dict:
    """The variables of a model.bin, by name.

    u32 version, string kind, u32 revision, u32 count, variables, u32 count, aliases. A variable is string name,
    u8 rank, u32 each dimension, u8 type, u32 bytes, data; an alias two strings. A string is u16 length and bytes, the
    last of which is NUL. Source: python/ctranslate2/specs/model_spec.py in the CTranslate2 repository.
    """
    cursor = Cursor(data)

    def string() -> str:
        text = cursor.bytes(cursor.number("H"))
        assert text[-1] == 0, "string without its NUL"
        return text[:-1].decode()

    version = cursor.number("I")
    assert version >= 4, f"CTranslate2 file version {version} is not handled"
    kind = string()
    assert kind == "WhisperSpec", f"a model of kind {kind}, not Whisper"
    cursor.number("I")  # the revision of the kind: nothing that is read here depends on it
    variables = {}
    for _ in range(cursor.number("I")):
        name = string()
        shape = cursor.numbers("I" * cursor.number("B"))
        dtype, size = CT2_TYPES[cursor.number("B")], cursor.number("I")
        variables[name] = cursor.array(dtype, size // np.dtype(dtype).itemsize).reshape(shape)
    for _ in range(cursor.number("I")):
        alias, target = string(), string()
        variables[alias] = variables[target]
    assert cursor.at_end(), "bytes after the last alias"
    return variables


class Weights:
    """CTranslate2's variables, renamed to OpenAI's tensors; each is taken once, so that none is forgotten."""

    def __init__(self, variables: dict):
        self.left = dict(variables)

    def take(self, name: str) -> np.ndarray:
        return self.left.pop(name)

    def linear(self, target: str, source: str):
        yield target + ".weight", self.take(source + "/weight")
        yield target + ".bias", self.take(source + "/bias")

    def norm(self, target: str, source: str):
        yield target + ".weight", self.take(source + "/gamma")
        yield target + ".bias", self.take(source + "/beta")

    def fused(self, target: str, source: str, parts: tuple):
        """Several projections that CTranslate2 keeps as the rows of one. Whisper's key has no bias: zeros there."""
        weights = np.split(self.take(source + "/weight"), len(parts))
        biases = np.split(self.take(source + "/bias"), len(parts))
        for part, weight, bias in zip(parts, weights, biases, strict=True):
            yield f"{target}.{part}.weight", weight
            if part != "key":
                yield f"{target}.{part}.bias", bias
            else:
                assert not bias.any(), f"{source}: the key's bias is not zero"

    def block(self, side: str, index: int):
        source, target = f"{side}/layer_{index}", f"{side}.blocks.{index}"
        attention = source + "/self_attention"
        yield from self.fused(target + ".attn", attention + "/linear_0", ("query", "key", "value"))
        yield from self.linear(target + ".attn.out", attention + "/linear_1")
        yield from self.norm(target + ".attn_ln", attention + "/layer_norm")
        if side == "decoder":
            attention = source + "/attention"
            yield from self.linear(target + ".cross_attn.query", attention + "/linear_0")
            yield from self.fused(target + ".cross_attn", attention + "/linear_1", ("key", "value"))
            yield from self.linear(target + ".cross_attn.out", attention + "/linear_2")
            yield from self.norm(target + ".cross_attn_ln", attention + "/layer_norm")
        yield from self.linear(target + ".mlp.0", source + "/ffn/linear_0")
        yield from self.linear(target + ".mlp.2", source + "/ffn/linear_1")
        yield from self.norm(target + ".mlp_ln", source + "/ffn/layer_norm")

    def blocks(self, side: str):
        index = 0
        while f"{side}/layer_{index}/ffn/linear_0/weight" in self.left:
            yield from self.block(side, index)
            index += 1

    def tensors(self):
        """All tensors as (OpenAI's name, array), in the order in which the file holds them."""
        yield "encoder.positional_embedding", self.take("encoder/position_encodings/encodings")
        yield from self.linear("encoder.conv1", "encoder/conv1")
        yield from self.linear("encoder.conv2", "encoder/conv2")
        yield from self.blocks("encoder")
        yield from self.norm("encoder.ln_post", "encoder/layer_norm")
        embedding = self.take("decoder/embeddings/weight")
        projection = self.left.pop("decoder/projection/weight", embedding)
        assert np.array_equal(projection, embedding), "output projection and embedding are not tied"
        yield "decoder.positional_embedding", self.take("decoder/position_encodings/encodings")
        yield "decoder.token_embedding.weight", embedding
        yield from self.blocks("decoder")
        yield from self.norm("decoder.ln", "decoder/layer_norm")
        forgotten = [name for name, value in self.left.items() if value.size > 64]  # the small ones are settings
        assert not forgotten, f"weights not converted: {forgotten}"


def mel_filters(bands: int, rate: int = 16000, window: int = 400) -> np.ndarray:
    """librosa.filters.mel(sr=16000, n_fft=400), Slaney's scale and norm, which OpenAI ships as mel_filters.npz.

    Bit for bit the same. Plain math functions, not numpy's: those differ in the last bit between processors.
    """
    linear_step, break_hz = 200.0 / 3, 1000.0
    break_mel, log_step = break_hz / linear_step, math.log(6.4) / 27.0
    top = break_mel + math.log(rate / 2 / break_hz) / log_step

    def hertz(mel: float) -> float:
        return linear_step * mel if mel < break_mel else break_hz * math.exp(log_step * (mel - break_mel))

    edges = np.array([hertz(mel) for mel in np.linspace(0.0, top, bands + 2)])
    ramps = np.subtract.outer(edges, np.fft.rfftfreq(window, 1.0 / rate))
    filters = np.zeros((bands, 1 + window // 2), dtype=np.float32)
    for band in range(bands):
        rising = -ramps[band] / (edges[band + 1] - edges[band])
        falling = ramps[band + 2] / (edges[band + 2] - edges[band + 1])
        filters[band] = np.maximum(0, np.minimum(rising, falling))
    filters *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters


def vocabulary(tokenizer_json: bytes) -> list:
    """The byte-level BPE vocabulary in order of rank, without the special tokens, as raw bytes.

    tokenizer.json writes each byte as a printable character: GPT-2's bytes_to_unicode().
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    byte_of = {chr(byte): byte for byte in printable}
    byte_of |= {chr(256 + i): byte for i, byte in enumerate(sorted(set(range(256)) - set(printable)))}
    ranks = json.loads(tokenizer_json)["model"]["vocab"]
    tokens = sorted((rank, text) for text, rank in ranks.items() if not text.startswith("<|"))
    assert [rank for rank, _ in tokens] == list(range(len(tokens))), "ranks with a gap"
    return [bytes(byte_of[character] for character in text) for _, text in tokens]


def q8_0(array: np.ndarray) -> bytes:
    """ggml's q8_0: of each 32 numbers a float16 scale, the largest of them / 127, and 32 signed bytes.

    The same bytes as whisper.cpp's own quantize: halves are rounded away from zero.
    """
    blocks = array.astype(np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale != 0)
    scaled = blocks * inverse
    out = np.empty(len(blocks), dtype=[("scale", "<f2"), ("numbers", "i1", 32)])
    out["scale"] = scale[:, 0]
    out["numbers"] = np.trunc(scaled + np.copysign(np.float32(0.5), scaled))
    return out.tobytes()


def tensor_bytes(name: str, array: np.ndarray, quantised: bool) -> bytes:
    """i32 rank, name's length, type; i32 each dimension, fastest first; name; data."""
    as_f32 = array.ndim < 2 or name.endswith("positional_embedding")
    if name in ("encoder.conv1.bias", "encoder.conv2.bias"):  # whisper.cpp adds it to a matrix
        array = array.reshape(-1, 1)
    if quantised and array.ndim == 2 and not as_f32 and name.endswith(".weight"):  # not the convolutions
        kind, data = GGML_Q8_0, q8_0(array)
    else:
        kind, data = (GGML_F32, array.astype("<f4").tobytes()) if as_f32 else (GGML_F16, array.astype("<f2").tobytes())
    head = struct.pack("<3i", array.ndim, len(name), kind)
    return head + struct.pack(f"<{array.ndim}i", *reversed(array.shape)) + name.encode() + data


def convert(model_bin: bytes, tokenizer_json: bytes, output, quantised: bool = False):
    """Write the ggml file of a multilingual Whisper model to the path `output`, in float16 or, quantised, in q8_0."""
    variables = read_ctranslate2(model_bin)
    heads = {side: int(variables[side + "/num_heads"]) for side in ("encoder", "decoder")}
    tensors = dict(Weights(variables).tensors())
    tokens = vocabulary(tokenizer_json)

    def layers(side: str) -> int:
        return sum(name.startswith(f"{side}.blocks.") and name.endswith(".mlp.0.weight") for name in tensors)

    vocabulary_size, text_width = tensors["decoder.token_embedding.weight"].shape
    assert vocabulary_size >= 51865, "an English-only model: its vocabulary is another one"
    audio_length, audio_width = tensors["encoder.positional_embedding"].shape
    text_length = len(tensors["decoder.positional_embedding"])
    bands = tensors["encoder.conv1.weight"].shape[1]
    filters = mel_filters(bands) + np.float32(0)  # -0.0 becomes 0.0, as in the official file

    with open(output, "wb") as file:
        file.write(struct.pack("<12i", GGML_MAGIC, vocabulary_size,
                               audio_length, audio_width, heads["encoder"], layers("encoder"),
                               text_length, text_width, heads["decoder"], layers("decoder"),
                               bands, MOSTLY_Q8_0 if quantised else MOSTLY_F16))
        file.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        file.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            file.write(struct.pack("<i", len(token)) + token)
        for name, array in tensors.items():
            file.write(tensor_bytes(name, array, quantised))
