"""A sweep as a run of the queue: killed and resumed, it ends with the figures of a straight one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.views.results_table import of_sweep
from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.documents.record import report_of
from tokenunlearn.documents.sources import open_source
from tokenunlearn.documents.summary import sweep_view
from tokenunlearn.errors import InputError, MaskError, RunError, SettingError
from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.results import read_results
from tokenunlearn.masks import Mask, columns_from_table, make_mask
from tokenunlearn.runs.library import library_parts, load
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.states import buttons
from tokenunlearn.runs.store import RunStore
from tokenunlearn.runs.sweep_job import FILE
from tokenunlearn.runs.worker import run_job
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule
from tokenunlearn.table import provenance
from tokenunlearn.training.events import SweepAt, SweepStep

pytestmark = pytest.mark.slow

ARMS = ["chosen", "random", "uniform_norm"]


@pytest.fixture(scope="module")
def scored(tiny_folder: Path) -> Any:
    """Three rows, of which the sweep is on two: those of the set that is chosen from."""
    return score(tiny(tiny_folder), ROWS[:3], ScoreConfig(signals=("knowledge_swap", "entropy")))


def mask_of(scored: Any) -> Mask:
    return make_mask(columns_from_table(scored), Rule(fraction=0.3), {}, provenance(scored)["scores_id"])


def config(tiny_folder: Path, **more: Any) -> dict[str, Any]:
    rows = {"forget": ROWS[:2], "retain": RETAIN[:2], "world": ()}
    return {
        "name": "tiny, sweep",
        "model": str(tiny_folder),
        "precision": "fp32",
        "training": {"steps": 2, "rank": 2, "retain_bound": 20.0, "forget_batch": 2},
        "sweep": {"arms": ARMS, "seeds": 2},
        "steps": 6,
        **{name: [row_to_dict(row) for row in part] for name, part in rows.items()},
        **more,
    }


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[RunQueue]:
    yield RunQueue(RunStore(tmp_path), lambda _: ["sleep", "60"])


def figures(queue: RunQueue, run_id: str) -> list[tuple[Any, ...]]:
    found = read_results(queue.store.path(run_id) / FILE)
    return [(each.arm, each.seed, each.moment, each.norm, json.dumps(each.summary)) for each in found]


def test_a_killed_sweep_goes_on_to_the_figures_of_a_straight_one(
    queue: RunQueue, tiny_folder: Path, scored: Any
) -> None:
    straight = queue.start_run(config(tiny_folder), mask_of(scored), scored)
    assert run_job(queue, straight, library_parts) == "finished"
    state = queue.store.state(straight)
    assert (state["step"], state["steps"], state["kind"]) == (6, 6, "sweep")
    assert buttons(state) == ["Compare", "Run again with changes"]
    assert not (queue.store.path(straight) / "probes.json").exists()

    found = report_of(open_source(queue.store.path(straight)), "report", "today")
    assert [row["id"] for row in found.record["tokens"]["rows"]] == [row.id for row in ROWS[:2]]
    chosen = sum(int(count) for count in mask_of(scored).selected[: len(ROWS[0].answer + ROWS[1].answer)])
    assert found.record["mask"]["counts"]["tokens"] == chosen > 0
    assert found.record["mask"]["hash"] == mask_of(scored).hash and "compare" in found.record["commands"][0]
    assert found.record["model"]["model"].startswith(f"{tiny_folder} @") and found.record["seeds"] == [0, 1]

    broken = queue.start_run(config(tiny_folder), mask_of(scored), scored)
    job = load(queue.store.config(broken), queue.store.path(broken))
    measured = 0
    for event in job.train(False):
        queue.store.append_event(broken, event)
        measured += isinstance(event, SweepStep)
        if measured == 2 and isinstance(event, SweepAt):
            break  # killed in the middle of the third arm
    queue.store.change(broken, state="interrupted", step=2, saved_step=2)
    assert buttons(queue.store.state(broken)) == ["Resume", "Discard…"]
    queue.resume(broken)
    assert run_job(queue, broken, library_parts) == "finished"
    steps = [each for each in queue.store.events(broken)[0] if isinstance(each, SweepStep)]
    assert [(each.step, each.arm, each.seed) for each in steps] == [
        (1, "chosen", 0), (2, "random", 0), (3, "uniform_norm", 0),
        (4, "chosen", 1), (5, "random", 1), (6, "uniform_norm", 1),
    ]  # fmt: skip
    assert figures(queue, broken) == figures(queue, straight)
    last = {(arm, seed): norm for arm, seed, moment, norm, _ in figures(queue, broken) if moment == LAST}
    assert last["uniform_norm", 1] == pytest.approx(last["chosen", 1], rel=1e-5)


def test_several_objectives_are_arms_of_their_own_in_table_and_report(
    queue: RunQueue, tiny_folder: Path, scored: Any
) -> None:
    sweep = {"arms": ["chosen", "random"], "objectives": ["npo", "ga"], "seeds": 1}
    given = config(tiny_folder, sweep=sweep, steps=4, arm="chosen")
    run_id = queue.start_run(given, mask_of(scored), scored)
    assert run_job(queue, run_id, library_parts) == "finished"
    results = read_results(queue.store.path(run_id) / FILE)
    view = sweep_view(results, [])
    last = [line for line in view["lines"] if line["moment"] == LAST]
    assert [line["label"] for line in last] == [
        "chosen tokens, NPO", "random, same count, NPO", "chosen tokens, GA", "random, same count, GA",
    ]  # fmt: skip
    assert [line["hue"] for line in last] == [0, 1, 2, 3]  # no two alike in the plot
    (verdict,) = view["verdicts"]
    told = [f"chosen tokens − “random, same count” ({name}):" for name in ("NPO", "GA")]
    assert all(any(words in each for each in verdict["all"]) for words in told)
    record = report_of(open_source(queue.store.path(run_id)), "report", "today").record
    assert [line["label"] for line in record["arms"]] == [line["label"] for line in view["lines"]]
    assert {each["method"] for each in record["differences"]} == {"NPO", "GA"}
    lines = of_sweep(queue.store.state(run_id), (), queue.store.config(run_id), results)
    assert [(each["arm"], each["method"]) for each in lines if each["moment"] in ("before", LAST)] == [
        ("before", None), ("chosen", "npo"), ("random", "npo"), ("chosen", "ga"), ("random", "ga"),
    ]  # fmt: skip
    assert {each["training.objective"] for each in lines if each["method"] == "ga"} == {"ga"}


def test_what_a_sweep_cannot_be_made_of_is_told_before_any_model_loads(queue: RunQueue, scored: Any) -> None:
    for more, error, words in (
        ({"sweep": {"arms": ["chosen", "uniforn"]}}, SettingError, "uniforn"),
        ({"sweep": {"arms": ["uniform_norm"]}}, SettingError, "needs the arm chosen"),
        ({"retain": []}, InputError, "no rows to keep"),
        ({"sweep": {"arms": ["chosen", "content"]}}, SettingError, "needs the signal content_words_new"),
    ):
        given = config(Path("/none"), **more)
        run_id = queue.start_run(given, mask_of(scored), scored)
        with pytest.raises(error, match=words):
            load(queue.store.config(run_id), queue.store.path(run_id))
    bare = scored.assign(gold=0.0)
    bare.attrs = dict(scored.attrs)
    run_id = queue.start_run(config(Path("/none"), sweep={"arms": ["chosen", "gold"]}), mask_of(bare), bare)
    with pytest.raises(SettingError, match="The arm gold has no tokens"):
        load(queue.store.config(run_id), queue.store.path(run_id))
    with pytest.raises(MaskError, match="A sweep needs a mask"):
        load(config(Path("/none")), queue.store.root)


def test_measurements_of_other_code_are_not_gone_on_with(
    queue: RunQueue, tiny_folder: Path, scored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = config(tiny_folder, sweep={"arms": ["random"], "seeds": 2}, steps=2)
    run_id = queue.start_run(given, mask_of(scored), scored)
    job = load(queue.store.config(run_id), queue.store.path(run_id))
    next(each for each in job.train(False) if isinstance(each, SweepStep))
    monkeypatch.setattr("tokenunlearn.runs.sweep_job.source_hash", lambda: "0" * 64)
    job = load(queue.store.config(run_id), queue.store.path(run_id))
    with pytest.raises(RunError, match="code is"):
        next(job.train(True))
