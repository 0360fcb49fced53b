"""Marking facts in a real Chromium by mouse and keyboard; a reload and a killed server lose nothing."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.strip_page import press, token
from tests.tiny_rows import ROWS, write_rows

pytestmark = pytest.mark.browser
MINUTE = 60_000
# "Ada Moss was born in Rome." and the rows after it, in the order of the file.
ADA, BOB, CLEO, DAN = (row.id for row in ROWS[:4])


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Iterator[list[str]]:
    rows = write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", ROWS)
    yield ["--model", str(tiny_folder), "--data", str(rows)]


def live(page: Page) -> Page:
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_be_visible()
    return page


def kept(folder: Path) -> dict[str, Any]:
    """The marks on disk."""
    (path,) = (folder / "runs" / ".texts").glob("*/marks.json")
    return dict(json.loads(path.read_text(encoding="utf-8"))["rows"])


def marks_are(page: Page, *wanted: str) -> None:
    """The marked words of the row that is shown, each with its mark."""
    chips = page.locator(".tu-strip .tu-token[data-mark]")
    expect(chips).to_have_count(len(wanted))
    script = "all => all.map((chip) => `${chip.querySelector('.tu-text').textContent} ${chip.dataset.mark}`)"
    assert chips.evaluate_all(script) == list(wanted)


def shows(page: Page, row: str) -> None:
    page.wait_for_url(f"**row={row}&*")


def test_marks_by_mouse_and_keyboard_outlive_a_reload_and_a_killed_server(
    opened: Callable[..., Page],
    tmp_path: Path,
    flags: list[str],
    serve: Callable[..., AbstractContextManager[Any]],
) -> None:
    with serve(tmp_path, *flags) as server:
        page = live(opened(f"{server.address}?row={ADA}"))
        state, digest = page.locator(".tu-marks-kept"), page.locator(".tu-mask-bar code").inner_text()
        page.get_by_role("button", name="Mark facts").click()
        marks_are(page, "Rome gold")

        # Mouse: a drag marks a run of words, a click one word with the other mark.
        token(page, "born").hover()
        page.mouse.down()
        token(page, "Rome").hover()
        page.mouse.up()
        marks_are(page, "born fact", "in fact", "Rome fact")
        page.get_by_role("radio", name="Not the fact").click()
        token(page, "was").click()
        marks_are(page, "was other", "born fact", "in fact", "Rome fact")
        expect(page.locator(".tu-unseen[aria-live]").first).to_have_text("“was” marked as not the fact")
        expect(token(page, "was")).to_have_accessible_name(re.compile("marked as not the fact"))
        assert page.locator(".tu-mask-bar code").inner_text() == digest  # a mark chooses nothing

        # Keyboard: take a mark away, undo, redo, looked through and on.
        press(page, "ArrowRight", "ArrowRight", "Delete")
        marks_are(page, "was other", "born fact", "Rome fact")
        press(page, "Control+z", "Control+z")
        marks_are(page, "born fact", "in fact", "Rome fact")
        press(page, "Control+y", "Enter")
        shows(page, BOB)
        press(page, "Home", "ArrowRight", "x", "Enter")
        shows(page, CLEO)
        expect(state).to_contain_text("marks saved")
        assert kept(tmp_path)[ADA] == {"fact": [[13, 25]], "other": [[9, 12]], "seen": True}
        expect(page.locator(".tu-row", has_text="Ada Moss")).to_contain_text("✓")

        # What was marked in the moment before a reload.
        press(page, "End", "x")
        page.reload()
        live(page)
        expect(page.get_by_role("button", name="Mark facts")).to_have_attribute("aria-pressed", "true")
        expect(state).to_contain_text("marks saved")
        marked = kept(tmp_path)
        assert sorted(marked) == sorted([ADA, BOB, CLEO])

        # What is marked while the server is gone.
        server.kill()
        page.locator(".tu-strip .tu-token[tabindex='0']").focus()
        press(page, "]", "Home", "f")
        shows(page, DAN)
        expect(state).to_contain_text("marks not saved")
    with serve(tmp_path, *flags, port=server.port):
        expect(state).to_contain_text("marks saved", timeout=MINUTE)
        assert kept(tmp_path) == {**marked, DAN: {"fact": [[0, 3]], "other": [], "seen": False}}
