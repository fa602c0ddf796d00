"""What bench/similarity and bench/long share: 8,000 film texts, as a file that `kinora import` takes and as a
library, and which of the films belong together.

The texts are the extracts of ../shared/data/movies/wikipedia-movies.jsonl without their first sentences, which often name
the genre ("Alien is a 1979 science fiction horror film ..."); 14 that have no other sentence are left out."""
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import time
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("KINORA_SHARED", ROOT.parent / "shared"))
MOVIES = SHARED / "data/movies/wikipedia-movies.jsonl"
KINORA = pathlib.Path(os.environ.get("KINORA", ROOT / "build/kinora"))
WORK = pathlib.Path(os.environ.get("KINORA_BENCH", ROOT / "build/bench"))
MODELS = ROOT / "build/models"
E5, MINILM = "multilingual-e5-small", "all-MiniLM-L6-v2"

# A full stop ends no sentence after a title, an initial or a usual abbreviation.
ABBREVIATED = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|vs|No|Vol|Pt|Lt|Col|Gen|Capt|Sgt|Inc|Ltd|Co|Bros|etc|lit|transl|approx|"
                         r"ca|c|a\.k\.a|i\.e|e\.g)|\b[A-Z])\.$")
STOP = re.compile(r'[.!?]["\')\]”]*\s+(?=["\'(“]?[A-Z0-9])')


def use_venv():
    """The Python that has numpy, in place of this one."""
    python = ROOT / "build/venv/bin/python"
    if not python.exists():
        sys.exit(f"{sys.argv[0]}: no build/venv; run: make oracle-venv")
    if not sys.prefix.startswith(str(ROOT / "build/venv")):
        os.execv(python, [str(python), "-B", *sys.argv])


def without_first_sentence(text):
    for stop in STOP.finditer(text):
        if not ABBREVIATED.search(text[:stop.start() + 1]):
            return text[stop.end():].strip()
    return ""


def texts():
    if not MOVIES.exists():
        sys.exit(f"{sys.argv[0]}: no {MOVIES}; KINORA_SHARED names the folder of the shared data")
    rows = [json.loads(line) for line in open(MOVIES, encoding="utf-8")]
    rows = [{"title": r["title"], "text": without_first_sentence(r["extract"]), "language": "en", "year": r["year"],
             "genres": r["genres"], "cast": r["cast"]} for r in rows]
    return [r for r in rows if r["text"]]


def import_file():
    path = WORK / "movies.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        for row in texts():
            row.pop("cast")
            f.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def imported(library, model, jobs=0):
    """Imports what the library does not have yet. The seconds that it took, on the wall and of the processors."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([KINORA, "import", import_file(), "--library", library, "--models", MODELS, "--embedding-model", model,
                    "--jobs", str(jobs), "--quiet"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def kinora(library, *args):
    done = subprocess.run([KINORA, "--library", library, "--models", MODELS, "--json", *args], check=True, capture_output=True)
    return json.loads(done.stdout)


# ---- which belong together ----

NUMERAL = re.compile(r"(?:\s+(?:part|chapter|volume|vol|episode))?\s+(?:[ivx]+|\d{1,2}|two|three|four|five|six|seven)$")


def plain(title):
    text = unicodedata.normalize("NFKD", title.lower())
    text = " ".join(re.sub(r"[^a-z0-9 :]", "", text.replace("–", ":").replace(" - ", ": ")).split())
    return re.sub(r"^(?:the|a|an) ", "", text)


def stem(title):
    """What a series has in common: the title without article, numeral and what follows a colon."""
    head = plain(title).split(":")[0].strip()
    return NUMERAL.sub("", head) or head


def siblings(titles):
    """{number: numbers of its siblings}: stems are equal, titles are not (remakes are no sequels), at least 4 letters, at most 12
    in a series (beyond that a stem is a usual word)."""
    by_stem = {}
    for i, t in enumerate(titles):
        by_stem.setdefault(stem(t), []).append(i)
    out = {}
    for s, members in by_stem.items():
        if len(s) >= 4 and 2 <= len(members) <= 12:
            for i in members:
                others = [j for j in members if plain(titles[j]) != plain(titles[i])]
                if others:
                    out[i] = others
    return out
