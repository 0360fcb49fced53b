"""Score bins and doses in words and numbers, for page and report: what follows the score, and how far."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from tokenunlearn.experiments.planned import FEWEST_SEEDS, Plan
from tokenunlearn.experiments.response import Response, responses
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.experiments.series import BINS, DOSES, FUSED
from tokenunlearn.experiments.verdict import Finding
from tokenunlearn.metrics.statistics import Comparison
from tokenunlearn.probes import PROBES
from tokenunlearn.probes.kept import FACT

TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {BINS: "Trained by score bin", DOSES: "Trained by share of the tokens"}
)
NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        BINS: "Each bin trains the tokens of one part of the scores, as many of a row in each. If the score "
        "marks what matters, the fact falls further in higher bins.",
        DOSES: "Each dose trains a share of every row's tokens, the highest scores first; 100 % is all.",
    }
)


def series_view(results: Sequence[ArmResult], plan: Plan | None = None) -> list[dict[str, Any]]:
    """Return each series that was measured: title, places, each figure's change with its interval, and words.

    A change is `{mean, low, high, seeds, rows, no_spread}`, since before any step; `low` and `high` are None
    on one seed and where there is no spread, the whole is None where it is not measured.
    """
    return [_series(each) for each in responses(results, plan)]


def _series(found: Response) -> dict[str, Any]:
    by = "" if found.by == FUSED else f", by {found.by}"
    method = f", {found.method}" if found.method else ""
    return {
        "series": found.series,
        "title": f"{TITLES[found.series]}{by}{method}",
        "note": NOTES[found.series],
        "places": [point.place.words for point in found.points],
        "figures": [
            {
                "key": probe,
                "label": f"{PROBES[probe].label} {PROBES[probe].arrow}".rstrip(),
                "probability": PROBES[probe].unit == "probability",
                "before": before,
                "changes": [
                    interval_of(change) if np.isfinite(change.mean) else None
                    for change in (point.changes[probe] for point in found.points)
                ],
            }
            for probe, before in found.before.items()
        ],
        "headline": _headline(found.ends),
        "ends": [end.words for end in found.ends if np.isfinite(end.comparison.mean)],
    }


def _headline(ends: Sequence[Finding]) -> str:
    """Return whether the highest bin forgets the fact further than the lowest; "" without both."""
    fact = next((end for end in ends if end.probe == FACT and np.isfinite(end.comparison.mean)), None)
    if fact is None:
        return ""
    found = fact.comparison
    if found.seeds < FEWEST_SEEDS:
        return f"Nothing can be shown of bins on fewer than {FEWEST_SEEDS} seeds, and this has {found.seeds}."
    if not fact.shown:
        return (
            "It is not shown that the highest bin forgets the fact further than the lowest: "
            f"{_difference(fact)}."
        )
    word = "further" if fact.better else "less far"
    return f"The highest bin forgets the fact {word} than the lowest: {_difference(fact)}."


def _difference(finding: Finding) -> str:
    return f"{finding.figure('+.2f', finding.p_told)}, {finding.counts}"


def interval_of(found: Comparison) -> dict[str, Any]:
    """Return a difference with its interval as JSON values, None where one cannot be formed."""
    ends = {name: getattr(found, name) for name in ("mean", "low", "high")}
    return {
        **{name: float(value) if np.isfinite(value) else None for name, value in ends.items()},
        **{name: getattr(found, name) for name in ("seeds", "rows")},
        "no_spread": found.spreadless,
    }
