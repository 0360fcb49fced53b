"""The states of runs on every tab (USERS 5.5, 5.7), from folders as workers leave them; 125 rows, no model.

The run under way is a process that only sleeps, so nothing moves but what a test writes.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.synthetic import example
from tests.recorded_page import finished_run
from tokenunlearn.runs.queue import running
from tokenunlearn.runs.states import FORCE_AFTER_SECONDS
from tokenunlearn.runs.store import RunStore
from tokenunlearn.training.events import Diverged

pytestmark = pytest.mark.browser
TABS = ("Tokens", "Unlearn", "Probe", "Compare")
MASK = "9f3c0000" + "0" * 56


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    """run-1 diverged, run-2 failed, run-3 at step 12 of 30, run-4 and run-5 behind it."""
    store = RunStore(tmp_path_factory.mktemp("runs") / "runs")
    diverged = finished_run(store, "chosen", 0.3, "forgot", "Ada Lind was born in Paris.")
    store.append_event(diverged, Diverged(9, "retain loss 3.1 > 2.0", 8))
    values: dict[str, Any] = {"state": "diverged", "step": 9, "steps": 30, "saved_step": 8}
    store.change(diverged, **values, message="retain loss 3.1 > 2.0")
    failed = store.create({"name": "shared, failed", "arm": "uniform", "forget": []})
    (store.path(failed) / "log.txt").write_text("Traceback\nInputError: The rows cannot be read\n")
    store.change(failed, state="failed", step=2, steps=30, message="The rows cannot be read")
    sleeper = subprocess.Popen(["sleep", "600"])
    live = store.create({"name": "shared, live", "arm": "random", "mask_hash": MASK, "forget": []})
    store.change(live, **{**running(sleeper.pid), "step": 12, "steps": 30, "message": ""})
    for name in ("next", "last"):
        store.create({"name": f"shared, {name}", "arm": "random", "forget": []})
    yield store
    sleeper.kill()
    sleeper.wait()


@pytest.fixture(scope="module")
def address(store: RunStore, serve: Callable[..., AbstractContextManager[Any]]) -> Iterator[str]:
    folder = store.root.parent
    shown = example(5_000)
    shown["tokens"]["rows"][1] |= {"subject": "", "subject_source": "none", "subject_spans": []}
    (folder / "example.json").write_text(json.dumps(shown), encoding="utf-8")
    with serve(folder, "--no-model", "--recorded", str(folder / "example.json")) as server:
        yield server.address


@pytest.fixture(scope="module")
def page(pages: Any, address: str) -> Page:
    """A page as a person has it open all along; the tests use it one after the other."""
    page: Page = pages.open(address, permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_be_visible()
    return page


def show_run(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name="Unlearn").click()
    page.get_by_role("listitem").filter(has_text=name).get_by_role("button").click()
    title = page.locator(".tx-run-title")
    expect(title.locator("strong")).to_have_text(name)
    return title


def buttons(page: Page) -> Locator:
    return page.locator(".tx-actions button:visible")


def test_a_run_under_way_shows_on_every_tab_and_those_behind_it_have_a_place(page: Page) -> None:
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(".tx-chip", has_text="run-3: step 12 of 30 · 2 waiting")).to_be_visible()
    page.get_by_role("tab", name="Tokens").click()
    expect(page.locator(".tu-training")).to_have_text(
        "run-3 trains the control “random, same count”; changes here do not reach it."
    )
    page.locator(".tu-strip .tu-token").nth(5).click()
    page.keyboard.press("Space")
    expect(page.locator(".tu-strip .tu-token").nth(5).locator(".tu-glyph")).to_have_text("+")
    expect(show_run(page, "shared, live")).to_contain_text("step 12 of 30")
    expect(buttons(page)).to_have_text(["Pause and save", "Stop and keep", "Discard…"])
    expect(show_run(page, "shared, next")).to_contain_text("1st in line, starts after run-3")
    expect(show_run(page, "shared, last")).to_contain_text("2nd in line, starts after run-4")
    expect(buttons(page)).to_have_text(["Cancel"])


def test_on_a_phone_start_stands_above_the_run_and_the_settings_are_one_press_away(page: Page) -> None:
    wide = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("tab", name="Unlearn").click()
    start, run, settings = (
        page.locator(part) for part in ("button.tx-start", ".tx-run-head", ".tx-controls")
    )
    tops = [each.evaluate("each => each.getBoundingClientRect().top") for each in (start, run, settings)]
    assert tops == sorted(tops)
    expect(start).to_be_in_viewport()
    expect(run).to_be_in_viewport()
    page.get_by_role("button", name="Settings and controls ↓").click()
    expect(page.get_by_role("button", name="Before training: measure these tokens")).to_be_in_viewport()
    page.set_viewport_size(wide or {"width": 1280, "height": 720})
    expect(page.get_by_role("button", name="Settings and controls ↓")).to_be_hidden()


def test_many_rows_begin_with_the_disagreements_and_a_row_without_choice_or_subject_says_so(
    page: Page,
) -> None:
    page.get_by_role("tab", name="Tokens").click()
    expect(page.get_by_label("Order of the rows")).to_have_value("differs")
    filled = page.locator(".tu-row:has(.tu-row-subject)").count()
    assert 0 < filled < 125 == page.locator(".tu-row").count()
    page.get_by_label("Find rows").fill("Ada1 Lind1 ")
    page.locator(".tu-row:visible").first.click()
    expect(page.get_by_role("note")).to_contain_text("No name shared by question and answer")
    chosen = page.locator(".tu-strip .tu-token[aria-selected='true']")
    for left in reversed(range(chosen.count())):
        chosen.first.click()
        page.keyboard.press("Shift+Space")
        expect(chosen).to_have_count(left)
    expect(page.locator(".tu-row-note")).to_have_text(
        "0 of 40 here: this row will not be trained. Lower the cut, or force a token in."
    )
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".tu-row-note")).to_be_empty()


def test_a_diverged_run_says_where_keeps_its_step_and_opens_the_form_with_a_lower_rate(page: Page) -> None:
    title = show_run(page, "shared, chosen")
    expect(title).to_contain_text("diverged at step 9: retain loss 3.1 > 2.0; weights saved, step 8 of 30")
    expect(buttons(page)).to_have_text(["Keep as is", "Edit settings", "Copy error", "Discard…"])
    notes = page.locator(".curves-view .js-plotly-plot .annotation-text")
    expect(notes.filter(has_text=re.compile("^kept 8$"))).to_be_visible()
    expect(notes.filter(has_text=re.compile("^stopped 9$"))).to_be_visible()
    rate = page.get_by_label(re.compile("Learning rate")).first
    before = float(rate.input_value())
    page.get_by_role("button", name="Edit settings").click()
    expect(page.locator(".toast-body").first).to_contain_text("the learning rate is lowered")
    expect(rate).not_to_have_value(str(before))
    assert 0 < float(rate.input_value()) < before


def test_a_failed_run_gives_its_reason_to_copy_its_log_in_a_fold_and_asks_before_it_is_discarded(
    page: Page,
) -> None:
    title = show_run(page, "shared, failed")
    expect(title).to_contain_text("failed at step 2: The rows cannot be read; nothing saved yet")
    expect(buttons(page)).to_have_text(["Edit settings", "Copy error", "Discard…"])
    page.get_by_role("button", name="Copy error").click()
    assert page.evaluate("navigator.clipboard.readText()") == "The rows cannot be read"
    log = page.locator(".tx-log")
    expect(log.locator("pre")).to_be_hidden()
    log.get_by_text("Log").click()
    expect(log.locator("pre")).to_have_text("Traceback\nInputError: The rows cannot be read")
    page.get_by_role("button", name="Discard…").click()
    expect(page.get_by_role("button", name="Discard it?")).to_be_visible()
    page.get_by_role("tab", name="Unlearn").focus()
    expect(page.get_by_role("button", name="Discard…")).to_be_visible()


def test_a_run_that_does_not_stop_may_be_forced_and_one_that_finishes_is_said_once_and_marks_the_probe_tab(
    page: Page, store: RunStore
) -> None:
    expect(page.locator(".tx-chip", has_text="run-3: step 12")).to_be_visible()
    show_run(page, "shared, live")
    store.change("run-3", state="stopping", requested=time.time())
    expect(page.locator(".tx-run-title")).to_contain_text("saving at step 12")
    expect(buttons(page)).to_have_count(0)
    store.change("run-3", requested=time.time() - FORCE_AFTER_SECONDS)
    page.get_by_role("button", name="Force stop").click()
    expect(page.get_by_role("button", name="Stop without saving?")).to_be_visible()
    for waiting in ("run-4", "run-5"):
        store.delete(waiting)
    store.change("run-3", state="finished", step=30, saved_step=30)
    expect(page.locator(".tx-news")).to_have_text("run-3 finished. See before and after on the Probe tab.")
    expect(page.locator(".tx-chip", has_text="run-3 finished ✓")).to_be_visible()
    expect(page.locator("body[data-probe-news]")).to_be_attached()
    expect(page.locator(".tu-training")).not_to_contain_text("trains")
    page.get_by_role("tab", name="Probe").click()
    expect(page.locator("body[data-probe-news]")).to_have_count(0)
    # What was asked of one run goes when another is shown.
    page.get_by_label("Ask both models").fill("Who was born?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".ask-view .tx-error")).to_be_visible()
    page.get_by_role("combobox", name="Run").last.click()
    page.get_by_role("option", name=re.compile("run-1")).click()
    expect(page.locator(".ask-view .tx-error")).to_have_count(0)
    page.reload()
    expect(page.locator(".tx-chip", has_text="run-3 finished ✓")).to_be_visible()
    expect(page.locator(".tx-news")).to_be_empty()
