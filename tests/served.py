"""A page that a command of its own serves, for tests of how it is started."""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

START_SECONDS = 120


@contextmanager
def page_of(
    command: Callable[[int], Sequence[str]],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    end: Callable[[subprocess.Popen[bytes]], None],
) -> Iterator[str]:
    """The address of the page that `command(port)` serves, run in `folder`; what it says goes to `log`.

    `end` ends a process that still runs. The test fails where the page does not open.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    with log.open("w") as said:
        process = subprocess.Popen(
            command(port), cwd=folder, env=dict(environment), stdout=said, stderr=said, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        else:
            pytest.fail(f"{command(port)[0]} did not open the page:\n{log.read_text()}")
        yield address
    finally:
        if process.poll() is None:
            end(process)
        process.wait(30)
