#!/usr/bin/python3
"""sizing.py http://HOST:6333/NAME [--moments M]    what a title takes in a cluster, and what N of them would
   sizing.py --cost N:MS,N:MS... [--cluster N:MS]     what a recommendation takes as N grows by ten

The first samples up to 2,000 points of either collection of a published library, measures what they hold, and prints the table of
README.md; KINORA_QDRANT_API_KEY is sent where it is set. --moments: how many a title has (an hour of speech has about 130), by default as
many as there. Measured: payloads as JSON, numbers in a vector, rare words. All else is arithmetic that the code shows.

The second takes two measured sizes of a local library (bench/RESULTS.md) and one of a cluster, and goes on from there."""
import argparse
import json
import math
import os
import urllib.request

SAMPLE = 2000
TITLES = (10_000, 1_000_000, 10_000_000, 100_000_000)
NODES = 3
# Bytes a point that the server needs beside the data; from its source and documentation, not measured here.
LINKS = 2 * 16 * 4 * 16 / 15  # hnsw m 16: 32 neighbours on the lowest layer, 1/16 of the points on each one above
ID = 64                       # a UUID and its place, both ways, and versions
INDEXED = 150                 # the fields that filters ask for
MERGING = 1.5                 # of the disk: the log, and segments while they are merged


def ask(url, path, body=None):
    headers = {"Content-Type": "application/json", "api-key": os.environ.get("KINORA_QDRANT_API_KEY", "")}
    request = urllib.request.Request(url + path, None if body is None else json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request))["result"]


def sample(url, collection, kind=None):
    """(how many points there are, some of them with all they hold)"""
    only = {"filter": {"must": [{"key": "kind", "match": {"value": kind}}]}} if kind else {}
    count = ask(url, f"/collections/{collection}/points/count", {"exact": True, **only})["count"]
    points, offset = [], None
    while len(points) < SAMPLE:
        page = ask(url, f"/collections/{collection}/points/scroll",
                   {"limit": 250, "offset": offset, "with_payload": True, "with_vector": True, **only})
        points += page["points"]
        offset = page["next_page_offset"]
        if offset is None:
            break
    return count, points


def measured(points):
    """Means over points: bytes of payload, numbers in dense vectors, words in sparse ones."""
    payload = dense = words = 0
    for p in points:
        payload += len(json.dumps(p["payload"], ensure_ascii=False, separators=(",", ":")).encode())
        vectors = p["vector"] if isinstance(p["vector"], dict) else {"": p["vector"]}
        for v in vectors.values():
            if isinstance(v, dict):
                words += len(v["indices"])
            else:
                dense += len(v)
    n = max(len(points), 1)
    return {"payload": payload / n, "dense": dense / n, "words": words / n}


def title_bytes(title, moment, moments, others, other_bytes):
    """What one title takes with its moments and its other points (transcript, claims): in memory three ways, and on disk."""
    beside = (1 + moments + others) * (ID + INDEXED)
    links = LINKS * (1 + moments)
    vectors = 4 * (title["dense"] + moments * moment["dense"])
    payloads = title["payload"] + moments * moment["payload"] + other_bytes
    words = 8 * title["words"]
    return {"all in memory": vectors + links + beside + words,
            "bytes in memory, the rest on disk": vectors / 4 + beside + words,
            "bits in memory, the rest on disk": vectors / 32 + beside + words,
            "disk": (vectors * 1.25 + links + beside + payloads + words) * MERGING}


def human(n):
    for unit in ("B", "KB", "MB", "GB", "TB", "PB"):
        if n < 1000 or unit == "PB":
            return f"{n:.0f} {unit}" if n >= 10 or unit == "B" else f"{n:.1f} {unit}"
        n /= 1000


def sizes(address, moments):
    url, name = address.rsplit("/", 1)
    titles, some = sample(url, f"{name}-titles")
    there, more = sample(url, f"{name}-moments", "moment")
    everything, _ = sample(url, f"{name}-moments")
    title, moment, own = measured(some), measured(more), there / max(titles, 1)
    moments = moments or own
    # A transcript's parts are as long as its moments' texts, so they grow with them.
    others = (everything - there) / max(titles, 1)
    text = sum(len(p["payload"].get("text", "").encode()) for p in more) / max(len(more), 1)
    print(f"Measured: {titles} titles with {own:.1f} moments each and {others:.1f} other points. A title's point: {title['payload']:.0f} bytes of payload, "
          f"{title['dense']:.0f} numbers, {title['words']:.0f} words. A moment's: {moment['payload']:.0f} bytes, {text:.0f} of them text, {moment['dense']:.0f} numbers.\n")
    one = title_bytes(title, moment, moments, others, 1.3 * text * moments)
    columns = list(one)
    print("| titles | " + " | ".join(columns) + f" | on each of {NODES} nodes with 2 replicas: bytes in memory, disk |")
    print("|---" * (len(columns) + 2) + "|")
    for n in (1, *TITLES):
        each = [human(2 * n * one[c] / NODES) for c in ("bytes in memory, the rest on disk", "disk")]
        print(f"| {n:,} | " + " | ".join(human(n * one[c]) for c in columns) + f" | {', '.join(each)} |")


def pairs(text):
    return [(int(n), float(ms)) for n, ms in (p.split(":") for p in text.split(","))]


def costs(local, cluster):
    (n1, t1), (n2, t2) = sorted(local)[-2:]
    slope = (t2 - t1) / (n2 - n1)
    print("| titles | local, one thread | | cluster, each shard 1/3 of them | |")
    print("|---|---|---|---|---|")
    for n in sorted({n for n, _ in local} | set(TITLES)):
        known = dict(local).get(n)
        here = known if known is not None else t1 * n / n1 if n < n1 else t2 + slope * (n - n2)
        there = ("", "")
        if cluster:
            m, t = cluster[0]
            there = (f"{t:.1f} ms", "measured, one shard") if n == m else (f"{t * math.log(n / 3) / math.log(m):.1f} ms", "computed")
        print(f"| {n:,} | {float(f'{here:.2g}'):g} ms | {'measured' if known is not None else 'computed'} | {there[0]} | {there[1]} |")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("address", nargs="?")
    options.add_argument("--moments", type=float)
    options.add_argument("--cost")
    options.add_argument("--cluster")
    o = options.parse_args()
    if o.cost:
        costs(pairs(o.cost), pairs(o.cluster) if o.cluster else None)
    elif o.address:
        sizes(o.address.rstrip("/"), o.moments)
    else:
        options.error("an address, or --cost")


if __name__ == "__main__":
    main()
