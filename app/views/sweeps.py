"""A sweep as the Compare tab shows it: what is shown, the table of its arms, and what was not measured."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.views.runs import run_line
from app.words import SWEEP_NOT_SHOWN, SWEEP_SHOWN, SWEEP_TOO_FEW, arm_words
from tokenunlearn.experiments.arms import ARMS, CHOSEN
from tokenunlearn.experiments.report import note_lines
from tokenunlearn.experiments.runner import EQUAL, LAST, ArmResult, arms_table
from tokenunlearn.experiments.verdict import FEWEST_SEEDS, Finding, findings
from tokenunlearn.probes import COMPARED
from tokenunlearn.training.events import Event, SweepStep


def sweep_view(
    state: Mapping[str, Any], results: Sequence[ArmResult], events: Sequence[Event], left: float | None
) -> dict[str, Any]:
    """Return a sweep: its run's line, what is shown, what each control rules out, notes, and its table.

    A figure is `[mean, half the distance between highest and lowest]` over the seeds; None = not measured.
    """
    skipped = [each for each in events if isinstance(each, SweepStep) and each.why]
    return {
        **run_line(state, left),
        "verdicts": [
            _verdict(found, moment) for moment in (EQUAL, LAST) if (found := findings(results, moment))
        ],
        "controls": [f"{ARMS[name].label}: {ARMS[name].rules_out}." for name in _controls(results)],
        "notes": [
            *note_lines(results),
            *(f"{each.arm}, seed {each.seed}: not measured. {each.why}" for each in skipped),
        ],
        "lines": [_line(each) for each in arms_table(results).to_dict("records")] if results else [],
    }


def _verdict(every: Sequence[Finding], moment: str) -> dict[str, Any]:
    """Return what is shown at a moment: a sentence, and one for each difference that is shown."""
    found = [each for each in every if np.isfinite(each.comparison.mean)]
    shown = [each.words for each in found if each.shown]
    seeds = max((each.comparison.seeds for each in found), default=0)
    if not shown and seeds < FEWEST_SEEDS:
        text = SWEEP_TOO_FEW.format(moment=moment, seeds=seeds, fewest=FEWEST_SEEDS)
    else:
        text = (SWEEP_SHOWN if shown else SWEEP_NOT_SHOWN).format(
            moment=moment, shown=len(shown), of=len(found)
        )
    return {"text": text[0].upper() + text[1:], "shown": shown}


def _controls(results: Sequence[ArmResult]) -> list[str]:
    measured = {each.arm for each in results}
    return [name for name in ARMS if name in measured and name != CHOSEN]


def _line(record: Mapping[Any, Any]) -> dict[str, Any]:
    arm = record["arm"]
    return {
        "arm": arm,
        "label": arm_words(arm),
        "method": record["method"],
        "moment": record["moment"],
        "seeds": int(record["seeds"]),
        "step": _finite(record["step"]),
        "norm": _finite(record["norm"]),
        "tokens": _finite(record["tokens"]),
        "figures": {name: [_finite(record[name]), _half(record[f"{name}_spread"])] for name in COMPARED},
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _half(value: float) -> float | None:
    return float(value) / 2 if np.isfinite(value) else None
