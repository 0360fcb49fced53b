"""Words on show in a real Chromium: marks, details and keys are those of the whole word."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.strip_page import press

pytestmark = pytest.mark.browser


@pytest.fixture
def page(example_page: Page) -> Page:
    """The row of long words, tokens on show, nothing chosen by the rule."""
    page = example_page
    page.get_by_role("radio", name="Words", exact=True).click()
    page.get_by_role("combobox", name="Choose", exact=True).select_option("threshold")
    page.get_by_label("Cut at φ").fill("1")
    expect(chip(page, "Zag")).to_be_visible()
    return page


def test_a_request_to_another_machine_is_noticed(pages: Any) -> None:
    outside = ["http://8.8.8.8/a.png", "http://[2001:4860:4860::8888]/b.png", "https://example.com/c.png"]
    pictures = "".join(f"<img src='{address}'>" for address in outside)
    pages.open(f"data:text/html,{pictures}").close()
    assert sorted(pages.outside) == outside
    pages.outside.clear()


def chip(page: Page, text: str) -> Any:
    return page.locator(".tu-strip .tu-token").filter(has=page.get_by_text(text, exact=True))


def test_a_word_of_which_a_part_is_forced_is_mixed_and_space_makes_it_one(page: Page) -> None:
    chip(page, "ora").click()
    press(page, " ", "w")
    word = chip(page, "Zagora")
    expect(word).to_have_attribute("aria-label", re.compile(r"mixed: .*1 token forced in by hand"))
    expect(word).to_have_attribute("aria-selected", "false")
    expect(word.locator("[data-glyph]")).to_have_text("◐")
    expect(page.locator(".tu-decision")).to_have_text(re.compile("Mixed: .*1 token forced in by hand"))
    override = page.get_by_role("radiogroup", name="Override")
    expect(override.locator("[aria-checked=true]")).to_have_count(0)
    word.focus()
    press(page, " ")
    expect(word.locator("[data-glyph]")).to_have_text("+")
    expect(word).to_have_attribute("aria-selected", "true")
    press(page, " ")
    expect(word.locator("[data-glyph]")).to_have_text("−")
    press(page, "Control+Z", "Control+Z")
    expect(word.locator("[data-glyph]")).to_have_text("◐")


def test_a_word_is_explained_as_a_whole_and_n_goes_to_the_next_one(page: Page) -> None:
    chip(page, "ora").click()
    press(page, "w")
    page.locator(".tu-prompt").hover()
    details = page.locator(".tu-details")
    expect(details).to_contain_text("tokens 6–7 of 8")
    expect(details).to_contain_text("knowledge is the sum over its tokens")
    why = page.locator(".tu-why")
    expect(why).to_contain_text("“Zagora” changes by a factor of about 33 on average: ")
    expect(why).to_contain_text("the sum over its 2 tokens")
    expect(page.locator(".tu-equation")).to_contain_text("of “Zag”: a word has the φ of its highest token")
    page.get_by_role("combobox", name="Choose", exact=True).select_option("uniform")
    chip(page, "is").click()
    walked = []
    for _ in range(3):
        press(page, "n")
        walked.append(page.locator(".tu-big-token").inner_text())
    assert walked == ["↵Stara", "Zagora", "."]
    # The word that begins with the break stands on the line that it opens.
    assert str(page.locator(".tu-strip").text_content()).count("\n↵Stara") == 1


def test_a_number_of_two_tokens_is_one_number_in_text_from_right_to_left(
    opened: Callable[..., Page], example_address: str
) -> None:
    page = opened(f"{example_address}?row=hostile-8")
    expect(chip(page, "نص")).to_be_visible()
    order = """all => all.map((each) => [each.getBoundingClientRect().left, each.textContent])
      .sort((one, other) => one[0] - other[0]).map(([, text]) => text)"""
    shown = page.locator(".tu-strip .tu-text").evaluate_all(order)
    assert shown == ["نص", "1", "2", "،", "بالعالم", "مرحبا"]
