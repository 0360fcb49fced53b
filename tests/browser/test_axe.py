"""axe-core on every tab and panel, light and dark, wide and narrow, with a live model and finished runs.

One server, one page that turns dark and narrow. In the dark only colours differ, on a narrow page all but
colours, and under an opened list or dialog nothing: what is the same is not asked again.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.axe_run import axe_faults, load_axe
from tests.recorded_page import ANSWER, finished_run
from tests.tiny_rows import ROWS, write_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.runs.store import RunStore

pytestmark = pytest.mark.browser
COLOURS = ["color-contrast", "link-in-text-block"]
# Dark changes colours alone, and no colour depends on the width.
LOOKS: tuple[tuple[Any, int, int, dict[str, Any]], ...] = (
    ("light", 1440, 900, {}),
    ("light", 390, 844, {"rules": {name: {"enabled": False} for name in COLOURS}}),
    ("dark", 1440, 900, {"runOnly": COLOURS}),
)
LONG = Row("long", "What does Ada Moss say?", "Ada Moss says " + "la " * 98 + ".", "Ada Moss", (), "tiny")


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_folder: Path,
    serve: Callable[..., AbstractContextManager[Any]],
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("axe")
    rows = write_rows(folder / "rows.jsonl", (*ROWS, LONG))
    store = RunStore(folder / "runs")
    finished_run(store, "chosen", 0.1, "forgot", "Ada Lind was born in Paris.")
    finished_run(store, "random", 0.8, "unchanged", ANSWER)
    with serve(folder, "--model", str(tiny_folder), "--data", str(rows)) as server:
        yield server.address


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    ready = {
        "Tokens": page.locator(".tu-strip .tu-token").first,
        "Unlearn": page.locator(".curves-view .js-plotly-plot .legend .traces").first,
        "Probe": page.get_by_text("1 answer: 1"),
        "Compare": page.get_by_role("region", name="Difference of two runs").locator("h2"),
    }
    if name == "Compare":
        for run in ("chosen tokens", "random, same count"):
            page.get_by_label(f"Compare {run}").check()
    expect(ready[name]).to_be_visible()


def panels(page: Page) -> Iterator[str]:
    for name in ("Masks", "Export", "1 override", "Keys"):
        page.get_by_role("button", name=name, exact=True).click()
        # Opaque: nothing behind it has a part in its colours.
        expect(page.locator("dialog[open]")).to_have_css("background-color", re.compile(r"^rgb\("))
        yield name
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)


def prepare(page: Page) -> None:
    """What can be on the Tokens tab: windows, an override with a note, numbers, all signals, a saved mask."""
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=60_000)
    page.locator(".tu-row", has_text="What does").click()
    expect(page.locator(".tu-gap").first).to_be_visible()
    page.locator(".tu-strip .tu-token").nth(3).click()
    page.keyboard.press("Space")
    page.keyboard.press("c")
    page.keyboard.type("said by hand")
    page.keyboard.press("Enter")
    page.keyboard.press("v")
    page.keyboard.press("g")
    page.get_by_text("signals", exact=False).and_(page.locator("summary")).first.click()
    page.get_by_role("button", name="Masks", exact=True).click()
    page.get_by_label("Name of the mask").fill("Ada")
    page.get_by_role("button", name="Save as", exact=True).click()
    expect(page.get_by_label("Compare Ada")).to_be_visible()
    page.keyboard.press("Escape")


def test_axe_finds_nothing_that_matters(opened: Callable[..., Page], address: str) -> None:
    page = opened(address, color_scheme="light")
    prepare(page)
    load_axe(page)
    found: dict[str, list[str]] = {}
    for scheme, width, height, options in LOOKS:

        def run(
            name: str,
            part: str = "html",
            whole: bool = False,
            look: str = f"{scheme}, {width}",
            asked: Any = options,
        ) -> None:
            found[f"{name}, {look}"] = axe_faults(page, part, whole, **asked)

        page.emulate_media(color_scheme=scheme)
        expect(page.locator("body.dark")).to_have_count(int(scheme == "dark"))
        page.set_viewport_size({"width": width, "height": height})
        # Three strips of a short row. A strip with windows of a long one makes axe slow: it comes last.
        wide = width > 900
        page.get_by_role("tab", name="Tokens").click()
        if not wide:
            page.locator(".tu-drawer-toggle").click()
        page.locator(".tu-row", has_text="Bob Reed").click()
        page.get_by_role("radio", name="All", exact=True).click()
        for tab in ("Unlearn", "Probe", "Compare", "Tokens"):
            open_tab(page, tab)
            # The same id twice is found on a page with all its tabs.
            run(tab, whole=tab == "Tokens" and not options)
        page.get_by_label("Knowledge from").click()
        run("Signals", ".tu-combo:has([aria-expanded=true])")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Mark facts").click()
        learned = page.get_by_role("region", name="Learned from marks")
        expect(learned).to_contain_text("How well it finds facts")
        run("Marking")
        page.get_by_role("button", name="Mark facts").click()
        if wide:
            for name in panels(page):
                run(name, "dialog[open]")
            page.locator(".tu-row", has_text="What does").click()
            page.get_by_role("radio", name="Fused", exact=True).click()
            expect(page.locator(".tu-gap").first).to_be_visible()
            run("A long row", ".tu-centre")
    faults = [f"{where}: {fault}" for where, faults in found.items() for fault in faults]
    assert not faults, "\n".join(faults)
