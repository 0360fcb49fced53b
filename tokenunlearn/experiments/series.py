"""Series of arms: how what is forgotten and kept follows the scores.

A *bin* trains exactly the tokens of one quantile of a score, so it asks whether higher scores mark the tokens
that matter. A *dose* trains a share of the tokens, the highest scores first. Both work row by row. Each bin
has as many tokens of a row as each other, so that no bin is about other rows or more tokens: what is left
over lies between the middle ones and belongs to none, and a row with fewer tokens than bins is in no bin.
Equal scores are taken in random order, by the seed: in the order of the answer, a bin would be a place in it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np

from tokenunlearn.experiments.entry import Seen, Tokens
from tokenunlearn.fusion import Column, groups

FUSED: Final = "fused"  # the rule's own score, as `by`
BINS: Final = "bins"
DOSES: Final = "doses"


@dataclass(frozen=True)
class Place:
    """One arm of a series: the `at`-th, from 1, of `of`, in the order of the score `by`."""

    series: str
    at: int
    of: int
    by: str = FUSED

    @property
    def name(self) -> str:
        """Its name, such as `bins:2/4`, or `bins:loss:2/4` by a signal."""
        by = "" if self.by == FUSED else f"{self.by}:"
        return f"{self.series}:{by}{self.at}/{self.of}"

    @property
    def words(self) -> str:
        """Where it stands in its series: `1 of 4 (lowest)`, or the share of a dose."""
        if self.series == DOSES:
            return f"{self.at / self.of:.0%}"
        end = " (lowest)" if self.at == 1 else " (highest)" if self.at == self.of else ""
        return f"{self.at} of {self.of}{end}"


def place_of(name: str) -> Place | None:
    """Return the place that a name says; None where it is no name of an arm of a series, as it is written."""
    found = re.fullmatch(r"(\w+):(?:(\w+):)?(\d{1,3})/(\d{1,3})", name)
    if not found or found[1] not in _SERIES or not 1 <= int(found[3]) <= int(found[4]):
        return None
    place = Place(found[1], int(found[3]), int(found[4]), found[2] or FUSED)
    return place if place.name == name else None


def series_names(series: str, of: int, by: str = FUSED) -> tuple[str, ...]:
    """Return the names of the arms of a series of `of`, none for 0."""
    return tuple(Place(series, at, of, by).name for at in range(1, of + 1))


def series_arm(name: str) -> Tokens | None:
    """Return the choice of tokens of a name; None where it is no name of an arm of a series."""
    place = place_of(name)
    return None if place is None else _SERIES[place.series](place)


def _arm(place: Place, label: str, help: str, weights: Callable[[Place, Seen], Column]) -> Tokens:
    return Tokens(
        label=f"{label} {place.words}, by {place.by}",
        help=help,
        weights=partial(weights, place),
        signals=() if place.by == FUSED else (place.by,),
        series=place.series,
        seeded=True,
    )


def _bin(place: Place) -> Tokens:
    told = f"The tokens of each row in part {place.at} of {place.of} by their score, {place.by}"
    return _arm(place, "bin", told, _bin_weights)


def _dose(place: Place) -> Tokens:
    told = f"{place.words} of each row's tokens, those with the highest score, {place.by}, first"
    return _arm(place, "dose", told, _dose_weights)


_SERIES: Final = MappingProxyType({BINS: _bin, DOSES: _dose})
SERIES_WORDS: Final[Mapping[str, str]] = MappingProxyType({BINS: "score bins", DOSES: "doses"})


def _bin_weights(place: Place, seen: Seen) -> Column:
    scores, keys = _scores(seen, place.by), np.asarray(seen.columns["random_key"], np.float64)
    candidates = ~np.isnan(scores) & ~seen.selection.excluded
    weights = np.zeros(scores.size)
    for group in groups(np.asarray(seen.columns["row"]), scores.size):
        own = group[candidates[group]]
        ranked = own[np.lexsort((keys[own], scores[own]))]
        size = ranked.size // place.of
        # The lower half counts from the lowest score, the upper one from the highest.
        upper = place.at > place.of / 2
        start = ranked.size - (place.of - place.at + 1) * size if upper else (place.at - 1) * size
        weights[ranked[start : start + size]] = 1.0
    return weights


def _dose_weights(place: Place, seen: Seen) -> Column:
    scores, keys = _scores(seen, place.by), np.asarray(seen.columns["random_key"], np.float64)
    # What the rule never chooses comes after all that it may choose, what has no score at the very end.
    last = np.where(np.isnan(scores), 2, np.where(seen.selection.excluded, 1, 0))
    weights = np.zeros(scores.size)
    for group in groups(np.asarray(seen.columns["row"]), scores.size):
        ranked = group[np.lexsort((keys[group], -np.nan_to_num(scores[group]), last[group]))]
        weights[ranked[: int(np.floor(group.size * place.at / place.of + 0.5))]] = 1.0
    return weights


def _scores(seen: Seen, by: str) -> Column:
    return seen.fused if by == FUSED else np.asarray(seen.columns[by], np.float64)
