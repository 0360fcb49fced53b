"""Threads of every process of ours sleep when they wait: said before torch is loaded, which reads it then."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore
from tokenunlearn.waiting import ASLEEP, WORKER

ROOT = Path(__file__).resolve().parents[2]
PLAIN = {name: value for name, value in os.environ.items() if name not in WORKER}


def test_the_page_the_tests_and_a_worker_wait_asleep(tmp_path: Path) -> None:
    # The command line: test_cli.py, for each verb.
    assert ASLEEP.items() <= os.environ.items()
    code = "import os, sys, app.__main__; sys.exit('torch' in sys.modules or os.environ['OMP_WAIT_POLICY'])"
    for given, said in ((PLAIN, "PASSIVE"), (PLAIN | {"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True
        )
        assert done.stderr.strip() == said

    queue = RunQueue(
        RunStore(tmp_path), lambda run: ["sh", "-c", f"env > {run}/said; mv {run}/said {run}/env"]
    )
    found = queue.store.path(queue.start_run({"name": "a"})) / "env"
    until = time.monotonic() + 20
    while not found.exists() and time.monotonic() < until:
        time.sleep(0.02)
    lines = dict(line.partition("=")[::2] for line in found.read_text().splitlines())
    assert {name: lines[name] for name in WORKER} == WORKER
