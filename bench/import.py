#!/usr/bin/python3
"""bench/import.py [--texts N] [--jobs N] [--films FILE]: how long `kinora import` takes for N film overviews (8,000, of about 84 words each,
../shared/data/movies), vectors and opinions included, and what it costs. Asked for: 12 minutes on 2 cores."""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--texts", type=int, default=8000)
    ask.add_argument("--jobs", type=int, default=0)
    ask.add_argument("--films", type=pathlib.Path, default=ROOT.parent / "shared/data/movies/wikipedia-movies.jsonl")
    o = ask.parse_args()
    if not o.films.exists():
        print(f"import: skipped, there is no {o.films}")
        return 0
    films = [json.loads(line) for line in o.films.read_text(encoding="utf-8").splitlines()[:o.texts]]
    words = sum(len(film["extract"].split()) for film in films)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "films.jsonl")
        file.write_text("".join(json.dumps({"title": f["title"], "text": f["extract"], "year": f["year"],
                                            "genres": f["genres"]}) + "\n" for f in films), encoding="utf-8")
        began = time.monotonic()
        subprocess.run([ROOT / "build/kinora", "--library", f"{folder}/library", "import", file, "--quiet",
                        "--jobs", str(o.jobs)], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "KINORA_MODELS": str(ROOT / "build/models")})
        wall = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(f"import: {len(films)} texts of {words / len(films):.0f} words: {wall:.0f} s ({wall / 60:.1f} min), "
          f"{cpu:.0f} s of CPU, {1000 * cpu / len(films):.0f} ms a text, {cpu / wall:.2f} cores, peak {used.ru_maxrss >> 10} MiB; "
          f"load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
