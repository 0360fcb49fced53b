"""What a run leaves is opened in one way: an adapter of now or of before, or a rival that nothing trained."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.data.splits import Splits
from tokenunlearn.documents.record import report_of
from tokenunlearn.documents.sources import open_source
from tokenunlearn.errors import InputError, RunError, SettingError
from tokenunlearn.rivals import make_rival
from tokenunlearn.runs.artifact import Artifact, open_artifact, read_artifact
from tokenunlearn.runs.attack_job import keep_result, results_in
from tokenunlearn.runs.library import library_parts, load
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.states import buttons
from tokenunlearn.runs.store import RunStore
from tokenunlearn.runs.worker import run_job
from tokenunlearn.training.events import AttackStep

pytestmark = pytest.mark.slow

PAIRS = [(row.question, row.answer) for row in ROWS[:3]]


def config(tiny_folder: Path, **more: Any) -> dict[str, Any]:
    rows = {"forget": ROWS[:3], "retain": RETAIN, "world": ()}
    return {
        "model": str(tiny_folder),
        "precision": "fp32",
        "probes": {"max_new_tokens": 4},
        **{name: [row_to_dict(row) for row in part] for name, part in rows.items()},
        **more,
    }


def run(folder: Path, given: dict[str, Any]) -> tuple[RunQueue, str, str]:
    """The queue, the run and its state at the end; its worker is this process."""
    queue = RunQueue(RunStore(folder), lambda _: ["sleep", "60"])
    run_id = queue.start_run(given)
    return queue, run_id, run_job(queue, run_id, library_parts)


def log_probs(model: Any) -> list[list[float]]:
    return [tokens.log_probs.tolist() for tokens in model.token_log_probs(PAIRS)]


def test_the_run_of_a_rival_is_probed_and_opened_as_any_other(tiny_folder: Path, tmp_path: Path) -> None:
    given = config(tiny_folder, rival={"name": "icul", "settings": {"examples": 2}})
    queue, run_id, ended = run(tmp_path, given)
    state, folder = queue.store.state(run_id), queue.store.path(run_id)
    assert (ended, state["step"], state["steps"], state["kind"]) == ("finished", 1, 1, "rival"), state[
        "message"
    ]
    assert json.loads((folder / "artifact.json").read_text()) == {
        "kind": "rival", "name": "icul", "settings": {"examples": 2, "seed": 0}
    }  # fmt: skip
    probes = json.loads((folder / "probes.json").read_text())
    before, after = (probes[name]["summary"]["fact_joint"] for name in ("before", "after"))
    assert before != after and probes["changes"]
    rival = make_rival("icul", tiny(tiny_folder), Splits(ROWS[:3], RETAIN, ()), {"examples": 2})
    assert log_probs(open_artifact(folder, given)) == log_probs(rival)
    assert buttons(state) == ["Probe", "Compare"] and not (folder / "adapter").exists()
    record = report_of(open_source(folder), "report", "today").record
    assert (record["no_mask"], record["seeds"]) == ("a rival trains nothing", [0])
    assert "probe" in record["commands"][0] and record["kind"] == "run"


def test_a_run_that_trained_is_an_adapter_with_and_without_the_file(
    tiny_folder: Path, tmp_path: Path
) -> None:
    given = config(tiny_folder, training={"steps": 2, "rank": 2, "learning_rate": 0.05})
    queue, run_id, ended = run(tmp_path, given)
    folder = queue.store.path(run_id)
    assert ended == "finished" and read_artifact(folder) == Artifact("adapter")
    found = log_probs(open_artifact(folder, given))
    assert found != log_probs(tiny(tiny_folder))
    (folder / "artifact.json").unlink()  # a run of an earlier version
    assert log_probs(open_artifact(folder, given)) == found
    (folder / "artifact.json").write_text('{"kind": "ghost", "name": "", "settings": {}}')
    with pytest.raises(RunError, match="There is no artifact 'ghost'. There are: adapter, rival"):
        open_artifact(folder, given)
    (folder / "artifact.json").write_text("{}")
    with pytest.raises(RunError, match=r"artifact.json of run-1 cannot be read: kind is missing"):
        open_artifact(folder, given)


def test_what_is_wrong_with_a_rival_is_told_before_the_model_loads(tmp_path: Path) -> None:
    given = config(Path("/none"), rival={"name": "icul", "settings": {"example": 1}})
    with pytest.raises(SettingError, match="'example' is not a setting of InContext"):
        load(given, tmp_path)
    with pytest.raises(InputError, match="There is no forget row"):
        load({**given, "forget": []}, tmp_path)
    with pytest.raises(RunError, match="has saved no adapter yet"):
        open_artifact(tmp_path, given)


def test_an_attack_is_a_run_whose_result_lies_with_the_run_that_it_is_on(
    tiny_folder: Path, tmp_path: Path
) -> None:
    given = config(tiny_folder, training={"steps": 1, "rank": 2})
    queue, of, _ = run(tmp_path, given)
    wanted = {"name": "relearning", "settings": {"rows": 1, "steps": 2, "rank": 2}, "of": of}
    attack = queue.start_run({"name": "relearning", "attack": wanted})
    # A worker that is killed after the first measurement: what it wrote is not measured again.
    job = load(queue.store.config(attack), queue.store.path(attack))
    first = next(iter(job.train(False)))
    queue.store.append_event(attack, first)
    queue.store.change(attack, state="interrupted", step=1, saved_step=1)
    assert buttons(queue.store.state(attack)) == ["Resume", "Discard…"]
    queue.resume(attack)
    assert run_job(queue, attack, library_parts) == "finished"
    state = queue.store.state(attack)
    # without an adapter below the run there is no model that never knew
    assert (state["step"], state["steps"], state["kind"]) == (3, 3, "attack")
    steps = [each.step for each in queue.store.events(attack)[0] if isinstance(each, AttackStep)]
    assert steps == [1, 2, 3]
    (result,) = results_in(queue.store.path(of))
    assert result["by"] == attack and [line["taken"] for line in result["curve"]] == [0, 1, 2]
    assert result["says"][-1] == "Relearning by a model that never knew: not measured."
    assert not (queue.store.path(attack) / "probes.json").exists() and buttons(state) == ["Probe"]
    record = report_of(open_source(queue.store.path(of)), "report", "today").record
    assert record["mask"] is None and record["no_mask"] == "every token was trained, with weight 1"
    assert record["attacks"][0]["says"] == result["says"]
    assert any("Attacks that were run: Relearning" in told for told in record["limits"])
    with pytest.raises(RunError, match="has no result yet"):
        open_source(queue.store.path(attack))
    keep_result(queue.store.path(of), {**result, "says": ["again"]}, attack)
    keep_result(queue.store.path(of), {**result, "says": ["another"]}, "run-9")
    assert [each["says"] for each in results_in(queue.store.path(of))] == [["again"], ["another"]]


def test_what_cannot_be_attacked_says_so_before_any_model_loads(tiny_folder: Path, tmp_path: Path) -> None:
    queue, of, _ = run(tmp_path, config(tiny_folder, rival={"name": "icul"}))
    attack = {"name": "relearning", "settings": {}, "of": of}
    with pytest.raises(RunError, match=f"{of} has no adapter to attack. A rival changes no weights"):
        load({"attack": attack}, tmp_path / "run-2")
    (queue.store.path(of) / "attacks.json").write_text("{}")
    with pytest.raises(RunError, match="attacks.json of run-1 cannot be read"):
        results_in(queue.store.path(of))
