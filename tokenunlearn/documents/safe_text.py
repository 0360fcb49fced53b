"""Text of users in documents: it is text and never code, and what cannot be seen has a picture."""

import unicodedata
from html import escape
from typing import Final


def escaped(text: str) -> str:
    """Return the text for HTML, as content or in a quoted attribute."""
    return escape(visible(text))


def visible(text: str) -> str:
    """Return the text with characters that a document may not hold, or that cannot be seen, as their picture.

    >>> visible("a" + chr(0) + "b")
    'a␀b'
    """
    return "".join(_picture(each) for each in text)


def _picture(character: str) -> str:
    code = ord(character)
    if character in "\t\n":
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    refused = 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE
    return "\ufffd" if refused else character


def has_direction(text: str) -> bool:
    """Return whether the text holds a character that turns the writing direction of what follows it."""
    return any(unicodedata.bidirectional(each) in _TURNS for each in text)


_TURNS: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
