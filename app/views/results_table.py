"""Every measurement of runs and sweeps as one CSV: a line a measurement, a column a figure or setting."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.views.bench import bench_of, probe_settings
from tokenunlearn.experiments.arms import tokens_of
from tokenunlearn.experiments.results import BEFORE
from tokenunlearn.probes import PROBES
from tokenunlearn.table import spreadsheet_text

if TYPE_CHECKING:
    from tokenunlearn.experiments.runner import ArmResult

Measurement = dict[str, Any]
"""One line, by column; None where nothing was measured."""
SIDES = {"before": "before", "after": "last step"}


def of_run(
    state: Mapping[str, Any], tags: Sequence[str], config: Mapping[str, Any], probes: Mapping[str, Any] | None
) -> list[Measurement]:
    """Return the measurements of a run: before it, and after its last step."""
    found = [
        (side, summary)
        for side in SIDES
        if (summary := ((probes or {}).get(side) or {}).get("summary")) is not None
    ]
    return [
        {
            **_identity(state, tags, config),
            "arm": config.get("arm"),
            "method": (config.get("training") or {}).get("objective"),
            "seed": (config.get("training") or {}).get("seed") if side == "after" else None,
            "moment": SIDES[side],
            "step": 0 if side == "before" else state.get("step"),
            **_figures(summary),
            **_settings(config),
        }
        for side, summary in found
    ]


def of_sweep(
    state: Mapping[str, Any],
    tags: Sequence[str],
    config: Mapping[str, Any],
    results: "Sequence[ArmResult]",
) -> list[Measurement]:
    """Return the measurements of a sweep: of the target, and of each arm, seed and moment."""
    return [
        {
            **_identity(state, tags, config),
            "arm": each.arm,
            "seed": each.seed if each.arm != BEFORE else None,  # the target has none
            **{name: getattr(each, name) for name in ("moment", "step")},
            "method": _method(each, config),
            **{name: getattr(each, name) for name in ("norm", "tokens", "seconds", "note")},
            **_figures(each.summary),
            **_settings(_under(each.method, config)),
        }
        for each in results
    ]


def _method(result: "ArmResult", config: Mapping[str, Any]) -> str | None:
    """Return the objective of a measurement; None where nothing was trained."""
    trained = tokens_of(result.arm) is not None
    return (result.method or (config.get("training") or {}).get("objective")) if trained else None


def _under(method: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the config of an arm: under another objective, that one at its default."""
    own = {"objective": method, "objective_settings": {}} if method else {}
    return {**config, "training": {**(config.get("training") or {}), **own}}


def comma_table(lines: Sequence[Measurement]) -> str:
    """Return CSV; a text that a spreadsheet would run as a formula gets a leading quote."""
    file = io.StringIO()
    columns = list(dict.fromkeys(name for line in lines for name in line))
    # Every text in quotes: a bare carriage return would begin a new line, and there a new formula.
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([spreadsheet_text(name) for name in columns])
    for line in lines:
        writer.writerow([_cell(line.get(name)) for name in columns])
    return file.getvalue()


def _identity(state: Mapping[str, Any], tags: Sequence[str], config: Mapping[str, Any]) -> Measurement:
    own = {name: state.get(name) for name in ("run_id", "name", "state")}
    bench = bench_of(config)
    return {
        **own,
        "tags": ", ".join(tags),
        "data": bench.data,
        "rows_hash": bench.measured,
        "model": bench.model,
        "adapter": bench.adapter,
        "start_hash": bench.start,
        "precision": config.get("precision"),
        "mask_hash": state.get("mask_hash"),
    }


def _figures(summary: Mapping[str, Any]) -> Measurement:
    return {name: summary.get(name) for name in PROBES}


def _settings(config: Mapping[str, Any]) -> Measurement:
    """Return the settings of one measurement; its seed has a column of its own."""
    groups = {
        "training": config.get("training") or {},
        "rule": config.get("rule") or {},
        "probes": probe_settings(config),
    }
    found = {f"{group}.{name}": value for group, given in groups.items() for name, value in given.items()}
    found.pop("training.seed", None)
    return found


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return spreadsheet_text(value) if isinstance(value, str) else value
