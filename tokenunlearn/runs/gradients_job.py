"""The run that measures the gradients of a mask's tokens: it trains nothing and leaves gradients.json.

Its config has `gradients` (GradientsConfig) beside model, rows and mask. Gradients are kept in memory alone,
so one that was stopped begins again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import MaskError
from tokenunlearn.experiments.gradient_words import gradient_said
from tokenunlearn.experiments.gradients import GradientsConfig, GradientsDone, gradient_view
from tokenunlearn.fitting import check_rows
from tokenunlearn.masks import Mask
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.probes.evidence import Told
from tokenunlearn.runs.disk import write_json_atomically
from tokenunlearn.runs.job import run_mask
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.sweep_job import of_rows
from tokenunlearn.settings import from_dict
from tokenunlearn.training.events import Event, Finished, GradientsAt

FILE: Final = "gradients.json"


@dataclass(frozen=True)
class GradientsJob:
    """A measurement that is ready to run; the model is loaded when its turn comes."""

    file: Path
    load: Callable[[], LoadedModel]
    rows: tuple[Row, ...]
    table: pd.DataFrame
    chosen: Mask
    settings: GradientsConfig

    def before(self, _told: Told) -> None:
        """Probe nothing: no model is changed."""

    def probe(self, _told: Told) -> None:
        """Probe nothing."""

    def save(self, step: int) -> None:
        """Save nothing but the result."""

    def train(self, resume: bool) -> Iterator[Event]:  # noqa: ARG002 - one that goes on begins again
        """Yield how far it is, and the end once the result is kept."""
        loaded = self.load()
        made_with = loaded.provenance()
        for event in gradient_view(loaded, self.rows, self.table, self.chosen, self.settings):
            if isinstance(event, GradientsDone):
                report = {**event.report, "model": made_with, "says": gradient_said(event.report)}
                write_json_atomically(self.file, report)
                yield Finished(1, "all is measured")
            else:
                yield GradientsAt(0, event.step, event.steps)


def load_gradients(config: Mapping[str, Any], directory: Path) -> GradientsJob:
    """Return the measurement that a config describes.

    Raises SettingError, InputError and MaskError; a model that cannot be trained is told when it is loaded.
    """
    settings = from_dict(GradientsConfig, dict(config["gradients"]))
    rows = {row.id: row for row in rows_of(config).forget}
    found = run_mask(directory, config)
    if found is None:
        raise MaskError("Gradients need a mask", fix="Choose tokens", where=str(directory))
    table, chosen = of_rows(*found, names=list(rows))
    of_table = tuple(rows[name] for name in table["row_id"].astype(str).unique())

    def load() -> LoadedModel:
        precision = config.get("precision") or "auto"
        loaded = load_model(config.get("model"), config.get("adapter"), precision, to_train=True)
        check_rows(loaded, of_table)
        return loaded

    return GradientsJob(directory / FILE, load, of_table, table, chosen, settings)
