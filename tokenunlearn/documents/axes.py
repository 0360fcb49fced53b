"""Axes of a drawing: from values to pixels, with round numbers at even places."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tokenunlearn.documents.drawing import Line, Shape, Words
from tokenunlearn.text.numbers import signed

FLATTEST: Final = 0.02  # the least that an axis spans: less is noise of the numbers, not a course


@dataclass(frozen=True)
class Axis:
    """From values to pixels. `low`, `high`: the values at `first` and `last`."""

    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        """Return where a value lies; one beyond an end, at that end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    @property
    def step(self) -> float:
        """How far two ticks are apart."""
        return _step((self.high - self.low) / 5)

    @property
    def ticks(self) -> list[float]:
        """Round values to write on the axis."""
        step = self.step
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def axis_of(values: Sequence[float], first: float, last: float) -> Axis:
    """Return an axis that holds all values, with a little room; a flat curve is drawn flat."""
    low, high = min(values), max(values)
    flat = max(FLATTEST - (high - low), 0.0) / 2
    room = (high - low) * 0.06 + flat
    return Axis(low - room, high + room, first, last)


def grid(axis: Axis, top: float, bottom: float) -> Iterator[Shape]:
    """Yield a line and a number for each tick, from top to bottom."""
    for tick in axis.ticks:
        yield Line(axis.at(tick), top, axis.at(tick), bottom)
        yield Words(axis.at(tick), bottom + 16, _tick(tick, axis.step), size=11, anchor="middle", tick=True)


def rungs(axis: Axis, left: float, right: float) -> Iterator[Shape]:
    """Yield a line and a number for each tick, from left to right."""
    for tick in axis.ticks:
        yield Line(left, axis.at(tick), right, axis.at(tick))
        yield Words(left - 6, axis.at(tick) + 4, _tick(tick, axis.step), size=11, anchor="end", tick=True)


def _tick(value: float, step: float) -> str:
    """Return a tick with the decimals that its neighbours differ in, so that no two are written alike."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return signed(value, f".{decimals}f") if abs(value) > step / 2 else "0"


def _step(about: float) -> float:
    """Return the round number, 1, 2 or 5 times a power of ten, that is not below `about`."""
    power = 10.0 ** math.floor(math.log10(about))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= about * (1 - 1e-9))
