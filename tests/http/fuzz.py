#!/usr/bin/env python3
"""fuzz.py [--cases N]  schemathesis over openapi.yaml: no failure of the server, no answer that is not described, nothing accepted that
is described as wrong. The event stream, which does not end, is api.py's."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from library import make_films, write_texts  # noqa: E402
from serving import SLOW, Server  # noqa: E402

from e2e import Kinora, note, run  # noqa: E402

HERE = Path(__file__).resolve().parent
TOOL = Path(sys.executable).parent / "schemathesis"
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
          "response_headers_conformance,negative_data_rejection,unsupported_method")
OPERATIONS = 12  # that take parameters, and so make as many cases as they are allowed


def test_no_answer_is_a_failure_or_not_described(folder, cases):
    kinora = Kinora(folder / "home")
    make_films(folder / "films")
    kinora("ingest", folder / "films", code=0, timeout=120)
    write_texts(folder / "texts.csv", 0, 5)
    kinora("import", folder / "texts.csv", code=0, timeout=120)
    ids = [t["id"] for t in kinora.titles()]
    with Server(folder, None, "--access-log", "/dev/null", KINORA_LIBRARY=kinora.library) as server:
        base = f"http://{server.host}:{server.port}/api/v1"
        command = [TOOL, "--config-file", HERE / "schemathesis.toml", "run", f"{base}/openapi.yaml", "--url", base, "--checks", CHECKS,
                   "--phases", "examples,fuzzing" if cases < 1000 else "examples,coverage,fuzzing", "--seed", "2026",
                   "--max-examples", str(-(-cases // OPERATIONS)), "--generation-database", "none", "--no-color",
                   "--exclude-operation-id", "followIngest"]
        env = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(HERE), "KINORA_TEST_IDS": ",".join(ids)}
        told = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=1500 * SLOW, check=False)
        assert server.process.poll() is None, f"the server ended: {server.log[-2000:]}"
    (folder / "schemathesis.log").write_text(told.stdout + told.stderr)
    count = re.search(r"(\d+) generated", told.stdout)
    assert told.returncode == 0, told.stdout.partition("= FAILURES =")[2][:4000] or told.stdout[-2000:] + told.stderr[-1000:]
    assert count and int(count.group(1)) >= cases, told.stdout[-1500:]
    note(f"{count.group(1)} cases, each answer as described")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cases", type=int, default=300)
    run("http-fuzz", [test_no_answer_is_a_failure_or_not_described], cases=arguments.parse_args().cases)
