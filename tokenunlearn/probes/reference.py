"""A report held against that of a model that never saw the forget rows, and against the one from before.

Forget quality and PrivLeak say how near the model is to the reference; the three axes of OpenUnlearning and
their single number need the report from before as well. What lacks a part is None, and `lacks` names it.

Ours: fluency is the share of the greedy answers to the forget questions that are not garbled, in place of the
downloaded classifier of gibberish; and where a set has other facts of the world than TOFU's two, each of its
sets brings its three parts of model utility.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.axes import Axes, Parts, harmonic_mean
from tokenunlearn.metrics.privacy import closeness, privleak
from tokenunlearn.metrics.tofu import forget_quality, kept_truth_score, truth_probability
from tokenunlearn.probes.entry import mean_known
from tokenunlearn.probes.membership import PROBES as MEMBERSHIP
from tokenunlearn.probes.report import Report, with_badges

ALL: Final = ("memorization", "privacy", "utility", "overall")


def against(report: Report, reference: Report, rows: Splits, before: Report | None = None) -> dict[str, Any]:
    """Return what the report is worth beside the reference, ready for JSON.

    Keys: `forget_quality` (the p-value of a Kolmogorov-Smirnov test of the raw truth ratios), `n` and
    `n_reference` (rows on either side), `privleak` (per cent, by Min-K), the axes of `ALL`, `lacks`.
    """
    ratios, others = _values(report, "truth_ratio"), _values(reference, "truth_ratio")
    axes = Axes(
        memorization=_memorization(report),
        privacy={
            MEMBERSHIP[name].label: closeness(_figure(report, name), _figure(reference, name))
            for name in MEMBERSHIP
        },
        utility=_utility(report, rows, before),
        whole=_utility(before, rows, before),
    )
    membership = [_figure(each, "mia_min_k") for each in (report, reference)]
    figures = {
        "forget_quality": forget_quality(ratios, others),
        "privleak": privleak(*membership) if not np.isnan(membership).any() else math.nan,
        **axes.figures(),
    }
    return {
        **{name: value if math.isfinite(value) else None for name, value in figures.items()},
        "n": len(ratios),
        "n_reference": len(others),
        "lacks": axes.lacks(),
    }


def figures_fault(report: Mapping[str, Any]) -> str:
    """Return why a report's figures cannot be held against others; "" when they can."""
    by_row, summary = report.get("by_row"), report.get("summary")
    if not isinstance(by_row, dict) or not isinstance(summary, dict):
        return "It has no figures by row, as reports of older versions"
    for name, values in {**by_row, "summary": summary}.items():
        known = values.values() if isinstance(values, dict) else [values]
        if not all(value is None or type(value) in (int, float) for value in known):
            return f"The values of {str(name)[:60]} are not numbers"
    return ""


def _memorization(report: Report) -> Parts:
    right = report["by_row"].get("reworded") or {}
    ratios = report["by_row"].get("truth_ratio") or {}
    both = [name for name in ratios if ratios[name] is not None and right.get(name) is not None]
    kept = {
        "extraction strength": _figure(report, "extraction_strength"),
        "exact memorisation": _figure(report, "exact_memorization"),
        "probability in other words": _figure(report, "reworded"),
        "truth over falsehood": truth_probability([ratios[n] for n in both], [right[n] for n in both]),
    }
    return {name: 1.0 - value for name, value in kept.items()}


def _utility(report: Report | None, rows: Splits, before: Report | None) -> Parts:
    """Return model utility and fluency; both NaN without a report."""
    if report is None or before is None:
        return {"model utility": math.nan, "fluency": math.nan}
    parts = {
        "retain probability": _figure(report, "retain_probability"),
        "retain ROUGE-L": _figure(report, "rouge_retain"),
        "retain truth": _figure(report, "retain_truth"),
    }
    for name in dict.fromkeys(row.set for row in rows.world) or ("world",):
        members = [row.id for row in rows.world if row.set == name]
        parts[f"{name} probability"] = mean_known(_values(report, "world_probability", members))
        parts[f"{name} ROUGE-L"] = mean_known(_values(report, "rouge_world", members))
        parts[f"{name} truth"] = kept_truth_score(_values(report, "world_truth", members))
    return {"model utility": harmonic_mean(parts), "fluency": _not_garbled(report, before)}


def _not_garbled(report: Report, before: Report) -> float:
    badged = with_badges(before, report)
    if badged["garbled_below"] is None:
        return math.nan
    lines = [line for line in badged["answers"] if line["kind"] == "forget"]
    return 1.0 - float(np.mean([line["badge"] == "garbled" for line in lines])) if lines else math.nan


def _figure(report: Report, name: str) -> float:
    value = report["summary"].get(name)
    return math.nan if value is None else float(value)


def _values(report: Report, name: str, only: Sequence[str] | None = None) -> list[float]:
    """Return the values of a probe that were measured, row by row."""
    known: Mapping[str, float | None] = report["by_row"].get(name) or {}
    values = (known.get(row) for row in (known if only is None else only))
    return [value for value in values if value is not None]
