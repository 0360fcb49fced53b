"""What is kept, as one figure of several, to set against what was forgotten."""

import math
from collections.abc import Mapping
from typing import Any, Final

from tokenunlearn.probes import COMPARED, PROBES

FACT: Final = "fact_joint"  # what is forgotten, where one figure stands for it
KEPT: Final = "kept"
# Of what should stay, the probabilities that every comparison has.
KEPT_OF: Final = tuple(
    name for name in COMPARED if PROBES[name].wanted == "up" and PROBES[name].unit == "probability"
)


def with_kept(summary: Mapping[str, Any] | None) -> dict[str, float | None] | None:
    """Return the figures of a Report's summary, and what was kept; None without a summary.

    None where a figure is not measured; what was kept is not where a part of it is not.
    """
    if not summary:
        return None
    found = {name: _finite(value) for name, value in summary.items() if name in PROBES}
    parts = [found.get(name) for name in KEPT_OF]
    known = [value for value in parts if value is not None]
    return {**found, KEPT: sum(known) / len(known) if len(known) == len(parts) else None}


def _finite(value: Any) -> float | None:
    number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if number else None
