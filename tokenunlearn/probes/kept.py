"""What is kept, as one figure of several: `kept` and `retention`, which differ in the world.

`kept` is set against what was forgotten, once all is measured. `retention` is what training sees of it while
it runs, and what equal retention is named after. Nothing else is called by either name.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from numpy.typing import ArrayLike

from tokenunlearn.metrics.statistics import mean_interval
from tokenunlearn.probes import COMPARED, PROBES

FACT: Final = "fact_joint"  # what is forgotten, where one figure stands for it
KEPT: Final = "kept"
# Of what should stay, the probabilities that every comparison has.
KEPT_OF: Final = tuple(
    name for name in COMPARED if PROBES[name].wanted == "up" and PROBES[name].unit == "probability"
)
RETENTION: Final = "retention"
RETENTION_OF: Final = ("other", "retain")


def with_kept(summary: Mapping[str, Any] | None) -> dict[str, float | None] | None:
    """Return the figures of a Report's summary, and what was kept; None without a summary.

    None where a figure is not measured; what was kept is not where a part of it is not.
    """
    if not summary:
        return None
    found = {name: _finite(value) for name, value in summary.items() if name in PROBES}
    return {**found, KEPT: _mean_of(KEPT_OF, found)}


def retention(figures: Mapping[str, Any]) -> float | None:
    """Return the mean of what should stay of the other tokens and of the rows to keep; None without both."""
    return _mean_of(RETENTION_OF, figures)


def of_seeds(name: str, values: ArrayLike) -> tuple[float, float, float]:
    """Return the mean of a figure over seeds with its interval, as far as the figure can go; else NaN."""
    return mean_interval(values, bounds=PROBES[name].bounds if name in PROBES else (0.0, 1.0))


def _mean_of(names: Sequence[str], figures: Mapping[str, Any]) -> float | None:
    known = [value for name in names if (value := figures.get(name)) is not None]
    return sum(known) / len(known) if len(known) == len(names) else None


def _finite(value: Any) -> float | None:
    number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if number else None
