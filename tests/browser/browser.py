"""browser.py [--screenshots]  The page in Chromium, over `kinora serve` and the sample films.

--screenshots: writes docs/screenshots/ anew besides.
"""

import contextlib
import functools
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import expect

import stage
from e2e import DONE, TOP, run
from stage import BROKEN, DESKTOP, LATE, PHONE, Browser, Server, film, time_of, violations, wait_for

server = browser = None  # made by the first test
LANTERN, STAIRCASE = film("Lantern"), film("Hollow Staircase")
expect.set_options(timeout=stage.WAIT_MS)
VIEWS = ("library", "title", "search", "map", "ingest")
MOST_BYTES = 200_000  # of a screenshot
SHOWN = Path("/tmp/Films")  # where the films lie when pictures are kept, for it is seen on them
KEPT = TOP / "docs/screenshots" if "--screenshots" in sys.argv[1:] else None


def id_of(name):
    titles = server.get("titles?limit=200")["titles"]
    return next(t["id"] for t in titles if t["name"].startswith(name))


def address(view):
    return server.url + {"library": "/#/", "title": f"/#/title/{id_of('The Lantern Fleet')}?t=23", "map": "/#/map", "ingest": "/#/ingest",
                         "search": "/#/search?q=a+wedding+waltz+on+a+piano"}[view]


def ready(page, view):
    """Waits until a view shows all that it has."""
    shows = {"library": ".wall .card", "title": ".answers .why-panel", "search": ".hits .hit", "map": ".legend li", "ingest": ".failures li"}
    expect(page.locator(shows[view]).first).to_be_visible()
    expect(page.locator(".notice.waiting")).to_have_count(0)
    # Pictures out of sight are not loaded.
    wait_for(lambda: page.evaluate("""[...document.querySelectorAll('.poster img')].every((i) =>
        i.complete || i.getBoundingClientRect().top > innerHeight)"""), 15, "a picture does not come")
    return page


def view(name, **how):
    return ready(browser.open(address(name), **how), name)


def shoot(page, folder, name, how):
    into = KEPT or folder / "screenshots"
    into.mkdir(parents=True, exist_ok=True)
    raw, kept = folder / "shot.png", into / f"{name}-{how}.png"
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(300)  # pictures fade in
    page.screenshot(path=raw)
    palette = "split[a][b];[a]palettegen=max_colors=200[p];[b][p]paletteuse=dither=none"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", raw, "-vf", palette, kept], check=True)
    assert kept.stat().st_size < MOST_BYTES, f"{kept.name}: {kept.stat().st_size} bytes"


def card(page, name):
    return page.locator(".wall .card").filter(has_text=name)


# ---- library ----

def test_wall(folder):
    """Every title has its card, with name, language, length and mood; a failed one says so."""
    global server, browser
    server, browser = Server(*stage.make_library(folder, SHOWN if KEPT else None)).start(), Browser()
    page = view("library")
    expect(page.locator(".wall .card")).to_have_count(16)
    facts = card(page, "Sopa para cien").locator(".facts")
    expect(facts).to_contain_text("Spanish")
    expect(facts).to_contain_text("47 s")
    expect(facts.locator(".mood")).to_be_visible()
    expect(card(page, BROKEN)).to_contain_text("Failed")


def test_filter_and_order(folder):
    """Typing narrows the wall at once, without accents; language and order are as chosen, and in the address."""
    page = view("library")
    page.get_by_label("Find a film").fill("desvan")
    expect(page.locator(".wall .card")).to_have_count(1)
    expect(page.locator(".count")).to_have_text("1 film")
    page.get_by_label("Find a film").fill("zzzz")
    page.get_by_role("button", name="Show all films").click()
    page.locator(".bar").get_by_label("Language").select_option("es")
    expect(page.locator(".wall .card")).to_have_count(5)
    page.get_by_label("Order").select_option("duration")
    page.reload()
    expect(page.locator(".wall .card")).to_have_count(5)
    longest = max((f for f in stage.FILMS if f["language"] == "es"), key=lambda f: f["duration"])
    expect(page.locator(".wall .card").first).to_contain_text(longest["title"])


# ---- a title ----

def test_transcript_follows_and_jumps(folder):
    page = view("title")
    current = page.locator(".line[aria-current=true]")
    expect(current).to_contain_text("We can turn back now")
    page.locator(".line").filter(has_text="little robot").click()
    start = next(s["start"] for s in LANTERN["sentences"] if "little robot" in s["text"])
    wait_for(lambda: start <= time_of(page) < start + 4, 10, f"{time_of(page)} s, not {start} s")
    expect(current).to_contain_text("little robot")
    wait_for(lambda: time_of(page) > start + 0.5, 10, "it does not play")


def test_arc(folder):
    """A click on the arc goes to the moment there; it is a slider for keys and readers."""
    page = view("title")
    arc = page.get_by_role("slider", name="Emotional arc")
    box = arc.bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    beats = server.get(f"titles/{id_of('The Lantern Fleet')}")["arc"]
    wait_for(lambda: abs(time_of(page) - beats[-1]["start"]) < 3, 10, "not at the last moment")
    arc.press("Home")
    wait_for(lambda: abs(time_of(page) - beats[0]["start"]) < 3, 10, "not at the first moment")
    expect(arc).to_have_attribute("aria-valuenow", "1")


def names(page):
    return page.locator(".answers .card-name").all_inner_texts()


def test_more_like_this(folder):
    """Cards with both parts of the score; why is two moments, each of which plays."""
    page = view("title")
    assert "Nine Suns" in names(page)[0], names(page)
    expect(page.locator(".answer").first.locator(".parts")).to_contain_text("meaning")
    moments = page.locator(".why-panel .moment")
    expect(moments).to_have_count(2)
    for i in (0, 1):
        moments.nth(i).get_by_role("button").click()
        playing = moments.nth(i).locator("video")
        wait_for(lambda: playing.evaluate("v => !v.paused && v.currentTime > 0"), 10, "the moment does not play")
        start = float(playing.get_attribute("src").split("t=")[1].split(",")[0])
        assert playing.evaluate("v => v.currentTime") >= start - 0.3
    expect(page.locator(".moment video")).to_have_count(1)


def test_sliders_reorder(folder):
    page = view("title")
    before = names(page)
    page.get_by_label("What counts").fill("1")
    wait_for(lambda: names(page) != before, 10, "the order stays")
    answer = server.get(f"titles/{id_of('The Lantern Fleet')}/similar?weight_similarity=0&weight_opinion=1&limit=12")
    wait_for(lambda: names(page)[0].startswith(answer["recommendations"][0]["title"]["name"].split(" - ")[0]), 10, "another order than the API's")
    page.get_by_role("button", name="As it was").click()
    wait_for(lambda: names(page) == before, 10, "the order does not come back")
    page.get_by_label("Variety").fill("1")
    wait_for(lambda: names(page) != before, 10, "the order stays")
    answer = server.get(f"titles/{id_of('The Lantern Fleet')}/similar?diversity=1&limit=12")
    assert [r["title"]["name"].split(" - ")[0] for r in answer["recommendations"]] == [n.split("\n")[0] for n in names(page)], names(page)
    page.get_by_role("button", name="As it was").click()
    page.locator(".wishes").get_by_label("All", exact=True).check(force=True)
    expect(page.locator(".answers .facts").filter(has_text="Spanish").first).to_be_visible()


# ---- search ----

def test_search_plays_at_that_second(folder):
    page = browser.open(server.url + "/#/search")
    page.keyboard.type("a wedding waltz on a piano without strings")
    first = page.locator(".hit").first
    expect(first).to_contain_text("The Hollow Staircase")
    expect(first.locator("mark").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("The Hollow Staircase")
    phrase = STAIRCASE["phrase"]
    wait_for(lambda: time_of(page) > phrase["start"] - 1, 10, f"{time_of(page)} s, not {phrase['start']} s")
    assert time_of(page) < phrase["end"]
    wait_for(lambda: page.evaluate("!document.querySelector('.stage video').paused"), 10, "it does not play")


def test_what_says_the_words_is_found_first(folder):
    expect(view("search").locator(".hit").first).to_contain_text("The Hollow Staircase")


def test_search_without_an_answer(folder):
    page = browser.open(server.url + "/#/search?q=xylophone+zebra&mode=words")
    expect(page.get_by_role("heading", name="No such moment")).to_be_visible()
    page.get_by_label("Meaning").check(force=True)
    expect(page.locator(".hit").first).to_be_visible()


# ---- map ----

def test_map(folder):
    """Several films, chosen by keys or within a lasso, are what is asked with."""
    page = view("map")
    canvas = page.locator("canvas")
    canvas.focus()
    canvas.press("Space")
    expect(page.locator(".chip")).to_have_count(1)
    for arrow in ("ArrowRight", "ArrowLeft"):  # one of them leads to another film
        canvas.press(arrow)
    said = page.locator(".map-frame [aria-live]")
    expect(said).not_to_contain_text("Chosen")
    canvas.press("Space")
    expect(said).to_contain_text("Chosen")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator(".answers .answer").first).to_be_visible()
    page.get_by_role("button", name="Choose none").click()
    page.get_by_label("Lasso").check(force=True)
    box = canvas.bounding_box()
    corners = ((0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98))
    for i, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if i == 0:
            page.mouse.down()
    page.mouse.up()
    expect(page.locator(".chosen .count")).to_have_text("15 chosen")
    page.get_by_role("button", name="Choose none").click()
    page.get_by_role("radio", name="Move").check(force=True)

    # A pointer over a film says which it is; coming closer and going back leads to where it was.
    def met():
        for step in range(24 * 16):
            page.mouse.move(box["x"] + (step % 24 + 0.5) / 24 * box["width"], box["y"] + (step // 24 + 0.5) / 16 * box["height"])
            if said.text_content():
                return True
        return False
    assert met(), "no film under any of 384 places"
    page.mouse.move(0, 0)
    expect(said).to_have_text("")
    drawn = "document.querySelector('canvas').toDataURL()"
    wait_for(lambda: page.evaluate(drawn) == page.evaluate(drawn), 5, "it does not come to rest")
    whole = page.evaluate(drawn)
    page.get_by_role("button", name="Closer").click()
    wait_for(lambda: page.evaluate(drawn) != whole, 5, "it does not come closer")
    page.get_by_role("button", name="Whole map").click()
    page.mouse.move(0, 0)
    wait_for(lambda: page.evaluate(drawn) == whole, 5, "it does not go back")
    for by, names_it in (("Group", "sombre"), ("Language", "Spanish")):
        page.get_by_label(by, exact=True).check(force=True)
        if by == "Group":
            expect(page.locator(".legend")).not_to_contain_text(names_it)
        else:
            expect(page.locator(".legend")).to_contain_text(names_it)
        wait_for(lambda: page.evaluate(drawn) != whole, 5, f"{by} colours nothing")


# ---- ingest ----

def test_a_new_film_appears(folder):
    """A film that arrives is heard stage by stage, and is on another page's wall without its being loaded again."""
    wall = view("library")
    page = view("ingest")
    shutil.copy(stage.SAMPLES / film("Velvet")["file"], server.films)
    page.get_by_label("Folder on the machine").fill(str(server.films))
    page.keyboard.press("Enter")
    expect(page.locator(".running .under-name")).to_have_text("The Velvet Vault")
    expect(page.locator(".under-stage")).to_contain_text("Listening")
    expect(wall.locator(".badge")).to_be_visible()
    shoot(page, folder, "ingest", "desktop-dark")
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="light")
    shoot(page, folder, "ingest", "phone-light")
    expect(card(wall, "The Velvet Vault")).to_be_visible(timeout=60000 * stage.SLOW)
    expect(page.locator(".rest")).to_contain_text("Done: 1 film added")
    expect(page.get_by_role("link", name="The Velvet Vault")).to_be_visible()


def test_what_others_change_shows(folder):
    """What another process adds and takes away is on the wall without its being loaded again; also when the tab was hidden meanwhile."""
    def hidden(yes):
        page.evaluate("yes => { Object.defineProperty(document, 'hidden', {value: yes, configurable: true});"
                      " document.dispatchEvent(new Event('visibilitychange')); }", yes)
    rows = folder / "others.jsonl"
    rows.write_text('{"title": "Elsewhere", "language": "en", "text": "It was put here by somebody else."}\n', encoding="utf-8")
    page = view("library")
    for while_hidden in (False, True):
        for command, cards in ((("import", rows), 1), (("forget", "Elsewhere", "--yes"), 0)):
            if while_hidden:
                hidden(True)
            server.kinora(*command, timeout=60, code=DONE)
            if while_hidden:
                page.wait_for_timeout(1500)
                expect(card(page, "Elsewhere")).to_have_count(1 - cards)  # a hidden tab is left alone
                hidden(False)
            expect(card(page, "Elsewhere")).to_have_count(cards)


def test_a_failing_title(folder):
    """Its reason is in the ingest's list and on its page, and it can be tried again."""
    page = view("ingest")
    row = page.locator(".failures li").filter(has_text=BROKEN)
    reason = next(t["reason"] for t in server.get("titles?state=failed")["titles"])
    expect(row).to_contain_text(reason)
    page.get_by_role("button", name="Try these again").click()
    expect(page.locator(".rest")).to_contain_text("1 failed")
    row.get_by_role("link").click()
    expect(page.locator(".notice")).to_contain_text(reason)
    shoot(page, folder, "failed", "desktop-dark")
    page.goto(server.url + "/#/title/00000000-0000-5000-8000-000000000000")
    expect(page.get_by_role("heading", name="Nothing is here.")).to_be_visible()


def test_a_folder_that_is_not_open(folder):
    """The page says with which command it would be."""
    page = view("ingest")
    expect(page.locator(".begin code")).to_have_count(0)
    page.get_by_label("Folder on the machine").fill("/etc/my films")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_be_visible()
    expect(page.locator(".begin code").first).to_have_text("kinora serve --allow-folder '/etc/my films'")


def test_problems_in_spanish(folder):
    page = view("ingest", language="es-ES")
    page.get_by_label("Carpeta en la máquina").fill("/etc")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_contain_text("Esta carpeta no está entre las que")
    expect(page.locator("[role=alert]")).to_contain_text("/etc")


def test_a_first_folder(folder):
    """An empty library says what it may take in, and takes it in from the page; where that is nothing, how a folder is opened."""
    films = folder / "first films"
    films.mkdir()
    shutil.copy(stage.SAMPLES / LANTERN["file"], films)
    (films / f"{LANTERN['name']}.en.srt").write_text(stage.subtitles(LANTERN["sentences"]), encoding="utf-8")
    closed = Server(stage.Kinora(folder / "first"), None).start()
    page = browser.open(closed.url)
    expect(page.locator(".notice")).to_contain_text("kinora serve --allow-folder")
    expect(page.get_by_role("link", name="Add films")).to_have_count(1)  # that of the head
    assert not violations(page), violations(page)
    shoot(page, folder, "empty", "desktop-dark")
    page.goto(f"{closed.url}/#/ingest")
    expect(page.locator(".begin code").last).to_contain_text("KINORA_ALLOW_FOLDER=/")
    assert not violations(page), violations(page)
    closed.stop()
    opened = Server(closed.kinora, films).start()
    page = browser.open(opened.url)
    expect(page.locator(".notice")).to_contain_text(str(films))
    page.locator(".notice").get_by_role("link", name="Add films").click()
    page.get_by_role("button", name="Listen to it").click()
    expect(page.locator(".rest")).to_contain_text("Done: 1 film added", timeout=60000 * stage.SLOW)
    opened.stop()


# ---- the whole ----

def test_restart(folder):
    """The server goes and comes back in mid-session: the page says so, and goes on where it was."""
    page = view("title")
    at = time_of(page)
    server.stop()
    page.get_by_label("What counts").fill("0.9")
    expect(page.locator(".lost")).to_contain_text("does not answer")
    server.start()
    expect(page.locator(".lost")).to_have_count(0)
    expect(page.locator(".answers .answer").first).to_be_visible()
    expect(page.locator(".failed")).to_have_count(0)
    page.keyboard.press("k")
    wait_for(lambda: time_of(page) > at, 15, "the film does not go on")


def test_keys_alone(folder):
    """From the wall to a playing moment and back without a pointer, at both widths."""
    for size in (DESKTOP, PHONE):
        page = view("library", size=size)
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("/")
        page.keyboard.type("lantern")
        expect(page.locator(".wall .card")).to_have_count(1)
        page.keyboard.press("ArrowDown")
        expect(card(page, "The Lantern Fleet")).to_be_focused()
        page.keyboard.press("Enter")
        ready(page, "title")
        page.keyboard.press("n")
        page.keyboard.press("k")
        wait_for(lambda: time_of(page) > 1.5, 10, "k does not play")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")  # the first closed the list of keys, the second goes back
        expect(card(page, "The Lantern Fleet")).to_be_visible()
        page.keyboard.press("s")
        expect(page.locator("#phrase")).to_be_focused()
        page.keyboard.type("glowing blue feather")
        expect(page.locator(".hit").first).to_contain_text("Lantern")
        page.keyboard.press("ArrowDown")
        expect(page.locator(".hit").first).to_be_focused()
        page.keyboard.press("b")
        ready(page, "library")
        on_card = "document.activeElement.matches('.wall .card') && document.activeElement.textContent"
        for _ in range(6):
            page.keyboard.press("Tab")
            first = page.evaluate(on_card)
            if first:
                break
        assert first, "Tab does not lead to the wall"
        page.keyboard.press("ArrowRight")
        wait_for(lambda: page.evaluate(on_card) not in (False, first), 5, "arrow keys do not move on the wall")


def tab_to(page, place):
    for _ in range(120):
        if place.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {place}")


def test_keys_alone_everywhere(folder):
    """Tab leads to all that does something on the other views, and keys alone do it, at both widths."""
    for size in (DESKTOP, PHONE):
        page = view("title", size=size)
        before = names(page)
        tab_to(page, page.get_by_label("What counts"))
        page.keyboard.press("End")
        wait_for(lambda: names(page) != before, 10, "End on the slider changes nothing")
        tab_to(page, page.locator(".answer").nth(1).get_by_role("button"))
        page.keyboard.press("Enter")
        expect(page.locator(".answer").nth(1).get_by_role("button")).to_have_attribute("aria-expanded", "true")
        expect(page.locator(".why-panel")).to_have_count(1)
        tab_to(page, page.locator(".why-panel .moment").nth(1).get_by_role("button"))
        page.keyboard.press("Enter")
        playing = page.locator(".why-panel .moment").nth(1).locator("video")
        wait_for(lambda: playing.evaluate("v => !v.paused && v.currentTime > 0"), 10, "the moment does not play")
        page.keyboard.press("m")
        ready(page, "map")
        tab_to(page, page.locator("canvas"))
        page.keyboard.press("Space")
        expect(page.locator(".chip")).to_have_count(1)
        expect(page.locator(".answers .answer").first).to_be_visible()
        page.keyboard.press("a")
        ready(page, "ingest")
        tab_to(page, page.get_by_label("Folder on the machine"))
        page.keyboard.type(str(server.films))
        page.keyboard.press("Enter")
        expect(page.locator(".rest")).to_contain_text("Done")
        page.context.close()


COVERED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), bar = document.querySelector('nav'), top = bar.getBoundingClientRect().top;
  const covered = e !== document.body && !bar.contains(e) && !e.closest('.head') && box.bottom > top + 1;
  return [e.outerHTML, covered && `${e.outerHTML.slice(0, 120)} down to ${box.bottom}, the bar from ${top}`];
}"""


def test_the_bar_covers_nothing_in_focus(folder):
    """On a phone, whatever Tab leads to is seen whole above the bar at the bottom."""
    for name in VIEWS:
        page = view(name, size=PHONE)
        if name == "map":
            page.locator("canvas").press("Space")
            expect(page.locator(".why-panel")).to_be_visible()
            tools, bar = page.locator(".map-tools").bounding_box(), page.locator("nav").bounding_box()
            page.evaluate("scrollTo(0, 0)")
            assert tools["y"] + tools["height"] < bar["y"], f"the map's buttons lie behind the bar: {tools}, {bar}"
            page.evaluate("document.activeElement.blur()")
        met = set()
        for _ in range(70):
            page.keyboard.press("Tab")
            what, covered = page.evaluate(COVERED)
            assert not covered, f"{name}: {covered}"
            if what.startswith('<a class="skip"') and met:
                break
            met.add(what)
        assert len(met) > 9, f"{name}: Tab led to {len(met)} places"
        page.context.close()


def test_accessible(folder):
    """axe finds nothing, on any view, in either theme, at either width; and no view is wider than the screen."""
    for name in VIEWS:
        page = view(name)
        if name == "map":
            page.locator("canvas").press("Space")
            expect(page.locator(".why-panel")).to_be_visible()
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            for scheme in ("dark", "light"):
                page.emulate_media(color_scheme=scheme)
                page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
                found = violations(page)
                assert not found, f"{name}, {scheme}, {size['width']}: {'; '.join(found)}"
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name}, {size['width']}: {wide} pixels too wide"


def test_accessible_where_nothing_is(folder):
    """axe finds nothing either where there is nothing to show, something failed, or a dialog is open."""
    failed = next(t["id"] for t in server.get("titles?state=failed")["titles"])
    for where, shown, key in ((f"title/{failed}", ".notice.failed", None), ("title/00000000-0000-5000-8000-000000000000", ".notice", None),
                              ("nowhere", ".notice", None), ("search", ".notice", None), ("search?q=xylophone+zebra&mode=words", ".notice h2", None),
                              ("?q=zzzz", ".wall .card, .notice", None), ("", ".wall .card", "?")):
        page = browser.open(f"{server.url}/#/{where}")
        expect(page.locator(shown).first).to_be_visible()
        if key:
            page.keyboard.press(key)
            expect(page.get_by_role("dialog")).to_be_visible()
        for size, scheme in ((DESKTOP, "dark"), (PHONE, "light")):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            found = violations(page)
            assert not found, f"{where}, {scheme}, {size['width']}: {'; '.join(found)}"


def test_spanish_and_theme(folder):
    """The browser's language and colours, until others are chosen; the choice is remembered."""
    page = view("library", language="es-MX", scheme="light")
    expect(page.locator("h1")).to_have_text("Biblioteca")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.get_by_label("Idioma").first.select_option("en")
    expect(page.locator("h1")).to_have_text("Library")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    wait_for(lambda: page.evaluate(paper) != light, 5, "it does not follow the system")
    dark = page.evaluate(paper)
    page.emulate_media(color_scheme="light")
    wait_for(lambda: page.evaluate(paper) == light, 5, "it does not follow the system back")
    page.get_by_role("button", name="Dark colours").click()
    page.add_init_script("""new MutationObserver((_, o) => document.body &&
        (o.disconnect(), window.first = document.documentElement.dataset.theme)).observe(document, {childList: true, subtree: true})""")
    page.reload()  # as soon as there is anything to paint, it is dark
    assert page.evaluate(paper) == dark and page.evaluate("first") == "dark"
    expect(page.locator("h1")).to_have_text("Library")


def test_markup_is_text(folder):
    """Names and words that are markup are shown as they are, and run nothing."""
    rows = folder / "hostile.jsonl"
    rows.write_text('{"title": "<img src=x onerror=stolen=1> Night", "language": "en", "text": "A <script>stolen = 1</script> '
                    'xylophone & <b onclick=stolen=1>brass</b> band. &lt;i&gt; is no tag."}\n', encoding="utf-8")
    server.kinora("import", rows, timeout=60, code=DONE)
    page = view("library")
    card(page, "Night").click()
    expect(page.locator("h1")).to_have_text("<img src=x onerror=stolen=1> Night")
    expect(page.locator(".line").first).to_contain_text("A <script>stolen = 1</script> xylophone & <b onclick=stolen=1>brass</b> band.")
    page.goto(server.url + "/#/search?q=xylophone&mode=words")
    expect(page.locator(".hit q")).to_contain_text("<b onclick=stolen=1>brass</b>")
    page.goto(server.url + "/#/map")
    ready(page, "map")
    assert page.evaluate("typeof stolen") == "undefined"
    server.kinora("forget", "Night", "--yes", code=DONE)


def test_sign_in_and_out(folder):
    """With a token the page asks for it once, until one signs out; then what the browser kept opens nothing."""
    (folder / "token").write_text("a-token-of-the-tests-0123456789abcdef\n")
    closed = Server(server.kinora, server.films, "--token-file", folder / "token").start()
    page = browser.open(closed.url)
    token, said, films = page.get_by_label("Token"), page.locator("[role=alert]"), page.locator(".wall .card")
    expect(token).to_be_focused()
    shoot(page, folder, "sign-in", "desktop-dark")
    token.focus()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(said).to_have_text("That is not the token.")
    assert not violations(page), violations(page)
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    token.fill("a-token-of-the-tests-0123456789abcdef")
    token.press("Enter")
    expect(films.first).to_be_visible()
    page.reload()
    expect(films.first).to_be_visible()
    page.goto(f"{closed.url}/#/title/{id_of('The Lantern Fleet')}")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Playlist").click()
    addresses = [line for line in saved.value.path().read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    with urllib.request.urlopen(addresses[0]) as played:  # by a player, which knows no token
        assert played.read() == (stage.SAMPLES / LANTERN["file"]).read_bytes()
    page.keyboard.press("b")
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        assert not violations(page), violations(page)
    [cookie] = page.context.cookies()
    page.locator(".language select").first.focus()
    page.keyboard.press("Tab")  # the colours
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    page.keyboard.press("Enter")
    expect(token).to_be_focused()
    expect(films).to_have_count(0)
    assert not page.context.cookies()
    kept = urllib.request.Request(f"{closed.url}/api/v1/titles", headers={"Cookie": f"{cookie['name']}={cookie['value']}"})
    with contextlib.suppress(urllib.error.HTTPError):
        raise AssertionError(f"the session goes on: {urllib.request.urlopen(kept).status}")
    page.get_by_label("Language").select_option("es")
    for _ in range(11):
        token.fill("adivinanza")
        token.press("Enter")
        expect(page.get_by_role("button", name="Entrar")).to_be_enabled()
    expect(said).to_contain_text("Ha fallado demasiadas veces")
    closed.stop()
    token.press("Enter")
    expect(page.locator(".sign-in [role=alert]")).to_contain_text("no ha respondido")
    closed.options = ()
    closed.start()
    expect(page.locator(".lost")).to_have_count(0)
    token.fill("whatever, it needs none now")
    token.press("Enter")
    expect(films.first).to_be_visible()
    expect(page.get_by_role("button", name="Cerrar sesión")).to_have_count(0)
    closed.stop()


def test_nothing_was_wrong(folder):
    """On no page of these tests did a script fail, was a rule of the policy broken, or anybody but the server asked."""
    browser.nothing_wrong()


def test_pictures(folder):
    """A screenshot of each view at both widths, small enough to be kept; others were taken where they came up."""
    for name in VIEWS[:-1]:
        for size, scheme in ((DESKTOP, "dark"), (PHONE, "light")):
            page = view(name, size=size, scheme=scheme)
            if name == "map":
                page.locator("canvas").press("Space")
                expect(page.locator(".why-panel")).to_be_visible()
            if name == "title" and size is DESKTOP:
                page.evaluate("scrollBy(0, document.querySelector('.arc').getBoundingClientRect().bottom - innerHeight + 24)")
            shoot(page, folder, name, f"{'phone' if size is PHONE else 'desktop'}-{scheme}")
    page = view("title", scheme="light")
    page.get_by_role("heading", name="More like this").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.querySelector('.similar').offsetTop - 80)")
    shoot(page, folder, "similar", "desktop-light")


def test_ends(folder):
    """SIGTERM ends the server while pages are open, with 0."""
    server.stop()
    browser.close()
    if KEPT:
        shutil.rmtree(SHOWN)


def alone(test):
    """With no page left of the tests before: each follows the server, and draws."""
    @functools.wraps(test)
    def tested(folder):
        try:
            test(folder)
        finally:
            if browser and test is not test_ends:
                browser.close_pages()
    return tested


TESTS = [test_wall, test_filter_and_order, test_transcript_follows_and_jumps, test_arc, test_more_like_this, test_sliders_reorder,
         test_search_plays_at_that_second, test_what_says_the_words_is_found_first,
         test_search_without_an_answer, test_map, test_a_new_film_appears, test_what_others_change_shows,
         test_a_failing_title,
         test_a_folder_that_is_not_open, test_problems_in_spanish, test_a_first_folder,
         test_restart, test_keys_alone, test_keys_alone_everywhere,
         test_the_bar_covers_nothing_in_focus, test_accessible, test_accessible_where_nothing_is, test_spanish_and_theme, test_markup_is_text,
         test_sign_in_and_out, test_pictures, test_nothing_was_wrong, test_ends]

if __name__ == "__main__":
    run("browser", [alone(test) for test in TESTS])
