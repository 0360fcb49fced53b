"""Where the focus is and what it shows, in a real Chromium on a recorded example."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.strip_page import press, title, token

pytestmark = pytest.mark.browser


@pytest.fixture
def page(example_page: Page) -> Page:
    return example_page


def test_a_resting_mouse_takes_nothing_over_when_a_key_brings_another_row(page: Page) -> None:
    token(page, "born").click()
    page.locator(".tu-strip").evaluate(
        "e => e.addEventListener('pointerover', () => { window.overs = (window.overs ?? 0) + 1; })"
    )
    press(page, "]")
    # The browser has seen that another token lies under the mouse.
    page.wait_for_function("window.overs > 0")
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(title(page)).to_have_text("Rome")
    token(page, "was").hover()
    expect(title(page)).to_have_text("was")


def test_arrow_keys_preview_what_they_reach_and_enter_keeps_it(page: Page) -> None:
    token(page, "born").click()
    page.mouse.move(0, 0)
    press(page, "ArrowRight")
    expect(title(page)).to_have_text("in")
    expect(token(page, "born")).to_have_class(re.compile("is-locked"))
    # In the details one acts on what they show.
    page.get_by_role("radio", name="By rule", exact=True).focus()
    expect(title(page)).to_have_text("in")
    page.get_by_label("Find rows").focus()
    expect(title(page)).to_have_text("born")
    token(page, "born").focus()
    press(page, "ArrowRight", "Enter", "ArrowLeft", "Escape")
    expect(page.locator(".is-locked")).to_have_count(0)
    expect(page.get_by_text("Hover a token to see its values")).to_be_visible()


def test_a_row_without_a_chosen_token_is_counted_gone_to_and_announced(page: Page) -> None:
    page.get_by_role("combobox", name="Choose", exact=True).select_option("threshold")
    page.get_by_role("slider", name="Cut at φ").evaluate(
        "e => { e.value = '0.7'; e.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    way = page.locator(".tu-mask-bar").get_by_role("button", name=re.compile("without a chosen token"))
    # .8 · 5 / 5.91 (the 99th percentile) + .2 · .5 / 2 is .73, and with 4.5 nats .66.
    expect(way).to_have_text(re.compile("^1 row without a chosen token"))
    way.click()
    expect(page.locator(".tu-row").nth(3)).to_have_attribute("aria-selected", "true")
    said = "Row 4 of 4, Ada: none of 7 tokens chosen"
    expect(page.locator(".tu-view > .tu-unseen")).to_contain_text(said)
    expect(page.locator(".tu-row-note")).to_contain_text("this row will not be trained")
    expect(page.locator(".tu-row-share.is-none")).to_have_text("0 of 7")


def test_space_and_escape_on_the_plane_do_as_in_the_strip(page: Page) -> None:
    plot = page.get_by_role("application", name=re.compile("Knowledge and entropy"))
    plot.scroll_into_view_if_needed()
    expect(page.locator(".tu-scatter-said")).to_contain_text("“Oslo”")
    plot.focus()
    press(page, "Enter")
    scrolled = page.locator(".tu-centre").evaluate("e => e.scrollTop")
    press(page, " ")
    expect(page.locator(".tu-run.is-in .tu-token")).to_have_text(re.compile("Oslo"))
    press(page, " ")
    expect(page.locator(".tu-run.is-out .tu-token")).to_have_text(re.compile("Oslo"))
    expect(page.locator(".tu-scatter-said")).to_contain_text("forced out")
    assert page.locator(".tu-centre").evaluate("e => e.scrollTop") == scrolled
    press(page, "Escape")
    expect(page.locator(".is-locked")).to_have_count(0)


def test_what_was_done_to_the_listed_rows_stays_said_and_can_be_cleared(page: Page) -> None:
    page.get_by_label("Find rows").fill("Oslo")
    page.get_by_text("Change the listed rows").click()
    said = page.locator(".tu-bulk [role=status]")
    page.get_by_role("button", name="Force out").click()
    # Longer than what waits for a moment of rest.
    page.wait_for_timeout(600)
    expect(said).to_have_text("Force out: 3 tokens in 2 rows. Undo takes it back.")
    page.get_by_label("Which tokens of the listed rows").select_option("forced")
    expect(said).to_have_text("3 tokens in 2 rows.")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("no overrides")).to_be_visible()
    expect(said).to_have_text("Clear: 3 tokens in 2 rows. Undo takes it back.")
    page.get_by_role("button", name="Undo").click()
    expect(said).to_have_text("3 tokens in 2 rows.")


def test_a_note_being_typed_outlives_a_reload(page: Page) -> None:
    token(page, "born").click()
    press(page, "c")
    page.keyboard.type("half a tho")
    page.reload()
    expect(page.get_by_label("Note on this token")).to_have_value("half a tho")


def test_a_reload_in_the_same_moment_as_a_click_keeps_the_lock(page: Page) -> None:
    title = page.locator(".tu-big-token")
    before = title.inner_text()
    wanted = page.locator(".tu-strip .tu-token:not(.is-locked):not(.is-subject)").last
    word = wanted.locator(".tu-text").inner_text().strip()
    assert word not in before
    with page.expect_navigation():
        wanted.evaluate(
            """token => {
              for (const name of ["pointerdown", "pointerup"])
                token.dispatchEvent(new PointerEvent(name, { bubbles: true, button: 0, pointerId: 1 }));
              token.click();
              location.reload();
            }"""
        )
    expect(title).to_contain_text(word)


def test_a_walk_stays_in_the_filter_and_a_row_begins_with_its_question(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 420})
    page.get_by_label("Find rows").fill("Oslo")
    cards = page.locator(".tu-row:visible")
    expect(cards).to_have_count(2)
    cards.last.click()
    centre = page.locator(".tu-centre")
    centre.evaluate("e => { e.scrollTop = 200; }")
    assert centre.evaluate("e => e.scrollTop") > 0
    token(page, "born").focus()
    for _ in range(6):
        press(page, "n")
        expect(page.locator('.tu-row:visible[aria-selected="true"]')).to_have_count(1)
    expect(page.get_by_text("From the first listed row again")).to_be_attached()
    press(page, "]")
    press(page, "[", "[")
    assert centre.evaluate("e => e.scrollTop") == 0


def test_the_overrides_are_listed_gone_to_and_cleared(page: Page) -> None:
    for row in (0, 2):
        page.locator(".tu-row").nth(row).click()
        token(page, "was").click()
        press(page, "Space")
    press(page, "c")
    page.keyboard.type("<b>why</b>")
    press(page, "Enter")
    page.locator(".tu-mask-bar").get_by_role("button", name="2 overrides").click()
    listed = page.get_by_role("dialog", name="Overrides")
    expect(listed.locator("tbody tr")).to_have_text(
        [re.compile("was.*forced in"), re.compile("was.*<b>why</b>")]
    )
    listed.get_by_role("button", name="Show was in plain-0").click()
    expect(listed).to_be_hidden()
    expect(page.locator(".tu-row").first).to_have_attribute("aria-selected", "true")
    expect(token(page, "was")).to_have_class(re.compile("is-locked"))
    page.locator(".tu-mask-bar").get_by_role("button", name="2 overrides").focus()
    press(page, "Enter", "Tab", "Tab", "Tab", "Enter")
    expect(listed.get_by_role("status")).to_contain_text("1 in this set.")
    press(page, "Escape")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".tu-mask-bar")).to_contain_text("2 overrides")


def test_undo_works_by_key_anywhere_and_buttons_that_go_off_keep_the_focus(page: Page) -> None:
    bar = page.locator(".tu-mask-bar")
    token(page, "was").click()
    press(page, "Space")
    expect(bar).to_contain_text("1 override")
    page.get_by_label("Order of the rows").focus()
    press(page, "Control+z")
    expect(bar).to_contain_text("no overrides")
    press(page, "Control+y")
    expect(bar).to_contain_text("1 override")
    page.get_by_label("Find rows").press_sequentially("Oslo")
    press(page, "Control+z")  # takes back what was typed, and no more
    expect(bar).to_contain_text("1 override")
    undo = bar.get_by_role("button", name="Undo")
    undo.press("Enter")
    expect(bar).to_contain_text("no overrides")
    expect(undo).to_be_disabled()
    expect(undo).to_be_focused()
    page.get_by_text("Change the listed rows").click()
    force = page.get_by_role("button", name="Force out")
    force.press("Enter")
    expect(force).to_be_disabled()
    expect(force).to_be_focused()


def test_a_row_picked_in_the_drawer_of_a_phone_gives_the_focus_to_its_tokens(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    reached = page.locator('.tu-strip .tu-token[tabindex="0"]')
    rows = page.locator(".tu-row")
    for row in (1, 2, 2):
        page.locator(".tu-drawer-toggle").click()
        rows.nth(row).click()
        expect(rows.nth(row)).to_be_hidden()
        expect(rows.nth(row)).to_have_attribute("aria-selected", "true")
        expect(reached).to_be_focused()


def test_a_walk_by_button_shows_what_it_reaches_and_the_address_leads_there(
    page: Page, opened: Callable[..., Page]
) -> None:
    page.set_viewport_size({"width": 1440, "height": 420})
    page.get_by_role("radio", name="Long", exact=True).click()
    page.locator(".tu-row").first.click()
    page.get_by_role("combobox", name="Choose", exact=True).select_option("gold")  # there is none
    page.locator(".tu-strip .tu-token").first.click()
    press(page, "End", "Space", "Home")
    last = page.locator(".tu-strip .tu-token").last
    expect(last).not_to_be_in_viewport()
    following = page.get_by_role("button", name="Next chosen")
    following.click()
    expect(last).to_have_class(re.compile("is-locked"))
    expect(last).to_be_in_viewport()
    expect(following).to_be_focused()
    expect(page).to_have_url(re.compile(r"row=long-12&signal=fused&token=511$"))
    there = opened(page.url)
    expect(there.locator(".tu-token.is-locked")).to_have_attribute(
        "aria-label", re.compile("^token 512 of 512")
    )
    expect(there.locator('.tu-row[aria-selected="true"]')).to_have_count(1)
