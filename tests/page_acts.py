"""What browser tests do on the page in more than one file."""

import re

from playwright.sync_api import Page, expect


def press_start(page: Page) -> None:
    """Train the tokens above, also where the model never knew a row of them."""
    summary = page.locator(".mask-summary")
    expect(summary.locator(".tx-note code")).to_be_visible()
    page.get_by_role("button", name="Start unlearning").click()
    if summary.locator(".tx-unknown").count():
        page.get_by_role("button", name=re.compile("^Start anyway: the model never knew")).click()
