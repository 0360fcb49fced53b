"""Fixtures of the browser tests: one Chromium, real server processes, pages that reach this machine only."""

import json
import re
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.tokens_example import example
from tests.warm import Split, Warm

THIS_MACHINE = re.compile(r"(http://127\.0\.0\.1:|data:|blob:)")
START_SECONDS = 180


@dataclass(frozen=True)
class Server:
    """A running `python -m app`: its address, its process, and the file of what it said."""

    address: str
    process: Split
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rstrip("/").rsplit(":", 1)[1])

    def kill(self) -> None:
        """End the process as a loss of power does."""
        self.process.kill()
        self.process.wait(10)

    def wait_until_up(self) -> None:
        """Fail the test with the server's log when it ends or does not answer in time."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.alive:
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        pytest.fail(f"the server did not start:\n{self.log.read_text()}")


@pytest.fixture(scope="session")
def serve(warm: Warm) -> Callable[..., AbstractContextManager[Server]]:
    """`with serve(folder, *flags) as server`: the page with its runs in `folder/runs`, ended on leaving.

    `port` is that of an earlier server, `program` another module than `app` that starts the page.
    """
    return partial(serving, warm)


@pytest.fixture(scope="session")
def serve_plain(warm: Warm) -> Callable[..., AbstractContextManager[Server]]:
    """The same for the Tokens tab alone, without Gradio (tests/plain_page.py): a load costs half as much."""
    return partial(serving, warm, program="tests.plain_page")


@contextmanager
def serving(warm: Warm, folder: Path, *flags: str, port: int = 0, program: str = "app") -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", port)) as free:
        port = free.getsockname()[1]
    log = folder / f"log-{port}.txt"
    arguments = ["--port", str(port), "--runs", str(folder / "runs"), *flags]
    server = Server(f"http://127.0.0.1:{port}/", warm.split(program, arguments, log), log)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for a file: while one runs, asyncio is closed to the other tests of this process.

    An expectation waits as long as a busy machine may need. No name of another machine can be resolved.
    """
    expect.set_options(timeout=30_000)
    flags = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    # What paints without a GPU needs no process of its own: a tenth of a load.
    flags.append("--in-process-gpu")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield running
        running.close()


class Pages:
    """The pages of a file, in one context for each way to look at them: what was loaded once stays loaded.

    Every page has a session storage of its own.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser, self.contexts = browser, dict[str, BrowserContext]()
        self.outside, self.errors = list[str](), list[str]()

    def open(self, address: str, seconds: float = 30, **options: Any) -> Page:
        """A page at the address; `seconds` is how long an act waits, `options` are those of a context."""
        options = {"viewport": {"width": 1440, "height": 900}, **options}
        if repr(options) not in self.contexts:
            context = self.contexts[repr(options)] = self.browser.new_context(**options)
            # No other machine can be reached: what asks one fails, and hearing of failures alone is cheap.
            context.on("requestfailed", self.failed)
        page = self.contexts[repr(options)].new_page()
        page.set_default_timeout(seconds * 1000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        return page

    def failed(self, request: Request) -> None:
        """Remember a request to another machine."""
        if not THIS_MACHINE.match(request.url):
            self.outside.append(request.url)


@pytest.fixture(scope="module")
def pages(browser: Browser) -> Iterator[Pages]:
    """For a page that a whole file shares. A request to another machine, or an error in a script, fails."""
    pages = Pages(browser)
    yield pages
    for context in pages.contexts.values():
        context.close()
    assert (pages.outside, pages.errors) == ([], [])


@pytest.fixture(autouse=True)
def faultless(pages: Pages) -> Iterator[None]:
    """A request to another machine, or an error in a page's scripts, fails the test."""
    yield
    faults = (pages.outside[:], pages.errors[:])
    pages.outside.clear()
    pages.errors.clear()
    assert faults == ([], [])


@pytest.fixture
def opened(pages: Pages) -> Iterator[Callable[..., Page]]:
    """`opened(address, seconds=30, **options)`: a page, closed after the test."""
    shown: list[Page] = []

    def open_page(address: str, seconds: float = 30, **options: Any) -> Page:
        shown.append(pages.open(address, seconds, **options))
        return shown[-1]

    yield open_page
    for page in shown:
        page.close()


@pytest.fixture(scope="session")
def example_address(
    tmp_path_factory: pytest.TempPathFactory, serve_plain: Callable[..., AbstractContextManager[Server]]
) -> Iterator[str]:
    """A page on the example of tests/tokens_example.py: what is decided there stays in the browser."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "example.json").write_text(json.dumps(example()), encoding="utf-8")
    with serve_plain(folder, "--no-model", "--recorded", str(folder / "example.json")) as server:
        yield server.address


@pytest.fixture(scope="module")
def example_shown(pages: Pages, example_address: str) -> Page:
    """The one page on that example that a file loads."""
    return pages.open(example_address)


@pytest.fixture
def example_page(example_shown: Page) -> Page:
    """That page as on a first visit, its mask confirmed: a new view, and nothing kept of the test before."""
    page = example_shown
    page.mouse.move(0, 0)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.evaluate("begin()")
    # Counted: what waits for a state or an address in another way describes the whole page at each look.
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_have_count(1)
    expect(page).to_have_url(re.compile(r"row=plain-0&signal=fused&token=5$"))
    expect(page.get_by_text("no overrides")).to_be_attached()
    expect(page.get_by_role("region", name="Tour", exact=True)).to_contain_text("1 of 8")
    return page
