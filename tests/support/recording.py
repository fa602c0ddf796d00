"""Recordings whose truth is known: who says what, when, and where nobody speaks.

Clips of speech come from samples/ (sentences, cut out by the times they were rendered at) and, where ../shared/data is
there (or KINORA_SHARED names that folder), from FLEURS: native speakers in five languages. What lies between is made
here: music by the composer of the sample films, noise of several colours, silence, and the music of a real film
where ../shared has it. The same arguments give the same recording, sample for sample. Needs NumPy (build/venv) and ffmpeg.

    clips = fleurs("es") or samples("es")
    r = mixed(clips, quiet=120, seed=1)
    r.write("es.wav"); r.utterances[0].start; r.speech_at(12.0)
"""

import json
import os
import subprocess
import sys
import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TOP = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("KINORA_SHARED", TOP.parent / "shared"))
FLEURS = SHARED / "data/speech/fleurs"
FILM = SHARED / "data/media/androidx-media/mp4/long_180p_av1.mp4"  # six minutes of a cartoon, nobody speaks
LANGUAGES = ("en", "es", "fr", "de", "pt")
RATE = 16000
SPEECH_LEVEL, FADE = 0.07, 0.03  # RMS of speech (-23 dB); seconds

sys.path.insert(0, str(TOP / "samples/render"))
import music as composer  # noqa: E402


@dataclass
class Utterance:
    start: float
    end: float
    text: str


@dataclass
class Clip:
    name: str
    language: str
    sound: np.ndarray
    utterances: list  # times from the clip's beginning


@dataclass
class Recording:
    language: str
    utterances: list = field(default_factory=list)
    quiet: list = field(default_factory=list)  # (kind, start, end) of all that is not speech
    parts: list = field(default_factory=list)
    seconds: float = 0

    def add(self, sound):
        self.parts.append(sound.astype(np.float32))
        self.seconds = sum(map(len, self.parts)) / RATE

    def add_clip(self, clip):
        at = self.seconds
        self.utterances += [Utterance(at + u.start, at + u.end, u.text) for u in clip.utterances]
        self.add(clip.sound)

    def add_quiet(self, kind, sound):
        self.quiet.append((kind, self.seconds, self.seconds + len(sound) / RATE))
        self.add(sound)

    def text(self):
        return " ".join(u.text for u in self.utterances)

    def speech_within(self, start, end):
        """Does an utterance touch start..end?"""
        return any(u.start < end and u.end > start for u in self.utterances)

    def write(self, path):
        write(path, np.concatenate(self.parts))
        return path


def write(path, sound):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def read(path, start=0.0, seconds=None):
    """Mono at RATE, as ffmpeg decodes and resamples it."""
    until = [] if seconds is None else ["-t", str(seconds)]
    out = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-ss", str(start), *until, "-i", path, "-ac", "1", "-ar", str(RATE),
                          "-f", "f32le", "-"], check=True, capture_output=True).stdout
    return np.frombuffer(out, "<f4")


def level(sound):
    return float(np.sqrt(np.mean(sound ** 2)) + 1e-9)


def faded(sound):
    n = min(int(FADE * RATE), len(sound) // 2)
    out = sound.copy()
    out[:n] *= np.linspace(0, 1, n)
    out[len(out) - n:] *= np.linspace(1, 0, n)
    return out


def voiced(sound):
    """The first and last sample within 20 dB of the loudest 20 ms, for 60 ms at least: where the first word begins and the
    last one ends. The noise of some of these recordings is 27 dB below their words."""
    frame = RATE // 50
    n = len(sound) // frame
    loud = np.sqrt((sound[:n * frame].reshape(n, frame) ** 2).mean(1))
    over = (loud > loud.max() / 10).astype(int)
    runs = np.flatnonzero(over[:-2] + over[1:-1] + over[2:] == 3)
    return runs[0] * frame, (runs[-1] + 3) * frame


def spoken(sound, start, end, text):
    """The utterance that lies at start..end, seconds, in sound, without the quiet around its words."""
    first, last = voiced(sound[int(start * RATE):int(end * RATE)])
    return Utterance(start + first / RATE, start + last / RATE, text)


# ---- speech ----

def fleurs(language):
    """The clips of a language as they are; none where ../shared is not there."""
    clips = []
    for path in sorted(FLEURS.glob(f"fleurs-{language}-*.ogg")):
        sound = read(path)
        sound = sound * (SPEECH_LEVEL / level(sound))
        text = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        clips.append(Clip(path.stem, language, sound, [spoken(sound, 0, len(sound) / RATE, text)]))
    return clips


def samples(language, sentences=3):
    """The sample films of a language, so many sentences a clip. Their music is still under them, 21 dB down."""
    clips = []
    for film in json.loads((TOP / "samples/samples.json").read_text(encoding="utf-8"))["films"]:
        if film["language"] != language:
            continue
        sound = read(TOP / "samples" / film["file"])
        for i in range(0, len(film["sentences"]), sentences):
            said = film["sentences"][i:i + sentences]
            start, end = said[0]["start"] - 0.1, said[-1]["end"] + 0.1
            cut = sound[int(start * RATE):int(end * RATE)]
            clips.append(Clip(f"{film['title']} {i // sentences + 1}", language, faded(cut * (SPEECH_LEVEL / level(cut))),
                              [spoken(cut, s["start"] - start, s["end"] - start, s["text"]) for s in said]))
    return clips


# ---- everything else ----

def music(seconds, seed):
    """A bed of the sample films' composer, at the level of speech and more, as films open."""
    moods = sorted(composer._BEDS)
    bed = composer.compose(moods[seed % len(moods)], max(seconds, 12.0), seed)
    at = np.arange(int(seconds * RATE)) * (composer.RATE / RATE)
    sound = np.interp(at, np.arange(len(bed)), bed)  # the bed has nothing over 5 kHz
    return faded(sound * (SPEECH_LEVEL * (1.0, 1.6, 0.5)[seed % 3] / level(sound)))


def film_music(seconds, seed):
    """Of a real film; of the composer where that is not there."""
    if not FILM.exists():
        return music(seconds, seed + 1)
    sound = read(FILM, 20 + 37 * seed % 280, seconds)
    return faded(sound * (SPEECH_LEVEL / max(level(sound), 0.01)))


def noise(seconds, seed):
    """Power falls with frequency to the power of -2 (brown), -1 (pink), 0 (white), 1 (blue)."""
    slope = (-2, -1, 0, 1)[seed % 4]
    n = int(seconds * RATE)
    dice = np.random.default_rng(seed)
    spectrum = np.fft.rfft(dice.standard_normal(n))
    f = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20)
    sound = np.fft.irfft(spectrum * f ** (slope / 2), n)
    return faded(sound * (SPEECH_LEVEL * (0.1, 0.5, 1.0)[seed % 3] / level(sound)))


def silence(seconds, seed):
    """Digital, or of a microphone that is on, 70 dB below full scale."""
    return np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * (3e-4 if seed % 2 else 0)


KINDS = (("music", music), ("silence", silence), ("film music", film_music), ("noise", noise))


def mixed(clips, quiet, seed):
    """The clips in their order, and before, between and behind them music, silence and noise in turn: of so many
    seconds together, in stretches of unequal length."""
    dice = np.random.default_rng(seed)
    shares = dice.uniform(0.5, 1.5, len(clips) + 1)
    shares *= quiet / shares.sum()
    r = Recording(clips[0].language)
    for i, share in enumerate(shares):
        kind, make = KINDS[(i + seed) % len(KINDS)]
        r.add_quiet(kind, make(share, seed * 100 + i))
        if i < len(clips):
            r.add_clip(clips[i])
    return r


def joined(clips, seconds, seed):
    """The clips, again and again, until so many seconds are full: mostly parted by pauses of 0.6 to 3 s, every
    seventh time by 5 to 25 s of music."""
    dice = np.random.default_rng(seed)
    r, i = Recording(clips[0].language), 0
    while r.seconds < seconds:
        if i % 7 == 0:
            r.add_quiet("music", music(dice.uniform(5, 25), seed + i))
        else:
            r.add_quiet("pause", silence(dice.uniform(0.6, 3), i))
        r.add_clip(clips[i % len(clips)])
        i += 1
    return r
