"""What browser tests do on the page in more than one file."""

import re

from playwright.sync_api import Locator, Page, expect


def press_start(page: Page) -> None:
    """Train the tokens above, also where the model never knew most rows of them."""
    summary = page.locator(".mask-summary")
    expect(summary.locator(".tx-note code")).to_be_visible()
    page.locator("button.tx-start").click()
    if summary.locator(".tx-unknown").count():
        page.get_by_role("button", name=re.compile("^Start anyway: the model never knew")).click()


def signal_option(page: Page, name: str, label: str = "Knowledge from") -> Locator:
    """A signal in the opened list of its field."""
    field = page.get_by_label(label)
    return page.locator(".tu-combo").filter(has=field).locator(f"[role=option][data-value={name}]")


def choose_signal(page: Page, name: str, label: str = "Knowledge from") -> None:
    """Choose what stands for knowledge, or under another label for entropy, by the mouse."""
    page.get_by_label(label).click()
    signal_option(page, name, label).click()
