"""Two pages of one person on one server: what one does is told on the other, nothing is lost silently."""

from pathlib import Path
from typing import Any

import pytest

from app.actions import compare, run_folder, unlearn
from app.parts import look
from app.service import Service
from app.tabs import probe
from tests.asking import ask, start
from tests.page_service import draft, live_service


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service with live scores and workers that end at once."""
    return live_service(tmp_path)


def begun(service: Service, **more: Any) -> str:
    plan = ask(unlearn.summary, service, draft(**more))["plan"]
    return start(service, plan, {"steps": 4}, [])[0]


def test_a_run_that_the_other_page_discards_is_named_where_it_was_shown(service: Service) -> None:
    first, second, waits = (begun(service) for _ in range(3))
    service.queue.store.change(second, state="kept", started=100.0)
    assert unlearn.follow(service, second)["gone"] == "" == unlearn.follow(service)["gone"]
    assert look(service, second, second).gone == ""
    ask(run_folder.discard, service, {"run_id": second})
    followed = unlearn.follow(service, second)
    assert followed["shown"] != second, "what is shown instead"
    assert followed["gone"] == f"{second} was discarded. The Compare tab can bring it back."
    now = look(service, second, second)
    assert now.probed != second and now.gone == followed["gone"]
    ask(run_folder.bring_back, service, {"run_id": second})
    assert unlearn.follow(service, second)["gone"] == "" == look(service, None, second).gone
    assert probe.shown(service, second)["run"]["run_id"] == second
    # What never ran has nothing that could be brought back.
    ask(run_folder.discard, service, {"run_id": waits})
    assert unlearn.follow(service, waits)["gone"] == f"{waits} was removed."


def test_of_two_notes_on_one_run_the_second_is_asked_before_it_replaces_the_first(service: Service) -> None:
    run_id = begun(service)
    (line,) = compare.runs(service)["runs"]
    seen = line["note"]["version"]
    mine = {"run_id": run_id, "name": "Mine", "version": seen}
    theirs = {"run_id": run_id, "name": "Theirs", "tags": ["a"], "note": "why", "version": seen}
    assert ask(run_folder.save_note, service, theirs)["other"] is None
    refused = ask(run_folder.save_note, service, mine)
    assert {**refused["other"], "version": ""} == {
        "name": "Theirs",
        "tags": ["a"],
        "text": "why",
        "version": "",
    }
    assert compare.runs(service)["runs"][0]["note"]["name"] == "Theirs"
    # Pressed once more, by whoever has read it.
    again = ask(run_folder.save_note, service, mine | {"version": refused["version"]})
    assert again["other"] is None and compare.runs(service)["runs"][0]["note"]["name"] == "Mine"
    # The same once more is no conflict, nor a save that asks for nothing.
    assert ask(run_folder.save_note, service, mine)["other"] is None
    assert ask(run_folder.save_note, service, {"run_id": run_id, "name": "By a script"})["other"] is None


def test_runs_that_both_pages_start_wait_in_line_and_each_page_follows_its_own(service: Service) -> None:
    ours, theirs = begun(service), begun(service, set="two")
    assert [line["run_id"] for line in unlearn.follow(service, ours)["runs"]] == [theirs, ours]
    assert [unlearn.follow(service, each)["shown"] for each in (ours, theirs)] == [ours, theirs]
