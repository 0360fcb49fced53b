"""Records by line: what stands in a file before any of it is called a row."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

Line = tuple[int, Any]
"""Its number, counted from 1, and the record, or the InputError that says why there is none."""


@dataclass(frozen=True)
class Records:
    """What stands in a file of this name. `columns`: all names, in the order in which they first occur.

    `read` gives the lines with at least the columns that it is asked for. `cells`: the values are texts of a
    table, in which lists are written out.
    """

    name: str
    columns: tuple[str, ...]
    read: Callable[[Collection[str]], Iterable[Line]]
    cells: bool = False


def sound_names(names: Iterable[Any]) -> tuple[str, ...]:
    """Return the names that can be shown and chosen, each once: not the empty and the broken ones."""
    known = dict.fromkeys(str(name) for name in names if name)
    return tuple(name for name in known if name.encode("utf-8", "ignore").decode() == name)
