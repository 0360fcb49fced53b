"""The figures of a comparison: every probe by its entry, and what is kept, as one figure of several."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.views.probe import ARROWS, labels
from tokenunlearn.probes import COMPARED, PROBES

KEPT: Final = "kept"
# Of what should stay, the probabilities that every comparison has.
KEPT_OF: Final = tuple(
    name for name in COMPARED if PROBES[name].wanted == "up" and PROBES[name].unit == "probability"
)


def figures() -> list[dict[str, Any]]:
    """Return every figure: key, heading, name, direction, unit, help, and whether it is shown at first."""
    return [_figure(label) for label in labels()] + [
        {
            "key": KEPT,
            "label": "Kept ↑",
            "name": f"Kept: mean of {listed([PROBES[name].label for name in KEPT_OF])}",
            "wanted": "up",
            "unit": "probability",
            "help": "One figure for what should stay, to plot against what was forgotten. Source: ours.",
            "shown": False,
        }
    ]


def _figure(label: Mapping[str, Any]) -> dict[str, Any]:
    probe = PROBES[label["key"]]
    name = label["label"].removesuffix(ARROWS[probe.wanted])
    return {
        **label,
        "name": name,
        "label": f"{probe.short or name}{ARROWS[probe.wanted]}",
        "shown": label["key"] in COMPARED,
    }


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


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: `other tokens, retain and real world`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)
