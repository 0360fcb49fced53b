"""The command line that makes a run again, and the files that it reads, written beside the run."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.errors import RunError
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.experiments.fixed import SET_BY_ARMS
from tokenunlearn.masks import Mask, mask_hash, write_mask
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.runs.disk import write_bytes_atomically
from tokenunlearn.runs.job import MASK, run_mask
from tokenunlearn.runs.kinds import TRAINING, kind_of
from tokenunlearn.runs.run_probes import probes_of
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.sweep_job import of_rows
from tokenunlearn.settings import describe, from_dict
from tokenunlearn.table import provenance, read_table
from tokenunlearn.training.config import TrainConfig

FOLDER: Final = "again"  # what a command line reads of a run


def command_words(directory: Path, config: Mapping[str, Any]) -> list[str]:
    """Return the words of the command line that makes a run again; `config` is the run's.

    It writes the run's rows, and for a sweep its mask on these rows alone, into the run's folder `again`.
    Raises RunError where no command line gives the same, InputError and MaskError for damaged files.
    """
    kind = kind_of(config)
    if kind not in _WORDS:
        raise RunError(f"No command line makes {directory.name} again", f"It is a run of the kind {kind}")
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    rows = folder / "rows.jsonl"
    # A row is of the split that the config has it in, whatever it says itself.
    records = [
        row_to_dict(row) | {"split": split} for split, part in vars(rows_of(config)).items() for row in part
    ]
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    write_bytes_atomically(rows, "".join(lines).encode())
    return ["python", "-m", "tokenunlearn", *_WORDS[kind](directory, config, rows), *_model_words(config)]


def _training(directory: Path, config: Mapping[str, Any], rows: Path) -> list[str]:
    words = ["unlearn", str(rows)]
    if config.get("mask_hash"):
        table = directory / "tokens.parquet"
        _refuse_fitted(directory, config, read_table(table))
        words += ["--mask", str(directory / MASK), "--scores", str(table)]
    return [*words, "--out", f"{directory.name}-again", *_training_words(config)]


def _refuse_fitted(directory: Path, config: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Raise RunError where a mask was made on other numbers than those of the table beside it.

    A command line knows no marks: it would refuse the mask, or train other tokens.
    """
    if provenance(table).get("scores_id") != config.get("scores_id"):
        raise RunError(
            f"No command line makes {directory.name} again",
            "Its mask was made on a signal that was fitted on marks, which the scores beside it are not",
            "Take its configuration, or run it again on the Unlearn tab",
        )


def _sweep(directory: Path, config: Mapping[str, Any], rows: Path) -> list[str]:
    asked = from_dict(CompareConfig, dict(config["sweep"]))
    found = run_mask(directory, config)
    words = ["compare", str(rows)]
    if found is not None:
        _refuse_fitted(directory, config, found[1])
        table, chosen = of_rows(*found, names=[row.id for row in rows_of(config).forget])
        mask = Mask(chosen.rule, {}, chosen.weights, chosen.selected, mask_hash(chosen.weights), "")
        path = directory / FOLDER / MASK
        write_mask(path, replace(mask, scores_id=chosen.scores_id), table)
        words += ["--mask", str(path)]
    own = _flags(asked, CompareConfig)
    # Without the settings of one objective, where several are compared at their defaults.
    left_out = ("objective", *SET_BY_ARMS) if asked.objectives else tuple(SET_BY_ARMS)
    training = _training_words(config, left_out)
    return [*words, "--out", f"{directory.name}-again.jsonl", *own, *training]


def _rival(directory: Path, config: Mapping[str, Any], rows: Path) -> list[str]:
    rival = config["rival"]
    words = ["probe", str(rows), "--rival", str(rival["name"])]
    words += _assigned(rival.get("settings") or {})
    return [*words, "--out", f"{directory.name}-again.json", *_flags(probes_of(config), ProbeSettings)]


_WORDS: Final[Mapping[str, Callable[[Path, Mapping[str, Any], Path], list[str]]]] = MappingProxyType(
    {TRAINING: _training, "sweep": _sweep, "rival": _rival}
)


def _training_words(config: Mapping[str, Any], left_out: tuple[str, ...] = ()) -> list[str]:
    training = from_dict(TrainConfig, dict(config.get("training") or {}))
    own = [] if "objective" in left_out else _assigned(training.objective_settings)
    return [*_flags(training, TrainConfig, left_out), *own]


def _assigned(settings: Mapping[str, Any]) -> list[str]:
    """Return `--set NAME=VALUE` for each; the value is JSON, as the command line reads it."""
    words = (("--set", f"{name}={json.dumps(value)}") for name, value in settings.items())
    return [word for pair in words for word in pair]


def _flags(settings: Any, kind: type, left_out: tuple[str, ...] = ()) -> list[str]:
    """Return the flags of the settings that are not at their default."""
    words: list[str] = []
    for info in describe(kind):
        value = getattr(settings, info.name)
        if info.name in left_out or value == info.default or value is None:
            continue
        if isinstance(value, bool):
            words.append(info.flag if value else f"--no-{info.flag[2:]}")
        else:
            words += [info.flag, ",".join(value) if isinstance(value, tuple) else str(value)]
    return words


def _model_words(config: Mapping[str, Any]) -> list[str]:
    named = (("--model", config.get("model")), ("--adapter", config.get("adapter")))
    words = [word for flag, value in named if value for word in (flag, str(value))]
    precision = config.get("precision") or "auto"
    return [*words, *(["--precision", precision] if precision != "auto" else [])]
