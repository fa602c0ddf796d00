#!/usr/bin/env python3
"""A stand-in for the servers that models are fetched from, with their bad days.

Prints its port, then serves one fixed file of 1 MiB (byte i is i * 31 + i // 256, modulo 256) until its
standard input ends:

    /file          with ranges
    /norange       ignores ranges
    /breaks        breaks off after 300,000 bytes of every answer
    /busy/N/A      429 with "Retry-After: A" N times, then the file
    /down/N/A      503 likewise
    /long          says and sends one byte more than the file
    /moved         redirects to /file
    /round         redirects to itself
    /stuck         sends 300,000 bytes, then nothing
    /log           the requests so far, one a line: path, range
    /connections   how many there were
POST and PUT, whose requests stand in the log with their method: /busy and /down as above and then an echo, /breaks (breaks off in
its answer, each time), /once (closes the connection once without an answer, then an echo) and
    /echo          the method, the header X-Secret and the body, one a line
    /slow          the same after a second
Everything else is 404.
"""

import http.server
import sys
import threading
import time

FILE = bytes((i * 31 + i // 256) % 256 for i in range(1 << 20))
BREAK = 300_000
log = []
failed = {}
connections = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        connections.append(self.client_address)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        log.append(f"{self.path} {self.command}")
        kind, *rest = self.path.strip("/").split("/")
        if kind in ("busy", "down", "once"):
            failed[self.path] = failed.get(self.path, 0) + 1
        if kind in ("busy", "down") and failed[self.path] <= int(rest[0]):
            return self.answer(429 if kind == "busy" else 503, b"later", ("Retry-After", rest[1]))
        if kind == "once" and failed[self.path] == 1:
            self.close_connection = True
            return None
        if kind == "slow":
            time.sleep(1)
        if kind == "breaks":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
            return None
        if kind not in ("busy", "down", "once", "slow", "echo"):
            return self.answer(404, b"no such place")
        return self.answer(200, f"{self.command}\n{self.headers.get('X-Secret')}\n".encode() + body)

    do_PUT = do_POST

    def do_GET(self):
        log.append(f"{self.path} {self.headers.get('Range', '-')}")
        kind, *rest = self.path.strip("/").split("/")
        if kind in ("busy", "down"):
            failed[self.path] = failed.get(self.path, 0) + 1
            if failed[self.path] <= int(rest[0]):
                return self.answer(429 if kind == "busy" else 503, b"later", ("Retry-After", rest[1]))
            kind = "file"
        if kind == "log":
            return self.answer(200, "".join(line + "\n" for line in log[:-1]).encode())
        if kind == "connections":
            return self.answer(200, str(len(connections)).encode())
        if kind in ("moved", "round"):
            return self.answer(302, b"", ("Location", "/file" if kind == "moved" else "/round"))
        if kind == "long":
            return self.answer(200, FILE + b"x")
        if kind not in ("file", "norange", "breaks", "stuck"):
            return self.answer(404, b"no such file, but a text that must not end up in one")
        return self.file(kind)

    def file(self, kind):
        start = 0
        header = self.headers.get("Range")
        if header and kind != "norange":
            start = int(header.removeprefix("bytes=").rstrip("-"))
            if start >= len(FILE):
                return self.answer(416, b"", ("Content-Range", f"bytes */{len(FILE)}"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(FILE) - 1}/{len(FILE)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(FILE) - start))
        self.end_headers()
        if kind not in ("breaks", "stuck"):
            self.wfile.write(FILE[start:])
            return
        self.wfile.write(FILE[start : start + BREAK])
        self.wfile.flush()
        if kind == "stuck":
            over.wait()
        self.close_connection = True

    def answer(self, status, body, *headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the tests


over = threading.Event()
server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
over.set()
