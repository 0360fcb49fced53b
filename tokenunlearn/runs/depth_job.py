"""The run that measures how deep another run erased its facts; the result lies with that run, as depth.json.

Its config has `depth: {of: run id}`. The model before unlearning is the one that the other run began with.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, RunError
from tokenunlearn.fitting import check_rows
from tokenunlearn.models.loading import load_model
from tokenunlearn.probes.depth import depth_fault, depth_view
from tokenunlearn.probes.depth_words import depth_said
from tokenunlearn.runs.artifact import ADAPTER, read_artifact
from tokenunlearn.runs.measure_job import MeasureJob, of_model, read_result, result_file
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.store import RunStore
from tokenunlearn.training.events import Measuring

FILE: Final = result_file("depth")


def load_depth(config: Mapping[str, Any], directory: Path) -> MeasureJob:
    """Return the measurement that a config describes.

    Raises RunError and InputError where the other run is gone or has no depth; models load when it begins.
    """
    store, run_id = RunStore(directory.parent), config["depth"]["of"]
    of, asked = store.path(run_id), store.config(run_id)
    rows = rows_with_depth(of, asked)

    def measure() -> Measuring:
        model, precision = asked.get("model"), asked.get("precision") or "auto"
        full = load_model(model, asked.get("adapter"), precision)
        check_rows(full, rows)
        unlearned = load_model(model, of / "adapter", precision)
        yield from of_model(depth_view(full, unlearned, rows), unlearned.provenance())

    return MeasureJob(of / FILE, measure, depth_said)


def rows_with_depth(of: Path, config: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the rows whose depth can be measured in a run's folder.

    Raises RunError where it left no adapter, InputError where it began without one, or no fact is marked.
    """
    artifact = read_artifact(of)
    if artifact is None or artifact.kind != ADAPTER:
        why = "It has saved none yet" if artifact is None else "A rival changes no weights"
        raise RunError(f"{of.name} has no adapter to measure", why, "Pick a run that has trained", of.name)
    if not config.get("adapter"):
        raise InputError(
            "There is no adapter to switch off",
            "The model without it stands for one that never saw the fact",
            "Start from a model that was taught by an adapter",
            of.name,
        )
    rows = tuple(row for row in rows_of(config).forget if row.gold)
    if not rows:
        why = "Depth is measured at the tokens of a fact"
        raise InputError("No row has its fact marked", why, "Mark the facts (gold)", of.name)
    return rows


def read_depth(of: Path) -> tuple[dict[str, Any] | None, str]:
    """Return the report in a run's folder, None before there is one, and why it cannot be read, or ""."""
    return read_result(of / FILE, depth_fault)
