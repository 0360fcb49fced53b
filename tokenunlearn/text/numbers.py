"""How numbers are written for people."""

from datetime import UTC, datetime


def now_words() -> str:
    """Return the moment that it is, as `2026-11-30 22:10 UTC`."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def signed(value: float, form: str = ".2f") -> str:
    """Return a number in a format, with a true minus; a rounded nothing has no sign.

    >>> signed(-0.25), signed(0.25, "+.1f"), signed(-0.001), signed(-0.001, "+.2f")
    ('−0.25', '+0.2', '0.00', '0.00')
    """
    text = f"{value:{form}}"
    size = text.lstrip("+-")
    return text.replace("-", "−") if size.strip("0.") else size


def p_words(value: float) -> str:
    """Return a p-value as a person reads it; none is nothing.

    >>> p_words(0.0371), p_words(0.0001)
    ('p 0.037', 'p < 0.001')
    """
    return f"p {value:.3f}" if not value < 0.0005 else "p < 0.001"
