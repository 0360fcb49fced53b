"""The run that teaches rows: it leaves the target with what was taught, as one adapter to begin from.

`config.json`: `teach` (TeachConfig), `model`, `adapter` and `precision` as of any run; the splits are the
rows that are opened with the taught model. `learn` lists the ids of the forget rows to learn, all where it is
missing; `keep` are the rows that must stay known.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class TeachJob:
    """A lesson that is ready to begin, the known rows among it, and how probable the rows to learn were."""

    directory: Path
    lesson: Lesson
    kept: tuple[Row, ...]
    known_before: tuple[float, ...]

    def before(self, _told: Told) -> None:
        """Probe nothing: what a lesson needs was measured when it was made."""

    def probe(self, _told: Told) -> None:
        """Keep how well each taught row is known before and after, and how many of the others still are."""
        student = self.lesson.student
        rows, after = self.lesson.rows, recalled(student, self.lesson.rows)
        still = [probability >= YES_FROM for probability in recalled(student, self.kept)]
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
    beside = directory / BESIDE
    if not beside.is_file():  # one that goes on is taught the very same beside
        write_json_atomically(beside, _measured(loaded, rows, keep, settings))
    found = read_record(beside)
    others = rows_from(found["rows"], RETAIN)
    names = {row.id for row in keep}
    kept = tuple(row for row in others if row.id in names)
    return TeachJob(directory, prepared(loaded, rows, others, settings), kept, tuple(found["before"]))


def _measured(
    loaded: LoadedModel, rows: tuple[Row, ...], keep: tuple[Row, ...], settings: TeachConfig
) -> dict[str, Any]:
    others = rehearsed(loaded, rows, keep, settings)
    return {"rows": [row_to_dict(row) for row in others], "before": recalled(loaded, rows)}


def to_learn(config: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the rows that a config has a model learn. Raises InputError where there is none."""
    wanted, rows = config.get("learn"), rows_of(config).forget
    if not isinstance(wanted, list | tuple | None):
        raise InputError("The rows to learn are no list of ids", f"It says {str(wanted)[:40]}", where="learn")
    found = tuple(row for row in rows if wanted is None or row.id in wanted)
    if not found:
        raise InputError("There is nothing to teach", "No row is named to be learnt", "Name one", "learn")
    return found
