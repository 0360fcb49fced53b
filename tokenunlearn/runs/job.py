"""The parts of a run on a real model: what `worker.py` drives, made of loading, training and probes.

`config.json` of a run: `model` (null = the embedded one), `adapter` (the target's PEFT folder), `precision`;
a demo set's name, a file or a list of rows for each split of SPLITS; `training` (TrainConfig),
`probes` (ProbeSettings), `watch` (the id of the row whose answer is shown as it trains); `mask_hash` and
`scores_id`, which the mask in the folder must have. Without a mask every token has weight 1. With `rival`
(`name`, `settings`) nothing is trained: the rival is made in one step (`rival_job.py`).
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import MaskError, TableError
from tokenunlearn.fitting import check_rows
from tokenunlearn.masks import Mask, read_mask, refuse_empty, weights_for
from tokenunlearn.models.adapters import save_adapter
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes.evidence import ProbeSettings, Told
from tokenunlearn.probes.report import Report, compare_reports, probe_report, with_badges
from tokenunlearn.runs.artifact import ADAPTER, Artifact, write_artifact
from tokenunlearn.runs.measured import before_report
from tokenunlearn.runs.parts import CHECKPOINT
from tokenunlearn.runs.run_probes import probes_of
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.run_target import target_of
from tokenunlearn.settings import from_dict
from tokenunlearn.table import is_edited, read_table
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Event
from tokenunlearn.training.loop import train
from tokenunlearn.training.needs import layer_needed, refuse_rows
from tokenunlearn.training.session import answer_tokens, with_fresh_lora

MASK: Final = "mask.jsonl"


@dataclass(frozen=True)
class Job:
    """A loaded run: the model with its fresh LoRA, the rows, and the weights by row id (None = all ones)."""

    directory: Path
    model: LoadedModel
    rows: Splits
    weights: Mapping[str, np.ndarray] | None
    training: TrainConfig
    probes: ProbeSettings
    watch: Row | None

    def before(self, told: Told) -> Report:
        """Return the Report of the target: the one measured earlier by the page or a run, if there is one."""
        return before_report(self.directory.parent, self.model, self.rows, self.probes, told)

    def probe(self, told: Told) -> Report:
        """Return the Report of the model as it is now."""
        return probe_report(self.model, self.rows, self.probes, told)

    def train(self, resume: bool) -> Iterator[Event]:
        """Return the events of training; a resumed run goes on from its checkpoint."""
        folder = self.directory / CHECKPOINT
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        rows = self.rows
        return train(self.model, rows.forget, rows.retain, self.weights, self.training, folder, self.watch)

    def save(self, step: int) -> None:
        """Replace the run's adapter by the one of now."""
        replace_adapter(self.directory, self.model, step)


def replace_adapter(directory: Path, model: LoadedModel, step: int) -> None:
    """Replace the files of `adapter/` one by one by those of now; each is whole at any moment.

    The adapter loads with plain PEFT on the base model: it is the target and what was trained, joined.
    """
    draft = directory / f".adapter-{step}"
    save_adapter(model.model, draft, model.merged)
    folder = directory / "adapter"
    folder.mkdir(exist_ok=True)
    for file in sorted(draft.iterdir()):
        with file.open("rb") as content:
            os.fsync(content.fileno())
        os.replace(file, folder / file.name)
    draft.rmdir()
    write_artifact(directory, Artifact(ADAPTER))


def load_job(config: Mapping[str, Any], directory: Path) -> Job:
    """Return the run of a directory, ready to train.

    Raises SettingError, InputError, MaskError, TableError or ModelError; settings and rows are looked at
    before the model is loaded, so that a slip is told at once.
    """
    training = from_dict(TrainConfig, dict(config.get("training") or {}))
    probes = probes_of(config)
    rows = rows_of(config)
    refuse_rows(rows.forget, rows.retain, training)
    mask = run_mask(directory, config)
    watched = config.get("watch")
    watch = next((row for row in rows.forget if row.id == watched), next(iter(rows.forget), None))
    loaded = target_of(config, to_train=True)
    check_rows(loaded, rows.rows, other_words=True)
    weights = None
    if mask:
        tokens = answer_tokens(loaded, rows.forget)
        weights = weights_for(*mask, tokens, where=str(directory / MASK))
    model = with_fresh_lora(loaded, training)
    layer_needed(model.model, training)  # a depth that does not fit is refused before anything is probed
    return Job(directory, model, rows, weights, training, probes, watch)


def run_mask(directory: Path, config: Mapping[str, Any]) -> tuple[Mask, pd.DataFrame] | None:
    """Return the mask of the folder and the table that it was made on, None when it has none.

    Raises MaskError when the mask is not the one that the config names, or chooses no token, TableError when
    the table cannot be read or is not the one that was written.
    """
    path = directory / MASK
    expected = config.get("mask_hash")
    if not path.is_file():
        if expected:
            raise MaskError(f"The mask {expected[:12]} is missing", "Start the run again", where=str(path))
        return None
    table = read_table(directory / "tokens.parquet")
    if is_edited(table):
        raise TableError(
            "The scores beside the mask were changed after they were written",
            "Controls would be drawn by other numbers than the mask's",
            "Start the run again",
            str(directory / "tokens.parquet"),
        )
    mask = read_mask(path, table, str(config.get("scores_id") or ""))
    if expected and mask.hash != expected:
        raise MaskError(
            f"The mask is {mask.hash[:12]}, the page showed {expected[:12]}",
            fix="Reload the page and save the mask again",
            where=str(path),
        )
    refuse_empty(mask, str(path))
    return mask, table


def compare(before: Report, after: Report) -> tuple[Report, list[dict[str, Any]]]:
    """Return `after` with its badges, and the changes per question."""
    return with_badges(before, after), compare_reports(before, after)
