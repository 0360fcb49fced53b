"""What marks say of the signals: trust held out, the planted lie, the curve, fit weights."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tokenunlearn.audit.trust import ENOUGH_ROWS, Trust, groups_of, halves, learning_curve, said, trust
from tokenunlearn.audit.weights import fit_weights
from tokenunlearn.errors import InputError
from tokenunlearn.learned.fit import FitSettings, basis_of
from tokenunlearn.learned.words import Words
from tokenunlearn.metrics.attribution import auroc_difference
from tokenunlearn.selection import Rule, select

pytestmark = pytest.mark.slow

NAN = float("nan")
STRONG = FitSettings(C=0.1)


def planted(rows: int, seed: int, told: float = 2.5, words: int = 12, width: int = 8) -> Words:
    """Words whose first number says whether they are the fact, as clearly as `told`."""
    random = np.random.default_rng(seed)
    labels = (random.random(rows * words) < 0.3).astype(float)
    labels[::words], labels[1::words] = 1, 0  # each row has both
    states = random.normal(size=(rows * words, width))
    states[:, 0] += told * labels
    row, number = np.repeat(np.arange(rows), words), np.tile(np.arange(words), rows)
    return Words(states.astype(np.float32), labels, row, number)


def table_of(words: Words, seed: int = 0) -> pd.DataFrame:
    """One token a word; every other word is a stop word, whatever it is."""
    random, size = np.random.default_rng(seed), len(words.labels)
    nothing = np.zeros(size, dtype=bool)
    return pd.DataFrame(
        {
            "row_id": [f"row{row}" for row in words.rows],
            "word_id": words.numbers,
            "is_subject": nothing,
            "is_stop_word": random.random(size) < 0.5,
            "is_punctuation": nothing,
            "gold": NAN,
            "random": random.random(size),
            "content_words": 1.0,
            "content_words_new": 1.0,
            "entropy": words.labels + random.normal(size=size),
        }
    )


def trusted(words: Words, basis_seed: int = 99, told: float = 2.5) -> Trust:
    basis = basis_of(planted(10, basis_seed, told))
    groups = np.arange(int(words.rows.max()) + 1)
    return trust(table_of(words), words.states, words.labels, basis, groups, ("entropy",), STRONG, draws=150)


def test_a_scorer_that_finds_the_marks_is_trusted_and_says_beside_what() -> None:
    found = trusted(planted(20, 1))
    assert found.verdict == "better" and found.rows == 20
    value, low, high = found.figure("learned")
    assert 0.9 < low < value < high <= 1 and found.above[1] > 0.3
    names = found.report["signal"].unique().tolist()
    assert names == ["learned", "entropy", "random", "content_words", "content_words_new"]
    assert f"AUROC {value:.2f} [{low:.2f}, {high:.2f}] held out on 20 rows" in said(found)


def test_marks_that_are_found_without_fail_are_trusted_without_an_interval() -> None:
    """Every draw of the rows is perfect: that is no certainty about the next row."""
    found = trusted(planted(20, 1, told=10))
    value, *bounds = found.figure("learned")
    assert found.verdict == "better" and value == 1 and np.isnan(bounds).all()
    assert "AUROC 1.00 held out on 20 rows" in said(found)


@pytest.mark.parametrize("seed", range(2))
def test_shuffled_marks_teach_nothing_and_it_says_so(seed: int) -> None:
    words = planted(20, seed)
    lies = words.labelled(np.random.default_rng(seed + 1000).permutation(words.labels))
    found = trusted(lies)
    value, low, high = found.figure("learned")
    assert found.verdict in ("nothing", "no_better") and low <= 0.55
    assert abs(value - 0.5) < 0.15 and (found.verdict == "no_better" or "Nothing was learned" in said(found))
    assert trusted(words).verdict == "better"


def test_most_shuffles_have_an_interval_that_includes_chance() -> None:
    intervals = []
    for seed in range(6):
        words = planted(8, seed)
        found = trusted(words.labelled(np.random.default_rng(seed + 1000).permutation(words.labels)))
        intervals.append(found.figure("learned")[1:])
    assert sum(low <= 0.5 <= high for low, high in intervals) >= 5


def test_no_figure_is_of_rows_that_were_fitted_on() -> None:
    """Noise without any fact: what sees its own rows ranks them well, what does not cannot."""
    random = np.random.default_rng(0)
    words = replace_states(planted(10, 3), random.normal(size=(120, 400)))
    basis = basis_of(replace_states(planted(10, 4), random.normal(size=(120, 400))))
    from tokenunlearn.learned.fit import fit
    from tokenunlearn.metrics.attribution import auroc

    seen = auroc(fit(basis, words, 1, STRONG).logits(words.states), words.labels)
    found = trust(table_of(words), words.states, words.labels, basis, np.arange(10), (), STRONG, draws=100)
    assert seen > 0.99 and found.figure("learned")[0] < 0.65


def replace_states(words: Words, states: np.ndarray) -> Words:
    return Words(states.astype(np.float32), words.labels, words.rows, words.numbers)


def test_few_marks_are_called_few() -> None:
    words = planted(ENOUGH_ROWS - 1, 1)
    found = trusted(words)
    assert found.verdict == "few" and said(found).startswith("Not enough marks yet: 4 rows (5 are needed)")
    one = replace(found, rows=1, facts=1)
    assert "1 row (5 are needed) with 1 word of the fact (10 are needed)" in said(one)
    assert np.isnan(found.above).all()


def test_unmarked_rows_take_no_part() -> None:
    words = planted(12, 1)
    half = words.labelled(np.where(words.rows < 8, words.labels, NAN))
    found = trusted(half)
    assert found.rows == 8 and found.report["units"].max() == 8 * 12


def test_rows_of_one_subject_are_held_out_together() -> None:
    assert groups_of(["Ada", "Bob", "", ""]).tolist() == [0, 1, 2, 3]
    assert groups_of(["Ada", "Ada", "ada"]).tolist() == [0, 1, 2]
    of = groups_of(["Ada Moss", "ada moss", "Bob", "", ""])
    assert of[0] == of[1] and len({*of.tolist()}) == 4


def test_rows_of_one_answer_are_held_out_together() -> None:
    assert groups_of(["", "", "", ""], ["a", "b", "a", "c"]).tolist() == [0, 1, 0, 2]
    # the answer joins the two rows of Ada to the one of Bob
    assert groups_of(["Ada", "Ada", "Bob", ""], ["a", "b", "b", "c"]).tolist() == [1, 1, 1, 0]


def test_marks_of_no_word_are_few_and_no_fault() -> None:
    words = planted(6, 1)
    found = trusted(words.labelled(np.full(len(words.labels), NAN)))
    assert (found.verdict, found.rows, found.facts) == ("few", 0, 0)


def test_the_difference_of_two_signals_is_paired() -> None:
    words = planted(15, 2)
    table = table_of(words).assign(gold=words.labels)
    table["twin"], table["truth"] = table["entropy"], words.labels
    # Every draw says the same of two signals that are one: that is no interval.
    same, *bounds = auroc_difference(table, "entropy", "twin", draws=50)
    assert same == 0 and np.isnan(bounds).all()
    difference, *bounds = auroc_difference(table, "truth", "content_words", draws=50)
    assert difference == 0.5 and np.isnan(bounds).all()


def test_the_curve_rises_where_marks_teach_what_the_annotated_rows_do_not() -> None:
    words, basis = planted(24, 1), basis_of(planted(10, 2, told=0.2))
    each = np.arange(24)
    curve = learning_curve(words, basis, each, STRONG, counts=(0, 2, 10, 20), draws=4)
    assert [point.rows for point in curve] == [0, 2, 10]  # half of the rows are tested
    assert curve[0].auroc < curve[-1].auroc > 0.9 and all(p.low <= p.auroc <= p.high for p in curve)
    assert curve == learning_curve(words, basis, each, STRONG, counts=(0, 2, 10, 20), draws=4)
    assert learning_curve(planted(2, 1), basis, each, STRONG) == []
    # nothing is known of rows of another group where all are of one
    assert learning_curve(words, basis, np.zeros(24, dtype=int), STRONG) == []


def test_no_row_of_a_group_that_the_curve_tests_has_taught() -> None:
    rows, group = np.arange(10, 20), np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 2])
    for seed in range(20):
        taught, apart = halves(rows, group, np.random.default_rng(seed))
        assert sorted([*taught, *apart]) == rows.tolist() and len(taught) and len(apart)
        assert not set(group[taught - 10]) & set(group[apart - 10])
        # six rows and four are as near as it goes; two and eight where the two small ones come first and last
        assert {len(taught), len(apart)} in ({6, 4}, {2, 8})


def columns_of(words: Words) -> dict[str, np.ndarray]:
    size, random = len(words.labels), np.random.default_rng(0)
    none = np.zeros(size, dtype=bool)
    return {
        "row": words.rows,
        "word": words.numbers,
        "subject": none,
        "stop": none,
        "punctuation": none,
        "gold": np.full(size, NAN),
        "random_key": random.random(size),
        "good": words.labels + 0.1 * random.random(size),
        "bad": random.random(size),
        "entropy": random.random(size),
    }


def test_the_rule_that_agrees_best_is_found() -> None:
    words = planted(20, 1)
    columns, groups = columns_of(words), np.arange(20)
    start = Rule(knowledge="bad", alpha=0.2, fraction=0.05)
    found = fit_weights(columns, words.labels, groups, ("bad", "good"), start)
    assert found.rule.knowledge == "good" and found.rule.alpha >= 0.6
    share = words.labels.mean()
    assert abs(found.rule.fraction - share) <= 0.05 and found.agreement > 0.8 > 0.4 > found.before
    assert found.changed["knowledge"] == ("bad", "good") and "mode" not in found.changed
    chosen = select(columns, start).selected
    facts = words.labels == 1
    by_hand = 2 * (chosen & facts).sum() / (chosen.sum() + facts.sum())
    assert found.before == pytest.approx(by_hand)


def test_agreement_is_held_out() -> None:
    """Each group has a signal of its own; what is best for the others says nothing of it."""
    words = planted(2, 1, words=20)
    columns = columns_of(words)
    columns["first"] = np.where(words.rows == 0, words.labels, 1 - words.labels)
    columns["second"] = np.where(words.rows == 1, words.labels, 1 - words.labels)
    found = fit_weights(columns, words.labels, [0, 1], ("first", "second"), Rule(knowledge="good"))
    assert found.agreement < 0.2


def test_a_rule_that_agrees_as_well_stays() -> None:
    words = planted(10, 1)
    columns = columns_of(words)
    start = Rule(knowledge="good", alpha=1.0, fraction=0.3)
    best = fit_weights(columns, words.labels, np.arange(10), ("good",), start)
    again = fit_weights(columns, words.labels, np.arange(10), ("good",), best.rule)
    assert again.rule == best.rule and again.changed == {} and again.before >= again.agreement


def test_marks_of_one_kind_fit_no_rule() -> None:
    words = planted(4, 1)
    with pytest.raises(InputError, match="nothing to fit to"):
        fit_weights(columns_of(words), np.ones(48), np.arange(4), ("good",), replace(Rule(), alpha=1.0))
