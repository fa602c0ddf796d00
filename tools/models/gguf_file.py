"""Writing of GGUF version 3, the model file of llama.cpp.

Layout (all little-endian): "GGUF", u32 version, u64 tensors, u64 pairs; the pairs (key, u32 type, value); for each
tensor its name, u32 dimensions, u64 each of them, fastest first, u32 type, u64 offset from the start of the data;
padding to 32; each tensor's data padded to 32. A string is u64 length and UTF-8 bytes; an array is u32 element type,
u64 count, elements. Source: docs/gguf.md in the ggml repository. The same bytes come out each time.
"""

import struct

import numpy as np

ALIGNMENT = 32
UINT8, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 0, 4, 5, 6, 7, 8, 9  # gguf_type

F32, F16, Q4_0 = 0, 1, 2  # ggml_type
BYTES_PER_32 = {F32: 128, F16: 64, Q4_0: 18}

# Values of general.file_type (llama_ftype), bert.pooling_type and tokenizer.ggml.token_type that are used here.
FILE_ALL_F32, FILE_MOSTLY_F16, FILE_MOSTLY_Q4_0 = 0, 1, 2
POOLING_MEAN = 1
TOKEN_NORMAL, TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_UNUSED = 1, 2, 3, 5


def _string(text) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def _array(element_type: int, count: int, elements: bytes) -> bytes:
    return struct.pack("<IIQ", ARRAY, element_type, count) + elements


def _value(value) -> bytes:
    """The type and the value of one pair; the Python type decides."""
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + _string(value)
    if isinstance(value, bytes):
        return _array(UINT8, len(value), value)
    if isinstance(value, list):  # of str or bytes
        return _array(STRING, len(value), b"".join(map(_string, value)))
    element_types = {"float32": FLOAT32, "int32": INT32}
    return _array(element_types[value.dtype.name], len(value), value.tobytes())


def _pad(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % ALIGNMENT)


class GgufFile:
    """Collects pairs and tensors in the order given; write() puts them on disk."""

    def __init__(self, architecture: str):
        self.pairs = []
        self.tensors = []
        self.architecture = architecture
        self.set("general.architecture", architecture)

    def set(self, key: str, value):
        """A leading dot stands for the architecture: ".block_count" is "bert.block_count"."""
        self.pairs.append((self.architecture + key if key.startswith(".") else key, value))

    def add(self, name: str, array: np.ndarray):
        """A tensor of float32 or float16."""
        types = {"float32": F32, "float16": F16}
        self.add_raw(name, types[array.dtype.name], array.shape, np.ascontiguousarray(array).tobytes())

    def add_raw(self, name: str, ggml_type: int, shape: tuple, data: bytes):
        """A tensor whose data are in ggml's own layout already; `shape` counts elements, slowest first."""
        assert len(data) == np.prod(shape) * BYTES_PER_32[ggml_type] // 32, (name, shape, len(data))
        self.tensors.append((name, ggml_type, shape, data))

    def write(self, path):
        head = struct.pack("<4sIQQ", b"GGUF", 3, len(self.tensors), len(self.pairs))
        head += b"".join(_string(key) + _value(value) for key, value in self.pairs)
        offset = 0
        for name, ggml_type, shape, data in self.tensors:
            head += _string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
            head += struct.pack("<IQ", ggml_type, offset)
            offset += len(_pad(data))
        with open(path, "wb") as file:
            file.write(_pad(head))
            for *_, data in self.tensors:
                file.write(_pad(data))
