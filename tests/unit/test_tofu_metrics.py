"""TOFU's measures, fact probability and privacy scores against values worked out on paper."""

import math

import numpy as np
import pytest

from tokenunlearn.metrics.facts import fact_probability
from tokenunlearn.metrics.privacy import membership_auc, min_k_score, privleak
from tokenunlearn.metrics.tofu import (
    answer_probability,
    choice_probability,
    forget_quality,
    forget_truth_score,
    kept_truth_score,
    model_utility,
    rouge_l_recall,
    truth_ratio,
)
from tokenunlearn.models.language_model import TokenLogProbs


def test_answer_probability_is_the_geometric_mean_of_token_probabilities() -> None:
    assert answer_probability(np.log([0.9, 0.4])) == pytest.approx(0.6)
    assert math.isnan(answer_probability([]))


def test_choice_probability() -> None:
    losses = -np.log([0.2, 0.1])
    assert choice_probability(-math.log(0.6), losses) == pytest.approx(0.6 / 0.9)


@pytest.mark.parametrize(
    ("expected", "answer", "recall"),
    [
        ("born in Stara Zagora", "She was born in Zagora.", 0.75),
        ("born in Stara Zagora", "", 0.0),
        ("Paris", "The answer is Paris, of course.", 1.0),
        # Stemmed: "tuners" counts as "tuner"; order matters, so one of the two swapped words is lost.
        ("piano tuner", "piano tuners", 1.0),
        ("piano tuner", "tuner piano", 0.5),
    ],
)
def test_rouge_l_recall(expected: str, answer: str, recall: float) -> None:
    assert rouge_l_recall(expected, answer) == pytest.approx(recall)


def test_truth_ratio_both_means() -> None:
    right = [-math.log(0.5)]
    wrong = [-np.log([0.4, 0.1])]
    # Geometric sqrt(.4 * .1) = .2 -> .4; arithmetic .25 -> .5.
    assert truth_ratio(right, wrong) == pytest.approx([0.4])
    assert truth_ratio(right, wrong, mean="arithmetic") == pytest.approx([0.5])
    assert np.isnan(truth_ratio(right, [[]])).all()


def test_truth_scores() -> None:
    ratios = [0.5, 2.0, 1.0, float("nan")]
    assert forget_truth_score(ratios) == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert kept_truth_score(ratios) == pytest.approx((0.5 + 0 + 0) / 3)
    assert math.isnan(forget_truth_score([])) and math.isnan(kept_truth_score([]))


def test_forget_quality_of_separate_and_equal_samples() -> None:
    # Exact two-sided KS of two fully separated samples of 3: 2 of the 20 orders, p = .1.
    assert forget_quality([1, 2, 3], [4, 5, 6]) == pytest.approx(0.1)
    assert forget_quality([1, 2, 3], [1, 2, 3]) == 1.0
    assert math.isnan(forget_quality([], [1.0]))


def test_model_utility() -> None:
    assert model_utility({"a": 1.0, "b": 0.5}) == pytest.approx(2 / 3)
    assert model_utility({"a": 1.0, "b": 0.0}) == 0.0
    assert math.isnan(model_utility({"a": 1.0, "b": float("nan")}))
    with pytest.raises(ValueError, match="b is"):
        model_utility({"a": 1.0, "b": -0.1})
    with pytest.raises(ValueError, match="at least one"):
        model_utility({})


ANSWER = "Ottilie was born in Stara Zagora, Ottilie says."


def tokens(probabilities: list[float]) -> TokenLogProbs:
    """One token a word, the space before it included, as a byte-level tokenizer cuts."""
    starts, ends, place = [], [], 0
    for word in ANSWER.split(" "):
        starts.append(max(0, place - 1))
        ends.append(place + len(word))
        place += len(word) + 1
    return TokenLogProbs(np.log(probabilities), starts, ends)


def test_fact_probability_joint_mean_other_whole() -> None:
    gold = [(ANSWER.index("Stara"), ANSWER.index(","))]
    scored = tokens([0.1, 0.8, 0.9, 1.0, 0.5, 0.7, 0.2, 0.6])
    result = fact_probability(ANSWER, scored, gold, "Ottilie")
    assert result.joint == pytest.approx(0.35)
    assert result.mean == pytest.approx(0.6)
    # was, born, in, says: the two name tokens are in neither figure.
    assert result.other == pytest.approx((0.8 + 0.9 + 1.0 + 0.6) / 4)
    assert result.whole == pytest.approx(4.8 / 8)


def test_two_spans_give_the_mean_of_their_joints() -> None:
    gold = [(20, 25), (26, 32)]
    scored = tokens([0.1, 0.8, 0.9, 1.0, 0.5, 0.7, 0.2, 0.6])
    assert fact_probability(ANSWER, scored, gold).joint == pytest.approx((0.5 + 0.7) / 2)


def test_row_without_gold_is_not_measured() -> None:
    result = fact_probability(ANSWER, tokens([0.5] * 8), [])
    assert math.isnan(result.joint) and math.isnan(result.mean) and result.other == 0.5


def test_token_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long; got 2, 1 and 1"):
        TokenLogProbs([-1.0, -2.0], [0], [1])


def test_min_k_takes_the_largest_losses() -> None:
    # 5 tokens, 40 % -> 2: losses 4 and 3. One token is always taken.
    assert min_k_score([-1, -4, -2, -3, 0]) == 3.5
    assert min_k_score([-2.0]) == 2.0
    assert math.isnan(min_k_score([]))


def test_membership_auc_direction_and_ties() -> None:
    assert membership_auc([0.1, 0.2], [3.0, 4.0]) == 1.0
    assert membership_auc([1.0, 2.0], [1.0, 0.5]) == pytest.approx(0.5 / 4)
    assert math.isnan(membership_auc([], [1.0]))


def test_privleak_signs() -> None:
    assert privleak(1.0) == pytest.approx(-100)
    assert privleak(0.5) == pytest.approx(0)
    assert privleak(0.2) == pytest.approx(60)
    assert privleak(0.9, 0.6) == pytest.approx(-75)
