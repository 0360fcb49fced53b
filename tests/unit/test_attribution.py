"""Attribution figures against values worked out on paper, and the rules of the report's population."""

import time

import numpy as np
import pandas as pd
import pytest

from tokenunlearn.errors import TableError
from tokenunlearn.metrics.attribution import (
    _weighted_figures,
    auroc,
    average_precision,
    precision_at_gold,
    signal_report,
    units_of,
)


def exchange_table() -> pd.DataFrame:
    """Two rows, ten tokens: name, "was", "Har" + "lech" (gold), "."; "the", three others, one unknown."""
    nan = np.nan
    return pd.DataFrame(
        {
            "row_id": ["a"] * 5 + ["b"] * 5,
            "word_id": [0, 1, 2, 2, 3, 0, 1, 1, 2, 3],
            "is_subject": [True] + [False] * 9,
            "is_stop_word": [False, True, False, False, False, True, False, False, False, False],
            "is_punctuation": [False, False, False, False, True, False, False, False, False, False],
            "gold": [0.0, 0, 1, 1, 0, 0, 0, 0, 1, nan],
            "random_key": [0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95],
            "swap": [99.0, 1.0, 6.0, 0.0, 2.0, 0.5, 4.0, nan, 3.0, 50.0],
        }
    )


def test_auroc_counts_pairs_and_half_of_ties() -> None:
    # Gold 3 and 1 against 2 and 1: wins 3>2, 3>1; 1<2; 1=1 half -> 2.5 of 4.
    assert auroc([3, 1, 2, 1], [1, 1, 0, 0]) == 2.5 / 4
    assert auroc([5, 5, 5], [1, 0, 0]) == 0.5


def test_average_precision_by_hand() -> None:
    # Order: gold, other, gold -> precision 1/1 and 2/3 at the two gold units.
    assert average_precision([3, 2, 1], [1, 0, 1]) == pytest.approx((1 + 2 / 3) / 2)
    # All equal: one block, precision = share of gold.
    assert average_precision([7, 7, 7, 7], [1, 0, 0, 0]) == 0.25


def test_precision_at_gold_by_hand() -> None:
    assert precision_at_gold([4, 3, 2, 1], [1, 0, 1, 0]) == 0.5
    # Two gold: the first place is certain (gold), the second is one of three equals of which one is gold.
    assert precision_at_gold([4, 3, 3, 3], [1, 1, 0, 0]) == pytest.approx((1 + 1 / 3) / 2)


@pytest.mark.parametrize("figure", [auroc, average_precision, precision_at_gold])
def test_one_class_or_nothing_is_not_measured(figure) -> None:
    assert np.isnan(figure([1.0, 2.0], [1, 1]))
    assert np.isnan(figure([1.0, 2.0], [0, 0]))
    assert np.isnan(figure([], []))


def test_weights_mean_repetition_and_agree_with_ranks() -> None:
    generator = np.random.default_rng(1)
    for _ in range(50):
        scores = generator.integers(0, 6, 20).astype(float)
        gold = (generator.random(20) < 0.3).astype(float)
        weights = generator.integers(0, 4, 20)
        weighted = _weighted_figures(scores, gold, weights[None].astype(float))[0]
        repeated, labels = np.repeat(scores, weights), np.repeat(gold, weights)
        assert weighted[0] == pytest.approx(auroc(repeated, labels), nan_ok=True)
        assert weighted[1] == pytest.approx(average_precision(repeated, labels), nan_ok=True)
        assert weighted[2] == pytest.approx(precision_at_gold(repeated, labels), nan_ok=True)


def test_units_leave_out_subject_unscored_and_unknown() -> None:
    units = units_of(exchange_table(), "swap")
    # Not the name (99), not the NaN score of row b, not the token without gold (50).
    assert units.scores.tolist() == [1.0, 6.0, 0.0, 2.0, 0.5, 4.0, 3.0]
    assert units.gold.tolist() == [0, 1, 1, 0, 0, 0, 1]
    assert units.rows.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_content_population_leaves_out_stop_words_and_punctuation() -> None:
    assert units_of(exchange_table(), "swap", population="content").scores.tolist() == [6.0, 0.0, 4.0, 3.0]


def test_a_word_scores_the_mean_of_its_scored_tokens() -> None:
    units = units_of(exchange_table(), "swap", granularity="word")
    # Row a: was 1, Har+lech (6+0)/2 = 3, "." 2; row b: the .5, word 1 has one scored token 4, word 2 is 3.
    assert units.scores.tolist() == [1.0, 3.0, 2.0, 0.5, 4.0, 3.0]
    assert units.gold.tolist() == [0, 1, 0, 0, 0, 1]


def test_report_values_by_hand() -> None:
    report = signal_report(exchange_table(), ["swap"], draws=200)
    line = report.set_index(["signal", "granularity", "population"]).loc[("swap", "word", "all")]
    # Gold 3, 3 against 1, 2, .5, 4: six wins of eight.
    assert line.auroc == 6 / 8
    # Row a: 3 beats 1 and 2 -> 1; row b: 3 beats .5, loses to 4 -> .5.
    assert line.auroc_per_row == 0.75
    # The two highest are 4 (other) and one of the two gold 3s.
    assert line.precision_at_gold == 0.5
    assert line.average_precision == pytest.approx(2 / 3)
    assert (line.units, line.gold_units, line.rows) == (6, 2, 2)
    # Two rows are too few for an interval.
    assert np.isnan([line.auroc_low, line.auroc_high]).all()
    asked = signal_report(exchange_table(), ["swap"], 200, granularities=("word",), populations=("all",))
    (only,) = asked.to_dict("records")
    assert (only["granularity"], only["population"], only["auroc"]) == ("word", "all", 6 / 8)


def test_an_interval_is_of_three_rows_that_differ() -> None:
    table = exchange_table()
    ours = table[table["row_id"] == "b"]

    def bounds(*more: pd.DataFrame) -> list[float]:
        asked = pd.concat(more, ignore_index=True)
        line = signal_report(asked, ["swap"], 1000, granularities=("word",), populations=("all",)).iloc[0]
        return [line["auroc_low"], line["auroc_high"]]

    # Of three rows none is a with probability 8/27 (auroc .5), all are with 1/27 (1): more than 2.5 % each.
    assert bounds(table, ours.assign(row_id="c")) == [0.5, 1.0]
    # Rows that are all alike say nothing of another one.
    assert np.isnan(bounds(*(ours.assign(row_id=name) for name in "abc"))).all()


def test_signals_of_the_text_are_signals_like_any_other() -> None:
    table = exchange_table()
    content = ~table["is_stop_word"] & ~table["is_punctuation"]
    table = table.assign(random=table["random_key"], content_words=content.astype(float))
    report = signal_report(table, ["swap", "random", "content_words"], draws=10)
    assert report["signal"].drop_duplicates().tolist() == ["swap", "random", "content_words"]
    assert len(report) == 3 * 2 * 3
    content = report.set_index(["signal", "granularity", "population"]).loc["content_words"]
    # Of the tokens with gold, Har, lech, b1, b1' and b2 are content (3 gold of 5); was, "." and the are not.
    assert content.loc[("token", "all")].auroc == pytest.approx((3 * 3 + 0.5 * 3 * 2) / (3 * 5))
    # On content words alone the list says nothing.
    assert content.loc[("token", "content")].auroc == 0.5


def test_row_without_gold_tokens_counts_in_the_pool_only() -> None:
    table = exchange_table()
    table.loc[table["row_id"] == "b", "gold"] = 0.0
    line = signal_report(table, ["swap"], draws=20).iloc[0]
    assert line["rows"] == 1 and line["gold_units"] == 2 and not np.isnan(line["auroc"])


def test_unscored_signal_is_nan_not_a_crash() -> None:
    report = signal_report(exchange_table().assign(dead=np.nan), ["dead"], draws=20)
    dead = report[report["signal"] == "dead"]
    assert dead[["auroc", "auroc_low", "auroc_per_row", "average_precision"]].isna().all(axis=None)
    assert (dead["units"] == 0).all()


def test_unknown_signal_is_named() -> None:
    with pytest.raises(TableError, match="no signal 'swop'.*Did you mean swap"):
        signal_report(exchange_table(), ["swop"])


def test_monotone_change_of_scores_changes_nothing() -> None:
    table = exchange_table()
    figures = ["auroc", "average_precision", "precision_at_gold", "auroc_low", "auroc_high"]
    plain = signal_report(table, ["swap"], draws=50)
    scaled = signal_report(table.assign(swap=np.exp(table["swap"] / 10)), ["swap"], draws=50)
    tokens = plain["granularity"] == "token"
    np.testing.assert_allclose(plain.loc[tokens, figures], scaled.loc[tokens, figures])


def test_same_seed_same_interval_and_a_thousand_draws_are_quick() -> None:
    generator = np.random.default_rng(0)
    count = 20 * 60
    table = pd.DataFrame(
        {
            "row_id": np.repeat([f"r{row}" for row in range(20)], 60),
            "word_id": np.tile(np.repeat(np.arange(30), 2), 20),
            "is_subject": False,
            "is_stop_word": generator.random(count) < 0.4,
            "is_punctuation": False,
            "gold": (generator.random(count) < 0.25).astype(float),
            "random_key": generator.random(count),
            "entropy": generator.random(count),
        }
    )
    started = time.perf_counter()
    first = signal_report(table, ["entropy"], draws=1000, seed=3)
    assert time.perf_counter() - started < 30  # about 1 s alone; the bound only catches a loop over draws
    pd.testing.assert_frame_equal(first, signal_report(table, ["entropy"], draws=1000, seed=3))
    assert (first["auroc_low"] <= first["auroc"]).all() and (first["auroc"] <= first["auroc_high"]).all()
