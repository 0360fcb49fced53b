"""The run that measures how deep another run erased its facts; the result lies with that run, as depth.json.

Its config has `depth: {of: run id}`. The model before unlearning is the one that the other run began with.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, RunError
from tokenunlearn.fitting import check_rows
from tokenunlearn.models.adapter_files import CONFIG, WEIGHTS
from tokenunlearn.models.embedded import file_hash
from tokenunlearn.models.loading import load_model
from tokenunlearn.probes.depth import depth_view
from tokenunlearn.probes.depth_words import depth_said
from tokenunlearn.runs.artifact import ADAPTER, read_artifact
from tokenunlearn.runs.damage import stamp_of
from tokenunlearn.runs.measure_job import MeasureJob, of_model, read_result, result_file
from tokenunlearn.runs.result_faults import depth_fault
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.run_target import target_of
from tokenunlearn.runs.states import ENDED
from tokenunlearn.runs.store import RunStore
from tokenunlearn.training.events import Measuring

FILE: Final = result_file("depth")
EARLIER: Final = "Depth was measured on an earlier state of the weights. Measure it again."


def load_depth(config: Mapping[str, Any], directory: Path) -> MeasureJob:
    """Return the measurement that a config describes.

    Raises RunError and InputError where the other run is gone or has no depth; models load when it begins.
    """
    store, run_id = RunStore(directory.parent), config["depth"]["of"]
    of, asked = store.path(run_id), store.config(run_id)
    rows = rows_with_depth(store, run_id)

    def measure() -> Measuring:
        model, precision = asked.get("model"), asked.get("precision") or "auto"
        full = target_of(asked)
        check_rows(full, rows)
        unlearned = load_model(model, of / "adapter", precision)
        yield from of_model(depth_view(full, unlearned, rows), unlearned.provenance())

    return MeasureJob(of / FILE, measure, depth_said)


def rows_with_depth(store: RunStore, run_id: str) -> tuple[Row, ...]:
    """Return the rows whose depth can be measured in a run.

    Raises RunError where it has not ended or left no adapter, InputError where it began without one or that
    one is gone, or no fact is marked.
    """
    of = store.path(run_id)
    if store.state(run_id)["state"] not in ENDED:
        why = "What is measured now is not what it ends with"
        raise RunError(f"{run_id} has not ended", why, "Wait for its end, or stop and keep it", run_id)
    artifact = read_artifact(of)
    if artifact is None or artifact.kind != ADAPTER:
        why = "It has saved none yet" if artifact is None else "A rival changes no weights"
        raise RunError(f"{of.name} has no adapter to measure", why, "Pick a run that has trained", of.name)
    began_with, rows = _began_with(store, run_id, stamp_of(of / "config.json"))
    if not began_with:
        raise InputError(
            "There is no adapter to switch off",
            "The model without it stands for one that never saw the fact",
            "Start from a model that was taught by an adapter",
            of.name,
        )
    missing = [name for name in (CONFIG, WEIGHTS) if not (Path(began_with) / name).is_file()]
    if missing:
        raise InputError(
            "The adapter of the model before unlearning is gone",
            f"{began_with[:300]} has no {missing[0]}",
            "Put its folder back",
            of.name,
        )
    if not rows:
        why = "Depth is measured at the tokens of a fact"
        raise InputError("No row has its fact marked", why, "Mark the facts (gold)", of.name)
    return rows


@lru_cache(maxsize=8)
def _began_with(store: RunStore, run_id: str, _stamp: tuple[int, ...] | None) -> tuple[str, tuple[Row, ...]]:
    """Return the adapter that a run began with and its rows whose fact is marked; a config is read once."""
    config = store.config(run_id)
    return str(config.get("adapter") or ""), tuple(row for row in rows_of(config).forget if row.gold)


def read_depth(of: Path) -> tuple[dict[str, Any] | None, str]:
    """Return the report in a run's folder, None before there is one, and why it cannot be read, or ""."""
    return read_result(of / FILE, depth_fault)


def earlier_weights(of: Path, report: Mapping[str, Any]) -> str:
    """Return that a report was measured on other weights than the run's folder holds, "" where it was not."""
    weights = of / "adapter" / WEIGHTS
    measured = report.get("model", {}).get("adapter", "").rpartition("@")[2]
    if not measured or not weights.is_file():
        return ""
    written = weights.stat()
    same = _hash(weights, written.st_mtime_ns, written.st_size).startswith(measured)
    return "" if same else EARLIER


@lru_cache(maxsize=64)
def _hash(weights: Path, _written: int, _size: int) -> str:
    return file_hash(weights)
