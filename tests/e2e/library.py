#!/usr/bin/python3
"""library.py  What people keep beside films, versions of one film, files that come, change, move and go, and keeping a library.

Words come from subtitles, and the speech model is a hollow file: whoever listens fails. The films are tiny and differ in a
box at their end that players pass over. Where the last tests listen, they say so.
"""

import fcntl
import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing

import media
from e2e import (DONE, EMBEDDING, FAILED, MODELS, NOT_FOUND, SLOW, SPEECH, Kinora, Opened, Skip, hollow_models, none_of, note, run)
from library_db import damage, differences
from subtitles import AFTER_WORDS, srt

LAMP = [(1, 4, "Somebody has lit the lamp in the old tower again, and nobody on the island will say who it was."),
        (5, 9, "Nobody has lived there for thirty years, and the harbour below it has been empty since the war.")]
OVEN = [(1, 4, "The baker leaves his bread in the oven overnight, and in the morning there is always one loaf more."),
        (5, 9, "His daughter sets a trap for the thief who brings instead of taking, and catches her grandmother.")]

kinora = films = tiny_film = None


def setup(folder):
    global kinora, films, tiny_film
    films = folder / "films"
    films.mkdir()
    media.ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=2", "-f", "lavfi", "-i", "sine=duration=2",
                 "-c:v", "mpeg4", "-c:a", "aac", "-b:a", "32k", folder / "tiny.mp4")
    tiny_film = (folder / "tiny.mp4").read_bytes()
    models = hollow_models(folder / "models")
    for model in MODELS.iterdir():
        if model.name != SPEECH and model.suffix in (".gguf", ".ftz"):
            (models / model.name).unlink()
            (models / model.name).symlink_to(model)
    kinora = Kinora(folder, KINORA_MODELS=models)


def box(data):
    return (8 + len(data)).to_bytes(4, "big") + b"free" + data


def make(name, cues=None, mark=None, folder=None):
    """A film and its subtitles; an hour old, as most are."""
    path = (folder or films) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tiny_film + box((mark or name).encode()))
    old(path)
    if cues:
        path.with_suffix(".srt").write_text(srt(cues), encoding="utf-8")
    return path


def old(path, seconds=3600):
    os.utime(path, (time.time() - seconds,) * 2)


def ingest(*options, code=DONE, places=None, **how):
    """One run: {name: stages begun}, the summary, what was warned of."""
    result = kinora("ingest", *(places or [films]), "--json", *options, code=code, timeout=180, **how)
    stages = {}
    for e in result.lines:
        if e.get("event") == "stage":
            stages.setdefault(e["name"], []).append(e["stage"])
    return stages, result.lines[-1].get("summary"), result.err


def names():
    return {t["name"]: t["state"] for t in kinora.titles()}


def shown(name):
    return kinora.json("show", name)


ALL = ["probe", *AFTER_WORDS]


# ---- names, .nfo, .ignore ----

def test_names_and_nfo_tell_title_year_ids_genres_and_plot(folder):
    setup(folder)
    make("Lamp (1971) [tmdbid-11]/Lamp (1971) [tmdbid-11].mp4", LAMP)
    oven = make("Oven (1980) [imdbid-tt0000080]/oven.1080p.mp4", OVEN)
    oven.with_name("movie.nfo").write_text(
        "<movie><title>The Oven</title><year>1999</year><genre>Drama</genre><genre>Fantasy</genre>"
        "<plot>Bread &amp; thieves.</plot><uniqueid type='tmdb'>80</uniqueid></movie>\nhttps://example.org/80\n")
    oven.with_name("poster.jpg").write_bytes(b"\xff\xd8\xff")
    stages, summary, warned = ingest()
    assert stages == {"Lamp (1971)": ALL, "oven.1080p": ALL} and not warned, (stages, warned)
    assert summary["skipped"] == 0, summary
    lamp = shown("Lamp (1971) [tmdbid-11].mp4")
    assert (lamp["name"], lamp["year"], lamp["ids"]) == ("Lamp (1971)", 1971, {"tmdb": "11"}), lamp
    found = shown("the oven")  # by the .nfo file's title
    assert found["name"] == "oven.1080p" and found["year"] == 1980, found  # the folder's year, not the .nfo file's
    assert found["ids"] == {"imdb": "tt0000080", "tmdb": "80"} and found["genres"] == "Drama, Fantasy", found
    assert found["plot"] == "Bread & thieves." and found["poster"] == str(oven.with_name("poster.jpg")), found


def test_an_nfo_that_comes_or_changes_redoes_nothing_else(_):
    nfo = films / "Lamp (1971) [tmdbid-11]/Lamp (1971) [tmdbid-11].nfo"
    nfo.write_text("<movie><title>The Lamp</title><genre>Mystery</genre></movie>")
    with Opened(kinora.env["KINORA_MODELS"]) as opened:
        stages, summary, _ = ingest()
    assert not stages and summary["unchanged"] == 2 and EMBEDDING not in opened.names, (stages, summary, opened.names)
    assert shown("the lamp")["genres"] == "Mystery", shown("the lamp")
    nfo.write_text("<movie><title>The Lamp</title><genre>Horror</genre></movie>")
    stages, _, _ = ingest()
    assert not stages and shown("the lamp")["genres"] == "Horror", stages
    nfo.unlink()
    stages, _, _ = ingest()
    assert not stages and shown("lamp")["genres"] is None, stages
    kinora("show", "the lamp", code=NOT_FOUND)


def test_an_nfo_that_is_of_no_use_is_told_of_and_ignored(folder):
    secret = folder / "secret.txt"
    secret.write_text("topsecret")
    nfo = films / "Lamp (1971) [tmdbid-11]/movie.nfo"
    for text, why in (("<movie><title>Broken", "line 1"), ("https://www.themoviedb.org/movie/11", "address")):
        nfo.write_text(text)
        stages, _, warned = ingest()
        assert not stages and str(nfo) in warned and warned.count("is not used") == 1 and why in warned, warned
        assert shown("lamp")["title"] is None, shown("lamp")
    film = nfo.with_name("Lamp (1971) [tmdbid-11].mp4")
    os.utime(film)  # then it waits, and is planned twice
    assert ingest()[2].count("is not used") == 1
    old(film)
    nfo.write_text(f"<!DOCTYPE movie [<!ENTITY x SYSTEM 'file://{secret}'>]><movie><title>Caf&eacute; &x;</title></movie>")
    _, _, warned = ingest()
    assert not warned and shown("lamp")["title"] == "Café &x;", (warned, shown("lamp"))
    assert "topsecret" not in kinora("show", "lamp").out
    nfo.unlink()


def test_ignored_files_are_out_of_the_library_and_come_back(_):
    make("Home/Party.mp4", LAMP)
    make("Home/old/Party 2.mp4", OVEN)
    make("Home/keep/Wedding.mp4", OVEN[:1] + LAMP)
    ingest()
    assert {"Party", "Party 2", "Wedding"} <= set(names()), names()
    (films / "Home/.ignore").write_text("# ours\n*.mp4\n!Wedding.mp4\nold/\n")
    stages, summary, _ = ingest()
    assert not stages and summary["missing"] == 2, summary
    assert [names()[n] for n in ("Party", "Party 2", "Wedding")] == ["missing", "missing", "ready"], names()
    (films / "Home/.ignore").write_text("")
    ingest()
    assert names()["Wedding"] == "missing", names()
    (films / "Home/.ignore").unlink()
    stages, _, _ = ingest()
    assert not stages and names()["Party"] == names()["Party 2"] == names()["Wedding"] == "ready", (stages, names())
    shutil.rmtree(films / "Home")
    ingest()
    kinora("forget", "--yes", "Party", "Party 2", "Wedding", code=DONE)


# ---- versions ----

def test_versions_with_one_id_are_one_title_with_several_files(_):
    second = make("4K/Lamp (1971) {tmdb-11}.mp4", [*LAMP, (10, 12, "Longer.")])
    stages, summary, _ = ingest()
    assert not stages and summary["unchanged"] == 3, (stages, summary)  # its words are known
    assert len(shown("Lamp (1971)")["paths"]) == 2 and len(names()) == 2, names()
    assert shown("Lamp (1971)")["transcript"].endswith("the war."), shown("Lamp (1971)")
    first = films / "Lamp (1971) [tmdbid-11]"
    first.rename(folder_beside(first))
    stages, summary, _ = ingest()
    assert not stages and summary["missing"] == 0 and names()["Lamp (1971)"] == "ready", (summary, names())
    assert shown("Lamp (1971)")["paths"] == [str(second)], shown("Lamp (1971)")
    folder_beside(first).rename(first)
    stages, _, _ = ingest()
    assert not stages and len(shown("Lamp (1971)")["paths"]) == 2, stages


def folder_beside(path):
    return films.parent / f"away-{path.name}"


def test_a_split_stays_and_a_join_by_hand_too(_):
    kinora("split", "Lamp (1971)", code=DONE)
    stages, _, _ = ingest()
    assert stages == {"Lamp (1971)": ALL}, stages  # the second has its own words now
    both = [t for t in kinora.titles() if t["name"] == "Lamp (1971)"]
    assert len(both) == 2 and all(t["state"] == "ready" for t in both), both
    stages, _, _ = ingest()
    assert not stages and len(kinora.titles()) == 3, stages
    kinora("join", both[0]["id"], both[1]["id"], code=DONE)
    stages, _, _ = ingest()
    assert not stages and len(kinora.titles()) == 2, (stages, names())
    answer = kinora.json("recommend", "oven", "-n", "9")["recommendations"]
    assert [r["name"] for r in answer] == ["Lamp (1971)"], answer


def test_versions_without_ids_are_told_by_what_is_said(_):
    folder = films / "Tower (1999)"
    again = [(a, b, t.replace("Somebody has", "Someone had")) for a, b, t in LAMP]
    make("Tower (1999).mp4", LAMP + OVEN, folder=folder)
    make("Tower (1999) - 4K.mp4", again + OVEN, folder=folder)
    make("Tower (1999) - other film.mp4", [(1, 4, "A wholly different story of two sailors and a goat. " * 4)] + OVEN[:1],
         folder=folder)
    make("Tower (1999)-trailer.mp4", LAMP + OVEN, folder=folder)
    make("trailers/Tower.mp4", LAMP + OVEN, mark="other", folder=folder)
    ingest()
    assert sorted(n for n in names() if "Tower" in n) == \
        ["Tower", "Tower (1999) - 4K", "Tower (1999) - other film", "Tower (1999)-trailer"], names()
    tower = shown("Tower (1999) - 4K")
    assert len(tower["paths"]) == 2 and tower["kind"] is None and tower["year"] == 1999, tower
    assert shown("Tower (1999)-trailer")["kind"] == shown("Tower")["kind"] == "trailer", shown("Tower")
    stages, _, _ = ingest()
    assert not stages, stages
    kinora("split", "Tower (1999) - 4K", code=DONE)
    stages, _, _ = ingest()
    assert not stages and len([n for n in names() if "Tower" in n]) == 5, (stages, names())
    shutil.rmtree(folder)
    ingest()


def test_a_copy_without_subtitles_has_those_of_the_other_in_the_first_run(_):
    for place, cues in (("Bare", None), ("Told", OVEN)):  # who comes first would listen, and fail
        make(f"{place}/Copy.mp4", cues, mark="copied")
    stages, _, _ = ingest()
    assert stages == {"Copy": ALL} and names()["Copy"] == "ready", (stages, names())
    assert len(shown("Copy")["paths"]) == 2, shown("Copy")
    stages, _, _ = ingest()
    assert not stages, stages
    for place in ("Bare", "Told"):
        shutil.rmtree(films / place)
    ingest()


def test_a_version_that_cannot_be_read_gives_way_to_one_that_can(_):
    bad = films / "A/Reel (1960) [tmdbid-60].mp4"
    bad.parent.mkdir()
    bad.write_bytes(b"no film at all")
    old(bad)
    ingest()
    assert names()["Reel (1960)"] == "failed", names()
    make("B/Reel (1960) [tmdbid-60].mp4", OVEN)
    ingest()
    reel = shown("Reel (1960)")
    assert reel["state"] == "ready" and len(reel["paths"]) == 2, reel
    stages, _, _ = ingest()
    assert not stages, stages
    for place in ("A", "B"):
        shutil.rmtree(films / place)
    ingest()


# ---- files that come, change, move and go ----

def test_a_file_that_is_still_written_waits_and_is_taken_whole(_):
    path, data = films / "Slow.mp4", tiny_film + box(b"slow" * 1000)
    path.with_suffix(".srt").write_text(srt(LAMP))

    def write():
        with open(path, "wb") as out:
            for i in range(0, len(data), len(data) // 8):
                out.write(data[i:i + len(data) // 8])
                out.flush()
                time.sleep(0.4)
    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.2)
    stages, summary, _ = ingest()
    writer.join()
    assert stages == {"Slow": ALL} and summary["waiting"] == 0, (stages, summary)
    assert path.stat().st_size == len(data)
    stages, _, _ = ingest()
    assert not stages, stages


def test_a_file_that_does_not_come_to_rest_is_left_with_the_reason(_):
    path, ends, gaps = films / "Endless.mp4", threading.Event(), []
    path.write_bytes(tiny_film + box(b"endless"))
    path.with_suffix(".srt").write_text(srt(OVEN))

    def write():
        last = time.monotonic()
        while not ends.wait(0.1):
            path.touch()
            gaps.append(time.monotonic() - last)
            last += gaps[-1]
    writer = threading.Thread(target=write)
    writer.start()
    try:
        stages, summary, _ = ingest()
    finally:
        ends.set()
        writer.join()
        old(path, 3)
    if max(gaps) > 1:
        ingest()
        raise Skip(f"this machine is too busy: it let the writer wait for {max(gaps):.1f} s")
    endless = shown("Endless")
    assert not stages and summary["waiting"] == 1, (stages, summary)
    assert endless["state"] == "pending" and "still being written" in endless["reason"], endless
    stages, _, _ = ingest()
    assert stages == {"Endless": ALL} and names()["Endless"] == "ready", (stages, names())
    assert len([t for t in kinora.titles() if t["name"] == "Endless"]) == 1, kinora.titles()


def test_a_film_that_is_moved_while_it_is_waited_for_is_one_title(_):
    path, there = films / "Fresh.mp4", films / "there/Fresh.mp4"
    there.parent.mkdir()
    path.write_bytes(tiny_film + box(b"fresh"))
    path.with_suffix(".srt").write_text(srt(OVEN))

    def move():
        path.with_suffix(".srt").rename(there.with_suffix(".srt"))
        path.rename(there)
    mover = threading.Timer(0.7, move)
    mover.start()
    stages, summary, _ = ingest()
    mover.join()
    assert not stages and "Fresh" not in names() and summary["waiting"] == summary["left"] == 0, (stages, summary, names())
    old(there)
    stages, _, _ = ingest()
    assert stages == {"Fresh": ALL} and names()["Fresh"] == "ready", (stages, names())
    assert len([t for t in kinora.titles() if t["name"] == "Fresh"]) == 1, kinora.titles()
    shutil.rmtree(there.parent)
    ingest()


def test_moved_renamed_replaced_removed_and_brought_back(_):
    slow, endless = films / "Slow.mp4", films / "Endless.mp4"
    ident = shown("Slow")["id"]
    (films / "deep/er").mkdir(parents=True)
    for suffix in (".mp4", ".srt"):
        slow.with_suffix(suffix).rename(films / f"deep/er/Quick{suffix}")
    stages, _, _ = ingest()
    assert not stages and shown("Quick")["id"] == ident, stages
    gone = folder_beside(endless)
    endless.rename(gone)
    _, summary, _ = ingest()
    assert summary["missing"] == 1 and names()["Endless"] == "missing", summary
    assert "Endless" not in [r["name"] for r in kinora.json("recommend", "Quick", "-n", "99")["recommendations"]]
    gone.rename(endless)
    stages, _, _ = ingest()
    assert not stages and names()["Endless"] == "ready", stages
    make("deep/er/Quick.mp4", mark="another film")
    stages, _, _ = ingest()
    assert stages == {"Quick": ALL} and shown("Quick")["id"] != ident, (stages, shown("Quick"))


def test_what_is_forgotten_is_taken_in_anew_while_its_file_is_there(_):
    forgotten = kinora.json("forget", "--yes", "Endless")["forgotten"]
    assert forgotten[0]["file"] == str(films / "Endless.mp4"), forgotten
    kinora("show", "Endless", code=NOT_FOUND)
    stages, summary, _ = ingest()
    assert stages == {"Endless": ALL} and summary["added"] == 1, (stages, summary)


def test_a_moved_folder_with_renamed_and_touched_films_redoes_nothing(folder):
    """No film is opened by a decoder, and no model is read."""
    global kinora
    kept, many = kinora, folder / "many"
    kinora = Kinora(folder / "many-library", KINORA_MODELS=kept.env["KINORA_MODELS"])
    for i in range(120):
        make(f"{i % 7}/Film {i}.mp4", [(0, 2, f"{OVEN[i % 2][2]} {LAMP[i % 2][2]} {i}")], folder=many)
    ingest(places=[many])
    before = {t["id"] for t in kinora.titles()}
    moved = folder / "moved"
    many.rename(moved)
    for i, path in enumerate(sorted(moved.rglob("*.mp4"))):
        if i < 100:
            for suffix in (".mp4", ".srt"):
                path.with_suffix(suffix).rename(path.with_name(f"Renamed {i}{suffix}"))
    for path in moved.rglob("*.*"):
        old(path, 60)
    with Opened(kinora.env["KINORA_MODELS"]) as opened:
        stages, summary, _ = ingest(places=[many.parent / "moved"])
    assert not stages and summary["unchanged"] == 120, (stages, summary)
    assert not {SPEECH, EMBEDDING} & opened.names, opened.names
    titles = kinora.titles()
    assert {t["id"] for t in titles} == before and all(t["state"] == "ready" for t in titles), titles[:3]
    assert all(str(moved) in p for t in titles for p in t["paths"] if "many/" not in p), titles[:3]
    kinora = kept


def test_a_run_whose_time_is_over_leaves_only_what_is_to_be_done(_):
    late = make("0 Late.mp4", LAMP)
    begun, summary, _ = ingest("--max-hours", "1e-9")
    assert not begun and summary["left"] == 1 and summary["added"] == 0, summary
    assert summary["files"] == summary["unchanged"] + 1 and "0 Late" not in names(), summary
    late.unlink()
    late.with_suffix(".srt").unlink()


# ---- keeping a library ----

def test_one_writes_while_others_read_and_the_next_waits_or_is_told_who_writes(_):
    with open(kinora.library / "lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(b"process 4711 on this machine since now\n")
        lock.flush()
        refused = kinora("ingest", films, code=FAILED)
        assert "process 4711" in refused.err, refused
        assert kinora.json("list")["titles"], "a reader waits for nobody"
        process = kinora.start("ingest", films, "--wait", "60", "--json")
        time.sleep(1)
        assert process.poll() is None, process.communicate()
    kinora.finish(process, ["ingest", "--wait", "60"], time.monotonic(), timeout=60, code=DONE)


def test_a_backup_during_an_ingest_is_whole(folder):
    other = Kinora(folder / "busy", KINORA_MODELS=kinora.env["KINORA_MODELS"])
    process = other.start("ingest", folder / "moved", "--json")
    lines, copies = iter(process.stdout.readline, b""), 0
    for line in lines:
        if b'"state":"ready"' in line:
            break
    for i in range(5):
        copy = folder / f"copy-{i}" / "library.db"
        copy.parent.mkdir()
        other("backup", copy, code=DONE)
        copies += process.poll() is None
        none_of(damage(copy.parent))
        other("check", "--library", copy.parent, code=DONE)
    for line in lines:
        pass
    assert process.wait(120 * SLOW) == 0 and copies > 0, copies
    final = folder / "copy-4"
    (final / "library.db").unlink()
    other("backup", final / "library.db", code=DONE)
    none_of(differences(other.library, final))
    note(f"{copies} backups while ingest wrote")


def test_what_is_damaged_is_found_mended_and_redone(_):
    ready = {n for n, state in names().items() if state == "ready"}
    mute, short = sorted(ready - {"Endless", "Quick"})[:2]
    with closing(sqlite3.connect(kinora.library / "library.db")) as db, db:
        here = "gone = '' AND joined IS NULL AND state = 1"
        db.execute(f"DELETE FROM title_vector WHERE title = (SELECT key FROM title WHERE name = 'Endless' AND {here})")
        db.execute(f"DELETE FROM stage WHERE stage = 1 AND title = (SELECT key FROM title WHERE name = 'Quick' AND {here})")
        db.execute("DELETE FROM moment_vector WHERE moment IN (SELECT moment.key FROM moment JOIN title ON title.key = title"
                   f" WHERE name = ? AND {here})", (mute,))
        db.execute("DELETE FROM segment WHERE number = (SELECT max(number) FROM segment AS s WHERE s.title = segment.title)"
                   f" AND title = (SELECT key FROM title WHERE name = ? AND {here})", (short,))
        db.execute("INSERT INTO path SELECT 9999, '/x', 9999, 'x', 0, 0, 0, NULL, '', '', '', '', '', ''")
    kinora("check", code=FAILED)
    kinora("check", "--repair", code=DONE)
    kinora("check", code=DONE)
    stages, _, _ = ingest()
    assert stages == {"Endless": AFTER_WORDS[1:], mute: AFTER_WORDS[1:], "Quick": AFTER_WORDS, short: AFTER_WORDS}, stages
    assert {n for n, state in names().items() if state == "ready"} == ready, names()
    none_of(damage(kinora.library))


# ---- with the real speech model ----

def test_a_change_between_the_blocks_of_an_identity_is_seen(folder):
    """A download that fills its middle last. The film is heard, which is when a hash of all of it is taken."""
    global kinora
    kept, place = kinora, folder / "large"
    kinora = Kinora(folder / "large-library")
    place.mkdir()
    film = media.good(place / "Large.mp4")
    with open(film, "ab") as out:
        out.write(box(bytes(6 << 20)))
    old(film, 3600)
    stages, _, _ = ingest(places=[place])
    assert stages == {"Large": ALL}, stages
    old(film, 1800)
    stages, _, _ = ingest(places=[place])
    assert not stages, stages
    with open(film, "r+b") as out:
        out.seek((2 << 20) + 300000)  # behind the first MiB, between two of the eight blocks
        out.write(b"x")
    old(film, 900)
    stages, _, _ = ingest(places=[place])
    assert stages == {"Large": ALL}, stages
    stages, _, _ = ingest(places=[place])
    assert not stages, stages
    kinora = kept


if __name__ == "__main__":
    run("library", [f for n, f in list(globals().items()) if n.startswith("test_")])
