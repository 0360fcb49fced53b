"""Where the focus is and what it shows, in a real Chromium on a recorded example: keys and a resting mouse."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.tokens_example import example

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., AbstractContextManager[Any]]
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("focus")
    (folder / "example.json").write_text(json.dumps(example()), encoding="utf-8")
    with serve(folder, "--no-model", "--recorded", str(folder / "example.json")) as server:
        yield server.address


@pytest.fixture
def page(opened: Callable[..., Page], address: str) -> Page:
    page = opened(address)
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_be_attached()
    return page


def token(page: Page, word: str) -> Locator:
    return page.locator(".tu-strip .tu-token").filter(has_text=re.compile(rf"^{word}"))


def title(page: Page) -> Locator:
    return page.locator(".tu-big-token")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        # A key works on what the last one has drawn, as under a hand.
        page.evaluate("new Promise(requestAnimationFrame)")


def row(page: Page, number: int) -> Locator:
    return page.locator(".tu-row").nth(number)


def test_a_resting_mouse_takes_nothing_over_when_a_key_brings_another_row(page: Page) -> None:
    token(page, "born").click()
    page.evaluate(
        "document.querySelector('.tu-strip').addEventListener('pointerover', () => { window.overs = (window.overs ?? 0) + 1; })"
    )
    press(page, "]")
    # The browser has seen that another token lies under the mouse.
    page.wait_for_function("window.overs > 0")
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(title(page)).to_have_text("Rome")
    token(page, "was").hover()
    expect(title(page)).to_have_text("was")
