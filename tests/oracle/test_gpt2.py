"""GPT-2 as a model setting: the same vectors as the notebook's own steps, and the export's files as Python reads them."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np

import gpt2
import gpt2_gguf
from project import MODELS, TOP, WORK, Skip, assert_alike, embed, texts

KINORA = os.environ.get("KINORA", str(TOP / "build/kinora"))

# llama.cpp's GELU is a table of half precision: numbers of up to 2.9 come out up to 0.0014 off.
OFF = 2e-3

DIGITS = "One night the captain counted to 1234567890, and said: \"It's over, we're lost!\"\tNobody -- not one -- answered."
TRANSCRIPTS = [  # as Whisper has them: most begin with a space, which GPT-2's tokens tell from none
    ["Warm.mp4", " A wonderful, moving story about love and friendship. It's great! I smiled all the way home."],
    ["Trailers/Dark.mp4", "  They murdered his family.\nHe was left alone in the dark,  hateful and cruel,\n\n and nobody came. \n"],
    ["Long.MP4", " " + " ".join(f"On day {i} the ship passed a beautiful island, but the captain was angry." for i in range(40))],
    ["Odd.mkv", f"\t{DIGITS}\r\nAnd   that was all.\u00a0 "],
    ["Spanish.mp4", "¿Dónde está la niña? Una historia terrible sobre la guerra, el hambre y el corazón roto de un niño."],
    ["Broken.mp4", "Error: could not extract audio"],
    ["Broken too.mp4", " Error: leading space"],
    ["Silent.mp4", ""],
]


def model():
    """The folder, the GGUF file made of it, and the reference."""
    folder, file = WORK / "gpt2", WORK / "gpt2-random.gguf"
    shutil.rmtree(folder, ignore_errors=True)
    gpt2.make_folder(folder)
    subprocess.run([sys.executable, "-B", TOP / "tools/models/gpt2_gguf.py", folder, file], check=True)
    return folder, file, gpt2.Gpt2(folder, gpt2.random_tensors())


def spaced(lines: list) -> list:
    """Every second one as Whisper has it, and some with more white space than that."""
    return [line if i % 2 else f" {line}" if i % 4 else f"\n {line.replace(' ', '  ', 5)}\n" for i, line in enumerate(lines)]


def assert_close(ours: np.ndarray, theirs: np.ndarray, lines: list):
    assert_alike(ours, theirs, lines, 0.99999)
    worst = np.abs(ours - theirs).max()
    print(f"# at most {worst:.1e} off, of numbers up to {np.abs(theirs).max():.1f}")
    assert worst < OFF, f"off by {worst}"


def test_gpt2_like_numpy():
    _, file, reference = model()
    lines = spaced(texts() + [DIGITS])
    lengths = [len(reference.tokenizer.encode(line).ids) for line in lines]
    assert min(lengths) < gpt2.MOST_TOKENS < max(lengths), "no text is longer than what counts"
    ours = embed(file, lines)
    assert (np.linalg.norm(ours, axis=1) > 2).all(), "these are of unit length: not as the model gave them"
    assert_close(ours, np.array([reference.embed(line) for line in lines], np.float64), lines)


def test_gpt2_like_transformers():
    python = os.environ.get("KINORA_TRANSFORMERS")
    if not python:
        raise Skip("KINORA_TRANSFORMERS names no Python with torch and transformers")
    folder, file, _ = model()
    lines = spaced(texts() + [DIGITS])
    done = subprocess.run([python, TOP / "tests/oracle/gpt2_transformers.py", folder], input=json.dumps(lines),
                          stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    assert_close(embed(file, lines), np.array(json.loads(done.stdout)), lines)


def test_gpt2_conversion_refuses_what_is_no_gpt2():
    folder, _, _ = model()
    config = folder / "config.json"
    for broken in ({"model_type": "bert"}, {"model_type": "gpt2", "activation_function": "relu"}):
        config.write_text(json.dumps(broken))
        done = subprocess.run([sys.executable, "-B", gpt2_gguf.__file__, folder, WORK / "none.gguf"], capture_output=True,
                              text=True)
        assert done.returncode == 1 and "no plain GPT-2" in done.stderr, done
    config.unlink()
    done = subprocess.run([sys.executable, "-B", gpt2_gguf.__file__, folder, WORK / "none.gguf"], capture_output=True, text=True)
    assert done.returncode == 1 and "lacks config.json" in done.stderr and not (WORK / "none.gguf").exists(), done


def environment(folder, **changes):
    return {**os.environ, "KINORA": KINORA, "KINORA_MODELS": str(MODELS), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder),
            **changes}


def kinora(folder, *args, **changes):
    done = subprocess.run([KINORA, "--library", folder / "library", *args], env=environment(folder, **changes), capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def empty_folder(name):
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def test_export_like_the_notebooks_own_steps():
    """numpy, pandas and json read the three files; TextBlob and GPT-2's forward pass give what is in them."""
    import pandas
    from textblob import TextBlob

    _, file, reference = model()
    folder = empty_folder("export")
    with open(folder / "in.csv", "w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([["Video File", "Transcript"], *TRANSCRIPTS])
    kinora(folder, "import", folder / "in.csv", "--embedding-model", file, "--scorer", "lexicon", "--quiet")
    kinora(folder, "export", "--format", "notebook", folder / "out")

    frame = pandas.read_csv(folder / "out/transcripts.csv", keep_default_na=False)
    vectors = np.load(folder / "out/vectors.npy")
    payload = json.loads((folder / "out/payload.json").read_text(encoding="utf-8"))
    assert list(frame.columns) == ["Video File", "Transcript"]
    told = {name.split("/")[-1]: text for name, text in TRANSCRIPTS}  # what went in, not what came out
    assert dict(zip(frame["Video File"], frame["Transcript"])) == told and len(frame) == len(TRANSCRIPTS)

    # From here on the notebook's steps, on the rows that went in.
    good = frame[~frame["Transcript"].str.strip().str.startswith("Error") & (frame["Transcript"] != "")]
    assert vectors.dtype == np.float32 and vectors.shape == (len(good), gpt2.WIDTH) and len(payload) == len(good) == 5
    for row, vector, (_, (name, transcript)) in zip(payload, vectors, good.iterrows()):
        assert (row["Movie_Name"], row["Transcript"]) == (re.sub(r"\.mp4$", "", name, flags=re.I), told[name])
        assert row["embeddings"] == vector.astype(float).tolist()
        assert row["Sentiment"] == TextBlob(transcript).sentiment.polarity
        assert row["Opinion_Score"] == [0.7 * v + 0.3 * row["Sentiment"] for v in row["embeddings"]]
    lines = [told[name] for name in good["Video File"]]
    assert_close(vectors.astype(np.float64), np.array([reference.embed(line) for line in lines], np.float64), lines)


def test_the_example_runs_with_gpt2_and_a_search_finds_the_model():
    _, file, _ = model()
    folder, models = empty_folder("example"), empty_folder("models")
    subprocess.run([TOP / "examples/notebook/notebook.sh", folder], check=True, stdout=subprocess.DEVNULL,
                   env=environment(folder, KINORA_EMBEDDING_MODEL=str(file)))
    payload = json.loads((folder / "notebook/payload.json").read_text(encoding="utf-8"))
    assert [len(entry["embeddings"]) for entry in payload] == [gpt2.WIDTH] * 6
    found = kinora(folder, "search", "a ship at sea", "--embedding-model", file)
    done = subprocess.run([KINORA, "--library", folder / "library", "search", "a ship at sea"], env=environment(folder),
                          capture_output=True, text=True)
    assert done.returncode == 3 and "'gpt2-random'" in done.stderr and "--embedding-model" in done.stderr, done
    (models / file.name).symlink_to(file)
    assert kinora(folder, "search", "a ship at sea", KINORA_MODELS=str(models)) == found != ""
