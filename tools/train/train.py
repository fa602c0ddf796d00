#!/usr/bin/env python3
"""Makes the cards of the embedding models: src/llm/cards.json and src/opinion/cards.json.

    build/venv/bin/python tools/train/train.py

Needs both models, which set-up makes with that environment (make models models-check), embed-texts (cmake --build --preset
release) and the film texts of --films. On what it trains, and how good that is: README.md beside this file. Vectors are kept in
build/train/, so a second run takes seconds and gives the same files to the byte.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # sums in one order

import argparse
import ast
import concurrent.futures
import hashlib
import io
import itertools
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np

TOP = Path(__file__).resolve().parents[2]
WORK = TOP / "build" / "train"

CARD_VERSION = 1  # raise it when a prefix or a centre changes: all vectors are made anew
PROBE_VERSION = 1  # raise it when weights change: all opinions are made anew

MODELS = [
    {"model": "multilingual-e5-small", "file": "multilingual-e5-small-q4_0.gguf", "prefix": "query: ",
     "max_tokens": 512, "dim": 384},
    {"model": "all-MiniLM-L6-v2", "file": "all-MiniLM-L6-v2-f16.gguf", "prefix": "", "max_tokens": 256, "dim": 384},
]

HIGHEST_RATING = 4.0  # people rated from -4 to 4
CLEAR_RATING = 1.0  # at least so far from 0 counts as clear
RIDGES = [0.3, 1.0, 3.0, 10.0, 30.0]
FILMS = 600  # 180,000 pairs


def fraction(text: str, seed: str) -> float:
    """A number from 0 to 1 that only the text and the seed decide: splits that no library's generator can change."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{text}".encode()).digest()[:4], "big") / 2**32


# ---- the texts ----


def fetch() -> None:
    """The two packages of data.txt into build/train/; pip checks their hashes."""
    if list(WORK.glob("vaderSentiment-*.tar.gz")) and list(WORK.glob("spacy-*.whl")):
        return
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
         "--platform", "manylinux2014_x86_64", "--python-version", "3.11", "--only-binary", "spacy",
         "--no-binary", "vaderSentiment", "--dest", WORK, "--requirement", TOP / "tools/train/data.txt"],
        check=True)


def rated_snippets() -> tuple[list[str], np.ndarray]:
    """Sentences of film reviews with the mean of 20 people's ratings, -4 to 4."""
    [package] = WORK.glob("vaderSentiment-*.tar.gz")
    with tarfile.open(package) as outer:
        [name] = [n for n in outer.getnames() if n.endswith("hutto_ICWSM_2014.tar.gz")]
        with tarfile.open(fileobj=io.BytesIO(outer.extractfile(name).read())) as inner:
            lines = inner.extractfile("hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt").read().decode()
    rows = [line.split("\t") for line in lines.splitlines() if line]
    return [row[2].strip() for row in rows], np.array([float(row[1]) for row in rows])


def sentences_by_language() -> list[list[str]]:
    """spaCy's example sentences: much the same sentences in more than fifty languages."""
    languages = []
    [package] = WORK.glob("spacy-*.whl")
    with zipfile.ZipFile(package) as wheel:
        for name in sorted(wheel.namelist()):
            if re.fullmatch(r"spacy/lang/\w+/examples\.py", name):
                for node in ast.parse(wheel.read(name)).body:
                    if isinstance(node, ast.Assign) and node.targets[0].id == "sentences":
                        languages.append(ast.literal_eval(node.value))
    return [sentences for sentences in languages if len(sentences) >= 5]


def film_texts(path: Path) -> tuple[list[str], list[set[str]]]:
    """FILMS descriptions of at most 80 words and their genres. The first sentence, which often says the genre, is left
    out, since what was said in a film would not."""
    texts, genres = [], []
    films = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for film in sorted(films, key=lambda film: fraction(f"{film['title']} {film['year']}", "films")):
        words = re.sub(r"^.*?[.!?]\s+(?=[A-Z])", "", film["extract"], count=1, flags=re.S).split()
        if len(words) >= 50 and film["genres"] and len(texts) < FILMS:
            texts.append(" ".join(words[:80]))
            genres.append(set(film["genres"]))
    return texts, genres


# ---- the vectors ----


def check_program(program: Path, file: Path, model: dict) -> None:
    """The prefix and the limit come from the card that is built into embed-texts: they must be those of MODELS."""
    card = json.loads(subprocess.run([program, file, "card"], check=True, stdout=subprocess.PIPE).stdout)
    if card != {key: model[key] for key in ("model", "prefix", "max_tokens")}:
        sys.exit(f"error: {program} was built with the card {card}, and this script wants {model}.\n"
                 "Write model, version, prefix, max_tokens, dim and a centre of zeros into src/llm/cards.json, build, run again.")


def embed(program: Path, file: Path, model: dict, texts: list[str]) -> np.ndarray:
    """The raw vectors of Kinora's own embedder, made unit length; kept by all that they depend on."""
    data = b"".join(text.encode() + b"\0" for text in texts)
    settings = f"{hashlib.sha256(file.read_bytes()).hexdigest()} {model['prefix']!r} {model['max_tokens']}\n"
    key = hashlib.sha256(settings.encode() + data).hexdigest()[:16]
    kept = WORK / f"{key}.f32"
    if not kept.exists():
        jobs = os.cpu_count() or 1
        chunks = [b"".join(text.encode() + b"\0" for text in texts[len(texts) * j // jobs:len(texts) * (j + 1) // jobs])
                  for j in range(jobs)]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            parts = pool.map(lambda chunk: subprocess.run([program, file, "raw"], input=chunk, check=True,
                                                          stdout=subprocess.PIPE).stdout, chunks)
            kept.with_suffix(".tmp").write_bytes(b"".join(parts))
        kept.with_suffix(".tmp").rename(kept)
    return unit(np.fromfile(kept, np.float32).reshape(len(texts), -1).astype(np.float64))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


# ---- the probe ----


def ridge(vectors: np.ndarray, targets: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    mean, middle = vectors.mean(0), targets.mean()
    x = vectors - mean
    weights = np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ (targets - middle))
    return weights, middle - mean @ weights


def choose_ridge(vectors: np.ndarray, targets: np.ndarray, folds: np.ndarray) -> float:
    def error(strength: float) -> float:
        total = 0.0
        for fold in range(5):
            weights, bias = ridge(vectors[folds != fold], targets[folds != fold], strength)
            total += ((vectors[folds == fold] @ weights + bias - targets[folds == fold]) ** 2).sum()
        return total

    return min(RIDGES, key=error)


def calibrate(linear: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
    """scale and shift with the least square error of tanh(scale * (linear + shift)), by a grid made finer thrice."""
    scale, shift, width_scale, width_shift = 2.0, 0.0, 1.9, 0.2
    for _ in range(4):
        grid = itertools.product(np.linspace(scale - width_scale, scale + width_scale, 21),
                                 np.linspace(shift - width_shift, shift + width_shift, 21))
        scale, shift = min(grid, key=lambda at: ((np.tanh(at[0] * (linear + at[1])) - targets) ** 2).sum())
        width_scale, width_shift = width_scale / 8, width_shift / 8
    return float(scale), float(shift)


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))


def judge(opinions: np.ndarray, ratings: np.ndarray) -> dict:
    clear = np.abs(ratings) >= CLEAR_RATING
    agrees = (opinions > 0) == (ratings > 0)
    nonzero = ratings != 0
    return {
        "texts": len(ratings),
        "accuracy": round(float(agrees[nonzero].mean()), 3),
        "auc": round(area_under_curve(opinions[nonzero], ratings[nonzero] > 0), 3),
        "clear_texts": int(clear.sum()),
        "clear_accuracy": round(float(agrees[clear].mean()), 3),
        "clear_auc": round(area_under_curve(opinions[clear], ratings[clear] > 0), 3),
        "correlation": round(float(np.corrcoef(opinions, ratings)[0, 1]), 3),
        "mean_absolute_error": round(float(np.abs(opinions - ratings / HIGHEST_RATING).mean()), 3),
    }


def train_probe(vectors: np.ndarray, texts: list[str], ratings: np.ndarray) -> dict:
    held_out = np.array([fraction(text, "held out") < 0.3 for text in texts])
    folds = np.array([int(fraction(text, "folds") * 5) for text in texts])[~held_out]
    targets = ratings / HIGHEST_RATING
    strength = choose_ridge(vectors[~held_out], targets[~held_out], folds)
    weights, bias = ridge(vectors[~held_out], targets[~held_out], strength)
    weights = np.round(weights, 6)
    scale, shift = calibrate(vectors[~held_out] @ weights + bias, targets[~held_out])
    scale, bias = round(scale, 6), round(float(bias) + shift, 6)
    opinions = np.tanh(scale * (vectors @ weights + bias))
    return {
        "ridge": strength,
        "held_out": judge(opinions[held_out], ratings[held_out]),
        "bias": bias,
        "scale": scale,
        "weights": weights.tolist(),
    }


# ---- the cards ----


def unrelated(vectors: np.ndarray, genres: list[set[str]]) -> np.ndarray:
    """The cosines of all pairs of films that share no genre."""
    cosines = vectors @ vectors.T
    pairs = [(i, j) for i, j in itertools.combinations(range(len(genres)), 2) if not genres[i] & genres[j]]
    return cosines[tuple(np.array(pairs).T)]


def write(path: Path, cards: list[dict]) -> None:
    text = json.dumps({"cards": cards}, indent=2, ensure_ascii=False)

    def wrap(match: re.Match) -> str:  # twelve numbers a line instead of one
        numbers = match[0].strip("[]").split(",")
        lines = [",".join(n.strip() for n in numbers[i:i + 12]) for i in range(0, len(numbers), 12)]
        return "[\n" + ",\n".join(lines) + "\n      ]"

    path.write_text(re.sub(r"\[\s+-?\d[-\d.e,\s]*\]", wrap, text) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the cards of the embedding models.")
    parser.add_argument("--embed", type=Path, default=TOP / "build/release/tests/embed-texts")
    parser.add_argument("--models", type=Path, default=TOP / "build/models")
    parser.add_argument("--films", type=Path, default=TOP / "../shared/data/movies/wikipedia-movies.jsonl")
    arguments = parser.parse_args()

    WORK.mkdir(parents=True, exist_ok=True)
    fetch()
    snippets, ratings = rated_snippets()
    languages = sentences_by_language()
    films, genres = film_texts(arguments.films)
    embed_cards, probe_cards = [], []
    for model in MODELS:
        file = arguments.models / model["file"]
        texts = [snippets, [sentence for sentences in languages for sentence in sentences], films]
        check_program(arguments.embed, file, model)
        rated, spoken, filmed = (embed(arguments.embed, file, model, part) for part in texts)

        # Half of what reviewers write in English, half of every language alike: a centre of English texts only would leave
        # "it is Spanish" as what any two Spanish films have most in common.
        ends = np.cumsum([len(sentences) for sentences in languages])
        by_language = np.array([part.mean(0) for part in np.split(spoken, ends[:-1])])
        centre = np.round((rated.mean(0) + by_language.mean(0)) / 2, 6)
        cosines = unrelated(unit(filmed - centre), genres)
        content = file.read_bytes()
        embed_cards.append({
            "model": model["model"],
            "version": CARD_VERSION,
            "prefix": model["prefix"],
            "max_tokens": model["max_tokens"],
            "dim": model["dim"],
            "weak_below": round(float(np.percentile(cosines, 95)), 3),
            "weak_below_is": f"95th percentile of the cosines of {len(cosines)} pairs of film descriptions of 50 to 80 "
                             f"words without a common genre (median {np.median(cosines):.3f})",
            "centre_is": f"half the mean of {len(snippets)} English sentences of film reviews, half the mean over "
                         f"{len(languages)} languages of the mean of spaCy's example sentences; unit vectors",
            "files": [{"name": model["file"], "bytes": len(content),
                       "sha256": hashlib.sha256(content).hexdigest()}],
            "centre": centre.tolist(),
        })
        probe_cards.append({
            "model": model["model"],
            "version": PROBE_VERSION,
            "dim": model["dim"],
            "data": "movie review snippets of vaderSentiment 3.3.2, each rated -4 to 4 by 20 people; target: mean / 4",
            "licence": "MIT (vaderSentiment, C.J. Hutto)",
            "split": "30 % held out, chosen by a hash of the text (tools/train/train.py); never trained on",
            "limits": "English film reviews: says whether a text praises or damns. Other languages by the embedding's "
                      "grace; dark stories told warmly, irony and negated praise are often misread.",
            **train_probe(unit(rated - centre), snippets, ratings),
        })
        print(model["model"], "weak below", embed_cards[-1]["weak_below"], probe_cards[-1]["held_out"])
    path = TOP / "src/llm/cards.json"
    made = {model["model"] for model in MODELS}
    others = [card for card in json.loads(path.read_text(encoding="utf-8"))["cards"] if card["model"] not in made]
    write(path, embed_cards + others)  # of GPT-2 there is nothing to measure
    write(TOP / "src/opinion/cards.json", probe_cards)


if __name__ == "__main__":
    main()
