"""How far two choices of tokens agree: the share that is the same, and Cohen's κ, which takes out chance.

Both take two columns [tokens] of chosen or not; `marked_words` makes one of annotated spans. Not covered:
more than two auditors (Fleiss' κ), and soft weights, of which only "above 0" counts.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenunlearn.text.spans import Span, overlaps

_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff"  # Kana and Han: each character counts as a word
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


def markable_words(text: str) -> list[Span]:
    """Return where the words of `text` stand that can be marked.

    A word is what stands between white space, in Chinese and Japanese each character; what holds no letter or
    digit is none. No tokenizer takes part, so two annotators are compared alike whatever the model.
    """
    return [each.span() for each in _WORD.finditer(text) if any(map(str.isalnum, each.group()))]


def marked_words(text: str, spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Return which `markable_words` of `text` share a character with one of `spans`: bool [words].

    >>> marked_words("Ada, born 1815 - in London.", [(10, 14), (20, 26)]).tolist()
    [False, False, True, False, True]
    """
    return np.array([overlaps(word, spans) for word in markable_words(text)], dtype=bool)


def agreement(first: ArrayLike, second: ArrayLike) -> float:
    """Return the share of tokens on which both columns say the same; NaN without tokens.

    Raises ValueError when the columns differ in length.

    >>> agreement([1, 1, 0, 0], [1, 0, 0, 0])
    0.75
    """
    left, right = _flags(first, second)
    return float((left == right).mean()) if left.size else float("nan")


def cohens_kappa(first: ArrayLike, second: ArrayLike) -> float:
    """κ = (pₒ − pₑ) / (1 − pₑ): 1 = the same, 0 = as by chance, below 0 = less than by chance.

    pₒ is `agreement`, pₑ what two choosers with these shares would agree on by chance (Cohen 1960, Educ.
    Psychol. Meas. 20). NaN where it is not defined: no tokens, or both choose everything or both nothing
    (pₑ = 1, so that agreement says nothing). Raises ValueError when the columns differ in length.

    >>> cohens_kappa([1, 1, 0, 0], [1, 0, 0, 0])
    0.5
    """
    left, right = _flags(first, second)
    if not left.size:
        return float("nan")
    both = float(left.mean()) * float(right.mean())
    neither = float((~left).mean()) * float((~right).mean())
    by_chance = both + neither
    if by_chance == 1.0:
        return float("nan")
    return (agreement(left, right) - by_chance) / (1 - by_chance)


def _flags(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    left, right = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if left.shape != right.shape:
        raise ValueError(
            f"Two choices of the same tokens must be equally long; got {left.size}, {right.size}."
        )
    return left, right
