"""The learned scorer on small arrays: words, fit, file. What a model adds: test_learned_model.py."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tokenunlearn.errors import InputError, ModelError, SettingError
from tokenunlearn.learned.fit import Basis, FitSettings, basis_of, cross_validated, fit, held_out, solution
from tokenunlearn.learned.scorer import Scorer, probability
from tokenunlearn.learned.scorer_files import FORMAT, VERSION, read_scorer, write_scorer
from tokenunlearn.learned.words import Words, on_tokens, word_means, words_of

NAN = float("nan")


def planted(rows: int = 12, words: int = 10, width: int = 6, seed: int = 0, shift: float = 0.0) -> Words:
    """Words whose first number says, with some noise, whether they are the fact."""
    random = np.random.default_rng(seed)
    labels = (random.random(rows * words) < 0.3).astype(float)
    states = random.normal(size=(rows * words, width)) + shift
    states[:, 0] += 2.5 * labels
    row, number = np.repeat(np.arange(rows), words), np.tile(np.arange(words), rows)
    return Words(states.astype(np.float32), labels, row, number)


def test_a_word_is_the_mean_of_its_tokens_and_the_fact_where_one_is() -> None:
    states = np.array([[1, 0], [3, 2], [9, 9], [5, 5], [7, 1]], dtype=np.float32)
    # the third token is left out; word 0 of the second row is another word than word 0 of the first
    words = words_of(states, [0, 0, 0, 0, 1], [0, 0, 1, 2, 0], [0, 0, 1, 0, 0], [0, 1, 1, 0, NAN])
    np.testing.assert_array_equal(words.states, [[2, 1], [5, 5], [7, 1]])
    np.testing.assert_array_equal(words.labels, [1, 0, NAN])
    assert words.rows.tolist() == [0, 0, 1] and words.numbers.tolist() == [0, 2, 0]
    assert words.known.rows.tolist() == [0, 0]
    np.testing.assert_array_equal(
        on_tokens([0.5, 0.25, 0.75], words, [0, 0, 0, 0, 1], [0, 0, 1, 2, 0]), [0.5, 0.5, NAN, 0.25, 0.75]
    )


def test_no_word_at_all() -> None:
    words = words_of(np.zeros((2, 3), np.float32), [0, 0], [0, 1], [1, 1], [1, 0])
    assert words.states.shape == (0, 3) and len(words.labels) == 0


def test_every_token_of_a_row_has_the_mean_of_its_word() -> None:
    np.testing.assert_array_equal(word_means([1, 3, 5, 7], [0, 0, 2, 3], [0] * 4), [2, 2, 5, 7])
    # one token of word 0 does not count, of word 1 none does
    np.testing.assert_array_equal(word_means([1, 3, 5, 7], [0, 0, 1, 1], [1, 0, 1, 1]), [3, 3, 6, 6])
    assert len(word_means([], [], [])) == 0


def test_a_logit_by_hand() -> None:
    scorer = Scorer(3, np.array([1.0, 2.0]), np.array([2.0, 4.0]), np.array([1.0, -2.0]), 0.5)
    # (3−1)/2·1 − (6−2)/4·2 + ½ = −½
    np.testing.assert_array_equal(scorer.logits(np.array([[3, 6], [1, 2]], np.float32)), [-0.5, 0.5])
    np.testing.assert_allclose(probability(np.array([0.0, np.log(3), -800.0])), [0.5, 0.75, 0.0], atol=1e-15)
    with pytest.raises(ModelError, match="states of 2 numbers, and the model has 3"):
        scorer.logits(np.zeros((1, 3), np.float32))


def objective(basis: Basis, coef: np.ndarray, intercept: float, C: float) -> float:
    signs = np.where(basis.labels == 1, 1, -1)
    margins = signs * (basis.states @ coef + intercept)
    return 0.5 * coef @ coef + C * np.logaddexp(0, -margins).sum()


def test_the_fit_is_the_minimum_of_the_stated_objective() -> None:
    basis, settings = basis_of(planted()), FitSettings(C=0.05)
    found = solution(basis, None, settings)
    least = objective(basis, found.coef, found.intercept, settings.C)
    assert abs(basis.states.mean(axis=0)).max() < 1e-6 and basis.states.std(axis=0) == pytest.approx(1)
    random = np.random.default_rng(1)
    for _ in range(50):
        step = 0.02 * random.normal(size=7)
        assert objective(basis, found.coef + step[:6], found.intercept + step[6], settings.C) > least


def test_a_mark_counts_as_often_as_its_weight() -> None:
    words, marks = planted(), planted(3, seed=1, shift=0.5)
    weighted = solution(basis_of(words), marks, FitSettings(marks_weight=3))
    basis = basis_of(words)
    thrice = Basis(
        np.concatenate([basis.states, *[basis.standardised(marks.states)] * 3]),
        np.concatenate([words.labels, *[marks.labels] * 3]),
        basis.mean,
        basis.scale,
    )
    np.testing.assert_allclose(weighted.coef, solution(thrice, None).coef, atol=1e-4)
    np.testing.assert_array_equal(
        solution(basis, marks, FitSettings(marks_weight=0)).coef, solution(basis, None).coef
    )


def test_a_word_without_a_label_teaches_nothing() -> None:
    marks = planted(2, seed=1)
    some = marks.labelled(np.where(np.arange(20) < 12, marks.labels, NAN))
    first, other = (fit(basis_of(planted()), each, 2) for each in (some, marks.only(np.arange(20) < 12)))
    assert first.hash == other.hash and first.made_of["marked_words"] == "12"


def test_the_same_input_gives_the_same_bits(tmp_path: Path) -> None:
    files = []
    for name in ("one", "other"):
        scorer = fit(basis_of(planted()), planted(2, seed=3), 4, made_of={"model": "tiny", "annotated": "a1"})
        write_scorer(tmp_path / name, scorer)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    others = (
        fit(basis_of(planted()), planted(2, seed=4), 4, made_of=scorer.made_of),
        fit(basis_of(planted()), planted(2, seed=3), 5, made_of=scorer.made_of),
        replace(scorer, made_of={**scorer.made_of, "annotated": "a2"}),
    )
    assert len({scorer.hash, *(each.hash for each in others)}) == 4


def test_a_scorer_comes_back_as_it_was_written(tmp_path: Path) -> None:
    scorer = fit(basis_of(planted()), None, 4, made_of={"model": "tiny", "weights": "w"})
    write_scorer(tmp_path / "scorer.safetensors", scorer)
    for place in (tmp_path, tmp_path / "scorer.safetensors"):
        again = read_scorer(place)
        assert again.hash == scorer.hash and dict(again.made_of) == dict(scorer.made_of)
        np.testing.assert_array_equal(again.logits(planted().states), scorer.logits(planted().states))


GOOD = {
    "mean": np.zeros(2),
    "scale": np.ones(2),
    "coef": np.ones(2),
    "intercept": np.zeros(1),
}
ABOUT: dict[str, Any] = {"version": VERSION, "layer": 3, "made_of": {"model": "tiny"}}


@pytest.mark.parametrize(
    ("arrays", "about", "words"),
    [
        ({"mean": np.zeros(3)}, {}, r"mean is float64 \[3\] and should be float64 \[2\]"),
        ({"coef": np.ones((2, 1))}, {}, r"coef is float64 \[2, 1\]"),
        ({"scale": np.ones(2, np.float32)}, {}, "scale is float32"),
        ({"scale": np.array([1.0, 0.0])}, {}, "not above 0"),
        ({"coef": np.array([1.0, NAN])}, {}, "coef holds numbers that are not finite"),
        ({"intercept": np.zeros(2)}, {}, "intercept is float64"),
        ({"more": np.zeros(2)}, {}, "and nothing else"),
        ({}, {"layer": 0}, "Its layer is 0"),
        ({}, {"layer": "3"}, "Its layer is 3"),
        ({}, {"version": 2}, "of version 2, and this is version 1"),
        ({}, {"made_of": {"model": 3}}, "not a list of texts"),
        ({}, None, "does not say of which scorer"),
    ],
)
def test_a_file_that_is_no_scorer_is_refused(tmp_path: Path, arrays, about, words: str) -> None:
    path = tmp_path / "scorer.safetensors"
    metadata = {FORMAT: json.dumps({**ABOUT, **about})} if about is not None else {"format": "pt"}
    save_file({**GOOD, **arrays}, path, metadata=metadata)
    with pytest.raises(ModelError, match=words) as caught:
        read_scorer(path)
    assert "python -m tokenunlearn fit" in str(caught.value)


def test_damaged_and_absent_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scorer.safetensors"
    save_file(GOOD, path, metadata={FORMAT: json.dumps(ABOUT)})
    assert read_scorer(path).layer == 3 and set(load_file(path)) == set(GOOD)
    path.write_bytes(path.read_bytes()[:-4])
    for place in (path, tmp_path / "absent"):
        with pytest.raises(ModelError, match="cannot be read"):
            read_scorer(place)


def test_a_group_never_sees_its_own_marks() -> None:
    basis, marks = basis_of(planted()), planted(4, seed=5)
    before = held_out(basis, marks, marks.rows)
    lies = marks.labelled(np.where(marks.rows == 2, 1 - marks.labels, marks.labels))
    after = held_out(basis, lies, marks.rows)
    np.testing.assert_array_equal(after[marks.rows == 2], before[marks.rows == 2])
    assert (after[marks.rows != 2] != before[marks.rows != 2]).all()


def test_many_groups_are_held_out_in_folds_of_whole_groups(monkeypatch) -> None:
    monkeypatch.setattr("tokenunlearn.learned.fit.MOST_FOLDS", 3)
    basis, marks = basis_of(planted()), planted(7, seed=5)
    logits = held_out(basis, marks, marks.rows + 40)
    inside = np.isin(marks.rows, [1, 4])  # of seven groups the second and the fifth
    scorer = fit(basis, marks.only(~inside), 1)
    np.testing.assert_allclose(logits[inside], scorer.logits(marks.states[inside]), atol=1e-12)


def test_words_of_one_group_are_scored_by_the_annotated_rows_alone() -> None:
    basis, marks = basis_of(planted()), planted(1, seed=5)
    scorer = fit(basis, None, 1)
    np.testing.assert_allclose(held_out(basis, marks, marks.rows), scorer.logits(marks.states), atol=1e-12)


def test_cross_validation_leaves_each_group_out() -> None:
    words = planted()
    found = cross_validated(words, words.rows, 0.01)
    inside = words.rows == 3
    scorer = fit(basis_of(words.only(~inside)), None, 1, FitSettings(C=0.01))
    np.testing.assert_allclose(found[inside], scorer.logits(words.states[inside]), atol=1e-12)


def test_words_of_one_kind_teach_nothing_and_say_so() -> None:
    with pytest.raises(InputError, match="nothing to learn from"):
        basis_of(planted().labelled(np.ones(120)))
    with pytest.raises(SettingError, match="layer_share"):
        FitSettings(layer_share=1.5)


def test_a_refit_of_many_words_takes_few_steps() -> None:
    words = planted(rows=100, words=30, width=64)
    assert solution(basis_of(words), planted(20, 30, 64, seed=2)).iterations <= 40
