"""The words for a precision; without torch, so that a wrong one is refused before anything slow."""

from typing import Final

from tokenunlearn.errors import SettingError

PRECISIONS: Final = ("auto", "fp32", "bf16")


def check_precision(word: str) -> None:
    """Raise SettingError for a word that is no precision."""
    if word not in PRECISIONS:
        why = f"It must be one of: {', '.join(PRECISIONS)}"
        raise SettingError(f"precision is {word!r}", why, where="--precision")


def measured_in(precision: str) -> str:
    """Return the precision of figures in words, with what it does to them.

    >>> measured_in("fp32")
    'Measured in fp32'
    """
    beside = ", where a probability moves by some thousandths with the texts that are read beside it"
    return f"Measured in {precision}{beside if precision == 'bf16' else ''}"
