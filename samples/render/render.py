#!/usr/bin/env python3
"""Renders the sample films: voice, music, title card -> ../NAME.mp4, ../scripts/NAME.txt, ../samples.json.

    render.py --voices DIR [--only PART_OF_NAME] [--cache DIR] [--sound-only DIR]

DIR is the folder `voices` of the npm package kokoro-js (README.md says how to get it).
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import wave

import numpy as np

import cards
import music
import voice
from films import FILMS, PHRASES

OUT = pathlib.Path(__file__).resolve().parent.parent
RATE = voice.RATE
FPS = 10
VOICE_RMS = 10 ** (-19 / 20)          # of a sentence's sound
BED_OPEN = 10 ** (-23 / 20)           # music alone
BED_DUCKED = 10 ** (-(19 + 21) / 20)  # 21 dB under the voice
TAGS = {"en": "eng", "es": "spa"}

# Pace per voice: what sounded like a trailer and not like a reading.
SPEED = {"am_michael": 0.97, "bm_george": 1.0, "af_bella": 1.0, "am_fenrir": 0.98, "bm_lewis": 1.0, "am_onyx": 0.97,
         "bm_daniel": 1.0, "am_puck": 0.97, "bm_fable": 1.02, "af_heart": 0.98, "bf_emma": 0.97, "ef_dora": 0.95,
         "em_alex": 0.97, "em_santa": 0.94, "af_nicole": 1.08}


def accent(name):
    return {"a": "en-us", "b": "en-gb-x-rp", "e": "es"}[name[0]]


def level(x):
    """One loudness for all voices, measured where they speak, with a soft knee instead of clipping."""
    loud = np.abs(x) > 0.05 * np.abs(x).max()
    x = x * (VOICE_RMS / np.sqrt(np.mean(x[loud] ** 2)))
    return (np.tanh(x / 0.9) * 0.9).astype(np.float32)


def speak(speaker, film, intro):
    """The voice track and, for every line, when it is said."""
    pieces, times, at = [], [], intro
    for i, (who, text) in enumerate(film["lines"]):
        name = film["cast"][who]
        sound = level(speaker.say(text, name, accent(name), SPEED.get(name, 1.0)))
        last, before_last = i == len(film["lines"]) - 1, i == len(film["lines"]) - 2
        turn = not last and film["lines"][i + 1][0] != who
        times.append({"start": round(at, 2), "end": round(at + len(sound) / RATE, 2), "speaker": name, "text": text})
        pieces.append((at, sound))
        at += len(sound) / RATE + (0.0 if last else 0.85 if before_last else 0.65 if turn or who != "n" else 0.42)
    return pieces, times, at


def mix(film, index, speaker):
    intro, outro = 1.6 + 0.3 * (index % 4), 2.6 + 0.2 * (index % 3)
    pieces, times, end = speak(speaker, film, intro)
    total = end + outro
    n = int(total * RATE)
    speech = np.zeros(n, np.float32)
    for at, sound in pieces:
        i = int(at * RATE)
        speech[i:i + len(sound)] += sound
    # The bed stays down through the pauses between sentences: pumping is heard more than music is missed.
    # The curve is drawn at 100 points a second, in decibels, so that it moves as loudness is heard.
    at = np.arange(int(total * 100) + 2) / 100
    curve = np.log(np.where((at < intro - 0.45) | (at > end + 0.2), BED_OPEN, BED_DUCKED))
    bell = np.hanning(51) / np.hanning(51).sum()
    curve = np.convolve(np.pad(curve, 25, mode="edge"), bell, "valid")
    gain = np.exp(np.interp(np.arange(n) / RATE, at, curve))
    bed = music.compose(film["group"], total + 0.1, film["seed"])[:n] * gain
    fade = np.ones(n)
    fade[:int(0.25 * RATE)] = np.linspace(0, 1, int(0.25 * RATE))
    tail = int(1.8 * RATE)
    fade[n - tail:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(tail) / tail)
    return np.clip(speech + bed * fade, -0.99, 0.99), times, total


def write_wav(path, sound):
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes((sound * 32767).astype("<i2").tobytes())


def encode(film, sound, total, path):
    with tempfile.TemporaryDirectory() as tmp:
        wav = pathlib.Path(tmp) / "sound.wav"
        write_wav(wav, sound)
        lang = TAGS[film["language"]]
        cmd = ["ffmpeg", "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{cards.W}x{cards.H}",
               "-r", str(FPS), "-i", "-", "-i", str(wav), "-map", "0:v", "-map", "1:a",
               "-c:v", "libx264", "-preset", "veryslow", "-crf", "32", "-g", str(FPS * 12), "-pix_fmt", "yuv420p",
               "-x264-params", "aq-mode=3:aq-strength=1.1:bframes=8:ref=6", "-threads", "1",
               "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
               "-vf", "scale=out_color_matrix=bt709",
               "-c:a", "aac", "-b:a", "48k", "-ac", "1", "-movflags", "+faststart",
               "-metadata", f"title={film['name']}", "-metadata", f"genre={film['group']}",
               "-metadata", "copyright=CC0 1.0", "-metadata", "comment=An invented trailer. Synthetic voice and music.",
               "-metadata:s:a:0", f"language={lang}", "-metadata:s:v:0", "language=und",
               "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", str(path)]
        ffmpeg = subprocess.Popen(cmd, stdin=subprocess.PIPE)
        for frame in cards.frames(film, int(total * FPS)):
            ffmpeg.stdin.write(frame)
        ffmpeg.stdin.close()
        if ffmpeg.wait() != 0:
            raise SystemExit(f"ffmpeg failed on {path.name}; run the command by hand: {' '.join(cmd)}")


def phrase(film, times):
    """The film's own phrase, with the times of the sentence that holds it."""
    text = PHRASES[film["title"]]
    said = next(t for t in times if text in t["text"])
    return {"text": text, "start": said["start"], "end": said["end"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voices", required=True, help="folder of Kokoro's voice files (*.bin)")
    parser.add_argument("--only", default="", help="render only films whose name contains this")
    parser.add_argument("--cache", help="keep spoken sentences here, so that a changed film says only what changed")
    parser.add_argument("--sound-only", help="write just the sound, as wav files, into this folder")
    args = parser.parse_args()

    (OUT / "scripts").mkdir(exist_ok=True)
    listing = OUT / "samples.json"
    known = {f["name"]: f for f in json.loads(listing.read_text("utf-8"))["films"]} if listing.exists() else {}
    seeds = {}
    speaker = voice.Voice(args.voices, args.cache)
    for index, film in enumerate(FILMS):
        # "haunted house" and "casa encantada" share a mood and so one count of seeds.
        mood = {"casa encantada": "haunted house"}.get(film["group"], film["group"])
        film["seed"] = seeds[mood] = seeds.get(mood, -1) + 1
        if args.only.lower() not in film["name"].lower():
            continue
        sound, times, total = mix(film, index, speaker)
        if args.sound_only:
            write_wav(pathlib.Path(args.sound_only) / f"{film['name']}.wav", sound)
            continue
        path = OUT / f"{film['name']}.mp4"
        encode(film, sound, total, path)
        script = "\n".join(text for _, text in film["lines"]) + "\n"
        (OUT / "scripts" / f"{film['name']}.txt").write_text(script, "utf-8")
        known[film["name"]] = {
            "file": path.name, "name": film["name"], "title": film["title"], "language": film["language"],
            "group": film["group"], "tone": film["tone"], "voices": sorted(set(film["cast"].values())),
            "duration": round(int(total * FPS) / FPS, 2), "script": f"scripts/{film['name']}.txt",
            "proper_nouns": film["proper_nouns"], "phrase": phrase(film, times), "sentences": times,
        }
        print(f"{film['name']}: {total:.1f} s, {path.stat().st_size / 1024:.0f} KiB", flush=True)
        films = [known[f["name"]] for f in FILMS if f["name"] in known]
        listing.write_text(json.dumps({"films": films}, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
