#!/usr/bin/env python3
"""How well the scorers tell praise from blame: one table for bench/RESULTS.md.

    build/venv/bin/python bench/opinion.py

Accuracy (threshold 0) and area under the curve, with 95 % intervals by bootstrap over the texts, of the probes of both embedding models,
the instruct model, TextBlob's lexicon and VADER: on the rated film snippets that nothing was trained on (tools/train/texts.py), on
reviews in three other languages and Spanish tweets, which nothing was trained on either, and on the sample trailers. Needs what
tools/train/train.py needs. The instruct model takes up to a second a text, so it reads --llm texts of each set, chosen by hash;
its answers are kept beside the vectors.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import hashlib
import importlib.util
import io
import json
import re
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tools/train"))
from texts import MODELS, Embedder, Texts, area_under_curve, held_out, some, unit  # noqa: E402

RESAMPLES = 1000
OTHERS = 400  # texts at most of each other language
E5, MINILM = (model["model"] for model in MODELS)


def lines_of(command: list, texts: list[str]) -> list[str]:
    data = b"".join(text.encode() + b"\0" for text in texts)
    return subprocess.run(command, input=data, check=True, stdout=subprocess.PIPE).stdout.decode().splitlines()


class Scorers:
    def __init__(self, arguments, texts: Texts):
        self.tests, self.models, self.work, self.texts = arguments.tests, arguments.models, arguments.work, texts
        self.embedders = {model["model"]: Embedder(self.tests / "embed-texts", self.models / model["file"], model, self.work)
                          for model in MODELS}
        self.cards = {name: {card["model"]: card for card in json.loads((TOP / f"src/{name}/cards.json").read_text())["cards"]}
                      for name in ("llm", "opinion")}

    def probe(self, model: str, texts: list[str], chosen=slice(None)) -> np.ndarray:
        """As src/opinion/opinion.c has it, of those chosen among texts, whose vectors are kept all together."""
        card = self.cards["opinion"][model]
        vectors = unit(self.embedders[model].unit_vectors(texts)[chosen] - np.array(self.cards["llm"][model]["centre"]))
        return np.tanh(card["scale"] * (vectors @ np.array(card["weights"]) + card["bias"]))

    def lexicon(self, texts: list[str]) -> np.ndarray:
        lines = lines_of([self.tests / "score-texts", self.models / "textblob-lexicon.tsv"], texts)
        return np.array([float.fromhex(line.split()[0]) for line in lines])

    def llm(self, texts: list[str]) -> np.ndarray:
        sources = b"".join((TOP / f"src/{name}").read_bytes() for name in ("opinion/instruct.c", "llm/score.c"))
        key = hashlib.sha256(sources + "\0".join(texts).encode()).hexdigest()[:16]
        kept = self.work / f"llm-{key}.json"
        if not kept.exists():
            lines = lines_of([self.tests / "score-texts", "llm", self.models / "SmolLM2-135M-Instruct-q4_1.gguf"], texts)
            kept.write_text(json.dumps([float.fromhex(line) for line in lines]))
        return np.array(json.loads(kept.read_text()))

    def vader(self, texts: list[str]) -> np.ndarray:
        """The module as it lies in its package, which reads its tables from the folder that it is in. It asks for the library requests,
        for its demonstration alone."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("vaderSentiment.py", "vader_lexicon.txt", "emoji_utf8_lexicon.txt"):
                Path(folder, name).write_bytes(self.texts.member("vaderSentiment", f"/vaderSentiment/{name}"))
            sys.modules.setdefault("requests", types.ModuleType("requests"))
            spec = importlib.util.spec_from_file_location("vader", Path(folder, "vaderSentiment.py"))
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            analyzer = module.SentimentIntensityAnalyzer()
        return np.array([analyzer.polarity_scores(text)["compound"] for text in texts])


def measure(scores: np.ndarray, positive: np.ndarray) -> str:
    """accuracy [interval] / area under the curve [interval]"""
    random = np.random.default_rng(1)
    right = (scores > 0) == positive
    accuracies, areas = [], []
    for _ in range(RESAMPLES):
        at = random.integers(0, len(scores), len(scores))
        accuracies.append(right[at].mean())
        areas.append(area_under_curve(scores[at], positive[at]))
    told = [f"{value:.3f} [{np.percentile(all_, 2.5):.2f}, {np.percentile(all_, 97.5):.2f}]".replace("0.", ".")
            for value, all_ in ((right.mean(), accuracies), (area_under_curve(scores, positive), areas))]
    return " / ".join(told)


def test_sets(texts: Texts) -> dict:
    """name: texts, the places in them of those to be judged, whether each of these is positive, whether they are English"""
    snippets, ratings = texts.rated_snippets()
    chosen = np.flatnonzero(held_out(snippets) & (ratings != 0))
    sets = {"film snippets, held out": (snippets, chosen, ratings[chosen] > 0, True)}
    films, tones = texts.films_by_tone()
    chosen = np.flatnonzero(held_out(films))
    sets["films of warm or dark genres, held out"] = (films, chosen, tones[chosen] > 0, True)
    for name, (read, labels) in {"French book reviews": texts.reviews("fr"), "Dutch book reviews": texts.reviews("nl"),
                                 "German book reviews": texts.reviews("de"),
                                 "Spanish tweets": texts.spanish_tweets()}.items():
        read, labels = some(read, labels, OTHERS)
        sets[name] = (read, np.arange(len(read)), labels > 0, False)
    return sets


def trailers(scorers: Scorers) -> list[str]:
    """Whether every warm sample trailer is above every dark one, each script taken as one text. Kinora hears them and takes the
    mean of their moments: tests/e2e/samples.py."""
    films = json.loads((TOP / "samples/samples.json").read_text())["films"]
    rows = []
    for name, score in (("probe, " + E5, lambda t: scorers.probe(E5, t)), ("probe, " + MINILM, lambda t: scorers.probe(MINILM, t))):
        scripts = [(TOP / "samples" / film["script"]).read_text(encoding="utf-8") for film in films]
        opinions = score(scripts)
        for language in ("en", "es"):
            at = [film["language"] == language for film in films]
            warm = [o for o, f, a in zip(opinions, films, at) if a and f["tone"] == "warm"]
            dark = [o for o, f, a in zip(opinions, films, at) if a and f["tone"] == "dark"]
            rows.append(f"| {name} | {language} | {min(warm):+.2f} to {max(warm):+.2f} | {min(dark):+.2f} to {max(dark):+.2f} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the scorers of opinion.")
    parser.add_argument("--tests", type=Path, default=TOP / "build/release/tests", help="where embed-texts and score-texts lie")
    parser.add_argument("--models", type=Path, default=TOP / "build/models")
    parser.add_argument("--films", type=Path, default=TOP / "../shared/data/movies/wikipedia-movies.jsonl")
    parser.add_argument("--work", type=Path, default=TOP / "build/train", help="where packages, vectors and answers are kept")
    parser.add_argument("--llm", type=int, default=300, help="how many texts of a set the instruct model reads; 0: none")
    arguments = parser.parse_args()
    texts = Texts(arguments.work, arguments.films)
    texts.fetch()
    scorers = Scorers(arguments, texts)
    print("| texts | scorer | n | accuracy / area under the curve |\n|---|---|---|---|")
    for name, (whole, chosen, positive, english) in test_sets(texts).items():
        read = [whole[i] for i in chosen]
        few, few_positive = some(read, positive, arguments.llm)
        rows = {f"probe, {model}": (scorers.probe(model, whole, chosen), positive) for model in (E5, MINILM)}
        if arguments.llm:
            rows["llm, SmolLM2-135M"] = (scorers.llm(few), few_positive)
        if english:
            rows["lexicon (TextBlob)"] = (scorers.lexicon(read), positive)
            rows["VADER"] = (scorers.vader(read), positive)
        most = positive.mean() > 0.5
        rows[f"always {'positive' if most else 'negative'}"] = (np.full(len(positive), 1 if most else -1), positive)
        for scorer, (scores, labels) in rows.items():
            print(f"| {name} | {scorer} | {len(labels)} | {measure(scores, labels)} |", flush=True)
    print("\n| sample trailers | language | warm | dark |\n|---|---|---|---|")
    print("\n".join(trailers(scorers)))


if __name__ == "__main__":
    main()
