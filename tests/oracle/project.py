"""What the project itself made: its folders, its texts, its embeddings."""

import os
import subprocess
from pathlib import Path

import numpy as np

TOP = Path(__file__).parents[2]
WHEELS = TOP / "build/third_party/wheels"
MODELS = TOP / "build/models"
WORK = TOP / "build/oracle"
EMBED_TEXTS = os.environ.get("KINORA_EMBED_TEXTS", str(TOP / "build/release/tests/embed-texts"))


class Skip(Exception):
    """Raised by a test that cannot run here; its text says why."""


def texts() -> list:
    """200 texts, 40 each in English, Spanish, French, German and Portuguese; one of each five is a long one."""
    lines = (TOP / "tests/oracle/texts.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 200 and all(line == line.strip() for line in lines)  # Kinora trims, the originals do not
    return lines


def embed(model_file: str, lines: list) -> np.ndarray:
    """The project's raw vectors, one row a text. The model's prefix ("query: " for e5) is put there by the project."""
    done = subprocess.run([EMBED_TEXTS, str(MODELS / model_file), "raw"], input="\0".join(lines).encode() + b"\0",
                          stdout=subprocess.PIPE, check=True, timeout=300)
    vectors = np.frombuffer(done.stdout, "<f4").reshape(len(lines), -1)
    assert np.isfinite(vectors).all() and (np.linalg.norm(vectors, axis=1) > 0).all()
    return vectors.astype(np.float64)


def assert_alike(ours: np.ndarray, theirs: np.ndarray, lines: list, least: float):
    """Every row's cosine with its counterpart is at least `least`; the message names the worst text."""
    assert ours.shape == theirs.shape, f"shapes {ours.shape} and {theirs.shape}"
    cosines = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    worst = int(cosines.argmin())
    assert cosines[worst] >= least, (
        f"cosine {cosines[worst]:.6f} < {least} for '{lines[worst][:60]}'; {int((cosines < least).sum())} texts below")
    print(f"# least cosine {cosines.min():.6f}, median {np.median(cosines):.6f}, {len(lines)} texts")
