"""Every measurement of runs and sweeps as one CSV: a line a measurement, a column a figure or setting."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.views.bench import bench_of
from tokenunlearn.documents.summary import badges_of
from tokenunlearn.errors import SettingError
from tokenunlearn.experiments.arms import tokens_of
from tokenunlearn.experiments.results import BEFORE, start_of
from tokenunlearn.experiments.runner import arm_config
from tokenunlearn.probes import PROBES
from tokenunlearn.probes.kept import KEPT, RETENTION, retention, with_kept
from tokenunlearn.probes.readings import counts_said
from tokenunlearn.probes.report import badge_counts
from tokenunlearn.runs.run_probes import probe_settings
from tokenunlearn.runs.run_rows import world_kept
from tokenunlearn.settings import from_dict, to_dict
from tokenunlearn.table import spreadsheet_text
from tokenunlearn.training.config import TrainConfig

if TYPE_CHECKING:
    from tokenunlearn.experiments.planned import Plan
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
            "method": (config.get("training") or {}).get("objective") if side == "after" else None,
            "seed": (config.get("training") or {}).get("seed") if side == "after" else None,
            "moment": SIDES[side],
            "step": 0 if side == "before" else state.get("step"),
            **_figures(summary),
            "answers": _answers(probes or {}) if side == "after" else None,
            **_settings(config, _trained(config) if side == "after" else None),
        }
        for side, summary in found
    ]


def of_sweep(
    state: Mapping[str, Any],
    tags: Sequence[str],
    config: Mapping[str, Any],
    results: "Sequence[ArmResult]",
    plan: "Plan | None" = None,
) -> list[Measurement]:
    """Return the measurements of a sweep: of the target, and of each arm, seed and moment.

    Each with the settings that it was trained with; the target and rivals were trained with none. `plan`: the
    comparisons that were named. Beside it the bounds of the moments.
    """
    asked = config.get("sweep") or {}
    named = {
        "planned": "; ".join(each.text for each in plan.named) if plan else None,
        "planned_when": plan.when if plan else None,
        **{name: asked.get(name) for name in ("equal_below", "kept_below")},
    }
    start = start_of(results)
    return [
        {
            **_identity(state, tags, config),
            "arm": each.arm,
            "seed": each.seed if each.arm != BEFORE else None,  # the target has none
            **{name: getattr(each, name) for name in ("moment", "step")},
            "method": _method(each, config),
            **{name: getattr(each, name) for name in ("norm", "tokens", "seconds", "note")},
            **_figures(each.summary),
            "answers": counts_said(counts) if (counts := badges_of(start, [each])) else None,
            **named,
            **_settings(config, _trained(config, each)),
        }
        for each in results
    ]


def _method(result: "ArmResult", config: Mapping[str, Any]) -> str | None:
    """Return the objective of a measurement; None where nothing was trained."""
    trained = tokens_of(result.arm) is not None
    return (result.method or (config.get("training") or {}).get("objective")) if trained else None


def _trained(config: Mapping[str, Any], result: "ArmResult | None" = None) -> Mapping[str, Any] | None:
    """Return all settings that a run, or an arm of a sweep, was trained with; None where nothing was.

    Those of the objective are whole, as are the others. What another version wrote stays as it is.
    """
    if result and tokens_of(result.arm) is None:
        return None
    given = config.get("training") or {}
    if not given:
        return {}
    try:
        training = from_dict(TrainConfig, dict(given))
        training = arm_config(training, result.of, result.seed) if result else training
    except SettingError:
        return given
    return {**to_dict(training), "objective_settings": to_dict(training.objective_of())}


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
        "world_is_retain": world_kept(config),
        "model": bench.model,
        "adapter": bench.adapter,
        "start_hash": bench.start,
        "precision": bench.way["precision"],
        "mask_hash": state.get("mask_hash"),
    }


def _answers(probes: Mapping[str, Any]) -> str | None:
    """Return what became of the answers to forget, as Probe, Compare and reports say it."""
    before, after = probes.get("before"), probes.get("after")
    return counts_said(badge_counts(before, after)) if before and after else None


def _figures(summary: Mapping[str, Any]) -> Measurement:
    kept = (with_kept(summary) or {}).get(KEPT)
    return {**{name: summary.get(name) for name in PROBES}, KEPT: kept, RETENTION: retention(summary)}


def _settings(config: Mapping[str, Any], training: Mapping[str, Any] | None) -> Measurement:
    """Return the settings of one measurement; its seed has a column of its own."""
    groups = {
        "training": training or {},
        "rule": (config.get("rule") or {}) if training is not None else {},
        "probes": probe_settings(config),
    }
    found = {f"{group}.{name}": value for group, given in groups.items() for name, value in given.items()}
    found.pop("training.seed", None)
    return found


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""  # not measured
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return spreadsheet_text(value) if isinstance(value, str) else value
