"""The converters: the same bytes each time, and those that the manifest pins."""

import hashlib
import json
import tempfile
from pathlib import Path

import build
from project import WHEELS


def manifest() -> dict:
    return {model["name"]: model for model in json.loads(build.MANIFEST.read_text())}


def made(name: str, check):
    """Make the model anew in a folder of its own and hand the path to `check`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / manifest()[name]["file"]
        build.RECIPES[name](build.Wheels(WHEELS), path)
        check(path)


def assert_whole(name: str):
    def check(path: Path):
        assert build.fault(path, manifest()[name]) == "", build.fault(path, manifest()[name])

    made(name, check)


def test_whisper_base():
    converted = "3551203850c3202bb3b0e0fae98de942f1162cb813b83960f9702cd7621477ff"

    def check(path: Path):
        assert path.stat().st_size == 147951465  # like the official file
        assert hashlib.sha256(path.read_bytes()).hexdigest() == converted

    made("whisper-base", check)


def test_whisper_base_q8_0():
    assert_whole("whisper-base-q8_0")  # whisper.cpp's own quantize gives these bytes from the file above


def test_multilingual_e5_small():
    assert_whole("multilingual-e5-small")


def test_minilm():
    assert_whole("all-MiniLM-L6-v2")


def test_files_taken_as_they_are():
    assert_whole("silero-vad")
    assert_whole("lid.176")
    assert_whole("SmolLM2-135M-Instruct")


def test_textblob_lexicon():
    assert_whole("textblob-lexicon")


def test_every_model_has_a_recipe():
    assert set(manifest()) == set(build.RECIPES)


def test_a_changed_byte_is_found():
    def check(path: Path):
        data = bytearray(path.read_bytes())
        data[1000] ^= 1
        path.write_bytes(data)
        assert "SHA-256" in build.fault(path, manifest()["silero-vad"])
        path.write_bytes(data[:-1])
        assert "bytes" in build.fault(path, manifest()["silero-vad"])

    made("silero-vad", check)
