"""Runs in real workers, driven by real clicks: pause, resume, keep, arms, run again, a killed server.

The model is the random one of tests/tiny_folder.py, so nothing here says how well anything is forgotten.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.page_acts import press_start
from tests.tiny_rows import RETAIN, ROWS, write_rows
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Serve = Callable[..., AbstractContextManager[Any]]
Open = Callable[..., Page]
MINUTE = 60_000
LONG = 400  # steps; about half a minute, so that there is time to press a button
SHARE = re.compile(r"\.\d{2,4}$")
STEP = re.compile(r"step (\d+) of")
FRAMES = "async () => { for (let seen = 0; seen < 6; seen += 1) await new Promise(requestAnimationFrame); }"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder with rows to forget and to keep; whatever still runs in it is ended afterwards."""
    folder = tmp_path_factory.mktemp("worker")
    write_rows(folder / "rows.jsonl", ROWS, RETAIN)
    yield folder
    queue = RunQueue(RunStore(folder / "runs"))
    for state in sorted(queue.store.list_runs(), key=lambda state: state["state"] != "queued"):
        queue.discard(state["run_id"])


@pytest.fixture(scope="module")
def server(folder: Path, tiny_folder: Path, serve: Serve) -> Iterator[Any]:
    """A page on the tiny model and these rows."""
    with serve(folder, "--model", str(tiny_folder), "--data", str(folder / "rows.jsonl")) as server:
        yield server


@pytest.fixture(scope="module")
def page(pages: Any, server: Any) -> Page:
    """A page as a person has it open all along; the tests use it one after the other."""
    return pages.open(f"{server.address}?row=ada")  # type: ignore[no-any-return]


def open_unlearn(page: Page) -> None:
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=2 * MINUTE)
    page.get_by_role("tab", name="Unlearn").click()
    page.evaluate(FRAMES)


def start(page: Page, steps: int) -> None:
    page.get_by_label("Steps", exact=True).fill(str(steps))
    bound = page.get_by_label("number input for Retain bound")
    if not bound.is_visible():
        page.get_by_role("button", name="More settings").click()
        # Gradio writes the first values of what it first shows once more, up to two frames later.
        page.evaluate(FRAMES)
    # A random model's retain loss is about 4 nats: the default bound would stop it at once.
    bound.fill("20")
    press_start(page)
    expect(head(page)).to_contain_text(f"of {steps}", timeout=MINUTE)


def head(page: Page) -> Any:
    return page.locator(".tx-run-title")


def act(page: Page, name: str) -> Any:
    return page.locator(".tx-actions").get_by_role("button", name=name)


def measure(page: Page, button: str, name: str) -> None:
    """Measure the chosen tokens on the Unlearn tab, and go to what was found."""
    page.get_by_role("button", name=button).click()
    expect(head(page)).to_contain_text(name, timeout=MINUTE)
    expect(head(page)).to_contain_text("finished, measurement 1 of 1", timeout=MINUTE)
    act(page, "Probe").click()


def shown_step(page: Page) -> int:
    expect(head(page)).to_have_text(re.compile(r"step [1-9]\d* of"), timeout=MINUTE)
    return int(STEP.search(head(page).inner_text())[1])  # type: ignore[index]


def next_run(folder: Path) -> str:
    return f"run-{len(RunStore(folder / 'runs').list_runs()) + 1}"


def trained_steps(folder: Path, run_id: str) -> list[int]:
    """The steps as the worker wrote them, in order."""
    lines = (folder / "runs" / run_id / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [event["step"] for event in map(json.loads, lines) if event["event"] == "StepDone"]


def test_the_unlearn_tab_has_the_draft_of_its_own_page_and_no_other(
    page: Page, opened: Open, server: Any
) -> None:
    ada, ben = page, opened(f"{server.address}?row=ada")
    digests = []
    for page in (ada, ben):
        page.bring_to_front()
        expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
        mask = page.locator('.tu-mask-bar [data-state="same"]')
        if page is ada:
            before = page.locator(".tu-mask-bar code").inner_text()
            page.locator('.tu-strip [data-index="0"]').click()
            page.keyboard.press("Space")
            expect(page.locator(".tu-mask-bar code")).not_to_have_text(re.compile(f"^({before}|…)$"))
        expect(mask).to_be_visible()
        digests.append((mask.get_attribute("title") or "").rsplit(" ", 1)[1])
    assert digests[0] != digests[1]
    for page, digest in ((ada, digests[0]), (ben, digests[1]), (ada, digests[0])):
        page.bring_to_front()
        page.get_by_role("tab", name="Unlearn").click()
        summary = page.locator(".mask-summary")
        expect(summary.locator(".tx-note code")).to_have_text(digest[:8])
        expect(summary.locator(".tx-other")).to_be_empty()
    assert ben.evaluate("globalThis.currentPlan(null).then(({ plan }) => plan.hash)") == digests[1]


def test_three_arms_stand_together_and_one_is_run_again(page: Page) -> None:
    open_unlearn(page)
    for label in ("uniform, every token", "random, same count"):
        page.get_by_role("checkbox", name=label).check()
    expect(
        page.get_by_text("Rules out that training every token does as well", exact=False).first
    ).to_be_visible()
    start(page, 6)
    runs = page.get_by_role("list", name="Runs")
    expect(runs.get_by_role("listitem")).to_have_count(3)
    expect(runs.get_by_text("finished, step 6 of 6")).to_have_count(3, timeout=4 * MINUTE)
    curves = page.locator(".curves-view .js-plotly-plot .legend .traces")
    expect(curves).to_have_count(3)
    names = ["chosen tokens", "uniform, every token", "random, same count"]
    expect(curves).to_have_text([f"tiny, {name}" for name in names])

    act(page, "Compare").click()
    table = page.get_by_role("region", name="Runs")
    for name in names:
        line = table.locator("tbody tr").filter(has_text=name)
        expect(line).to_contain_text("finished")
        expect(line.locator("td").nth(2)).to_have_text(re.compile(r"^\.\d\d.*was \.\d\d$"))
    page.get_by_label(f"Compare {names[0]}").check()
    page.get_by_label(f"Compare {names[2]}").check()
    difference = page.get_by_role("region", name="Difference of two runs")
    expect(difference).to_contain_text(f"{names[2]} against {names[0]}")
    expect(difference.locator("tr").filter(has_text="Choose")).to_have_text(
        re.compile("Highest-scoring share.*Random, same count")
    )
    run_again(page, runs)


def run_again(page: Page, runs: Any) -> None:
    """The random control comes back into form and Tokens, where one undo takes it back; it starts anew."""
    page.get_by_role("tab", name="Unlearn").click()
    page.get_by_label("Steps", exact=True).fill("99")
    runs.get_by_role("button").filter(has_text="random").click()
    expect(head(page)).to_contain_text("tiny, random")
    act(page, "Run again with changes").click()
    expect(page.get_by_label("Steps", exact=True)).to_have_value("6")
    expect(page.get_by_label("number input for Retain bound")).to_have_value("20")
    expect(page.locator(".mask-summary").first).to_contain_text("random, same count")
    page.get_by_role("tab", name="Tokens").click()
    expect(page.get_by_label("Choose").get_by_role("combobox").first).to_have_value("random")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Choose").get_by_role("combobox").first).to_have_value("top_fraction")

    page.get_by_role("tab", name="Unlearn").click()
    page.get_by_label("Steps", exact=True).fill("3")
    # As it came back: the controls that it was started with, but for itself.
    expect(page.get_by_role("checkbox", name="uniform, every token")).to_be_checked()
    expect(page.get_by_role("checkbox", name="random, same count")).not_to_be_checked()
    page.get_by_role("checkbox", name="uniform, every token").uncheck()
    press_start(page)
    expect(runs.get_by_text("finished, step 3 of 3")).to_be_visible(timeout=2 * MINUTE)
    expect(head(page)).to_contain_text("tiny, random")


def test_gradients_of_the_chosen_tokens_are_measured_and_stand_on_the_probe_tab(
    page: Page, folder: Path
) -> None:
    run_id = next_run(folder)
    open_unlearn(page)
    page.get_by_role("button", name="Before training: measure these tokens").click()
    measure(page, "Measure gradients of these tokens", "tiny, gradients of the chosen tokens")
    found = page.get_by_role("region", name="Gradients", exact=True)
    expect(found.get_by_role("listitem").first).to_contain_text("of the squared gradients")
    shown = found.get_by_role("region", name="Signal to noise by group").locator("tbody tr").first
    kept = json.loads((folder / "runs" / run_id / "gradients.json").read_text())["whole"]["groups"]["chosen"]
    assert shown.locator("td").first.inner_text() == str(kept["tokens"])
    # the plot has a point for each layer
    layers = found.locator(".js-plotly-plot").evaluate("e => e.data.at(-1).x")
    assert layers == [1]
    # Another measurement of the same tokens takes its place: its figures are those that were kept.
    page.get_by_role("tab", name="Unlearn").click()
    measure(page, "Measure deletion and insertion", "tiny, deletion and insertion")
    curves = page.get_by_role("region", name="Deletion and insertion", exact=True)
    expect(curves.locator("svg.tu-plot")).to_have_count(1)
    expect(found).to_be_hidden()
    report = json.loads((folder / "runs" / f"run-{int(run_id[4:]) + 1}" / "perturb.json").read_text())
    assert curves.get_by_role("listitem").all_inner_texts() == report["says"]


def test_two_seeds_are_one_sweep_whose_table_stands_on_the_compare_tab(page: Page) -> None:
    page.get_by_role("tab", name="Unlearn").click()
    page.get_by_role("checkbox", name="uniform, same norm").check()
    seeds = page.get_by_label("Seeds", exact=True)
    seeds.fill("2")
    page.get_by_label("Steps", exact=True).fill("2")
    press_start(page)
    expect(head(page)).to_contain_text("sweep", timeout=MINUTE)
    expect(head(page)).to_contain_text("finished, training 4 of 4", timeout=2 * MINUTE)
    act(page, "Compare").click()
    sweep = page.get_by_role("region", name="tiny, sweep", exact=True)
    expect(sweep).to_contain_text("The target hardly knew the facts before")
    ground = page.get_by_role("region", name="What it stands on: tiny, sweep")
    expect(ground).to_contain_text("nothing can be shown on fewer than 3 seeds, and this has 2")
    table = page.get_by_role("region", name="Runs")
    lines = table.locator("tbody").filter(has_text="Sweep: tiny, sweep").locator("tr")
    expect(lines).to_have_count(3)  # its name, and its two arms after the last step
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Norm", exact=True).check()
    page.keyboard.press("Escape")
    chosen, matched = (lines.filter(has_text=name) for name in ("chosen tokens", "uniform, same norm"))
    norms = [each.locator("td[data-label=Norm]").inner_text() for each in (chosen, matched)]
    assert norms[0] == norms[1] != "–"
    page.get_by_role("tab", name="Unlearn").click()
    page.get_by_role("checkbox", name="uniform, same norm").uncheck()
    seeds.fill("1")


def test_pause_resume_and_keep(page: Page, folder: Path) -> None:
    run_id = next_run(folder)
    open_unlearn(page)
    start(page, LONG)
    expect(page.locator(".tx-chip", has_text=f"{run_id}: step")).to_be_visible()
    shown_step(page)
    act(page, "Pause and save").click()
    expect(act(page, "Resume")).to_be_visible()
    expect(page.locator(".tx-chip", has_text=f"{run_id} paused")).to_be_visible()
    expect(head(page)).to_contain_text("paused, weights saved")
    paused = shown_step(page)
    assert 0 < paused < LONG and trained_steps(folder, run_id) == list(range(1, paused + 1))

    act(page, "Resume").click()
    expect(act(page, "Stop and keep")).to_be_visible(timeout=MINUTE)
    expect(head(page)).not_to_have_text(re.compile(rf"step {paused} of"), timeout=MINUTE)
    resumed = shown_step(page)
    assert resumed > paused
    # A button that is drawn anew between a press and its release does nothing.
    button = act(page, "Stop and keep").element_handle()
    expect(head(page)).not_to_have_text(re.compile(rf"step {resumed} of"), timeout=MINUTE)
    assert button.evaluate("each => each.isConnected")
    act(page, "Stop and keep").click()
    expect(head(page)).to_contain_text("kept, weights saved", timeout=MINUTE)
    kept = shown_step(page)
    # Not one step was lost or done twice.
    assert paused < kept < LONG and trained_steps(folder, run_id) == list(range(1, kept + 1))
    assert (folder / "runs" / run_id / "adapter" / "adapter_model.safetensors").is_file()

    act(page, "Probe").click()
    expect(page.get_by_text(re.compile(r"^8 answers: \d"))).to_be_visible()
    other = page.locator(".tx-table:visible tr").filter(has_text="Other tokens").first
    was, now, change = other.locator("td").all_inner_texts()
    assert SHARE.match(was) and SHARE.match(now) and re.match(r"[+−±]?\.\d{2,4}$", change)


def test_a_killed_server_leaves_the_run_and_the_next_one_finds_it(
    page: Page, server: Any, folder: Path, serve: Serve, opened: Open
) -> None:
    steps, run_id = 50, next_run(folder)
    open_unlearn(page)
    start(page, steps)
    name = head(page).locator("strong").inner_text()
    before = shown_step(page)
    server.kill()
    page.close()
    with serve(folder, "--no-model") as another:
        page = opened(another.address)
        page.get_by_role("tab", name="Unlearn").click()
        expect(head(page)).to_contain_text(name)
        assert shown_step(page) > before
        expect(page.locator(".tx-chip", has_text=run_id)).to_be_visible()
        expect(head(page)).to_contain_text(f"finished, step {steps} of {steps}", timeout=3 * MINUTE)
        assert trained_steps(folder, run_id) == list(range(1, steps + 1))
        loss = page.locator(".curves-view .js-plotly-plot").evaluate("e => e.data.at(-1).x")
        assert loss == list(range(1, steps + 1))
