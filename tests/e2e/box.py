#!/usr/bin/python3
"""box.py  A decoder that somebody's film has taken over cannot reach out of its box, and costs its title, no more.

Uses kinora-decode as it is but for tests/support/decode/breaking_decode.c: a file that begins with "BREAK open" opens another
file, and so on. The films between have words in a text track, so no speech model is read.
"""

import re
from pathlib import Path

import media
from e2e import KINORA, Kinora, Skip, deaf_models, none_of, run

DECODER = Path(KINORA).resolve().parent / "tests/breaking_decode"
REFUSED = r"refused: (Permission denied|Operation not permitted)|ended by SIGSYS"
WAYS = {  # how it tries to get out -> what holds it, and how its failure reads
    "open": ("file", REFUSED), "make": ("file", REFUSED), "socket": ("network", REFUSED),
    "exec": ("file", REFUSED), "fork": ("seccomp", REFUSED), "signal": ("seccomp", REFUSED),
    "memory": ("memory", r"refused: Cannot allocate memory"), "crash": ("", r"ended by SIG(SEGV|ABRT)"),
}

kinora = box = None
reasons = {}


def test_a_run_over_hostile_films_goes_on_to_its_end(folder):
    global kinora, box
    films = folder / "films"
    films.mkdir()
    for name in ("a film", "p film", "z film"):
        media.with_track(films / f"{name}.mkv", media.srt([(0, 2, f"This is what the {name} says, and it is enough."),
                                                            (2, 4, "Somebody has left the light on again.")]))
    text = media.srt([(0, 2, "This track can be read, and the film goes on."), (2, 4, "So do all the others after it.")])
    media.with_tracks(films / "q film.mkv", [media.Track(text, title="BREAK crash", marks="default"), media.Track(text)])
    for way in WAYS:
        (films / f"m {way}.mp4").write_text(f"BREAK {way}\n")
    kinora = Kinora(folder, KINORA_MODELS=deaf_models(folder / "models"), KINORA_DECODE=DECODER)
    box = next(f["text"] for f in kinora("doctor", "--json").json["findings"] if f["name"] == "decoder's box")
    kinora("ingest", films, "--jobs", 1, "--json", timeout=180)
    titles = kinora.by_name()
    assert len(titles) == len(WAYS) + 4, sorted(titles)
    none_of(f"{name} is {t['state']}: {t['reason']}" for name, t in titles.items()
            if t["state"] != ("ready" if name.endswith("film") else "failed"))
    reasons.update({way: titles[f"m {way}"]["reason"] for way in WAYS})


def test_a_track_that_crashes_its_decoder_leaves_the_next_one(_):
    title = kinora.json("show", "q film")
    assert [t["read"] for t in title["tracks"]] == [False, False, False, True], title["tracks"]


def holds(way):
    def test(_):
        what, reads = WAYS[way]
        walls = {"file": "no file", "network": "no network", "seccomp": "and seccomp", "memory": "limits on memory"}
        if what and walls[what] not in box and not (what == "seccomp" and box.startswith("seccomp")):
            raise Skip(f"this machine or build has no such wall: {box}")
        assert re.search(reads, reasons[way]), f"{way}: {reasons[way]}"
    test.__name__ = {"crash": "a_crash_is_named"}.get(way, f"no_{way}")
    return test


if __name__ == "__main__":
    run("box", [test_a_run_over_hostile_films_goes_on_to_its_end, test_a_track_that_crashes_its_decoder_leaves_the_next_one, *map(holds, WAYS)])
