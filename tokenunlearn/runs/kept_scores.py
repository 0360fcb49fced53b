"""Finished scores, kept on disk: a page opened again on the same model and rows shows them at once.

Only numbers are kept: text, words, flags and masks are made anew from the rows, whose hash is in the name.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from tokenunlearn.models.loading import LoadedModel, text_hash
from tokenunlearn.passes import fits_of
from tokenunlearn.runs.damage import read_cached
from tokenunlearn.runs.disk import write_json_atomically
from tokenunlearn.runs.measured import forget_old, model_identity, source_hash
from tokenunlearn.runs.store import MEASURED
from tokenunlearn.scoring import Alternatives, ScoreConfig, ScoredRow


def scores_path(runs: Path, model: LoadedModel, rows: Sequence[ScoredRow], config: ScoreConfig) -> Path:
    """Return the file of these rows' scores: its name is the hash of all that decides them."""
    data = json.dumps([asdict(each.info) for each in rows])
    fits = json.dumps(fits_of(config.passes))
    identity = text_hash(source_hash(), model_identity(model), data, repr(config), fits)
    return runs / MEASURED / f"scores-{identity}.json"


def write_scores(path: Path, rows: Sequence[ScoredRow], config: ScoreConfig) -> None:
    """Write the signals and alternatives of all rows as a whole."""
    path.parent.mkdir(exist_ok=True)
    write_json_atomically(path, [_record(each, config) for each in rows])
    forget_old(path)


def read_scores(path: Path, rows: Sequence[ScoredRow], config: ScoreConfig) -> list[ScoredRow] | None:
    """Return `rows` (unscored) with the signals of the file; None where none that fits them can be read."""
    records = read_cached(path)
    try:
        return [_filled(each, record, config) for each, record in zip(rows, records or (), strict=True)]
    except (ValueError, KeyError, TypeError):  # of other rows, tokens or signals than its name says
        return None


def _record(row: ScoredRow, config: ScoreConfig) -> dict[str, Any]:
    signals = {name: [_number(value) for value in row.table[name].tolist()] for name in config.signals}
    lists = row.alternatives
    return {"signals": signals, "as_is": lists.as_is, "masked": lists.masked, "names": lists.names}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _filled(row: ScoredRow, record: dict[str, Any], config: ScoreConfig) -> ScoredRow:
    signals = {name: np.array(record["signals"][name], dtype=np.float64) for name in config.signals}
    as_is, masked = (
        [[tuple(alternative) for alternative in place] for place in record[name]]
        for name in ("as_is", "masked")
    )
    return replace(
        row, table=row.table.assign(**signals), alternatives=Alternatives(as_is, masked, record["names"])
    )
