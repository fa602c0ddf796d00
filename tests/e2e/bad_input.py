#!/usr/bin/python3
"""bad_input.py  What goes wrong outside of Kinora: each with a clear message, an exit code, and an unharmed library.

A film that is bad costs that film only, and exit code 0; what ends a run (no folder, a damaged model, no space, a library
that cannot be written or is not ours) gives its own code, names the thing and says what to do.
"""

import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import media
from e2e import (DONE, EMBEDDING, FAILED, KINORA, MODELS, NOT_FOUND, SPEECH, VOICE, WRONG_USE, Kinora, Skip, none_of,
                 run, unescape, wait_until)
from library_db import damage, done_stages

ODD_NAME = b"caf\xe9 'it\"s\"\n\xf0\x9f\x8e\xac.mp4"  # Latin-1, quotes, a newline, an emoji in UTF-8

mixed = None  # the library of the first test: good films among bad ones


def sound(kinora):
    """The library is sound by Kinora's own doctor and by SQLite."""
    report = kinora("doctor", "--json", timeout=120).json
    library = next(f for f in report["findings"] if f["name"] == "library")
    assert library["health"] == "good", library
    none_of(damage(kinora.library))


def clear(result, code, *patterns):
    """A failure that is told well: its code, each pattern in the message, not a word of a crash."""
    assert result.code in (code if isinstance(code, tuple) else (code,)), f"exit code {code} expected, {result}"
    none_of(f"{p!r} is not said: {result}" for p in patterns if not re.search(p, result.said, re.IGNORECASE | re.DOTALL))


def copy_of(kinora, folder, name, **env):
    """A library of its own with the same content."""
    other = Kinora(folder / name, **env)
    shutil.copytree(kinora.library, other.library)
    return other


def bytes_of(library):
    return {p.name: p.read_bytes() for p in sorted(Path(library).iterdir()) if p.suffix == ".db"}


def one_film(folder):
    films = folder / "one-film"
    if not films.exists():
        films.mkdir()
        media.good(films / "Only one.mp4", title="one")
    return films


def one_read_film(folder):
    """Its words lie beside it: what is written of it is as much, and nothing need be heard."""
    films = folder / "one-read-film"
    if not films.exists():
        films.mkdir()
        media.good(films / "Read.mp4", title="read")
        words = [(2 * i, 2 * i + 2, f"This is what they say in line {i}, and then the door is closed.") for i in range(7)]
        (films / "Read.srt").write_text(media.srt(words))
    return films


def bound_by_permissions(folder):
    """What to put before a command so that file permissions hold for it: root without its power over them."""
    prefix = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
        if not shutil.which("setpriv"):
            raise Skip("root, and no setpriv command to give up its power over permissions")
    probe = folder / "not-for-you"
    probe.write_text("x")
    probe.chmod(0)
    done = subprocess.run([*prefix, "cat", str(probe)], capture_output=True, text=True)
    if done.returncode == 0 or "ermission denied" not in done.stderr:
        raise Skip(f"permissions cannot be made to hold here: {done.stderr.strip()}")
    return prefix


@contextlib.contextmanager
def tmpfs(folder, kib):
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "kinora-test", str(folder)], capture_output=True,
                          text=True)
    if done.returncode:
        raise Skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


# ---- films ----

EXPECTED = {  # name: (states, what the reason says)
    "Good one": ({"ready"}, None),
    "Good two": ({"ready"}, None),
    "Sound alone": ({"ready"}, None),
    "Nothing in it": ({"failed"}, "empty"),
    "Only text": ({"failed"}, "."),
    "No sound": ({"silent"}, "no audio"),
    "Cut, index lost": ({"failed"}, "."),
    "Cut, index kept": ({"failed", "ready"}, "."),
    "Scratched": ({"failed", "ready", "silent"}, "."),
    "Pure silence": ({"silent"}, "nobody speaks|silence|no words|no speech"),
    "Music alone": ({"silent"}, "nobody speaks|no words|no speech|music"),
}


def make_mixed(films):
    films.mkdir()
    below = films / "below" / "this"
    below.mkdir(parents=True)
    media.good(films / "Good one.mp4", title="one")
    media.good(below / "Good two.MP4", media.SPANISH)
    media.ffmpeg("-i", films / "Good one.mp4", "-vn", "-c:a", "flac", below / "Sound alone.flac")
    (films / "Nothing in it.mp4").touch()
    (films / "Only text.mp4").write_text("This is not a film.\n" * 100)
    media.no_audio(films / "No sound.mp4")
    media.cut(films / "Good one.mp4", films / "Cut, index lost.mp4", 0.6)
    media.good(films / "whole.mp4", media.ENGLISH, "front", media.GOOD_SECONDS, "-movflags", "+faststart")
    media.cut(films / "whole.mp4", films / "Cut, index kept.mp4", 0.6)
    (films / "whole.mp4").unlink()
    media.scratch(films / "Good one.mp4", films / "Scratched.mp4", seed=1)
    media.silence(films / "Pure silence.mp4")
    media.music(films / "Music alone.mp4")
    (films / "notes.txt").write_text("not a film")
    (films / ".hidden.mp4").write_text("not looked at")
    media.good(os.path.join(os.fsencode(films), ODD_NAME).decode("utf-8", "surrogateescape"), title="odd name")


def test_bad_films_cost_themselves(folder):
    """One folder of all kinds: the good ones are ready, the others are kept with their reasons; exit code 0."""
    global mixed
    make_mixed(folder / "films")
    mixed = Kinora(folder / "mixed")
    result = mixed("ingest", folder / "films", timeout=240, code=DONE)
    by_name = mixed.by_name()
    odd = unicode_of(os.path.splitext(ODD_NAME)[0])
    assert set(by_name) == set(EXPECTED) | {odd}, sorted(by_name)
    problems = []
    for name, (states, says) in EXPECTED.items():
        title = by_name[name]
        if title["state"] not in states:
            problems.append(f"{name} is {title['state']}: {title['reason']}")
        elif title["state"] == "ready" and title["reason"] is not None:
            problems.append(f"{name} is ready and has a reason: {title['reason']}")
        elif title["state"] != "ready" and not re.search(says, title["reason"] or "", re.IGNORECASE):
            problems.append(f"{name}: reason {title['reason']!r}")
        elif title["state"] != "ready" and (name not in result.said or title["reason"] not in result.said):
            problems.append(f"{name}: the run does not tell of it")
    if by_name[odd]["state"] != "ready":
        problems.append(f"the odd name is {by_name[odd]['state']}: {by_name[odd]['reason']}")
    none_of(problems)
    sound(mixed)


def test_reasons_are_grouped(folder):
    """What is wrong with several films is told once at the end, with three of their names; what most have comes first."""
    films = folder / "alike"
    films.mkdir()
    (films / "a.mp4").write_text("This is not a film.\n")
    for name in "bcdef":
        (films / f"{name}.mp4").touch()
    result = Kinora(folder / "alike-library")("ingest", films, code=DONE)
    told = result.out.split("These cannot be recommended:\n")[1].split("\n\n")[0].splitlines()
    assert len(told) == 2, told
    assert re.fullmatch(r"  failed  ([b-f]), ([b-f]), ([b-f]) and 2 more: .*empty.*", told[0]), told
    assert told[1].startswith("  failed  a: "), told


def test_what_is_not_ready_is_not_recommended(_):
    by_name = mixed.by_name()
    ready = {t["name"] for t in by_name.values() if t["state"] == "ready"}
    answer = mixed.json("recommend", "Good one", "--language", "any", "--limit", 50)
    # Some are the same film, hurt in different ways.
    assert {r["name"] for r in answer["recommendations"] + answer["same"]} == ready - {"Good one"}, answer
    for name in ("Nothing in it", "Only text", "No sound", "Pure silence"):
        clear(mixed("recommend", name), FAILED, re.escape(name), re.escape(by_name[name]["state"]),
              re.escape(by_name[name]["reason"]))
        shown = mixed.json("show", name)
        assert shown["segments"] == [] and shown["transcript"] == "" and shown["reason"], shown


def test_bad_films_are_not_tried_again(folder):
    """Until they change, or --retry failed asks for it."""
    summary = mixed("ingest", folder / "films", "--json", code=DONE).json["summary"]
    assert summary["sound"] == 0 and summary["ready"] == 0, summary
    tried = {e["name"] for e in mixed("ingest", "--retry", "failed", "--json", timeout=120, code=DONE).lines
             if e.get("event") == "stage"}
    failed = {t["name"] for t in mixed.titles() if t["state"] == "failed"}
    assert tried >= failed - {"Nothing in it"}, f"tried {tried} of {failed}"


def test_a_film_that_was_mended_is_tried_again(folder):
    films = folder / "mended"
    films.mkdir()
    film, kinora = films / "Mended.mp4", Kinora(folder / "mended-library")
    film.touch()
    kinora("ingest", films, code=DONE)
    assert kinora.by_name()["Mended"]["state"] == "failed"
    media.good(film, title="mended")
    kinora("ingest", films, code=DONE)
    titles = kinora.titles()
    assert [t["state"] for t in titles] == ["ready"], titles
    sound(kinora)


def test_retry_without_the_file(folder):
    """A failed film that was deleted since does not keep the others from being tried again."""
    films = folder / "retried"
    films.mkdir()
    kinora = Kinora(folder / "retried-library")
    (films / "Gone soon.mp4").write_text("no film " * 100)
    (films / "Stays.mp4").write_text("no film either " * 100)
    os.mkfifo(films / "Pipe.mp4")
    kinora("ingest", films, timeout=60, code=DONE)
    reasons = {t["name"]: t["reason"] for t in kinora.titles() if t["state"] == "failed"}
    assert sorted(reasons) == ["Gone soon", "Pipe", "Stays"] and "not a regular file" in reasons["Pipe"], reasons
    (films / "Gone soon.mp4").unlink()
    events = kinora("ingest", "--retry", "failed", "--json", code=DONE).lines
    assert {"Stays", "Pipe"} <= {e["name"] for e in events if e.get("event") == "finished"}, events
    scanned = next(e for e in events if e.get("event") == "scanned")
    assert (scanned["new"], scanned["again"]) == (0, 2), scanned
    assert "2 files to look at: 2 to try again, 0 with subtitles" in kinora("ingest", "--retry", "failed", code=DONE).err


def test_moved_copied_deleted(folder):
    """A film is what is in it: moved, it keeps everything; copied, it is one title; deleted, it is missing."""
    films, kinora = folder / "moving", copy_of(mixed, folder, "moving-library")
    before = kinora.by_name()["Good one"]
    films.mkdir()
    shutil.copy(folder / "films" / "Good one.mp4", films / "Good one, moved.mp4")
    shutil.copy(folder / "films" / "Good one.mp4", films / "Good one, copied.mp4")
    summary = kinora("ingest", films, "--json", code=DONE).json["summary"]
    assert summary["sound"] == 0 and summary["added"] == 0, summary
    after = [t for t in kinora.titles() if t["id"] == before["id"]]
    assert len(after) == 1 and len(after[0]["paths"]) == 3 and after[0]["state"] == "ready", after
    for film in films.iterdir():
        film.unlink()
    kinora("ingest", films, "--json", code=DONE)
    assert kinora.by_name()["Good one"] == before, kinora.by_name()["Good one"]

    only = media.good(films / "Only here.mp4", title="only here")
    kinora("ingest", films, "--json", code=DONE)
    title = kinora.by_name()["Only here"]
    Path(only).unlink()
    summary = kinora("ingest", films, "--json", code=DONE).json["summary"]
    gone = kinora.by_name()["Only here"]
    assert summary["missing"] == 1 and gone["state"] == "missing" and gone["reason"], (summary, gone)
    assert "Only here" not in {r["name"] for r in
                               kinora.json("recommend", "Good one", "--language", "any", "-n", 50)["recommendations"]}
    media.good(films / "Only here.mp4", title="only here")
    summary = kinora("ingest", films, "--json", code=DONE).json["summary"]
    assert kinora.by_name()["Only here"] == title and summary["sound"] == 0, (summary, kinora.by_name()["Only here"])
    sound(kinora)


# ---- names ----

def unicode_of(name):
    """Bytes as JSON has them: what is not UTF-8 is U+F780 and what it is above 0x80."""
    return "".join(chr(0xF780 + ord(c) - 0xDC80) if 0xDC80 <= ord(c) <= 0xDCFF else c
                   for c in name.decode("utf-8", "surrogateescape"))


def test_names_of_any_bytes(folder):
    path = os.path.join(os.fsencode(folder / "films"), ODD_NAME)
    title = mixed.by_name()[unicode_of(os.path.splitext(ODD_NAME)[0])]
    assert [unescape(p) for p in title["paths"]] == [path], title["paths"]
    assert unescape(title["name"]) == os.path.splitext(ODD_NAME)[0], title["name"]
    answer = mixed.json("recommend", title["id"])
    for form in (os.path.splitext(ODD_NAME)[0], ODD_NAME, path, "\N{CLAPPER BOARD}".encode()):
        assert mixed.json("recommend", os.fsdecode(form)) == answer, form
    for command in (("list",), ("show", title["id"]), ("recommend", title["id"])):
        text = mixed(*command, code=DONE).out
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", text), f"{command}: control characters in {text!r}"
    lines = mixed("list", code=DONE).out.splitlines()
    assert len(lines) == 1 + len(mixed.titles()), f"a name takes more than a line: {lines}"


def test_unknown_name_of_any_bytes(_):
    clear(mixed("recommend", os.fsdecode(b"\xff\xfe\x1b[31m")), NOT_FOUND, "not found in the dataset")
    result = mixed("recommend", os.fsdecode(b"\xff\xfe\x1b[31m"), "--json", code=NOT_FOUND)
    assert result.json["error"]["code"] == "not_found", result
    clear(mixed("recommend", ""), (WRONG_USE, NOT_FOUND), ".")
    clear(mixed("recommend", "x" * 5000, "--json"), NOT_FOUND, "Movie 'xxx")  # a message holds 255 bytes


# ---- folders ----

def test_no_such_folder(folder):
    kinora = copy_of(mixed, folder, "no-such-folder")
    clear(kinora("ingest", folder / "nowhere"), NOT_FOUND, re.escape(str(folder / "nowhere")), "no such file", "check")
    (folder / "no-films").mkdir()
    result = kinora("ingest", folder / "nowhere", folder / "no-films", "--json", code=NOT_FOUND)  # the one that is there is taken in
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert lines[-1]["error"]["code"] == "not_found" and any("summary" in line for line in lines), result
    assert kinora.titles() == mixed.titles(), "the library has changed"
    clear(kinora("ingest"), WRONG_USE, "DIR")
    sound(kinora)


def test_empty_folder(folder):
    (folder / "hollow-folder").mkdir()
    kinora = Kinora(folder / "empty-library")
    clear(kinora("ingest", folder / "hollow-folder"), DONE, "no films|no files|0 files|nothing")
    assert kinora.titles() == []
    sound(kinora)


def test_unreadable(folder):
    """A file and a folder that may not be read, among others that may."""
    prefix = bound_by_permissions(folder)
    films, kinora = folder / "unreadable", Kinora(folder / "unreadable-library")
    (films / "Locked").mkdir(parents=True)
    (films / "Secret.mp4").write_bytes(b"x" * 5000)
    (films / "Open.mp4").write_text("no film, but readable " * 50)
    (films / "Secret.mp4").chmod(0)
    (films / "Locked").chmod(0)
    result = kinora("ingest", films, prefix=prefix)
    clear(result, DONE, "Secret", "permission denied", re.escape(str(films / "Locked")))
    by_name = kinora.by_name()
    assert by_name["Secret"]["state"] == "failed" and "ermission" in by_name["Secret"]["reason"], by_name["Secret"]
    clear(kinora("ingest", films / "Locked", prefix=prefix), (DONE, FAILED), re.escape(str(films / "Locked")), "permission")
    (films / "Secret.mp4").chmod(0o644)
    (films / "Secret.mp4").unlink()
    media.good(films / "Secret.mp4", title="secret")
    (films / "Locked").chmod(0o755)
    kinora("ingest", films, prefix=prefix, code=DONE)
    assert kinora.by_name()["Secret"]["state"] == "ready", kinora.by_name()
    sound(kinora)


# ---- models and decoder ----

def models_but(folder, name, damaged):
    """The models by links, but one, which damaged(source, target) makes."""
    folder.mkdir()
    for model in MODELS.iterdir():
        if model.name == name:
            damaged(model, folder / name)
        elif model.is_file():
            (folder / model.name).symlink_to(model)
    return folder


def truncated(source, target):
    with open(source, "rb") as f:
        target.write_bytes(f.read(source.stat().st_size // 3))


def flipped(*shares):
    """One bit in each of these places, as shares of the file."""
    def damage_it(source, target):
        shutil.copyfile(source, target)
        with open(target, "r+b") as f:
            for share in shares:
                f.seek(int(source.stat().st_size * share))
                byte = f.read(1)[0]
                f.seek(-1, os.SEEK_CUR)
                f.write(bytes([byte ^ 0x10]))
    return damage_it


def hollow(source, target):
    with open(target, "wb") as f:
        f.truncate(source.stat().st_size)


MADE_BY = "make models|models pull"
REMEDY = MADE_BY + "|models verify"
DAMAGES = {"truncated": truncated, "first-bit": flipped(0), "one-bit": flipped(0.6), "hollow": hollow}


def damaged_model(folder, name, model):
    """One library meets all damages and takes none: with the right model it becomes what one without damage is."""
    films, problems, where = one_film(folder), [], folder / f"{name}-library"
    for kind, damaged in DAMAGES.items():
        kinora = Kinora(where, KINORA_MODELS=models_but(folder / f"{name}-{kind}-models", name, damaged))
        try:
            clear(kinora("ingest", films), (FAILED, NOT_FOUND), re.escape(model) + "|" + re.escape(name), REMEDY)
            assert [t["state"] for t in kinora.titles()] in ([], ["pending"]), kinora.titles()
            none_of(damage(kinora.library))
            clear(kinora("models", "verify", model), FAILED, re.escape(name), MADE_BY)
            clear(kinora("doctor", "--json", timeout=120), FAILED, re.escape(model), MADE_BY)
        except AssertionError as error:
            problems.append(f"{kind}: {error}")
        shutil.rmtree(folder / f"{name}-{kind}-models")
    none_of(problems)
    mended, whole = Kinora(where), titles_of_one_film(folder)
    mended("ingest", films, code=DONE)
    assert mended.titles() == whole, f"{mended.titles()} with the right model, {whole} in a library without damage"
    sound(mended)


def titles_of_one_film(folder):
    kinora = Kinora(folder / "one-library")
    if not kinora.library.exists():
        kinora("ingest", one_film(folder), code=DONE)
    return kinora.titles()


def test_damaged_speech_model(folder):
    damaged_model(folder, SPEECH, "whisper-base-q8_0")


def test_damaged_voice_model(folder):
    damaged_model(folder, VOICE, "silero-vad")


def test_damaged_embedding_model(folder):
    damaged_model(folder, EMBEDDING, "multilingual-e5-small")


def test_damaged_model_in_search(folder):
    """A search says what is wrong with the embedding model; a recommend needs none."""
    for kind in ("truncated", "first-bit"):
        models = models_but(folder / f"search-{kind}", EMBEDDING, DAMAGES[kind])
        kinora = copy_of(mixed, folder, f"search-{kind}-library", KINORA_MODELS=models)
        clear(kinora("search", "the sea"), (FAILED, NOT_FOUND), "multilingual-e5-small", REMEDY)
        kinora("recommend", "Good one", code=DONE)


def test_no_models(folder):
    kinora = Kinora(folder / "no-models", KINORA_MODELS=folder / "no-models-here")
    clear(kinora("ingest", one_film(folder)), (FAILED, NOT_FOUND), re.escape(str(folder / "no-models-here")),
          MADE_BY)
    assert kinora.titles() == []
    clear(kinora("doctor", "--json"), FAILED, "whisper-base-q8_0", MADE_BY)
    kinora("models", "list", code=DONE)


def test_no_decoder(folder):
    """It is the installation that is wrong, not the films: none of them is marked as failed."""
    for name, program in (("missing", folder / "no-such-program"), ("mute", Path("/bin/true")), ("folder", folder)):
        kinora = Kinora(folder / f"decoder-{name}", KINORA_DECODE=program)
        clear(kinora("ingest", one_film(folder)), (FAILED, NOT_FOUND), re.escape(str(program)))
        assert [t["state"] for t in kinora.titles()] in ([], ["pending"]), f"{name}: {kinora.titles()}"
        clear(kinora("doctor", timeout=120), FAILED, "decoder")


# ---- the library ----

READING = (("list",), ("show", "Good one"), ("recommend", "Good one"), ("search", "the sea"))


def test_no_library(folder):
    kinora = Kinora(folder / "no-library")
    for command in READING:
        clear(kinora(*command), NOT_FOUND, re.escape(str(kinora.library)), "ingest")
    assert not kinora.library.exists(), "reading made a library"
    report = kinora("doctor", "--json", timeout=120, code=DONE).json
    assert report["health"] == "warning", report


def test_library_is_a_file(folder):
    kinora = Kinora(folder / "file-library")
    kinora.library.write_text("mine")
    for command in (("ingest", one_film(folder)), *READING):
        clear(kinora(*command), (FAILED, WRONG_USE), re.escape(str(kinora.library)), "not a folder")
    assert kinora.library.read_text() == "mine"


def test_read_only_library(folder):
    prefix = bound_by_permissions(folder)
    kinora = copy_of(mixed, folder, "read-only")
    before = bytes_of(kinora.library)
    for path in kinora.library.iterdir():
        path.chmod(0o444)
    kinora.library.chmod(0o555)
    try:
        clear(kinora("ingest", one_film(folder), prefix=prefix), FAILED, re.escape(str(kinora.library)), "permission",
              "--library")
        for command in READING:
            kinora(*command, prefix=prefix, code=DONE)
        assert kinora("recommend", "Good one", prefix=prefix).out == mixed("recommend", "Good one").out
        inside = Kinora(folder / "inside-read-only", library=kinora.library / "new" / "library")
        clear(inside("ingest", one_film(folder), prefix=prefix), FAILED, re.escape(str(kinora.library)), "permission")
    finally:
        kinora.library.chmod(0o755)
    assert bytes_of(kinora.library) == before
    sound(kinora)


def test_read_only_disk(folder):
    with tmpfs(folder / "disk", 8192) as disk:
        kinora = Kinora(folder / "read-only-disk", library=disk / "library")
        shutil.copytree(mixed.library, kinora.library)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        clear(kinora("ingest", one_film(folder)), FAILED, re.escape(str(kinora.library)), "read-only")
        for command in READING:
            kinora(*command, code=DONE)


def set_version(library, version):
    with contextlib.closing(sqlite3.connect(f"{library}/library.db")) as db:
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_newer_library(folder):
    kinora = copy_of(mixed, folder, "newer")
    set_version(kinora.library, 999)
    before = bytes_of(kinora.library)
    for command in (("ingest", one_film(folder)), *READING, ("doctor",)):
        clear(kinora(*command, timeout=120), FAILED, re.escape(str(kinora.library)), "newer", "999", "--library")
    assert bytes_of(kinora.library) == before, "the library was changed"


def test_library_of_another_program(folder):
    kinora = Kinora(folder / "foreign")
    kinora.library.mkdir()
    with contextlib.closing(sqlite3.connect(kinora.library / "library.db")) as db:
        db.execute("CREATE TABLE mine (x)")
        db.commit()
    before = bytes_of(kinora.library)
    for command in (("ingest", one_film(folder)), *READING, ("doctor",)):
        clear(kinora(*command, timeout=120), FAILED, re.escape(str(kinora.library)), "another program")
    assert bytes_of(kinora.library) == before, "the other program's database was changed"


def test_damaged_library(folder):
    """Overwritten or cut, every command says so. Scratched, none crashes, and what fails says what to do."""
    whole = (mixed.library / "library.db").read_bytes()
    for name, data in (("text", b"Dear diary, " * 5000), ("cut", whole[:len(whole) // 2]), ("head", b"x" * 100 + whole[100:])):
        kinora = copy_of(mixed, folder, f"damaged-{name}")
        (kinora.library / "library.db").write_bytes(data)
        for command in (("ingest", one_film(folder)), ("list",), ("recommend", "Good one"), ("doctor",)):
            result = kinora(*command, timeout=120)
            if name != "cut" or result.code != DONE or command[0] == "doctor":  # the first half may be enough for a list
                clear(result, FAILED, re.escape(str(kinora.library)), "damaged|another program", "--library|ingest")
    for seed in range(6):
        kinora, dice = copy_of(mixed, folder, f"scratched-{seed}"), random.Random(seed)
        data = bytearray(whole)
        for at in dice.sample(range(100, len(data)), 400):
            data[at] = dice.randrange(256)
        (kinora.library / "library.db").write_bytes(data)
        for command in (*READING[:3], ("doctor",), ("ingest", one_film(folder))):
            result = kinora(*command, timeout=120)
            assert result.code in (DONE, FAILED, NOT_FOUND), result
            assert result.code == DONE or result.err.strip() or command[0] == "doctor", result
        shutil.rmtree(kinora.folder)


def test_empty_database_file(folder):
    """What is left when a process dies right after making the file: the next ingest goes on from there."""
    kinora = Kinora(folder / "zero-library")
    kinora.library.mkdir()
    (kinora.library / "library.db").touch()
    for command in READING:
        clear(kinora(*command), NOT_FOUND, re.escape(str(kinora.library)), "ingest")
    kinora("ingest", one_film(folder), code=DONE)
    assert [t["state"] for t in kinora.titles()] == ["ready"]


def test_full_disk(folder):
    """At whatever point the space ends: a clear message, a sound library, and it goes on when there is room again."""
    films, undisturbed = one_read_film(folder), Kinora(folder / "room-library")
    undisturbed("ingest", films, code=DONE)
    whole = undisturbed.titles()
    failures = 0
    for kib in (0, 4, 16, 48, 96, 160, 224, 288, 352):
        with tmpfs(folder / f"disk-{kib}", 4096) as disk:
            space = os.statvfs(disk)
            with open(disk / "ballast", "wb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, space.f_bavail * space.f_frsize - kib * 1024)
            kinora = Kinora(folder / f"full-{kib}", library=disk / "library")
            result = kinora("ingest", films)
            if result.code != DONE:
                failures += 1
                clear(result, FAILED, re.escape(str(disk)), "space|disk is full", "free")
            (disk / "ballast").unlink()
            if (kinora.library / "library.db").exists():
                none_of(damage(kinora.library))
            states = {t["state"] for t in kinora("list", "--json").json.get("titles", [])}
            assert states <= ({"pending"} if result.code else {"ready"}), f"{kib} KiB: {states}"
            kinora("ingest", films, code=DONE)
            assert kinora.titles() == whole, f"{kib} KiB: {kinora.titles()}, not {whole}"
            sound(kinora)
    assert failures >= 4, f"the disk was full in {failures} runs only"


def test_two_ingests_at_once(folder):
    """The second says who holds the library, or waits; readers are let in."""
    films, kinora = folder / "two-at-once", Kinora(folder / "two-library")
    films.mkdir()
    for i in range(4):
        media.good(films / f"Film {i}.mp4", title=str(i))
    first = kinora.start("ingest", films, "--json")
    began = time.monotonic()
    assert first.stdout.readline(), "the first ingest says nothing"
    clear(kinora("ingest", films), FAILED, re.escape(str(kinora.library)), rf"\b{first.pid}\b", "wait")
    kinora("list", code=DONE)
    assert first.poll() is None, "the first was done before the second came: the test proves nothing"
    waited = kinora("ingest", films, "--wait", 120, "--json", timeout=150, code=DONE)
    kinora.finish(first, ["ingest", "(first)"], began, code=DONE)
    assert waited.json["summary"]["unchanged"] == 4 and waited.json["summary"]["sound"] == 0, waited.json
    assert {t["state"] for t in kinora.titles()} == {"ready"}
    sound(kinora)


def test_reader_during_ingest(folder):
    """list, recommend and show answer at any time of an ingest, with whole titles only."""
    films, kinora = folder / "two-at-once", Kinora(folder / "reader-library")
    process = kinora.start("ingest", films)
    began, looks = time.monotonic(), 0
    wait_until((kinora.library / "library.db").exists, 10)
    while process.poll() is None:
        result = kinora("list", "--json")
        if result.code == DONE:
            for title in result.json["titles"]:
                if title["state"] == "ready":
                    assert kinora.json("show", title["id"])["segments"] and title["opinion"] is not None, title
                    kinora("recommend", title["id"], code=DONE)
        else:
            assert result.code == NOT_FOUND and looks < 5, result  # its tables are being made
        looks += 1
    kinora.finish(process, ["ingest", "(read meanwhile)"], began, code=DONE)
    assert looks > 5, f"{looks} looks only"


# ---- output ----

def test_output_that_cannot_be_written(folder):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([KINORA, "list"], stdout=full, stderr=subprocess.PIPE, env=mixed.env, timeout=60)
    assert done.returncode == FAILED and b"standard output" in done.stderr, (done.returncode, done.stderr)


def test_wrong_use(_):
    for args, said in ((("lsit",), "lsit"), (("list", "--wat"), "wat"), (("recommend",), "NAME"), (("recommend", "a", "b"), "one"),
                       (("list", "--limit", "3"), "limit"), (("ingest", "--jobs", "many", "x"), "jobs"),
                       (("list", "--state", "fine"), "fine"), ((), "ingest")):
        clear(mixed(*args), WRONG_USE, re.escape(said))
        error = mixed(*args, "--json", code=WRONG_USE).json["error"]
        assert error["code"] == "bad_argument" and said in error["message"], error


if __name__ == "__main__":
    run("bad_input", [f for name, f in list(globals().items()) if name.startswith("test_")])
