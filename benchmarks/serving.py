"""The page as a process of its own, for what is measured in a browser."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
START_SECONDS: Final = 120


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[tuple[str, float]]:
    """Address of a page with its runs and log in `folder`, and the seconds from its start until it answers.

    Raises RuntimeError with what it said when it does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "app", "--port", str(port), "--runs", str(folder), *flags]
    began = time.perf_counter()
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        while not _answers(address):
            if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                raise RuntimeError((folder / "log.txt").read_text())
            time.sleep(0.05)
        yield address, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(20)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()
        return True
    except OSError:
        return False
