"""Figures as they stand in files: numbers, None where nothing was measured."""

from typing import Any, Final

_LARGEST: Final = 10**15  # of a whole number: one that no float holds cannot be reckoned with


def are_figures(values: Any) -> bool:
    """Return whether these are figures by name.

    >>> are_figures({"retain": 0.5, "world": None}), are_figures({"retain": "x"}), are_figures([1])
    (True, False, False)
    """
    return isinstance(values, dict) and all(map(is_figure, values.values()))


def is_figure(value: Any) -> bool:
    """Return whether a value is a number, or None."""
    return value is None or type(value) is float or (type(value) is int and abs(value) <= _LARGEST)
