"""Runs as workers leave them, with every file that a run's folder may hold, and every way to break a file."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.damaged_results import whole
from tests.measured_arms import chosen_and_random
from tests.page_service import row, table
from tests.recorded_page import ANSWER, LORA_WEIGHTS, report, weights_file, write_adapter
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.experiments.results import results_text
from tokenunlearn.masks import columns_from_table, make_mask
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.selection import Rule
from tokenunlearn.training.events import EvalDone, Finished, StepDone

STEPS: Final = 2
MASK: Final = make_mask(columns_from_table(table()), Rule(alpha=1.0, mode="top_k", k=1), scores_id="s1")
# Kind → what its config has under its name.
KINDS: Final = {
    "training": {"steps": STEPS},
    "teach": {"epochs": STEPS},
    "sweep": {"seeds": 1},
    "gradients": {"draws": 20},
    "perturb": {"draws": 5},
}


def whole_run(queue: RunQueue, kind: str, state: str = "finished") -> str:
    """A run of a kind with all that it may have been given; its id."""
    store, rows = queue.store, [row_to_dict(row(at)) for at in range(3)]
    config = {
        "name": f"{kind}, {state}", "arm": "chosen", "set": "one", "watch": "r0", "steps": STEPS,
        "model": "tiny", "adapter": None, "precision": "fp32", "data_name": "demo",
        "forget": rows[:2], "retain": rows[2:], "world": [], kind: KINDS[kind],
    }  # fmt: skip
    run_id = queue.start_run(config, MASK, table())
    folder = store.path(run_id)
    for step in range(1, STEPS + 1):
        store.append_event(run_id, StepDone(step, STEPS, 1.0 / step, 1.0, 1.0, 0.5))
        store.append_event(run_id, EvalDone(step, 0.4, 0.98, retain=0.97, answer_id="r0", answer_text="x"))
    store.append_event(run_id, Finished(STEPS, "all steps done"))
    records: dict[str, Any] = {
        "note.json": {"name": f"{kind}, {state}", "tags": ["paper"], "text": "why"},
        "request.json": {"request": "pause", "at": 1.0},
        "artifact.json": {"kind": "adapter", "name": "", "settings": {}},
    }
    if kind == "training":
        records["probes.json"] = {
            "before": report(ANSWER, "unchanged", 0.9), "after": report("x", "forgot", 0.1), "changes": []
        }  # fmt: skip
        records["attacks.json"] = [{"attack": "relearning", "by": "run-9", "says": ["Back."], "curve": []}]
        records["depth.json"] = whole("depth")
    elif kind == "teach":
        records["taught.json"] = {"rows": [{"id": "r0", "before": 0.1, "after": 0.9}], "kept": 1, "still": 1}
        records["beside.json"] = {"rows": rows[2:], "before": [0.1]}
    elif kind == "sweep":
        (folder / "sweep.jsonl").write_text(results_text({"arms": "two"}, chosen_and_random(1, 0.1)))
    else:
        records[f"{kind}.json"] = whole(kind)
    for name, record in records.items():
        store.write_json(run_id, name, record)
    (folder / "log.txt").write_text("INFO ended\n")
    if kind in ("training", "teach"):
        _write_weights(folder, state)
    store.change(run_id, state=state, step=STEPS, steps=STEPS, saved_step=STEPS, ended=9.0, message="")
    return run_id


def _write_weights(folder: Path, state: str) -> None:
    """An adapter of one layer, and where the run may go on its checkpoint."""
    write_adapter(folder / "adapter")
    if state == "paused":
        (folder / "checkpoint").mkdir()
        progress = {"step": "2", "retain_start": "1.0", "diverged": "", "origin": "{}"}
        content = weights_file([f"parameter/{name}" for name in LORA_WEIGHTS], progress)
        (folder / "checkpoint" / "checkpoint.safetensors").write_bytes(content)


def damages(name: str, content: bytes) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Yield every way to break a file of this name and content, with what does it."""
    yield "missing", lambda _: None
    yield "empty", lambda path: _write(path, b"")
    yield "truncated", lambda path: _write(path, content[: len(content) * 3 // 5])
    yield "not readable", lambda path: path.mkdir()  # even by root, whom no right keeps out
    yield "a pipe", os.mkfifo  # whoever opens it waits
    if name.endswith(".parquet"):
        yield "other JSON", lambda path: _write(path, b'{"rows": [1, 2, 3]}\n' * 9)
        yield "wrong types", lambda path: pq.write_table(_numbers(content), path)
        yield "other schema version", lambda path: pq.write_table(pa.table({"schema": [99]}), path)
    elif name.endswith(".safetensors"):
        yield "other JSON", lambda path: _write(path, b'{"rows": [1, 2, 3]}\n' * 9)
        yield "wrong types", lambda path: _write(path, (2).to_bytes(8, "little") + b"[]")
        yield "other schema version", lambda path: _write(path, weights_file(["weights.2"]))
    elif name.endswith(".json"):
        record = json.loads(content)
        yield "other JSON", lambda path: _write(path, b'[[1, 2], "x"]')
        yield "wrong types", lambda path: _write(path, json.dumps(_wrong(record)).encode())
        versioned = {"schema": 99, "content": record}
        yield "other schema version", lambda path: _write(path, json.dumps(versioned).encode())
        if isinstance(record, dict):  # what writes JSON for the page refuses such a number
            beyond = {**record, "beyond 64 bits": 10**30}
            yield "a number beyond 64 bits", lambda path: _write(path, json.dumps(beyond).encode())
    elif name.endswith(".jsonl"):
        lines = [json.loads(line) for line in content.decode().split("\n") if line]
        yield "other JSON", lambda path: _write(path, b'[1, 2]\n"x"\n')
        yield "wrong types", lambda path: _lines(path, map(_wrong, lines))
        later = [{"schema": 99, "line": line} for line in lines]
        yield "other schema version", lambda path: _lines(path, later)
    else:
        for odd in ("other JSON", "wrong types", "other schema version"):
            yield odd, lambda path: _write(path, b'{"schema": 99}')


def broken(path: Path, damage: Callable[[Path], None]) -> Callable[[], None]:
    """Break a file; what is returned puts it back."""
    content = path.read_bytes()
    path.unlink()
    damage(path)

    def mend() -> None:
        if path.is_dir():
            path.rmdir()
        elif not path.is_file():
            path.unlink(missing_ok=True)
        _write(path, content)

    return mend


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _lines(path: Path, records: Any) -> None:
    _write(path, "".join(json.dumps(record) + "\n" for record in records).encode())


def _wrong(record: Any) -> Any:
    """The record with each value as something else."""
    if isinstance(record, list):
        return [_wrong(each) if isinstance(each, dict) else {"a": 1} for each in record] or {"a": 1}
    return {name: [7] if not isinstance(value, list) else 7 for name, value in record.items()}


def _numbers(content: bytes) -> pa.Table:
    found = pq.read_table(pa.BufferReader(content))
    return pa.table({name: list(range(len(found))) for name in found.column_names})
