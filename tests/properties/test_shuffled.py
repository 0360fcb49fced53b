"""The arm of shuffled scores: what the rule prefers stays, what the scores say is gone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.test_selection_properties import FRACTION, HARD, candidates, rule, some_columns
from tokenunlearn.experiments.arms import ARMS
from tokenunlearn.experiments.entry import Seen
from tokenunlearn.modes import word_numbers
from tokenunlearn.selection import select

pytestmark = pytest.mark.slow

FREE = {"whole_words": False} | dict.fromkeys(
    ("exclude_subjects", "exclude_stop_words", "exclude_punctuation"), False
)


def shuffled(columns, choice):
    return ARMS["shuffled"].weights(Seen(columns, select(columns, choice).weights, choice))


def by_row(columns, weights):
    return [np.sort(weights[columns["row"] == row]) for row in np.unique(columns["row"])]


@given(some_columns(), HARD, FRACTION, st.integers(0, 8), st.booleans())
def test_without_whole_words_each_row_has_as_many_tokens(columns, mode, fraction, k, free):
    choice = rule(
        mode=mode, fraction=fraction, k=k, scope="row", **(FREE if free else {"whole_words": False})
    )
    for one, two in zip(
        by_row(columns, shuffled(columns, choice)),
        by_row(columns, select(columns, choice).weights),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


@given(some_columns(distinct=True), FRACTION)
def test_a_budget_of_the_set_goes_to_the_same_rows(columns, fraction):
    choice = rule(fraction=fraction, scope="set", whole_words=False)
    for one, two in zip(
        by_row(columns, shuffled(columns, choice)),
        by_row(columns, select(columns, choice).weights),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


@given(some_columns(), FRACTION)
def test_the_rules_preferences_stay(columns, fraction):
    weights, able = shuffled(columns, rule(fraction=fraction)), candidates(columns)
    assert not weights[~able].any()
    words = word_numbers(columns)
    for word in np.unique(words[weights > 0]):
        assert (weights[(words == word) & able] == 1).all()


@given(some_columns(), st.sampled_from(["set", "row"]), st.floats(0, 4))
def test_soft_weights_are_the_same_ones_in_another_order(columns, scope, gamma):
    choice = rule(mode="soft", scope=scope, gamma=gamma)
    for one, two in zip(
        by_row(columns, shuffled(columns, choice)),
        by_row(columns, select(columns, choice).weights),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, rtol=1e-12)


def test_every_token_gets_every_score_alike():
    """One row of four tokens and one choice; 500 seeds. Also where the random keys are the signal."""
    keys = np.random.default_rng(0).random((500, 4))
    fixed = {"row": np.zeros(4, int), "word": np.arange(4), "gold": np.full(4, np.nan)}
    fixed |= dict.fromkeys(("subject", "stop", "punctuation"), np.zeros(4, bool))
    choice = rule(mode="top_k", k=1, whole_words=False)
    for signal in (lambda _: np.array([1.0, 2, 3, 4]), lambda own: own):
        taken = sum(shuffled(fixed | {"random_key": own, "K": signal(own)}, choice) for own in keys)
        assert taken.sum() == 500 and (abs(taken - 125) < 40).all()  # 4 standard deviations


def test_both_signals_move_together():
    """Fused scores are those of before in another order: a token keeps its pair of knowledge and entropy."""
    columns = {"row": np.zeros(6, int), "word": np.arange(6), "gold": np.full(6, np.nan)}
    columns |= dict.fromkeys(("subject", "stop", "punctuation"), np.zeros(6, bool))
    columns |= {"random_key": np.linspace(0, 0.9, 6), "K": np.arange(6.0), "H": np.arange(6.0)[::-1]}
    choice = rule(mode="soft", alpha=0.5, entropy="H", **FREE)
    np.testing.assert_allclose(shuffled(columns, choice), 1.0)  # K and H add up to the same everywhere
