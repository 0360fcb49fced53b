"""Teaching as a run: killed and resumed it has the bits of a straight one, and of the verb."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_rows import RETAIN, ROWS, write_rows
from tokenunlearn.cli import main
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.errors import InputError
from tokenunlearn.probes.evidence import silent
from tokenunlearn.runs.library import library_parts, load
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.states import buttons, status_text
from tokenunlearn.runs.store import RunStore
from tokenunlearn.runs.teach_job import FILE
from tokenunlearn.runs.worker import run_job
from tokenunlearn.settings import to_dict
from tokenunlearn.training.events import StepDone
from tokenunlearn.training.teach import TeachConfig

pytestmark = pytest.mark.slow

SETTINGS = {"epochs": 2, "learning_rate": 0.02, "rank": 2, "rehearse": 2}


def config(tiny_folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "Teach 2 rows",
        "teach": to_dict(TeachConfig(**SETTINGS)),
        "model": str(tiny_folder),
        "precision": "fp32",
        "learn": [row.id for row in ROWS[:2]],
        "keep": [row_to_dict(row) for row in RETAIN],
        "forget": [row_to_dict(row) for row in ROWS[:3]],
        "retain": [row_to_dict(row) for row in RETAIN],
        **more,
    }


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[RunQueue]:
    yield RunQueue(RunStore(tmp_path / "runs"), lambda _: ["sleep", "60"])


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random model knows nothing: what it knows at all is taken for known, so that something is kept."""
    monkeypatch.setattr("tokenunlearn.training.teach.YES_FROM", 0.0)


def adapter(folder: Path) -> bytes:
    return (folder / "adapter_model.safetensors").read_bytes()


def test_a_killed_lesson_ends_with_the_bits_of_a_straight_one_and_of_the_command_line(
    queue: RunQueue, tiny_folder: Path, tmp_path: Path
) -> None:
    straight = queue.start_run(config(tiny_folder))
    assert run_job(queue, straight, library_parts) == "finished"
    folder, state = queue.store.path(straight), queue.store.state(straight)
    assert buttons(state) == ["Open the taught model", "Discard…"]
    assert status_text(state).startswith("taught, step ")
    found = queue.store.read_json(straight, FILE)
    assert [each["id"] for each in found["rows"]] == ["ada", "bob"] and found["kept"] == 4
    assert all(0 < each["before"] != each["after"] > 0 for each in found["rows"])
    assert not (folder / "probes.json").exists() and not (folder / "checkpoint").exists()

    broken = queue.start_run(config(tiny_folder))
    job = load(queue.store.config(broken), queue.store.path(broken))
    job.before(silent)
    events = job.train(False)
    for event in events:
        queue.store.append_event(broken, event)
        if isinstance(event, StepDone):
            break
    events.close()
    queue.store.change(broken, state="queued", resume=True)
    assert run_job(queue, broken, library_parts) == "finished"
    assert adapter(queue.store.path(broken) / "adapter") == adapter(folder / "adapter")

    rows = write_rows(tmp_path / "rows.jsonl", ROWS[:2])
    keep = write_rows(tmp_path / "keep.jsonl", (), RETAIN)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    asked = ["teach", str(rows), "--keep-rows", str(keep), "--out", str(tmp_path / "out")]
    with contextlib.redirect_stderr(io.StringIO()):
        assert main([*asked, "--model", str(tiny_folder), "--precision", "fp32", *flags]) == 0
    assert adapter(tmp_path / "out") == adapter(folder / "adapter")


def test_nothing_to_learn_is_refused_before_a_model_is_read(queue: RunQueue, tiny_folder: Path) -> None:
    run = queue.start_run(config(tiny_folder, model="/nowhere", learn=["nobody"]))
    with pytest.raises(InputError, match="nothing to teach"):
        load(queue.store.config(run), queue.store.path(run))
