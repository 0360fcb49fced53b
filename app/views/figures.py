"""The figures of a comparison: every probe by its entry, and what is kept, as one figure of several."""

from collections.abc import Mapping
from typing import Any

from app.views.probe import labels
from tokenunlearn.documents.words import listed
from tokenunlearn.probes import COMPARED, PROBES
from tokenunlearn.probes.kept import KEPT, KEPT_OF


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
    name = label["label"].removesuffix(probe.arrow).rstrip()
    return {
        **label,
        "name": name,
        "label": f"{probe.short or name} {probe.arrow}".rstrip(),
        "shown": label["key"] in COMPARED,
    }
