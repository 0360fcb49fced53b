"""A timed audit by keyboard alone: 20 rows walked, five overrides, saved, the server killed, found again."""

import json
import re
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.strip_page import press
from tests.tiny_rows import write_rows
from tokenunlearn.data.rows import Row

pytestmark = pytest.mark.browser
NAMES = ("Ada", "Bo", "Cy", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jo")
TOWNS = ("Rome", "Oslo", "Ulm", "Pau")
ROWS, OVERRIDES = 20, 5


def audited_rows() -> list[Row]:
    """Rows of some twelve tokens; the fact is the town."""
    rows = []
    for at in range(ROWS):
        name, town = f"{NAMES[at % 10]} {'ABCD'[at // 10]}", TOWNS[at % 4]
        answer = f"{name} is in {town}."
        span = (answer.index(town), answer.index(town) + len(town))
        rows.append(Row(f"r{at}", f"Where is {name}?", answer, name, (span,), "audit"))
    return rows


def live(page: Page) -> Page:
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=60_000)
    expect(page.locator(".tu-draft")).not_to_have_text("draft loading…")
    return page


def confirmed_hash(page: Page) -> str:
    mask = page.locator('.tu-mask-bar [data-state="same"]')
    expect(mask).to_be_visible()
    return (mask.get_attribute("title") or "").rsplit(" ", 1)[1]


def shown_row(page: Page) -> str:
    """The id of the row in the strip, as the address has it."""
    return str(page.evaluate("new URLSearchParams(location.search).get('row')"))


def look_ahead(page: Page, key: str) -> None:
    """Goes to the next token of a kind; where that is in another row, back to the end of this one."""
    row = shown_row(page)
    press(page, key)
    away = int(shown_row(page)[1:]) - int(row[1:])
    for _ in range(abs(away)):
        press(page, "[" if away > 0 else "]")
    if away:
        press(page, "End")


def override_with_note(page: Page, number: int) -> None:
    """Forces the focused token in and out in turn, and says why."""
    focused = page.locator(".tu-strip .tu-token:focus")
    press(page, "Shift+Space" if number % 2 else "Space")
    expect(focused).to_have_attribute("aria-selected", "false" if number % 2 else "true")
    press(page, "c")
    page.keyboard.type(f"reason {number}")
    press(page, "Enter")


def walk_all_rows(page: Page) -> set[str]:
    """The ids of the rows as they were left; every fourth gets an override."""
    page.locator(".tu-row").first.click()  # the page opens on the row that explains itself best
    page.locator(".tu-strip .tu-token[tabindex='0']").focus()
    seen, made = set(), 0
    for number in range(ROWS):
        press(page, "Home")
        if number % 4 == 0:
            look_ahead(page, "n")
            override_with_note(page, made)
            made += 1
        elif number % 4 == 1:
            look_ahead(page, "u")
        seen.add(shown_row(page))
        press(page, "]")
    assert made == OVERRIDES
    return seen


def decisions(draft: dict[str, Any]) -> tuple[Any, Any]:
    """Overrides and notes of a draft as it lies on disk."""
    return draft["overrides"], {at: note["note"] for at, note in draft["notes"].items()}


def saved_draft(folder: Path) -> dict[str, Any]:
    """The draft that the server wrote."""
    (path,) = (folder / "runs" / ".texts").glob("*/draft.json")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_rows_are_audited_by_keyboard_and_found_again_after_a_crash(
    opened: Callable[..., Page],
    tmp_path: Path,
    tiny_folder: Path,
    serve_plain: Callable[..., AbstractContextManager[Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", audited_rows())
    flags = ["--model", str(tiny_folder), "--data", str(rows)]
    with serve_plain(tmp_path, *flags) as server:
        page = live(opened(f"{server.address}?row=r0"))
        begun = time.monotonic()
        assert walk_all_rows(page) == {row.id for row in audited_rows()}
        expect(page.locator(".tu-mask-bar").get_by_text(f"{OVERRIDES} overrides")).to_be_visible()
        page.get_by_role("button", name="Masks", exact=True).focus()
        press(page, "Enter")
        page.keyboard.type("Ada, first pass")
        press(page, "Enter")
        expect(page.get_by_role("dialog", name="Masks").get_by_role("status")).to_contain_text("Saved as")
        press(page, "Escape")
        expect(page.locator(".tu-draft")).to_contain_text("draft saved")
        took = time.monotonic() - begun
        digest, draft = confirmed_hash(page), saved_draft(tmp_path)
        page.close()
        server.kill()
    overrides, notes = decisions(draft)
    assert sorted(overrides.values()) == ["in"] * 3 + ["out"] * 2
    assert sorted(notes.values()) == sorted(f"reason {number}" for number in range(OVERRIDES))

    with serve_plain(tmp_path, *flags) as server:
        page = live(opened(server.address))
        assert confirmed_hash(page) == digest
        expect(page.locator(".tu-since")).to_have_text("as “Ada, first pass”")
        expect(page.locator(".tu-mask-bar").get_by_text(f"{OVERRIDES} overrides")).to_be_visible()
        page.get_by_label("Order of the rows").select_option("overrides")
        expect(page.locator(".tu-row", has_text=re.compile("•1"))).to_have_count(OVERRIDES)
        page.locator(".tu-row").first.click()
        expect(page.locator(".tu-strip .has-note")).to_have_attribute("title", re.compile(r"^reason \d$"))
        assert decisions(saved_draft(tmp_path)) == (overrides, notes)
    with capsys.disabled():
        sys.stdout.write(f"\n{ROWS} rows, {OVERRIDES} overrides with notes: {took:.1f} s by keyboard\n")
