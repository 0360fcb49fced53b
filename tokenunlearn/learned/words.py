"""Tokens to words: the mean of a word's states, its label, and a word's value back on its tokens.

Tokens that are left out (the subject's name, punctuation) are in no word: they are not fitted on nor counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Words:
    """Words of some rows, in order. `states` float32 [words, width]; `labels` [words] 1, 0, NaN = not known.

    `rows` [words] are row numbers, `numbers` [words] the word's number in its row.
    """

    states: NDArray[np.float32]
    labels: Floats
    rows: Integers
    numbers: Integers

    @property
    def known(self) -> "Words":
        """The words whose label is known."""
        return self.only(~np.isnan(self.labels))

    def only(self, kept: NDArray[np.bool_]) -> "Words":
        """Return the words where `kept` [words] is true."""
        return Words(self.states[kept], self.labels[kept], self.rows[kept], self.numbers[kept])

    def labelled(self, labels: ArrayLike) -> "Words":
        """Return the same words with other labels [words]."""
        return Words(self.states, np.asarray(labels, dtype=np.float64), self.rows, self.numbers)


def words_of(
    states: NDArray[np.float32], rows: ArrayLike, numbers: ArrayLike, left_out: ArrayLike, labels: ArrayLike
) -> Words:
    """Return the words of tokens: `states` [tokens, width], the rest [tokens], tokens of a word side by side.

    A word's state is the mean of its tokens', its label the highest that is known of them.
    """
    kept = ~np.asarray(left_out, dtype=bool)
    row, number = (np.asarray(each, dtype=np.int64)[kept] for each in (rows, numbers))
    begins = np.ones(len(row), dtype=bool)
    begins[1:] = (row[1:] != row[:-1]) | (number[1:] != number[:-1])
    starts = np.flatnonzero(begins)
    if not len(starts):
        return Words(np.zeros((0, states.shape[1]), np.float32), np.zeros(0), row, number)
    counts = np.diff(np.append(starts, len(row)))
    sums = np.add.reduceat(states[kept].astype(np.float64), starts, axis=0)
    label = np.asarray(labels, dtype=np.float64)[kept]
    return Words(
        (sums / counts[:, None]).astype(np.float32),
        np.fmax.reduceat(label, starts),
        row[starts],
        number[starts],
    )


def on_tokens(values: ArrayLike, words: Words, rows: ArrayLike, numbers: ArrayLike) -> Floats:
    """Return a value a word [words] on each of its tokens [tokens]; NaN on tokens whose word has none."""
    found = dict(
        zip(zip(words.rows.tolist(), words.numbers.tolist(), strict=True), np.asarray(values), strict=True)
    )
    pairs = zip(np.asarray(rows).tolist(), np.asarray(numbers).tolist(), strict=True)
    return np.array([found.get(pair, np.nan) for pair in pairs], dtype=np.float64)


def word_means(values: ArrayLike, numbers: ArrayLike, left_out: ArrayLike) -> Floats:
    """Return for each token of a row the mean of its word's tokens, those `left_out` not counted; [tokens].

    A word of which every token is left out has the mean of them all.
    """
    given, number = np.asarray(values, dtype=np.float64), np.asarray(numbers, dtype=np.int64)
    if not len(given):
        return given
    counted = (~np.asarray(left_out, dtype=bool)).astype(np.float64)
    none = np.bincount(number, weights=counted) == 0
    weights = np.where(none[number], 1.0, counted)
    sums, counts = np.bincount(number, weights=given * weights), np.bincount(number, weights=weights)
    return np.asarray(sums[number] / counts[number])
