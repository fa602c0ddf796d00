#!/usr/bin/python3
"""bench/recommend.py [--runs N]: what one recommendation costs from nothing, as a person at a shell waits for it.

Kinora: a cold `kinora recommend NAME`, on the library of `make demo`. Peer, in the same run and in turn: the
notebook's way without its models - a Python that loads vectors.npy and the payload and ranks by cosine with
numpy - which is the least that any script around numpy can cost."""
import argparse
import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "build/demo/library"
NOTEBOOK = """
import json, sys, numpy
names = json.load(open(sys.argv[1] + "/payload.json")); v = numpy.load(sys.argv[1] + "/vectors.npy")
i = [k for k, n in enumerate(names) if sys.argv[2] in n][0]
for j in numpy.argsort(-(v @ v[i]))[1:4]: print(names[j], float(v[i] @ v[j]))
"""


def seconds(command, env=None):
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)
    return time.perf_counter() - began


def write_notebook_files(folder):
    python = ROOT / "build/venv/bin/python"
    db = sqlite3.connect(f"file:{LIBRARY}/library.db?mode=ro", uri=True)
    rows = db.execute("SELECT name, vector FROM title JOIN title_vector ON title.key = title_vector.title").fetchall()
    (folder / "payload.json").write_text(json.dumps([name for name, _ in rows]))
    (folder / "vectors.raw").write_bytes(b"".join(vector for _, vector in rows))
    subprocess.run([python, "-c", "import numpy, sys; d = sys.argv[1]; numpy.save(d + '/vectors.npy', "
                    "numpy.fromfile(d + '/vectors.raw', 'float32').reshape(int(sys.argv[2]), -1))",
                    str(folder), str(len(rows))], check=True)
    return python, rows[0][0]


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--runs", type=int, default=31)
    runs = ask.parse_args().runs
    if not LIBRARY.exists():
        sys.exit("bench/recommend: there is no library yet; run: make demo")
    with tempfile.TemporaryDirectory() as folder:
        python, name = write_notebook_files(pathlib.Path(folder))
        ours = [ROOT / "build/kinora", "--library", LIBRARY, "recommend", name]
        peer = [python, "-c", NOTEBOOK, folder, name]
        no_models = {**os.environ, "KINORA_MODELS": "/nonexistent"}  # it must not need one
        pairs = [(seconds(ours, no_models), seconds(peer)) for _ in range(runs + 1)][1:]
    a, b = (statistics.median(p[i] for p in pairs) * 1000 for i in (0, 1))
    print(f"recommend, cold process, median of {runs}: kinora {a:.1f} ms (worst {max(p[0] for p in pairs) * 1000:.1f}), "
          f"numpy script {b:.1f} ms, ratio {statistics.median(p[0] / p[1] for p in pairs):.2f}")


if __name__ == "__main__":
    main()
