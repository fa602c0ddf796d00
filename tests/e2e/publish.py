#!/usr/bin/python3
"""publish.py [--kills N] [--seed S]  Libraries published to a cluster and pulled from it, while all that can break does.

The cluster is tests/support/qdrant_stand_in.py, Qdrant's own engine behind the published REST API; KINORA_TEST_QDRANT may name
a real server instead (http://127.0.0.1:6333; its key KINORA_TEST_QDRANT_API_KEY), without the tests that make it fail. Titles are sentences of the sample scripts,
imported with the real embedding model. N processes each are killed (SIGKILL) in the middle of publishing and of pulling, at moments that a
slow server spreads over all they do. Default: 2; make torture: --kills 40.
"""

import argparse
import contextlib
import filecmp
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.request

from e2e import DONE, FAILED, MODELS, SAMPLES, TOP, Kinora, Skip, kill_group, none_of, parse_json, run

PYTHON = os.environ.get("KINORA_TEST_PYTHON", str(TOP / "build/venv/bin/python"))
REAL = os.environ.get("KINORA_TEST_QDRANT", "").rstrip("/")
KEY = os.environ.get("KINORA_TEST_QDRANT_API_KEY", "")
MINILM = MODELS / "all-MiniLM-L6-v2-f16.gguf"
TITLES = 150  # more than two batches of 64
SLOW_PUT = {"path": "PUT /collections", "kind": "slow", "seconds": 0.03, "times": 10**6}
SLOW_READ = {"path": "POST /collections", "kind": "slow", "seconds": 0.004, "times": 10**6}


class Server:
    """One for all tests; each takes a library's name of its own."""

    def __init__(self):
        self.process, self.url, self.names = None, REAL, 0
        if not REAL:
            self.process = subprocess.Popen([PYTHON, "-B", TOP / "tests/support/qdrant_stand_in.py"], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
            port = self.process.stdout.readline().strip()
            assert port, f"the stand-in does not start with {PYTHON}: make oracle-venv"
            self.url = f"http://127.0.0.1:{port}"

    def new_address(self):
        self.names += 1
        return f"qdrant+{self.url}/e2e-{os.getpid()}-{self.names}"

    def ask(self, method, path):
        request = urllib.request.Request(self.url + path, headers={"api-key": KEY}, method=method)
        return json.load(urllib.request.urlopen(request))["result"]

    def faults(self, *faults):
        if REAL:
            raise Skip("a real server does not fail on request")
        request = urllib.request.Request(f"{self.url}/stand-in/faults", json.dumps(faults).encode(), method="POST")
        urllib.request.urlopen(request).read()

    @contextlib.contextmanager
    def failing(self, *faults):
        self.faults(*faults)
        try:
            yield
        finally:
            self.faults()

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            return
        for c in self.ask("GET", "/collections")["collections"]:
            if c["name"].startswith(f"e2e-{os.getpid()}-"):
                self.ask("DELETE", f"/collections/{c['name']}")


server = None


def sentences():
    text = " ".join(p.read_text() for p in sorted((SAMPLES / "scripts").glob("*.txt")))
    found = dict.fromkeys(s.strip() for s in re.split(r"(?<=[.!?])\s+", text) if len(s.split()) >= 4)
    assert len(found) >= TITLES, f"{len(found)} sentences"
    return list(found)[:TITLES]


def write_texts(path, numbers):
    lines = sentences()
    with open(path, "w") as f:
        for i in numbers:
            f.write(json.dumps({"title": f"Line {i:03d}", "text": lines[i], "genres": "Drama" if i % 3 else "Western",
                                "year": 1950 + i % 60}) + "\n")
    return path


def with_key(home):
    return Kinora(home, **({"KINORA_QDRANT_API_KEY": KEY} if KEY else {}))


def library(folder, name, numbers):
    """With these titles: a copy of one that has all, without the others."""
    kinora, made = with_key(folder / name), folder / "made"
    if not made.exists():
        maker = Kinora(folder / "maker", made)
        maker("import", write_texts(folder / "texts.jsonl", range(TITLES)), "--quiet", code=DONE, timeout=300)
    shutil.copytree(made, kinora.library)
    others = [f"Line {i:03d}" for i in range(TITLES) if i not in numbers]
    if others:
        kinora("forget", "--yes", *others, code=DONE)
    with contextlib.closing(sqlite3.connect(kinora.library / "library.db")) as db, db:
        db.execute("UPDATE library SET identity = randomblob(16)")  # a copy would pass for the same library
    return kinora


def summary(kinora, *args, **how):
    how = {"code": DONE, "timeout": 300, **how}
    return kinora(*args, "--json", **how).json["summary"]


def with_library(folder, name, address):
    kinora = with_key(folder / name)
    kinora.env["KINORA_LIBRARY"] = address
    return kinora


def bare(titles):
    """Where files lie is a fact of one machine."""
    return [{k: v for k, v in t.items() if k != "paths"} for t in titles]


# ---- what two libraries hold ----

def rows(folder):
    """All that must be the same to the last bit, by title."""
    with contextlib.closing(sqlite3.connect(f"file:{folder}/library.db?mode=ro", uri=True)) as db:
        ids = dict(db.execute("SELECT key, hex(id) FROM title"))
        of_title = {"title": "SELECT key, name, state, reason, language, language_confidence, words_from, duration, opinion, scorer, "
                             "scorer_version, year, genres, set_language FROM title",
                    "segment": "SELECT title, number, starts, ends, text FROM segment ORDER BY number",
                    "dropped": "SELECT title, number, starts, ends, text, reason FROM dropped ORDER BY number",
                    "vector": "SELECT title, vector FROM title_vector", "raw": "SELECT title, raw FROM title_raw",
                    "wording": "SELECT title, words FROM wording",
                    "moment": "SELECT title, number, starts, ends, text, first_segment, segments, words, opinion, vector, raw FROM moment "
                              "JOIN moment_vector ON moment = key LEFT JOIN moment_raw USING (moment) ORDER BY number"}
        found = {}
        for what, sql in of_title.items():
            for key, *row in db.execute(sql):
                found.setdefault(ids[key], {}).setdefault(what, []).append(row)
        return found


def assert_same_content(one, other):
    a, b = rows(one), rows(other)
    assert a.keys() == b.keys(), f"{len(a)} titles and {len(b)}"
    none_of(f"{i}: {what} differs" for i in a for what in a[i].keys() | b[i].keys() if a[i].get(what) != b[i].get(what))


def assert_complete(folder, kinora, address, name):
    """Pulled back, the cluster holds what the library does."""
    copy = with_key(folder / name)
    assert summary(copy, "pull-library", address)["recall"] == 1
    assert_same_content(kinora.library, copy.library)


def differs(a, b, at=""):
    """Where two answers differ, but for the last digits: a server sums in an order of its own. None: nowhere."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next(filter(None, (differs(a[k], b[k], f"{at}.{k}") for k in a)), None)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next(filter(None, (differs(x, y, f"{at}[{i}]") for i, (x, y) in enumerate(zip(a, b)))), None)
    same = abs(a - b) < 1e-4 if isinstance(a, float) and isinstance(b, (int, float)) else a == b
    return None if same else f"{at}: {a} and {b}"


def assert_alike_with_rare_words(local, remote):
    """How rare a word is, the server reckons by a formula of its own: the same films, but for some at the end."""
    common = total = 0
    for i in range(0, 100, 9):
        wanted, got = ({r["name"]: r for r in k.json("recommend", f"Line {i:03d}", "-n", 5)["recommendations"]} for k in (local, remote))
        common, total = common + len(wanted.keys() & got.keys()), total + len(wanted)
        none_of(f"Line {i:03d}: {n} has another similarity" for n in wanted.keys() & got.keys()
                if differs(wanted[n]["similarity"], got[n]["similarity"]))
    assert common >= 0.9 * total, f"{common} of {total} answers in common"


# ---- tests ----

def test_a_cluster_answers_as_the_library_does(folder, kills, seed):
    local = library(folder, "a", range(0, 100))
    address = server.new_address()
    sent = summary(local, "publish", address)
    assert (sent["sent"], sent["present"], sent["compared"], sent["questions"]) == (100, 100, 100, 100), sent
    assert sent["recall"] >= 0.99, sent
    assert summary(local, "publish", address)["sent"] == 0
    remote = with_library(folder, "reader", address)
    assert bare(remote.titles()) == bare(local.titles())
    for i in range(0, 100, 9):
        for how in ((), ("--genre", "Western"), ("--year", "1960..1980", "--language", "any")):
            wanted, got = (k.json("recommend", f"Line {i:03d}", "-n", 5, "--candidates", "meaning", *how)["recommendations"]
                           for k in (local, remote))
            assert not differs(wanted, got), f"Line {i:03d} {how}: {differs(wanted, got)}"
    assert_alike_with_rare_words(local, remote)
    for words in ("a heist that goes wrong", "the sea at night"):
        wanted, got = (k.json("search", words, "-n", 5) for k in (local, remote))
        assert not differs(wanted, got), f"{words}: {differs(wanted, got)}"
    wanted, got = (k.json("show", "line 007") for k in (local, remote))
    assert wanted["transcript"] == got["transcript"] and wanted["moments"] == got["moments"], got
    wanted, got = (k.json("eval", "--labels", "genres", "--candidates", "meaning", "--sample", 20, timeout=200) for k in (local, remote))
    assert not differs(wanted, got), differs(wanted, got)
    assert remote.json("check")["findings"][0]["health"] == "good"
    assert any(f["name"] == "library" and "100 titles" in f["text"] for f in remote.json("doctor", code=None)["findings"])


def test_an_export_is_the_same(folder, kills, seed):
    local = library(folder, "export", range(0, 20))
    address = server.new_address()
    summary(local, "publish", address)
    remote = with_library(folder, "export-reader", address)
    local("export", folder / "notebook", code=DONE)
    remote("export", folder / "notebook-remote", code=DONE)
    assert filecmp.cmp(folder / "notebook/vectors.npy", folder / "notebook-remote/vectors.npy", shallow=False)
    wanted, got = (json.loads((folder / n / "payload.json").read_text()) for n in ("notebook", "notebook-remote"))
    assert [p["Movie_Name"] for p in wanted] == [p["Movie_Name"] for p in got]
    assert [p["Opinion_Score"] for p in wanted] == [p["Opinion_Score"] for p in got]


def test_two_machines_publish_one_library(folder, kills, seed):
    a, b, address = library(folder, "two-a", range(0, 60)), library(folder, "two-b", range(40, 100)), server.new_address()
    summary(a, "publish", address)
    done = summary(b, "publish", address)
    assert done["sent"] == 60 and done["present"] == 60, done
    remote = with_library(folder, "two-reader", address)
    assert len(remote.titles()) == 100  # twenty are on both
    a("forget", "--yes", "Line 003", "Line 050", code=DONE)
    done = summary(a, "publish", address)
    assert (done["removed"], done["kept"]) == (1, 1), done
    names = [t["name"] for t in remote.titles()]
    assert "Line 003" not in names and "Line 050" in names and len(names) == 99
    b("forget", "--yes", "Line 050", code=DONE)
    summary(b, "publish", address)
    assert "Line 050" not in [t["name"] for t in remote.titles()]
    pulled = with_key(folder / "two-pulled")
    assert summary(pulled, "pull-library", address)["sent"] == 98


def test_a_pulled_library_is_the_same_to_the_last_bit(folder, kills, seed):
    local, address = library(folder, "pull-a", range(0, 100)), server.new_address()
    summary(local, "publish", address)
    assert_complete(folder, local, address, "pulled")
    copy = with_key(folder / "pulled")
    again = summary(copy, "pull-library", address)
    assert (again["sent"], again["same"]) == (0, 100), again
    local("forget", "--yes", "Line 001", code=DONE)
    summary(local, "publish", address)
    assert summary(copy, "pull-library", address)["removed"] == 1
    assert_same_content(local.library, copy.library)


def killed(kinora, args, after, sig=signal.SIGKILL):
    """True: it was killed after so many seconds, or ended in its own way on a softer signal; False: it was done before."""
    process = kinora.start(*args, "--json")
    timer = threading.Timer(after, kill_group, (process, sig))
    timer.start()
    out, err = process.communicate(timeout=120)
    timer.cancel()
    if sig == signal.SIGKILL:
        assert process.returncode in (DONE, -signal.SIGKILL), err.decode()
        return process.returncode != DONE
    assert process.returncode in (DONE, FAILED), err.decode()
    assert parse_json(out.decode().splitlines()[-1])["summary"]["cancelled"] == (process.returncode == FAILED)
    return process.returncode == FAILED


def how_long(kinora, *args):
    began = time.monotonic()
    summary(kinora, *args)
    return time.monotonic() - began


def test_publishing_that_is_killed_goes_on(folder, kills, seed):
    chance, local = random.Random(seed), library(folder, "killed", range(0, TITLES))
    with server.failing(SLOW_PUT):
        whole = how_long(local, "publish", server.new_address())
        for n in range(kills):
            address, fell = server.new_address(), 0
            for _ in range(3):
                fell += killed(local, ("publish", address), chance.uniform(0.1, whole))
            done = summary(local, "publish", address)
            assert done["sent"] + done["same"] == TITLES and done["present"] == TITLES, (fell, done)
            server.faults()
            assert_complete(folder, local, address, f"killed-{n}")
            server.faults(SLOW_PUT)


def test_pulling_that_is_killed_goes_on(folder, kills, seed):
    chance, local, address = random.Random(seed), library(folder, "pull-killed", range(0, TITLES)), server.new_address()
    summary(local, "publish", address)
    with server.failing(SLOW_READ):
        whole = how_long(with_key(folder / "pull-whole"), "pull-library", address)
        for n in range(kills):
            copy = with_key(folder / f"pull-killed-{n}")
            for _ in range(3):
                killed(copy, ("pull-library", address), chance.uniform(0.1, whole))
            done = summary(copy, "pull-library", address)
            assert done["sent"] + done["same"] == TITLES and done["kept"] == 0, done
            assert_same_content(local.library, copy.library)


def test_ctrl_c_loses_nothing(folder, kills, seed):
    local, address = library(folder, "stopped", range(0, TITLES)), server.new_address()
    with server.failing(SLOW_PUT):
        whole = how_long(local, "publish", server.new_address())
        assert killed(local, ("publish", address), whole / 2, signal.SIGINT)
        done = summary(local, "publish", address)
        assert done["sent"] + done["same"] == TITLES, done
    assert_complete(folder, local, address, "stopped-copy")


def test_a_server_that_fails_for_a_while_costs_nothing(folder, kills, seed):
    local, address = library(folder, "bad-days", range(0, TITLES)), server.new_address()
    faults = [{"path": "/points", "skip": 2 * i, "times": 1, **f} for i, f in enumerate((
        {"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "status", "status": 429, "retry_after": "0"},
        {"kind": "cut"}, {"kind": "done-reset"}, {"kind": "slow", "seconds": 0.2}, {"kind": "status", "status": 500}))]
    with server.failing(*faults):
        done = summary(local, "publish", address)
        assert done["sent"] == TITLES and done["present"] == TITLES, done
    assert_complete(folder, local, address, "bad-days-copy")


def test_a_server_that_is_gone_is_named_and_nothing_is_lost(folder, kills, seed):
    local, address = library(folder, "gone", range(0, TITLES)), server.new_address()
    with server.failing({"path": "/points", "skip": 4, "times": 10**6, "kind": "status", "status": 503, "body": "no room"}):
        done = local("publish", address, code=FAILED, timeout=300)
        assert server.url.split("//")[1] in done.said and "503" in done.said, done.said
    done = summary(local, "publish", address)
    assert done["sent"] + done["same"] == TITLES and done["present"] == TITLES, done
    assert_complete(folder, local, address, "gone-copy")
    done = local("publish", "qdrant+http://127.0.0.1:1/films", code=FAILED, timeout=300)
    assert "127.0.0.1:1" in done.said, done.said


def test_a_new_embedding_model_without_downtime(folder, kills, seed):
    if not MINILM.exists():
        raise Skip("all-MiniLM-L6-v2 is not here: make models-all")
    a, b, address = library(folder, "new-a", range(0, 20)), library(folder, "new-b", range(15, 30)), server.new_address()
    summary(a, "publish", address)
    summary(b, "publish", address)
    remote = with_library(folder, "new-reader", address)
    wanted = remote.json("recommend", "Line 004", "-n", 5)["recommendations"]
    for kinora, numbers in ((a, range(0, 20)), (b, range(15, 30))):
        kinora.env["KINORA_EMBEDDING_MODEL"] = "all-MiniLM-L6-v2"
        kinora("import", write_texts(folder / "again.jsonl", numbers), "--quiet", code=DONE, timeout=300)
    done = summary(a, "publish", address)
    assert (done["sent"], done["behind"], done["swapped"]) == (20, 10, False), done
    assert remote.json("recommend", "Line 004", "-n", 5)["recommendations"] == wanted  # as before
    done = summary(b, "publish", address)
    assert (done["sent"], done["behind"], done["swapped"]) == (15, 0, True), done
    assert len(remote.titles()) == 30
    assert remote.json("recommend", "Line 004", "-n", 5)["recommendations"] != wanted
    assert summary(a, "publish", address)["sent"] == 0


def test_a_long_list_of_names_that_begin_alike_is_whole(folder, kills, seed):
    local, address = library(folder, "long", range(0, 20)), server.new_address()
    with contextlib.closing(sqlite3.connect(local.library / "library.db")) as db, db:
        for i in range(1000):
            name = f"The Spi{chr(97 + i % 26)}it of {i}"
            db.execute("INSERT INTO title (id, name, folded, state, reason) VALUES (randomblob(16), ?, ?, 2, 'made up')", (name, name.lower()))
    assert summary(local, "publish", address)["sent"] == 1020
    wanted, got = local.titles(), with_library(folder, "long-reader", address).titles()
    assert bare(wanted) == bare(got), f"{len(wanted)} and {len(got)} titles"
    assert summary(with_key(folder / "long-pulled"), "pull-library", address)["sent"] == 1020


def test_a_reader_finds_films_by_its_own_media_root(folder, kills, seed):
    local, address = library(folder, "root", range(0, 20)), server.new_address()
    films, there = folder / "films é", folder / "mounted"
    (films / "a").mkdir(parents=True)
    (films / "a/Heat.mkv").write_bytes(b"")
    with contextlib.closing(sqlite3.connect(local.library / "library.db")) as db, db:
        key, = db.execute("SELECT key FROM title WHERE name = 'Line 001'").fetchone()
        file, = db.execute("INSERT INTO file (title) VALUES (?) RETURNING key", (key,)).fetchone()
        db.execute("INSERT INTO path (path, file, name, year, size, mtime_ns) VALUES (?, ?, 'Line 001', 0, -1, -1)",
                   (str((films / "a/Heat.mkv").resolve()), file))
    summary(local, "publish", address, "--media-root", films)
    remote = with_library(folder, "root-reader", address)
    assert remote.by_name()["Line 001"]["paths"] == ["a/Heat.mkv"]
    remote.env["KINORA_MEDIA_ROOT"] = str(there)
    assert remote.by_name()["Line 001"]["paths"] == [f"{there}/a/Heat.mkv"]
    assert remote.json("show", "Line 001")["paths"] == [f"{there}/a/Heat.mkv"]


def test_what_writes_says_what_to_do_instead(folder, kills, seed):
    address = server.new_address()
    summary(library(folder, "writes", range(0, 20)), "publish", address)
    remote, texts = with_library(folder, "writes-reader", address), write_texts(folder / "more.jsonl", range(3))
    for args in (("ingest", folder), ("import", texts), ("forget", "--yes", "Line 001"), ("join", "Line 001", "Line 002"),
                 ("split", "Line 001"), ("check", "--repair")):
        done = remote(*args, code=FAILED)
        assert "only kinora publish writes to it" in done.said and "--library DIR" in done.said, done
    assert "snapshots" in remote("backup", folder / "copy.db", code=FAILED).said
    assert len(remote.titles()) == 20


def main():
    global server
    ask = argparse.ArgumentParser()
    ask.add_argument("--kills", type=int, default=2)
    ask.add_argument("--seed", type=int, default=1)
    o = ask.parse_args()
    server = Server()
    try:
        run("publish", [f for name, f in globals().items() if name.startswith("test_")], kills=o.kills, seed=o.seed)
    finally:
        server.close()


if __name__ == "__main__":
    main()
