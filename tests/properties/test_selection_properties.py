"""What must hold for any scores: ties, order, counts, overrides, soft weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenunlearn.masks import mask_hash
from tokenunlearn.modes import MODES, random_like
from tokenunlearn.selection import Rule, select

pytestmark = pytest.mark.slow

LEVELS = st.integers(0, 9)  # few levels, so that ties are the rule
HARD = st.sampled_from(["top_fraction", "top_k"])
FRACTION = st.floats(0, 1)


@st.composite
def some_columns(draw, distinct=False):
    """Columns of up to 16 tokens in rows and words of several tokens."""
    tokens = draw(st.integers(1, 16))

    def many(strategy, **options):
        return np.array(draw(st.lists(strategy, min_size=tokens, max_size=tokens, **options)))

    scores = many(st.integers(0, 10_000), unique=True) if distinct else many(LEVELS)
    scores = np.where(many(st.integers(0, 9)) == 0, np.nan, scores.astype(float))
    return {
        "row": np.sort(many(st.integers(0, 4))),
        "word": np.cumsum(many(st.booleans())),
        "subject": many(st.booleans()),
        "stop": many(st.booleans()),
        "punctuation": many(st.booleans()),
        "gold": many(st.sampled_from([0.0, 1.0, np.nan])),
        "random_key": many(st.floats(0, 1)),
        "K": scores,
    }


def rule(**changes):
    return Rule(**{"knowledge": "K", "alpha": 1, "normaliser": "min_max", **changes})


def candidates(columns):
    return ~(np.isnan(columns["K"]) | columns["subject"] | columns["stop"] | columns["punctuation"])


@given(some_columns(), HARD, FRACTION, st.integers(0, 8), st.booleans(), st.sampled_from(["set", "row"]))
def test_a_monotone_transform_gives_the_same_hard_mask(columns, mode, fraction, k, words, scope):
    choice = rule(mode=mode, fraction=fraction, k=k, whole_words=words, scope=scope)
    transformed = columns | {"K": columns["K"] ** 3 + 7 * columns["K"] - 100}
    before, after = select(columns, choice), select(transformed, choice)
    np.testing.assert_array_equal(before.selected, after.selected)


@given(some_columns(), FRACTION)
def test_the_count_is_exact_under_ties_without_words(columns, fraction):
    chosen = select(columns, rule(fraction=fraction, whole_words=False)).selected
    budget = int(np.floor(fraction * (~np.isnan(columns["K"])).sum() + 0.5))
    assert chosen.sum() == min(budget, candidates(columns).sum())


@given(some_columns(), FRACTION)
def test_whole_words_reach_the_budget_and_only_the_last_overshoots(columns, fraction):
    selection = select(columns, rule(fraction=fraction))
    budget = int(np.floor(fraction * (~np.isnan(columns["K"])).sum() + 0.5))
    chosen, able = selection.selected, candidates(columns)
    breaks = (np.diff(columns["row"]) != 0) | (np.diff(columns["word"]) != 0)
    words = np.concatenate([[0], np.cumsum(breaks)])
    for word in np.unique(words[chosen]):
        assert chosen[(words == word) & able].all()
    assert chosen.sum() >= min(budget, able.sum())
    if chosen.any():
        best = {word: selection.fused[(words == word) & able].max() for word in np.unique(words[chosen])}
        last = max(best, key=lambda word: (-best[word], word))
        assert chosen[words != last].sum() < budget


@given(some_columns(distinct=True), HARD, FRACTION, st.sampled_from(["set", "row"]), st.randoms())
def test_a_permutation_of_the_rows_permutes_the_mask(columns, mode, fraction, scope, random):
    rows = list(np.unique(columns["row"]))
    random.shuffle(rows)
    order = np.concatenate([np.flatnonzero(columns["row"] == row) for row in rows])
    moved = {name: values[order] for name, values in columns.items()}
    choice = rule(mode=mode, fraction=fraction, scope=scope)
    np.testing.assert_array_equal(select(columns, choice).selected[order], select(moved, choice).selected)


@given(some_columns(), st.data())
def test_force_in_beats_exclusion_and_force_out_beats_all(columns, data):
    index = data.draw(st.integers(0, columns["row"].size - 1))
    mode = data.draw(st.sampled_from(list(MODES)))
    plain = select(columns, rule(mode=mode)).weights
    for state, weight in (("in", 1.0), ("out", 0.0)):
        forced = select(columns, rule(mode=mode), {index: state}).weights
        assert forced[index] == weight
        np.testing.assert_array_equal(np.delete(forced, index), np.delete(plain, index))


@given(some_columns(), st.floats(0, 5), st.sampled_from(["p99", "min_max", "rank", "z_sigmoid"]))
def test_soft_weights_have_mean_1_over_the_candidates(columns, gamma, normaliser):
    weights = select(columns, rule(mode="soft", gamma=gamma, normaliser=normaliser)).weights
    able = candidates(columns)
    assert (weights[~able] == 0).all() and np.isfinite(weights).all()
    if able.any():
        assert weights[able].mean() == pytest.approx(1, abs=5e-7)  # what rounds to no millionth is 0


@given(
    some_columns(), st.sampled_from(list(MODES)), st.sampled_from(["set", "row"]), st.booleans(), st.data()
)
def test_the_control_has_the_weights_of_each_row(columns, mode, scope, words, data):
    """For every mode × scope × whole words × overrides; and the mode `random` is top_fraction's control."""
    places = st.integers(0, columns["row"].size - 1)
    overrides = data.draw(st.dictionaries(places, st.sampled_from(["in", "out"])))
    amounts = {"fraction": data.draw(FRACTION), "k": data.draw(st.integers(0, 8)), "threshold": 0.5}
    given_rule = rule(mode=mode, scope=scope, whole_words=words, **amounts)
    chosen = select(columns, given_rule, overrides)
    drawn = random_like(columns, chosen.weights, chosen.fused)
    pool = ~np.isnan(columns["K"]) & ~columns["subject"]
    for row in np.unique(columns["row"]):
        here = columns["row"] == row
        np.testing.assert_array_equal(np.sort(drawn[here]), np.sort(chosen.weights[here]))
        used, others = (drawn > 0)[here & pool], (drawn > 0)[here & ~pool]
        assert used.all() or not others.any()
    share = select(columns, rule(mode="top_fraction", scope=scope, whole_words=words, **amounts))
    mode_random = select(columns, rule(mode="random", scope=scope, whole_words=words, **amounts)).weights
    np.testing.assert_array_equal(mode_random, random_like(columns, share.weights, share.fused))


@settings(max_examples=50)
@given(st.lists(st.floats(0, 3), max_size=20), st.integers(0, 5))
def test_the_hash_sees_every_weight_and_no_zero_at_the_end(weights, zeros):
    assert mask_hash(weights + [0.0] * zeros) == mask_hash(weights)
    if weights:
        assert mask_hash([*weights[:-1], weights[-1] + 0.001]) != mask_hash(weights)
