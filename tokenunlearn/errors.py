"""The error tree. Each error says what is wrong, why, how to mend it, and where.

    TokenUnlearnError
    ├── InputError     a file or row cannot be used
    ├── SettingError   a setting is out of its range, of the wrong type or unknown
    ├── ModelError     a model, tokenizer or adapter cannot be loaded or asked
    ├── TableError     an exchange table is incomplete or belongs to something else
    ├── MaskError      a mask does not fit the text, the model or its own hash
    └── RunError       a run cannot start, continue or be found

The command line prints `str(error)` and exits with 2 on any of them; the page shows the same text.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TokenUnlearnError(Exception):
    """The base of every expected error. `str()` of it reads: what, why, fix, where.

    `where` is a file, row, field or flag. Parts that are empty are left out of the text.
    """

    def __init__(self, what: str, why: str = "", fix: str = "", where: str = "") -> None:
        super().__init__(what, why, fix, where)
        self.what = what
        self.why = why
        self.fix = fix
        self.where = where

    @property
    def said(self) -> str:
        """What and why, without the advice and the place: for an error that is told by another one."""
        return " ".join(_sentence(part) for part in (self.what, self.why) if part.strip())

    def __str__(self) -> str:
        place = f"Where: {self.where}" if self.where else ""
        parts = (self.what, self.why, self.fix, place)
        return " ".join(_sentence(part) for part in parts if part.strip())


class InputError(TokenUnlearnError):
    """A file or a row of it cannot be used."""


class SettingError(TokenUnlearnError):
    """A setting is out of its range, of the wrong type, or unknown."""


class ModelError(TokenUnlearnError):
    """A model, tokenizer or adapter cannot be loaded or asked."""


class TableError(TokenUnlearnError):
    """An exchange table is incomplete, unreadable or belongs to other text."""


class MaskError(TokenUnlearnError):
    """A mask does not fit the text, the model or its own hash."""


class RunError(TokenUnlearnError):
    """A run cannot start, continue or be found."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the advice after an unknown name: the closest known one, then all of them.

    >>> did_you_mean("entrpy", ["entropy", "loss"])
    'Did you mean entropy? There are: entropy, loss.'
    """
    names = [str(each) for each in known]
    close = get_close_matches(str(name), names, n=1, cutoff=0.5)
    guess = f"Did you mean {close[0]}? " if close else ""
    return f"{guess}There are: {', '.join(names)}."


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text[-1] in ".!?" else f"{text}."
