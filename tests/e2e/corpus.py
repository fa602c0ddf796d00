#!/usr/bin/python3
"""corpus.py  Every file of a folder of 175 awkward and hostile ones (../shared/data/media) in one run: no crash, no hang, and
for each an outcome with its reason; text tracks and subtitle files are found where they are.

Without that folder tracks.py and box.py stand in, with films that ffmpeg makes.
"""

import shutil
import unicodedata

import media
from e2e import DONE, SHARED, Kinora, Skip, none_of, note, run

OTHERS = {".vtt", ".srt", ""}  # by their endings: no films
# Subtitle tracks, number: codec, form, language as the file has it. * is the one that the words are from.
TRACKS = {
    "container_text_undeclared_lang.mkv": "0 subrip text - *",
    "sample_MP4.mp4": "0 mov_text text eng *",
    "sample_TS_dvbsub_at_video_start.ts": "1 dvb_subtitle pictures -",
    "sample_TS_dvbsub_rs204.ts": "1 dvb_subtitle pictures -",
    "sample_TS_with_graphics.ts": "0 dvb_subtitle pictures -",
    "sample_TS_with_teletext.ts": "0 dvb_teletext text -",  # has no times: of no use
    "sample_with_ass_subtitles.mkv": "2 ass text - *",
    "sample_with_null_terminated_vtt_subtitles.mkv": "2 webvtt text - *",
    "sample_with_overlapping_srt.mkv": "2 subrip text - *",
    "sample_with_pgs_subtitles.mkv": "2 hdmv_pgs_subtitle pictures eng",
    "sample_with_srt.mkv": "2 subrip text eng *",
    "sample_with_ssa_subtitles.mkv": "2 ass text - *",
    "sample_with_vobsub.mkv": "2 dvd_subtitle pictures eng",
    "sample_with_vobsub.mp4": "2 dvd_subtitle pictures eng",
    "sample_with_vtt_subtitles.mkv": "2 webvtt text - *",
}
# Of the sounds of these the numbered one is heard: the default one, or that with most channels.
HEARD = {"sample_ac3_aac.mp4": 0, "sample_eac3joc.mp4": 0, "friday.mp4": 0}

kinora = films = None
shown = {}


def test_each_file_has_an_outcome_and_a_reason(folder):
    global kinora, films
    source = SHARED / "data/media"
    if not source.is_dir():
        raise Skip(f"no folder {source}")
    films = folder / "media"
    shutil.copytree(source, films)
    sintel = media.with_tracks(films / "blender/Sintel.mkv", [], sound=("deu",))
    for language in ("de", "en", "es"):
        (films / f"blender/sintel-{language}.vtt").rename(sintel.with_suffix(f".{language}.vtt"))
    files = [p for p in films.rglob("*") if p.is_file()]
    assert len(files) == 176, len(files)
    kinora = Kinora(folder)
    summary = kinora("ingest", films, "--json", code=DONE, timeout=900).json["summary"]
    known = [p for p in files if p.suffix not in OTHERS and p.suffix != ".sup"]
    assert summary["files"] == len(known) and summary["skipped"] == 2, summary
    titles = kinora.titles()
    places = {path: t for t in titles for path in t["paths"]}
    none_of(f"{p.name} is no title" for p in known if str(p) not in places)
    none_of(f"{t['name']} is {t['state']}" for t in titles if t["state"] not in ("ready", "silent", "failed"))
    none_of(f"{t['name']} is {t['state']} for no reason" for t in titles if t["state"] != "ready" and not t["reason"])
    none_of(f"{t['name']}: {t['reason']!r}" for t in titles if any(unicodedata.category(c) == "Cc" for c in t["reason"] or ""))
    shown.update({p.name: kinora.json("show", places[str(p)]["id"]) for p in known})
    note(f"{len(known)} files in {summary['elapsed']:.0f} s: {summary['ready']} ready, {summary['silent']} silent, {summary['failed']} failed")


def have_run():
    if not shown:
        raise Skip("nothing was ingested")


def test_text_tracks_are_found_and_pictures_named(_):
    have_run()
    found = {}
    for name, title in shown.items():
        told = [" ".join([str(i), t["codec"], t["form"] or "-", t["language"] or "-", *("*" if t["read"] else "")])
                for i, t in enumerate(title["tracks"]) if t["kind"] == "subtitle"]
        if told:
            found[name] = "; ".join(told)
    none_of(f"{n}: {found.get(n)}, expected {TRACKS.get(n)}" for n in sorted(found.keys() | TRACKS.keys()) if found.get(n) != TRACKS.get(n))
    none_of(f"{n} has words from {shown[n]['words_from']}" for n, t in TRACKS.items() if t.endswith("*") and shown[n]["words_from"] != "embedded")


def test_the_subtitle_file_in_the_film_s_language_is_read(_):
    have_run()
    title = shown["Sintel.mkv"]
    assert title["words_at"] == "Sintel.de.vtt" and title["language"] == "de" and len(title["segments"]) > 10, title["words_at"]


def test_the_right_sound_is_heard(_):
    have_run()
    none_of(f"{n} hears {[i for i, t in enumerate(shown[n]['tracks']) if t['heard']]}, not {i}"
            for n, i in HEARD.items() if [j for j, t in enumerate(shown[n]["tracks"]) if t["heard"]] != [i])


def test_again_there_is_nothing_to_do(_):
    have_run()
    summary = kinora("ingest", films, "--json", code=DONE, timeout=120).json["summary"]
    assert summary["unchanged"] == summary["files"], summary


if __name__ == "__main__":
    run("corpus", [f for n, f in list(globals().items()) if n.startswith("test_")])
