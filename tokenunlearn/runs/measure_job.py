"""The run of a measurement: it trains nothing and leaves one JSON file, the report and what it says.

Nothing is on disk before the end, so one that was stopped begins again. What is measured, on which model and
tokens, is decided by the module of its kind (`gradients_job.py`, `depth_job.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from tokenunlearn.contents import text_of
from tokenunlearn.data.json_text import from_json
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import MaskError
from tokenunlearn.masks import Mask
from tokenunlearn.probes.evidence import Told
from tokenunlearn.runs.disk import write_json_atomically
from tokenunlearn.runs.job import run_mask
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.sweep_job import of_rows
from tokenunlearn.training.events import Event, Finished, Measured, Measuring

Says = Callable[[Mapping[str, Any]], list[str]]


@dataclass(frozen=True)
class MeasureJob:
    """A measurement that is ready to run; `measure` loads the model when its turn comes."""

    file: Path
    measure: Callable[[], Measuring]
    says: Says

    def before(self, _told: Told) -> None:
        """Probe nothing: no model is changed."""

    def probe(self, _told: Told) -> None:
        """Probe nothing."""

    def save(self, step: int) -> None:
        """Save nothing but the result."""

    def train(self, resume: bool) -> Iterator[Event]:  # noqa: ARG002 - one that goes on begins again
        """Yield how far it is, and the end once the result is kept."""
        for event in self.measure():
            if isinstance(event, Measured):
                write_json_atomically(self.file, {**event.report, "says": self.says(event.report)})
                yield Finished(1, "all is measured")
            else:
                yield event


def chosen_rows(
    config: Mapping[str, Any], directory: Path, what: str
) -> tuple[tuple[Row, ...], pd.DataFrame, Mask]:
    """Return the rows of a run's mask in the order of its table, and both on these rows alone.

    Raises MaskError without a mask, named `what` is to be measured.
    """
    rows = {row.id: row for row in rows_of(config).forget}
    found = run_mask(directory, config)
    if found is None:
        raise MaskError(f"{what} need a mask", fix="Choose tokens", where=str(directory))
    table, chosen = of_rows(*found, names=list(rows))
    return tuple(rows[name] for name in table["row_id"].astype(str).unique()), table, chosen


def result_file(kind: str) -> str:
    """Return the name of the file that a measurement of this kind leaves."""
    return f"{kind}.json"


def of_model(events: Measuring, made_with: Mapping[str, str]) -> Measuring:
    """Yield the same events, with the model that was measured in the report."""
    for event in events:
        if isinstance(event, Measured):
            yield replace(event, report={**event.report, "model": dict(made_with)})
        else:
            yield event


def read_result(file: Path, fault_of: Callable[[Any], str]) -> tuple[dict[str, Any] | None, str]:
    """Return a measurement's report, None before there is one, and why it cannot be read, "" where it can.

    `fault_of` says what is wrong with a report (`result_faults.py`), "" for a whole one.
    """
    try:
        found = from_json(text_of(file))
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError):
        return None, f"{file.name} is damaged. Measure again"
    fault = fault_of(found)
    return (None, f"{file.name} is damaged: {fault}. Measure again") if fault else (found, "")
