"""bench/page.py [--titles N]: how long the wall takes to its first posters with N titles (5,000), and how smoothly it scrolls. Run by
bench/page with the Python of `make browser-venv`. Asked for: first paint under 1 s."""
import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOADS = 7
WORDS = "storm harbour oath lantern whale orchard verdict attic waltz soup trumpet vault orbit cellar letter train".split()

# When the first card with its name was painted, in the page's own clock, which begins with the navigation.
WATCH = """new MutationObserver((_, me) => {
    if (!document.querySelector('.wall .card-name')) return;
    me.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.wallAt = performance.now(); }));
}).observe(document, {childList: true, subtree: true});"""

# Scrolls the whole wall in 240 steps, one a frame; milliseconds of each frame.
SCROLL = """async () => {
    const frames = [], all = document.documentElement.scrollHeight - innerHeight;
    let before = await new Promise(requestAnimationFrame);
    for (let i = 1; i <= 240; i++) {
        scrollTo(0, (all * i) / 240);
        const now = await new Promise(requestAnimationFrame);
        frames.push(now - before);
        before = now;
    }
    return frames;
}"""


def library(folder, titles):
    rng = random.Random(8)
    rows = pathlib.Path(folder, "titles.jsonl")
    with open(rows, "w", encoding="utf-8") as out:
        for i in range(titles):
            words = rng.sample(WORDS, 3)
            out.write(json.dumps({"title": f"The {words[0].title()} and the {words[1].title()} {i}", "text": f"A {words[2]} and a {words[0]}.",
                                  "language": rng.choice(["en", "es", "fr"])}) + "\n")
    kinora = [ROOT / "build/kinora", "--library", f"{folder}/library", "--models", ROOT / "build/models"]
    subprocess.run([*kinora, "import", rows, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return kinora


def measure(address):
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        painted = []
        for _ in range(LOADS):  # each with an empty cache
            page = chromium.new_page(viewport={"width": 1920, "height": 1080})
            page.add_init_script(WATCH)
            page.goto(address)
            page.locator(".wall .card-name").first.wait_for()
            page.wait_for_timeout(100)
            painted.append(page.evaluate("window.wallAt"))
            if len(painted) < LOADS:
                page.close()
        frames = page.evaluate(SCROLL)
        cards = page.evaluate("document.querySelectorAll('.wall .card').length")
        chromium.close()
    return painted, sorted(frames), cards


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--titles", type=int, default=5000)
    o = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kinora = library(folder, o.titles)
        server = subprocess.Popen([*kinora, "serve", "--listen", "127.0.0.1:0", "--access-log", "/dev/null"],
                                  stdout=subprocess.PIPE, text=True)
        try:
            painted, frames, cards = measure(server.stdout.readline().split()[-1])
        finally:
            server.terminate()
            server.wait()
    print(f"page: {o.titles} titles, 1920x1080, {LOADS} loads: first cards after {statistics.median(painted):.0f} ms (median; "
          f"{min(painted):.0f} to {max(painted):.0f}); the wall scrolled through in {len(frames)} frames: median {statistics.median(frames):.0f} ms, "
          f"99 of 100 within {frames[int(len(frames) * .99)]:.0f} ms; {cards} cards in the document; load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
