"""How numbers are written for people."""

import math
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal


def now_words() -> str:
    """Return the moment that it is, as `2026-11-30 22:10 UTC`."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def signed(value: float, form: str = ".2f") -> str:
    """Return a number in a format, with a true minus; a rounded nothing has no sign.

    A number halfway between two goes away from 0, as it does on the page.

    >>> signed(-0.25), signed(0.25, "+.1f"), signed(-0.001), signed(-0.001, "+.2f"), signed(0.625)
    ('−0.25', '+0.3', '0.00', '0.00', '0.63')
    """
    written: float | Decimal = value
    if form.endswith("f") and math.isfinite(value):
        places = Decimal(1).scaleb(-int(form.rstrip("f").rpartition(".")[2]))
        written = Decimal(value).quantize(places, ROUND_HALF_UP)
    text = f"{written:{form}}"
    size = text.lstrip("+-")
    return text.replace("-", "−") if size.strip("0.") else size


def agreeing_decimals(first: float, second: float, fewest: int = 3) -> int:
    """Return the fewest decimals, to five, with which two figures and their difference add up as shown.

    The difference is that of the figures as they are. The page does the same (`agreeing` in numbers.js).

    >>> agreeing_decimals(0.5, 0.25), agreeing_decimals(0.9843, 0.0016)
    (3, 4)
    """
    for decimals in range(fewest, 5):
        unit = Decimal(1).scaleb(-decimals)
        shown = [Decimal(each).quantize(unit, ROUND_HALF_UP) for each in (first, second, second - first)]
        if shown[1] - shown[0] == shown[2]:
            return decimals
    return 5


def percent(share: float) -> str:
    """Return a share as it was set, not rounded.

    >>> percent(0.25), percent(0.303), percent(1.0), percent(1)
    ('25 %', '30.3 %', '100 %', '100 %')
    """
    return f"{(Decimal(repr(share)) * 100).normalize():f} %"


def p_words(value: float) -> str:
    """Return a p-value as a person reads it; none is nothing.

    >>> p_words(0.0371), p_words(0.0001)
    ('p 0.037', 'p < 0.001')
    """
    return f"p {value:.3f}" if not value < 0.0005 else "p < 0.001"
