"""The page in a real Chromium on a real server process: first paint, tabs, dark, phone, nothing from outside.

The server loads no model: recorded scores and two finished runs lie in its folders.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from tests.recorded_page import ANSWER, HOSTILE, finished_run, recorded
from tests.strip_page import press
from tokenunlearn.runs.attack_job import keep_result
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore

pytestmark = pytest.mark.browser
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
# The first token of the strip stands above the bar at the foot of the window.
ABOVE = """() => document.querySelector(".tu-strip .tu-token").getBoundingClientRect().bottom
    <= document.querySelector(".tu-training").getBoundingClientRect().top"""


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., AbstractContextManager[Any]]
) -> Iterator[Any]:
    """A server on recorded scores and two runs."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "example.json").write_text(json.dumps(recorded()), encoding="utf-8")
    store = RunStore(folder / "runs")
    first = finished_run(store, "chosen", 0.1, "forgot", "Ada Lind was born in Paris.")
    for run_id in (first, finished_run(store, "random", 0.8, "unchanged", ANSWER)):
        with_more_rows(store, run_id)
    attacked(store, first)
    with serve(folder, "--no-model", "--recorded", str(folder / "example.json")) as server:
        yield server


def with_more_rows(store: RunStore, run_id: str) -> None:
    """Give a run as many rows as an attack takes."""
    config = store.config(run_id)
    more = [{"id": f"x{at}", "question": "Q?", "answer": "A.", "gold": [[0, 1]]} for at in range(6)]
    store.write_json(run_id, "config.json", {**config, "forget": [*config["forget"], *more]})


def attacked(store: RunStore, run_id: str) -> None:
    """Give a run an adapter that cannot be loaded, and what an attack found on it."""
    folder = store.path(run_id)
    (folder / "adapter").mkdir(exist_ok=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / "adapter" / name).write_text("{}")
    point = {"model": "unlearned", "taken": 2, "figures": {"held_out": 0.25}}
    result = {
        "attack": "relearning",
        "label": "Relearning",
        "settings": {"rows": 5},
        "says": [f"Held-out rows: not back within 2 steps. {HOSTILE}"],
        "columns": {"held_out": "Fact, held-out rows"},
        "curve": [point],
    }
    keep_result(folder, result, "run-9")


@pytest.fixture(scope="module")
def address(server: Any) -> str:
    """Where it listens."""
    return str(server.address)


@pytest.fixture(scope="module")
def loaded(pages: Any, address: str) -> Page:
    """The one page that is loaded, on a dark phone; the tests use it one after the other."""
    return pages.open(address, viewport=PHONE, color_scheme="dark")  # type: ignore[no-any-return]


@pytest.fixture
def page(loaded: Page) -> Page:
    """That page on a light desktop."""
    loaded.set_viewport_size(DESKTOP)
    loaded.emulate_media(color_scheme="light")
    expect(loaded.locator("body.dark")).to_have_count(0)
    return loaded


@pytest.fixture
def phone(loaded: Page) -> Page:
    """That page on a dark phone."""
    loaded.set_viewport_size(PHONE)
    loaded.emulate_media(color_scheme="dark")
    return loaded


def open_tab(page: Page, name: str) -> None:
    expect(page.locator(".tu-mask-bar")).to_be_attached(timeout=30_000)
    page.get_by_role("tab", name=name).click()


def show_run(page: Page, name: str) -> None:
    open_tab(page, "Unlearn")
    page.get_by_role("listitem").filter(has_text=name).get_by_role("button").click()
    expect(page.locator(".tx-run-title strong")).to_have_text(name)


def test_the_recorded_row_is_in_the_page_before_gradio_has_started(browser: Browser, address: str) -> None:
    page = browser.new_page()
    # Without Gradio's own code nothing but our first picture can draw.
    page.route("**/assets/*.js", lambda route: route.abort())
    page.goto(address, wait_until="domcontentloaded")
    picture = page.locator(".tx-first-shot")
    expect(picture).to_contain_text("Ada Lind was born in Oslo.")
    expect(picture.locator(".tx-first-chosen")).to_have_text(" Oslo")
    assert page.evaluate("window.hacked") is None
    page.close()


def test_a_page_opened_on_a_dark_phone_is_dark_and_narrow(phone: Page) -> None:
    expect(phone.locator(".tu-mask-bar")).to_be_in_viewport(timeout=30_000)
    channels = phone.locator(".gradio-container").evaluate(
        "e => getComputedStyle(e).backgroundColor.match(/[0-9]+/g)"
    )
    assert max(map(int, channels[:3])) < 60
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_picture_gives_way_to_the_recorded_example(page: Page) -> None:
    expect(page.locator(".tu-badge")).to_have_text("recorded", timeout=30_000)
    expect(page.locator(".tx-first-shot")).to_have_count(0)
    expect(page.get_by_role("option", name=re.compile("Oslo"))).to_be_visible()
    expect(page.get_by_text("no model loaded")).to_be_visible()


def test_the_first_tab_leads_past_the_frame_and_arrows_go_through_the_tabs(page: Page) -> None:
    expect(page.locator(".tu-strip .tu-token").first).to_be_visible()
    skip = page.get_by_role("link", name="Skip to the tokens")
    press(page, "Tab")
    expect(skip).to_be_focused()
    press(page, "Enter")
    expect(page.locator('.tu-strip .tu-token[tabindex="0"]')).to_be_focused()
    tabs = {name: page.get_by_role("tab", name=name) for name in ("Tokens", "Unlearn", "Probe", "Compare")}
    # Gradio puts the list up after the view that follows it, on some starts.
    page.locator("[role='tablist']").evaluate(
        """list => { for (const tab of list.children) tab.removeAttribute("tabindex");
        list.parentElement.insertBefore(list, list.nextSibling); }"""
    )
    tabs["Tokens"].focus()
    for key, name in (("End", "Compare"), ("ArrowRight", "Tokens"), ("ArrowRight", "Unlearn")):
        press(page, key)
        expect(tabs[name]).to_be_focused()
        expect(tabs[name]).to_have_attribute("aria-selected", "true")
        expect(page.locator('[role="tablist"] [role="tab"][tabindex="0"]')).to_have_count(1)
    # From another tab it opens that of the tokens first.
    skip.press("Enter")
    expect(page.locator('.tu-strip .tu-token[tabindex="0"]')).to_be_focused()
    expect(tabs["Tokens"]).to_have_attribute("aria-selected", "true")
    # Opened from within another, as after “Unlearn these”, for which a recorded example has no model.
    masks = page.get_by_role("button", name="Masks", exact=True)
    masks.focus()
    # A busy page hides what held the focus only seconds after the tab is open.
    slow = page.add_style_tag(content="[role='tabpanel'] { display: block !important; }")
    page.get_by_role("tab", name="Unlearn").evaluate("tab => tab.click()")
    page.wait_for_timeout(1_500)
    expect(masks).to_be_focused()
    slow.evaluate("style => style.remove()")
    expect(page.get_by_role("tab", name="Unlearn")).to_be_focused()


def test_the_tour_goes_through_the_tabs_and_lights_up_what_is_there(page: Page) -> None:
    tour, tabs = (
        page.get_by_role(role, name=name, exact=True)
        for role, name in (("region", "Tour"), ("tab", "Unlearn"))
    )
    page.get_by_role("tab", name="Tokens", exact=True).click()
    page.get_by_role("button", name="Tour", exact=True).click()
    for _ in range(3):
        tour.get_by_role("button", name="Next").click()
    expect(tour).to_contain_text("4 of 8 · Hand them over")
    # By the page's own tab, not by the tour's button: it is led on from there.
    tabs.click()
    expect(tour).to_contain_text("5 of 8 · Start it")
    expect(page.locator("button.tx-start.is-pointed")).to_have_count(1)
    expect(page.locator(".tx-controls.is-pointed")).to_be_in_viewport()
    for tab, part in (("Unlearn", ".curves-view"), ("Probe", ".probe-view"), ("Compare", ".compare-view")):
        tour.get_by_role("button", name="Next").click()
        expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
        expect(page.locator(f".block{part}.is-pointed")).to_be_visible()
        expect(tour).to_be_in_viewport()
    tour.get_by_role("button", name="Done").click()
    expect(tour).to_be_hidden()
    expect(page.locator(".is-pointed")).to_have_count(0)


def test_the_settings_scroll_beside_the_run_and_start_stays_in_sight(page: Page) -> None:
    open_tab(page, "Unlearn")
    page.evaluate("scrollTo(0, 100)")
    start = page.get_by_role("button", name="Start unlearning")
    expect(start).to_be_in_viewport(ratio=1)
    page.evaluate("scrollTo(0, 0)")
    last = page.get_by_role("button", name="More settings")
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport(ratio=1)
    expect(start).to_be_in_viewport(ratio=1)
    expect(page.locator(".curves-view strong").first).to_be_in_viewport()
    page.locator(".tx-side").evaluate("side => { side.scrollTop = 0; }")


def test_a_plot_keeps_its_place_when_the_window_is_resized(page: Page) -> None:
    open_tab(page, "Compare")
    expect(page.locator(".tx-pareto .main-svg").first).to_be_visible(timeout=30_000)
    fits = """(width) => {
        const chart = document.querySelector('.tx-pareto .tx-chart');
        const drawn = chart.querySelector('.main-svg')?.getBoundingClientRect();
        return drawn && Math.abs(drawn.width - chart.clientWidth) < 2
            && chart.clientWidth < width && Math.abs(drawn.height - chart.clientHeight) < 12;
    }"""
    for width in (PHONE["width"], 700, DESKTOP["width"]):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(fits, arg=width)


def test_the_page_with_its_scores_crosses_packed(page: Page) -> None:
    sent, whole = page.evaluate(
        "(({ encodedBodySize, decodedBodySize }) => [encodedBodySize, decodedBodySize])"
        "(performance.getEntriesByType('navigation')[0])"
    )
    assert 0 < sent < whole / 2


def test_the_server_confirms_the_mask_that_the_page_shows(page: Page) -> None:
    open_tab(page, "Tokens")
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_contain_text("✓", timeout=30_000)
    expect(page.get_by_role("button", name="Unlearn these")).to_be_disabled()


def test_hostile_text_stays_text_on_every_tab(page: Page) -> None:
    expect(page.locator(".tu-prompt")).to_have_text(HOSTILE, timeout=30_000)
    for tab in ("Unlearn", "Probe"):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(".tx-question:visible").first).to_have_text(HOSTILE)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_the_page_finds_the_runs_again_with_answer_curves_and_buttons(page: Page) -> None:
    show_run(page, "shared, chosen")
    live = page.get_by_role("region", name="One answer as it changes")
    expect(live).to_contain_text("Ada Lind was born in Paris.")
    expect(page.locator(".tx-number").first).to_contain_text(".10")
    expect(page.locator(".tx-number").first).to_contain_text("before .90")
    expect(page.locator(".curves-view .js-plotly-plot .legend .traces")).to_have_count(2)
    names = page.locator(".tx-actions button:visible").all_inner_texts()
    assert names == ["Probe", "Compare", "Run again with changes"]


def test_the_strip_shows_what_a_run_did_to_its_own_tokens(page: Page) -> None:
    open_tab(page, "Tokens")
    page.locator("summary", has_text="What run-1 did to this row").click()
    did = page.locator(".tu-run-text")
    expect(did.get_by_label("Run", exact=True)).to_have_text(re.compile("run-2: shared, random"))
    words = "probability 0.900 before, 0.100 after (−0.800)"
    expect(did.locator(".tx-token").last).to_have_attribute("title", words)
    did.get_by_label("Run", exact=True).select_option("run-2")
    expect(did.locator(".tx-token").last).to_have_attribute("title", re.compile("0.800 after"))
    for side, ends in (("Before", ["0", "", "1"]), ("Difference", ["less likely", "", "more likely"])):
        did.get_by_role("radio", name=side).click()
        expect(did.locator(".tx-legend > span:not(.tx-note)")).to_have_text(ends)
    did.locator("summary").click()


def test_probe_shows_before_after_and_difference(page: Page) -> None:
    show_run(page, "shared, chosen")
    page.get_by_role("button", name="Probe").click()
    expect(page.get_by_text("1 answer: 1 partly forgot")).to_be_visible()
    row = page.locator(".tx-table tr").filter(has_text="Fact, joint")
    expect(row).to_have_text(re.compile(r"\.90\s*\.10\s*−\.80"))
    page.get_by_role("radio", name="Difference").click()
    token = page.locator(".tx-token.tx-gold:visible")
    expect(token).to_have_attribute("title", "probability 0.900 before, 0.100 after (−0.800)")
    assert "rgba(0, 0, 0, 0)" not in token.evaluate("e => getComputedStyle(e).backgroundColor")
    # The token that stayed keeps the colour of the page.
    assert (
        page.locator(".tx-token:visible").first.evaluate("e => getComputedStyle(e).backgroundColor")
        == "rgba(0, 0, 0, 0)"
    )


def test_compare_shows_what_differs_between_two_runs(page: Page) -> None:
    open_tab(page, "Compare")
    page.get_by_label("Compare chosen tokens").check()
    expect(page.get_by_text("Tick one more.")).to_be_visible()
    page.get_by_label("Compare random, same count").check()
    difference = page.get_by_role("region", name="Difference of two runs")
    expect(difference).to_contain_text("random, same count against chosen tokens")
    expect(difference.locator("tr").filter(has_text="Fact ↓")).to_have_text(
        re.compile(r"\.10\s*\.80\s*\+\.70")
    )
    expect(difference.locator("tr").filter(has_text="Tokens trained")).to_have_text(
        re.compile("chosen tokens.*random, same count")
    )


def test_the_table_is_sorted_and_searched_and_the_plot_opens_a_run(page: Page) -> None:
    open_tab(page, "Compare")
    expect(page.get_by_text("Nothing is shown yet: these runs have one seed each")).to_be_visible()
    table = page.get_by_role("region", name="Runs")
    names = table.locator(".tx-title-button")
    table.get_by_role("button", name="Fact ↓").click()
    expect(table.locator("[aria-sort=ascending]")).to_have_text("Fact ↓")
    expect(names.first).to_contain_text("chosen tokens")
    table.get_by_role("button", name="Fact ↓").click()
    expect(names.first).to_contain_text("random, same count")
    table.get_by_role("button", name="Fact ↓").click()
    page.get_by_label("Find runs").fill("random")
    expect(names).to_have_count(1)
    expect(page.get_by_text("1 of 2 shown")).to_be_visible()
    page.get_by_label("Find runs").fill("")
    page.get_by_text("The plot as a table").click()
    plot = page.get_by_role("region", name="Forgetting against what was kept")
    # The world was not measured, so there is no mean of what was kept: the first figure of it stands there.
    expect(plot.get_by_label("Kept")).to_have_value("other")
    expect(plot.locator("tbody tr").filter(has_text="chosen tokens")).to_contain_text(".90")
    tokens = page.get_by_role("region", name="Token by token")
    expect(tokens.locator(".tx-token").last).to_have_attribute(
        "title", "probability 0.100 run-1, 0.800 run-2 (+0.700)"
    )
    curves = page.get_by_role("region", name="Curves over steps")
    expect(curves.locator(".legend .traces")).to_have_count(2)


def opens_offline(page: Page, file: Path) -> None:
    """The report asks for nothing, runs nothing, and is no wider than a phone."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800})
    copy, told = context.new_page(), list[str]()
    copy.on("request", lambda request: told.append(request.url))
    copy.on("console", lambda message: told.append(message.text))
    page_file = file.with_suffix(".html")
    page_file.write_bytes(file.read_bytes())
    copy.goto(page_file.as_uri())
    expect(copy.get_by_role("heading", name="What this does not prove")).to_be_visible()
    expect(copy.get_by_text("<img src=x onerror=").first).to_be_visible()
    assert told == [page_file.as_uri()] and copy.evaluate("window.hacked") is None
    assert copy.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


def test_a_run_is_named_discarded_and_brought_back(page: Page) -> None:
    open_tab(page, "Compare")
    names = page.get_by_role("region", name="Runs").locator(".tx-title-button")
    names.filter(has_text="random").click()
    details = page.get_by_role("region", name="Details of run-2")
    details.get_by_label("Name").fill("As many at random")
    details.get_by_label("Tags").fill("control, paper")
    details.get_by_role("button", name="Save", exact=True).click()
    expect(names.first).to_have_text("As many at random")
    page.get_by_label("Tag", exact=True).select_option("paper")
    expect(names).to_have_count(1)
    page.get_by_label("Tag", exact=True).select_option("")
    details.get_by_role("button", name="Copy command line").click()
    expect(details.locator(".tx-taken")).to_contain_text("python -m tokenunlearn unlearn")
    with page.expect_download() as download:
        details.get_by_role("button", name="Report (.html)").click()
    expect(details.get_by_text("Saved.", exact=True)).to_be_visible()
    opens_offline(page, Path(download.value.path()))
    details.get_by_role("button", name="Discard…").click()
    details.get_by_role("button", name="Discard it?").click()
    expect(names).to_have_count(1)
    page.get_by_text("Discarded runs (1)").click()
    page.get_by_role("button", name="Bring back run-2").click()
    expect(names).to_have_count(2)
    show_run(page, "As many at random")
    open_tab(page, "Compare")
    names.first.click()
    details.get_by_label("Name").fill("")
    details.get_by_label("Tags").fill("")
    details.get_by_role("button", name="Save", exact=True).click()
    expect(names.first).to_contain_text("random, same count")
    details.get_by_role("button", name="Close").click()


def test_the_probe_tab_shows_what_an_attack_found_and_begins_another(page: Page) -> None:
    show_run(page, "shared, chosen")
    page.get_by_role("button", name="Probe").click()
    attack = page.get_by_role("region", name="Attack: Relearning")
    expect(attack.get_by_role("listitem")).to_have_text(f"Held-out rows: not back within 2 steps. {HOSTILE}")
    attack.get_by_text("Relearning, step by step").click()
    expect(attack.get_by_role("row").nth(1)).to_have_text(re.compile(r"2\s*\.25"))
    expect(attack).to_contain_text("rows 5")
    # The worker finds the adapter damaged; the attack stands there with the reason and its buttons.
    attack.get_by_role("button", name="Attack again: Relearning").click()
    expect(attack.get_by_role("status")).to_contain_text("relearning")
    expect(attack.get_by_role("status")).to_contain_text("The adapter adapter is damaged", timeout=90_000)
    attack.get_by_role("button", name="Discard…").click()
    attack.get_by_role("button", name="Discard it?").click()
    expect(attack.get_by_role("button", name="Attack again: Relearning")).to_be_visible()


def test_a_rival_is_added_beside_a_run(page: Page, server: Any) -> None:
    open_tab(page, "Compare")
    for name in ("chosen tokens", "random, same count"):
        page.get_by_label(f"Compare {name}").uncheck()
    expect(page.get_by_role("button", name="Add ICUL")).to_have_count(0)
    page.get_by_label("Compare chosen tokens").check()
    page.get_by_role("button", name="Add ICUL beside run-1").click()
    expect(page.get_by_label("Compare ICUL")).to_be_visible()
    page.get_by_label("Compare chosen tokens").uncheck()
    # What it would find is for other tests; here the page comes to rest again.
    queue = RunQueue(RunStore(server.log.parent / "runs"))
    for state in queue.store.list_runs():
        if state["arm"] == "icul":
            queue.discard(state["run_id"])
    expect(page.get_by_label("Compare ICUL")).to_have_count(0)


def test_a_start_without_live_scores_is_refused_in_words(page: Page) -> None:
    open_tab(page, "Unlearn")
    page.get_by_role("button", name="Start unlearning").click()
    expect(page.locator(".toast-body, .toast-wrap").first).to_contain_text("There is no model")
    # Not over what the bar says of model and run.
    bar = page.locator(".tx-tabs > .tab-wrapper").bounding_box()
    message = page.locator(".toast-body").bounding_box()
    assert bar and message and message["y"] >= bar["y"] + bar["height"]
    page.locator(".toast-close").click()  # what it lies on is pressed next
    expect(page.locator(".toast-body")).to_have_count(0)


def test_an_objective_is_searched_by_typing_over_the_chosen_one(page: Page) -> None:
    page.get_by_role("tab", name="Unlearn").click()
    page.get_by_label("Objective", exact=True).click()
    page.keyboard.type("second answer")
    expect(page.get_by_role("option").first).to_contain_text("second answer")
    assert all("second answer" in each for each in page.get_by_role("option").all_inner_texts())
    page.keyboard.press("Escape")


def test_the_start_says_what_it_will_do_and_what_a_sweep_makes_of_a_setting(page: Page) -> None:
    open_tab(page, "Unlearn")
    start, stop = page.locator("button.tx-start"), page.get_by_text("A sweep goes on to the last step")
    expect(start).to_have_text("Start unlearning")
    random = page.get_by_role("checkbox", name="random, same count Rules out")
    random.check()
    expect(start).to_have_text("Start 2 runs")
    others = page.get_by_label("Objectives to compare it with")
    others.click()
    page.keyboard.type("simn")
    page.keyboard.press("Enter")
    expect(start).to_have_text("Start 4 runs")
    expect(stop).to_have_count(0)
    bound = page.get_by_label("number input for Stop fact below")
    bound.fill("0.1")
    bound.press("Tab")
    expect(stop).to_be_visible()
    others.press("Backspace")
    random.uncheck()
    bound.fill("0")
    bound.press("Tab")
    expect(start).to_have_text("Start unlearning")


def test_nothing_sticks_out_on_a_phone(phone: Page) -> None:
    for tab in ("Tokens", "Unlearn", "Probe", "Compare"):
        open_tab(phone, tab)
        expect(phone.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, tab
    open_tab(phone, "Tokens")
    expect(phone.locator(".tx-chip").first).to_be_visible()  # which model, or how far loading it has come
    expect(phone.locator(".tx-data")).to_be_in_viewport()
    expect(phone.locator(".tx-data")).to_contain_text("Data: ")
    expect(phone.locator(".tu-mask-bar")).to_be_in_viewport()
    drawer = phone.get_by_role("group", name="Row", exact=True)
    rows = phone.get_by_role("listbox", name="Rows")
    expect(rows).to_be_hidden()
    drawer.get_by_role("button", name="1 of").click()
    rows.get_by_role("option").first.click()
    expect(rows).to_be_hidden()
    expect(drawer.get_by_role("button", name="1 of")).to_have_attribute("aria-expanded", "false")
    # As many tokens as a real set has.
    phone.locator(".tu-targets > span").first.evaluate("e => { e.textContent = '555 of 4000'; }")
    for width in (390, 360):
        phone.set_viewport_size({"width": width, "height": 844})
        targets = phone.locator(".tu-targets").bounding_box()
        undo = phone.get_by_role("button", name="Undo").bounding_box()
        assert targets and undo and targets["x"] + targets["width"] <= undo["x"], width
        expect(phone.get_by_role("button", name="Change subject")).to_be_in_viewport(ratio=1)
    drawer.get_by_role("button", name="1 of").click()
    for more in ("Masks…", "Export…"):  # for which the mask bar has no room here
        phone.get_by_role("button", name=more).click()
        expect(phone.locator("dialog[open]")).to_be_visible()
        phone.keyboard.press("Escape")
    phone.get_by_role("button", name="Open data…").click()
    sticking = """box => [...box.querySelectorAll('*')].filter((each) =>
        each.getBoundingClientRect().right > box.getBoundingClientRect().right).map((each) => each.tagName)"""
    assert phone.locator(".tu-open-drop").evaluate(sticking) == []
    phone.keyboard.press("Escape")
    expect(phone.locator(".tu-open")).to_be_hidden()
    drawer.get_by_role("button", name="1 of").click()
    expect(rows).to_be_hidden()


def test_the_tokens_stand_on_the_first_screen_at_any_width_and_zoom(phone: Page) -> None:
    page = phone  # turned, or moved to a larger screen
    page.bring_to_front()
    open_tab(page, "Tokens")
    page.get_by_role("button", name="Tour", exact=True).click()  # another test may have left it
    page.evaluate("scrollTo(0, 0)")
    expect(page.get_by_role("region", name="Tour", exact=True)).to_be_visible()
    # 720 × 450 is a screen of 1440 × 900 under a zoom of 200 %.
    for width, height in ((1440, 900), (1024, 768), (720, 450), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        # One line says what all this is, where the window has the room.
        assert page.locator(".tu-what").is_visible() == (height > 560), (width, height)
        page.wait_for_function(ABOVE, timeout=10_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, height)
    # On one column what was selected is explained before the pictures of the whole set.
    order = "[...document.querySelectorAll('.tu-details, .tu-pictures')].map((each) => each.className)"
    page.wait_for_function(f"{order}.join() === 'tu-details,tu-pictures'")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_function(f"{order}[0] === 'tu-pictures'")


def test_an_idle_page_asks_for_nothing(page: Page) -> None:
    open_tab(page, "Tokens")
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_be_visible(timeout=30_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2_500)
    assert [url for url in asked if "heartbeat" not in url] == []


def test_an_idle_page_draws_nothing_and_its_server_rests(page: Page, server: Any) -> None:
    open_tab(page, "Tokens")
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1_000)
    before = wake_ups(server)
    # Gradio's own would be 60 frames and 900 looks into its queue a second.
    assert frames(page, 2_000) <= 4
    assert wake_ups(server) - before < 400


def frames(page: Page, milliseconds: float) -> int:
    """How many frames scripts have asked for meanwhile, whoever asked."""
    events: list[Any] = []
    ended: list[Any] = []
    session = page.context.new_cdp_session(page)
    session.on("Tracing.dataCollected", lambda each: events.extend(each["value"]))
    session.on("Tracing.tracingComplete", lambda each: ended.append(each))
    session.send("Tracing.start", {"traceConfig": {"includedCategories": ["devtools.timeline"]}})
    page.wait_for_timeout(milliseconds)
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(20)
    session.detach()
    return sum(each["name"] == "FireAnimationFrame" for each in events)


def wake_ups(server: Any) -> int:
    """How often the server's main thread has gone to sleep so far."""
    return psutil.Process(server.process.pid).num_ctx_switches().voluntary


def test_a_page_at_rest_hears_of_the_runs_of_others_when_one_turns_to_it(page: Page, server: Any) -> None:
    open_tab(page, "Tokens")
    run_id = finished_run(RunStore(server.log.parent / "runs"), "uniform", 0.5, "changed", ANSWER)
    open_tab(page, "Compare")
    table = page.get_by_role("region", name="Runs")
    expect(table.get_by_text("uniform, every token")).to_be_visible()
    expect(page.locator(".tx-news")).to_have_text(re.compile(f"{run_id} finished"))


def test_what_finished_before_the_page_was_opened_is_no_news(page: Page, address: str, server: Any) -> None:
    page = page.context.new_page()
    page.set_viewport_size(DESKTOP)
    newest = max(RunStore(server.log.parent / "runs").list_runs(), key=lambda state: state["created"])

    def late(route: Route) -> None:
        time.sleep(0.5)
        route.continue_()

    # On a slow net what was built at the server's start is drawn first: two runs.
    page.route("**/gradio_api/run/**", late)
    page.goto(address)
    expect(page.locator(".tx-chip", has_text=f"{newest['run_id']} finished")).to_be_visible()
    assert page.locator(".tx-news").inner_text() == ""  # Not expected: news would be gone after a while.
    page.close()
