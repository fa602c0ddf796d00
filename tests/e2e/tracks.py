#!/usr/bin/python3
"""tracks.py  Words from text tracks in the film's own file, which of several, and transcripts written out as subtitles.

The speech model is a hollow file until the last tests: whoever loads it fails, so a title that becomes ready
has not been listened to.
"""

import media
from e2e import DONE, FAILED, MODELS, NOT_FOUND, Kinora, deaf_models, none_of, run
from media import Track, srt

ENGLISH = [(1, 4, "Somebody has lit the lamp in the tower again."), (5, 9, "Nobody has lived there for years, I tell you.")]
OTHER = [(1, 4, "The director tells here how they built the tower."), (5, 9, "It took the whole crew a year, and the sea took it back.")]
SPANISH = [(1, 4, "Mañana volverá el niño con el pan, ya verás."), (5, 9, "Nadie sabe quién encendió el horno esta noche.")]
SIGN = [(6, 7, "HARBOUR")]
AFTER_WORDS = ["words", "vectors", "opinion"]

kinora = films = None


def ingest(*options, code=DONE):
    """One run: {name: stages begun}, and the summary."""
    result = kinora("ingest", films, "--json", *options, code=code, timeout=120)
    stages = {}
    for e in result.lines:
        if e.get("event") == "stage":
            stages.setdefault(e["name"], []).append(e["stage"])
    return stages, result.lines[-1].get("summary")


def read(title):
    """The number of the track that the words are from, and what show says of it."""
    tracks = title["tracks"]
    numbers = [i for i, t in enumerate(tracks) if t["read"]]
    assert len(numbers) == 1 and str(numbers[0]) == title["words_at"], (title["words_at"], tracks)
    return numbers[0], tracks[numbers[0]]


def says(name, cues, language, stream=None):
    title = kinora.json("show", name)
    assert title["state"] == "ready", title
    assert title["language"] == language, title["language"]
    assert [(round(s["start"]), round(s["end"]), s["text"]) for s in title["segments"]] == cues, title["segments"]
    if stream is None:
        assert title["words_from"] == "sidecar" and not any(t["read"] for t in title["tracks"]), title
    else:
        assert title["words_from"] == "embedded" and read(title)[0] == stream, title
    return title


def test_text_tracks_of_all_kinds_are_read_without_listening(folder):
    global kinora, films
    films = folder / "films"
    films.mkdir()
    kinora = Kinora(folder, KINORA_MODELS=deaf_models(folder / "models"))
    kinds = {"SubRip.mkv": "srt", "Alpha.mkv": "ass", "Web.mkv": "webvtt", "Timed.mp4": "mov_text"}
    for name, codec in kinds.items():
        media.with_track(films / name, srt(ENGLISH), codec, language="eng")
    media.with_tracks(films / "Mute.mkv", [Track(srt(SPANISH))], sound=())
    stages, summary = ingest()
    assert summary["ready"] == 5 and summary["sound"] == 0, summary
    none_of(f"{n}: {s}" for n, s in stages.items() if s != ["probe", *AFTER_WORDS])
    for name in ("SubRip", "Alpha", "Web", "Timed"):
        title = says(name, ENGLISH, "en", 2)
        assert title["language_confidence"] == 1 and read(title)[1]["form"] == "text", title
    assert says("Mute", SPANISH, "es", 1)["language_confidence"] < 1
    assert "from track 2" in kinora("show", "SubRip", code=DONE).out


def test_again_there_is_nothing_to_do(_):
    stages, summary = ingest()
    assert not stages and summary["unchanged"] == 5, (stages, summary)


def test_a_sidecar_comes_before_a_track(_):
    (films / "SubRip.en.srt").write_text(srt(OTHER), encoding="utf-8")
    stages, _ = ingest()
    assert stages == {"SubRip": AFTER_WORDS}, stages
    assert says("SubRip", OTHER, "en")["words_at"] == "SubRip.en.srt"
    (films / "SubRip.en.srt").unlink()
    stages, _ = ingest()
    assert stages["SubRip"][-3:] == AFTER_WORDS and len(stages) == 1, stages
    says("SubRip", ENGLISH, "en", 2)


def test_the_best_of_several_tracks_is_taken(_):
    """Full before forced and commentary, the sound's language before others, without sounds in brackets before with."""
    media.with_tracks(films / "Many.mkv", [
        Track(srt(SIGN), language="eng", marks="default+forced"), Track(srt(SPANISH), language="spa"),
        Track(srt(OTHER), language="eng", title="Director's Commentary"), Track(srt(SIGN), language="eng", title="Signs & Songs"),
        Track(srt([(1, 4, "[wind] HARRY: " + ENGLISH[0][2])]), language="eng", title="SDH"),
        Track(srt(ENGLISH), language="eng")], sound=("eng", "spa"))
    ingest()
    title = says("Many", ENGLISH, "en", 8)
    marked = {i + 3: [k for k in ("forced", "commentary", "impaired") if t[k]] for i, t in enumerate(title["tracks"][3:])}
    assert marked == {3: ["forced"], 4: [], 5: ["commentary"], 6: [], 7: ["impaired"], 8: []}, marked


def test_the_language_that_is_asked_for_comes_first_and_redoes_no_more(_):
    stages, _ = ingest("--subtitle-language", "es")
    assert list(stages) == ["Many"] and stages["Many"][-3:] == AFTER_WORDS, stages
    says("Many", SPANISH, "es", 4)
    stages, _ = ingest("--subtitle-language", "es")
    assert not stages, stages
    stages, _ = ingest()
    assert list(stages) == ["Many"], stages
    says("Many", ENGLISH, "en", 8)


def test_a_track_without_use_gives_way_to_the_next(_):
    """No words, or hardly any for so long a film, whatever it is marked as."""
    media.with_tracks(films / "Few.mkv", [Track(srt([(1, 2, "♪"), (3, 4, "[door]")]), language="eng", marks="default"),
                                          Track(srt(SIGN), language="eng"), Track(srt(ENGLISH * 4), language="eng")], seconds=180)
    ingest()
    says("Few", ENGLISH, "en", 4)
    stages, _ = ingest()
    assert not stages, stages


def test_a_sidecar_without_use_gives_way_likewise_but_in_a_film_without_sound(_):
    advert = [(1, 4, "Downloaded from www.site.example")]
    for name, sound in (("Advert", ("eng",)), ("Quiet", ())):
        media.with_tracks(films / f"{name}.mkv", [Track(srt(ENGLISH * 4), language="eng")], sound=sound, seconds=180)
        (films / f"{name}.en.srt").write_text(srt(advert), encoding="utf-8")
    ingest()
    says("Advert", ENGLISH, "en", 2)
    says("Quiet", advert, "en")
    stages, _ = ingest()
    assert not stages, stages


def test_of_several_sounds_the_film_s_own_is_heard(_):
    media.with_tracks(films / "Sounds.mkv", [Track(srt(ENGLISH), language="eng")], sound=("eng", "eng", "spa"),
                      titles=("Audio commentary", "Feature"))
    ingest()
    tracks = kinora.json("show", "Sounds")["tracks"]
    assert [t["heard"] for t in tracks] == [False, False, True, False, False], tracks
    assert tracks[1]["commentary"] and tracks[1]["title"] == "Audio commentary" and tracks[3]["channels"] == 1, tracks


def test_a_transcript_is_written_beside_its_film_and_not_read_back(_):
    written = kinora.json("export", "--format", "srt", "Many")["written"]
    path = films / "Many.en.srt"
    assert [w["path"] for w in written] == [str(path)], written
    assert path.read_text(encoding="utf-8") == (
        "1\n00:00:01,000 --> 00:00:04,000\nSomebody has lit the\nlamp in the tower again.\n\n"
        "2\n00:00:05,000 --> 00:00:09,000\nNobody has lived there\nfor years, I tell you.\n\n"), path.read_text()
    stages, _ = ingest()
    assert not stages, stages
    again = kinora("export", "--format", "srt", "Many", code=FAILED)
    assert "is there already" in again.err and "--force" in again.err, again
    kinora("export", "--format", "srt", "Many", "--force", code=DONE)
    text = path.read_bytes()
    path.unlink()
    path.symlink_to("nothing")
    assert "--force" in kinora("export", "--format", "srt", "Many", code=FAILED).err and path.is_symlink()
    path.unlink()
    path.write_bytes(text)


def test_once_it_is_edited_it_is_somebody_s(_):
    path = films / "Many.en.srt"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("lamp", "light"), encoding="utf-8")
    ingest()
    assert kinora.json("show", "Many")["words_from"] == "sidecar"
    refused = kinora("export", "--format", "srt", "Many", "--force", code=FAILED)
    assert "where its words are from" in refused.err, refused
    path.write_text(text, encoding="utf-8")
    ingest()
    says("Many", ENGLISH, "en", 8)
    path.unlink()


def test_all_of_a_library_goes_into_one_folder(folder):
    texts = folder / "texts.csv"
    texts.write_text("Video File,Transcript\nPlot.mp4,A captain sails home.\n", encoding="utf-8")
    kinora("import", texts, code=DONE)
    into = folder / "out" / "vtt"
    answer = kinora.json("export", "--format", "vtt", "all", "--into", into)
    ready = [t["name"] for t in kinora.titles() if t["state"] == "ready" and t["name"] != "Plot"]
    assert len(answer["written"]) == len(ready) and answer["left_out"] == 1 and answer["there"] == 0, answer
    assert sorted(p.name for p in into.iterdir()) == sorted(f"{n}.{'es' if n == 'Mute' else 'en'}.vtt" for n in ready)
    assert (into / "Mute.es.vtt").read_text(encoding="utf-8").startswith("WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nMañana")
    again = kinora.json("export", "--format", "vtt", "all", "--into", into)
    assert not again["written"] and again["there"] == len(ready), again
    refused = kinora("export", "--format", "srt", "Plot", code=NOT_FOUND)
    assert "imported as a text" in refused.err, refused


def test_foreign_tracks_leave_the_words_to_the_sound(_):
    """With the real speech model, which hears silence."""
    kinora.env["KINORA_MODELS"] = str(MODELS)
    media.with_tracks(films / "Foreign.mkv", [Track(srt(SPANISH), language="spa")], sound=("eng",))
    media.with_tracks(films / "Void.mkv", [Track(srt([(1, 2, "♪")]), language="eng")], sound=("eng",))
    stages, _ = ingest()
    assert sorted(stages) == ["Foreign", "Void"], stages
    for name in stages:
        title = kinora.json("show", name)
        assert title["state"] == "silent" and title["reason"] == "nobody speaks in it", title
    stages, _ = ingest()
    assert not stages, stages
    ingest("--subtitle-language", "es")
    says("Foreign", SPANISH, "es", 2)


if __name__ == "__main__":
    run("tracks", [f for n, f in list(globals().items()) if n.startswith("test_")])
