"""Reading of a safetensors file: u64 size of the head, head as JSON, data. Source: its repository's README."""

import json

import numpy as np

from binary import Cursor

TYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8", "U8": "u1", "BOOL": "?"}


def read_safetensors(data: bytes) -> dict:
    """All tensors by name, in the order of the file's head."""
    cursor = Cursor(data)
    head = json.loads(cursor.bytes(cursor.number("Q")))
    head.pop("__metadata__", None)
    start = cursor.position
    tensors = {}
    for name, entry in head.items():
        first, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[start + first : start + end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors
