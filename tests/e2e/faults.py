#!/usr/bin/python3
"""faults.py [--faults N] [--first F] [--seed S]  An ingest in which something fails that hardly ever does.

A run over films of every kind (subtitles, speech, silent, broken), in which one write or read of SQLite gives EIO, or the
disk is full from one write on, or one allocation of Kinora's own code gives nothing: tests/preload/faults.c does it inside the
real program. Each kind of fault is tried at the first F places (300), or at N of these drawn at random. The run may go on or end, with
a reason; it must not crash, nor harm the library. The next run, undisturbed, must bring it to what it would have been: bit for
bit, nothing lost, nothing done twice.
Default: 6 places of each kind; make torture: all 300.
"""

import argparse
import random
import re
import shutil
import subprocess

import media
from e2e import DONE, FAILED, KINORA, Kinora, Skip, none_of, note, run
from library_db import damage, differences, done_stages, log_stages
from resume import no_repeats
from pathlib import Path

PRELOAD = Path(KINORA).resolve().parent / "tests/faults.so"
LINES = ["The lamp in the harbour was lit again last night.", "Nobody remembers who built the tower on the hill.",
         "She sold the boat and bought a ticket to the north.", "They danced in the kitchen until the bread was burnt."]


def own_code():
    """Where Kinora's own functions lie in the program, as FROM-TO; those of the libraries linked into it lie elsewhere."""
    symbols = subprocess.run(["nm", "--defined-only", KINORA], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^([0-9a-f]+) T (\S+)$", symbols, re.M)
    own = sorted(int(at, 16) for at, name in found if re.match(r"kn_|kinora_|run_|job_|progress_", name))
    foreign = [name for at, name in found if own and own[0] < int(at, 16) < own[-1]
               and re.match(r"ggml_|llama_|whisper_|gguf_", name)]
    assert own and not foreign, f"in between lie {foreign[:5]}"
    return f"{own[0]:x}-{own[-1]:x}"


def make_films(folder):
    films = folder / "films"
    if films.exists():
        return films
    films.mkdir()
    for i, line in enumerate(LINES):
        media.silence(films / f"with subtitles {i}.m4a") if i == 0 else shutil.copy(films / "with subtitles 0.m4a",
                                                                                     films / f"with subtitles {i}.m4a")
        with open(films / f"with subtitles {i}.m4a", "ab") as f:
            f.write(b"\0\0\0\x0cfree" + i.to_bytes(4, "big"))
        (films / f"with subtitles {i}.srt").write_text(f"1\n00:00:01,000 --> 00:00:06,000\n{line}\n\n")
    media.good(films / "spoken.mp4", seconds=7)
    media.no_audio(films / "mute.mp4")
    (films / "broken.mp4").write_bytes(b"this is no film at all" * 100)
    return films


def library(folder, name):
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    kinora = Kinora(folder / name)
    kinora("ingest", empty, "--json")
    log_stages(kinora.library)
    return kinora


def try_one(folder, undisturbed, kind, number, code):
    """Says whether the run got as far as the fault."""
    kinora = library(folder, "hurt")
    healthy = kinora.env
    kinora.env = {**healthy, "LD_PRELOAD": str(PRELOAD), "KINORA_FAULT": f"{kind}:{number}", "KINORA_FAULT_CODE": code}
    result = kinora("ingest", folder / "films", timeout=60)
    reached = "# fault" in result.err
    assert result.code in (DONE, FAILED), result
    said = re.sub(r"# fault.*\n", "", result.err)
    assert result.code == DONE or "kinora: " in said, f"ended with {result.code} and no reason: {said[-300:]}"
    none_of(damage(kinora.library))
    before = done_stages(kinora.library)
    kinora.env = healthy
    kinora("ingest", folder / "films", timeout=60, code=DONE)
    none_of(damage(kinora.library))
    assert before <= done_stages(kinora.library), "lost"
    none_of(differences(undisturbed.library, kinora.library))
    none_of(no_repeats(kinora))
    shutil.rmtree(kinora.folder)
    return reached


def test_all(kind):
    def test(folder, faults, first, seed):
        if not PRELOAD.exists():
            raise Skip(f"no {PRELOAD}")
        make_films(folder)
        undisturbed = Kinora(folder / "undisturbed")
        if not undisturbed.library.exists():
            undisturbed = library(folder, "undisturbed")
            undisturbed("ingest", folder / "films", timeout=60, code=DONE)
            assert sorted(t["state"] for t in undisturbed.titles()) == ["failed"] + 5 * ["ready"] + ["silent"], undisturbed.titles()
        code, reached, problems = own_code(), 0, []
        places = sorted(random.Random(f"{seed} {kind}").sample(range(1, first + 1), min(faults, first)))
        for number in places:
            try:
                reached += try_one(folder, undisturbed, kind, number, code)
            except AssertionError as error:
                problems.append(f"{kind}:{number}: {error}")
                shutil.rmtree(folder / "hurt")
        note(f"{kind}: {len(places)} places tried, {reached} reached")
        none_of(problems)
        assert reached > 0, "no fault was reached"
    test.__name__ = f"test_{kind}"
    return test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=6)
    parser.add_argument("--first", type=int, default=300)
    parser.add_argument("--kind", choices=("write", "full", "read", "alloc"))
    parser.add_argument("--seed", type=int, default=20261124)
    options = parser.parse_args()
    kinds = [options.kind] if options.kind else ["write", "full", "read", "alloc"]
    run("faults", [test_all(kind) for kind in kinds], faults=options.faults, first=options.first, seed=options.seed)
