"""What the tests of the server share: a server under test, and requests to it, well made or not.

Stdlib only. What is sent can be given byte by byte (raw), since most that is tested here no client would send."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from e2e import KINORA, SLOW, die_with_us, environment, kill_group  # noqa: E402

TESTS = Path(KINORA).resolve().parent / "tests"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, {k.lower(): v for k, v in headers}, body

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:300]!r}"


class Server:
    """with Server(folder, command) as s: ... It ends by SIGTERM, must end with 0 and say nothing of sanitizers."""

    def __init__(self, folder, command=None, *args, **env):
        self.command = command or [KINORA, "serve", "--listen", "127.0.0.1:0", *args]
        self.log_file = Path(folder) / f"server-{time.monotonic_ns()}.log"
        self.env = environment(folder, **env)

    def __enter__(self):
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            env=self.env, process_group=0, preexec_fn=die_with_us)
        line = self.process.stdout.readline().decode()
        found = re.search(r"http://(\[[^\]]*\]|[^:]*):(\d+)/", line)
        if not found:
            self.process.wait(timeout=20)
            raise AssertionError(f"the server did not start: {line} {self.log}")
        self.host, self.port = found.group(1).strip("[]"), int(found.group(2))
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20 * SLOW)
        except subprocess.TimeoutExpired:
            kill_group(self.process)
            code = "no end within 20 s of SIGTERM"
        self.process.stdout.close()
        if kind is None:
            said = self.log
            assert "Sanitizer" not in said and "runtime error:" not in said, said[-3000:]
            assert code == 0, f"the server ended with {code}: {said[-2000:]}"

    @property
    def log(self):
        return self.log_file.read_text(errors="replace")

    @property
    def log_lines(self):
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def connect(self, timeout=10):
        return socket.create_connection((self.host, self.port), timeout=timeout * SLOW)

    def ask(self, path, method="GET", body=None, headers=(), connection=None):
        """One request; body: bytes, or anything else as JSON."""
        headers = dict(headers)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        c = connection or http.client.HTTPConnection(self.host, self.port, timeout=20 * SLOW)
        c.request(method, path, body=body, headers=headers)
        r = c.getresponse()
        answer = Answer(r.status, r.getheaders(), r.read())
        if not connection:
            c.close()
        return answer

    def raw(self, data, timeout=10, wait=True):
        """These bytes; all that comes back until the server closes (or, where it keeps the connection, one answer)."""
        with self.connect(timeout) as c:
            try:
                c.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough
            if not wait:
                return None
            return read_answer(c)

    def status(self, *args, **how):
        return self.ask(*args, **how).status

    def resident(self):
        """KiB."""
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text()).group(1))


def read_answer(c):
    """One answer from a socket; None: closed without one."""
    r = http.client.HTTPResponse(c)
    try:
        r.begin()
        return Answer(r.status, r.getheaders(), r.read())
    except (http.client.HTTPException, ConnectionError, TimeoutError, OSError):
        return None


def is_problem(answer, status):
    assert answer is not None, f"no answer, where {status} was expected"
    assert answer.status == status, f"{status} expected: {answer}"
    assert answer.headers.get("content-type") == "application/problem+json", answer.headers
    told = answer.json
    assert told["status"] == status and told["title"] and told["detail"] and told["type"], told
    is_protected(answer)
    return told


def is_protected(answer):
    for name, value in (("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")):
        assert answer.headers.get(name) == value, (name, answer.headers)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy, policy
    assert not [h for h in answer.headers if h.startswith("access-control-")], answer.headers


def make_library(folder):
    library = Path(folder) / "library"
    if not library.exists():
        subprocess.run([TESTS / "make-library", library], check=True, env={**os.environ})
    return library
