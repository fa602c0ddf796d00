#!/usr/bin/python3
"""long.py [--dense]  A film of three hours needs the memory that one of ten minutes needs.

Ten minutes of sound are made of samples, and three hours by repeating them. By default somebody speaks for half a minute of
each ten, and the rest is silence, so that it takes a minute; --dense (make torture): somebody speaks all the time.
Memory is the most that Kinora and its decoders have held at any time, each by itself, together.
"""

import argparse
import time
from pathlib import Path

import media
from e2e import DONE, FILMS, SAMPLES, Kinora, children, note, run

MINUTES, HOURS, MOST = 10, 3, 1.15


def ten_minutes(folder, dense):
    """Sound only: pictures are not decoded."""
    film = folder / "ten minutes.mka"
    list_ = folder / "list.txt"
    spoken = [SAMPLES / f["file"] for f in FILMS if f["language"] == "en"]
    if dense:
        names = [str(film).replace("'", r"'\''") for film in spoken]  # as ffmpeg's lists quote
        list_.write_text("".join(f"file '{names[i % len(names)]}'\n" for i in range(14)))
        media.ffmpeg("-f", "concat", "-safe", 0, "-i", list_, "-vn", "-t", MINUTES * 60, "-ar", 16000, "-ac", 1, "-c:a", "flac", film)
    else:
        media.ffmpeg("-i", spoken[0], "-vn", "-af", "apad", "-t", MINUTES * 60, "-ar", 16000, "-ac", 1, "-c:a", "flac", film)
    return film


def repeated(folder, film):
    out = folder / "three hours.mka"
    media.ffmpeg("-stream_loop", HOURS * 60 // MINUTES - 1, "-i", film, "-c", "copy", out)
    return out


def peak(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0  # it has just ended


def ingest(folder, film, timeout):
    """Peak memory in MiB, and the title."""
    kinora = Kinora(folder / film.stem)
    began, held = time.monotonic(), {}
    process = kinora.start("ingest", film, "--jobs", "1", "--json")
    while process.poll() is None:
        for pid in [process.pid, *children(process.pid)]:
            try:
                held[pid] = max(held.get(pid, 0), peak(pid))
            except OSError:
                pass  # gone meanwhile
        time.sleep(0.05)
        assert time.monotonic() - began < timeout, "it did not end"
    kinora.finish(process, ["ingest", film], began, timeout=5, code=DONE)
    return sum(held.values()) / 1024, kinora.titles()[0], time.monotonic() - began


def test_memory(folder, dense):
    short = ten_minutes(folder, dense)
    few, title, _ = ingest(folder, short, 600)
    assert title["state"] == "ready" and abs(title["duration"] - 60 * MINUTES) < 2, title
    long_ = repeated(folder, short)
    many, title, seconds = ingest(folder, long_, 7200)
    assert title["state"] == "ready" and abs(title["duration"] - 3600 * HOURS) < 30, title
    note(f"{MINUTES} minutes: {few:.0f} MiB; {HOURS} hours: {many:.0f} MiB, {many / few:.2f} times; {seconds:.0f} s")
    assert many <= MOST * few, f"{many:.0f} MiB for {HOURS} hours, {few:.0f} for {MINUTES} minutes"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dense", action="store_true")
    run("long", [test_memory], dense=parser.parse_args().dense)
