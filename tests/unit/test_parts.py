"""Parts of the page that follow the server: which are made anew after what has changed."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import gradio as gr
import pytest

from app.actions import status
from app.parts import Part, anew, look, stamps
from app.service import Service
from app.shown import ShownScores
from app.tabs import compare, probe, tokens, unlearn
from tests.page_service import live_service, payload
from tokenunlearn.runs.queue import running


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return live_service(tmp_path)


@pytest.fixture
def parts(service: Service) -> dict[str, Part]:
    """The parts of every tab, by name."""
    with gr.Blocks():
        menu, answers = probe.build(service).parts
        return {
            "tokens": tokens.build(service),
            "run": unlearn.build(service).part,
            "menu": menu,
            "answers": answers,
            "compare": compare.build(service),
        }


def drawn(parts: dict[str, Part], service: Service, seen: Sequence[object], picked: str | None) -> set[str]:
    """The names of the parts that a page which shows `seen` gets anew."""
    values = anew(list(parts.values()), look(service, None, picked), seen)
    return {name for name, part in parts.items() if part.component in values}


def test_nothing_is_made_anew_whose_stamp_is_the_same(service: Service, parts: dict[str, Part]) -> None:
    store = service.queue.store
    read, under_way = (store.create({"name": name, "arm": "chosen"}) for name in ("read", "under way"))
    store.change(read, state="finished", ended=100.0)
    store.change(under_way, **running(os.getpid()), step=1, steps=9)
    every = list(parts.values())
    seen = {picked: stamps(every, look(service, None, picked)) for picked in (read, under_way)}
    # The curves are asked for each time: they say by themselves what is new in them.
    assert drawn(parts, service, seen[read], read) == {"run"}
    store.change(under_way, step=2)
    assert drawn(parts, service, seen[read], read) == {"run"}
    assert drawn(parts, service, seen[under_way], under_way) == {"run", "answers"}
    # How far it has come is in the chips: the table of all runs is not sent again for it.
    line = status.chips(service)["run"]["line"]
    assert (line["run_id"], line["step"], line["text"]) == (under_way, 2, "step 2 of 9, starting")
    store.create({"name": "another", "arm": "chosen"})
    assert drawn(parts, service, seen[read], read) == {"run", "menu", "answers", "compare"}
    sweep = store.create({"name": "sweep", "sweep": {"arms": ["chosen"]}, "steps": 4})
    store.change(sweep, **running(os.getpid()), step=1)
    before = stamps(every, look(service, None, read))
    store.change(sweep, step=2)
    assert drawn(parts, service, before, read) == {"run", "compare"}, "an arm more in its table"


def test_other_scores_change_the_tokens_alone(service: Service, parts: dict[str, Part]) -> None:
    seen = stamps(list(parts.values()), look(service))
    columns = service.shelf.find("s1").columns
    service.sessions.show(ShownScores({**payload("live"), "scores_id": "s2"}, columns, None))
    assert drawn(parts, service, seen, None) == {"run", "tokens"}


def test_a_run_that_is_gone_is_not_the_one_whose_answers_are_shown(service: Service) -> None:
    run_id = service.queue.store.create({"name": "x", "arm": "chosen"})
    assert look(service, None, "gone").probed == run_id == look(service, None, run_id).probed


def test_the_chips_are_read_first(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they say that nothing moves, a change that came before is in what is read after them."""
    beat_of = status.beat_of

    def ends(service: Service, runs: Sequence[Mapping[str, object]]) -> dict[str, object]:
        chips = beat_of(service, runs)
        columns = service.shelf.find("s1").columns
        service.sessions.show(ShownScores({**payload("live"), "scores_id": "last"}, columns, None))
        return chips

    monkeypatch.setattr(status, "beat_of", ends)
    assert look(service).scores[0] == "last"
