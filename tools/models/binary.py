"""Reading of little-endian binary files, front to back."""

import struct

import numpy as np


class Cursor:
    """A position in a bytes object; every read moves it, reading past the end is an error."""

    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def number(self, code: str):
        """One number; `code` as in the struct module: B u8, H u16, I u32, Q u64, i i32, f f32."""
        return self.numbers(code)[0]

    def numbers(self, codes: str) -> tuple:
        values = struct.unpack_from("<" + codes, self.data, self.position)
        self.position += struct.calcsize("<" + codes)
        return values

    def bytes(self, count: int) -> bytes:
        end = self.position + count
        assert end <= len(self.data), f"file ends at {len(self.data)}, {end} bytes wanted"
        chunk = self.data[self.position : end]
        self.position = end
        return chunk

    def array(self, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(self.bytes(np.dtype(dtype).itemsize * count), dtype)

    def at_end(self) -> bool:
        return self.position == len(self.data)
