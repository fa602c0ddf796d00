#!/usr/bin/python3
"""watch.py [--files N] [--seed S]  Films that arrive while kinora watch looks on.

N small films with subtitles arrive in bursts, in folders that are made for them: some copied, some moved in whole
with their folder, some written slowly so that runs begin while they are half there. Each must be ingested once and
become ready. Then some are renamed, moved to other folders, removed and brought back.
Default: 60 files; make torture: 1,000.
"""

import argparse
import collections
import json
import random
import shutil
import signal
import threading
import time

import media
from e2e import DONE, Kinora, none_of, note, run

WORDS = ["harbour", "lantern", "orchard", "winter", "letter", "captain", "garden", "mirror", "river", "tower"]


class Watch:
    """kinora watch as it runs, and what it tells."""

    def __init__(self, kinora, *folders):
        self.kinora, self.events, self.summaries = kinora, [], []
        self.process = kinora.start("watch", *folders, "--json")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.wait(lambda: self.summaries, 30, "no first look")

    def read(self):
        for line in self.process.stdout:
            document = json.loads(line)
            (self.summaries if "summary" in document else self.events).append(document)

    def wait(self, done, seconds, what):
        until = time.monotonic() + seconds
        while not done():
            assert self.process.poll() is None, f"it ended: {self.process.stderr.read().decode()[-500:]}"
            assert time.monotonic() < until, f"{what} in {seconds} s; {len(self.summaries)} runs, last {self.summaries[-1:]}"
            time.sleep(0.1)

    def finished(self, state=None):
        return [e["name"] for e in list(self.events) if e["event"] == "finished" and state in (None, e["state"])]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == DONE, self.process.stderr.read().decode()[-500:]
        self.reader.join()
        assert b"Sanitizer" not in self.process.stderr.read()


def content(base, i):
    """Another film for each number: what is behind the last box is not looked at by players, but it is by Kinora."""
    return base + b"\0\0\0\x0cfree" + i.to_bytes(4, "big")


def subtitles(dice, i):
    words = " ".join(dice.choice(WORDS) for _ in range(8))
    return f"1\n00:00:00,500 --> 00:00:05,000\nThis is the {i}. story of the {words}.\n\n"


def slowly(path, data, seconds):
    """As a download does: the file is there, and grows."""
    with open(path, "wb", buffering=0) as f:
        for at in range(0, len(data), len(data) // 8):
            f.write(data[at:at + len(data) // 8])
            time.sleep(seconds / 8)


def arrive(films, base, dice, first, n, number):
    """One burst of n files. Gives a thread for those that take longer."""
    folder = films / f"burst {number}" / ("deep" if number % 2 else "flat")
    staged = films.parent / f"staged {number}"
    (staged if number % 3 == 2 else folder).mkdir(parents=True)
    slow = []
    for i in range(first, first + n):
        to = (staged if number % 3 == 2 else folder) / f"film {i:04d}.m4a"
        to.with_suffix(".srt").write_text(subtitles(dice, i))
        if number % 3 == 1 and i % 7 == 0:
            slow.append((to, content(base, i)))
        else:
            to.write_bytes(content(base, i))
    if number % 3 == 2:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(folder)
    threads = [threading.Thread(target=slowly, args=(*one, 4)) for one in slow]
    for thread in threads:
        thread.start()
    return threads


def test_arrive(folder, files, seed):
    films, dice, waiting = folder / "films", random.Random(seed), []
    films.mkdir()
    media.silence(folder / "base.m4a")
    base = (folder / "base.m4a").read_bytes()
    kinora = Kinora(folder / "watched")
    watch = Watch(kinora, films)
    began, first, number = time.monotonic(), 0, 0
    while first < files:
        n = min(dice.randint(files // 20, files // 8), files - first)
        waiting += arrive(films, base, dice, first, n, number)
        first, number = first + n, number + 1
        time.sleep(dice.uniform(0, 1.5))
    for thread in waiting:
        thread.join()
    watch.wait(lambda: len(watch.finished()) >= files, 60 + files, "not all films")
    time.sleep(8)  # for what should not happen any more
    watch.end()
    note(f"{files} files in {number} bursts, {len(waiting)} of them slow: {len(watch.summaries)} runs, "
         f"{time.monotonic() - began:.0f} s")
    none_of(f"{name} ingested {n} times" for name, n in collections.Counter(watch.finished()).items() if n > 1)
    none_of(f"{t['name']}: {t['state']} {t['reason']}" for t in kinora.titles() if t["state"] != "ready")
    assert len(kinora.titles()) == files


def test_change(folder, files, **_):
    """Renamed, moved, removed and brought back: nothing is ingested anew."""
    films, kinora = folder / "films", Kinora(folder / "watched")
    watch = Watch(kinora, films)
    some = sorted(films.rglob("film *.m4a"))[:6]
    (films / "elsewhere").mkdir()
    for film in some[:2]:
        film.with_suffix(".srt").rename(film.with_name(f"renamed {film.stem}.srt"))
        film.rename(film.with_name(f"renamed {film.name}"))
    for film in some[2:4]:
        film.with_suffix(".srt").rename(films / "elsewhere" / f"{film.stem}.srt")
        film.rename(films / "elsewhere" / film.name)
    (folder / "away").mkdir()
    for film in some[4:]:
        shutil.move(film, folder / "away")

    def names():
        return {t["name"]: t["state"] for t in kinora.titles()}
    watch.wait(lambda: [names().get(f.stem) for f in some[4:]] == 2 * ["missing"], 30, "not gone")
    watch.wait(lambda: all(f"renamed {f.stem}" in names() for f in some[:2]), 30, "not renamed")
    for film in some[4:]:
        shutil.move(folder / "away" / film.name, film.parent)
    watch.wait(lambda: set(names().values()) == {"ready"}, 30, "not back")
    watch.end()
    assert watch.finished() == [], watch.finished()
    assert len(kinora.titles()) == files


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261124)
    options = parser.parse_args()
    run("watch", [test_arrive, test_change], files=options.files, seed=options.seed)
