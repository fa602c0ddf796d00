#!/usr/bin/python3
"""notebook.py  What the notebook did, with Kinora: texts in from its CSV, its three files out, TextBlob's opinions.

What it wrote is read by numpy and judged by TextBlob itself in build/venv (notebook_check.py)."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import time

import e2e
import library_db
from e2e import DONE, FAILED, TOP, Kinora, none_of

VENV = TOP / "build/venv/bin/python"
BUILD = os.path.dirname(os.path.realpath(e2e.KINORA))
COLUMNS = ["Video File", "Transcript"]

WARM = "A wonderful, moving story about love and friendship. It's great! I smiled all the way home."
DARK = "They murdered his family. He was left alone in the dark, hateful and cruel, and nobody came to help him."
SPANISH = "Una historia terrible sobre la guerra y el hambre. Nadie vuelve a casa. Todo es miedo y silencio."
LONG = " ".join(f"On day {i} the ship sailed past a beautiful island, but the captain was angry and would not stop."
                for i in range(1, 41))

ROWS = [
    ["Warm.MP4", " " + WARM.replace(" story", "  story")],  # Whisper's begin with a space
    ["Trailers/Dark, and \"Quoted\".mp4", DARK],
    ["Twice.mp4", WARM],
    ["Twice.mp4", DARK],
    ["Twice.mp4", DARK],
    ["Long Voyage.mp4", LONG],
    ["Spaced.mp4", " Error: behind a space"],
    ["Broken.mp4", "Error: could not extract audio, \"moov\" missing"],
    ["Silent.mp4", ""],
    ["Lines.mkv", "One line.\nAnother, very good one.\r\n\r\nAnd a bad one :-("],
]


def write_csv(path, rows, columns=COLUMNS, bom=False):
    with open(path, "w", encoding="utf-8-sig" if bom else "utf-8", newline="") as f:
        csv.writer(f).writerows([columns, *rows])
    return path


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.reader(f, strict=True))


def imported(folder, name="kinora", rows=ROWS, **how):
    kinora = Kinora(folder / name)
    file = write_csv(kinora.folder / "transcripts.csv", rows, **how)
    kinora("import", file, code=DONE)
    return kinora, file


def names(kinora):
    return sorted((t["name"], t["state"]) for t in kinora.titles())


# ---- import ----

def test_rows_become_titles(folder):
    kinora, file = imported(folder, "rows")
    assert names(kinora) == sorted([
        ("Warm", "ready"), ("Dark, and \"Quoted\"", "ready"), ("Twice", "ready"), ("Twice", "ready"), ("Twice", "ready"),
        ("Long Voyage", "ready"), ("Broken", "failed"), ("Spaced", "failed"), ("Silent", "silent"), ("Lines.mkv", "ready")]), names(kinora)
    titles = kinora.titles()
    assert len({t["id"] for t in titles}) == len(ROWS) and not any(t["paths"] for t in titles)
    by_name = kinora.by_name()
    assert by_name["Broken"]["reason"] == ROWS[7][1] and by_name["Spaced"]["reason"] == "Error: behind a space"
    assert by_name["Warm"]["opinion"] > 0.2 > -0.2 > by_name["Dark, and \"Quoted\""]["opinion"], by_name
    shown = kinora.json("show", "Long Voyage")
    assert shown["words_from"] == "import" and shown["transcript"] == LONG and shown["duration"] is None
    assert all(s["start"] is s["end"] is None for s in shown["segments"] + shown["moments"])
    assert len(shown["segments"]) == 40 and 8 <= len(shown["moments"]) <= 20, len(shown["moments"])
    answer = kinora.json("recommend", "Warm")
    assert [t["name"] for t in answer["same"]] == ["Twice"], answer["same"]  # one text under two names is no answer
    assert sorted(len(r["also"]) for r in answer["recommendations"]) == [0, 0, 2], answer["recommendations"]
    assert all(r["name"] not in ("Broken", "Spaced", "Silent") for r in answer["recommendations"])
    assert "00:00" not in kinora("recommend", "Warm").out + kinora("search", "an island").out


def test_importing_again_changes_nothing(folder):
    kinora = Kinora(folder / "rows")
    before = folder / "before"
    shutil.copytree(kinora.library, before)
    for file in (kinora.folder / "transcripts.csv", write_csv(folder / "with-bom.csv", ROWS, bom=True)):
        again = kinora.json("import", file)["summary"]
        assert (again["files"], again["unchanged"], again["added"]) == (len(ROWS), len(ROWS), 0), again
    told = kinora("import", file, code=DONE).out
    assert "(2 of them failed before)" in told and "--retry" not in told, told  # import has no such option
    swapped = write_csv(folder / "swapped.csv", [[7, t, v] for v, t in ROWS], ["id", "Transcript", "Video File"])
    assert kinora.json("import", swapped)["summary"]["unchanged"] == len(ROWS)
    none_of(library_db.differences(before, kinora.library))


def test_json_lines(folder):
    kinora = Kinora(folder / "json")
    file = kinora.folder / "films.jsonl"
    file.write_text("\n".join(json.dumps(o) for o in [
        {"title": "Guerra", "text": SPANISH, "language": "es", "year": 1937, "genres": ["Drama", "War"]},
        {"title": "Warm", "text": WARM}, {"title": "Dark", "text": DARK, "language": None},
        {"title": "Broken", "text": "Error: could not extract audio"}]), encoding="utf-8")
    kinora("import", file, code=DONE)
    shown = kinora.json("show", "Guerra")
    assert (shown["language"], shown["year"], shown["genres"]) == ("es", 1937, "Drama, War"), shown
    assert {t["name"]: t["language"] for t in kinora.titles()} == {
        "Guerra": "es", "Warm": "en", "Dark": "en", "Broken": None}
    assert kinora.by_name()["Broken"]["state"] == "failed"
    assert [r["name"] for r in kinora.json("recommend", "Warm")["recommendations"]] == ["Dark"]


def test_a_language_is_told_by_the_row_or_the_user_or_identified_or_unknown(folder):
    kinora = Kinora(folder / "languages")
    file = kinora.folder / "films.jsonl"
    file.write_text("\n".join(json.dumps({"title": title, "text": text, "language": language}) for title, text, language in [
        ("Told", WARM, "fr-CA"), ("English", WARM, None), ("Spanish", SPANISH, ""), ("Short", "Nobody here.", None),
        ("Mixed", "Bonjour hello hola guten Tag ciao privet namaste salaam shalom ola hej", None)]), encoding="utf-8")

    def languages(*args):
        kinora("import", file, *args, code=DONE)
        return {t["name"]: t["language"] for t in kinora.titles()}

    assert languages() == {"Told": "fr-CA", "English": "en", "Spanish": "es", "Short": None, "Mixed": None}
    assert languages("--language-hint", "es") == {
        "Told": "fr-CA", "English": "es", "Spanish": "es", "Short": "es", "Mixed": "es"}
    assert languages()["English"] == "en" and len(kinora.titles()) == 5
    csv_file = write_csv(kinora.folder / "two.csv", [["Voyage.mp4", LONG], ["Brief.mp4", "Hello."]])
    kinora("import", csv_file, code=DONE)
    assert (kinora.by_name()["Voyage"]["language"], kinora.by_name()["Brief"]["language"]) == ("en", None)
    again = Kinora(folder / "damaged-language", KINORA_MODELS=e2e.hollow_models(folder / "hollow-language"))
    assert "SHA-256" in again("import", file, code=FAILED).said and again.titles() == []


BAD = {
    "missing-column.csv": (b"Video File,Text\na,b\n", "line 1"),
    "bad-quoting.csv": (b"Video File,Transcript\na,b\nc,d\"e\"\n", "line 3"),
    "open-quote.csv": (b"Video File,Transcript\na,b\nc,\"d\n", "line 3"),
    "nul.csv": (b"Video File,Transcript\na,b\nc,d\0\n", "line 3"),
    "latin-1.csv": ("Video File,Transcript\na,b\nc,caf\u00e9\n".encode("latin-1"), "line 3"),
    "huge.csv": (b"Video File,Transcript\na,b\nc," + b"x" * (50 << 20) + b"\n", "line 3"),
    "ragged.csv": (b"Video File,Transcript\na,b\nc\n", "line 3"),
    "empty.csv": (b"", "empty"),
    "only-a-head.csv": (b"Video File,Transcript\n", "no rows"),
    "broken.jsonl": (b"{\"title\":\"a\",\"text\":\"b\"}\n{\"title\":", "line 2"),
    "huge.jsonl": (b"{\"title\":\"a\",\"text\":\"" + b"x" * (50 << 20) + b"\"}\n", "line 1"),
    "utf-16.jsonl": ("{\"title\":\"a\",\"text\":\"b\"}".encode("utf-16"), "line 1"),
    "no-text.jsonl": (b"{\"title\":\"a\",\"text\":\"b\"}\n{\"title\":\"c\"}\n", "line 2"),
    "nul.jsonl": (b"{\"title\":\"a\",\"text\":\"b\0\"}\n", "line 1"),
    "latin-1.jsonl": ("{\"title\":\"a\",\"text\":\"caf\u00e9\"}\n".encode("latin-1"), "line 1"),
    "empty.jsonl": (b"", "no rows"),
    "texts.parquet": (b"PAR1", ".csv"),
}


def test_what_is_wrong_is_refused_whole_with_its_line(folder):
    kinora, full, before = Kinora(folder / "refused"), Kinora(folder / "refused-full"), folder / "rows/library"
    shutil.copytree(before, full.library)
    for name, (content, says) in BAD.items():
        (kinora.folder / name).write_bytes(content)
        error = kinora("import", kinora.folder / name, "--json", code=FAILED).json["error"]["message"]
        assert says in error and name in error, error
        full("import", kinora.folder / name, code=FAILED)
        os.unlink(kinora.folder / name)
    kinora("import", kinora.folder / "nowhere.csv", code=e2e.NOT_FOUND)
    assert not kinora.library.exists()  # where there was none, none is made for it
    none_of(library_db.differences(before, full.library))


def many(n):
    return [[f"Film {i}.mp4", f"This is film number {i}. " + LONG[: 200 + 97 * i % 900]] for i in range(n)]


def test_an_import_that_was_stopped_goes_on(folder):
    rows = many(60)
    whole, file = imported(folder, "whole", rows)
    for how, sig in (("interrupted", signal.SIGINT), ("killed", signal.SIGKILL)):
        kinora = Kinora(folder / how)
        began = time.monotonic()
        process = kinora.start("import", file, "--json", "--jobs", "1")
        while b'"finished"' not in process.stdout.readline():
            assert time.monotonic() < began + 60 * e2e.SLOW, "nothing finished in a minute"
        e2e.kill_group(process, sig)
        out, _ = process.communicate(timeout=60 * e2e.SLOW)
        if sig == signal.SIGINT:
            assert process.returncode == FAILED, process.returncode
            assert json.loads(out.splitlines()[-1])["summary"]["cancelled"] is True
        ready = sum(t["state"] == "ready" for t in kinora.titles())
        assert 0 < ready < len(rows), f"{how}: {ready} of {len(rows)} were ready"
        none_of(library_db.damage(kinora.library))
        summary = kinora.json("import", file)["summary"]
        assert summary["ready"] == len(rows) - ready and summary["unchanged"] == ready, summary
        none_of(library_db.differences(whole.library, kinora.library))


# ---- the scorer ----

def stages(kinora, *args):
    return [e["stage"] for e in kinora(*args, "--json", code=DONE).lines if e.get("event") == "stage"]


def test_the_scorer_is_the_librarys_and_reads_english_only(folder):
    kinora = Kinora(folder / "json")
    file = kinora.folder / "films.jsonl"
    before = kinora.by_name()
    assert set(stages(kinora, "import", file, "--language-hint", "en", "--scorer", "lexicon")) == {"opinion"}
    after = kinora.by_name()
    assert after["Guerra"]["opinion"] is None and after["Guerra"]["state"] == "ready"
    assert after["Warm"]["opinion"] > 0 > after["Dark"]["opinion"], after
    assert after["Warm"]["opinion"] != before["Warm"]["opinion"]
    assert "English only" in kinora("show", "Guerra").out and "by the lexicon" in kinora("show", "Warm").out
    finding = {f["name"]: f for f in kinora("doctor", "--json").json["findings"]}["scorer"]
    assert finding["health"] == "warning" and "1 of 3" in finding["text"], finding
    empty = kinora.folder / "empty"
    empty.mkdir()
    # kept without being said again; and an ingest carries another choice through titles that have no files
    assert stages(kinora, "import", file, "--language-hint", "en") == []
    assert set(stages(kinora, "ingest", empty, "--scorer", "probe")) == {"opinion"}
    assert kinora.by_name()["Guerra"]["opinion"] == before["Guerra"]["opinion"]
    assert kinora("list", "--scorer", "probe").code == e2e.WRONG_USE


INSTRUCT = "SmolLM2-135M-Instruct-q4_1.gguf"


def test_the_language_model_scores_english_and_is_checked_first(folder):
    kinora = Kinora(folder / "json")
    empty = kinora.folder / "empty"
    before = kinora.by_name()
    without, damaged = folder / "without-instruct", folder / "damaged-instruct"
    for models in (without, damaged):
        models.mkdir()
        for model in e2e.MODELS.iterdir():
            if model.name != INSTRUCT:
                (models / model.name).symlink_to(model)
    shutil.copyfile(e2e.MODELS / INSTRUCT, damaged / INSTRUCT)
    with open(damaged / INSTRUCT, "r+b") as file:
        file.seek(50_000_000)
        file.write(b"kinora")
    for models, code, told in ((without, e2e.NOT_FOUND, "make models-all"), (damaged, FAILED, INSTRUCT)):
        kinora.env["KINORA_MODELS"] = str(models)
        assert told in kinora("ingest", empty, "--scorer", "llm", code=code).said
    kinora.env["KINORA_MODELS"] = str(e2e.MODELS)
    assert kinora.by_name() == before
    assert set(stages(kinora, "ingest", empty, "--scorer", "llm")) == {"opinion"}
    after = kinora.by_name()
    assert after["Guerra"]["opinion"] is None and after["Warm"]["opinion"] > 0 > after["Dark"]["opinion"], after
    assert after["Warm"]["opinion"] != before["Warm"]["opinion"]
    assert "by the language model" in kinora("show", "Warm").out and "English only" in kinora("show", "Guerra").out
    assert stages(kinora, "ingest", empty) == []
    assert set(stages(kinora, "ingest", empty, "--scorer", "probe")) == {"opinion"}
    assert {n: t["opinion"] for n, t in kinora.by_name().items()} == {n: t["opinion"] for n, t in before.items()}


# ---- export ----

def test_the_export_is_what_python_reads(folder):
    kinora = Kinora(folder / "rows")
    out = folder / "out"
    told = kinora.json("export", "--format", "notebook", out)
    assert told == {"rows": 10, "vectors": 7, "left_out": 0}, told
    assert sorted(os.listdir(out)) == ["payload.json", "transcripts.csv", "vectors.npy"]
    rows = read_csv(out / "transcripts.csv")
    assert rows[0] == COLUMNS
    assert sorted(rows[1:]) == sorted([os.path.basename(v), t] for v, t in ROWS), rows  # to the last space
    order = [(t["name"], t["state"]) for t in kinora.titles()]
    assert [re.sub(r"\.mp4$", "", v, flags=re.I) for v, _ in rows[1:]] == [n for n, _ in order]
    payload = json.loads((out / "payload.json").read_text(encoding="utf-8"))
    assert [p["Movie_Name"] for p in payload] == [n for n, s in order if s == "ready"]
    check = subprocess.run([VENV, "-B", TOP / "tests/e2e/notebook_check.py", out,
                            f"{BUILD}/tests/embed-texts", e2e.MODELS / e2e.EMBEDDING],
                           capture_output=True, text=True, timeout=120 * e2e.SLOW)
    assert check.returncode == 0, check.stdout[-1000:] + check.stderr[-1000:]
    e2e.note(check.stdout.strip())


def test_an_export_is_not_written_over_unasked(folder):
    kinora, out = Kinora(folder / "rows"), folder / "out"
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    (out / "vectors.npy").unlink()
    error = kinora("export", out, "--json", code=FAILED).json["error"]["message"]
    assert "transcripts.csv" in error and "--force" in error, error
    assert sorted(os.listdir(out)) == ["payload.json", "transcripts.csv"]
    kinora("export", out, "--force", code=DONE)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before  # and it is the same each time


def test_an_export_that_fails_leaves_nothing(folder):
    kinora = Kinora(folder / "rows")
    kinora("export", "/proc/version/x", code=FAILED)
    kinora("export", "", code=FAILED)
    (folder / "none/vectors.npy.tmp").mkdir(parents=True)  # where it would write
    kinora("export", folder / "none", code=FAILED)
    assert os.listdir(folder / "none") == ["vectors.npy.tmp"], os.listdir(folder / "none")
    kinora.env["KINORA_MODELS"] = str(e2e.hollow_models(folder / "hollow"))
    assert "textblob-lexicon" in kinora("export", folder / "nowhere", code=e2e.NOT_FOUND).said
    assert not (folder / "nowhere").exists()


def test_an_export_comes_in_again(folder):
    kinora = Kinora(folder / "again")
    kinora("import", folder / "out/transcripts.csv", code=DONE)
    kinora("export", kinora.folder / "out", code=DONE)
    theirs, ours = read_csv(folder / "out/transcripts.csv"), read_csv(kinora.folder / "out/transcripts.csv")
    assert theirs == ours, (theirs, ours)
    assert sorted(s for _, s in names(kinora)) == sorted(s for _, s in names(Kinora(folder / "rows")))


def test_a_name_that_has_an_extension_gets_no_other(folder):
    kinora = Kinora(folder / "extensions")
    (kinora.folder / "films.jsonl").write_text("\n".join(
        json.dumps({"title": title, "text": WARM}) for title in ("Two.MP4", "Three.mkv", "Four", "Mr. Five")), encoding="utf-8")
    kinora("import", kinora.folder / "films.jsonl", code=DONE)
    kinora("export", kinora.folder / "out", code=DONE)
    assert sorted(v for v, _ in read_csv(kinora.folder / "out/transcripts.csv")[1:]) == [
        "Four.mp4", "Mr. Five.mp4", "Three.mkv", "Two.MP4"]
    payload = json.loads((kinora.folder / "out/payload.json").read_text(encoding="utf-8"))
    assert sorted(p["Movie_Name"] for p in payload) == ["Four", "Mr. Five", "Three.mkv", "Two"]


def test_an_empty_library_exports_empty_files(folder):
    kinora, empty = Kinora(folder / "nothing"), folder / "no-films"
    empty.mkdir()
    kinora("ingest", empty, code=DONE)
    kinora("export", kinora.folder / "out", code=DONE)
    assert json.loads((kinora.folder / "out/payload.json").read_text()) == []
    assert read_csv(kinora.folder / "out/transcripts.csv") == [COLUMNS]
    shape = subprocess.run([VENV, "-c", f"import numpy; print(numpy.load('{kinora.folder}/out/vectors.npy').shape)"],
                           capture_output=True, text=True, check=True).stdout
    assert shape.startswith("(0, "), shape


# ---- the example ----

def test_the_example_runs_as_it_stands(folder):
    work = folder / "example"
    env = {**e2e.environment(folder / "home"), "KINORA": e2e.KINORA}
    done = subprocess.run([TOP / "examples/notebook/notebook.sh", work], env=env, capture_output=True, text=True,
                          timeout=300 * e2e.SLOW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "similarity" in done.stdout, done.stdout
    payload = json.loads((work / "notebook/payload.json").read_text(encoding="utf-8"))
    assert len(payload) == 6 and len(read_csv(work / "notebook/transcripts.csv")) == 8, len(payload)


if __name__ == "__main__":
    e2e.run("notebook", [f for name, f in list(globals().items()) if name.startswith("test_")])
