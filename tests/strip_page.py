"""What a person does on the strip of the Tokens view in a browser, and reads there."""

import re

from playwright.sync_api import Locator, Page


def token(page: Page, word: str) -> Locator:
    """The chips that begin with a word."""
    return page.locator(".tu-strip .tu-token").filter(has_text=re.compile(rf"^{word}"))


def title(page: Page) -> Locator:
    """The token or word that the details show."""
    return page.locator(".tu-big-token")


def press(page: Page, *keys: str) -> None:
    """Press the keys; each works on what the last one has drawn, as under a hand."""
    for key in keys:
        page.keyboard.press(key)
        page.evaluate("new Promise(requestAnimationFrame)")
