"""A row that the model fails on, here by a letter whose vector is NaN: the others go on without it."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from app.actions.failed_rows import score_again
from app.actions.status import busy, scores_signature
from app.actions.tokens import compute_signal
from app.actions.unlearn import summary
from app.service import Service
from app.sessions.session import Options
from app.shown import shown_scores
from tests.asking import ask, start
from tests.tiny_rows import RETAIN, ROWS, WORLD, tiny, write_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.passes import row_infos
from tokenunlearn.rescoring import retried, score_each
from tokenunlearn.runs.run_rows import rows_from
from tokenunlearn.scoring import ScoreConfig, Scores, new_scores, score, score_infos
from tokenunlearn.selection import Rule

pytestmark = pytest.mark.slow

BROKEN = Row("hal", "Where was Hal Moor born?", "Hal Moor was born in Zug.", "Hal Moor", ((21, 24),), "tiny")
GIVEN = (*ROWS[:2], BROKEN, *ROWS[2:4])
REASON = "Row hal cannot be scored. The model's log-probabilities there are not numbers."
LETTER_Z = 3 + 1 + 26 + 25  # its place in the vocabulary of tests/tiny_folder.py


@pytest.fixture(scope="module")
def spoilt_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, its vector of the letter Z made of NaN."""
    folder = tmp_path_factory.mktemp("spoilt") / "model"
    shutil.copytree(tiny_folder, folder)
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"][LETTER_Z] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture
def service(spoilt_folder: Path, tmp_path: Path) -> Service:
    """A service that has scored all rows but the one with a Z."""
    data = write_rows(tmp_path / "rows.jsonl", (*GIVEN, WORLD), RETAIN[:1])
    made = Service(Options(str(spoilt_folder), data=str(data), runs=tmp_path / "runs"))
    made.queue.command = lambda _: ["true"]
    made.sessions.load_now()
    assert made.sessions.stage.name == "live", made.sessions.stage.error
    return made


def mend(service_or_model: Any) -> None:
    with torch.no_grad():
        service_or_model.model.get_input_embeddings().weight[LETTER_Z] = 0


def test_the_others_are_scored_as_they_are_without_it(spoilt_folder: Path) -> None:
    model, config = tiny(spoilt_folder), ScoreConfig()
    infos = row_infos(GIVEN, 3)
    found = list(score_each(model, infos, config))
    assert [row.failure.startswith(REASON) for row in found] == [False, False, True, False, False]
    assert [row.scored for row in found] == [True, True, False, True, True]
    alone = list(score_infos(model, [each for each in infos if each.row is not BROKEN], config))
    for row, same in zip([each for each in found if not each.failure], alone, strict=True):
        np.testing.assert_allclose(row.table.knowledge_swap, same.table.knowledge_swap, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="Row hal cannot be scored"):
        score(model, GIVEN, config)


def test_tried_again_it_is_scored_where_nothing_stands_in_the_way_any_more(spoilt_folder: Path) -> None:
    model, config = tiny(spoilt_folder), ScoreConfig()
    scores = new_scores(model, GIVEN, config)
    scores.rows = list(score_each(model, row_infos(GIVEN, 3), config))
    assert retried(model, scores, 2, config).rows[2].failure == scores.rows[2].failure
    mend(model)
    mended = retried(model, replace(scores, unedited=scores), 2, config)
    assert isinstance(mended.unedited, Scores) and mended.scores_id == scores.scores_id
    for each in (mended, mended.unedited):
        assert each.rows[2].scored and each.rows[2].failure == ""
        assert [each.rows[at] is scores.rows[at] for at in (0, 1, 3, 4)] == [True] * 4


def test_a_row_that_fails_after_the_others_is_news_although_it_brings_no_number(service: Service) -> None:
    shown = service.shelf.newest()
    assert shown is not None and shown.scores is not None
    waiting = [replace(row, failure="") for row in shown.scores.rows]
    before = shown_scores(replace(shown.scores, rows=waiting), "live")
    service.shelf.put(before, service.sessions.session, newest=True)
    told = scores_signature(service)
    service.shelf.put(shown, service.sessions.session, newest=True)
    assert before.known == shown.known and scores_signature(service) != told


def test_a_want_of_memory_fails_one_row_in_one_line(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokenunlearn import scoring

    measure = scoring.group_passes

    def scarce(model: Any, infos: Any, *more: Any) -> Any:
        if BROKEN in [info.row for info in infos]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nSee the manual")
        return measure(model, infos, *more)

    monkeypatch.setattr(scoring, "group_passes", scarce)
    found = list(score_each(tiny(tiny_folder), row_infos(GIVEN, 3), ScoreConfig()))
    assert [row.failure for row in found] == [
        "", "", "OutOfMemoryError: CUDA out of memory. Tried to allocate 9 GiB.", "", "",
    ]  # fmt: skip


def test_nothing_is_trained_before_it_is_decided_and_then_the_run_has_the_others(service: Service) -> None:
    shown = service.shelf.newest()
    assert shown is not None
    other, _, row = shown.payload["rows"][:3]
    assert not row["scored"] and row["failure"].startswith(REASON) and "failure" not in other
    assert not busy(service)
    draft: dict[str, Any] = {"scores_id": shown.scores_id, "set": "tiny", "rule": {}, "overrides": {}}
    said = ask(summary, service, draft)["error"]
    assert said.startswith("1 of 5 rows could not be scored: hal. Row hal cannot be scored.")
    assert said.endswith("Try them again, or leave them out, on the Tokens tab.")
    out = {str(row["first"] + at): "out" for at in range(row["count"])}
    some = {index: "out" for index in list(out)[1:]}
    fewer = shown.mask("tiny", Rule(), {int(index): "out" for index in some}).hash
    with pytest.raises(MaskError, match="could not be scored"):
        start(service, {**draft, "overrides": some, "hash": fewer}, {}, [])
    plan = ask(summary, service, {**draft, "overrides": out})
    assert "error" not in plan and plan["overrides"] == row["count"]
    (run_id,) = start(service, {**draft, "overrides": out, "hash": plan["hash"]}, {}, [])
    trained = rows_from(service.queue.store.config(run_id)["forget"], "forget")
    assert [each.id for each in trained] == ["ada", "bob", "cleo", "dan"]


def test_tried_again_on_the_page_it_has_every_signal_and_the_next_start_knows_them(
    service: Service,
) -> None:
    shown = service.shelf.newest()
    assert shown is not None
    asked = {"scores_id": shown.scores_id, "name": "knowledge_subject"}
    place = slice(shown.payload["rows"][2]["first"], shown.payload["rows"][3]["first"])
    assert ask(compute_signal, service, asked)["values"][place] == [None] * len(BROKEN.answer)
    again = ask(score_again, service, {"scores_id": shown.scores_id, "row": 2})
    assert again["rows"][2]["failure"].startswith(REASON)
    mend(service.sessions.session.model)
    again = ask(score_again, service, {"scores_id": shown.scores_id, "row": 2})
    assert again["scores_id"] == shown.scores_id and all(row["scored"] for row in again["rows"])
    newest = service.shelf.find(shown.scores_id)
    for name in ("knowledge_swap", "knowledge_subject"):
        assert np.isfinite(newest.columns[name][place]).any()
        before = np.isfinite(shown.columns["knowledge_swap"])
        assert np.isfinite(newest.columns[name])[before].all()
    # The next start finds all rows scored and asks the model, whose vector is spoilt again, nothing.
    next_start = Service(service.options)
    next_start.sessions.load_now()
    found = next_start.shelf.newest()
    assert found is not None and all(row["scored"] for row in found.payload["rows"])


def test_the_next_start_tries_those_that_failed_and_no_other(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def watch(model: Any, infos: Any, config: Any) -> Any:
        asked.extend(info.row.id for info in infos)
        return score_each(model, infos, config)

    monkeypatch.setattr("tokenunlearn.rescoring.score_each", watch)
    again = Service(service.options)
    again.sessions.load_now()
    assert asked == ["hal"]
    found, before = again.shelf.newest(), service.shelf.newest()
    assert found is not None and before is not None and found.payload == before.payload


def test_where_all_rows_fail_what_is_open_stays(spoilt_folder: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", [BROKEN], RETAIN[:1])
    service = Service(Options(str(spoilt_folder), data=str(data), runs=tmp_path / "runs"))
    before = service.shelf.newest()
    service.sessions.load_now()
    assert service.sessions.stage.name == "error" and service.shelf.newest() is before
    assert service.sessions.stage.error.startswith(f"No row could be scored. {REASON}")
