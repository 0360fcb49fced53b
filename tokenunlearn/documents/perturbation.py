"""Curves of deletion and insertion, beside random orders and the reverse of each order.

Drawn from the report of `perturbation` alone, a picture for each wording of the question.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tokenunlearn.documents.axes import Axis, axis_of, rungs
from tokenunlearn.documents.drawing import Dot, Drawing, Line, Shape, Words
from tokenunlearn.experiments.perturbation import CURVES, RANDOM
from tokenunlearn.experiments.perturbation_words import label_of, rows_said

WIDE: Final = 720.0
HIGH: Final = 172.0  # of a panel
_ACROSS: Final = {"deletion": "share removed", "insertion": "share kept, all else removed"}
# Line → colour, shape of its dots, dashed.
_LOOKS: Final[Mapping[str, tuple[str, str, bool]]] = {
    "this order": ("run0", "circle", False),
    "its reverse": ("run1", "diamond", True),
    "random orders": ("run7", "square", False),
}


def perturbation_drawings(report: Mapping[str, Any]) -> list[Drawing]:
    """Return the curves of each wording: a line of panels an order, deletion and insertion."""
    wordings = enumerate(report["wordings"].items(), 1)
    return [_drawing(number, wording, found) for number, (wording, found) in wordings]


def _drawing(number: int, wording: str, found: Mapping[str, Any]) -> Drawing:
    random = found[RANDOM]["mean"]
    every = [found["orders"][name][curve]["mean"] for name in found["orders"] for curve in CURVES]
    low_high = [value for curve in (*every, random) for value in curve]
    shapes: list[Shape] = [*_key()]
    for row, (name, order) in enumerate(found["orders"].items()):
        # The reverse of an order deletes last what it deletes first: its insertion, read from the end.
        curves = {curve: order[curve]["mean"] for curve in CURVES}
        for column, (curve, other) in enumerate(zip(CURVES, reversed(CURVES), strict=True)):
            lines = {
                "random orders": random if curve == "deletion" else random[::-1],
                "its reverse": curves[other][::-1],
                "this order": curves[curve],
            }
            corner = (column * WIDE / 2, 40 + row * HIGH)
            shapes += _panel(f"{label_of(name)}: {curve}", lines, corner, low_high, _ACROSS[curve])
    about = (
        f"{rows_said(found['rows'])}, {wording}: the fact's mean log-probability, nats a token, as context "
        "is removed (deletion) or put back (insertion) in the order of each score, in its reverse, and in "
        "random order. Deletion falls sooner, and insertion rises sooner, where an order finds what the fact "
        "rests on. The table has the areas."
    )
    title = f"What is left of the fact, {wording}"
    return Drawing(f"perturb-{number}", title, about, WIDE, 48 + HIGH * len(found["orders"]), tuple(shapes))


def _key() -> Iterator[Shape]:
    left = 52.0
    for name, (colour, shape, _) in _LOOKS.items():
        yield Dot(left, 16, 4, colour, shape)
        yield Words(left + 10, 20, name, "ink")
        left += 34 + 7 * len(name)
    yield Words(left + 6, 20, "log-probability of the fact, nats a token")


def _panel(
    title: str,
    lines: Mapping[str, Sequence[float]],
    corner: tuple[float, float],
    low_high: Sequence[float],
    across: str,
) -> Iterator[Shape]:
    left, top = corner
    first, last = left + 52, left + WIDE / 2 - 16
    yield Words(left + 8, top + 14, title, "ink", 12, bold=True)
    upward = axis_of(low_high, top + 124, top + 28)
    yield from rungs(upward, first, last)
    places = Axis(0, len(next(iter(lines.values()))) - 1, first + 4, last - 4)
    for at, words in ((0, "0"), (places.high / 2, across), (places.high, "all")):
        anchor = "start" if at == 0 else "end" if at == places.high else "middle"
        yield Words(places.at(at), top + 142, words, size=11, anchor=anchor, tick=True)
    for name, values in lines.items():
        colour, shape, dashed = _LOOKS[name]
        points = [(places.at(at), upward.at(value)) for at, value in enumerate(values)]
        for one, other in zip(points, points[1:], strict=False):
            yield Line(*one, *other, colour, 1.8 if name == "this order" else 1.3, dashed)
        for point in points:
            yield Dot(*point, 2.4, colour, shape)
