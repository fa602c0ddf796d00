"""A library that is made in seconds: films whose words lie beside them, one that is none, and imported texts."""

import csv
import shutil

import serving  # noqa: F401  (tells where e2e lies)
from e2e import SAMPLES

WORDS = [("The lamp in the tower went out again, and nobody on the island lit it.", "The keeper counts the ships that do not come."),
         ("A quiet village bakes bread for a hundred guests.", "Nobody tells the cook that the wedding is off."),
         ("La lámpara del faro se apagó y nadie volvió a encenderla.", "El guardián cuenta los barcos que no llegan.")]
FILMS = ["The Lantern Fleet - Official Trailer.mp4", "Letters for September - Official Trailer.mp4",
         "Pan de domingo - Tráiler oficial.mp4"]
NAMES = ["The Lantern Fleet (2019)", "Two\nlines #EXTINF:1,x", "Pan de domingo (1998)"]
NFO = "<movie><title>The Fleet</title><year>2019</year><genre>Drama</genre><genre>Sea</genre><plot>A {}.</plot></movie>"


def srt(lines):
    return "".join(f"{i}\n00:00:{5 * i:02d},000 --> 00:00:{5 * i + 4:02d},000\n{t}\n\n" for i, t in enumerate(lines, 1))


def make_films(folder):
    """Films whose words lie beside them, so that nothing need be heard; one that is none."""
    folder.mkdir()
    for film, name, lines in zip(FILMS, NAMES, WORDS):
        shutil.copy(SAMPLES / film, folder / f"{name}.mp4")
        (folder / f"{name}.srt").write_text(srt(lines), encoding="utf-8")
    (folder / f"{NAMES[0]}.nfo").write_text(NFO.format("light"))
    (folder / "Broken.mp4").write_bytes(b"not a film at all" * 99)


def write_texts(file, first, n):
    """Rows to import; what they say differs by a number, so that all are titles of their own."""
    with open(file, "w", newline="", encoding="utf-8") as f:
        rows = csv.writer(f)
        rows.writerow(["Video File", "Transcript"])
        for i in range(first, first + n):
            rows.writerow([f"Text {i:03d}.mp4", f"Night number {i} in the harbour. The ship {i * 7} waits for bread and wine."])
