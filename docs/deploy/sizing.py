#!/usr/bin/python3
"""sizing.py http://HOST:6333/NAME [--moments M]    what a title takes in a cluster, and what N of them would
   sizing.py --cost N:MS,N:MS [--cluster N:MS]      what a recommendation takes as N grows by ten

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


def sample(url, collection):
    """(how many points there are, some of them with all they hold)"""
    count = ask(url, f"/collections/{collection}/points/count", {"exact": True})["count"]
    points, offset = [], None
    while len(points) < SAMPLE:
        page = ask(url, f"/collections/{collection}/points/scroll",
                   {"limit": 250, "offset": offset, "with_payload": True, "with_vector": True})
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


def title_bytes(title, point, points):
    """What one title takes, its point and those of its moments together: in memory three ways, and on disk."""
    beside = (1 + points) * (ID + INDEXED)
    links = LINKS * (1 + points)
    vectors = 4 * (title["dense"] + points * point["dense"])
    payloads = title["payload"] + points * point["payload"]
    words = 8 * title["words"]
    return {"f32 in memory": vectors + links + beside + words,
            "int8 in memory": vectors / 4 + links + beside + words,
            "binary in memory, graph on disk": vectors / 32 + beside + words,
            "disk": (vectors * 1.25 + links + beside + payloads + words) * MERGING}


def human(n):
    for unit in ("B", "KB", "MB", "GB", "TB", "PB"):
        if n < 1000 or unit == "PB":
            return f"{n:.0f} {unit}" if n >= 10 or unit == "B" else f"{n:.1f} {unit}"
        n /= 1000


def sizes(address, moments):
    url, name = address.rsplit("/", 1)
    titles, some = sample(url, f"{name}-titles")
    points, more = sample(url, f"{name}-moments")
    title, point = measured(some), measured(more)
    moments = moments or points / max(titles, 1)
    print(f"Measured: {titles} titles, {points} points beside them; a title's point: {title['payload']:.0f} bytes of payload, "
          f"{title['dense']:.0f} numbers, {title['words']:.0f} rare words; a moment's: {point['payload']:.0f} bytes, {point['dense']:.0f} numbers.\n")
    one = title_bytes(title, point, moments)
    columns = list(one)
    print(f"| titles, {moments:.1f} points beside each | " + " | ".join(columns) + f" | nodes: {NODES}, 2 replicas: int8 memory, disk, each |")
    print("|---" * (len(columns) + 2) + "|")
    for n in (1, *TITLES):
        each = [human(2 * n * one[c] / NODES) for c in ("int8 in memory", "disk")]
        print(f"| {n:,} | " + " | ".join(human(n * one[c]) for c in columns) + f" | {', '.join(each)} |")


def pairs(text):
    return [(int(n), float(ms)) for n, ms in (p.split(":") for p in text.split(","))]


def costs(local, cluster):
    (n1, t1), (n2, t2) = sorted(local)
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
        print(f"| {n:,} | {here:.2g} ms | {'measured' if known is not None else 'computed'} | {there[0]} | {there[1]} |")


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
