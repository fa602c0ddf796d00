#!/usr/bin/env python3
"""rare_words.py LIBRARY [--small]  How candidates by meaning and by rare words are best put together.

LIBRARY is one of many described films with genres, such as `kinora import` makes of film overviews. For every fourth title and all
siblings: the share of the ten answers that have a genre in common with it; and for titles whose names share a stem ("Alien 3", "Alien:
Covenant"): how many of those are among the ten. Similarity alone ranks. Beside it BM25 and reciprocal rank fusion, all
of them on the same words, which are those of src/text/wording.c but for the 256 that it keeps. Intervals: bootstrap over titles, 95 %.

--small: the same for libraries of 16 to 1,600 titles drawn from it, a quarter of them with a sibling; three answers."""
import collections
import pathlib
import re
import sqlite3
import sys
import unicodedata

import numpy as np

K = 10
COMMON, LEAST, TERMS = 10, 3, 64  # as in src/index/sparse.c
rng = np.random.default_rng(1)


def stem(name):
    s = re.sub(r"\(.*?\)", "", name.lower().split(":")[0].split(" – ")[0]).strip()
    s = re.sub(r"\s+(part\s+)?(\d+|i{2,3}|iv|v|vi{1,3}|ix|x)\s*$", "", s)
    return re.sub(r"[^\w ]", "", s).strip()


def words(text):
    folded = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return collections.Counter(re.findall(r"\w+(?:['’-]\w+)*", folded))


class Films:
    def __init__(self, library):
        db = sqlite3.connect(f"file:{pathlib.Path(library) / 'library.db'}?mode=ro", uri=True)
        rows = db.execute("SELECT name, genres, vector, (SELECT group_concat(text, ' ') FROM segment WHERE title = title.key)"
                          " FROM title JOIN title_vector ON title_vector.title = title.key WHERE state = 1 ORDER BY id").fetchall()
        self.vectors = np.stack([np.frombuffer(r[2], np.float32) for r in rows])
        self.genres = [set(filter(None, r[1].split(", "))) for r in rows]
        self.words = [words(r[3] or "") for r in rows]
        stems = collections.defaultdict(list)
        for i, r in enumerate(rows):
            if len(stem(r[0])) >= 3:
                stems[stem(r[0])].append(i)
        self.families = [f for f in stems.values() if 2 <= len(f) <= 12]
        self.siblings = {i: set(f) - {i} for f in self.families for i in f}


class Words:
    """Scores by words over some of the films: rare words both ways, or BM25."""

    def __init__(self, films, which, bm25=False):
        n, rows = len(which), collections.Counter()
        counts = [films.words[i] for i in which]
        for c in counts:
            rows.update(c.keys())
        most = n if bm25 else max(LEAST, n // COMMON)
        idf = {w: np.log(1 + (n - r + .5) / (r + .5)) for w, r in rows.items() if r <= most}
        mean = np.mean([sum(c.values()) for c in counts])
        lists, self.asked, self.n = collections.defaultdict(list), [], n
        for i, c in enumerate(counts):
            norm = 1.2 * (.25 + .75 * sum(c.values()) / mean) if bm25 else 1.2
            v = sorted(((rows[w] > 1, m * 2.2 / (m + norm) * idf[w], w) for w, m in c.items() if w in idf), reverse=True)
            if not bm25:
                v = v[:TERMS]
                length = np.sqrt(sum(x * x for _, x, _ in v)) or 1
                v = [(s, x / length, w) for s, x, w in v]
            self.asked.append([(w, 1 if bm25 else x) for _, x, w in v])
            for _, x, w in v:
                lists[w].append((i, x))
        self.lists = {w: (np.array([i for i, _ in l]), np.array([x for _, x in l])) for w, l in lists.items()}

    def scores(self, i):
        s = np.zeros(self.n)
        for w, x in self.asked[i]:
            rows, weights = self.lists[w]
            s[rows] += x * weights
        s[i] = -1
        return s


def first(scores, k):
    best = np.argpartition(-scores, k)[:k] if k < len(scores) else np.arange(len(scores))
    return best[np.lexsort((best, -scores[best]))]


def fuse(meaning, words, k):
    """Reciprocal rank fusion of the 100 best of either."""
    s = np.zeros(len(meaning))
    for scores in (meaning, words):
        s[first(scores, 100)] += 1 / (k + 1 + np.arange(min(100, len(scores))))
    return s


def answers(films, which, asked, wanted):
    """name -> the places of the wanted best, for each of the asked places."""
    out, w, bm25 = collections.defaultdict(list), Words(films, which), Words(films, which, True)
    vectors = films.vectors[which]
    for i in asked:
        s, x = vectors @ vectors[i], w.scores(i)
        s[i] = -2
        out["meaning alone"].append(first(s, wanted))
        out["rare words alone"].append(first(x, wanted))
        out["BM25"].append(first(bm25.scores(i), wanted))
        listed = np.where(np.isin(np.arange(len(s)), first(x, 100)), np.maximum(x, 0), 0)
        for k in (10, 60):
            out[f"reciprocal rank fusion, k {k}"].append(first(fuse(s, x, k), wanted))
        for weight in (.5, 1, 2, 3):
            out[f"similarity + {weight} x words"].append(first(s + weight * listed, wanted))
    return out


def measures(films, which, asked, places):
    at = {int(t): k for k, t in enumerate(which)}
    found, shared = [], []
    for i, p in zip(which[list(asked)], places):
        siblings = {at[s] for s in films.siblings.get(int(i), ()) if s in at}
        if siblings:
            found.append(len(siblings & set(p.tolist())) / min(len(p), len(siblings)))
        if films.genres[i]:
            shared.append(np.mean([bool(films.genres[i] & films.genres[which[j]]) for j in p]))
    return np.array(found), np.array(shared)


def interval(x):
    means = [x[rng.integers(len(x), size=len(x))].mean() for _ in range(1000)]
    return f"{x.mean():.3f} [{np.percentile(means, 2.5):.3f}, {np.percentile(means, 97.5):.3f}]"


def draw(films, n):
    some = set()
    while len(some) < n // 4:
        some.update(films.families[rng.integers(len(films.families))][:3])
    while len(some) < n:
        some.add(int(rng.integers(len(films.words))))
    return np.array(sorted(some))


def main():
    films = Films(sys.argv[1])
    if "--small" in sys.argv:
        for n, rounds in ((16, 200), (60, 80), (400, 15), (1600, 4)):
            sums = collections.defaultdict(lambda: ([], []))
            for _ in range(rounds):
                which = draw(films, n)
                for name, places in answers(films, which, range(n), 3).items():
                    for kept, one in zip(sums[name], measures(films, which, range(n), places)):
                        kept.append(one)
            for name, (found, shared) in sums.items():
                print(f"{n:5} titles  {name:32} siblings {np.concatenate(found).mean():.3f}  "
                      f"genres {np.concatenate(shared).mean():.3f}", flush=True)
        return
    which = np.arange(len(films.words))
    asked = np.array(sorted(set(films.siblings) | set(range(0, len(which), 4))))
    for name, places in answers(films, which, asked, K).items():
        found, shared = measures(films, which, asked, places)
        print(f"{name:32} siblings {interval(found)}  genres {interval(shared)}", flush=True)


if __name__ == "__main__":
    main()
