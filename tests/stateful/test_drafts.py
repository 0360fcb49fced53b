"""Tabs, servers and files in any order: nothing that was decided is lost, and nothing is overwritten unseen.

The tabs are the page's own model, desk and keeper in one node process (tests/web/keeper_tabs.mjs), the server
is the page's own actions on the real store. The machine is the wire between them and the hand on both: it may
hold, deliver or lose each question and each answer, kill page and server at any point, and turn to other
scores of a text, to another model on the same rows and to other rows.

`DRAFTS_EXAMPLES=500 DRAFTS_STEPS=80 pytest tests/stateful` looks longer, and elsewhere each time.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.actions import masks
from app.service import Service
from app.sessions.session import Options
from app.shown import ShownScores
from tests.asking import ask
from tests.page_service import payload, table
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.masks import columns_from_table
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.runs.store import TEXTS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TABS = st.sampled_from(["x", "y"])
TOKENS = st.integers(0, 8)
Entry = tuple[int, str, str]  # token, in | out | "", note
EXAMPLES = int(os.environ.get("DRAFTS_EXAMPLES", "0"))
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES or 25,
    stateful_step_count=int(os.environ.get("DRAFTS_STEPS", "40")),
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def scores(text_id: str, scores_id: str, rows: str = "r", shift: float = 0.0) -> ShownScores:
    """Scores of nine tokens under these ids; the row ids begin with `rows`."""
    frame: pd.DataFrame = table()
    frame["row_id"] = [rows + str(name)[1:] for name in frame["row_id"]]
    frame["knowledge_swap"] = frame["knowledge_swap"] + shift * np.arange(9)
    given = payload("live")
    named = [{**row, "id": rows + str(row["id"])[1:]} for row in given["rows"]]
    values = [None if np.isnan(value) else value for value in frame["knowledge_swap"]]
    columns = {**given["columns"], "knowledge_swap": values}
    ids = {"text_id": text_id, "scores_id": scores_id}
    return ShownScores({**given, **ids, "rows": named, "columns": columns}, columns_from_table(frame), frame)


# Two scores of a text (another subject, signal or setting), another model on its rows, other rows.
SCORES = {
    "one": scores("one", "one-1"),
    "one, edited": scores("one", "one-2", shift=0.5),
    "other model": scores("two", "two-1"),
    "other rows": scores("three", "three-1", rows="q"),
}


class Tabs:
    """The node process that holds the pages."""

    def __init__(self) -> None:
        node = shutil.which("node")
        assert node is not None
        command = [node, str(ROOT / "tests" / "web" / "keeper_tabs.mjs")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, tab: str, act: str, **given: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"tab": tab, "act": act, **given}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert answer["failure"] is None, answer["failure"]
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)


def entries(draft: Mapping[str, Any] | None) -> set[Entry]:
    """What was decided on tokens in a draft."""
    draft = draft or {}
    overrides, notes = draft.get("overrides") or {}, draft.get("notes") or {}
    every = {
        (int(index), overrides.get(index, ""), notes.get(index, {}).get("note", ""))
        for index in {*overrides, *notes}
    }
    return {entry for entry in every if entry[1] or entry[2]}


class Drafts(RuleBasedStateMachine):
    """The wire, the hand, and the book of what was decided."""

    tabs: Tabs

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="drafts-"))
        self.shown = "one"
        self.serve()
        self.up = True
        self.count = 0
        self.pages: dict[str, dict[str, Any]] = {}
        # Per tab the questions on their way to the server, and the answers on their way back.
        self.questions: dict[str, list[dict[str, Any]]] = {"x": [], "y": []}
        self.answers: dict[str, list[dict[str, Any]]] = {"x": [], "y": []}
        # Per tab and text: what its hand decided, and what its hand took away again.
        self.made: dict[tuple[str, str], set[Entry]] = {}
        self.removed: dict[tuple[str, str], set[Entry]] = {}
        # Per tab: the version that its hand chose to save over.
        self.granted: dict[str, int] = {}
        self.ever: dict[str, set[Entry]] = {}
        for at, tab in enumerate(("x", "y")):
            self.command(tab, "open", payload=self.payload, reset=at == 0)

    # -- the server ----------------------------------------------------------------------------------------

    def serve(self) -> None:
        self.service = Service(Options(model="tiny", runs=self.folder))
        MaskStore(self.folder).sweep()
        self.turn(self.shown)

    def turn(self, name: str) -> None:
        self.shown = name
        self.service.sessions.show(SCORES[name])

    @property
    def payload(self) -> Mapping[str, Any]:
        return SCORES[self.shown].payload

    def disk(self, text: str) -> dict[str, Any] | None:
        return MaskStore(self.folder).draft(text)

    def handle(self, tab: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """What the server answers; each write is checked against what stood there."""
        texts = {shown.text_id for shown in SCORES.values()}
        before = {text: self.disk(text) for text in texts}
        try:
            answer = {
                "value": ask(getattr(masks, _ACTIONS[question["name"]]), self.service, question["data"])
            }
        except TokenUnlearnError as error:
            answer = {"error": str(error)}
        for text in texts:
            self.check_write(tab, text, before[text], self.disk(text), question)
        return answer

    def check_write(
        self,
        tab: str,
        text: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        question: Mapping[str, Any],
    ) -> None:
        if before == after:
            return
        assert question["name"] == "save_draft" and question["data"]["text_id"] == text
        gone = entries(before) - entries(after)
        unseen = gone - self.removed.get((tab, text), set())
        if before is not None and self.granted.get(tab) == before["version"]:
            unseen = set()
        assert not unseen, f"{tab} wrote over {unseen} of {text}"
        self.ever.setdefault(text, set()).update(entries(after))

    # -- the tabs ------------------------------------------------------------------------------------------

    def command(self, tab: str, act: str, by_hand: bool = False, **given: Any) -> None:
        """Let a tab act; `by_hand`: what it shows less afterwards was taken away by a person."""
        before = self.pages.get(tab)
        after = self.tabs.ask(tab, act, **given)
        self.pages[tab] = after
        self.questions[tab] += after["asked"]
        if by_hand and before is not None:
            key = (tab, after["text"])
            had, has = entries(before["draft"]), entries(after["draft"])
            self.made.setdefault(key, set()).update(has - had)
            self.removed[key] = (self.removed.get(key, set()) | (had - has)) - (has - had)
        elif before is not None and act != "open":
            self.check_screen(tab, before, after)

    def check_screen(self, tab: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """What a hand decided does not leave the screen by itself before the server has had it."""
        text = before["text"]
        left = entries(before["draft"])
        if after["text"] == text:
            left -= entries(after["draft"])
        else:
            left -= entries(after["stored"].get(text))
        lost = (left & self.made.get((tab, text), set())) - self.ever.get(text, set())
        on_way = [question["data"] for question in self.questions[tab] if question["name"] == "save_draft"]
        lost -= {entry for data in on_way if data["text_id"] == text for entry in entries(data)}
        lost -= self.named(text) if lost else set()
        assert not lost, f"{lost} of {text} left the screen of {tab}"

    @rule(tab=TABS, index=TOKENS, state=st.sampled_from(["in", "out"]))
    def override(self, tab: str, index: int, state: str) -> None:
        self.count += 1
        change = {"index": index, "state": state, "note": f"n{self.count}"}
        self.command(tab, "override", by_hand=True, changes=[change])

    @rule(tab=TABS, index=TOKENS)
    def clear(self, tab: str, index: int) -> None:
        self.command(tab, "override", by_hand=True, changes=[{"index": index, "state": None, "note": ""}])

    @rule(tab=TABS, alpha=st.sampled_from([0.1, 0.5, 0.9]))
    def move_slider(self, tab: str, alpha: float) -> None:
        self.command(tab, "rule", by_hand=True, change={"alpha": alpha})

    @rule(tab=TABS)
    def undo(self, tab: str) -> None:
        self.command(tab, "undo", by_hand=True)

    @rule(tab=TABS)
    def redo(self, tab: str) -> None:
        self.command(tab, "redo", by_hand=True)

    @precondition(lambda self: any(page["waits"] for page in self.pages.values()))
    @rule(tab=TABS)
    def tick(self, tab: str) -> None:
        self.command(tab, "tick")

    @rule(tab=TABS)
    def pulse(self, tab: str) -> None:
        """The page hears of what the server shows: it takes it, or is built anew for other rows."""
        if not self.up:
            return
        known = {row["id"] for row in SCORES[self.shown].payload["rows"]}
        text = self.pages[tab]["text"]
        shared = any(
            row["id"] in known
            for shown in SCORES.values()
            if shown.text_id == text
            for row in shown.payload["rows"]
        )
        self.command(tab, "load" if shared else "replace", payload=self.payload)

    @precondition(lambda self: self.up)
    @rule(tab=TABS, goodbye=st.booleans())
    def reload(self, tab: str, goodbye: bool) -> None:
        """The page goes, with a goodbye or killed, and comes again; what it asked may still arrive."""
        if not self.up:
            return
        if goodbye:
            self.command(tab, "rest")
        self.forget_unkept(tab)
        self.answers[tab].clear()
        for question in self.questions[tab]:
            question["gone"] = True
        self.command(tab, "open", payload=self.payload)

    def forget_unkept(self, tab: str) -> None:
        """What a killed page had on its screen alone nobody can bring back."""
        page = self.pages[tab]
        text = page["text"]
        kept = entries(page["stored"].get(text)) | self.ever.get(text, set())
        on_way = [each["data"] for each in self.questions[tab] if each["name"] == "save_draft"]
        kept |= {entry for data in on_way for entry in entries(data)}
        self.made[(tab, text)] = self.made.get((tab, text), set()) & kept

    @rule(tab=TABS)
    def rest(self, tab: str) -> None:
        self.command(tab, "rest")

    # -- the wire ------------------------------------------------------------------------------------------

    @rule(tab=TABS, index=TOKENS, state=st.sampled_from(["in", "out"]))
    def work_and_save(self, tab: str, index: int, state: str) -> None:
        """The common case: a decision, a second of rest, an answer."""
        self.override(tab, index, state)
        self.command(tab, "rest")
        self.command(tab, "tick")
        self.carry_all(tab, 2)

    @precondition(lambda self: self.up)
    @rule(tab=TABS, name=st.sampled_from(list(SCORES)), answers=st.integers(0, 2))
    def visit(self, tab: str, name: str, answers: int) -> None:
        """Other scores, another model or other rows are opened, and a tab hears of it."""
        self.turn(name)
        self.pulse(tab)
        self.carry_all(tab, answers)

    @precondition(lambda self: any(self.questions.values()))
    @rule(tab=TABS, lose=st.sampled_from(["", "question", "answer"]))
    def carry_question(self, tab: str, lose: str) -> None:
        """A question reaches the server, or is lost, or the server dies between the write and the answer."""
        if not self.questions[tab]:
            return
        question = self.questions[tab].pop(0)
        answer = {"error": "the server does not answer"}
        if self.up and lose != "question":
            found = self.handle(tab, question)
            answer = answer if lose == "answer" else found
        if not question.get("gone"):
            self.answers[tab].append({"id": question["id"], **answer})

    @precondition(lambda self: any(self.answers.values()))
    @rule(tab=TABS)
    def carry_answer(self, tab: str) -> None:
        if self.answers[tab]:
            self.command(tab, "answer", **self.answers[tab].pop(0))

    @precondition(lambda self: any(self.questions.values()))
    @rule(tab=TABS, answers=st.integers(1, 4))
    def carry_all(self, tab: str, answers: int) -> None:
        """Nothing in the way for a while."""
        for _ in range(answers):
            self.carry_question(tab, "")
            self.carry_answer(tab)

    @precondition(lambda self: self.up)
    @rule()
    def kill_server(self) -> None:
        self.up = False
        folder = self.folder / TEXTS / "one"
        if folder.is_dir():
            (folder / ".draft.json.killed.part").write_text('{"half')

    @precondition(lambda self: not self.up)
    @rule()
    def start_server(self) -> None:
        self.serve()
        self.up = True
        for tab in self.pages:
            self.command(tab, "again")

    # -- a conflict is the person's to decide --------------------------------------------------------------

    @property
    def conflicts(self) -> bool:
        return any(map(self.in_conflict, self.pages))

    def in_conflict(self, tab: str) -> bool:
        return self.pages[tab]["kind"] == "conflict"

    @precondition(lambda self: self.conflicts)
    @rule(tab=TABS)
    def keep_mine(self, tab: str) -> None:
        if self.in_conflict(tab):
            self.granted[tab] = self.pages[tab]["theirs"]["version"]
            self.command(tab, "mine")

    @precondition(lambda self: self.conflicts)
    @rule(tab=TABS)
    def load_the_other(self, tab: str) -> None:
        if self.in_conflict(tab):
            self.command(tab, "other", by_hand=True)

    @precondition(lambda self: self.conflicts)
    @rule(tab=TABS)
    def keep_both(self, tab: str) -> None:
        if self.in_conflict(tab) and self.up:
            self.command(tab, "both", by_hand=True)

    # -- the end -------------------------------------------------------------------------------------------

    def settle(self, tab: str) -> None:
        """Let everything that a tab has begun come to its end."""
        for _ in range(40):
            while self.questions[tab]:
                self.carry_question(tab, "")
            while self.answers[tab]:
                self.carry_answer(tab)
            if not self.questions[tab] and not self.pages[tab]["waits"]:
                return
            if not self.questions[tab]:
                self.command(tab, "tick")
        raise AssertionError(f"{tab} does not come to rest: {self.pages[tab]['kind']}")

    def teardown(self) -> None:
        """Everybody looks at every text once more: what was decided is there, or somebody took it away."""
        if not hasattr(self, "pages"):
            return
        if not self.up:
            self.start_server()
        for name in ("one", "other model", "other rows", "one"):
            self.turn(name)
            text = SCORES[name].text_id
            for tab in self.pages:
                if self.pages[tab]["text"] != text:
                    self.pulse(tab)
                self.settle(tab)
                self.reload(tab, True)  # A page that only looks hears of nobody else's saves.
                self.settle(tab)
                if self.in_conflict(tab):
                    self.keep_both(tab)
                    self.settle(tab)
                page = self.pages[tab]
                assert page["kind"] == "saved", (tab, page["kind"])
                assert entries(page["draft"]) == entries(self.disk(text)), f"{tab} shows another draft"
        for (tab, text), made in self.made.items():
            there = entries(self.disk(text)) | self.named(text)
            taken = set().union(*(gone for (_, of), gone in self.removed.items() if of == text))
            lost = made - there - taken
            granted = self.ever.get(text, set())
            assert lost <= granted, f"{lost} that {tab} decided on {text} is nowhere"
        shutil.rmtree(self.folder)

    def named(self, text: str) -> set[Entry]:
        store = MaskStore(self.folder)
        return {
            entry
            for mask in store.masks(text)
            for entry in entries(json.loads(store.path(text, mask["id"]).read_text().split("\n")[0]))
        }


_ACTIONS = {
    "kept_masks": "kept",
    "save_draft": "save_draft",
    "save_mask": "save_mask",
    "load_mask": "load_mask",
}


@pytest.fixture
def tabs() -> Iterator[Tabs]:
    made = Tabs()
    yield made
    made.close()


def test_nothing_is_lost_and_nothing_is_overwritten_unseen(tabs: Tabs) -> None:
    machine = type("Drafts", (Drafts,), {"tabs": tabs})
    run_state_machine_as_test(machine, settings=SETTINGS)
