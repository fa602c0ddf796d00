"""gpt2_transformers.py FOLDER <TEXTS  The notebook's step by transformers itself: texts as a JSON array on stdin, vectors on
stdout. Run by the Python that KINORA_TRANSFORMERS names; any that has torch and transformers will do."""

import json
import sys

import torch
from transformers import GPT2Model, GPT2Tokenizer


def main():
    folder = sys.argv[1]
    tokenizer = GPT2Tokenizer(folder + "/vocab.json", folder + "/merges.txt")
    model = GPT2Model.from_pretrained(folder).eval()
    vectors = []
    with torch.no_grad():
        for text in json.load(sys.stdin):
            tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=128)
            vectors.append(model(**tokens).last_hidden_state.mean(dim=1)[0].tolist())
    json.dump(vectors, sys.stdout)


if __name__ == "__main__":
    main()
