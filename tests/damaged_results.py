"""Whole reports of measurements, written by hand, and every way to break one of their values."""

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.drawn_depth import drawn_depth
from tokenunlearn.experiments.perturbation import FUSED, RANDOM

INFINITY, NOTHING = float("inf"), float("nan")
ODD: Final = (
    None, INFINITY, -INFINITY, NOTHING, 1e308, 10**400, 800, True, "x", "\ud800", [], {}, [None], {"a": 1},
)  # fmt: skip


def whole_depth() -> dict[str, Any]:
    """Two facts, and a sentence."""
    return {**drawn_depth(), "says": ["Said."]}


def whole_perturb() -> dict[str, Any]:
    """One wording, one order beside random ones."""
    curve = {"area": 0.1, "low": 0.0, "high": 0.2, "mean": [-1.0, -2.0, -3.0], "by_row": [0.1]}
    apart = {"mean": 0.1, "low": 0.0, "high": 0.2, "p_value": 0.5, "p_adjusted": 0.6}
    order = {"deletion": curve, "insertion": curve, "above_random": {"deletion": apart, "insertion": apart}}
    found = {"rows": 2, "tokens": 5.0, "passes": 10, "log_prob": -1.0, RANDOM: curve}
    wording = {**found, "orders": {FUSED: {**order, "above_reverse": apart}}}
    settings = {"over": "answer", "removal": "attention", "draws": 5}
    return {"settings": settings, "left_out": {}, "wordings": {"own question": wording}, "says": ["Said."]}


def whole_gradients() -> dict[str, Any]:
    """One layer, twenty draws."""
    group = {"tokens": 3, "ratio": 0.2, "low": None, "high": None, "across": 0.1, "why": ""}
    draws = {"ratios": [0.1, None], "reached": 1, "p": 0.5}
    part = {
        "groups": dict.fromkeys(("chosen", "unchosen", "all", "gold"), group),
        "draws": {"random": draws, "words": draws},
        "cosines": dict.fromkeys(("chosen", "unchosen"), {"median": 0.1}),
    }
    return {"whole": part, "layers": [{"layer": 1, **part}], "says": ["Said."]}


WHOLE: Final = {"depth": whole_depth, "perturb": whole_perturb, "gradients": whole_gradients}


def whole(kind: str) -> dict[str, Any]:
    """A report of a kind, no part of it the same object as another."""
    report: dict[str, Any] = json.loads(json.dumps(WHOLE[kind]()))
    return report


def damaged(kind: str) -> Iterator[tuple[str, str]]:
    """Yield where and how a report of a kind is broken, and its text: each value taken out, or an odd one."""
    for way in places(whole(kind)):
        for at in range(len(ODD) + 1):
            report = whole(kind)
            *above, last = way
            holder: Any = report
            for name in above:
                holder = holder[name]
            holder.pop(last) if at == len(ODD) else holder.__setitem__(last, ODD[at])
            yield f"{way} {ODD[at]!r:.20}" if at < len(ODD) else f"{way} gone", json.dumps(report)


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value inside a report, of a list to its first: all of them are read alike."""
    first = enumerate(value[:1]) if isinstance(value, list) else ()
    inside = value.items() if isinstance(value, dict) else first
    for name, each in inside:
        yield (name,)
        yield from ((name, *way) for way in places(each))
