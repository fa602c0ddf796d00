"""notebook_check.py DIR EMBED-TEXTS MODEL  Reads an export as a notebook would, and holds it against the notebook's own
steps: TextBlob for Sentiment, the model's vector of each text, Opinion_Score by its formula. In build/venv."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from textblob import TextBlob


def main(folder, embed_texts, model):
    vectors = np.load(folder / "vectors.npy")
    payload = json.loads((folder / "payload.json").read_text(encoding="utf-8"))
    assert vectors.dtype == np.float32 and vectors.shape == (len(payload), 384), (vectors.dtype, vectors.shape)
    assert np.isfinite(vectors).all() and not np.isfortran(vectors)
    for row, entry in zip(vectors, payload):
        assert list(entry) == ["Transcript", "Movie_Name", "embeddings", "Sentiment", "Opinion_Score"], list(entry)
        assert entry["embeddings"] == row.astype(float).tolist(), entry["Movie_Name"]
        sentiment = TextBlob(entry["Transcript"]).sentiment.polarity
        assert entry["Sentiment"] == sentiment, (entry["Movie_Name"], entry["Sentiment"], sentiment)
        assert entry["Opinion_Score"] == [0.7 * v + 0.3 * sentiment for v in entry["embeddings"]], entry["Movie_Name"]
    # A text short enough for one moment has the model's own vector, to the last bit.
    short = [i for i, entry in enumerate(payload) if len(entry["Transcript"].split()) < 40]
    raw = subprocess.run([embed_texts, model, "raw"], check=True, stdout=subprocess.PIPE,
                         input="".join(payload[i]["Transcript"] + "\0" for i in short).encode()).stdout
    assert len(short) >= 3 and np.array_equal(np.frombuffer(raw, "<f4").reshape(len(short), -1), vectors[short])
    norms = np.linalg.norm(vectors, axis=1)
    assert (norms > 1.5).any() or (norms < 0.99).any(), "these are of unit length: not as the model gave them"
    print(f"{len(payload)} entries: TextBlob, numpy and the model agree to the last bit ({len(short)} of one moment)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
