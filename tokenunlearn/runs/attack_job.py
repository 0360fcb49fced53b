"""The run of an attack on what another run left: its progress is its own, its result lies with that run.

`attacks.json` beside probes.json is a list of results, the newest last, replaced as a whole. `by` in each
says which run made it, so that one that goes on after a kill leaves one result.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from tokenunlearn.attacks import ATTACKS, Subject, check_attack
from tokenunlearn.errors import RunError
from tokenunlearn.fitting import check_rows
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.probes.evidence import Told
from tokenunlearn.runs.artifact import ADAPTER, read_artifact
from tokenunlearn.runs.damage import read_record
from tokenunlearn.runs.disk import locked, write_json_atomically
from tokenunlearn.runs.parts import CHECKPOINT
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.store import RunStore
from tokenunlearn.training.events import AttackDone, AttackStep, Event, Finished

FILE: Final = "attacks.json"


@dataclass(frozen=True)
class AttackJob:
    """An attack that is ready to run; nothing is loaded yet, each model when its turn comes."""

    directory: Path
    of: Path
    name: str
    subject: Subject
    settings: Any

    def before(self, _told: Told) -> None:
        """Probe nothing: an attack measures for itself."""

    def probe(self, _told: Told) -> None:
        """Probe nothing."""

    def save(self, step: int) -> None:
        """Save nothing but the result; the attack itself keeps what it needs to go on."""

    def train(self, resume: bool) -> Iterator[Event]:
        """Yield the attack's measurements and, once it is kept, its result.

        A resumed attack goes on after the last measurement.
        """
        subject = self.subject
        if resume:
            events, _ = RunStore(self.directory.parent).events(self.directory.name)
            earlier = tuple(event for event in events if isinstance(event, AttackStep))
            subject = replace(subject, earlier=earlier)
        else:
            shutil.rmtree(subject.folder, ignore_errors=True)
        for event in ATTACKS[self.name].run(subject, self.settings):
            if isinstance(event, AttackDone):
                keep_result(self.of, event.result, self.directory.name)
                yield event
                yield Finished(event.step, "all is measured")
            else:
                yield event


def load_attack(config: Mapping[str, Any], directory: Path) -> AttackJob:
    """Return the attack that a config describes: `attack` is `{name, settings, of: run id}`.

    Raises SettingError, InputError, and RunError where the attacked run is gone or changed no weights.
    """
    wanted, store = config["attack"], RunStore(directory.parent)
    of = store.path(wanted["of"])
    rows_config = store.config(wanted["of"])
    subject = subject_of_run(of, rows_config, directory / CHECKPOINT)
    settings = check_attack(wanted["name"], subject.rows, wanted.get("settings") or {})
    return AttackJob(directory, of, wanted["name"], subject, settings)


def subject_of_run(of: Path, config: Mapping[str, Any], folder: Path) -> Subject:
    """Return a run's adapter and rows, with the base below its target as the model that never knew.

    Raises RunError where the run left no adapter, as a rival does, which changes no weights, and where the
    results of earlier attacks are damaged: a new one could not be kept beside them.
    """
    results_in(of)
    artifact = read_artifact(of)
    if artifact is None or artifact.kind != ADAPTER:
        why = "It has saved none yet" if artifact is None else "A rival changes no weights"
        raise RunError(f"{of.name} has no adapter to attack", why, "Attack a run that has trained", of.name)
    return subject_of(
        config.get("model"), of / "adapter", config.get("precision") or "auto", rows_of(config), folder,
        bool(config.get("adapter")),
    )  # fmt: skip


def subject_of(
    model: str | None, adapter: Path, precision: str, rows: Any, folder: Path, taught: bool
) -> Subject:
    """Return the model with an adapter, as what is attacked.

    `taught`: the rows were taught by an adapter, so that the base beneath it never knew them.
    """

    def load(put_on: Path | None) -> LoadedModel:
        loaded = load_model(model, put_on, precision, to_train=True)
        check_rows(loaded, rows.forget)
        return loaded

    return Subject(partial(load, adapter), partial(load, None) if taught else None, rows, folder)


def keep_result(folder: Path, result: Mapping[str, Any], by: str) -> None:
    """Put a result into the folder's attacks.json, in the place of an earlier one `by` the same."""
    with locked(folder / f".{FILE}.lock"):
        others = [each for each in results_in(folder) if each.get("by") != by]
        write_json_atomically(folder / FILE, [*others, {**result, "by": by}])


def results_in(folder: Path) -> list[dict[str, Any]]:
    """Return the results of attacks on what lies in a folder, the newest last.

    Empty where nothing was measured.

    Raises RunError for a damaged file.
    """
    found: list[dict[str, Any]] | None = read_record(folder / FILE)
    return found or []
