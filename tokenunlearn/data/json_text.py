"""JSON of files that anybody may have changed: one way to read it, and shapes that say what does not fit.

A shape is a function of a value. It returns () where the value fits, else the way to what does not and what
is wrong there: `("rows", "ada", "question", "is missing")`.
"""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Final

from tokenunlearn.figures import is_figure

Shape = Callable[[Any], tuple[str, ...]]

_LONGEST: Final = 40  # letters of a name that are said
_DEEPEST: Final = 50  # values inside values: what writes JSON for the page stops at 254


def from_json(text: str | bytes) -> Any:
    """Return what a JSON text holds. Raises ValueError for any other text, one nested too deeply included.

    >>> from_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: it is nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def misfit(shape: Shape, value: Any) -> str:
    """Return where and how a value does not fit a shape, "" where it does and can be written as strict JSON.

    >>> misfit(record(rows=each(text)), {"rows": ["a", 1]})
    'rows › 2 is no text'
    """
    *way, wrong = shape(value) or _plain(value) or ("",)
    place = " › ".join(name[:_LONGEST] for name in way) or "it"
    return f"{place} {wrong}" if wrong else ""


def text(value: Any) -> tuple[str, ...]:
    """Fit a text that can be written down: one half of a surrogate pair cannot."""
    try:
        return () if isinstance(value, str) and value.encode() is not None else ("is no text",)
    except UnicodeEncodeError:
        return ("is no text",)


def short(longest: int) -> Shape:
    """Return the shape of a text of at most so many letters."""

    def shape(value: Any) -> tuple[str, ...]:
        if wrong := text(value):
            return wrong
        return () if len(value) <= longest else (f"has more than {longest:,} letters",)

    return shape


def number(low: float = -math.inf, high: float = math.inf) -> Shape:
    """Return the shape of a finite number within bounds."""

    def shape(value: Any) -> tuple[str, ...]:
        if not is_finite(value):
            return ("is no finite number",)
        return () if low <= value <= high else ("is out of bounds",)

    return shape


def is_finite(value: Any) -> bool:
    """Return whether a value is a finite number that can be reckoned with."""
    return value is not None and is_figure(value) and math.isfinite(value)


def count(value: Any) -> tuple[str, ...]:
    """Fit a whole number from 0."""
    return () if type(value) is int and is_figure(value) and value >= 0 else ("is no count",)


def known(shape: Shape) -> Shape:
    """Return a shape that None, not measured, fits as well."""
    return lambda value: () if value is None else shape(value)


def each(shape: Shape, least: int = 0, most: float = math.inf) -> Shape:
    """Return the shape of a list whose items fit one shape."""

    def every(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            return ("is no list",)
        if not least <= len(value) <= most:
            return ("is too short" if len(value) < least else "is too long",)
        return _first((str(at), shape(item)) for at, item in enumerate(value, 1))

    return every


def by_name(shape: Shape, least: int = 0) -> Shape:
    """Return the shape of an object of any names, whose values fit one shape."""

    def every(value: Any) -> tuple[str, ...]:
        if not isinstance(value, dict):
            return ("is no object",)
        if len(value) < least:
            return ("is empty",)
        return _first((name, text(name) or shape(item)) for name, item in value.items())

    return every


def record(**shapes: Shape) -> Shape:
    """Return the shape of an object that has these names, and any others beside."""

    def every(value: Any) -> tuple[str, ...]:
        if not isinstance(value, dict):
            return ("is no object",)
        return _first(
            (name, shape(value[name]) if name in value else ("is missing",)) for name, shape in shapes.items()
        )

    return every


def also(shape: Shape, **beside: Shape) -> Shape:
    """Return the shape of an object that fits one shape, and these others where it has their names."""

    def every(value: Any) -> tuple[str, ...]:
        return shape(value) or _first((name, beside[name](value[name])) for name in beside if name in value)

    return every


def _plain(value: Any) -> tuple[str, ...]:
    """Fit what strict JSON can hold: finite numbers and whole texts, however they lie inside each other."""
    level = [value]
    for _ in range(_DEEPEST):
        for one in level:
            if isinstance(one, str) and text(one):
                return ("holds a broken text",)
            if isinstance(one, int | float) and not (isinstance(one, bool) or is_finite(one)):
                return ("holds a number that is not finite",)
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return ()
    return ("is nested too deeply",)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    return value if isinstance(value, list) else ()


def _first(found: Iterable[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    return next(((name, *wrong) for name, wrong in found if wrong), ())
