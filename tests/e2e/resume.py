#!/usr/bin/python3
"""resume.py [--kills N] [--films N] [--seed S]  An ingest that is killed, interrupted, or loses its decoder.

N spoken films, as many with subtitles beside them and half as many that cannot be read are ingested once undisturbed. Then again, where the whole process group is killed (SIGKILL) at N random moments
and started anew, until the library is whole: it must hold the same, bit for bit, and no stage that was committed may be
written, or begun, a second time. A library that becomes whole before all kills are used up is compared, and a new one
is begun. A moment is a random time after a random one of the events (--json) that the run has still to tell, so that
kills fall into all stages however fast the machine is at the time; every fourth is drawn from the first half second,
where the library is opened and the models are loaded; before every fifth, a decoder alone is killed. That may cost
a title, which --retry failed brings back at the end. A run that ends before its moment does not count.
Default: 10 kills, 4 films; make torture: --kills 200, all films: 40 titles.
"""

import argparse
import collections
import os
import random
import signal
import shutil
import threading
import time

import media
from e2e import (DONE, FAILED, FILMS, SAMPLES, SLOW, Kinora, alive, children, kill_group, none_of, note, parse_json,
                 run, wait_until)
from library_db import counts, damage, differences, done_stages, log_stages, logged

LONG = 100  # kills from which on this is the long form
STAGES = ("probe", "words", "vectors", "opinion")
undisturbed = None  # the library to compare with; made by the first test
told, gap = 0, 0.0  # by its run: how many events, how many seconds apart
stages = 0  # it has


LINES = ["The lamp in the harbour was lit again last night, and nobody knows by whom.",
         "She sold the boat, kissed her father and bought a ticket to the north.",
         "They danced in the kitchen until the bread was burnt and the cat had gone."]


def subtitled(folder, i):
    """A film of ours that says nothing, and the words beside it."""
    film = folder / f"with subtitles {i:02d}.m4a"
    if i == 0:
        media.silence(film)
    else:
        shutil.copy(folder / "with subtitles 00.m4a", film)
        with open(film, "ab") as f:
            f.write(b"\0\0\0\x0cfree" + i.to_bytes(4, "big"))
    film.with_suffix(".srt").write_text(f"1\n00:00:01,000 --> 00:00:06,000\n{LINES[i % 3]} Part {i}.\n\n")


def films_folder(folder, count):
    """The first spoken films of each language, and the others."""
    films = folder / "films"
    if not films.exists():
        films.mkdir()
        spanish = [f for f in FILMS if f["language"] == "es"]
        english = [f for f in FILMS if f["language"] != "es"]
        some = (english + spanish)[:count] if count >= len(FILMS) else english[:count - count // 3] + spanish[:count // 3]
        for film in some:
            shutil.copy(SAMPLES / film["file"], films / film["file"])
        for i in range(count):
            subtitled(films, i)
        for i in range(count // 2):
            (films / f"broken {i}.mp4").write_bytes(f"this is no film at all {i}".encode() * 100)
    return films


def titles_of(films):
    return films + films + films // 2


def new_library(folder, name):
    """An empty one that logs every write to its stages."""
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    kinora = Kinora(folder / name)
    kinora("ingest", empty, "--json")
    log_stages(kinora.library)
    return kinora


def test_undisturbed(folder, films, **_):
    global undisturbed, told, gap, stages
    undisturbed = new_library(folder, "undisturbed")
    result = undisturbed("ingest", films_folder(folder, films), "--json", timeout=300, code=DONE)
    told, gap = len(result.lines), result.seconds / len(result.lines)
    ready = [t["name"] for t in undisturbed.titles() if t["state"] == "ready"]
    assert len(ready) == 2 * films and len(undisturbed.titles()) == titles_of(films), f"ready: {ready}"
    stages = len(done_stages(undisturbed.library))
    assert not damage(undisturbed.library), damage(undisturbed.library)
    assert no_repeats(undisturbed) == []
    note(f"undisturbed: {titles_of(films)} titles in {result.seconds:.1f} s, {told} events; {counts(undisturbed.library)}")


def test_again_alike(folder, films, **_):
    """Two undisturbed runs agree; where they do not, a difference after a kill tells nothing. Long form only."""
    kinora = new_library(folder, "again")
    kinora("ingest", films_folder(folder, films), "--json", timeout=300, code=DONE)
    none_of(differences(undisturbed.library, kinora.library))


def no_repeats(kinora, lost=()):
    """Stages that were committed more than once, or taken back. lost: ids of titles that a killed decoder cost."""
    log = [(i, s, what) for i, s, what in logged(kinora.library) if i not in lost]
    written = collections.Counter((i, s) for i, s, what in log if what != "DELETE")
    found = [f"{i[:8]} {STAGES[s]} written {n} times" for (i, s), n in written.items() if n > 1]
    return found + [f"{i[:8]} {STAGES[s]} {what.lower()}d" for i, s, what in log if what != "INSERT"]


class Tally:
    def __init__(self):
        self.missed = self.libraries = 0
        self.at = []      # at each kill: how many stages were committed
        self.heard = 0.0  # seconds of sound, all runs together
        self.decoders = 0  # killed alone
        self.lost = set()  # ids of titles in the library under way that this cost

    @property
    def kills(self):
        return len(self.at)


def begun_again(result, before):
    """Stages begun in this run that were committed before it. The probe is begun whenever words are to be heard: that
    opens the file anew."""
    ids = {i for i, _ in before}
    return [f"{e['name']}: {e['stage']} begun again" for e in result
            if e["event"] == "stage" and e["stage"] != "probe" and e["id"].replace("-", "") in ids
            and (e["id"].replace("-", ""), STAGES.index(e["stage"])) in before]


def events_of(output):
    """Whole lines only: a kill may cut the last."""
    documents = map(parse_json, output.decode("utf-8", "replace").split("\n")[:-1])
    return [d for d in documents if "event" in d]


def one_run(kinora, films, moment, tally, *options):
    """Runs ingest. moment: kill it so many seconds after so many events; None: do not. True: it came to its end."""
    before = {(i, s) for i, s in done_stages(kinora.library) if i not in tally.lost}
    process = kinora.start("ingest", films, "--json", *options)
    watchdog = threading.Timer(300 * SLOW, kill_group, [process])
    watchdog.start()
    head, decoders = b"", {}
    if moment:
        events, seconds = moment
        head = b"".join(process.stdout.readline() for _ in range(events))
        time.sleep(seconds)
        decoders = children(process.pid)
        if tally.kills % 5 == 4 and decoders:
            os.kill(min(decoders), signal.SIGKILL)
            tally.decoders += 1
            time.sleep(seconds)
            decoders = children(process.pid)
        kill_group(process)
    output, errors = process.communicate()
    assert watchdog.is_alive(), "the run did not end"
    watchdog.cancel()
    assert wait_until(lambda: not any(alive(p) for p in decoders), 5), f"decoders are still there: {decoders}"
    assert process.returncode in (0, -signal.SIGKILL), f"ended with {process.returncode}: {errors.decode()[:500]}"
    events = events_of(head + output)
    tally.heard += max((e["heard"] for e in events), default=0)
    tally.lost |= {e["id"].replace("-", "") for e in events
                   if e["event"] == "finished" and e["state"] == "failed" and "broken" not in e["name"]}
    none_of(begun_again(events, before))
    after = done_stages(kinora.library)
    assert before <= after, f"lost: {before - after}"
    none_of(damage(kinora.library))
    if process.returncode:
        tally.at.append(len(after))
    return process.returncode == 0


def draw(dice, done, total, number, kills):
    """Early; or some steps on; or anywhere up to the end and a little behind it, so that other libraries get a turn."""
    if number % 4 == 3:
        return 0, dice.uniform(0, 0.5)
    start, left = 1 + done // len(STAGES), told * (1 - done / total)  # scanned and unchanged come first
    reach = 1.3 * left if number % 2 else min(left, max(8, 2 * told / kills))
    return start + int(dice.uniform(0, reach)), dice.uniform(0, 2 * gap)


def stands_still(at):
    """Kills that come too soon for the title that is left would all hit the same place: this library is let be."""
    return len(at) >= 5 and len(set(at[-5:])) == 1


def test_kills(folder, films, kills, seed):
    assert undisturbed and told, "there is nothing to compare with"
    dice, tally = random.Random(seed), Tally()
    total = stages
    while tally.kills < kills:
        kinora = new_library(folder, f"killed-{tally.libraries}")
        ended, tally.lost, first = False, set(), tally.kills
        while not ended:
            more = tally.kills < kills and not stands_still(tally.at[first:])
            moment = draw(dice, len(done_stages(kinora.library)), total, tally.kills, kills) if more else None
            ended = one_run(kinora, films_folder(folder, films), moment, tally)
            tally.missed += ended and more
        tally.libraries += 1
        failed = {t["id"].replace("-", "") for t in kinora.titles() if t["state"] == "failed" and "broken" not in t["name"]}
        if failed:
            kinora("ingest", "--retry", "failed", "--json", timeout=120, code=DONE)
            tally.lost |= failed | {t["id"].replace("-", "") for t in kinora.titles() if "broken" in t["name"]}
        again = kinora("ingest", films_folder(folder, films), "--json", code=DONE)
        assert again.json["summary"]["unchanged"] == titles_of(films), again.json
        none_of(differences(undisturbed.library, kinora.library))  # a poster whose decoder was killed was made just now
        none_of(no_repeats(kinora, tally.lost))
    sound = sum(t["duration"] or 0 for t in undisturbed.titles()) * tally.libraries
    note(f"{tally.kills} kills (seed {seed}), {tally.decoders} of them after that of a decoder, over {tally.libraries} libraries of {total} stages, with {tally.at} of them "
         f"committed; {tally.missed} runs ended before; {tally.heard:.0f} s of sound heard for {sound:.0f}")


def test_interrupt(folder, films, **_):
    """Ctrl-C: the run ends soon by itself, says how to go on, and gives 1; what it had done is kept."""
    kinora = new_library(folder, "interrupted")
    process = kinora.start("ingest", films_folder(folder, films))
    while b" ready: " not in process.stderr.readline():
        assert process.poll() is None, "it ended before a title was ready"
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    result = kinora.finish(process, ["ingest", "(interrupted)"], began, timeout=30, code=FAILED)
    note(f"Ctrl-C: ended after {result.seconds:.1f} s with {len(done_stages(kinora.library))} of {stages} stages")
    assert "again" in result.said or "same command" in result.said, result
    none_of(damage(kinora.library))
    assert {t["state"] for t in kinora.titles()} <= {"ready", "pending", "failed"}, kinora.titles()
    before = done_stages(kinora.library)
    result = kinora("ingest", films_folder(folder, films), "--json", timeout=300, code=DONE)
    none_of(begun_again([e for e in result.lines if "event" in e], before))
    none_of(differences(undisturbed.library, kinora.library))
    none_of(no_repeats(kinora))


def test_interrupt_as_json(folder, films, **_):
    """The sums are told at the end of an interrupted run as well, before anything was heard too."""
    kinora = new_library(folder, "interrupted-early")
    process = kinora.start("ingest", films_folder(folder, films), "--json")
    line = process.stdout.readline()
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    result = kinora.finish(process, ["ingest", "--json", "(interrupted)"], began, timeout=30, code=FAILED)
    assert b"scanned" in line and result.json["summary"]["cancelled"] is True, result


def kill_a_decoder(process):
    """The first that is seen."""
    def decoders():
        return [p for p, name in children(process.pid).items() if name.startswith("kinora-decode")]
    assert wait_until(lambda: decoders() or process.poll() is not None, 20, step=0.005)
    assert process.poll() is None, "it ended before a decoder was seen"
    os.kill(decoders()[0], signal.SIGKILL)


def test_decoder_killed(folder, films, **_):
    """One of the decoders at work is killed: a title may fail, with its reason; the others are ready, the run goes on."""
    kinora = new_library(folder, "decoder-killed")
    process = kinora.start("ingest", films_folder(folder, films), "--json")
    began, line = time.monotonic(), b" "
    while line and b'"stage":"words"' not in line:
        line = process.stdout.readline()
    kill_a_decoder(process)
    result = kinora.finish(process, ["ingest", "(decoder killed)"], began, timeout=300, code=DONE)
    lost = [t for t in kinora.titles() if t["state"] != "ready" and "broken" not in t["name"]]
    assert len(lost) <= 1 and all(t["state"] == "failed" and t["reason"] for t in lost), f"{lost}; {result}"
    note(f"decoder killed: {lost[0]['reason'] if lost else 'started again, nothing lost'}")
    kinora("ingest", "--retry", "failed", "--json", timeout=120, code=DONE)
    none_of(differences(undisturbed.library, kinora.library))


def test_decoder_killed_as_it_starts(folder, **_):
    """Before its first word it looks like one that is not installed well; it is started once more, and nothing is lost."""
    some, kinora = folder / "some", Kinora(folder / "decoder-killed-early")
    some.mkdir()
    for film in [f for f in sorted(films_folder(folder, 0).iterdir()) if f.suffix == ".mp4" and "broken" not in f.name][:2]:
        shutil.copy(film, some)
    process = kinora.start("ingest", some)
    began = time.monotonic()
    kill_a_decoder(process)
    kinora.finish(process, ["ingest", "(decoder killed early)"], began, timeout=120, code=DONE)
    lost = [t for t in kinora.titles() if t["state"] != "ready"]
    assert len(lost) <= 1 and all(t["state"] == "failed" and "decoder" in t["reason"] for t in lost), lost
    kinora("ingest", "--retry", "failed", timeout=120, code=DONE)
    assert [t["state"] for t in kinora.titles()] == ["ready", "ready"], kinora.titles()
    none_of(damage(kinora.library))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--films", type=int, help=f"default: 4, or all from {LONG} kills on")
    parser.add_argument("--seed", type=int, default=20261124)
    options = parser.parse_args()
    options.films = options.films or (len(FILMS) if options.kills >= LONG else 4)
    tests = [f for name, f in list(globals().items()) if name.startswith("test_")]
    if options.kills < LONG:
        tests.remove(test_again_alike)
    run("resume", tests, films=options.films, kills=options.kills, seed=options.seed)
