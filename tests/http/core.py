#!/usr/bin/python3
"""core.py  What the server promises of every route, over routes made for it (tests/support/serve-routes.c).
"""

import gzip
import http.client
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from serving import SLOW, TESTS, Server, is_problem, is_protected, make_library, read_answer  # noqa: E402

from e2e import run, wait_until  # noqa: E402

ID = "a0010000-0000-5000-8000-000000000000"
SIZE = 300_000
server = None
content = bytes((i * 31 + i // 256) % 256 for i in range(SIZE))


def test_it_starts(folder):
    global server
    film = folder / "a film.mp4"
    film.write_bytes(content)
    server = Server(folder, [TESTS / "serve-routes", make_library(folder), film]).__enter__()


# ---- parameters ----

def echo(query):
    a = server.ask(f"/api/v1/echo{query}")
    assert a.status == 200, f"{query}: {a}"
    return a.json


def test_parameters_come_typed(_):
    assert echo("?text=a%20%26+%C3%A9&choice=uplift&n=7&real=-0.5e1&flag=true") == \
        {"text": "a & é", "choice": "uplift", "n": 7, "real": -5, "flag": True, "has_flag": True, "like": [], "word": []}
    assert echo(f"?like={ID}&word=x&word=&like={ID}")["like"] == [ID, ID]
    assert echo("?word=x&word=")["word"] == ["x", ""]
    assert echo("?text=")["text"] == "" and echo("?&text=a&")["text"] == "a"
    assert server.ask(f"/api/v1/echo/{ID.upper()}").json["id"] == ID
    assert server.ask("/api/v1/named/a%3Fb%20c").json["text"] == "a?b c"


def test_parameters_in_a_body_are_the_same(_):
    a = server.ask("/api/v1/echo", "POST", {"text": "é", "n": 3, "real": 2, "flag": False, "like": [ID], "word": ["x", "y"]})
    assert a.status == 200, a
    assert a.json == {"text": "é", "choice": None, "n": 3, "real": 2, "flag": False, "has_flag": True, "like": [ID], "word": ["x", "y"]}
    assert server.ask("/api/v1/echo", "POST").json["n"] == -1


def test_what_is_not_a_parameter_is_refused(_):
    for query, name in (("?nope=1", "nope"), ("?n=0", "n"), ("?n=101", "n"), ("?n=1.5", "n"), ("?n=", "n"), ("?n=1&n=2", "n"),
                        ("?n=99999999999999999999", "n"), ("?real=nan", "real"), ("?real=1e999", "real"), ("?real=0x1", "real"),
                        ("?flag=yes", "flag"), ("?choice=best", "choice"), ("?choice=mood%7Cuplift", "choice"),
                        ("?like=1", "like"), ("?" + "&".join([f"like={ID}"] * 4), "like"), ("?text=" + "x" * 4097, "text")):
        assert is_problem(server.ask("/api/v1/echo" + query), 400)["parameter"] == name, query
    for body, name in (({"nope": 1}, "nope"), ({"n": "1"}, "n"), ({"n": 1.5}, "n"), ({"n": True}, "n"), ({"text": 1}, "text"),
                       ({"flag": 1}, "flag"), ({"like": ID}, "like"), ({"like": [1]}, "like"), ({"like": [ID] * 4}, "like"),
                       ({"text": None}, "text"), ({"real": "x"}, "real"), ({"word": [["x"]]}, "word")):
        assert is_problem(server.ask("/api/v1/echo", "POST", body), 400)["parameter"] == name, body
    assert is_problem(server.ask("/api/v1/events", "POST", {}), 400)["parameter"] == "text"


def test_a_body_is_json_and_small(_):
    json_type = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b"1", b'"x"', b'{"n":1,"n":2}', b'{"text":"\xff"}', b'{"text":"\\u0000"}', b"{} x"):
        is_problem(server.ask("/api/v1/echo", "POST", body, json_type), 400)
    for depth in (17, 1000, 30000):
        is_problem(server.ask("/api/v1/echo", "POST", b'{"word":' + b"[" * depth + b"]" * depth + b"}", json_type), 400)
    is_problem(server.ask("/api/v1/echo", "POST", b'{"word":' + b"[" * 60000, json_type), 400)
    is_problem(server.ask("/api/v1/echo", "POST", b" " * 65537, json_type), 413)
    assert server.status("/api/v1/echo", "POST", b'{"n":1}' + b" " * 65000, json_type) == 200
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1"):
        is_problem(server.ask("/api/v1/echo", "POST", b"{}", {"Content-Type": kind}), 415)
    is_problem(server.ask("/api/v1/echo", "POST", b"{}"), 415)
    is_problem(server.ask("/api/v1/echo", "POST", gzip.compress(b"{}"), {**json_type, "Content-Encoding": "gzip"}), 415)
    is_problem(server.ask("/api/v1/made", "POST", {}), 400)


# ---- addresses and methods ----

def test_addresses_that_are_none(_):
    for path, status in (("/api/v1/nope", 404), ("/api", 404), ("/api/v1/echo/1234", 404), ("/api/v1/echo/", 404), ("/api/v1//echo", 404),
                         ("/api/v1/../v1/echo", 400), ("/api/v1/%2e%2e/echo", 400), ("/api/v1/named/..%2fx", 400),
                         ("/api/v1/named/%00", 400), ("/api/v1/named/%ff", 400), ("/api/v1/named/%zz", 400), ("/api/v1/named/%5c", 400),
                         ("/api/v1/named/", 404), ("/api/v1/echo?text=%00", 400), ("/api/v1/echo?text=%", 400), ("/api/v1/echo?%ff=1", 400),
                         ("/api/v1/" + "x/" * 40, 414), ("/api/v1/echo?text=" + "x" * 9000, 414), ("/nope.js", 404)):
        is_problem(server.ask(path), status)
    # GET http://host/path is how one speaks to a proxy, and must be understood
    assert server.raw(b"GET http://127.0.0.1/api/v1/echo?n=5 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").json["n"] == 5


def test_methods(_):
    a = server.ask("/api/v1/echo", "DELETE")
    assert is_problem(a, 405)["code"] == "wrong_method"
    assert set(a.headers["allow"].split(", ")) == {"OPTIONS", "GET", "HEAD", "POST"}, a.headers
    for path in ("/api/v1/echo", "*"):
        a = server.ask(path, "OPTIONS")
        assert a.status == 204 and "GET" in a.headers["allow"] and not a.body, (path, a)
        is_protected(a)
    is_problem(server.ask("/api/v1/echo", "TRACE"), 405)
    whole, head = server.ask("/api/v1/big"), server.ask("/api/v1/big", "HEAD")
    assert head.status == 200 and not head.body
    assert {k: v for k, v in head.headers.items() if k != "date"} == {k: v for k, v in whole.headers.items() if k != "date"}


def test_replies_of_each_kind(_):
    a = server.ask("/api/v1/made", "POST")
    assert (a.status, a.body, a.headers["location"]) == (202, b"made\n", "/api/v1/echo"), a
    assert "set-cookie" not in a.headers and "x-split" not in a.headers, a.headers
    a = server.ask("/api/v1/made", "DELETE")
    assert a.status == 204 and not a.body, a
    for code, status in ((-1, 400), (-2, 404), (-3, 500), (-4, 502), (-5, 504), (-6, 500), (-7, 413), (-8, 503), (409, 409)):
        told = is_problem(server.ask(f"/api/v1/fail?code={code}"), status)
        assert "half an answer" not in str(told), told
    is_problem(server.ask("/api/v1/echo", headers={"Accept": "text/html, application/json;q=0"}), 406)
    for accept in ("*/*", "application/*;q=0.1", "text/html, application/json", "text/*;q=0.3, */*;q=0.1"):
        assert server.status("/api/v1/echo", headers={"Accept": accept}) == 200, accept


# ---- conditions, compression, ranges ----

def test_an_answer_that_is_known_is_not_sent_again(_):
    a = server.ask("/api/v1/big")
    tag = a.headers["etag"]
    assert tag[0] == tag[-1] == '"' and a.headers["cache-control"] == "no-cache", a.headers
    for known in (tag, f'"x", W/{tag}', "*"):
        b = server.ask("/api/v1/big", headers={"If-None-Match": known})
        assert b.status == 304 and not b.body and b.headers["etag"] == tag, (known, b)
    assert server.status("/api/v1/big", headers={"If-None-Match": '"x"'}) == 200
    assert server.ask("/api/v1/big?bytes=9000").headers["etag"] != tag
    packed = server.ask("/api/v1/big", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["etag"] != tag
    assert server.status("/api/v1/big", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]}) == 304


def test_text_is_packed_where_that_is_wanted_and_worth_it(_):
    plain = server.ask("/api/v1/big")
    assert "content-encoding" not in plain.headers and "Accept-Encoding" in plain.headers["vary"]
    packed = server.ask("/api/v1/big", headers={"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["content-encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) // 2
    b = server.ask("/api/v1/big", headers={"Accept-Encoding": "gzip, br"})
    assert b.headers["content-encoding"] == "br" and len(b.body) < len(plain.body) // 2
    for accept in ("identity", "gzip;q=0", "br;q=0, *;q=0", ""):
        assert "content-encoding" not in server.ask("/api/v1/big", headers={"Accept-Encoding": accept}).headers, accept
    assert "content-encoding" not in server.ask("/api/v1/big?bytes=100", headers={"Accept-Encoding": "gzip"}).headers
    for kind, packs in (("application/vnd.apple.mpegurl; charset=utf-8", True), ("text/vtt; charset=utf-8", True), ("video/mp4", False)):
        a = server.ask(f"/api/v1/typed?text={kind.replace(' ', '%20')}", headers={"Accept-Encoding": "gzip"})
        assert ("content-encoding" in a.headers) == packs and a.headers["content-type"] == kind, a.headers
    assert "content-encoding" not in server.ask("/api/v1/file", headers={"Accept-Encoding": "gzip"}).headers


def test_a_file_is_sent_in_parts(_):
    whole = server.ask("/api/v1/file")
    assert whole.status == 200 and whole.body == content and whole.headers["content-type"] == "video/mp4", whole.headers
    assert whole.headers["accept-ranges"] == "bytes" and whole.headers["last-modified"]
    for text, first, last in (("0-0", 0, 0), ("10-19", 10, 19), ("299990-", 299990, SIZE - 1), ("-5", SIZE - 5, SIZE - 1),
                              ("0-99999999999999999999", 0, SIZE - 1), ("-9999999", 0, SIZE - 1)):
        a = server.ask("/api/v1/file", headers={"Range": f"bytes={text}"})
        assert a.status == 206 and a.body == content[first:last + 1], (text, a.status)
        assert a.headers["content-range"] == f"bytes {first}-{last}/{SIZE}", a.headers
    for text in ("300000-", "-0", "400000-500000"):
        a = server.ask("/api/v1/file", headers={"Range": f"bytes={text}"})
        is_problem(a, 416)
        assert a.headers["content-range"] == f"bytes */{SIZE}", a.headers
    for text in ("bytes=0-1,5-6", "bytes=5-1", "bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=0-1x", "0-1", "bytes=--1"):
        a = server.ask("/api/v1/file", headers={"Range": text})
        assert a.status == 200 and len(a.body) == SIZE, (text, a.status)


def test_a_file_is_sent_only_when_it_changed(_):
    a = server.ask("/api/v1/file")
    part = {"Range": "bytes=0-9"}
    assert server.status("/api/v1/file", headers={"If-None-Match": a.headers["etag"]}) == 304
    assert server.status("/api/v1/file", headers={"If-Modified-Since": a.headers["last-modified"]}) == 304
    assert server.status("/api/v1/file", headers={"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 200
    assert server.status("/api/v1/file", headers={"If-Modified-Since": a.headers["last-modified"], "If-None-Match": '"x"'}) == 200
    for same, status in ((a.headers["etag"], 206), (a.headers["last-modified"], 206), ('"x"', 200), ("W/" + a.headers["etag"], 200),
                         ("Sun, 06 Nov 1994 08:49:37 GMT", 200)):
        assert server.status("/api/v1/file", headers={**part, "If-Range": same}) == status, same
    assert server.ask("/api/v1/file", "HEAD").headers["content-length"] == str(SIZE)


def test_a_file_that_is_gone_or_a_link_is_not_there(folder):
    film = folder / "a film.mp4"
    away = film.rename(folder / "away.mp4")
    is_problem(server.ask("/api/v1/file"), 404)
    film.symlink_to("/etc/passwd")
    is_problem(server.ask("/api/v1/file"), 404)
    film.unlink()
    os.mkfifo(film)
    is_problem(server.ask("/api/v1/file"), 404)
    film.unlink()
    away.rename(film)
    assert server.status("/api/v1/file") == 200


# ---- many at once ----

def test_requests_that_take_long_hold_up_no_other(_):
    threads = [threading.Thread(target=server.ask, args=("/api/v1/slow?ms=600",)) for _ in range(12)]
    for t in threads:
        t.start()
    time.sleep(0.1)
    began = time.monotonic()
    for _ in range(20):
        assert server.status("/api/v1/echo") == 200
    took = time.monotonic() - began
    for t in threads:
        t.join()
    assert took < 0.6 * SLOW, f"20 quick requests took {took:.2f} s beside 12 slow ones"


def test_too_many_that_take_long_are_sent_away(_):
    connections = [http.client.HTTPConnection(server.host, server.port, timeout=60) for _ in range(120)]
    for c in connections:
        c.request("GET", "/api/v1/slow?ms=50")
    statuses = [read_answer(c.sock) for c in connections]
    assert {a.status for a in statuses} == {200, 503}, {a.status for a in statuses}
    busy = next(a for a in statuses if a.status == 503)
    is_problem(busy, 503)
    assert busy.headers["retry-after"] and sum(a.status == 200 for a in statuses) >= 64


def test_connections_are_kept_and_requests_may_be_sent_ahead(_):
    with server.connect() as c, c.makefile("rb") as f:
        c.sendall(b"".join(b"GET /api/v1/echo?n=%d HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (n, b"Connection: close\r\n" * (n == 5))
                           for n in range(1, 6)))
        assert re.findall(rb'"n":(\d)', f.read()) == [b"1", b"2", b"3", b"4", b"5"]
    c = http.client.HTTPConnection(server.host, server.port, timeout=20)
    for n in range(1, 50):
        assert server.ask(f"/api/v1/echo?n={n}", connection=c).json["n"] == n
    assert server.ask("/api/v1/nope", connection=c).status == 404
    assert server.ask("/api/v1/echo?n=1", connection=c).json["n"] == 1
    c.close()


# ---- event streams ----

class Events:
    def __init__(self, **headers):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=10 * SLOW)
        self.connection.request("GET", "/api/v1/events", headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200 and self.response.getheader("Content-Type") == "text/event-stream"

    def next(self):
        """{"id":, "event":, "data":}"""
        event = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if not line and event:
                return event
            if line and not line.startswith(":"):
                key, _, value = line.partition(": ")
                event[key] = value

    def close(self):
        self.connection.close()


def post(text):
    assert server.status("/api/v1/events", "POST", {"text": text}) == 204


def test_events_reach_all_who_listen(_):
    readers = [Events() for _ in range(20)]
    for r in readers:
        assert r.next() == {"event": "state", "data": '{"now":true}'}
    for n in range(30):
        post(f"event {n}")
    last = None
    for r in readers:
        got = [r.next() for _ in range(30)]
        assert [e["data"] for e in got] == [f"event {n}" for n in range(30)], got
        last = int(got[-1]["id"])
        assert [int(e["id"]) for e in got] == list(range(last - 29, last + 1))
    for r in readers:
        r.close()
    again = Events(**{"Last-Event-ID": str(last - 2)})
    assert again.next()["event"] == "state" and [again.next()["data"] for _ in range(2)] == ["event 28", "event 29"]
    again.close()


def test_an_event_of_several_lines_is_none(_):
    r = Events()
    r.next()
    post("a\nevent: forged\ndata: x")
    post("after it")
    assert r.next()["data"] == "after it"
    r.close()


def test_waiting_streams_hold_up_nobody_and_have_a_limit(_):
    # those of the tests before are noticed to be gone when something is sent to them
    assert wait_until(lambda: post("sweep") or metric("kinora_http_streams") == 0, 10, 0.1), metric("kinora_http_streams")
    readers = [Events() for _ in range(64)]
    a = server.ask("/api/v1/events")
    is_problem(a, 503)
    for _ in range(20):
        assert server.status("/api/v1/echo") == 200
    assert metric("kinora_http_streams") == 64
    for r in readers:
        r.close()
    assert wait_until(lambda: post("sweep") or metric("kinora_http_streams") == 0, 10, 0.1)


# ---- what those see who look after it ----

def metric(name, text=None):
    text = text or server.ask("/metrics").body.decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.split(" ")[0].split("{")[0] == name)


def test_metrics_count(_):
    line = 'kinora_http_requests_total{method="GET",route="/api/v1/fail",status="409"}'
    before = server.ask("/metrics").body.decode()
    for _ in range(3):
        server.ask("/api/v1/fail?code=409")
    after = server.ask("/metrics").body.decode()

    def value(text):
        return next((float(row.rpartition(" ")[2]) for row in text.splitlines() if row.startswith(line)), 0)
    assert value(after) - value(before) == 3, after
    assert metric("kinora_http_request_duration_seconds_count", after) == metric("kinora_http_requests_total", after) > 100
    assert metric("kinora_http_connections") >= 1 and metric("process_resident_memory_bytes") > 1e6
    names = [row.split()[2] for row in after.splitlines() if row.startswith("# TYPE")]
    assert len(names) == len(set(names)), names


def test_the_access_log_tells_what_and_keeps_what_is_private(_):
    server.ask("/api/v1/echo?text=secretly", headers={"User-Agent": "a \"quoted\"\x7fagent", "Authorization": "Bearer hunter2hunter2"})
    assert wait_until(lambda: any("quoted" in str(line.get("agent")) for line in server.log_lines), 5)
    line = next(line for line in server.log_lines if "quoted" in str(line.get("agent")))
    assert (line["method"], line["path"], line["route"], line["status"]) == ("GET", "/api/v1/echo", "/api/v1/echo", 200), line
    assert line["bytes"] > 50 and 0 <= line["ms"] < 1000 and line["address"] == "127.0.0.1" and line["time"].endswith("Z"), line
    assert "secretly" not in server.log and "hunter2" not in server.log


def test_health(_):
    assert server.ask("/health").body == b"ok\n" and server.ask("/ready").body == b"ready\n"
    a = server.ask("/")
    is_protected(a)
    assert "script-src 'self'" in a.headers["content-security-policy"], a.headers


def test_ready_is_said_of_what_can_answer(folder):
    """While it is made ready, and when it cannot answer later on; what comes meanwhile holds up nobody."""
    with Server(folder, [*server.command, "preparing"], KINORA_TOKEN="a token of enough letters") as s:
        signed = {"Authorization": "Bearer a token of enough letters"}
        told = is_problem(s.ask("/ready"), 503)
        assert "made ready" in told["detail"], told
        assert s.ask("/health").body == b"ok\n"
        assert s.status("/api/v1/echo?n=1", headers=signed) == 200
        assert s.status("/api/v1/state", "PUT", {"text": "able"}, signed) == 204
        assert wait_until(lambda: s.status("/ready") == 200, 5)
        assert s.status("/api/v1/state", "PUT", {"text": "unable"}, signed) == 204
        assert wait_until(lambda: s.status("/ready") == 503, 5)
        assert is_problem(s.ask("/ready"), 503)["detail"] == "the library cannot answer: the log says why"
        assert "the shelf is bare" in is_problem(s.ask("/ready", headers=signed), 503)["detail"]
        assert s.status("/api/v1/state", "PUT", {"text": "able"}, signed) == 204
        assert wait_until(lambda: s.status("/ready") == 200, 5)
        assert s.log.count("not ready: the shelf is bare") == s.log.count("ready again") == 1, s.log
    with Server(folder, [*server.command, "unable"]) as s:
        assert wait_until(lambda: "bare" in is_problem(s.ask("/ready"), 503)["detail"], 5)
        s.process.terminate()  # it does not wait to try again
        s.process.wait(4 * SLOW)


# ---- the end ----

def test_it_ends_what_was_begun(folder):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(server.status("/api/v1/slow?ms=800"))) for _ in range(4)]
    idle, stream = server.connect(), Events()
    stream.next()
    for t in threads:
        t.start()
    time.sleep(0.3)
    server.process.terminate()
    assert wait_until(lambda: refuses(server.host, server.port), 3), "it still takes connections"
    for t in threads:
        t.join()
    assert answers == [200] * 4, answers
    assert stream.response.read() == b"", "the stream has an end"
    began = time.monotonic()
    server.__exit__(None)
    assert time.monotonic() - began < 8, "idle connections hold it"
    idle.close()


def refuses(host, port):
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return True
    return False


def main():
    tests = [f for name, f in sorted(globals().items(), key=lambda i: getattr(i[1], "__code__", None) and i[1].__code__.co_firstlineno or 0)
             if name.startswith("test_")]
    try:
        run("http-core", tests)
    finally:
        if server and server.process.poll() is None:
            server.process.kill()


if __name__ == "__main__":
    main()
