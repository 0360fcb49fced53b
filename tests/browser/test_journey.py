"""The journey on the real model, in a real browser: see, choose, unlearn, probe, close, find again.

Nothing is faked: the server loads the embedded model with the shipped target adapter, scores rows of the
demo, trains in its worker and probes. Three rows and six steps at most are enough to see it work;
`make test-journey` takes all rows and the steps that a person begins with.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.page_acts import press_start
from tests.tiny_rows import write_rows
from tokenunlearn.data.demo import ASSETS, demo_rows
from tokenunlearn.data.rows import Row

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MINUTES = 60_000
WHOLE = bool(os.environ.get("TOKENUNLEARN_WHOLE_JOURNEY"))
FACTS = slice(0, None) if WHOLE else slice(0, 20, 7)  # of three people, whose names are swapped
KEPT = slice(0, None) if WHOLE else slice(0, 1)
WORLD = slice(0, None) if WHOLE else slice(0, 1)
KNOWLEDGE = re.compile(r"knowledge ([\d.]+)")


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., AbstractContextManager[Any]]
) -> Iterator[str]:
    """A page on the embedded model, from a fresh runs folder: on the demo, or on a few rows of it."""
    folder = tmp_path_factory.mktemp("journey")
    forget, retain = demo_rows("shared_forget")[FACTS], demo_rows("shared_retain")[KEPT]
    world = [replace(row, split="world") for row in demo_rows("world")[WORLD]]
    rows = write_rows(folder / "rows.jsonl", [*map(briefly, [*forget, *world])], [*map(briefly, retain)])
    few = ["--data", str(rows), "--adapter", str(ASSETS / "adapters" / "target")]
    with serve(folder, *([] if WHOLE else few)) as server:
        yield server.address


def briefly(row: Row) -> Row:
    """The row with one of its other wordings and wrong answers each: every one costs passes of the model."""
    several = ("paraphrased_question", "paraphrased_answer", "paraphrased_gold", "perturbed_answer")
    return replace(row, **{name: getattr(row, name)[:1] for name in several})


def fact_above_function_words(page: Page, place: int) -> bool:
    """Whether the shown row's gold words score higher on average than its function words."""
    labels = page.locator('.tu-strip [role="option"]').evaluate_all(
        "all => all.map(each => each.getAttribute('aria-label'))"
    )
    gold, function = [], []
    for label in labels:
        value = KNOWLEDGE.search(label)
        if value and ", part of the fact" in label:
            gold.append(float(value[1]))
        elif value and "stop word" in label:
            function.append(float(value[1]))
    assert gold, f"row {place} shows no scored gold token"
    return sum(gold) / len(gold) > (sum(function) / len(function) if function else 0)


def test_see_choose_unlearn_probe_and_find_the_run_again(opened: Callable[..., Page], address: str) -> None:
    page = opened(address, seconds=120)

    # See: the recorded example turns live in place.
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=6 * MINUTES)
    page.get_by_role("radio", name="Knowledge").first.click()
    rows = page.get_by_role("listbox", name="Rows").get_by_role("option")
    expected = len(demo_rows("shared_forget")[FACTS])
    expect(rows).to_have_count(expected)
    found = 0
    for place in range(expected):
        rows.nth(place).click()
        expect(rows.nth(place)).to_have_attribute("aria-selected", "true")
        found += fact_above_function_words(page, place)
    assert found >= 0.8 * expected, f"the fact stands out in {found} of {expected} rows"

    # Choose: the server confirms the mask that is shown.
    rows.first.click()
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_contain_text("✓")
    page.get_by_role("button", name="Unlearn these").press("Enter")
    expect(page.get_by_role("tab", name="Unlearn")).to_be_focused()

    # Unlearn, in a worker that outlives the page.
    expect(page.get_by_role("tab", name="Unlearn")).to_have_attribute("aria-selected", "true")
    if not WHOLE:
        # Three rows have the gentle defaults, at which they take thirty steps.
        expect(page.get_by_text("Few rows break easily")).to_be_visible()
        page.get_by_label("Steps", exact=True).fill("6")
        page.get_by_label(re.compile("Learning rate")).first.fill("0.003")
    press_start(page)
    expect(page.get_by_role("button", name="Stop and keep")).to_be_visible()
    page.close()

    # The page finds the run again, and it ends by itself.
    page = opened(address, seconds=120)
    page.get_by_role("tab", name="Unlearn").click()
    again = page.locator(".tx-actions button", has_text="Run again with changes")
    expect(again).to_be_visible(timeout=20 * MINUTES)
    page.locator(".tx-actions button", has_text="Probe").click()

    # Probe: the fact fell, the rest of the answers stayed.
    fact = [cell_value(text) for text in before_and_after(page, "Fact, joint")]
    other = [cell_value(text) for text in before_and_after(page, "Other tokens")]
    assert fact[0] - fact[1] >= 0.5, f"joint fact probability {fact[0]} → {fact[1]}"
    assert other[1] >= 0.7, f"other tokens {other[0]} → {other[1]}"
    expect(page.get_by_text(re.compile(r"\d+ forgot, fluent"))).to_be_visible()
    page.close()


def before_and_after(page: Page, name: str) -> list[str]:
    row = page.locator(".tx-table tr").filter(has_text=name).first
    expect(row).to_be_visible()
    return row.locator("td").all_inner_texts()[-3:-1]


def cell_value(text: str) -> float:
    return float(text.strip().replace("−", "-"))
