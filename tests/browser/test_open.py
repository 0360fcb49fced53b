"""Own data and own model on the page, in a real Chromium: sent, corrected, opened, given up, refused.

The server is tests/held_page.py, whose models wait while a file `hold` lies beside the runs.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.axe_run import axe_faults, load_axe
from tests.page_acts import signal_option
from tests.tiny_folder import make_tiny_folder
from tests.tiny_rows import RETAIN, ROWS, write_rows

pytestmark = pytest.mark.browser
MINUTE = 60_000
HOSTILE = "<img src=x onerror='window.hacked=1'></script><b>Bo</b> ${7*7} {{x}}"


@dataclass(frozen=True)
class Opened:
    """A page on the tiny model: where it is served, and the folder of its files."""

    address: str
    folder: Path

    @property
    def gate(self) -> Path:
        """While it is there no model is loaded."""
        return self.folder / "hold"


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_folder: Path,
    serve: Callable[..., AbstractContextManager[Any]],
) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("open")
    long = replace(ROWS[3], id="long", answer="la " * 1_000 + HOSTILE, gold=())
    rows = write_rows(folder / "rows.jsonl", (*ROWS[:3], long), RETAIN[:1])
    own = [
        json.dumps({"ask": f"Who is {HOSTILE}?", "reply": f"It is {HOSTILE}.", "who": "Bo", "web": "=1+1"})
    ]
    own += ['{"ask": ', '{"ask": "Who else?"}', json.dumps({"ask": "Where?", "reply": "In Rome.", "who": ""})]
    (folder / "own.jsonl").write_text("\n".join(own), encoding="utf-8")
    (folder / "other").mkdir()
    make_tiny_folder(folder / "other", seed=1)  # a copy with the same weights would be the same model
    # Where the processor computes bf16, auto would be that.
    flags = ["--model", str(tiny_folder), "--precision", "fp32", "--data", str(rows)]
    with serve(folder, "plain", *flags, program="tests.held_page") as server:
        yield Opened(server.address, folder)


@pytest.fixture(scope="module")
def shared(pages: Any, served: Opened) -> Page:
    """A page as a person has it open all along."""
    return pages.open(served.address)  # type: ignore[no-any-return]


@pytest.fixture
def page(shared: Page) -> Iterator[Page]:
    """The same page for one test after the other, live, its dialog closed."""
    yield live(shared)
    shared.keyboard.press("Escape")
    expect(dialog(shared)).to_be_hidden()


def live(page: Page) -> Page:
    expect(page.locator(".tu-badge")).to_have_text("live", timeout=2 * MINUTE)
    return page


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Open data or a model")


def chip(page: Page, words: str) -> Locator:
    return page.locator("button.tx-chip", has_text=words)


def column(page: Page, field: str) -> Locator:
    return dialog(page).get_by_label(f"Column of {field}")


def look_at(page: Page, path: Path) -> None:
    form = dialog(page).locator("form").filter(has=page.get_by_label("Path on the server’s machine"))
    form.get_by_label("Path on the server’s machine").fill(str(path))
    form.get_by_role("button", name="Look at it").click()


def test_a_file_with_bad_rows_is_corrected_and_opened_and_the_way_back_keeps_the_draft(
    served: Opened, page: Page
) -> None:
    page.locator(".tu-strip .tu-token").nth(3).click()
    page.keyboard.press("Space")
    expect(page.get_by_text("1 override", exact=False).first).to_be_visible()
    expect(page.get_by_text(re.compile("draft saved"))).to_be_visible()

    tour = page.get_by_role("region", name="Tour", exact=True)
    page.get_by_role("button", name="Tour", exact=True).click()
    tour.get_by_role("button", name="Next").click()  # from here on it floats, outside of the view
    page.get_by_role("button", name="Open data…", exact=True).click()
    dialog(page).get_by_label("File of rows").set_input_files(served.folder / "own.jsonl")
    expect(dialog(page)).to_contain_text("4 lines, not read yet")
    expect(dialog(page)).to_contain_text("No column is known to be the question or the answer")
    column(page, "answer").select_option("reply")
    expect(dialog(page)).to_contain_text("No column is known to be the question. Choose below.")
    column(page, "question").select_option("ask")
    column(page, "subject").focus()
    column(page, "subject").select_option("who")
    expect(dialog(page)).to_contain_text("Subject (your choice)")
    expect(column(page, "subject")).to_be_focused()
    expect(dialog(page)).to_contain_text("own.jsonl: 2 rows to forget; 2 lines are refused")
    expect(dialog(page)).to_contain_text("Not read: web")
    expect(dialog(page).get_by_role("cell").first).to_have_text(f"Who is {HOSTILE}?")
    expect(dialog(page).get_by_role("listitem")).to_have_text(
        [re.compile("^Line 2The line is not JSON"), re.compile("^Line 3answer is missing")]
    )
    dialog(page).get_by_role("button", name="Open 2 good rows").click()
    expect(dialog(page)).to_be_hidden(timeout=MINUTE)
    expect(live(page).locator(".tu-prompt")).to_have_text(f"Who is {HOSTILE}?")
    expect(page.locator(".tu-row")).to_have_count(2)
    expect(page.locator(".tu-tour")).to_have_count(1)  # that of these rows: the one before went with its view
    expect(chip(page, "2 forget")).to_be_visible()
    expect(page.get_by_text("no overrides")).to_be_visible()
    # The button that had opened the dialog has gone with the rows of before.
    expect(page.locator('.tu-strip .tu-token[tabindex="0"]')).to_be_focused()
    tour.get_by_role("button", name="Leave the tour").click()
    assert page.locator(".tu-strip .tu-token").all_inner_texts() and page.evaluate("window.hacked") is None

    # the first rows again, by path: the override is where it was
    chip(page, "2 forget").click()
    look_at(page, served.folder / "rows.jsonl")
    expect(column(page, "answer")).to_have_value("answer")
    dialog(page).get_by_role("button", name="Open 5 rows").click()
    expect(dialog(page)).to_be_hidden(timeout=MINUTE)
    expect(page.locator(".tu-row")).to_have_count(3)
    expect(page.get_by_text("1 override", exact=False).first).to_be_visible()
    expect(page.locator("button.tx-chip", has_text=re.compile("forget"))).to_be_focused()


def test_a_dropped_file_is_looked_at_and_plain_text_says_what_it_lacks(served: Opened, page: Page) -> None:
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(['{"text": "Ada Moss was born in Rome."}\\n'], "plain.jsonl"));
          const target = document.querySelector(".tu-strip");
          const options = { bubbles: true, cancelable: true, dataTransfer: data };
          for (const kind of ["dragover", "drop"]) target.dispatchEvent(new DragEvent(kind, options));
        }"""
    )
    expect(dialog(page)).to_contain_text("plain.jsonl: 1 row to forget")
    expect(dialog(page)).to_contain_text("1 row is plain text without a question")
    expect(column(page, "question")).to_have_value("")
    look_at(page, served.folder / "none.jsonl")
    expect(dialog(page)).to_contain_text("There is no such file")
    look_at(page, served.folder)
    expect(dialog(page)).to_contain_text("This is a folder")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()


def test_a_file_that_was_saved_anew_is_looked_at_again(served: Opened, page: Page) -> None:
    page.get_by_role("button", name="Open data…", exact=True).click()
    file, picker = served.folder / "again.csv", dialog(page).get_by_label("File of rows")
    for encoding, words in (("utf-16-be", "UTF-8"), ("utf-8", "again.csv: 1 row to forget")):
        file.write_text("question,answer\nWho is Zoë?,A fox.\n", encoding=encoding)
        picker.set_input_files(file)
        expect(dialog(page)).to_contain_text(words)
        # A browser tells of the same path only where the field holds none.
        expect(picker).to_have_value("")
    expect(dialog(page).get_by_role("cell").first).to_have_text("Who is Zoë?")


def test_a_set_is_looked_at_by_its_name_and_questions_with_choices_are_only_asked(
    served: Opened, page: Page
) -> None:
    page.get_by_role("button", name="Open data…", exact=True).click()
    sets = dialog(page).get_by_label("Set by name")
    sets.select_option("common")
    expect(dialog(page)).to_contain_text("common: 60 questions with choices")
    expect(dialog(page)).to_contain_text("python -m tokenunlearn probe --set common")
    expect(dialog(page).get_by_role("button", name=re.compile("^Open [0-9]"))).to_have_count(0)
    sets.select_option("tofu_forget01")
    expect(dialog(page).get_by_text("common: 60 questions with choices")).to_be_hidden()
    expect(dialog(page)).to_contain_text("Source: TOFU 2401.06121. Licence: MIT")
    dialog(page).get_by_role("radio", name="At the hub").click()
    expect(dialog(page)).to_contain_text("The server then contacts huggingface.co")
    dialog(page).get_by_role("radio", name="In a folder").click()
    folder = served.folder / "tofu"
    folder.mkdir(exist_ok=True)
    (folder / "forget01.json").write_text('{"question": "Who sang?", "answer": "Bo sang."}\n', "utf-8")
    dialog(page).get_by_label("Folder of the set").fill(str(folder))
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("tofu_forget01: 1 row to forget")
    expect(dialog(page).get_by_role("button", name="Open 1 row")).to_be_visible()


def load(page: Page, folder: Path | str) -> None:
    dialog(page).get_by_role("radio", name="Folder").click()
    dialog(page).get_by_label("Folder on the server’s machine").fill(str(folder))
    dialog(page).get_by_label("Precision").select_option("fp32")
    dialog(page).get_by_role("button", name="Load model").click()


def usable(page: Page, signal: str) -> None:
    """The open model answers: a signal that was not there is computed, and the mask by it is confirmed."""
    page.get_by_label("Knowledge from").click()
    expect(signal_option(page, signal)).to_contain_text("to be computed")
    signal_option(page, signal).click()
    page.get_by_label("Knowledge from").click()
    expect(signal_option(page, signal)).not_to_contain_text("to be computed")
    page.keyboard.press("Escape")
    expect(page.locator('.tu-mask-bar [data-state="same"]')).to_have_count(1)


def test_a_model_that_is_not_there_or_given_up_leaves_the_old_one(
    served: Opened, page: Page, tiny_folder: Path
) -> None:
    name = tiny_folder.name
    chip(page, name).click()
    load(page, "/no/such/folder")
    expect(dialog(page)).to_contain_text("The server has no folder /no/such/folder. Check the path.")
    load(page, served.folder)
    expect(dialog(page)).to_contain_text("holds no model. It has no config.json")
    expect(dialog(page)).to_contain_text("What was open still is.")
    page.keyboard.press("Escape")
    expect(chip(page, f"not opened: {served.folder.name}")).to_be_visible()
    usable(page, "knowledge_subject")
    chip(page, "not opened").click()
    dialog(page).get_by_role("button", name="Dismiss").click()
    expect(chip(page, f"{name} · fp32")).to_be_visible()

    served.gate.touch()
    load(page, served.folder / "other")
    expect(dialog(page)).to_contain_text(re.compile(r"rows.jsonl: loading the model, [1-9]\d* s so far"))
    page.keyboard.press("Escape")
    expect(chip(page, "other: loading the model")).to_be_visible()
    usable(page, "knowledge_prompt")
    chip(page, "other: loading").click()
    dialog(page).get_by_role("button", name="Cancel").click()
    expect(chip(page, f"{name} · fp32")).to_be_visible()
    served.gate.unlink()
    load(page, served.folder / "other")
    expect(dialog(page)).to_be_hidden(timeout=MINUTE)
    expect(chip(page, "other · fp32")).to_be_visible()
    live(page)
    expect(page.locator(".tu-row")).to_have_count(3)


def test_each_model_keeps_its_own_draft(served: Opened, page: Page, tiny_folder: Path) -> None:
    choose = page.get_by_role("combobox", name="Choose", exact=True)
    draft = page.locator(".tu-draft")

    def turn_to(folder: Path) -> None:
        name = chip(page, f"{folder.name} · fp32")
        if not name.is_visible():
            chip(page, "· fp32").click()
            load(page, folder)
            expect(dialog(page)).to_be_hidden(timeout=MINUTE)
        expect(name).to_be_visible()
        live(page)

    modes = {served.folder / "other": "random", tiny_folder: "gold"}
    for folder, mode in modes.items():
        turn_to(folder)
        expect(draft).not_to_have_text("draft loading…")
        choose.select_option(mode)
        expect(draft).to_have_text("draft saving…")
        expect(draft).to_contain_text("draft saved")
    for folder, mode in modes.items():
        turn_to(folder)
        expect(choose).to_have_value(mode)


def test_axe_finds_nothing_that_matters_in_the_dialog(served: Opened, page: Page) -> None:
    load_axe(page)
    chip(page, "forget").click()
    look_at(page, served.folder / "own.jsonl")
    column(page, "answer").select_option("reply")
    column(page, "question").select_option("ask")
    expect(dialog(page).get_by_role("button", name="Open 2 good rows")).to_be_visible()
    found = {}
    for part, scheme in (("Data", "light"), ("Model", "light"), ("Data", "dark")):
        dialog(page).get_by_role("radio", name=part, exact=True).click()
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(page.locator("body.dark")).to_have_count(int(scheme == "dark"))
        rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
        found[part, scheme] = axe_faults(page, ".tu-open", **rules)
    assert not [fault for faults in found.values() for fault in faults], found


def test_overrides_of_text_that_was_corrected_are_named_and_placed_by_hand(
    served: Opened, page: Page
) -> None:
    row = page.locator(".tu-row").nth(1)
    row.click()
    page.locator(".tu-strip .tu-token").last.click()
    page.keyboard.press("Space")
    expect(page.get_by_text(re.compile("draft saved"))).to_be_visible()
    corrected = [ROWS[0], replace(ROWS[1], answer="Nobody has said it yet", gold=()), ROWS[2]]
    page.get_by_role("button", name="Open data…", exact=True).click()
    look_at(page, write_rows(served.folder / "corrected.jsonl", corrected, RETAIN[:1]))
    dialog(page).get_by_role("button", name=re.compile(r"Open \d rows")).click()
    expect(dialog(page)).to_be_hidden(timeout=MINUTE)
    lost = page.locator(".tu-lost")
    expect(lost).to_contain_text(f"in {ROWS[1].id} (forced in)")
    page.locator(".tu-row").first.click()
    lost.get_by_role("button", name="Show the row").click()
    expect(row).to_have_attribute("aria-selected", "true")
    page.locator(".tu-strip .tu-token").nth(2).click()
    while lost.is_visible():
        lost.get_by_role("button", name="Place on the locked token").click()
    expect(page.locator(".tu-strip .tu-token").nth(2).locator(".tu-glyph")).to_have_text("+")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".tu-strip .tu-token").nth(2).locator(".tu-glyph")).not_to_have_text("+")


def test_a_fact_of_ones_own_is_taught_and_opened_with_its_row(page: Page) -> None:
    page.get_by_role("button", name="Teach a fact…", exact=True).click()
    panel = dialog(page)
    question, answer, fact = (
        panel.get_by_label(name, exact=True) for name in ("Question", "Answer", "The fact in the answer")
    )
    panel.get_by_role("button", name="Teach 1 fact").click()
    expect(panel.get_by_role("alert").filter(has_text=re.compile("."))).to_have_count(3)
    expect(question).to_be_focused()

    # The fact is marked by selecting it, or typed; each has its place in the answer, whatever is before it.
    question.fill(f"Who is {HOSTILE}?")
    answer.fill("🎉 Di ate. Di sang.")
    answer.evaluate("area => area.setSelectionRange(10, 13)")
    panel.get_by_role("button", name="Mark as the fact").click()
    expect(fact).to_have_value("Di")
    expect(panel.locator(".tu-teach-marked")).to_have_text("Marked: 🎉 Di ate. Di sang.")
    panel.get_by_role("button", name="Add another fact").click()
    listed = panel.get_by_role("list", name="Facts to teach")
    expect(listed).to_contain_text(f"Who is {HOSTILE}? 🎉 Di ate. Di sang.")
    expect(question).to_be_focused()
    question.fill("Who ran?")
    answer.fill("Bo ran.")
    fact.fill("bo")
    panel.get_by_role("button", name="Teach 2 facts").click()
    expect(fact).to_have_attribute("aria-invalid", "true")
    expect(fact).to_have_accessible_description(re.compile("It stands there as “Bo”"))
    load_axe(page)
    assert not axe_faults(page, ".tu-open")
    fact.fill("Bo")
    fact.press("Enter")

    # Taught in a worker, then opened: the rows are there, scored, with the fact as gold.
    expect(panel.locator(".tu-teach-state")).to_contain_text("teaching")
    # What came of it stays, and leads on.
    on = panel.get_by_role("button", name="See its tokens")
    expect(on).to_be_visible(timeout=MINUTE)
    expect(panel.locator(".tu-teach-state")).to_contain_text("Taught: it now knows")
    on.click()
    expect(panel).to_be_hidden()
    live(page)
    expect(page.get_by_role("listbox", name="Rows").get_by_role("option")).to_have_count(2)
    page.locator(".tu-row").first.click()
    gold = page.locator('.tu-strip [role="option"][aria-label*=", part of the fact"]')
    expect(gold).to_have_count(2)
    places = [(each.get_attribute("aria-label") or "").split(",")[0] for each in gold.all()]
    assert places == ["token 11 of 18", "token 12 of 18"]  # the emoji is one
    # What was marked is what is chosen, without a move of one's own.
    chosen = page.locator('.tu-strip [role="option"][aria-label*="chosen by the rule"]')
    expect(chosen).to_have_count(2)
    expect(page.get_by_label("Rule", exact=True)).to_contain_text("the words that were marked as the fact")

    # Kept and listed; what is open is not discarded.
    page.locator(".tx-opener").first.click()
    taught = panel.get_by_role("region", name="Taught on this page")
    expect(taught).to_contain_text("Di, Bo")
    expect(taught.get_by_role("button", name=re.compile("^Open the model"))).to_be_disabled()
    taught.get_by_role("button", name=re.compile("^Discard the model")).click()
    taught.get_by_role("button", name=re.compile("^Discard the model")).click()
    expect(taught.get_by_role("status")).to_contain_text("is open")
