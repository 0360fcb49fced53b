"""The run that removes context in the order of a mask's scores: it trains nothing and leaves perturb.json.

Its config has `perturb` (PerturbConfig) beside model, rows and mask.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.experiments.perturbation import PerturbConfig, order_columns, perturbation
from tokenunlearn.experiments.perturbation_words import perturbation_said
from tokenunlearn.fitting import check_rows
from tokenunlearn.masks import columns_from_table
from tokenunlearn.runs.measure_job import MeasureJob, chosen_rows, of_model, result_file
from tokenunlearn.runs.run_target import target_of
from tokenunlearn.selection import select
from tokenunlearn.settings import from_dict
from tokenunlearn.training.events import Measuring


def load_perturb(config: Mapping[str, Any], directory: Path) -> MeasureJob:
    """Return the measurement that a config describes.

    Raises SettingError, InputError and MaskError; rows that lack context are told when they are measured.
    """
    settings = from_dict(PerturbConfig, dict(config["perturb"]))
    rows, table, chosen = chosen_rows(config, directory, "Deletion and insertion")
    refuse_unmarked(rows)
    scores = order_columns(table, select(columns_from_table(table), chosen.rule).fused, settings)

    def measure() -> Measuring:
        loaded = target_of(config)
        check_rows(loaded, rows)
        yield from of_model(perturbation(loaded, rows, scores, settings), loaded.provenance())

    return MeasureJob(directory / result_file("perturb"), measure, perturbation_said)


def refuse_unmarked(rows: Iterable[Row]) -> None:
    """Raise InputError where no row has its fact marked."""
    if not any(row.gold for row in rows):
        why = "What is measured is what is left of a fact"
        raise InputError("No row has its fact marked", why, "Mark the facts (gold)")
