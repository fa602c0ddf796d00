"""What the end-to-end tests share: the program under test, temporary folders, and a line a test.

The tests drive the real program with real models and real media; README.md says how.
"""

import ctypes
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
KINORA = os.environ.get("KINORA", str(TOP / "build/kinora"))
MODELS = Path(os.environ.get("KINORA_MODELS", TOP / "build/models")).resolve()
SLOW = float(os.environ.get("KINORA_TEST_SLOW", "1"))
SAMPLES = TOP / "samples"
SHARED = Path("/nowhere") if os.environ.get("NOSHARED") else Path(os.environ.get("KINORA_SHARED", TOP.parent / "shared"))
FILMS = json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8"))["films"]

SPEECH, EMBEDDING, VOICE = "ggml-base-q8_0.bin", "multilingual-e5-small-q4_0.gguf", "ggml-silero-v6.2.0.bin"

DONE, FAILED, WRONG_USE, NOT_FOUND = 0, 1, 2, 3  # the program's exit codes


class Skip(Exception):
    """Raised by a test that cannot run here; its text says why."""


# ---- running the program ----

class Result:
    def __init__(self, args, code, out, err, seconds):
        self.args, self.code, self.seconds = args, code, seconds
        self.out, self.err = out, err

    def __str__(self):
        said = (self.err or self.out).strip()
        return f"`kinora {' '.join(map(readable, self.args))}` gave {self.code}: {said[:400] or '(nothing)'}"

    @property
    def json(self):
        """The one document of the output; of several lines (events) the last."""
        lines = self.out.splitlines()
        assert lines, f"no JSON from {self}"
        return parse_json(lines[-1])

    @property
    def lines(self):
        return [parse_json(line) for line in self.out.splitlines()]

    @property
    def said(self):
        """What a person or a program is told of a failure."""
        return self.out + self.err


def readable(arg):
    """An argument as it may stand in a message; a long one is cut."""
    text = os.fsencode(str(arg)).decode("utf-8", "backslashreplace")
    return text if len(text) <= 200 else text[:200] + "..."


def parse_json(line):
    def refuse(name):
        raise ValueError(f"{name} is not JSON")
    try:
        return json.loads(line, parse_constant=refuse)
    except ValueError as error:
        raise AssertionError(f"not JSON ({error}): {line[:200]}") from None


def environment(home, **changes):
    """Nothing of the user's own settings reaches the program."""
    keep = ("PATH", "LD_LIBRARY_PATH", "KINORA_DECODE", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
    env = {k: os.environ[k] for k in keep if k in os.environ}
    env.update(HOME=str(home), LC_ALL="C.UTF-8", TERM="dumb", KINORA_MODELS=str(MODELS))
    env.update({k: str(v) for k, v in changes.items() if v is not None})
    return env


LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def die_with_us():
    """A test that is killed leaves no ingest behind that loads the machine."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Kinora:
    """The program with its library, and a home that is empty but for them."""

    def __init__(self, folder, library=None, **env):
        self.folder = Path(folder)
        self.library = Path(library) if library else self.folder / "library"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.env = environment(self.folder, KINORA_LIBRARY=self.library, **env)

    def start(self, *args, prefix=(), **popen):
        """In a process group of its own, so that what is signalled is this and nothing else. Unbuffered: a test may
        read some lines and leave the rest to finish()."""
        command = [*prefix, KINORA, *(str(a) if isinstance(a, (int, float)) else a for a in args)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.env, bufsize=0, process_group=0, preexec_fn=die_with_us, **popen)

    def __call__(self, *args, prefix=(), timeout=60, code=None, cwd=None):
        """Runs to the end. code: the exit code that it must have."""
        began = time.monotonic()
        process = self.start(*args, prefix=prefix, cwd=cwd)
        return self.finish(process, args, began, timeout, code)

    def finish(self, process, args, began, timeout=60, code=None):
        try:
            out, err = process.communicate(timeout=timeout * SLOW)
        except subprocess.TimeoutExpired:
            kill_group(process)
            process.communicate()
            raise AssertionError(f"`kinora {' '.join(map(readable, args))}` did not end in {timeout * SLOW:.0f} s") from None
        result = Result(args, process.returncode, out.decode("utf-8"), err.decode("utf-8"), time.monotonic() - began)
        assert result.code >= 0, f"ended by {signal.Signals(-result.code).name}: {result}"
        assert "Sanitizer" not in result.err and "runtime error:" not in result.err, f"{result.err[:3000]}"
        assert code is None or result.code == code, f"exit code {code} expected, {result}"
        return result

    def json(self, *args, **how):
        """A command that must succeed, as JSON."""
        return self(*args, "--json", **{"code": DONE, **how}).json

    def titles(self):
        return self.json("list")["titles"]

    def by_name(self):
        return {t["name"]: t for t in self.titles()}


def kill_group(process, sig=signal.SIGKILL):
    try:
        os.killpg(process.pid, sig)
    except ProcessLookupError:
        pass


def children(pid):
    """Processes started by pid that are still there, as {pid: name}."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            head, _, rest = Path(f"/proc/{entry}/stat").read_text(errors="replace").rpartition(")")
        except OSError:
            continue  # gone meanwhile
        state, parent = rest.split()[:2]
        if int(parent) == pid and state != "Z":
            found[int(entry)] = head.partition("(")[2]
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(done, seconds, step=0.02):
    until = time.monotonic() + seconds * SLOW
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(step)
    return True


# ---- models that may not be read ----

def hollow_models(folder):
    """Model files of the right names and sizes with nothing in them: whoever loads one fails."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    for model in MODELS.iterdir():
        if model.suffix in (".bin", ".gguf", ".ftz"):
            with open(folder / model.name, "wb") as f:
                f.truncate(model.stat().st_size)
    return folder


def deaf_models(folder):
    """All but the speech model are the real ones: whoever listens fails."""
    folder = hollow_models(folder)
    for model in MODELS.iterdir():
        if model.name != SPEECH and model.suffix in (".gguf", ".ftz"):
            (folder / model.name).unlink()
            (folder / model.name).symlink_to(model)
    return folder


class Opened:
    """with Opened(folder) as o: ... o.names: the files in folder that somebody opened meanwhile (inotify)."""

    IN_OPEN, IN_NONBLOCK = 0x20, 0o4000

    def __init__(self, folder):
        self.folder, self.names = folder, set()

    def __enter__(self):
        self.fd = LIBC.inotify_init1(self.IN_NONBLOCK)
        if self.fd < 0 or LIBC.inotify_add_watch(self.fd, os.fsencode(self.folder), self.IN_OPEN) < 0:
            raise Skip(f"no inotify: {os.strerror(ctypes.get_errno())}")
        return self

    def __exit__(self, *_):
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            data = b""
        os.close(self.fd)
        while data:
            _, _, _, length = struct.unpack_from("iIII", data)
            name = data[16:16 + length].rstrip(b"\0").decode()
            if name:
                self.names.add(name)
            data = data[16 + length:]


# ---- file names in JSON ----

def unescape(text):
    """The bytes of a path in JSON: U+F780..U+F7FF stand for the bytes 0x80..0xFF that are not UTF-8."""
    out = bytearray()
    for c in text:
        out += bytes([ord(c) - 0xF780 + 0x80]) if 0xF780 <= ord(c) <= 0xF7FF else c.encode("utf-8")
    return bytes(out)


# ---- shapes ----

NUMBER = (int, float)
TEXT_OR_NULL, NUMBER_OR_NULL = (str, type(None)), (int, float, type(None))


def shape(value, expected, where):
    """Problems of a JSON object: a missing key, a type that is not the expected one. More keys are fine."""
    problems = []
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    for key, kind in expected.items():
        if key not in value:
            problems.append(f"{where} has no {key}")
        elif isinstance(value[key], bool) and kind is not bool:
            problems.append(f"{where}.{key} is a bool")
        elif not isinstance(value[key], kind):
            problems.append(f"{where}.{key} is {type(value[key]).__name__}")
    return problems


def none_of(problems):
    problems = list(problems)
    more = f" (and {len(problems) - 6} more)" if len(problems) > 6 else ""
    assert not problems, "; ".join(problems[:6]) + more


# ---- the runner ----

def note(text):
    print(f"# {text}", flush=True)


def run(program, tests, **arguments):
    """Runs test functions in order, each with the temporary folder and the arguments; exits 0 if none failed.

    A function's name without test_ is the test's. The folder is kept when one failed."""
    if not os.access(KINORA, os.X_OK):
        sys.exit(f"no program '{KINORA}': build it (make), or set KINORA")
    if not (MODELS / SPEECH).exists():
        sys.exit(f"no models in '{MODELS}': make them (make models), or set KINORA_MODELS")
    folder = Path(os.environ.get("KINORA_TEST_TMP", TOP / "build/test-tmp"), f"e2e-{program}-{os.getpid()}")
    folder.mkdir(parents=True)
    began, failed = time.monotonic(), 0
    for test in tests:
        name = f"e2e.{program}.{test.__name__.removeprefix('test_')}"
        try:
            test(folder, **arguments)
            print(f"ok {name}", flush=True)
        except Skip as reason:
            print(f"skip {name}: {reason}", flush=True)
        except Exception as error:  # any failure of a test is that test's own; the others still run
            failed += 1
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            print(f"not ok {name}: {'' if isinstance(error, AssertionError) else type(error).__name__ + ' '}"
                  f"{' '.join(str(error).split())}", flush=True)
    note(f"{program}: {time.monotonic() - began:.0f} s")
    if failed:
        note(f"kept: {folder}")
    else:
        shutil.rmtree(folder)
    sys.exit(1 if failed else 0)
