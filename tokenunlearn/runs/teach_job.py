"""The run that teaches rows: it leaves the target with what was taught, as one adapter to begin from.

`config.json`: `teach` (TeachConfig), `model`, `adapter` and `precision` as of any run; the splits are the
rows that are opened with the taught model. `learn` lists the ids of the forget rows to learn, all where it is
missing; `keep` are the rows that must stay known.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.rows import RETAIN, Row, row_to_dict
from tokenunlearn.errors import InputError
from tokenunlearn.fitting import check_rows
from tokenunlearn.metrics.known import YES_FROM
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes.evidence import Told
from tokenunlearn.runs.damage import read_record
from tokenunlearn.runs.disk import write_json_atomically
from tokenunlearn.runs.job import replace_adapter
from tokenunlearn.runs.parts import CHECKPOINT
from tokenunlearn.runs.run_rows import rows_from, rows_of
from tokenunlearn.runs.run_target import target_of
from tokenunlearn.runs.store import RunStore
from tokenunlearn.settings import from_dict
from tokenunlearn.training.events import Event, StepDone
from tokenunlearn.training.teach import Lesson, TeachConfig, learn, prepared, recalled, rehearsed

FILE: Final = "taught.json"  # what came of it
BESIDE: Final = "beside.json"  # what is taught beside, and how well the rows were known before


@dataclass
class TeachJob:
    """A lesson: the model and the rows; `before` measures what it is made of, and makes it."""

    directory: Path
    loaded: LoadedModel
    rows: tuple[Row, ...]
    keep: tuple[Row, ...]
    settings: TeachConfig
    lesson: Lesson = field(init=False, repr=False)
    kept: tuple[Row, ...] = field(init=False, repr=False)  # the known rows among what is taught beside
    known_before: tuple[float, ...] = field(init=False, repr=False)

    def before(self, told: Told) -> None:
        """Make the lesson, of what the model knows now: that takes longer than to load it."""
        beside = self.directory / BESIDE
        if not beside.is_file():  # one that goes on is taught the very same beside
            write_json_atomically(beside, self._measured(told))
        found = read_record(beside)
        others = rows_from(found["rows"], RETAIN)
        names = {row.id for row in self.keep}
        self.kept = tuple(row for row in others if row.id in names)
        self.known_before = tuple(found["before"])
        self.lesson = prepared(self.loaded, self.rows, others, self.settings)

    def _measured(self, told: Told) -> dict[str, Any]:
        others = rehearsed(self.loaded, self.rows, self.keep, self.settings, told)
        before = recalled(self.loaded, self.rows, told, "row {} to learn")
        return {"rows": [row_to_dict(row) for row in others], "before": before}

    def probe(self, told: Told) -> None:
        """Keep how well each taught row is known before and after, and how many of the others still are."""
        student, rows = self.lesson.student, self.lesson.rows
        after = recalled(student, rows, told, "row {} that was taught")
        still = [
            probability >= YES_FROM for probability in recalled(student, self.kept, told, "row {} beside")
        ]
        figures = [
            {"id": row.id, "before": before, "after": now}
            for row, before, now in zip(rows, self.known_before, after, strict=True)
        ]
        write_json_atomically(
            self.directory / FILE, {"rows": figures, "kept": len(still), "still": sum(still)}
        )

    def save(self, step: int) -> None:
        """Replace the run's adapter by the one of now."""
        replace_adapter(self.directory, self.lesson.student, step)

    def train(self, resume: bool) -> Iterator[Event]:
        """Return the steps of the lesson; a resumed one goes on from its checkpoint."""
        folder, earlier = self.directory / CHECKPOINT, dict[int, float]()
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            events, _ = RunStore(self.directory.parent).events(self.directory.name)
            earlier = {event.step: event.retain_loss for event in events if isinstance(event, StepDone)}
        return learn(self.lesson, folder, earlier)


def load_teach(config: Mapping[str, Any], directory: Path) -> TeachJob:
    """Return the lesson that a config describes. Raises SettingError, InputError or ModelError."""
    settings = from_dict(TeachConfig, dict(config["teach"]))
    rows = to_learn(config)
    keep = rows_from(config.get("keep") or [], RETAIN)
    loaded = target_of(config, to_train=True)
    check_rows(loaded, (*rows, *keep))
    return TeachJob(directory, loaded, rows, keep, settings)


def to_learn(config: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the rows that a config has a model learn. Raises InputError where there is none."""
    wanted, rows = config.get("learn"), rows_of(config).forget
    if not isinstance(wanted, list | tuple | None):
        raise InputError("The rows to learn are no list of ids", f"It says {str(wanted)[:40]}", where="learn")
    found = tuple(row for row in rows if wanted is None or row.id in wanted)
    if not found:
        raise InputError("There is nothing to teach", "No row is named to be learnt", "Name one", "learn")
    return found
