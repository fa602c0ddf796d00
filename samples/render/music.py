"""The music beds: one mood a group, made of sine waves, plucked strings and noise. No samples, no outside sound.

compose(group, seconds, seed) -> mono float32 at RATE, RMS 1; the mixer sets its level.
Mates get different keys, tempi and seeds, so no two films have the same bed.
"""
import numpy as np

RATE = 24000


def _hz(note):
    return 440.0 * 2.0 ** ((note - 69) / 12.0)


def _time(seconds):
    return np.arange(int(seconds * RATE)) / RATE


def _add(track, at, sound, gain=1.0):
    i = int(at * RATE)
    if i >= len(track):
        return
    n = min(len(sound), len(track) - i)
    track[i:i + n] += gain * sound[:n]


def _swell(n, attack, release):
    """Raised-cosine rise and fall, in seconds."""
    env = np.ones(n)
    a, r = min(n, int(attack * RATE)), min(n, int(release * RATE))
    env[:a] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(a) / a)
    env[n - r:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(r) / r)
    return env


def _lowpass(x, hz):
    """Zero-phase, -12 dB an octave above hz: applied in the frequency domain, since a bed is short."""
    spectrum = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    return np.fft.irfft(spectrum / (1 + (f / hz) ** 2), len(x))


def pad(note, seconds, rng, bright=6, attack=1.2, release=1.5):
    """Three detuned voices of a few harmonics, breathing slowly."""
    t = _time(seconds)
    out = np.zeros(len(t))
    for detune in (-0.06, 0.0, 0.07):
        f = _hz(note + detune)
        phase = rng.uniform(0, 6.28)
        for k in range(1, bright + 1):
            out += np.sin(2 * np.pi * f * k * t + phase * k) / k ** 1.7
    out *= 1 + 0.15 * np.sin(2 * np.pi * 0.23 * t + rng.uniform(0, 6.28))
    return out * _swell(len(t), attack, release)


def piano(note, seconds=2.5, hard=0.5):
    """Stretched partials, the higher the sooner gone; a soft thump for the hammer."""
    t = _time(seconds)
    f, out = _hz(note), np.zeros(len(t))
    for k in range(1, 8):
        fk = f * k * np.sqrt(1 + 0.0004 * k * k)
        if fk > RATE * 0.45:
            break
        out += hard ** (k - 1) * np.sin(2 * np.pi * fk * t) * np.exp(-t * (1.1 + 0.55 * k) * (f / 260) ** 0.4)
    return out * np.minimum(1, t / 0.004) * _swell(len(t), 0.001, 0.2)


def string(note, seconds=1.6, damp=0.5, seed=0, bright=0.5):
    """A plucked string (Karplus and Strong, 1983): a loop of noise through a two-point mean, a period at a time."""
    n, period = int(seconds * RATE), max(2, int(round(RATE / _hz(note))))
    rng = np.random.default_rng(seed)
    loop = rng.uniform(-1, 1, period)
    loop = bright * loop + (1 - bright) * (loop + np.roll(loop, 1) + np.roll(loop, 2)) / 3
    out = np.empty(n + period)
    keep = 0.996 - 0.02 * damp
    for i in range(0, n, period):
        out[i:i + period] = loop
        loop = keep * 0.5 * (loop + np.roll(loop, 1))
    return out[:n] * _swell(n, 0.002, 0.15)


def bell(note, seconds=3.0):
    t, f = _time(seconds), _hz(note)
    out = sum(a * np.sin(2 * np.pi * f * r * t) * np.exp(-t * d)
              for r, a, d in ((1, 1, 1.2), (2.76, .5, 2.2), (5.4, .25, 4), (0.5, .4, 0.8)))
    return out * np.minimum(1, t / 0.003)


def noise_hit(seconds, hz, rng, decay):
    t = _time(seconds)
    x = rng.standard_normal(len(t)) * np.exp(-t * decay)
    return x - _lowpass(x, hz) if hz > 0 else _lowpass(x, -hz)


def thump(hz=48, seconds=0.5, decay=9):
    t = _time(seconds)
    return np.sin(2 * np.pi * hz * t * (1 + 0.5 * np.exp(-t * 30))) * np.exp(-t * decay)


def _space(seconds, rng, seed):
    key, beat = 50 + (0, 3, -2)[seed % 3], (0.60, 0.54, 0.66)[seed % 3]
    out = np.zeros(int(seconds * RATE))
    chords = [(0, 7, 16, 23), (-4, 8, 15, 19), (3, 10, 15, 22), (5, 9, 12, 21)] if seed % 3 == 1 else \
             [(0, 7, 16, 19), (7, 11, 14, 23), (9, 12, 16, 24), (5, 9, 12, 21)]
    bar = beat * 8
    for b in range(int(seconds / bar) + 1):
        chord = chords[b % 4]
        for note in chord:
            _add(out, b * bar, pad(key + note, bar + 1.5, rng, bright=7, attack=1.6, release=2.0), 0.5)
        _add(out, b * bar, pad(key - 12 + chord[0], bar + 1.0, rng, bright=4), 0.9)
        for i in range(16):
            note = key + 24 + chord[(i * (3 if seed % 2 else 1)) % 4] + (12 if i % 8 == 5 else 0)
            _add(out, b * bar + i * beat / 2, piano(note, 1.6, 0.35), 0.55 if i % 4 == 0 else 0.32)
        _add(out, b * bar, thump(44, 1.2, 4), 1.6)
    return out


def _court(seconds, rng, seed):
    key, beat = 48 + (0, -3)[seed % 2], (0.75, 0.68)[seed % 2]
    out = np.zeros(int(seconds * RATE))
    for note, gain in ((-24, 1.0), (-12, 0.7), (-5, 0.25)):
        _add(out, 0, pad(key + note, seconds, rng, bright=8, attack=2.0, release=3.0), gain)
    line = [0, None, 3, None, 2, None, -1, None, 0, None, 8, 7, 3, None, None, None]
    for i in range(int(seconds / beat)):
        _add(out, i * beat, noise_hit(0.06, 3000, rng, 90), 0.22)
        if i % 2 == 0:
            _add(out, i * beat, thump(50, 0.5, 8), 0.9)
        note = line[(i + 4 * (seed % 2)) % 16]
        if note is not None:
            _add(out, i * beat, piano(key + 12 + note, 3.0, 0.45), 0.95)
            _add(out, i * beat, piano(key + note, 3.0, 0.3), 0.5)
    return out


def _haunted(seconds, rng, seed):
    key = 45 + (0, 2, -3, 4)[seed % 4]
    out = np.zeros(int(seconds * RATE))
    for note, gain in ((-24, 1.1), (-12, 0.6), (-11, 0.28), (-6, 0.3)):
        _add(out, 0, pad(key + note, seconds, rng, bright=5, attack=1.5, release=3.0), gain)
    wind = _lowpass(rng.standard_normal(len(out)), 260) * (1 + 0.8 * np.sin(2 * np.pi * 0.09 * _time(seconds)[:len(out)]))
    out += 1.6 * wind
    tune = [(0, 12, 15, 11, 8), (7, 3, 6, 2, 0), (12, 11, 8, 3), (15, 14, 11, 12, 6)][seed % 4]
    at, i = 0.5, 0
    while at < seconds - 1:
        _add(out, at, bell(key + 36 + tune[i % len(tune)] + rng.uniform(-0.12, 0.12), 2.6), 0.30)
        i += 1
        at += 0.62 if i % len(tune) else 2.9
    at = 1.5
    while at < seconds:
        for cluster in (12, 13, 18):
            _add(out, at, pad(key + cluster, 4.5, rng, bright=4, attack=2.6, release=1.2), 0.32)
        _add(out, at + 3.0, thump(38, 1.0, 4), 1.6)
        at += 6.4
    return out


def _heist(seconds, rng, seed):
    key, beat = 45 + (0, 5)[seed % 2], (0.50, 0.45)[seed % 2]
    out = np.zeros(int(seconds * RATE))
    walk = [[0, 3, 5, 6, 7, 10, 9, 8], [5, 8, 10, 11, 12, 10, 7, 3]] if seed % 2 == 0 else \
           [[0, 4, 7, 9, 10, 9, 7, 4], [5, 9, 12, 14, 15, 14, 12, 9]]
    for i in range(int(seconds / beat)):
        bar = (i // 8) % 2
        at = i * beat
        _add(out, at, string(key - 12 + walk[bar][i % 8], 0.7, 0.7, i, 0.15), 1.5)
        if i % 2:
            _add(out, at, noise_hit(0.09, 1800, rng, 60), 0.55)
        _add(out, at + beat * 0.66, noise_hit(0.05, 5000, rng, 110), 0.25)
        if i % 8 in (2, 5):
            for note in (12, 15 + seed % 2, 19, 22):
                _add(out, at + beat * 0.66, string(key + walk[bar][0] + note, 0.5, 0.9, i + note, 0.6), 0.38)
        if i % 16 in (9, 11, 14):
            _add(out, at, piano(key + 24 + (0, 3, 7, 10, 12)[int(rng.integers(5))], 0.8, 0.55), 0.5)
    return out


def _romance(seconds, rng, seed):
    key, beat = 55 + (0, -2)[seed % 2], (0.40, 0.46)[seed % 2]
    out = np.zeros(int(seconds * RATE))
    chords = [(0, 4, 7, 14), (9, 12, 16, 19), (5, 9, 12, 16), (7, 11, 14, 17)] if seed % 2 == 0 else \
             [(0, 4, 11, 14), (4, 7, 11, 16), (5, 9, 12, 16), (5, 8, 12, 14)]
    bar = beat * 8
    for b in range(int(seconds / bar) + 1):
        c = chords[b % 4]
        for note in c[:3]:
            _add(out, b * bar, pad(key - 12 + note, bar + 1.2, rng, bright=3), 0.28)
        _add(out, b * bar, piano(key - 24 + c[0], 3.5, 0.4), 0.9)
        for i, j in enumerate((0, 1, 2, 3, 2, 1, 2, 1) if seed % 2 == 0 else (0, 2, 3, 2, 1, 2, 3, 1)):
            _add(out, b * bar + i * beat, piano(key + c[j], 2.2, 0.42), 0.55)
        top = (12, 16, 14, 11)[b % 4] + (0 if b % 8 < 4 else 3 * (b % 2))
        _add(out, b * bar + 2 * beat, piano(key + top, 2.5, 0.4), 0.6)
        _add(out, b * bar + 5 * beat, piano(key + top - (2, 4)[seed % 2], 2.5, 0.4), 0.5)
    return out


def _kitchen(seconds, rng, seed):
    key, beat = 57 + (0, -5, 3)[seed % 3], (0.27, 0.30, 0.25)[seed % 3]
    out = np.zeros(int(seconds * RATE))
    chords = [[(0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)], [(0, 4, 7), (9, 12, 16), (2, 5, 9), (7, 11, 14)],
              [(0, 3, 7), (-2, 2, 5), (-4, 0, 3), (-5, -1, 2)]][seed % 3]
    beats = (8, 6, 8)[seed % 3]
    bar = beat * beats
    for b in range(int(seconds / bar) + 1):
        c = chords[b % 4]
        _add(out, b * bar, string(key - 24 + c[0], 1.4, 0.4, b, 0.2), 1.3)
        _add(out, b * bar + bar / 2, string(key - 24 + c[2], 1.0, 0.5, b + 50, 0.2), 0.9)
        for i in range(beats):
            _add(out, b * bar + i * beat, string(key + c[(0, 1, 2, 1, 2, 0, 2, 1)[i]] + (12 if i % 3 == 2 else 0), 1.0, 0.4, 7 * b + i, 0.5), 0.6)
        for i in ((3, 6) if beats == 8 else (2, 5)):
            for k, note in enumerate(c):
                _add(out, b * bar + i * beat + 0.012 * k, string(key + note, 0.7, 0.8, 31 * b + i + k, 0.6), 0.4)
            _add(out, b * bar + i * beat, noise_hit(0.07, 1400, rng, 70), 0.28)
    return out


_BEDS = {"space opera": _space, "courtroom": _court, "haunted house": _haunted, "casa encantada": _haunted,
         "heist": _heist, "romance": _romance, "cocina": _kitchen}


def compose(group, seconds, seed):
    rng = np.random.default_rng(1000 + seed)
    bed = _BEDS[group](seconds, rng, seed)[:int(seconds * RATE)]
    # Small room: two decaying tails of noise would blur speech, so a few early echoes have to do.
    wet = np.copy(bed)
    for delay, gain in ((0.031, 0.30), (0.053, 0.24), (0.097, 0.18), (0.171, 0.12)):
        d = int(delay * RATE)
        wet[d:] += gain * bed[:-d]
    wet = _lowpass(wet, 5200)
    wet -= wet.mean()
    wet /= np.sqrt(np.mean(wet ** 2)) + 1e-9
    # Bows to its own loudest moments, so that one level suits the whole bed.
    return (np.tanh(wet / 2.2) * 2.2).astype(np.float32)
