#!/usr/bin/python3
"""subtitles.py  Words from subtitle files beside the films, instead of from their sound.

The speech model is a hollow file until the last test: whoever loads it fails, so a title that becomes ready
has not been listened to. What is added, edited, renamed or removed later redoes the words and what follows, and no more.
"""

import shutil

import media
from e2e import DONE, FAILED, MODELS, SPEECH, WRONG_USE, Kinora, Opened, deaf_models, hollow_models, none_of, note, run

ENGLISH = [(1, 4, "[door slams] CAPTAIN: Somebody has lit the lamp in the tower again."),
           (5, 9, "Nobody has lived there for years, and the harbour is empty.")]
SPANISH = [(1, 4, "Mañana volverá el niño con el pan, ya verás."),
           (5, 9, "Nadie sabe quién encendió el horno esta noche en la plaza.")]

kinora = films = deaf = None


def clock(seconds, point=","):
    return f"00:00:{seconds:02d}{point}000"


def srt(cues, end="\n"):
    return end.join(f"{i}{end}{clock(a)} --> {clock(b)}{end}{t}{end}" for i, (a, b, t) in enumerate(cues, 1))


def vtt(cues):
    return "WEBVTT\n\n" + "\n".join(f"{clock(a, '.')} --> {clock(b, '.')} line:0\n{t}\n" for a, b, t in cues)


def ass(cues):
    return ("[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n"
            + "".join(f"Dialogue: 0,0:00:{a:02d}.00,0:00:{b:02d}.00,Default,{{\\an8}}{t}\n" for a, b, t in cues))


def ingest(*options, code=DONE, **how):
    """One run: {name: stages begun}, the summary, and what was warned of."""
    result = kinora("ingest", films, "--json", *options, code=code, timeout=120, **how)
    stages = {}
    for e in result.lines:
        if e.get("event") == "stage":
            stages.setdefault(e["name"], []).append(e["stage"])
    return stages, result.lines[-1].get("summary"), result.err


def shown(name):
    return kinora.json("show", name)


def says(name, cues, language, source="sidecar"):
    title = shown(name)
    assert title["state"] == "ready" and title["words_from"] == source, title
    assert title["language"] == language, title["language"]
    assert [(s["start"], s["end"], s["text"]) for s in title["segments"]] == cues, title["segments"]
    return title


AFTER_WORDS = ["words", "vectors", "opinion"]


def test_films_with_subtitles_are_ready_without_listening(folder):
    global kinora, films, deaf
    films = folder / "films"
    films.mkdir()
    media.good(films / "Harbour.mp4", title="harbour")
    media.good(films / "Horno.mp4", media.SPANISH, title="horno")
    media.no_audio(films / "Mute.mp4")
    (films / "Harbour.srt").write_text(srt(ENGLISH), encoding="utf-8")
    (films / "Horno.es-MX.sdh.srt").write_bytes(srt(SPANISH, "\r\n").encode("windows-1252"))
    (films / "Mute.ass").write_text(ass(SPANISH), encoding="utf-16")
    deaf = models = deaf_models(folder / "models")
    kinora = Kinora(folder, KINORA_MODELS=models)
    with Opened(models) as opened:
        stages, summary, warned = ingest()
    assert SPEECH not in opened.names, opened.names
    assert summary["ready"] == 3 and summary["sound"] == 0 and summary["skipped"] == 0 and not warned, (summary, warned)
    assert all(s == ["probe", *AFTER_WORDS] for s in stages.values()), stages
    says("Harbour", ENGLISH, "en")
    says("Horno", SPANISH, "es-MX")
    says("Mute", SPANISH, "es")
    assert shown("Horno")["language_confidence"] == 1 and 0.7 < shown("Harbour")["language_confidence"] <= 1
    note(f"3 films in {summary['elapsed']:.1f} s")


def test_a_damaged_language_model_ends_the_run_with_the_remedy(folder):
    other = Kinora(folder / "damaged", KINORA_MODELS=hollow_models(folder / "damaged-models"))
    result = other("ingest", films / "Harbour.mp4", code=FAILED)
    assert "lid.176.ftz" in result.err and "kinora models" in result.err, result


def test_again_there_is_nothing_to_do(_):
    stages, summary, _ = ingest()
    assert not stages and summary["unchanged"] == 3, (stages, summary)


def test_sounds_and_names_are_searched_by_letters_not_by_meaning(folder):
    """Two films whose words differ only in brackets and names mean the same."""
    other = Kinora(folder / "alike", KINORA_MODELS=kinora.env["KINORA_MODELS"])
    pair = folder / "pair"
    pair.mkdir()
    for name, cues in (("With", ENGLISH), ("Without", [(1, 4, ENGLISH[0][2].split(": ")[1]), ENGLISH[1]])):
        media.good(pair / f"{name}.mp4", title=name)
        (pair / f"{name}.en.srt").write_text(srt(cues), encoding="utf-8")
    other("ingest", pair, code=DONE, timeout=120)
    with_, without = other.json("search", "somebody lit a lamp")["moments"][:2]
    assert {with_["name"], without["name"]} == {"With", "Without"}, (with_, without)
    assert abs(with_["similarity"] - without["similarity"]) < 1e-4, (with_, without)
    assert [t["name"] for t in other.json("recommend", "With")["same"]] == ["Without"]
    text = other.json("show", "With")["transcript"]
    assert "[door slams] CAPTAIN:" in text, text


def test_brackets_of_a_text_that_is_imported_are_its_own(folder):
    """Nobody's sounds: in a plot they name who plays whom."""
    other = Kinora(folder / "imported", KINORA_MODELS=kinora.env["KINORA_MODELS"])
    texts = folder / "texts.csv"
    texts.write_text("Video File,Transcript\n"
                     "With,The captain (who fears the sea and the storm) sails the fleet home at dawn.\n"
                     "Without,The captain sails the fleet home at dawn.\n", encoding="utf-8")
    other("import", texts, code=DONE)
    answer = other.json("recommend", "With")["recommendations"][0]
    assert answer["name"] == "Without" and answer["similarity"] < 0.99, answer


def test_an_edit_redoes_the_words_and_what_follows(_):
    edited = [*ENGLISH, (10, 12, "And now the storm has come.")]
    (films / "Harbour.srt").write_text(srt(edited), encoding="utf-8")
    stages, summary, _ = ingest()
    assert stages == {"Harbour": AFTER_WORDS} and summary["unchanged"] == 2, (stages, summary)
    says("Harbour", edited, "en")


def test_a_touch_or_a_file_of_another_film_redoes_nothing(_):
    (films / "Harbour.srt").touch()
    (films / "Harbour lights.srt").write_text(srt(SPANISH), encoding="utf-8")
    stages, _, _ = ingest()
    assert not stages, stages


def test_the_best_of_several_is_taken(_):
    """In the language that is spoken, which the container does not tell: the hint does; or in the one that is asked for."""
    (films / "Harbour.es.vtt").write_text(vtt(SPANISH), encoding="utf-8")
    (films / "Harbour.en.forced.srt").write_text(srt(ENGLISH[:1]), encoding="utf-8")
    stages, _, _ = ingest()
    assert not stages, stages
    stages, _, _ = ingest("--subtitle-language", "fr,es")
    assert stages == {"Harbour": AFTER_WORDS}, stages
    says("Harbour", SPANISH, "es")
    refused = kinora("ingest", films, "--subtitle-language", "Klingon", code=WRONG_USE)
    assert "'Klingon'" in refused.err and "es,en" in refused.err, refused
    (films / "Harbour.es.vtt").unlink()
    (films / "Harbour.srt").write_text(srt(ENGLISH), encoding="utf-8")
    ingest()
    says("Harbour", ENGLISH, "en")


def test_the_track_s_own_language_decides(_):
    media.good(films / "Horno.mp4", media.SPANISH, "tagged", media.GOOD_SECONDS, "-metadata:s:a:0", "language=spa")
    (films / "Horno.en.default.srt").write_text(srt(ENGLISH), encoding="utf-8")
    ingest()
    says("Horno", SPANISH, "es-MX")
    stages, _, _ = ingest()  # as it was kept, without another probe
    assert not stages, stages


def test_a_film_given_alone_has_its_subtitles_too(_):
    result = kinora("ingest", films / "Harbour.mp4", "--json", code=DONE)
    assert result.json["summary"]["unchanged"] == 1, result


def test_a_file_that_cannot_be_used_is_told_of_and_the_next_one_is_taken(_):
    (films / "Mute.default.srt").write_text("\n1\n00:00:xx --> 00:00:02\nHola\n", encoding="utf-8")
    stages, summary, warned = ingest()
    assert not stages and summary["unchanged"] == 3, (stages, summary)
    assert "Mute.default.srt' are not used: line 3: these times cannot be read" in warned, warned
    says("Mute", SPANISH, "es")
    (films / "Mute.default.srt").unlink()


def test_without_subtitles_the_sound_is_heard_and_forced_ones_are_not_enough(folder):
    """With the real speech model. Two cues of a film of some minutes are no transcript of it."""
    media.good(films / "Harbour.mp4", media.ENGLISH, "long", media.GOOD_SECONDS)
    kinora.env["KINORA_MODELS"] = str(MODELS)
    (films / "Harbour.srt").unlink()
    (films / "Harbour.en.forced.srt").write_text(srt([(1, 2, "Ja.")]), encoding="utf-8")
    (films / "Mute.ass").unlink()
    stages, _, warned = ingest()
    assert stages["Harbour"][-3:] == AFTER_WORDS and not warned, (stages, warned)
    title = shown("Harbour")
    assert title["words_from"] == "speech" and title["state"] == "ready", title
    mute = shown("Mute")
    assert mute["state"] == "silent" and "no audio" in mute["reason"], mute
    stages, _, _ = ingest()
    assert not stages, stages


def test_subtitles_that_are_added_replace_the_speech(_):
    """And nobody listens: the speech model is hollow again, and of the same name and size, which is what keys are made of."""
    (films / "Harbour.en.srt").write_text(srt(ENGLISH), encoding="utf-8")
    (films / "Mute.es.vtt").write_text(vtt(SPANISH), encoding="utf-8")
    kinora.env["KINORA_MODELS"] = str(deaf)
    stages, _, _ = ingest()
    assert stages == {"Harbour": AFTER_WORDS, "Mute": AFTER_WORDS}, stages
    says("Harbour", ENGLISH, "en")
    says("Mute", SPANISH, "es")


if __name__ == "__main__":
    run("subtitles", [f for n, f in list(globals().items()) if n.startswith("test_")])
