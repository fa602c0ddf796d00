"""What the browser tests stand on: a library of the sample films, `kinora serve` over it, and Chromium.

Nothing is faked: the program, its page, the films and the models are the real ones. That films have subtitle files made of
their scripts spares the tests a minute of listening; the one that arrives during the tests has none, and is heard.
"""

import json
import os
import shutil
import signal
import socket
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from e2e import DONE, FILMS, SAMPLES, SLOW, TOP, Kinora, kill_group, wait_until

AXE = TOP / "build/web-packages/node_modules/axe-core/axe.min.js"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LATE = "The Velvet Vault - Official Trailer"  # arrives while the page is open
BROKEN = "Broken Reel"
WAIT_MS = 15000 * SLOW


def film(part):
    return next(f for f in FILMS if part in f["name"])


def subtitles(sentences):
    def stamp(seconds):
        ms = round(seconds * 1000)
        return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"
    return "\n".join(f"{i}\n{stamp(s['start'])} --> {stamp(s['end'])}\n{s['text']}\n" for i, s in enumerate(sentences, 1))


def make_library(folder, films=None):
    """All samples but the late one, and a film whose download broke off; in films, which is made."""
    kinora, films = Kinora(folder), films or folder / "films"
    films.mkdir()
    for f in FILMS:
        if f["name"] == LATE:
            continue
        shutil.copy(SAMPLES / f["file"], films)
        (films / f"{f['name']}.{f['language']}.srt").write_text(subtitles(f["sentences"]), encoding="utf-8")
    (films / f"{BROKEN}.mp4").write_bytes((SAMPLES / film("Lantern")["file"]).read_bytes()[:20000])
    kinora("ingest", films, timeout=120, code=DONE)
    return kinora, films


def is_free(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


class Server:
    """kinora serve, always on the same port, so that a page finds it again: one that the system lends to nobody meanwhile."""

    def __init__(self, kinora, films, *options):
        self.kinora, self.films, self.options = kinora, films, options
        lent_from = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        self.port = next(port for port in range(max(lent_from, 9000) - os.getpid() % 5000 - 1, 1023, -1) if is_free(port))
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        self.process = self.kinora.start("serve", "--listen", f"127.0.0.1:{self.port}",
                                         *(["--allow-folder", self.films] if self.films else []), "--access-log", self.kinora.folder / "access.log", *self.options)
        assert wait_until(self.answers, 10), f"kinora serve does not answer: {self.ended()}"
        return self

    def answers(self):
        try:
            return urllib.request.urlopen(f"{self.url}/health", timeout=2).status == 200
        except OSError:
            return False

    def ended(self):
        return self.process.stderr.read().decode() if self.process.poll() is not None else "it runs"

    def stop(self):
        os.kill(self.process.pid, signal.SIGTERM)
        try:
            self.process.communicate(timeout=20 * SLOW)
        except Exception:
            kill_group(self.process)
            raise
        assert self.process.returncode == 0, f"kinora serve ended with {self.process.returncode} on SIGTERM"

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=10 * SLOW) as answer:
            return json.load(answer)


class Browser:
    """Chromium as Debian has it. What no page may do is looked for on every page: scripts that fail, rules of the
    Content-Security-Policy that are broken, a request to anybody but the server."""

    def __init__(self):
        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(executable_path=shutil.which("chromium"))
        self.wrong = []

    def close_pages(self):
        for context in self.chromium.contexts:
            context.close()

    def close(self):
        self.chromium.close()
        self.playwright.stop()

    def open(self, url, size=None, scheme="dark", language="en-GB"):
        context = self.chromium.new_context(viewport=size or DESKTOP, color_scheme=scheme, locale=language, reduced_motion="reduce",
                                            has_touch=size is PHONE)
        context.set_default_timeout(WAIT_MS)
        page = context.new_page()
        page.on("pageerror", lambda e: self.wrong.append(f"script: {e}"))
        page.on("console", lambda m: "Content Security Policy" in m.text and self.wrong.append(m.text))
        page.on("request", lambda r: r.url.startswith((url.split("/#")[0], "blob:", "data:")) or self.wrong.append(f"asked {r.url}"))
        page.goto(url)
        return page

    def nothing_wrong(self):
        wrong, self.wrong = self.wrong, []
        assert not wrong, "; ".join(wrong[:5])


def violations(page):
    """What axe finds against WCAG 2.2 A and AA, and against what it calls best practice."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("""async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
        'best-practice']})).violations.map((v) => v.id + ' ' + v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + n.failureSummary).join(', '))""")
    return found


def time_of(page):
    return page.evaluate("document.querySelector('.stage video').currentTime")


def wait_for(what, seconds, why):
    until = time.monotonic() + seconds * SLOW
    while not what():
        assert time.monotonic() < until, why
        time.sleep(0.05)
