#!/usr/bin/env python3
"""Do the words of the sample films give their groups away? They must not.

Asks BM25 (k1 = 1.2, b = 0.75), with a film's whole script as the query, for the most alike film of the same language,
and counts how often its first answer is of the film's own group: at most 10 of 16 are allowed, without and with a
stop-word list. Checks too that mates (same group, same language) share no proper noun and that every film has a mate.
A recommender that finds the mates all the same has understood something.

Standard library only. Exit status: 0 when every rule holds, 1 otherwise.
    check_words.py [--limit N] [--verbose]
"""
import argparse
import collections
import json
import math
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
K1, B = 1.2, 0.75
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

STOP = {
    "en": """a about above across after again against ahead all also am an and another any are around as at away back
        be became because become becomes been before began begin begins behind being below beneath between beyond but
        by came can cannot come comes could did do does down each either ever every everybody everyone everything
        exactly few first for from get gets go goes going had has have he her here hers him his how i if in inside
        into is it its just last left like little many may me mine more most must my neither never no nobody nor not
        nothing now of off old on once one only or other our ours out outside over own please really same say says
        see she should show so some someone something still such than that the their them then there these they thing
        things this those through till to together too two under until up us very was way we were what when where
        whether which while who whole whom why will with within without would year years you your""",
    "es": """a acaba acaban ahora al algo alguien algún alguna antes arriba aquí así aún aunque bajo bien cada casi como
        con cual cuando cuya cuyo de debajo del dentro desde después donde dos durante e el él ella ellas ellos en
        encima entre era es esa ese eso esta está están este esto fue fueron gran ha había habrá han hasta hay he la
        las le les lo los más me mi mí mientras mis mismo misma mucha muchas mucho muchos muy nada nadie ni ninguna
        ninguno no nos nosotros nuestra nuestro nunca o os otra otro para pero por porque primero propia propio pues
        que qué quien quién se sea ser si sí sin sobre solo sólo son su sus también tan tanto te ti tiene tienen toda
        todas todo todos tras tu tú tus último última un una unas uno unos vez y ya yo""",
}
STOP = {lang: frozenset(words.split()) for lang, words in STOP.items()}


def tokens(text, stop):
    return [w for w in WORD.findall(text.lower()) if w not in stop]


def bm25(query, documents):
    """Scores of the documents (lists of words). The idf is Lucene's, never negative; repeated query words count again."""
    count = len(documents)
    mean = sum(map(len, documents)) / count
    frequency = collections.Counter(w for d in documents for w in set(d))
    scores = []
    for d in documents:
        tf = collections.Counter(d)
        norm = K1 * (1 - B + B * len(d) / mean)
        scores.append(sum(math.log(1 + (count - frequency[w] + 0.5) / (frequency[w] + 0.5)) * tf[w] * (K1 + 1)
                          / (tf[w] + norm) for w in query if tf[w]))
    return scores


def own_group_first(films, stopped):
    hits, rows = 0, []
    for film in films:
        others = [o for o in films if o is not film and o["language"] == film["language"]]
        stop = STOP[film["language"]] if stopped else frozenset()
        scores = bm25(tokens(film["script"], stop), [tokens(o["script"], stop) for o in others])
        # A tie counts for the own group: the rule shall hold without luck.
        best = max(scores)
        first = [o for o, s in zip(others, scores) if s >= best - 1e-12]
        hit = any(o["group"] == film["group"] for o in first)
        hits += hit
        answer = first[0]["title"] if len(first) == 1 else f"{len(first)} films alike, no telling word"
        rows.append((film["title"], answer, hit))
    return hits, rows


def capitalised(script):
    """Words with a capital that are not the first of a sentence: names, as far as spelling tells."""
    names = set()
    for sentence in re.split(r"(?<=[.?!:])\s+", script):
        for word in WORD.findall(sentence)[1:]:
            if word[0].isupper() and word != "I":
                names.add(word)
    return names


def proper_nouns(film):
    in_title = set(WORD.findall(film["title"]))
    return {n.lower() for n in set(film["proper_nouns"]) | (capitalised(film["script"]) - in_title)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=10, help="how often BM25 may be right (default 10)")
    parser.add_argument("--verbose", action="store_true", help="show BM25's first answer for every film")
    args = parser.parse_args()

    films = json.loads((HERE / "samples.json").read_text(encoding="utf-8"))["films"]
    for film in films:
        film["script"] = (HERE / film["script"]).read_text(encoding="utf-8")
    failures = []

    for stopped, label in ((False, "without a stop-word list"), (True, "with a stop-word list")):
        hits, rows = own_group_first(films, stopped)
        print(f"BM25 {label}: own group first for {hits} of {len(films)} (at most {args.limit})")
        if args.verbose:
            for title, first, hit in rows:
                print(f"  {'own  ' if hit else 'other'}  {title} -> {first}")
        if hits > args.limit:
            failures.append(f"BM25 {label} is right {hits} times")

    pairs = 0
    for i, a in enumerate(films):
        mates = [b for b in films if b is not a and (b["language"], b["group"]) == (a["language"], a["group"])]
        if not mates:
            failures.append(f"{a['title']} has no mate in its language")
        for b in films[i + 1:]:
            if b not in mates:
                continue
            pairs += 1
            for x, y in ((a, b), (b, a)):
                shared = proper_nouns(x) & {w.lower() for w in WORD.findall(y["script"] + " " + y["title"])}
                if shared:
                    failures.append(f"{x['title']} and {y['title']} share {', '.join(sorted(shared))}")
    print(f"proper nouns: {pairs} pairs of mates compared")

    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
