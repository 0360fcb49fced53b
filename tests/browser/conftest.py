"""Fixtures of the browser tests: one Chromium, real server processes, pages that reach this machine only."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
THIS_MACHINE = re.compile(r"(http://127\.0\.0\.1:|data:|blob:)")
START_SECONDS = 180


@dataclass(frozen=True)
class Server:
    """A running `python -m app`: its address, its process, and the file of what it said."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rstrip("/").rsplit(":", 1)[1])

    def kill(self) -> None:
        """Nothing; the process is gone, as after a loss of power."""
        self.process.kill()
        self.process.wait(10)

    def wait_until_up(self) -> None:
        """Nothing; the test fails with the server's log when it ends or does not answer in time."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        pytest.fail(f"the server did not start:\n{self.log.read_text()}")


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Server]]:
    """`with serve(folder, *flags) as server`: the page with its runs in `folder/runs`, ended on leaving.

    `port` is that of an earlier server, `program` another module than `app` that starts the page.
    """
    return serving


@contextmanager
def serving(folder: Path, *flags: str, port: int = 0, program: str = "app") -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", port)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", program, "--port", str(port), "--runs", str(folder / "runs"), *flags]
    log = folder / f"log-{port}.txt"
    # The tests' own limit to one thread is none for the real model; a tiny one only waits for its threads.
    environment = dict(os.environ)
    if "--model" not in flags:
        environment.pop("OMP_NUM_THREADS", None)
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file, env=environment)
    server = Server(f"http://127.0.0.1:{port}/", process, log)
    try:
        server.wait_until_up()
        yield server
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for a file: while one runs, asyncio is closed to the other tests of this process.

    An expectation waits as long as a busy machine may need.
    """
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`opened(address, seconds=30, **options)`: a page in a context of its own, closed after the test.

    A request to another machine, or an error in the page's scripts, fails the test.
    """
    contexts, outside, errors = [], [], []

    def local_only(route: Any) -> None:
        if THIS_MACHINE.match(route.request.url):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    def open_page(address: str, seconds: float = 30, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(seconds * 1000)
        context.route("**/*", local_only)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert (outside, errors) == ([], [])
