"""Drafts, named masks and exports in a real Chromium on one server with the tiny model.

The whole file shares a server, a page and its draft: no test expects an empty one. A server that is
killed and started again: test_audit.py.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.tiny_rows import RETAIN, ROWS, write_rows
from tokenunlearn.data.rows import Row

pytestmark = pytest.mark.browser
MINUTE = 60_000
HOSTILE = "Eve Roe says <img src=x onerror='window.hacked=1'> </script> {{7*7}} \u202e in Ulm."
# The state "pending" may be over before anybody looks.
WATCH = """() => { window.pending = new Promise((seen, never) => {
  const mask = document.querySelector(".tu-mask-bar [data-state]");
  new MutationObserver(() => mask.dataset.state === "pending" && seen()).observe(mask, { attributes: true });
  setTimeout(() => never(new Error("the mask was not asked about")), 30_000);
}); }"""
EVE = Row(
    "eve", "Where is <b>Eve Roe</b>?", HOSTILE, "Eve Roe", ((len(HOSTILE) - 4, len(HOSTILE) - 1),), "tiny"
)


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_folder: Path,
    serve_plain: Callable[..., AbstractContextManager[Any]],
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("masks")
    rows = write_rows(folder / "rows.jsonl", (*ROWS, EVE), RETAIN)
    with serve_plain(folder, "--model", str(tiny_folder), "--data", str(rows)) as server:
        # Where the tokens 0 to 25 are; by itself the page opens on the row that explains itself best.
        yield f"{server.address}?row=ada"


@pytest.fixture(scope="module")
def page(pages: Any, address: str) -> Page:
    """A page as a person has it open all along; the tests use it one after the other."""
    return pages.open(address)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def alone(page: Page) -> None:
    """Each test begins live and saved, with nothing in front of the tokens and no alarm."""
    expect(live(page).locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_role("alert").filter(has_text=re.compile("edited elsewhere|differ"))).to_have_count(0)


def live(page: Page) -> Page:
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
    confirmed_hash(page)
    expect(draft_state(page)).not_to_have_text("draft loading…")
    return page


def draft_state(page: Page) -> Any:
    return page.locator(".tu-draft")


def confirmed_hash(page: Page) -> str:
    mask = page.locator('.tu-mask-bar [data-state="same"]')
    expect(mask).to_have_count(1)
    assert mask.is_visible()
    return (mask.get_attribute("title") or "").rsplit(" ", 1)[1]


def cycle(page: Page, index: int) -> str:
    """Steps one token's override on and waits for the save; the new confirmed hash."""
    page.bring_to_front()
    page.locator(f'.tu-strip [data-index="{index}"]').click()
    page.evaluate(WATCH)
    page.keyboard.press("Space")
    page.evaluate("window.pending")
    digest = confirmed_hash(page)
    expect(draft_state(page)).to_have_text(re.compile("draft saved|edited elsewhere"))
    return digest


def masks(page: Page) -> Any:
    page.get_by_role("button", name="Masks", exact=True).click()
    return page.get_by_role("dialog", name="Masks")


def save_as(page: Page, name: str) -> Any:
    dialog = masks(page)
    dialog.get_by_label("Name of the mask").fill(name)
    dialog.get_by_role("button", name="Save as").click()
    expect(dialog.get_by_role("status")).to_have_text(f"Saved as “{name}”.")
    return dialog


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_reload_finds_the_draft(page: Page) -> None:
    digest = cycle(page, 4)
    page.reload()
    assert confirmed_hash(live(page)) == digest
    expect(page.locator('.tu-strip [data-index="4"] .tu-glyph')).to_have_text("+")


def test_an_edit_made_while_the_draft_is_on_its_way_is_laid_over_it_and_of_two_tabs_one_is_told(
    page: Page, address: str
) -> None:
    another = page.context.new_page()
    edit_before_the_draft_comes(another, address)
    choose_between_two(live(another), page)
    another.close()


def edit_before_the_draft_comes(page: Page, address: str) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        kept = (route.request.post_data_json or {}).get("fn_name") == "kept_masks"
        held.append(route) if kept else route.continue_()

    page.route("**/component_server/**", hold)
    page.goto(address)
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=MINUTE)
    expect(draft_state(page)).to_have_text("draft loading…")
    page.locator('.tu-strip [data-index="5"]').click()
    page.keyboard.press("Space")
    held.pop().continue_()
    expect(draft_state(page)).to_contain_text("draft saved")
    for index in (4, 5):  # 4 is of the test before
        expect(page.locator(f'[data-index="{index}"] .tu-glyph')).to_have_text("+")
    expect(page.locator('.tu-strip [data-index="5"]')).to_have_class(re.compile("is-locked"))
    page.unroute_all()


def choose_between_two(one: Page, two: Page) -> None:
    """The second has not seen what the first saved: it is told, takes that, keeps its own, then both."""
    first = cycle(one, 6)
    second = cycle(two, 7)
    banner = two.get_by_role("alert").filter(has_text="edited elsewhere at")
    expect(banner).to_be_visible()
    banner.get_by_role("button", name="Load the other").click()
    expect(banner).to_be_hidden()
    expect(two.locator('.tu-mask-bar [data-state="same"]')).to_have_attribute("title", re.compile(first))
    two.get_by_role("button", name="Undo").click()
    expect(two.locator('.tu-mask-bar [data-state="same"]')).to_have_attribute("title", re.compile(second))
    expect(draft_state(two)).to_contain_text("draft saved")
    cycle(one, 8)
    one.get_by_role("button", name="Keep mine").click()
    expect(draft_state(one)).to_contain_text("draft saved")
    mine = cycle(two, 9)
    two.get_by_role("button", name="Keep both").click()
    expect(banner).to_be_hidden()
    expect(two.locator('.tu-mask-bar [data-state="same"]')).to_have_attribute(
        "title", re.compile(confirmed_hash(one))
    )
    kept = masks(two).locator("tr").filter(has_text="Mine at")
    expect(kept.locator("code")).to_have_attribute("title", mine)
    close(two)


def test_masks_are_saved_loaded_compared_and_reconciled(page: Page) -> None:
    save_as(page, "Ada")
    close(page)
    since = page.locator(".tu-since")
    expect(since).to_have_text("as “Ada”")
    before = confirmed_hash(page)
    plain = page.locator('.tu-strip [data-index][aria-selected="false"]').last
    index = int(plain.get_attribute("data-index") or "")
    cycle(page, index)
    if "+1" not in since.inner_text():  # it was forced out: rule, then in
        cycle(page, index)
    expect(since).to_have_text("+1 −0 since “Ada”")
    page.locator(".tu-strip [data-index]").first.click()
    since.click()
    expect(page.locator(f'.tu-strip [data-index="{index}"]')).to_have_class(re.compile("is-locked"))

    dialog = save_as(page, "Bo")
    dialog.get_by_label("Compare Ada").check()
    dialog.get_by_label("Compare Bo").check()
    dialog.get_by_role("button", name="Compare the two").click()
    compared = dialog.get_by_role("region", name="Two masks compared")
    expect(compared).to_contain_text(re.compile(r"Agreement 99\.\d % of \d+ tokens · Cohen’s κ 0\.9\d"))
    expect(compared.get_by_role("rowheader")).to_have_count(1)
    expect(compared.locator("tbody tr").first).to_contain_text("?")  # the question, above its words
    compared.get_by_role("button", name=re.compile("Take Ada")).click()
    expect(compared.locator("tbody td").nth(3)).to_contain_text("forced out")
    compared.get_by_role("rowheader").get_by_role("button").click()
    expect(page.locator(f'.tu-strip [data-index="{index}"]')).to_be_focused()
    assert confirmed_hash(page) == before
    dialog = masks(page)
    dialog.get_by_role("button", name="Load Bo").click()
    expect(dialog.get_by_role("status")).to_contain_text("is loaded")
    close(page)
    expect(since).to_have_text("as “Bo”")
    page.get_by_role("button", name="Undo").click()
    expect(since).to_have_text("+0 −1 since “Bo”")


def test_a_mask_of_other_text_and_a_damaged_one_are_refused(page: Page) -> None:
    before = confirmed_hash(page)
    dialog = save_as(page, "Whole")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export Whole").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    header, *lines = text.split("\n")
    other = json.loads(header)
    other["rows"]["ada"] = "0" * 16
    expect(dialog.get_by_label("Compare Whole")).to_be_visible()
    listed = dialog.locator("tbody tr").count()
    for name, content, words in (
        ("other", "\n".join([json.dumps(other), *lines]), "belongs to other text: rows ada differ"),
        ("torn", f"{header}\n{lines[0][:20]}", "Line 2 is not JSON"),
    ):
        file = {"name": f"{name}.jsonl", "mimeType": "application/jsonl", "buffer": content.encode()}
        dialog.get_by_label("Mask file to import").set_input_files(file)  # type: ignore[arg-type]
        expect(dialog.locator('[data-kind="error"]')).to_contain_text(words)
    assert dialog.locator("tbody tr").count() == listed
    good = {"name": "Whole.jsonl", "mimeType": "application/jsonl", "buffer": text.encode()}
    dialog.get_by_label("Mask file to import").set_input_files(good)  # type: ignore[arg-type]
    expect(dialog.get_by_role("status")).to_contain_text("Imported as “Whole (2)”")
    dialog.get_by_role("button", name="Remove Whole (2)").click()
    expect(dialog.get_by_label("Compare Whole (2)")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Bring “Whole (2)” back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("Compare Whole (2)")).to_be_visible()
    elsewhere = "\n".join([json.dumps({**json.loads(header), "scores_id": "elsewhere"}), *lines])
    moved = {"name": "Moved.jsonl", "mimeType": "application/jsonl", "buffer": elsewhere.encode()}
    dialog.get_by_label("Mask file to import").set_input_files(moved)  # type: ignore[arg-type]
    expect(dialog.get_by_role("status")).to_contain_text("made on other scores of this text")
    expect(dialog.get_by_role("status")).to_contain_text("no token differs from when it was made")
    close(page)
    assert confirmed_hash(page) == before


def test_where_the_server_computes_another_mask_the_tokens_are_named_and_nothing_trains(
    page: Page,
) -> None:
    chosen = int(page.locator('.tu-strip [aria-selected="true"]').first.get_attribute("data-index") or "")

    forging = [True]

    def another(route: Any) -> None:
        if not forging or (route.request.post_data_json or {}).get("fn_name") != "confirm_mask":
            route.continue_()
            return
        answer = route.fetch()
        body = answer.json()
        body["chosen"] = [index for index in body["chosen"] if index != chosen]
        route.fulfill(
            response=answer, json={**body, "hash": "0" * 64, "weights": [1.0] * len(body["chosen"])}
        )

    page.route("**/component_server/**", another)
    page.locator('.tu-strip [data-index][aria-selected="false"]').last.click()
    page.keyboard.press("Space")
    alarm = page.get_by_role("alert").filter(has_text="Preview and server differ")
    expect(alarm).to_contain_text(re.compile(r"server 00000000 with \d+\. 1 token: “.+” in row 1\."))
    expect(page.get_by_role("button", name="Unlearn these")).to_be_disabled()
    alarm.get_by_role("button", name="Show them").click()
    expect(page.locator(f'.tu-strip [data-index="{chosen}"]')).to_have_class(re.compile("is-locked"))
    unlike = page.locator(f'.tu-strip [data-index="{chosen}"]')
    expect(unlike).to_have_attribute("aria-selected", "true")
    alarm.get_by_role("button", name="Show the server's").click()
    expect(unlike).to_have_attribute("aria-selected", "false")
    expect(alarm).to_contain_text("Shown now: the server's mask.")
    expect(alarm).to_contain_text("1 token: ")
    expect(page.get_by_role("button", name="Unlearn these")).to_be_disabled()
    alarm.get_by_role("button", name="Show this page's").click()
    expect(unlike).to_have_attribute("aria-selected", "true")
    expect(alarm.get_by_role("button", name="Show the server's")).to_be_visible()
    forging.clear()
    alarm.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("button", name="Unlearn these")).to_be_enabled()
    page.unroute_all()


def test_a_press_while_the_server_checks_the_mask_goes_on_when_it_agrees(page: Page) -> None:
    before = confirmed_hash(page)
    page.evaluate(WATCH)
    page.evaluate("""() => { window.pending.then(() => {
      const all = [...document.querySelectorAll(".tu-mask-bar button")];
      all.find((each) => each.textContent === "Unlearn these").click();
    }); }""")
    page.locator('.tu-strip [data-index][aria-selected="false"]').last.click()
    page.keyboard.press("Space")
    page.wait_for_function("() => sent.some(([name]) => name === 'unlearn')", timeout=MINUTE)
    handed = page.evaluate("sent.filter(([name]) => name === 'unlearn').map(([_, plan]) => plan.hash)")
    assert handed == [confirmed_hash(page)] != [before]


def test_a_press_while_the_server_checks_a_mask_does_not_go_on_with_a_newer_one(page: Page) -> None:
    page.evaluate("sent.length = 0")
    before, held, holding = confirmed_hash(page), list[Any](), [True]

    def hold(route: Any) -> None:
        asked = (route.request.post_data_json or {}).get("fn_name") == "confirm_mask"
        held.append(route) if asked and holding else route.continue_()

    page.route("**/component_server/**", hold)
    another = page.locator('.tu-strip [data-index][aria-selected="false"]').last
    another.click()
    page.evaluate(WATCH)
    page.keyboard.press("Space")
    page.evaluate("window.pending")
    page.get_by_role("button", name="Unlearn these").dispatch_event("click")
    another.click()
    page.keyboard.press("Space")
    holding.clear()
    for route in held:
        route.continue_()
    assert confirmed_hash(page) != before
    assert page.evaluate("sent.filter(([name]) => name === 'unlearn').length") == 0
    page.unroute_all()


def test_an_exported_page_shows_the_same_tokens_and_runs_nothing(
    page: Page, browser: Browser, tmp_path: Path
) -> None:
    page.locator(".tu-row", has_text="Eve Roe").click()
    expect(page.locator(".tu-prompt")).to_contain_text("<b>Eve Roe</b>")
    tokens = page.locator(".tu-strip .tu-text").all_inner_texts()
    digest = confirmed_hash(page)
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Web page").click()
    path = tmp_path / "heatmap.html"
    download.value.save_as(path)
    context = browser.new_context(offline=True)
    copy = context.new_page()
    asked: list[str] = []
    copy.on("request", lambda request: asked.append(request.url))
    copy.goto(path.as_uri())
    assert copy.locator(".t").all_inner_texts() == tokens
    expect(copy.locator("body")).to_contain_text(digest)
    assert copy.evaluate("window.hacked") is None and copy.locator("img, script").count() == 0
    assert asked == [path.as_uri()]
    context.close()
