"""What the service does while nobody waits: score set by set, then measure what every run begins with."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from app.actions.opening import hold_scoring
from app.actions.status import busy, chips
from app.actions.tokens import (
    alternatives,
    compute_signal,
    full_payload,
    lacking_here,
    shown_payload,
    with_signal,
)
from app.service import Service
from app.sessions.session import Options
from app.shown import ShownScores
from tests.asking import ask
from tests.page_service import first_summary
from tests.tiny_folder import make_tiny_adapter
from tests.tiny_rows import RETAIN, ROWS, WORLD, write_rows
from tokenunlearn.errors import MaskError
from tokenunlearn.masks import mask_hash
from tokenunlearn.passes import Beside
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule

pytestmark = pytest.mark.slow


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service does not measure what runs begin with."""
    monkeypatch.setattr("app.sessions.opening.measure_before", lambda *_: None)


def watched(
    service: Service, after_the_first: Callable[[ShownScores], Any] = lambda _: None
) -> list[ShownScores]:
    """Everything that the service shows from now on; `after_the_first` is called with the first of it."""
    shown: list[ShownScores] = []
    keep = service.sessions.show

    def show(each: ShownScores, *more: Any) -> None:
        shown.append(each)
        keep(each, *more)
        if len(shown) == 1:
            after_the_first(each)

    service.sessions.show = show  # type: ignore[method-assign]
    return shown


def loaded_service(tiny_folder: Path, folder: Path) -> tuple[Service, list[ShownScores]]:
    """A service that has loaded two sets whose rows alternate, and everything it has shown."""
    rows = [replace(row, set=("one", "two")[at % 2]) for at, row in enumerate(ROWS[:4])]
    data = write_rows(folder / "rows.jsonl", (*rows, WORLD), RETAIN[:1])
    adapter = str(make_tiny_adapter(tiny_folder, folder / "adapter"))
    service = Service(Options(str(tiny_folder), adapter, data=str(data), runs=folder / "runs"))
    shown = watched(service)
    service.sessions.load_now()
    assert service.sessions.stage.name == "live", service.sessions.stage.error
    return service, shown


@pytest.mark.usefixtures("unmeasured")
def test_sets_are_shown_one_by_one_under_one_id(tiny_folder: Path, tmp_path: Path) -> None:
    service, shown = loaded_service(tiny_folder, tmp_path)
    first, last = shown[0], shown[-1]
    assert first.scores_id == last.scores_id and first.live
    # the default rule's signals of one set, of the other, then the rest of both: each shown, each more
    known = [each.known for each in shown]
    assert len(known) == 4 and known == sorted(set(known))
    assert np.isnan(first.columns["contrast"]).all() and np.isfinite(last.columns["contrast"]).all()
    for name in ("row", "word", "subject", "gold", "random_key"):
        np.testing.assert_array_equal(first.columns[name], last.columns[name])
    # a set that is done does not change when the next one is
    assert first.mask("one", Rule(), {}).hash == last.mask("one", Rule(), {}).hash != mask_hash(np.zeros(9))
    assert not first.mask("two", Rule(), {}).selected.any() and last.mask("two", Rule(), {}).selected.any()
    assert {entry["set"] for entry in first.payload["leaderboard"]} == {"one"}
    assert json.loads(shown_payload(service)["columns"])["row"] == last.columns["row"].tolist()


@pytest.mark.usefixtures("unmeasured")
def test_the_first_rows_of_a_set_are_live_before_the_others_and_train_nothing(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sessions.opening.FIRST_SHOWN", 1)
    service, shown = loaded_service(tiny_folder, tmp_path)
    # rows 0 and 2 are of set "one"; the second part shows each again
    assert len(shown) == 8
    assert [[row["scored"] for row in each.payload["rows"]] for each in shown[:3]] == [
        [True, False, False, False], [True, False, True, False], [True, True, True, False],
    ]  # fmt: skip
    service.shelf._shown = [shown[0]]
    assert shown[0].payload["leaderboard"] == []
    assert first_summary(service) == {"error": "1 of 2 rows is not scored yet. Wait a moment."}
    service.shelf._shown = [shown[1]]
    assert {entry["set"] for entry in shown[1].payload["leaderboard"]} == {"one"}
    assert "error" not in (first_summary(service))


@pytest.mark.usefixtures("unmeasured")
def test_a_row_without_scores_says_so(tiny_folder: Path, tmp_path: Path) -> None:
    service, shown = loaded_service(tiny_folder, tmp_path)
    first = shown[0]
    service.shelf._shown = [first]
    place = {"scores_id": first.scores_id, "position": 0}
    assert "as soon as this row is scored" in ask(alternatives, service, {**place, "row": 1})["error"]
    assert len(ask(alternatives, service, {**place, "row": 0})["with"]) in (5, 6)
    # the last part has no masked pass; what the first one found stays
    service.shelf._shown = [shown[-1]]
    assert len(ask(alternatives, service, {**place, "row": 0, "position": 9})["without"]) in (5, 6)


def test_the_target_is_measured_before_any_run(tiny_folder: Path, tmp_path: Path) -> None:
    service, _ = loaded_service(tiny_folder, tmp_path)
    (report,) = (service.queue.store.root / ".measured").glob("report-*.json")
    forgotten = [line for line in json.loads(report.read_text())["answers"] if line["kind"] == "forget"]
    assert [line["row_id"] for line in forgotten] == ["ada", "cleo"]
    assert service.queue.runs() == []


def test_the_next_start_shows_the_same_scores_and_measures_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    first = loaded_service(tiny_folder, tmp_path)[1][-1]
    (again,) = loaded_service(tiny_folder, tmp_path)[1]
    assert again.payload == first.payload and again.scores_id == first.scores_id
    pd.testing.assert_frame_equal(again.table, first.table)
    assert again.alternatives == first.alternatives
    assert again.scores.rows[0].info == first.scores.rows[0].info
    # a file that a full disk or a person has spoilt is measured anew, set by set as at first
    (kept,) = (tmp_path / "runs" / ".measured").glob("scores-*.json")
    kept.write_text(kept.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    assert len(loaded_service(tiny_folder, tmp_path)[1]) == 4


@pytest.mark.usefixtures("unmeasured")
def test_scoring_is_stopped_keeps_what_is_done_and_goes_on(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sessions.opening.FIRST_SHOWN", 3)
    data = write_rows(tmp_path / "rows.jsonl", (*ROWS[:4], WORLD), RETAIN[:1])
    service = Service(Options(str(tiny_folder), data=str(data), runs=tmp_path / "runs"))
    shown = watched(service, lambda _: ask(hold_scoring, service, {"held": True}))
    service.sessions.start()
    until(lambda: service.sessions.stage.name == "held")
    assert [row["scored"] for row in shown[-1].payload["rows"]] == [True, True, True, False]
    assert not busy(service) and chips(service)["held"]
    with pytest.raises(MaskError, match="Not all rows are scored. Scoring was stopped. Score the rest first"):
        service.sessions.wait_until_scored()
    ask(hold_scoring, service, {"held": False})
    assert busy(service)  # at once: the page then asks again
    until(lambda: service.sessions.stage.name == "live")
    assert all(row["scored"] for row in shown[-1].payload["rows"])


@pytest.mark.usefixtures("unmeasured")
def test_signals_computed_at_once_or_while_rows_are_scored_take_nothing_from_each_other(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sessions.opening.FIRST_SHOWN", 1)
    data = write_rows(tmp_path / "rows.jsonl", (*ROWS[:3], WORLD), RETAIN[:1])
    adapter = str(make_tiny_adapter(tiny_folder, tmp_path / "adapter"))
    service = Service(Options(str(tiny_folder), adapter, data=str(data), runs=tmp_path / "runs"))
    asked = {"name": "knowledge_subject"}
    shown = watched(
        service, lambda each: ask(compute_signal, service, {"scores_id": each.scores_id, **asked})
    )
    service.sessions.load_now()
    done = service.shelf.newest()
    assert done is not None and "knowledge_subject" in done.payload["signals"]
    assert np.isfinite(done.columns["contrast"]).all()
    # another one, asked for before the rows had their scores and answered after
    late = with_signal(service, shown[0], "knowledge_prompt", np.ones(len(done.columns["row"])))
    assert set(late.payload["signals"]) == {*done.payload["signals"], "knowledge_prompt"}
    np.testing.assert_array_equal(late.columns["contrast"], done.columns["contrast"])
    assert (
        service.shelf.newest() is late
        and late.table is not None
        and (late.table["knowledge_prompt"] == 1).all()
    )


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("unmeasured")
def test_signals_have_the_rows_to_keep_and_what_they_lack_is_told(tiny_folder: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", (*ROWS[:2], WORLD), RETAIN)
    service = Service(Options(str(tiny_folder), data=str(data), runs=tmp_path / "runs"))
    service.sessions.load_now()
    shown = service.shelf.newest()
    assert shown is not None
    lacking = full_payload(service, shown)["lacking"]
    assert lacking == dict.fromkeys(("entropy_base", "contrast", "su"), "needs an adapter to switch off")
    assert "g_effect" in full_payload(service, shown)["offered"]
    assert np.isnan(shown.columns["contrast"]).all()  # not known is not 0
    asked = {"scores_id": shown.scores_id}
    found = ask(compute_signal, service, {**asked, "name": "g_effect"})
    config = ScoreConfig(signals=("g_effect",))
    expected = score(service.sessions.model_of(shown), ROWS[:2], config, Beside(RETAIN)).g_effect
    np.testing.assert_allclose(found["values"], expected, atol=1e-5)
    assert found["info"]["unit"] == "nats per unit of step"
    with pytest.raises(MaskError, match="cannot be measured here. It needs an adapter to switch off"):
        ask(compute_signal, service, {**asked, "name": "su"})
    service.sessions.session.left_out = {row.id: "too long" for row in RETAIN}
    assert lacking_here(service.sessions.session)["g_effect"] == "needs rows to keep"
