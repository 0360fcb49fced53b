"""The states of USERS 5.5 around a model that is loaded late and a server that goes away, in a real Chromium.

Drafts, masks and hashes: test_masks.py. Long and hostile text: test_tokens_view.py. Runs: test_run_states.py.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.recorded_page import in_letters
from tests.tiny_rows import RETAIN, ROWS, write_rows
from tokenunlearn.data.rows import Row

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
Serve = Callable[..., AbstractContextManager[Any]]
MINUTE = 60_000
TOO_LONG = Row("long", "Who?", "a" * 3_000, set="tiny")
FAILS = Row("hal", "Where was Hal Moor born?", "Hal Moor was born in Zug.", "Hal Moor", ((21, 24),), "tiny")


class Held:
    """The server of this file; its model waits at a gate, and it can be started again at its address."""

    def __init__(self, folder: Path, start: Callable[[int], Any]) -> None:
        self.gate, self.rows_gate, self.start = folder / "hold", folder / "hold_rows", start
        self.scarce = folder / "scarce"
        self.gate.touch()
        self.scarce.touch()
        self.server = start(0)

    def start_again(self) -> None:
        """The same command on the same folder and port."""
        self.server = self.start(self.server.port)


@contextmanager
def holding(folder: Path, tiny_folder: Path, serve: Serve, *words: str) -> Iterator[Held]:
    """The server of tests/held_page.py on the tiny model, its gates closed."""
    rows = write_rows(folder / "rows.jsonl", [*ROWS, FAILS, TOO_LONG], RETAIN)
    (folder / "example.json").write_text(json.dumps(in_letters(ROWS)), encoding="utf-8")
    flags = [*words, "--model", str(tiny_folder), "--data", str(rows)]
    flags += ["--recorded", str(folder / "example.json")]
    with ExitStack() as stack:
        yield Held(
            folder,
            lambda port: stack.enter_context(serve(folder, *flags, port=port, program="tests.held_page")),
        )


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path, serve: Serve) -> Iterator[Held]:
    """The Tokens tab alone, without Gradio."""
    with holding(tmp_path_factory.mktemp("states"), tiny_folder, serve, "plain") as held:
        yield held


@pytest.fixture(scope="module")
def page(pages: Any, held: Held) -> Page:
    """A page that was opened before there was a model; the tests use it one after the other."""
    return pages.open(held.server.address)  # type: ignore[no-any-return]


def token(page: Page, at: int) -> Locator:
    return page.locator(".tu-strip .tu-token").nth(at)


def draft_state(page: Page) -> Locator:
    return page.locator(".tu-draft")


def scrolled(page: Page) -> int:
    return int(page.locator(".tu-right").evaluate("e => e.scrollTop"))


def test_the_first_visit_turns_live_where_one_is_row_by_row_without_the_one_that_cannot(
    page: Page, held: Held
) -> None:
    expect(page.locator(".tu-badge")).to_have_text("recorded")
    expect(page.locator(".tx-chip", has_text=re.compile(r"loading the model, \d+ s so far"))).to_be_visible()
    expect(page.get_by_role("button", name="Unlearn these")).to_be_disabled()
    expect(page.get_by_role("button", name="Unlearn these")).to_have_attribute(
        "title", re.compile("recorded example")
    )
    row = page.locator(".tu-row", has_text="Cleo Marchetti")
    row.click()
    token(page, 4).click()
    page.keyboard.press("Space")
    expect(token(page, 4).locator(".tu-glyph")).to_have_text("+")
    page.locator(".tu-right").evaluate("e => { e.scrollTop = 60; }")
    before = scrolled(page)
    assert before > 0

    search = page.get_by_label("Find rows")
    search.focus()
    held.rows_gate.touch()
    held.gate.unlink()
    expect(page.locator(".tu-badge")).to_have_text("live, 4 of 9", timeout=MINUTE)
    expect(search).to_be_focused()
    row.focus()
    expect(page.get_by_role("button", name="Unlearn these")).to_have_attribute(
        "title", "5 rows are not scored yet."
    )
    left_out = page.locator(".tu-left-out")
    expect(left_out.get_by_role("status")).to_have_text("1 row left out")
    expect(page.locator(".tu-mask-bar").get_by_text("1 row left out")).to_be_visible()
    expect(left_out.get_by_role("listitem")).to_contain_text("Row long has 3,0")
    with page.expect_response(lambda answer: "hold_scoring" in (answer.request.post_data or "")):
        page.get_by_role("button", name="Stop", exact=True).dispatch_event("click")
    order = page.get_by_label("Order of the rows")
    order.select_option("highest")
    before_rest = page.locator(".tu-row-subject").all_inner_texts()
    row.focus()
    held.rows_gate.unlink()
    rest = page.get_by_role("button", name="Score the rest")
    expect(rest).to_be_visible(timeout=MINUTE)
    expect(page.locator(".tu-badge")).to_have_text("live, 4 of 9")
    expect(page.locator(".tx-chip", has_text="scoring stopped")).to_be_visible()
    rest.dispatch_event("click")
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
    expect(row).to_be_focused()
    expect(rest).to_be_hidden()
    # More scores do not move the list away from whoever is in it.
    assert page.locator(".tu-row-subject").all_inner_texts() == before_rest
    expect(page.get_by_role("button", name="Sort again")).to_be_visible()
    expect(page.locator(".tu-row")).to_have_count(9)
    expect(row).to_have_attribute("aria-selected", "true")
    expect(token(page, 4)).to_have_class(re.compile("is-locked"))
    expect(token(page, 4).locator(".tu-glyph")).to_have_text("+")
    assert scrolled(page) == before
    expect(draft_state(page)).to_contain_text("draft saved")


def test_a_row_that_could_not_be_scored_is_left_out_or_tried_again(
    page: Page, opened: Open, held: Held
) -> None:
    held.gate.unlink(missing_ok=True)
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
    unlearn = page.get_by_role("button", name="Unlearn these")
    expect(unlearn).to_have_attribute("title", "1 row could not be scored: try it again, or leave it out.")
    row = page.locator(".tu-row", has_text="Hal Moor")
    expect(row).to_contain_text(re.compile("failed.*Could not be scored", re.DOTALL))
    expect(row).to_contain_text("!")
    row.click()
    note = page.get_by_role("note", name="This row could not be scored")
    expect(note).to_contain_text("MemoryError: this row needs more memory than there is")
    token(page, 0).click()
    expect(page.locator(".tu-why")).to_have_text("The row could not be scored, so this token has no score.")

    bar = page.locator(".tu-mask-bar")
    expect(bar.locator('[data-state="same"]')).to_be_attached()
    before = bar.get_by_role("status").filter(has_text="mask").inner_text()
    note.get_by_role("button", name="Leave this row out").press("Enter")
    expect(note).to_contain_text("Left out: this row could not be scored.")
    expect(bar.get_by_text("2 rows left out")).to_be_visible()  # with the one that is too long
    expect(row).to_contain_text("left out")
    expect(bar.get_by_role("status").filter(has_text="mask")).to_have_text(before)
    expect(unlearn).to_be_enabled()
    page.get_by_role("button", name="Undo").click()
    expect(bar.get_by_text("1 row left out")).to_be_visible()
    expect(unlearn).to_be_disabled()

    again = note.get_by_role("button", name="Try again")
    again.press("Enter")
    expect(note).to_contain_text("It failed again.")
    expect(again).to_be_focused()
    held.scarce.unlink()
    again.press("Enter")
    expect(note).to_be_hidden()
    expect(row).to_contain_text(f"of {len(FAILS.answer)}")
    expect(unlearn).to_be_enabled()
    other = opened(held.server.address)
    expect(other.locator(".tu-row", has_text="Hal Moor")).to_contain_text(f"of {len(FAILS.answer)}")


def test_a_page_without_rows_says_what_to_do_and_does_it(
    serve_plain: Serve, opened: Open, tiny_folder: Path, tmp_path: Path
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", ROWS[:2], RETAIN[:1])
    with serve_plain(tmp_path, "--model", str(tiny_folder), "--data", str(rows), "--no-model") as server:
        page = opened(server.address)
        expect(page.get_by_role("status").filter(has_text="There are no rows yet")).to_be_visible()
        page.get_by_role("button", name="Open file").click()
        expect(page.get_by_role("dialog", name="Open data or a model")).to_be_visible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Load demo").click()
        expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
        expect(page.locator(".tu-strip .tu-token").first).to_be_visible()
        page.close()


def test_edits_outlive_a_server_that_goes_away_and_comes_back(
    opened: Open, tmp_path: Path, tiny_folder: Path, serve: Serve
) -> None:
    with holding(tmp_path, tiny_folder, serve) as held:
        held.gate.unlink()
        held.scarce.unlink()
        edits_outlive_the_server(opened, held)


def edits_outlive_the_server(opened: Open, held: Held) -> None:
    page = opened(held.server.address)
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
    page.locator(".tu-row", has_text="Dan Fox").click()
    token(page, 2).click()
    page.keyboard.press("Space")
    expect(draft_state(page)).to_have_text("draft saving…")
    expect(draft_state(page)).to_contain_text("draft saved")

    held.server.kill()
    token(page, 3).click()
    page.keyboard.press("Space")
    banner = page.get_by_role("alert").filter(has_text="The server does not answer")
    expect(banner).to_be_visible()
    expect(draft_state(page)).to_contain_text("draft not saved")
    for name in ("Unlearn these", "Masks", "Export"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_js_property("inert", True)
    with page.expect_download() as download:
        banner.get_by_role("button", name="Save my draft as a file").click()
    kept = Path(download.value.path()).read_bytes()
    assert "in" in json.loads(kept)["overrides"].values()
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.close(run_before_unload=True)
    page.get_by_role("tab", name="Unlearn").click()
    assert asked == ["beforeunload"]
    expect(banner).to_be_visible()
    expect(page.locator(".tx-start")).to_have_js_property("inert", True)
    page.get_by_role("tab", name="Tokens").click()
    token(page, 5).click()
    page.keyboard.press("Space")

    held.gate.touch()
    held.start_again()
    expect(banner).to_be_hidden(timeout=MINUTE)
    # The new server has no scores yet: the page keeps its own, and waits to send what it has.
    expect(page.locator(".tx-chip", has_text="loading the model")).to_be_visible()
    expect(page.locator(".tu-badge")).to_have_text("live")
    expect(draft_state(page)).to_contain_text("draft not saved")
    held.gate.unlink()
    expect(draft_state(page)).to_contain_text("draft saved", timeout=MINUTE)
    expect(page.get_by_role("button", name="Unlearn these")).to_be_enabled(timeout=MINUTE)
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()  # the page was not loaded anew
    page.get_by_role("button", name="Masks", exact=True).click()
    dialog = page.get_by_role("dialog", name="Masks")
    file = {"name": "mask-draft.json", "mimeType": "application/json", "buffer": kept}
    dialog.get_by_label("Mask file to import").set_input_files(file)  # type: ignore[arg-type]
    expect(dialog.get_by_role("status")).to_contain_text("Imported as “mask-draft”")
    again = opened(held.server.address)
    expect(again.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
    again.locator(".tu-row", has_text="Dan Fox").click()
    for at in (2, 3, 5):
        expect(token(again, at).locator(".tu-glyph")).to_have_text("+")
