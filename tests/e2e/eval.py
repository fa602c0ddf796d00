#!/usr/bin/python3
"""eval.py  What `kinora eval` tells is so: each figure computed once more here, from the library's tables, from what
`kinora recommend` answers, or from a second library that was really made with the other model."""

import csv
import hashlib
import json
import math
import pathlib
import signal
import sqlite3
import struct
import time

from e2e import DONE, FAILED, FILMS, SAMPLES, Kinora, Opened, hollow_models, run, wait_until

MINILM = "all-MiniLM-L6-v2"


def scripts():
    return {f["name"]: (SAMPLES / f["script"]).read_text(encoding="utf-8") for f in FILMS}


def library(folder, name, *args):
    """The samples' scripts as a library of texts."""
    kinora = Kinora(folder / name)
    rows = [{"title": f["name"], "text": scripts()[f["name"]], "language": f["language"], "genres": f["group"]} for f in FILMS]
    file = kinora.folder / "scripts.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    kinora("import", file, *args, code=DONE, timeout=300)
    return kinora


def labels(kinora, columns, rows):
    file = kinora.folder / f"{columns[1]}.csv"
    with open(file, "w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([columns, *rows])
    return file


def figures(told, which="figure"):
    return {f["name"]: f[which]["value"] for f in told["figures"]}


def assert_close(got, wanted, what):
    assert got.keys() == wanted.keys() and all(abs(got[k] - wanted[k]) < 1e-5 for k in wanted), f"{what}: {got}, not {wanted}"


def unit(v):
    length = math.sqrt(sum(x * x for x in v))
    return [x / length for x in v]


def halves(kinora):
    """What eval has to find without labels, from the moments' vectors as they lie in the library."""
    first, second = [], []
    with sqlite3.connect(f"file:{kinora.library}/library.db?mode=ro", uri=True) as db:
        for (key,) in db.execute("SELECT key FROM title WHERE state = 1 ORDER BY id"):
            moments = db.execute("SELECT words, vector FROM moment JOIN moment_vector ON moment = moment.key WHERE title = ? "
                                 "ORDER BY number", (key,)).fetchall()
            weighted = [[words * x for x in struct.unpack(f"<{len(v) // 4}f", v)] for words, v in moments]
            cut = len(weighted) // 2
            if cut:
                first.append(unit([sum(c) for c in zip(*weighted[:cut])]))
                second.append(unit([sum(c) for c in zip(*weighted[cut:])]))
    places = []
    for i, a in enumerate(first):
        scores = [sum(x * y for x, y in zip(a, b)) for b in second]
        places.append(sum(s >= scores[i] for s in scores))
    n = len(places)
    return {"recall@1": sum(p == 1 for p in places) / n, "recall@5": sum(p <= 5 for p in places) / n,
            "MRR": sum(1 / p for p in places) / n}


def related(kinora, k, *args):
    """The same for groups, from what recommend answers."""
    group = {f["name"]: f["group"] for f in FILMS}
    precision, ndcg, recall, seen = [], [], [], set()
    for name in group:
        mates = [n for n in group if n != name and group[n] == group[name]]
        rows = [[t["name"] for t in [r, *r["also"]]] for r in kinora.json("recommend", name, "-n", k, *args)["recommendations"]]
        answer, first = [set(row) for row in rows], sum(rows, [])[:k]
        gains = [bool(row & set(mates)) / math.log2(i + 2) for i, row in enumerate(answer)]
        precision.append(sum(bool(row & set(mates)) for row in answer) / k)
        recall.append(sum(n in mates for n in first) / len(mates))
        ndcg.append(sum(gains) / sum(1 / math.log2(i + 2) for i in range(min(k, len(mates)))))
        seen.update(*answer)
    n = len(group)
    return {f"precision@{k}": sum(precision) / n, f"nDCG@{k}": sum(ndcg) / n, f"recall@{k}": sum(recall) / n,
            "coverage": len(seen) / n}


def by_lot(k, language):
    """Precision and recall of k answers drawn from the titles that may answer: those of the same language, or all."""
    precision, recall = [], []
    for f in FILMS:
        pool = [g for g in FILMS if g is not f and (language == "any" or g["language"] == f["language"])]
        mates = [sum(g["group"] == f["group"] for g in among) for among in (pool, [g for g in FILMS if g is not f])]
        precision.append(min(k, len(pool)) / k * mates[0] / len(pool))
        recall.append(min(k, len(pool)) * mates[0] / len(pool) / mates[1])
    return {f"precision@{k}": sum(precision) / len(FILMS), f"recall@{k}": sum(recall) / len(FILMS)}


def without_diversity(told):
    return {k: v for k, v in told.items() if k != "diversity"}


def test_figures_are_those_of_the_tables_and_of_recommend(folder):
    kinora = library(folder, "own")
    told = kinora.json("eval")
    assert told["measure"] == "halves" and told["asked"] + told["left_out"] == told["titles"] == len(FILMS), told
    assert_close(figures(told), halves(kinora), "halves")
    for args in (["--weights", "1,0"], ["--language", "any", "--rank", "uplift"]):
        told = kinora.json("eval", "--labels", "genres", "-n", 3, *args)
        assert told["measure"] == "related" and told["asked"] == len(FILMS), told
        assert_close(without_diversity(figures(told)), related(kinora, 3, *args), f"groups {args}")
        lot = {f["name"]: f["chance"] for f in told["figures"] if f["name"][:9] in ("precision", "recall@3")}
        assert_close(lot, by_lot(3, "any" if "any" in args else "same"), f"by lot {args}")
    for f in told["figures"]:
        assert f["figure"]["low"] is None or f["figure"]["low"] <= f["figure"]["value"] <= f["figure"]["high"], f
    group = labels(kinora, ["name", "group"], [[f["name"], f["group"]] for f in FILMS])
    pairs = labels(kinora, ["a", "b"], [[f["name"], g["name"]] for f in FILMS for g in FILMS
                                        if f["name"] < g["name"] and f["group"] == g["group"]])
    same = [kinora.json("eval", "--labels", how, "-n", 3) for how in ("genres", group, pairs)]
    assert same[0] == same[1] == same[2], "genres, groups and pairs say the same and are measured differently"


def test_the_other_model_is_measured_as_a_library_of_its_own(folder):
    own, other = library(folder, "e5"), library(folder, "minilm", "--embedding-model", MINILM)
    tone = [[f["name"], "positive" if f["tone"] == "warm" else "negative"] for f in FILMS]
    for args in ([], ["--labels", "genres", "-n", 3], ["--labels", labels(own, ["name", "opinion"], tone)]):
        told = own.json("eval", *args, "--against", MINILM, timeout=300)
        assert told["against"] == MINILM and told["asked"] == other.json("eval", *args)["asked"], told
        assert_close(figures(told), figures(own.json("eval", *args)), f"own {args}")
        assert_close(figures(told, "other"), figures(other.json("eval", *args)), f"other {args}")
        for f in told["figures"]:
            assert abs(f["figure"]["value"] - f["other"]["value"] - f["difference"]["value"]) < 3e-6, f


def test_opinion_language_and_words(folder):
    kinora = library(folder, "labelled")
    opinion = {t["name"]: t["opinion"] for t in kinora.titles()}
    warm = {f["name"] for f in FILMS if f["tone"] == "warm"}
    told = kinora.json("eval", "--labels", labels(kinora, ["name", "opinion"], [[n, 1 if n in warm else -1] for n in opinion]))
    pairs = [(opinion[w], opinion[d]) for w in warm for d in opinion if d not in warm]
    assert_close(figures(told), {"accuracy": sum((v > 0) == (n in warm) for n, v in opinion.items()) / len(opinion),
                                 "AUC": sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs)}, "opinion")
    told = kinora.json("eval", "--labels", labels(kinora, ["name", "language"], [[f["name"], f["language"]] for f in FILMS]))
    assert_close(figures(told), {"accuracy": 1, "known": 1}, "language")
    exact = kinora.json("eval", "--labels", labels(kinora, ["name", "text"], scripts().items()))
    assert_close(figures(exact), {"word error rate": 0}, "words")
    fuller = [[n, t + " nobody says this"] for n, t in scripts().items()]
    told = kinora.json("eval", "--verbose", "--labels", labels(kinora, ["name", "text"], fuller))
    one = told["figures"][0]
    assert 0 < one["figure"]["value"] < 0.1 and len(one["values"]) == len(told["questions"]) == len(FILMS), told


def test_it_changes_nothing_and_needs_no_model_of_its_own(folder):
    kinora = library(folder, "still")
    db = kinora.library / "library.db"
    before = hashlib.sha256(db.read_bytes()).hexdigest()
    hollow = hollow_models(folder / "hollow")
    with Opened(hollow) as opened:
        kinora("eval", "--models", hollow, code=DONE)
        kinora("eval", "--models", hollow, "--labels", "genres", code=DONE)
    assert not opened.names, f"a model was read: {opened.names}"
    kinora("eval", "--against", MINILM, "--labels", "genres", code=DONE, timeout=300)
    assert hashlib.sha256(db.read_bytes()).hexdigest() == before, "the library was written to"


def test_ctrl_c_ends_it(folder):
    kinora = library(folder, "stopped")
    began = time.monotonic()
    process = kinora.start("eval", "--against", MINILM, "--jobs", "1")
    maps = pathlib.Path(f"/proc/{process.pid}/maps")
    assert wait_until(lambda: MINILM in maps.read_text(), 60), "the other model was never opened"
    process.send_signal(signal.SIGINT)
    result = kinora.finish(process, ["eval"], began)
    assert result.code == FAILED and "eval: stopped" in result.err, result


if __name__ == "__main__":
    run("eval", [f for name, f in list(globals().items()) if name.startswith("test_")])
