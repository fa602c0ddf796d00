#!/usr/bin/env python3
"""Compares the stand-in server with a real one: the recorded exchanges of ../shared/data/qdrant-recordings are sent to it in
order, and each answer is compared with the recorded one: status, kind of content, and every field.

Not compared: times, dates, the commit, and a snapshot's name, size and checksum; the order among equal scores, and which of
those equal to the last one are among the answers; what Rust's parser says of a broken document (its columns)."""

import http.client
import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHARED = Path("/nowhere") if os.environ.get("NOSHARED") else Path(os.environ.get("KINORA_SHARED", HERE.parents[2] / "shared"))
RECORDINGS = SHARED / "data/qdrant-recordings"
KEYS = ["--api-key", "secret", "--read-only-key", "readonly"]
VARIES = {"time", "commit", "creation_time", "size", "checksum", "name"}
TIES = 1e-6  # of scores: equal ones come in any order


def server(*flags):
    child = subprocess.Popen([sys.executable, "-B", str(HERE / "qdrant_stand_in.py"), *flags], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    return child, int(child.stdout.readline())


def exchange(port, request):
    body = request.get("body_raw") or (json.dumps(request["body"]) if request["body"] is not None else None)
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    c.request(request["method"], request["path"], body, request["headers"])
    answer = c.getresponse()
    text = answer.read().decode()
    c.close()
    kind = answer.headers.get("content-type")
    return answer.status, kind, json.loads(text) if kind == "application/json" else text


def error_kind(text):
    """An error's text as far as it is the API's own."""
    return text.split(":")[0] if text.startswith("Format error") and " at line " in text else text


def in_order(points):
    """Equal scores come in no certain order."""
    if is_scored(points):
        return sorted(points, key=lambda p: (-round(p["score"] / TIES), str(p["id"])))
    if points and all(isinstance(p, dict) and "hits" in p for p in points):
        return sorted(points, key=lambda g: (-round(g["hits"][0]["score"] / TIES), g["id"]))
    return points


def is_scored(points):
    return bool(points) and all(isinstance(p, dict) and "score" in p for p in points)


def without_last_ties(points):
    last = min(p["score"] for p in points)
    return [p if p["score"] > last + TIES else {"score": p["score"]} for p in points]


def differences(want, got, at, snapshot=False):
    if isinstance(want, dict) and isinstance(got, dict):
        for key in want.keys() | got.keys():
            if key in ("time", "commit") or (snapshot and key in VARIES):
                continue
            if key not in got or key not in want:
                yield f"{at}.{key}: only in {'the recording' if key in want else 'the answer'}"
            elif key == "error":
                if error_kind(want[key]) != error_kind(got[key]) and error_kind(want[key]) != got[key].split(":")[0]:
                    yield f"{at}.error: {want[key]!r}, not {got[key]!r}"
            else:
                yield from differences(want[key], got[key], f"{at}.{key}", snapshot)
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{at}: {len(want)} items, not {len(got)}"
        want, got = in_order(want), in_order(got)
        if is_scored(want) and is_scored(got):
            if {p["id"] for p in want} != {p["id"] for p in got}:
                want, got = without_last_ties(want), without_last_ties(got)
        for i, (w, g) in enumerate(zip(want, got)):
            yield from differences(w, g, f"{at}[{i}]", snapshot)
    elif isinstance(want, (int, float)) and isinstance(got, (int, float)) and not isinstance(want, bool):
        if abs(want - got) > 2e-6 * max(1, abs(want)):
            yield f"{at}: {want}, not {got}"
    elif want != got:
        yield f"{at}: {want!r}, not {got!r}"


def main():
    if not RECORDINGS.is_dir():
        print("skip recordings: no qdrant-recordings in ../shared/data")
        return 0
    files = sorted(RECORDINGS.glob("*.request.json"), key=lambda p: int(p.name.split("-")[0]))
    children, ports, failed = [], {}, 0
    for path in files:
        name = path.name.removesuffix(".request.json")
        group = next(g for g, last in (("first", 100), ("aliases", 120), ("keys", 140), ("sparse", 1000))
                     if int(name.split("-")[0]) < last)
        if group not in ports:
            child, ports[group] = server(*(KEYS if group == "keys" else []))
            children.append(child)
        want = json.loads(path.with_name(f"{name}.response.json").read_text())
        status, kind, got = exchange(ports[group], json.loads(path.read_text()))
        wanted = want["body"] if want["body"] is not None else want["body_raw"]
        found = list(differences(wanted, got, "", "snapshot" in name))
        if (want["status"], want["headers"].get("content-type")) != (status, kind):
            found.insert(0, f"{want['status']} {want['headers'].get('content-type')}, not {status} {kind}")
        if group == "keys" and re.search("secret|readonly", str(got)):
            found.append("a key stands in the answer")
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {name}{': ' + '; '.join(found[:4]) if found else ''}")
    for child in children:
        child.stdin.close()
        failed += child.wait() != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
