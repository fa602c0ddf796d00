"""Small films, good and bad, made with the ffmpeg command when a test needs them."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

from e2e import FILMS, SAMPLES, Skip

GOOD_SECONDS = 14  # one window of the speech model; long enough for a few sentences
ENGLISH = next(f for f in FILMS if f["language"] == "en")
SPANISH = next(f for f in FILMS if f["language"] == "es")


def ffmpeg(*args):
    if not shutil.which("ffmpeg"):
        raise Skip("no ffmpeg command: apt-get install ffmpeg")
    done = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *map(str, args)],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"ffmpeg: {done.stderr[:500]}"


def good(path, film=ENGLISH, title="", seconds=GOOD_SECONDS, *options):
    """The beginning of a sample, and old, or an ingest waits whether it is still written. Another title is another content."""
    temporary = Path(path).parent / "making.mp4"
    ffmpeg("-i", SAMPLES / film["file"], "-t", seconds, "-c", "copy", "-metadata", f"comment={title}", *options, temporary)
    os.utime(temporary, (time.time() - 60,) * 2)
    temporary.rename(path)
    return path


def no_audio(path):
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=3", "-c:v", "mpeg4", path)


def silence(path):
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=44100:cl=stereo", "-t", 8, "-c:a", "aac", path)


def music(path):
    """Four chords with a pulse, and no voice."""
    chord = "+".join(f"sin(2*PI*{f}*t*pow(2\\,floor(mod(t/2\\,4))*5/12))" for f in (130.8, 164.8, 196.0, 261.6))
    ffmpeg("-f", "lavfi", "-i", f"aevalsrc=0.08*({chord})*(0.6+0.4*exp(-6*mod(t\\,0.5))):s=44100:d=16", "-c:a", "aac", path)


def cut(source, path, share):
    data = Path(source).read_bytes()
    Path(path).write_bytes(data[:int(len(data) * share)])


def scratch(source, path, seed):
    """Random bytes over a twentieth of the middle: the boxes at both ends stay, what they point at does not."""
    data, dice = bytearray(Path(source).read_bytes()), random.Random(seed)
    for at in dice.sample(range(len(data) // 5, len(data) * 4 // 5), len(data) // 20):
        data[at] = dice.randrange(256)
    Path(path).write_bytes(data)


# ---- words in the container ----

def clock(seconds):
    return f"{int(seconds) // 3600:02d}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d},{round(seconds % 1 * 1000):03d}"


def srt(cues):
    return "".join(f"{i}\n{clock(a)} --> {clock(b)}\n{t}\n\n" for i, (a, b, t) in enumerate(cues, 1))


class Track:
    """A subtitle track of a film: SubRip's text, made what the codec is. marks: ffmpeg's dispositions, "default+forced"."""

    def __init__(self, text, codec="srt", language="", title="", marks="0"):
        self.text, self.codec, self.language, self.title, self.marks = text, codec, language, title, marks


def with_tracks(path, tracks, sound=("",), seconds=12, titles=()):
    """A film with these text tracks. sound: the languages of its audio tracks, all silent; titles: theirs."""
    path, texts = Path(path), []
    inputs = ["-f", "lavfi", "-t", seconds, "-i", "testsrc=size=64x64:rate=5", "-f", "lavfi", "-t", seconds, "-i", "anullsrc=r=16000:cl=mono"]
    what = ["-map", "0:v", "-c:v", "mpeg4"]
    for i, language in enumerate(sound):
        what += ["-map", "1:a", "-c:a", "flac", "-strict", "-2", f"-metadata:s:a:{i}", f"language={language}"]
        what += [f"-metadata:s:a:{i}", f"title={titles[i]}"] if i < len(titles) else []
    for i, t in enumerate(tracks):
        texts.append(path.parent / f"{path.stem}.making-{i}.srt")
        texts[-1].write_text(t.text, encoding="utf-8")
        inputs += ["-i", texts[-1]]
        what += ["-map", f"{2 + i}:s", f"-c:s:{i}", t.codec, f"-disposition:s:{i}", t.marks,
                 f"-metadata:s:s:{i}", f"language={t.language}", f"-metadata:s:s:{i}", f"title={t.title}"]
    ffmpeg(*inputs, *what, "-metadata", f"comment={path.name}", path)
    for text in texts:
        text.unlink()
    return path


def with_track(path, text, codec="srt", **track):
    return with_tracks(path, [Track(text, codec, **track)])
