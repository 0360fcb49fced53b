"""Marking facts in a real Chromium by mouse and keyboard; a reload and a killed server lose nothing."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from tests.page_acts import choose_signal
from tests.strip_page import press, token
from tests.tiny_rows import ROWS, write_rows

pytestmark = pytest.mark.browser
Serve = Callable[..., AbstractContextManager[Any]]
MINUTE = 60_000
# "Ada Moss was born in Rome." and the rows after it, in the order of the file.
ADA, BOB, CLEO, DAN, EVA, FINN, GUS, IDA = (row.id for row in ROWS)


@dataclass
class Shared:
    """The server and the page of this file. Another server may stand in the first one's place."""

    start: Callable[[int], Any]
    folder: Path
    server: Any
    page: Page

    def kept(self) -> dict[str, Any]:
        """The marks on disk."""
        (path,) = (self.folder / "runs" / ".texts").glob("*/marks.json")
        return dict(json.loads(path.read_text(encoding="utf-8"))["rows"])


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path, serve_plain: Serve, pages: Any
) -> Iterator[Shared]:
    folder = tmp_path_factory.mktemp("marks")
    rows = write_rows(folder / "rows.jsonl", ROWS)
    flags = ["--model", str(tiny_folder), "--data", str(rows)]
    with ExitStack() as stack:

        def start(port: int = 0) -> Any:
            return stack.enter_context(serve_plain(folder, *flags, port=port))

        server = start()
        yield Shared(start, folder, server, pages.open(f"{server.address}?row={ADA}"))


def live(page: Page) -> Page:
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_have_count(1)  # hidden on a narrow page
    return page


def marks_are(page: Page, *wanted: str) -> None:
    """The marked words of the row that is shown, each with its mark; soon, as a row is drawn."""
    marked = "[...document.querySelectorAll('.tu-strip .tu-token[data-mark]')]"
    marked += ".map((chip) => `${chip.querySelector('.tu-text').textContent} ${chip.dataset.mark}`)"
    with suppress(TimeoutError):  # What is there instead says more.
        page.wait_for_function(f"wanted => {marked}.join() === wanted.join()", arg=list(wanted))
    assert page.evaluate(marked) == list(wanted)


def shows(page: Page, row: str) -> None:
    page.wait_for_url(f"**row={row}&*")


def test_two_annotators_are_compared_and_rows_with_gold_go_out_and_in(shared: Shared, tmp_path: Path) -> None:
    page = live(shared.page)
    page.get_by_role("button", name="Mark facts").click()
    token(page, "born").click()
    press(page, "Enter")
    shows(page, BOB)
    page.get_by_role("button", name="Marks…").click()
    dialog = page.get_by_role("dialog", name="Marks")
    dialog.get_by_label("Name of the marks").fill("Ben")
    dialog.get_by_role("button", name="Save as").click()
    expect(dialog.get_by_role("status")).to_have_text("Saved as “Ben”.")

    # Against the gold of the file: "born" is Ben's alone. Then it is taken back as the file has it.
    for side in ("Ben", "The file"):
        dialog.get_by_label(f"Compare {side}").check()
    dialog.get_by_role("button", name="Compare the two").click()
    compared = dialog.get_by_role("region", name="Two sets of marks compared")
    # Six words, two and one of them marked: observed 5/6, by chance (2·1 + 4·5)/36; κ = (.833 − .611)/.389.
    expect(compared).to_contain_text("Agreement 83.3 % of 6 words · Cohen’s κ 0.57")
    expect(compared.locator("tbody tr")).to_have_count(1)
    compared.get_by_role("button", name="Take The file for born in row").click()
    compared.get_by_role("button", name="born", exact=True).click()
    shows(page, ADA)
    marks_are(page, "born other", "Rome gold")
    press(page, "Control+z")
    marks_are(page, "born fact", "Rome gold")

    page.get_by_role("button", name="Marks…").click()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export rows with gold").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert [(row["id"], row["gold"]) for row in map(json.loads, text.splitlines())] == [
        (ADA, [[13, 17], [21, 25]])
    ]
    (tmp_path / "Cleo.jsonl").write_text(text, encoding="utf-8")
    dialog.get_by_label("Rows with gold to import").set_input_files(tmp_path / "Cleo.jsonl")
    expect(dialog.get_by_role("status")).to_contain_text("1 row imported as “Cleo”")
    dialog.get_by_role("button", name="Load Cleo").click()
    expect(dialog.get_by_role("status")).to_contain_text("“Cleo” is loaded into your marks")
    page.keyboard.press("Escape")
    marks_are(page, "born fact", "Rome fact")
    press(page, "Control+z")
    marks_are(page, "born fact", "Rome gold")


def test_a_finger_marks_a_word_and_a_row_that_two_people_marked_is_asked_about(
    shared: Shared, opened: Callable[..., Page]
) -> None:
    address, wide = shared.server.address, live(shared.page)
    narrow = live(opened(f"{address}?row={CLEO}", viewport={"width": 390, "height": 844}, has_touch=True))
    narrow.get_by_role("button", name="Mark facts").click()
    wide.bring_to_front()
    wide.locator(".tu-row", has_text="Cleo").click()
    for page in (narrow, wide):
        marks_are(page, "Ulm gold")
        expect(page.locator(".tu-marks-kept")).to_have_text(re.compile("^(|marks saved.*)$"))
    token(narrow, "Ulm").tap()
    marks_are(narrow, "Ulm fact")
    expect(narrow.locator(".tu-marks-kept")).to_contain_text("marks saved")
    token(wide, "born").click()
    asked = wide.get_by_role("alert").filter(has_text="was marked in another way elsewhere")
    expect(asked).to_be_visible()
    asked.get_by_role("button", name="Load the other").click()
    marks_are(wide, "Ulm fact")
    expect(wide.locator(".tu-marks-kept")).to_contain_text("marks saved")


def test_marks_by_mouse_and_keyboard_outlive_a_reload_and_a_killed_server(shared: Shared) -> None:
    page = live(shared.page)
    page.bring_to_front()
    state, digest = page.locator(".tu-marks-kept"), page.locator(".tu-mask-bar code").inner_text()
    before = shared.kept()
    assert not {DAN, EVA, FINN, GUS} & set(before)
    page.locator(".tu-row", has_text="Dan Fox").click()
    marks_are(page, "Antananarivo gold")

    # Mouse: a drag marks a run of words, a click one word with the other mark.
    token(page, "born").hover()
    page.mouse.down()
    token(page, "Antananarivo").hover()
    page.mouse.up()
    marks_are(page, "born fact", "in fact", "Antananarivo fact")
    page.get_by_role("radio", name="Not the fact").click()
    token(page, "was").click()
    marks_are(page, "was other", "born fact", "in fact", "Antananarivo fact")
    expect(page.locator(".tu-unseen[aria-live]").first).to_have_text("“was” marked as not the fact")
    expect(token(page, "was")).to_have_accessible_name(re.compile("marked as not the fact"))
    assert page.locator(".tu-mask-bar code").inner_text() == digest  # a mark chooses nothing

    # Keyboard: take a mark away, undo, redo, reviewed and on.
    press(page, "ArrowRight", "ArrowRight", "Delete")
    marks_are(page, "was other", "born fact", "Antananarivo fact")
    press(page, "Control+z", "Control+z")
    marks_are(page, "born fact", "in fact", "Antananarivo fact")
    press(page, "Control+y", "Enter")
    shows(page, EVA)
    press(page, "Home", "ArrowRight", "x", "Enter")
    shows(page, FINN)
    expect(state).to_contain_text("marks saved")
    assert shared.kept()[DAN] == {"fact": [[12, 32]], "other": [[8, 11]], "seen": True}
    expect(page.locator(".tu-row", has_text="Dan Fox")).to_contain_text("✓")

    # What was marked in the moment before a reload.
    press(page, "End", "x")
    page.reload()
    live(page)
    expect(page.get_by_role("button", name="Mark facts")).to_have_attribute("aria-pressed", "true")
    expect(state).to_contain_text("marks saved")
    marked = shared.kept()
    assert sorted(marked) == sorted([*before, DAN, EVA, FINN])
    assert marked == marked | before

    # What is marked while the server is gone.
    shared.server.kill()
    page.locator(".tu-strip .tu-token[tabindex='0']").focus()
    press(page, "]", "Home", "f")
    shows(page, GUS)
    expect(state).to_contain_text("marks not saved")
    shared.server = shared.start(shared.server.port)
    expect(state).to_contain_text("marks saved", timeout=MINUTE)
    assert shared.kept() == {**marked, GUS: {"fact": [[0, 3]], "other": [], "seen": False}}


def test_marks_are_learned_from_while_one_marks(
    opened: Callable[..., Page],
    tmp_path: Path,
    tiny_folder: Path,
    serve_plain: Callable[..., AbstractContextManager[Any]],
) -> None:
    rows = [replace(row, gold=()) for row in ROWS]
    data = write_rows(tmp_path / "rows.jsonl", rows)
    with serve_plain(tmp_path, "--model", str(tiny_folder), "--data", str(data)) as server:
        page = live(opened(f"{server.address}?row={ADA}"))
        said = page.get_by_role("region", name="Which signal to trust")
        expect(said).to_contain_text("No facts are marked in this set")
        page.get_by_role("button", name="Mark facts").click()
        panel = page.get_by_role("region", name="Learned from marks")
        expect(panel).to_contain_text("No row is marked yet.", timeout=MINUTE)
        page.locator(".tu-strip .tu-token[tabindex='0']").focus()
        for _ in ROWS[:6]:
            # Two facts a row: the two words before the full stop. Enter goes on to the next row.
            before = page.url
            press(page, "End", "ArrowLeft", "f", "ArrowLeft", "f", "Enter")
            page.wait_for_url(lambda url, before=before: url.split("&")[0] != before.split("&")[0])
        expect(panel).to_contain_text("6 rows marked and reviewed.")
        expect(panel.get_by_role("table")).to_contain_text("Content words", timeout=MINUTE)
        expect(panel).to_contain_text("held out on 6 rows")
        expect(panel.locator(".tu-curve")).to_be_visible()
        expect(said).to_contain_text(re.compile("finds the facts best|No signal clearly beats"))

        # What agrees best is shown first, and is one step of undo of the rule when it is taken.
        digest = page.locator(".tu-mask-bar code").inner_text()
        page.get_by_role("button", name="Fit weights").click()
        offer = page.locator(".tu-offer")
        expect(offer).to_contain_text("on rows it was not fitted on", timeout=MINUTE)
        assert page.locator(".tu-mask-bar code").inner_text() == digest
        page.get_by_role("button", name="Use these weights").click()
        expect(page.locator(".tu-mask-bar code")).not_to_have_text(re.compile(f"^({digest}|…)$"))
        page.get_by_role("button", name="Mark facts").click()
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".tu-mask-bar code")).to_have_text(digest)

        # A mask on the learned signal is the server's too, also after the page is loaded again.
        choose_signal(page, "learned")
        expect(page.locator(".tu-mask-bar code")).not_to_have_text(re.compile(f"^({digest}|…)$"))
        expect(page.locator('.tu-mask-bar [data-state="same"]')).to_be_visible()
        digest = page.locator(".tu-mask-bar code").inner_text()
        page.reload()
        live(page)
        expect(page.locator(".tu-mask-bar code")).to_have_text(digest, timeout=MINUTE)
