"""The Tokens view in a real Chromium, by mouse and keyboard alone, on a recorded example: no model.

A page takes seconds to open, so a test goes through what belongs together.
"""

import json
import math
import re

import pytest
from playwright.sync_api import Page, expect

from tests.strip_page import press, title, token
from tests.tokens_example import HOSTILE, LONGEST

pytestmark = pytest.mark.browser
# The plot of scatter.js: height, and what its margins leave (scatter_paint.js).
HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 260, 40, 12, 26, 36


@pytest.fixture
def page(example_page: Page) -> Page:
    return example_page


def copied(page: Page) -> str:
    """What Ctrl+C would put on the clipboard."""
    page.evaluate(
        "addEventListener('copy', (event) => {"
        " window.copied = event.clipboardData.getData('text/plain'); }, { once: true })"
    )
    page.keyboard.press("Control+C")
    return str(page.evaluate("window.copied"))


def drag(page: Page, start: str, end: str) -> None:
    """Draws a range from one token to another with the mouse."""
    for word, act in ((start, page.mouse.down), (end, page.mouse.up)):
        box = token(page, word).bounding_box()
        assert box
        page.mouse.move(box["x"] + 4, box["y"] + 8, steps=6)
        act()


def choose_set(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).click()


def test_a_signal_is_searched_and_chosen_by_keyboard(page: Page) -> None:
    field, options = (
        page.get_by_label("Knowledge from"),
        page.get_by_role("option").and_(page.locator(".tu-combo-option")),
    )
    field.focus()
    expect(field).to_have_attribute("aria-expanded", "false")
    press(page, "ArrowDown")
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".tu-combo-option.is-active")).to_have_attribute("data-value", "knowledge_swap")
    page.keyboard.type("zzz")
    expect(options).to_have_count(0)
    expect(page.get_by_text("None of the signals has “zzz” in name or sentence.")).to_be_visible()
    press(page, "Escape")
    expect(field).to_have_value("name swapped")
    page.keyboard.type("spread")
    active = field.get_attribute("aria-activedescendant")
    expect(page.locator(f"[id='{active}']")).to_have_attribute("data-value", "swap_spread")
    press(page, "Enter")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(field).to_have_attribute("data-value", "swap_spread")
    expect(field).to_be_focused()
    press(page, "ArrowDown", "ArrowDown", "Tab")  # leaving takes nothing
    expect(field).to_have_attribute("data-value", "swap_spread")
    expect(field).to_have_attribute("aria-expanded", "false")


def test_hover_previews_a_click_locks_and_the_details_explain(page: Page) -> None:
    expect(title(page)).to_have_text("Oslo")
    token(page, "born").hover()
    expect(title(page)).to_have_text("born")
    page.locator(".tu-prompt").hover()
    expect(title(page)).to_have_text("Oslo")
    token(page, "born").click()
    page.locator(".tu-prompt").hover()
    expect(title(page)).to_have_text("born")
    expect(token(page, "born")).to_have_class(re.compile("is-locked"))
    token(page, "born").click()
    press(page, "Escape")
    expect(page.locator(".is-locked")).to_have_count(0)
    token(page, "Oslo").click()
    expect(page.locator(".tu-masking")).to_have_text(
        "Mean over 2 names: Bo Ek, Cy Dahl; they differ by 0.25 nats (standard deviation)."
    )
    page.get_by_text("All 3 signals").click()
    line = page.locator(".tu-all-signals tr").filter(has_text="Knowledge, name swapped")
    expect(line).to_have_text(re.compile(r"6\.00 nats\s*1 of 20\s*100th"))
    page.get_by_role("radio", name="Out", exact=True).click()
    expect(page.locator(".tu-decision")).to_have_text("Forced out by hand")


def test_the_tour_lights_up_what_it_speaks_of_and_goes_on_where_it_was_left(page: Page) -> None:
    tour = page.get_by_role("region", name="Tour", exact=True)
    expect(tour).to_contain_text("1 of 8 · Read the colour")
    expect(page.locator(".tu-strips")).to_have_class(re.compile("is-pointed"))
    tour.get_by_role("button", name="Next").press("Enter")
    expect(page.locator(".is-pointed")).to_have_count(2)
    tour.get_by_role("button", name="Leave the tour").click()
    expect(tour).to_be_hidden()
    expect(page.locator(".is-pointed")).to_have_count(0)
    page.reload()
    expect(page.locator(".tu-mask-bar")).to_be_visible()
    expect(tour).to_be_hidden()
    page.get_by_role("button", name="Tour", exact=True).click()
    expect(tour).to_contain_text("2 of 8 · Set the cut")
    for words in ("3 of 8", "4 of 8"):
        expect(page.locator(".tu-strip[data-gold]")).to_have_count(int(words == "4 of 8"))
        tour.get_by_role("button", name="Next").click()
        expect(tour).to_contain_text(words)
    tour.get_by_role("button", name="Leave the tour").click()
    expect(tour).to_be_hidden()
    # What the page is stays to be read: the row of signals that sticks does not lie on it.
    page.locator(".tu-what").click(timeout=5_000)


def test_a_browser_that_keeps_nonsense_or_forbids_storage_shows_the_whole_view(page: Page) -> None:
    errors: list[str] = []
    other = page.context.new_page()
    other.on("pageerror", lambda error: errors.append(str(error)))
    # What another version of the page kept: a mode, a row, a signal and a step that this one does not have.
    draft = {"rule": {"mode": "zz"}, "overrides": {"0": "zz"}, "view": {"row": 99, "signal": "zz"}}
    kept = json.dumps({".draft.": draft, ".tour": {"step": 1.5}})
    other.add_init_script(
        f"Storage.prototype.getItem = (name) => JSON.stringify(Object.entries({kept})"
        ".find(([part]) => name.includes(part))?.[1] ?? null);"
    )
    forbids = other.get_by_text("This browser forbids storage.")
    other.goto(page.url)
    expect(other.locator(".tu-strip .tu-token").first).to_be_visible()
    expect(other.get_by_role("region", name="Tour", exact=True)).to_contain_text("1 of 8")
    expect(forbids).to_be_hidden()
    other.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,"
        " { get() { throw new DOMException('denied', 'SecurityError'); } });"
    )
    other.reload()
    expect(forbids).to_have_count(1)
    expect(forbids).to_be_visible()
    other.get_by_role("region", name="Tour", exact=True).get_by_role("button", name="Next").click()
    expect(other.get_by_role("region", name="Tour", exact=True)).to_contain_text("2 of 8")
    expect(other.locator(".tu-strip .tu-token").first).to_be_visible()
    assert errors == []
    other.close()


def test_the_legend_explains_what_is_drawn_and_soft_weights_are_bars(page: Page) -> None:
    legend = page.get_by_role("group", name="Legend")
    marks = legend.locator(".tu-mark:visible")
    plain = ["chosen", "forced in", "forced out", "left out", "name", "no score"]
    expect(marks).to_have_text([re.compile(f"^{word}") for word in plain])
    outline = page.locator(".tu-run.is-chosen").first
    mark = legend.locator(".is-chosen")
    colour = "e => getComputedStyle(e).borderTopColor"
    assert outline.evaluate(colour) == mark.evaluate(colour) != "rgba(0, 0, 0, 0)"
    # Where the system forces its colours, a score is still a fill.
    page.emulate_media(forced_colors="active")
    fill = "e => getComputedStyle(e).backgroundColor"
    assert token(page, "Oslo").evaluate(fill) != token(page, "in").evaluate(fill)
    page.emulate_media(forced_colors="none")
    page.get_by_role("button", name="Fact", exact=True).click()
    expect(marks.last).to_have_text("the fact")
    page.get_by_role("combobox", name="Choose", exact=True).select_option("soft")
    expect(marks.first).to_have_text("weight")
    assert outline.evaluate(colour) == "rgba(0, 0, 0, 0)"
    height = "e => parseFloat(getComputedStyle(e, '::before').height)"
    city, verb = (token(page, word).locator(".tu-glyph") for word in ("Oslo", "born"))
    # φ over the 99th percentile of each signal: the city counts most, and its bar is the full 9 pixels.
    assert city.evaluate(height) == 9
    assert 0 < verb.evaluate(height) < 9
    expect(token(page, "Oslo")).to_have_attribute("aria-label", re.compile(r"chosen by the rule, weight \d"))


def test_keys_and_mouse_override_tokens_and_ranges(page: Page) -> None:
    token(page, "born").click()
    press(page, "ArrowRight", "Enter")
    expect(title(page)).to_have_text("in")
    press(page, "Home", "Shift+ArrowRight", "Shift+ArrowRight", " ")
    expect(page.locator(".tu-run.is-in .tu-token")).to_have_count(3)
    press(page, " ")
    expect(page.locator(".tu-run.is-out .tu-token")).to_have_count(3)
    press(page, "Control+Z", "Control+Z")
    expect(page.locator(".tu-run.is-in, .tu-run.is-out")).to_have_count(0)
    press(page, "Control+Y")
    expect(page.locator(".tu-run.is-in .tu-token")).to_have_count(3)

    drag(page, "was", "in")
    expect(page.locator(".tu-token.in-range")).to_have_count(3)
    token(page, "Oslo").locator("[data-glyph]").click()
    expect(page.locator(".tu-run.is-in .tu-token").last).to_have_text(re.compile("Oslo"))


def test_the_switch_in_the_details_overrides_all_of_a_dragged_range(page: Page) -> None:
    glyphs = page.locator(".tu-strip .in-range .tu-glyph")
    radio = {name: page.get_by_role("radio", name=name, exact=True) for name in ("By rule", "In", "Out")}
    drag(page, "was", "in")
    expect(page.locator(".tu-decision")).to_have_text("3 tokens selected")
    expect(radio["By rule"]).to_be_checked()
    before = glyphs.all_inner_texts()
    radio["In"].click()
    expect(glyphs).to_have_text(["+"] * 3)
    expect(radio["In"]).to_be_checked()
    # What is locked is none of them, and stays as the rule has it.
    expect(title(page)).to_have_text("Oslo")
    expect(token(page, "Oslo").locator(".tu-glyph")).not_to_have_text("+")
    page.get_by_role("button", name="Undo").click()
    expect(glyphs).to_have_text(before)
    token(page, "born").locator("[data-glyph]").click()
    drag(page, "was", "in")
    expect(page.locator('.tu-override [aria-checked="true"]')).to_have_count(0)
    page.locator(".tu-strip .tu-token").first.focus()
    press(page, "Escape", "Escape")
    drag(page, "was", "born")
    radio["Out"].click()
    expect(page.locator(".tu-run.is-out .tu-token")).to_have_count(2)


def test_notes_are_written_by_key_kept_over_a_reload_and_keys_show_themselves(page: Page) -> None:
    token(page, "born").click()
    press(page, "c")
    page.keyboard.type("not in the gold span")
    press(page, "Enter")
    expect(token(page, "born")).to_have_class(re.compile("has-note"))
    expect(token(page, "born")).to_have_attribute("aria-label", re.compile("note: not in the gold span"))
    expect(token(page, "born")).to_be_focused()
    press(page, "Control+Z")
    expect(page.locator(".has-note")).to_have_count(0)
    press(page, "Control+Y")
    page.reload()
    expect(token(page, "born")).to_have_class(re.compile("has-note"))
    expect(page.get_by_label("Note on this token")).to_have_value("not in the gold span")
    expect(page.locator(".tu-note-time")).not_to_be_empty()

    token(page, "born").click()
    press(page, "1", "g", "v")
    strip = page.locator(".tu-strip")
    expect(strip).to_have_attribute("data-signal", "knowledge")
    expect(strip).to_have_attribute("data-gold", "")
    expect(token(page, "Oslo").locator(".tu-number")).to_be_visible()
    expect(token(page, "Oslo").locator(".tu-number")).to_have_attribute("data-value", "6.00")
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keys and marks")).to_contain_text("note on the token")
    press(page, "Escape")
    expect(page.get_by_role("dialog", name="Keys and marks")).to_be_hidden()


def test_rows_are_searched_as_text_sorted_and_walked(page: Page) -> None:
    page.get_by_label("Find rows").fill(".*")
    expect(page.get_by_text("No row holds that.")).to_be_visible()
    page.get_by_label("Find rows").fill("oslo")
    expect(page.get_by_text("2 of 4 rows")).to_be_visible()
    token(page, "born").click()
    press(page, "]")
    expect(token(page, "Lind2")).to_be_visible()
    page.get_by_label("Find rows").fill("")
    token(page, "born").click()
    press(page, " ")
    page.get_by_label("Order of the rows").select_option("overrides")
    expect(page.locator(".tu-row").first).to_have_accessible_name(re.compile("1 override"))
    token(page, "born").click()
    press(page, "n")
    expect(title(page)).to_have_text("Oslo")
    walked = []
    for _ in range(5):
        press(page, "n")
        walked.append(title(page).inner_text())
    # Over the borders of the rows, in the order in which they are listed.
    assert [word for word in walked if word != "born"][:3] == ["Oslo", "Rome", "Paris"]
    press(page, "u")
    expect(title(page)).to_have_text("born")


def test_listed_rows_change_at_once_with_the_count_told_before(page: Page) -> None:
    page.get_by_label("Find rows").fill("Oslo")
    page.get_by_text("Change the listed rows").click()
    page.get_by_label("Which tokens of the listed rows").select_option("words")
    expect(page.locator(".tu-bulk [role=status]")).to_have_text("2 tokens in 2 rows.")
    page.get_by_role("button", name="Force out").click()
    expect(page.get_by_text("2 overrides")).to_be_visible()
    expect(page.locator(".tu-row:visible", has_text="•1")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("no overrides")).to_be_visible()


def test_the_cut_is_dragged_and_a_dot_of_the_plane_is_the_token_of_the_strip(page: Page) -> None:
    targets = page.locator(".tu-targets")
    before = targets.inner_text()
    cut = page.get_by_role("slider", name="Cut of the fused score")
    page.locator('.tu-strip .tu-token[tabindex="0"]').focus()  # which the drag takes away
    cut.scroll_into_view_if_needed()
    box = page.locator(".tu-hist-plot").bounding_box()
    handle = cut.bounding_box()
    assert box and handle
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40, steps=4)
    page.wait_for_timeout(900)  # the hand rests: still one drag, and one step of undo
    page.mouse.move(box["x"] + box["width"] * 0.98, box["y"] + 40, steps=4)
    page.mouse.up()
    expect(targets).not_to_have_text(before)
    page.get_by_role("button", name="Undo").click()
    expect(targets).to_have_text(before)
    page.get_by_role("button", name="Redo").click()
    expect(targets).not_to_have_text(before)
    dragged = targets.inner_text()
    cut.focus()
    press(page, *["ArrowLeft"] * 3)
    expect(targets).not_to_have_text(dragged)
    expect(page.get_by_role("region", name="Budget")).to_contain_text("Fact recall")

    plot = page.get_by_role("application", name=re.compile("Knowledge and entropy"))
    plot.scroll_into_view_if_needed()
    said = page.locator(".tu-scatter-said")
    expect(said).to_contain_text("“Oslo”: knowledge 6.00 nats, entropy 0.50 nats")
    box = plot.bounding_box()
    assert box
    # “born”: knowledge 0.1 of 6, entropy 2 of 2.
    # The axis bends at 0.1 nats, the median: see scatter_points.js.
    x = box["x"] + LEFT + (box["width"] - LEFT - RIGHT) * math.log1p(0.1 / 0.1) / math.log1p(6 / 0.1)
    page.mouse.move(x, box["y"] + TOP)
    expect(said).to_contain_text("“born”")
    page.mouse.click(x, box["y"] + TOP)
    expect(title(page)).to_have_text("born")
    plot.focus()
    page.mouse.move(0, 0)
    # Down to a token of entropy 0.5, then right to the facts, the weakest of them first.
    press(page, "ArrowDown", "ArrowRight", "Enter")
    expect(title(page)).to_have_text("Paris")
    expect(page.locator(".tu-token.is-locked")).to_have_text(re.compile("Paris"))


def test_a_row_of_ten_thousand_tokens_paints_windows_and_opens_gaps(page: Page) -> None:
    choose_set(page, "Long")
    page.locator(".tu-row").nth(1).click()
    expect(page.locator(".tu-gap").first).to_be_visible()
    painted = page.locator(".tu-strip .tu-token").count()
    assert painted <= 300
    last = page.locator(".tu-gap").last
    expect(last).to_have_text(re.compile(r"… [\d,]+ tokens.*…"))
    last.click()
    expect(page.locator(".tu-strip .tu-token")).to_have_count(painted + 400)
    chart = page.get_by_role("img", name=re.compile("Map of the answer"))
    box = chart.bounding_box() or {}
    chart.click(position={"x": box["width"] * 0.75, "y": 6})
    locked = page.locator(".tu-strip .tu-token.is-locked")
    assert LONGEST == 10_000
    expect(locked).to_have_text(re.compile(r"^w7[45]\d\d\b"))
    page.get_by_role("button", name="Show 2,000").click()
    expect(page.locator(".tu-strip .tu-token")).to_have_count(2_000)
    expect(locked).to_be_visible()
    page.locator(".tu-token.is-locked").focus()
    press(page, "End", "ArrowLeft")
    expect(token(page, f"w{LONGEST - 2}")).to_be_focused()
    press(page, "Home", "Shift+End")
    assert copied(page) == "".join(f" w{at}" for at in range(LONGEST))
    assert page.locator(".tu-strip .tu-token").count() <= 2_000


def test_hostile_and_foreign_text_is_shown_and_copied_letter_by_letter(page: Page) -> None:
    choose_set(page, "Hostile")
    for number, (name, tokens) in enumerate(HOSTILE.items()):
        page.locator(".tu-row").nth(number).click()
        # The row before may have as many tokens: only its question says that this one is drawn.
        drawn = "text => document.querySelector('.tu-prompt')?.textContent === text"
        page.wait_for_function(drawn, arg="".join(tokens)[:200])
        expect(page.locator(".tu-strip .tu-token")).to_have_count(len(tokens))
        page.locator(".tu-strip .tu-token").first.focus()
        press(page, "Home", *["Shift+End"] * (len(tokens) > 1))
        assert copied(page) == "".join(tokens), name
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x], .tu-view script").count() == 0
