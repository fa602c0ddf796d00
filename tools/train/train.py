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
import hashlib
import itertools
import json
import re
from pathlib import Path

import numpy as np

from texts import DARK, HELD_OUT, MODELS, TOP, WARM, Embedder, Texts, area_under_curve, fraction, held_out, unit

CARD_VERSION = 1  # raise it when a prefix or a centre changes: all vectors are made anew
PROBE_VERSION = 2  # raise it when weights change: all opinions are made anew

HIGHEST_RATING = 4.0  # people rated from -4 to 4
CLEAR_RATING = 1.0  # at least so far from 0 counts as clear
RIDGES = [0.3, 1.0, 3.0, 10.0, 30.0]
SAME_IN_EVERY_LANGUAGE = 100.0
TONE_TARGET = 0.5  # of a film whose genres are all warm
TONE_SHARE = 0.3
ASKED_WORDS = 8  # of a text that someone asks with

OTHER_LANGUAGES = {  # bench/opinion.py
    "multilingual-e5-small": "Other languages by the embedding's grace: area under the curve .86 to .94 on reviews in French, "
                             "Dutch and German, .74 on Spanish tweets.",
    "all-MiniLM-L6-v2": "In other languages it does little better than a coin.",
}


# ---- the probe ----


def ridge(vectors: np.ndarray, targets: np.ndarray, strength: float, languages: np.ndarray) -> np.ndarray:
    """Weights of least square error, with a price on their length and on what they make of a language as such: languages has the mean
    vectors of much the same sentences in each, which should all score alike."""
    x = vectors - vectors.mean(0)
    apart = languages - languages.mean(0)
    prices = strength * np.eye(x.shape[1]) + SAME_IN_EVERY_LANGUAGE * apart.T @ apart
    return np.linalg.solve(x.T @ x + prices, x.T @ (targets - targets.mean()))


def choose_ridge(vectors: np.ndarray, targets: np.ndarray, folds: np.ndarray, languages: np.ndarray) -> float:
    def error(strength: float) -> float:
        total = 0.0
        for fold in range(5):
            learn, test = folds != fold, folds == fold
            weights = ridge(vectors[learn], targets[learn], strength, languages)
            bias = (targets[learn] - vectors[learn] @ weights).mean()
            total += ((vectors[test] @ weights + bias - targets[test]) ** 2).sum()
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


def train_probe(vectors: np.ndarray, texts: list[str], ratings: np.ndarray, films: np.ndarray, film_texts: list[str],
                tones: np.ndarray, languages: np.ndarray) -> dict:
    """Two heads in one: what reviewers praise, and a share of what tells warm stories from dark ones. Each is trained by itself:
    in one fit the reviews, which are many and of both kinds of film, drown the stories."""
    out, films_out = held_out(texts), held_out(film_texts)
    folds = np.array([int(fraction(text, "folds") * 5) for text in texts])[~out]
    targets = ratings / HIGHEST_RATING
    strength = choose_ridge(vectors[~out], targets[~out], folds, languages)
    praise = ridge(vectors[~out], targets[~out], strength, languages)
    tone = ridge(films[~films_out], TONE_TARGET * tones[~films_out], strength, languages)
    weights = np.round(praise + TONE_SHARE * tone, 6)
    scale, bias = (round(number, 6) for number in calibrate(vectors[~out] @ weights, targets[~out]))
    opinions = np.tanh(scale * (vectors @ weights + bias))
    return {
        "ridge": strength,
        "held_out": judge(opinions[out], ratings[out]),
        "held_out_films": {
            "texts": int(films_out.sum()),
            "auc": round(area_under_curve(films[films_out] @ weights, tones[films_out] > 0), 3),
            "auc_of_tone_alone": round(area_under_curve(films[films_out] @ tone, tones[films_out] > 0), 3),
            "auc_of_praise_alone": round(area_under_curve(films[films_out] @ praise, tones[films_out] > 0), 3),
        },
        "bias": bias,
        "scale": scale,
        "weights": weights.tolist(),
    }


# ---- the cards ----


def unrelated(asking: np.ndarray, vectors: np.ndarray, genres: list[set[str]]) -> np.ndarray:
    """The cosines of all pairs of films that share no genre, the first by what asks in its place."""
    cosines = asking @ vectors.T
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
    parser.add_argument("--work", type=Path, default=TOP / "build/train", help="where packages and vectors are kept")
    arguments = parser.parse_args()

    texts = Texts(arguments.work, arguments.films)
    texts.fetch()
    snippets, ratings = texts.rated_snippets()
    languages = texts.sentences_by_language()
    films, genres = texts.unrelated_films()
    toned, tones = texts.films_by_tone()
    embed_cards, probe_cards = [], []
    for model in MODELS:
        file = arguments.models / model["file"]
        embedder = Embedder(arguments.embed, file, model, arguments.work)
        rated, spoken, filmed, asking, told = (embedder.unit_vectors(part) for part in (
            snippets, [sentence for sentences in languages for sentence in sentences], films,
            [" ".join(film.split()[:ASKED_WORDS]) for film in films], toned))

        # Half of what reviewers write in English, half of every language alike: a centre of English texts only would leave
        # "it is Spanish" as what any two Spanish films have most in common.
        ends = np.cumsum([len(sentences) for sentences in languages])
        parts = np.split(spoken, ends[:-1])
        by_language = np.array([part.mean(0) for part in parts])
        centre = np.round((rated.mean(0) + by_language.mean(0)) / 2, 6)
        filmed, asking = unit(filmed - centre), unit(asking - centre)
        cosines, of_asking = unrelated(filmed, filmed, genres), unrelated(asking, filmed, genres)
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
            "weak_below_text": round(float(np.percentile(of_asking, 95)), 3),
            "weak_below_text_is": f"the same, with the first {ASKED_WORDS} words of one of each pair "
                                  f"(median {np.median(of_asking):.3f})",
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
            "data": "praise: movie review snippets of vaderSentiment 3.3.2, each rated -4 to 4 by 20 people; target: mean / 4. "
                    f"Tone, a share of {TONE_SHARE}: {len(toned)} descriptions of films in English, first sentence left out; "
                    f"target {TONE_TARGET} where the genres are warm ({', '.join(sorted(WARM))}), -{TONE_TARGET} where they are "
                    f"dark ({', '.join(sorted(DARK))}). spaCy's example sentences in {len(languages)} languages: those that "
                    "are much the same are to score the same",
            "licence": "MIT (vaderSentiment, C.J. Hutto; spaCy); CC BY-SA (the descriptions, Wikipedia)",
            "split": f"{HELD_OUT:.0%} held out, chosen by a hash of the text's letters and digits (tools/train/texts.py); never "
                     "trained on. The centre of the vectors is a mean over all snippets, their ratings unseen",
            "limits": "English film reviews and descriptions: says whether a text praises or damns, and, less surely, whether "
                      "it tells of bright or dark things. Irony, negated praise and dark stories told warmly are often misread. "
                      + OTHER_LANGUAGES[model["model"]],
            **train_probe(unit(rated - centre), snippets, ratings, unit(told - centre), toned, tones,
                          np.array([unit(part - centre).mean(0) for part in parts])),
        })
        print(model["model"], "weak below", embed_cards[-1]["weak_below"], probe_cards[-1]["held_out"],
              probe_cards[-1]["held_out_films"])
    path = TOP / "src/llm/cards.json"
    made = {model["model"] for model in MODELS}
    others = [card for card in json.loads(path.read_text(encoding="utf-8"))["cards"] if card["model"] not in made]
    write(path, embed_cards + others)  # of GPT-2 there is nothing to measure
    write(TOP / "src/opinion/cards.json", probe_cards)


if __name__ == "__main__":
    main()
