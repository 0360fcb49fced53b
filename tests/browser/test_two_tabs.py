"""Two pages of one person on one server: what one does is told on the other, and nothing typed is lost."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.page_acts import press_start
from tests.tiny_rows import RETAIN, ROWS, write_rows

pytestmark = pytest.mark.browser
MINUTE = 60_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("two_tabs")
    write_rows(made / "rows.jsonl", ROWS[:3], RETAIN[:1])
    write_rows(made / "others.jsonl", ROWS[3:5], RETAIN[:1])
    return made


@pytest.fixture(scope="module")
def both(
    pages: Any, folder: Path, tiny_folder: Path, serve: Callable[..., AbstractContextManager[Any]]
) -> Iterator[tuple[Page, Page]]:
    flags = ["--model", str(tiny_folder), "--precision", "fp32", "--data", str(folder / "rows.jsonl")]
    with serve(folder, *flags) as server:
        ours, theirs = (pages.open(server.address) for _ in range(2))
        for page in (ours, theirs):
            expect(page.locator(".tu-badge")).to_have_text("live", timeout=2 * MINUTE)
        yield ours, theirs


def turn_to(page: Page) -> None:
    """Turn to a page, which then asks what has happened."""
    page.evaluate("globalThis.dispatchEvent(new Event('focus'))")


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def open_rows(page: Page, path: Path) -> None:
    page.get_by_role("button", name="Open data…", exact=True).click()
    panel = page.get_by_role("dialog", name="Open data or a model")
    panel.get_by_label("Path on the server’s machine").fill(str(path))
    panel.get_by_role("button", name="Look at it").click()
    panel.get_by_role("button", name=re.compile(r"^Open \d rows")).click()
    expect(panel).to_be_hidden(timeout=MINUTE)


def test_what_the_other_page_opens_is_told_and_the_draft_comes_back_with_its_rows(
    both: tuple[Page, Page], folder: Path
) -> None:
    ours, theirs = both
    ours.locator(".tu-strip .tu-token").nth(4).click()
    ours.keyboard.press("Space")
    expect(ours.get_by_text(re.compile("draft saved"))).to_be_visible()
    open_rows(theirs, folder / "others.jsonl")
    turn_to(ours)
    expect(ours.locator(".tx-news")).to_contain_text("Open now: others.jsonl: 2 forget")
    expect(ours.get_by_role("listbox", name="Rows").get_by_role("option")).to_have_count(2)
    open_rows(theirs, folder / "rows.jsonl")
    turn_to(ours)
    expect(ours.get_by_role("listbox", name="Rows").get_by_role("option")).to_have_count(3)
    expect(ours.locator('.tu-strip [data-index="4"] .tu-glyph')).to_have_text("+")
    expect(ours.get_by_role("alert").filter(has_text="edited elsewhere")).to_have_count(0)


def test_a_run_that_the_other_page_discards_takes_no_note_along_that_is_being_typed(
    both: tuple[Page, Page],
) -> None:
    ours, theirs = both
    for page in both:
        turn_to(page)
        tab(page, "Unlearn")
    # Above the settings, wherever the page was scrolled to.
    ours.evaluate("scrollTo(0, 400)")
    tab(ours, "Compare")
    assert ours.evaluate("scrollY") == 0
    tab(ours, "Unlearn")
    ours.get_by_label("Steps", exact=True).fill("2")
    press_start(ours)
    expect(ours.locator(".tx-run-head")).to_contain_text("finished", timeout=2 * MINUTE)
    turn_to(theirs)
    expect(theirs.locator(".tx-run-head")).to_contain_text("finished")
    tab(theirs, "Compare")
    theirs.locator("[data-key='run-1:open']").click()
    theirs.get_by_label("Note", exact=True).fill("not saved yet")

    tab(ours, "Compare")
    ours.locator("[data-key='run-1:open']").click()
    panel = ours.get_by_role("region", name="Details of run-1")
    panel.get_by_role("button", name="Discard…").click()
    panel.get_by_role("button", name=re.compile("^Discard it")).click()
    expect(panel).to_be_hidden()  # the other page asks once
    turn_to(theirs)
    kept = theirs.get_by_role("region", name="Details of run-1")
    expect(kept).to_contain_text("run-1 was discarded")
    expect(kept.get_by_label("Note", exact=True)).to_have_value("not saved yet")
    tab(ours, "Unlearn")
    expect(ours.locator(".tx-gone:visible")).to_have_text(
        "run-1 was discarded. The Compare tab can bring it back."
    )
