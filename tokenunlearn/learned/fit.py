"""Fitting the scorer: L2 logistic regression on standardised states of words, by scikit-learn.

1. Mean and scale are those of the annotated words, so that marks move the direction and not the scale.
2. argmin over (coef, intercept) of ½‖coef‖² + C · Σ weight · log(1 + exp(−±logit)): weight 1 for an annotated
   word, `marks_weight` for a marked one. 3. The solver runs on one thread, so that the same input gives the
   same bits whatever the machine is set to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenunlearn.errors import InputError
from tokenunlearn.learned.scorer import Scorer
from tokenunlearn.learned.words import Floats, Words
from tokenunlearn.settings import check, setting

MOST_ITERATIONS: Final = 1000
MOST_FOLDS: Final = 20  # a fit each: more would take longer and say the same


@dataclass(frozen=True)
class FitSettings:
    """Settings of the learned signal; the defaults are those of cross-validation over kinds of rows."""

    layer_share: float = setting(
        0.6, low=0.05, high=1, step=0.05, help="Share of the decoder layers after which the states are read"
    )
    C: float = setting(
        0.001, low=1e-6, high=1000, help="Inverse strength of the L2 penalty: lower is smoother"
    )
    marks_weight: float = setting(
        10.0, low=0, high=1000, step=1, help="Weight of a marked word; an annotated one has 1"
    )

    def __post_init__(self) -> None:
        check(self)


DEFAULTS: Final = FitSettings()


@dataclass(frozen=True, eq=False)
class Basis:
    """The annotated words, standardised: `states` float64 [words, width], `labels` 1 or 0 [words]."""

    states: Floats
    labels: Floats
    mean: Floats
    scale: Floats

    def standardised(self, states: NDArray[np.float32]) -> Floats:
        """Return other states on the scale of the annotated words."""
        return np.asarray((states.astype(np.float64) - self.mean) / self.scale)


@dataclass(frozen=True, eq=False)
class Solution:
    """What the solver found, and in how many iterations."""

    coef: Floats
    intercept: float
    iterations: int


def basis_of(words: Words) -> Basis:
    """Return the words whose label is known as a basis.

    Raises InputError where they are not of both kinds.
    """
    known = words.known
    if len(np.unique(known.labels)) < 2:
        raise InputError(
            "There is nothing to learn from",
            "The annotated rows need words of the fact and other words",
            "Give rows with marked facts (gold) that leave some words out",
        )
    states = known.states.astype(np.float64)
    mean, scale = states.mean(axis=0), states.std(axis=0)
    scale[scale == 0] = 1.0  # a number that never changes says nothing
    return Basis((states - mean) / scale, known.labels, mean, scale)


def fit(
    basis: Basis,
    marks: Words | None,
    layer: int,
    settings: FitSettings = DEFAULTS,
    made_of: Mapping[str, str] = MappingProxyType({}),
) -> Scorer:
    """Return the scorer of the annotated words and of those that a person marked.

    `made_of` is its provenance.
    """
    found = solution(basis, marks, settings)
    count = int((~np.isnan(marks.labels)).sum()) if marks is not None and settings.marks_weight else 0
    weight = f"{settings.marks_weight:g}" if count else "0"
    own = {"C": f"{settings.C:g}", "marks_weight": weight}
    own |= {"words": str(len(basis.labels)), "marked_words": str(count)}
    return Scorer(layer, basis.mean, basis.scale, found.coef, found.intercept, {**made_of, **own})


def solution(basis: Basis, marks: Words | None, settings: FitSettings = DEFAULTS) -> Solution:
    """Return the coefficients on the standardised states, by lbfgs."""
    states, labels, weights = basis.states, basis.labels, np.ones(len(basis.labels))
    if marks is not None and settings.marks_weight:
        known = marks.known
        states = np.concatenate([states, basis.standardised(known.states)])
        labels = np.concatenate([labels, known.labels])
        weights = np.concatenate([weights, np.full(len(known.labels), settings.marks_weight)])
    return _solved(states, labels, weights, settings.C)


def held_out(
    basis: Basis,
    words: Words,
    groups: ArrayLike,
    settings: FitSettings = DEFAULTS,
    before_fit: Callable[[], None] = lambda: None,
) -> Floats:
    """Return the logit of each word under a fit that has seen no mark of its group; [words].

    `groups` [words] are numbers: a subject, or a row. More than `MOST_FOLDS` groups are held out in as many
    folds, each of whole groups. Words without a label are given one as well. `before_fit` is called before
    each fit, of which there are as many as folds with a mark, and one; what it raises ends the work.
    """
    group = np.unique(np.asarray(groups), return_inverse=True)[1] % MOST_FOLDS
    states, logits = basis.standardised(words.states), np.empty(len(words.labels))
    labelled = ~np.isnan(words.labels)
    found: dict[bytes, Solution] = {}
    for each in np.unique(group):
        inside = group == each
        others = labelled & ~inside
        if others.tobytes() not in found:  # groups without a mark share one fit
            before_fit()
            found[others.tobytes()] = solution(basis, words.only(others) if others.any() else None, settings)
        fitted = found[others.tobytes()]
        logits[inside] = states[inside] @ fitted.coef + fitted.intercept
    return logits


def cross_validated(words: Words, groups: ArrayLike, C: float) -> Floats:
    """Return the logit of each annotated word under a fit on the words of all other groups; [words]."""
    group, logits = np.asarray(groups), np.empty(len(words.labels))
    for each in np.unique(group):
        inside = group == each
        basis = basis_of(words.only(~inside))
        found = _solved(basis.states, basis.labels, np.ones(len(basis.labels)), C)
        logits[inside] = basis.standardised(words.states[inside]) @ found.coef + found.intercept
    return logits


def _solved(states: Floats, labels: Floats, weights: Floats, C: float) -> Solution:
    # scikit-learn takes a second to import, and only a fit needs it
    from sklearn.linear_model import LogisticRegression

    with _threads().limit(limits=1, user_api="blas"):
        model = LogisticRegression(C=C, max_iter=MOST_ITERATIONS)
        model.fit(states, labels, sample_weight=weights)
    return Solution(model.coef_[0].astype(np.float64), float(model.intercept_[0]), int(model.n_iter_[0]))


@cache
def _threads() -> Any:
    """Return what limits threads; the libraries are looked for once, which takes as long as a small fit."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
