"""The run of a sweep: arms × seeds of one mask, measured one after another into the run's own file."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tokenunlearn.data.demo import demo_rows
from tokenunlearn.errors import MaskError
from tokenunlearn.experiments.config import CompareConfig, refuse_unfit_arms
from tokenunlearn.experiments.results import (
    Made,
    comparison_origin,
    missing,
    plan_of,
    read_results,
    results_text,
)
from tokenunlearn.experiments.runner import ArmResult, Bench
from tokenunlearn.experiments.sweep import ArmBegins, ArmMeasured, ArmSkipped, Planned, sweep
from tokenunlearn.fitting import check_rows
from tokenunlearn.masks import Mask
from tokenunlearn.probes.evidence import Told
from tokenunlearn.runs.disk import write_bytes_atomically
from tokenunlearn.runs.job import run_mask
from tokenunlearn.runs.measured import source_hash
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.run_target import target_of
from tokenunlearn.settings import from_dict
from tokenunlearn.text.numbers import now_words
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Event, Finished, StepDone, SweepAt, SweepStep

FILE: Final = "sweep.jsonl"


@dataclass(frozen=True)
class SweepJob:
    """A sweep that is ready to run; each arm loads its own model when its turn comes.

    `named`: the comparisons that are planned, on so many `seeds` of each arm.
    """

    file: Path
    planned: Planned
    origin: Mapping[str, Any]
    seeds: int
    named: tuple[str, ...] | None = None

    def before(self, _told: Told) -> None:
        """Probe nothing: a sweep measures for itself."""

    def probe(self, _told: Told) -> None:
        """Probe nothing."""

    def save(self, step: int) -> None:
        """Save nothing more: what is measured is kept at once."""

    def train(self, resume: bool) -> Iterator[Event]:
        """Yield where the sweep is and each arm that is measured and kept; a resumed one measures the rest.

        Raises RunError where the file was begun by other code.
        """
        planned, results = self.planned, list[ArmResult]()
        if resume:
            results = read_results(self.file, self.origin)
        plan = plan_of(self.file if resume else None, self.named, results, self.seeds, now_words())
        made = Made(runs=tuple(planned.runs))
        total = len(planned.runs)
        done = total - len(missing(results, planned.runs))
        name, seed, began = "", 0, time.monotonic()
        for event in sweep(planned, results, str(self.file)):
            if isinstance(event, ArmBegins):
                name, seed, began = event.arm.name, event.seed, time.monotonic()
            elif isinstance(event, StepDone):
                yield SweepAt(done, name, seed, event.step, event.steps)
            elif isinstance(event, ArmMeasured):
                results += event.results
                write_bytes_atomically(self.file, results_text(self.origin, results, made, plan).encode())
            if isinstance(event, ArmSkipped) or (isinstance(event, ArmMeasured) and event.arm):
                done += 1
                why = event.why if isinstance(event, ArmSkipped) else ""
                yield SweepStep(done, total, name, seed, time.monotonic() - began, why)
        yield Finished(done, "all arms are measured")


def load_sweep(config: Mapping[str, Any], directory: Path) -> SweepJob:
    """Return the sweep that a config describes: `sweep` is a CompareConfig, beside `training`, mask and rows.

    Raises SettingError, InputError, MaskError or ModelError.
    """
    asked = from_dict(CompareConfig, dict(config["sweep"]))
    training = from_dict(TrainConfig, dict(config.get("training") or {}))
    rows = rows_of(config)
    runs = asked.runs(training)
    found = run_mask(directory, config)
    if found is None:
        raise MaskError("A sweep needs a mask", fix="Choose tokens", where=str(directory))
    table, chosen = of_rows(*found, names=[row.id for row in rows.forget])
    refuse_unfit_arms(asked, training, rows, bool((table["gold"] == 1).any()), table.columns)
    load = partial(target_of, config, to_train=True)
    world = rows.world or demo_rows("world")
    bench = Bench(load, rows.forget, rows.retain, world, training, asked.equal_below, asked.kept_below)
    loaded = load()
    check_rows(loaded, (*rows.forget, *rows.retain, *world), other_words=True)
    by = {"mask": f"{config.get('name')} @{config.get('mask_hash')}"}
    origin = comparison_origin(bench, loaded, by, source_hash(), each_default=bool(asked.objectives))
    planned = Planned(bench, runs, lambda: (table, chosen), skips=bool(asked.objectives))
    return SweepJob(directory / FILE, planned, origin, asked.seeds, asked.planned)


def of_rows(chosen: Mask, table: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, Mask]:
    """Return table and mask on these rows alone: scores are fused, and tokens drawn, among them."""
    own = table["row_id"].isin(names).to_numpy()
    cut = table[own].reset_index(drop=True)
    cut.attrs = dict(table.attrs)
    return cut, replace(chosen, overrides={}, weights=chosen.weights[own], selected=chosen.selected[own])
