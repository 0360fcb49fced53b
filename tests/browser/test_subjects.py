"""Another mask or subject for a row, by mouse and by keyboard, in a real browser on the tiny model."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page_acts import choose_signal
from tests.tiny_rows import ROWS, write_rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MINUTE = 60_000


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_folder: Path,
    serve_plain: Callable[..., AbstractContextManager[Any]],
) -> Iterator[str]:
    """A page on the tiny model: eight rows, of which two name Ada Moss and one is of another set."""
    folder = tmp_path_factory.mktemp("subjects")
    again = replace(
        ROWS[0], id="ada-2", question="Did Ada Moss see Rome?", answer="Ada Moss saw it.", gold=()
    )
    other = replace(ROWS[6], set="other")
    rows = write_rows(folder / "rows.jsonl", (*ROWS[:6], other, again))
    with serve_plain(folder, "--model", str(tiny_folder), "--data", str(rows)) as server:
        yield server.address


@pytest.fixture(scope="module")
def page(pages: Any, address: str) -> Page:
    """A page as a person has it open all along; the tests use it one after the other."""
    return pages.open(f"{address}?row=ada&signal=knowledge")  # type: ignore[no-any-return]


def live(page: Page) -> Page:
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=2 * MINUTE)
    return page


def show(page: Page, at: int) -> None:
    """Turn to a row of ROWS, as a wide page has it; it is live and nothing is asked about another one."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("listbox", name="Rows").get_by_role("option").nth(at).click()
    expect(live(page).locator(".tu-prompt")).to_contain_text(ROWS[at].question)
    expect(page.locator('.tu-strip[data-signal="knowledge"]')).to_have_count(1)
    expect(form(page)).to_be_hidden()


def knowledge(page: Page) -> list[str]:
    """The knowledge of each token of the shown row, as its chip shows it: labels follow later."""
    numbers = page.locator('.tu-strip[data-signal="knowledge"] .tu-number')
    shown: list[str] = numbers.evaluate_all("all => all.map((e) => e.getAttribute('data-value'))")
    assert shown
    return shown


def glyph(page: Page, at: int) -> Locator:
    return page.locator('.tu-strip [role="option"]').nth(at).locator(".tu-glyph")


def form(page: Page) -> Any:
    return page.get_by_role("form", name="Subject of this row")


def test_a_mask_asked_for_joins_the_leaderboard_and_the_lists_say_which_mask_they_are_of(
    page: Page,
) -> None:
    live(page)
    first = page.locator(".tu-alternatives > div").first
    expect(first.locator(".tu-alternative.is-true")).to_have_count(1, timeout=MINUTE)
    # An untrained model does not expect the true token: it stands behind the five likeliest.
    page.locator(".tu-strip .tu-token").last.click()
    expect(page.locator(".tu-alternatives")).to_be_visible(timeout=MINUTE)
    expect(first).to_contain_text(re.compile(r"\([\d,]+(st|nd|rd|th)\)"))
    expect(first.locator(".tu-alternative.is-true")).to_have_count(1, timeout=MINUTE)
    board = page.locator(".tu-board")
    expect(board).not_to_contain_text("Knowledge, question hidden")
    choose_signal(page, "knowledge_prompt")
    expect(board).to_contain_text("Knowledge, question hidden", timeout=MINUTE)
    expect(page.locator(".tu-caption").first).to_have_text(re.compile("Knowledge: question hidden"))
    expect(page.locator(".tu-details")).to_contain_text(
        "The second list is with the name swapped, which the chosen knowledge does not use."
    )
    # Neither list leaves the panel or lies on the other, however long a piece of text is.
    page.locator(".tu-alternative span:first-child").evaluate_all(
        "all => all.forEach((each) => { each.textContent = 'm'.repeat(60); })"
    )
    for width in (1024, 390):
        page.set_viewport_size({"width": width, "height": 768})
        panel, one, other = (
            page.locator(where).bounding_box()
            for where in (
                ".tu-details",
                ".tu-alternatives > div:first-child .tu-alternative >> nth=0",
                ".tu-alternatives > div:last-child .tu-alternative >> nth=0",
            )
        )
        assert panel and one and other
        assert one["x"] + one["width"] <= other["x"], width
        assert other["x"] + other["width"] <= panel["x"] + panel["width"], width


def test_words_selected_with_the_mouse_become_the_subject(page: Page) -> None:
    show(page, 1)
    choose_signal(page, "knowledge_swap")  # another test may have left a draft
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_have_count(1)
    before = knowledge(page)
    page.locator(".tu-prompt").get_by_text("Where was").dblclick(position={"x": 10, "y": 8})
    expect(form(page).get_by_label(re.compile("^Subject"))).to_have_value("Where")
    form(page).get_by_role("button", name="Bob Reed").click()  # what else could be meant is offered
    expect(form(page).get_by_label(re.compile("^Subject"))).to_have_value("Bob Reed")
    form(page).get_by_label(re.compile("^Subject")).fill("born")
    form(page).get_by_label(re.compile("^Names")).fill("seen\nraised")
    # Read late: a moment before, the mask may be confirmed of what another test has left.
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_have_count(1)
    hash_before = page.locator(".tu-mask-bar code").inner_text()
    # On its way the old numbers stay, marked as such.
    page.route("**/component_server/", lambda _: None)
    form(page).get_by_role("button", name=re.compile("^Score")).click()
    expect(page.locator(".tu-badge")).to_have_text("stale")
    expect(page.locator(".tu-strips")).to_have_class(re.compile("is-stale"))
    page.unroute("**/component_server/")  # what was held back goes on
    expect(page.get_by_role("note")).to_contain_text("Subject given by hand: “born”", timeout=MINUTE)
    expect(form(page)).to_be_hidden()
    expect(page.locator(".tu-badge")).to_have_text("live")
    # Numbers come soon after: other ones, and at last the same.
    numbers = "[...document.querySelectorAll('.tu-strip[data-signal=knowledge] .tu-number')]"
    differ = f"{numbers}.some((each, at) => each.dataset.value !== before[at])"
    page.wait_for_function(f"before => {differ}", arg=before)
    expect(page.locator(".tu-prompt u")).to_have_text("born")
    expect(page.get_by_text("seen, raised")).to_be_visible()
    # reload: the server holds it; then the data's own subject comes back, with the same mask as before
    page.reload()
    expect(live(page).locator(".tu-prompt u")).to_have_text("born")
    page.get_by_role("button", name="Change subject").click()
    form(page).get_by_role("button", name="Back to the data's subject").click()
    expect(page.locator(".tu-prompt u")).to_have_text("Bob Reed", timeout=MINUTE)
    page.wait_for_function(f"before => !{differ}", arg=before)
    assert knowledge(page) == before
    expect(page.locator(".tu-mask-bar code")).to_have_text(hash_before)


def test_by_keyboard_for_rows_that_name_the_same_and_overrides_stay(page: Page) -> None:
    show(page, 0)
    expect(page.locator(".tu-mask-bar")).to_contain_text("no overrides")
    page.locator('.tu-strip [role="option"]').nth(12).focus()
    page.keyboard.press("Space")
    expect(page.locator(".tu-mask-bar")).to_contain_text("1 override")
    page.get_by_role("button", name="Change subject").focus()
    page.keyboard.press("Enter")
    subject = form(page).get_by_label(re.compile("^Subject"))
    expect(subject).to_be_focused()
    subject.fill("Ada")
    similar = form(page).get_by_label(re.compile("Also in 1 other row"))
    similar.focus()
    page.keyboard.press("Space")
    expect(form(page).get_by_role("button", name="Score 2 rows again")).to_be_visible()
    subject.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("note")).to_contain_text("Subject given by hand: “Ada”", timeout=MINUTE)
    expect(page.locator(".tu-mask-bar")).to_contain_text("1 override")
    page.get_by_role("listbox", name="Rows").get_by_role("option").last.click()
    expect(page.get_by_role("note")).to_contain_text("Subject given by hand: “Ada”")


def test_a_subject_that_the_row_does_not_name_is_refused_in_words(page: Page) -> None:
    show(page, 2)
    page.get_by_role("button", name="Change subject").click()
    form(page).get_by_label(re.compile("^Subject")).fill("<img src=x onerror=alert(1)>")
    form(page).get_by_role("button", name=re.compile("^Score")).click()
    expect(form(page).get_by_role("status")).to_contain_text(
        "occurs neither in the question nor in the answer"
    )
    page.keyboard.press("Escape")
    expect(form(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Change subject")).to_be_focused()
    expect(page.locator(".tu-badge")).to_have_text("live")


def test_overrides_survive_a_reload_while_rows_are_scored_anew_and_another_tab_goes_on(
    page: Page, opened: Callable[..., Page], address: str
) -> None:
    other = live(opened(f"{address}?row=dan&signal=knowledge"))
    page.bring_to_front()
    show(page, 3)
    page.locator('.tu-strip [role="option"]').nth(2).click()
    page.keyboard.press("Space")
    expect(glyph(page, 2)).to_have_text("+")
    expect(page.locator(".tu-draft")).to_contain_text("draft saved")
    page.get_by_role("button", name="Change subject").click()
    form(page).get_by_label(re.compile("^Subject")).fill("Dan")
    form(page).get_by_role("button", name=re.compile("^Score")).click()
    page.reload()
    expect(live(page).locator(".tu-prompt u")).to_have_text("Dan", timeout=MINUTE)
    expect(glyph(page, 2)).to_have_text("+")

    # The other tab still shows the scores before; as soon as it saves it takes the newer ones over.
    other.bring_to_front()
    other.locator('.tu-strip [role="option"]').nth(3).click()
    other.keyboard.press("Space")
    expect(other.locator(".tu-prompt u")).to_have_text("Dan", timeout=MINUTE)
    conflict = other.get_by_role("alert").filter(has_text="edited elsewhere")
    expect(conflict).to_be_visible()
    conflict.get_by_role("button", name="Load the other").click()
    expect(glyph(other, 2)).to_have_text("+")
    page.reload()
    expect(glyph(live(page), 2)).to_have_text("+")

    # The address of a row wins over the set that the draft was left in; an undo goes back to what it changes.
    linked = live(opened(f"{address}?row={ROWS[6].id}"))
    expect(linked.locator(".tu-draft")).to_contain_text("draft saved")
    expect(linked.locator(".tu-prompt")).to_contain_text(ROWS[6].question)
    page.bring_to_front()
    page.get_by_role("listbox", name="Rows").get_by_role("option").nth(3).click()
    page.locator('.tu-strip [role="option"]').nth(4).click()
    page.keyboard.press("Space")
    expect(glyph(page, 4)).to_have_text("+")
    page.get_by_role("radio", name="Other", exact=True).click()
    expect(page.locator(".tu-prompt")).to_contain_text(ROWS[6].question)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".tu-prompt")).to_contain_text("Dan Fox")
    expect(glyph(page, 4)).not_to_have_text("+")
