"""run.py [NAME...]  The oracle tests: what the project makes, against the Python originals.

A line a test: "ok NAME", "not ok NAME: why" or "skip NAME: why"; exit 1 when one failed. Started by tests/oracle/run.
A test is a function test_NAME in a file test_*.py here.
"""

import importlib
import os
import sys
import traceback
from pathlib import Path

# More threads spin, and help nothing at these sizes. numpy reads it when it is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from project import Skip  # noqa: E402

HERE = Path(__file__).parent


def discover():
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, function in vars(module).items():
            if name.startswith("test_"):
                yield f"{path.stem}.{name}".replace("test_", ""), function


def run(name: str, function) -> bool:
    try:
        function()
    except Skip as reason:
        print(f"skip oracle.{name}: {reason}", flush=True)
        return True
    except Exception as error:  # any failure of a test is that test's own; the others still run
        if not isinstance(error, AssertionError):
            traceback.print_exc()
        print(f"not ok oracle.{name}: {type(error).__name__}: {' '.join(str(error).split())}", flush=True)
        return False
    print(f"ok oracle.{name}", flush=True)
    return True


def main():
    sys.path.insert(0, str(HERE.parents[1] / "tools/models"))
    wanted = sys.argv[1:]
    results = [run(name, function) for name, function in discover() if not wanted or name in wanted]
    if not results:
        sys.exit(f"no oracle test is called {' or '.join(wanted)}")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
