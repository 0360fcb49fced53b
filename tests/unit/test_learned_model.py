"""The learned scorer on the tiny model: from rows to a scorer, held apart from the rows that it scores."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_folder import make_tiny_folder
from tests.tiny_rows import ROWS, tiny
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, ModelError
from tokenunlearn.learned import fitted
from tokenunlearn.learned.fit import FitSettings, basis_of, fit
from tokenunlearn.learned.fitted import annotated, fit_marks, fitted_for, layer_of, scorers_for, words_of_rows
from tokenunlearn.learned.marks import RowMarks, marks_of_rows
from tokenunlearn.learned.scorer import probability
from tokenunlearn.learned.scorer_files import read_scorer
from tokenunlearn.learned.words import on_tokens
from tokenunlearn.models.forward import causal_model, without_adapter
from tokenunlearn.models.hidden import hidden_states
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.passes import Beside
from tokenunlearn.runs.kept_scores import scores_path
from tokenunlearn.scoring import ScoreConfig, new_scores, score
from tokenunlearn.text.encoding import encode

pytestmark = pytest.mark.slow

# two kinds, and a row that no model of letters can read whole
OURS = (*(replace(row, set=f"kind{n % 2}") for n, row in enumerate(ROWS[:6])),)
TOO_LONG = Row("long", "What?", "a" * 9000, gold=((0, 4),), set="kind0")
LEARNED = ScoreConfig(signals=("learned",))


@pytest.fixture
def loaded(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoadedModel]:
    """The tiny model where our annotated rows are `OURS`, with an empty cache."""
    monkeypatch.setattr(fitted, "annotated_rows", lambda: (*OURS, TOO_LONG))
    monkeypatch.setenv("TOKENUNLEARN_CACHE", str(tmp_path / "cache"))
    fitted.annotated_hash.cache_clear()
    fitted._kinds.cache_clear()
    yield tiny(tiny_folder)
    fitted.annotated_hash.cache_clear()
    fitted._kinds.cache_clear()


def test_words_of_rows_are_means_of_states_without_names_and_punctuation(loaded: LoadedModel) -> None:
    words = words_of_rows(loaded, OURS[:2], marks_of_rows(OURS[:1]), 1)
    # "Ada Moss was born in Rome.": names and full stop are left out
    assert words.numbers.tolist() == [2, 3, 4, 5] * 2 and words.rows.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(words.labels, [0, 0, 0, 1, *[np.nan] * 4])
    encoding = encode(loaded.tokenizer, OURS[0].question, OURS[0].answer)
    (states,) = hidden_states(loaded, [encoding], 1)
    np.testing.assert_allclose(words.states[3], states[21:25].mean(axis=0), atol=1e-6)


def test_rows_that_the_model_cannot_read_are_not_learned_from(loaded: LoadedModel) -> None:
    assert annotated(loaded, 1).rows == OURS
    assert annotated(loaded, 1) is annotated(loaded, 1)


def test_our_rows_are_read_once_by_a_model_whatever_is_started_again(
    loaded: LoadedModel, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = annotated(loaded, 1).words
    (path,) = (fitted.cache_root() / "annotated").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(fitted, "words_of_rows", lambda *_: pytest.fail("they were read again"))
        again = annotated(tiny(tiny_folder), 1).words
    for name in ("states", "labels", "rows", "numbers"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    path.write_bytes(path.read_bytes()[:-8])
    np.testing.assert_array_equal(annotated(tiny(tiny_folder), 1).words.states, first.states)


@pytest.mark.parametrize(("share", "layer"), [(0.05, 1), (0.5, 1), (0.6, 1), (1.0, 2)])
def test_the_layer_is_a_share_of_the_depth(loaded: LoadedModel, share: float, layer: int) -> None:
    assert layer_of(loaded, FitSettings(layer_share=share)) == layer


def test_a_model_is_fitted_once_and_kept(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fitted_for(loaded)
    expected = fit(basis_of(words_of_rows(loaded, OURS, marks_of_rows(OURS), 1)), None, 1)
    np.testing.assert_array_equal(first.coef, expected.coef)
    monkeypatch.setattr(fitted, "annotated", lambda *_: pytest.fail("it was fitted again"))
    again = fitted_for(loaded)
    assert again.hash == first.hash and first.made_of["weights"] == loaded.base_id()


def test_what_is_kept_and_damaged_is_fitted_again(loaded: LoadedModel) -> None:
    first = fitted_for(loaded)
    (path,) = (fitted.cache_root() / "scorers").iterdir()
    path.write_bytes(b"damaged")
    assert fitted_for(loaded).hash == first.hash == read_scorer(path).hash


def test_another_precision_or_template_is_another_fit(
    loaded: LoadedModel, tiny_folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(tiny_folder, tmp_path / "copy")
    (copy / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ m['content'] }} {% endfor %}", "utf-8"
    )
    rough, other = load_model(str(tiny_folder), None, "bf16"), load_model(str(copy), None, "fp32")
    assert other.base_id() == loaded.base_id()
    assert len({fitted_for(rough).hash, fitted_for(loaded).hash, fitted_for(other).hash}) == 3
    words = words_of_rows(other, OURS, marks_of_rows(OURS), 1)
    np.testing.assert_array_equal(fitted_for(other).coef, fit(basis_of(words), None, 1).coef)


def test_other_settings_and_other_rows_are_another_fit(loaded: LoadedModel, monkeypatch) -> None:
    hashes = {fitted_for(loaded).hash, fitted_for(loaded, FitSettings(C=0.1)).hash}
    hashes.add(fitted_for(loaded, without="kind0").hash)
    monkeypatch.setattr(fitted, "annotated_rows", lambda: OURS[:4])
    fitted.annotated_hash.cache_clear()
    fitted._annotated.pop(causal_model(loaded.model))
    hashes.add(fitted_for(loaded).hash)
    assert len(hashes) == 4


def test_our_own_rows_are_scored_by_what_has_not_seen_their_kind(loaded: LoadedModel) -> None:
    stranger = replace(ROWS[7], set="kind1")
    mine, other, free = scorers_for(loaded, [replace(OURS[0], id="x", set="mine"), OURS[1], stranger])
    assert mine.hash == fitted_for(loaded, without="kind0").hash
    assert other.hash == fitted_for(loaded, without="kind1").hash
    assert free.hash == fitted_for(loaded).hash and len({mine.hash, other.hash, free.hash}) == 3
    by_hand = [row for row in OURS if row.set == "kind1"]
    words = words_of_rows(loaded, by_hand, marks_of_rows(by_hand), 1)
    np.testing.assert_allclose(mine.coef, fit(basis_of(words), None, 1).coef, atol=1e-8)


def test_the_signal_is_the_probability_of_the_word(loaded: LoadedModel) -> None:
    table = score(loaded, ROWS[6:], LEARNED)
    scorer = fitted_for(loaded)
    words = words_of_rows(loaded, ROWS[6:], {}, 1)
    rows = (table["row_id"] == "ida").astype(int)
    expected = on_tokens(probability(scorer.logits(words.states)), words, rows, table["word_id"])
    counted = ~(table["is_subject"] | table["is_punctuation"]).to_numpy()
    np.testing.assert_allclose(table["learned"][counted], expected[counted], atol=1e-6)
    assert table["learned"].notna().all()


def test_the_adapter_is_off(loaded: LoadedModel) -> None:
    from tokenunlearn.training.config import TrainConfig
    from tokenunlearn.training.session import with_fresh_lora

    before = score(loaded, ROWS[6:], LEARNED)["learned"]
    student = with_fresh_lora(loaded, TrainConfig(layer_share=1.0))
    for name, parameter in student.model.named_parameters():
        if "lora_B" in name:
            parameter.data += 0.3
    encodings = [encode(loaded.tokenizer, ROWS[6].question, ROWS[6].answer)]
    (moved,) = hidden_states(student, encodings, 1)
    with without_adapter(student.model):
        (plain,) = hidden_states(student, encodings, 1)
    assert np.abs(moved - plain).max() > 1e-3
    np.testing.assert_allclose(score(student, ROWS[6:], LEARNED)["learned"], before, atol=1e-6)


def test_marks_move_the_scorer_and_are_in_its_name(loaded: LoadedModel) -> None:
    marks = {"gus": RowMarks((ROWS[6].gold[0],), seen=True)}
    scorer = fit_marks(loaded, ROWS[6:], marks)
    assert scorer.hash == fit_marks(loaded, ROWS[6:], marks).hash
    others = ({"gus": RowMarks((ROWS[6].gold[0],))}, {"ida": RowMarks((ROWS[7].gold[0],), seen=True)})
    hashes = {fit_marks(loaded, ROWS[6:], each).hash for each in others}
    assert len({scorer.hash, fitted_for(loaded).hash, *hashes}) == 4
    with pytest.raises(InputError, match="no mark to learn from"):
        fit_marks(loaded, ROWS[6:], {"gus": RowMarks()})


def test_a_persons_marks_stand_in_for_ours_on_the_same_text(loaded: LoadedModel) -> None:
    mine = replace(ROWS[0], id="mine")
    scorer = fit_marks(loaded, [mine], {"mine": RowMarks(((4, 8),), seen=True)})
    words = words_of_rows(loaded, OURS[1:], marks_of_rows(OURS[1:]), 1)
    assert scorer.made_of["words"] == str(len(words.labels))


def test_scores_under_another_scorer_are_other_scores(loaded: LoadedModel) -> None:
    scorer = fit_marks(loaded, ROWS[6:], marks_of_rows(ROWS[6:7]))
    plain, fit_too = new_scores(loaded, ROWS[6:], LEARNED), Beside(scorer=scorer)
    other = new_scores(loaded, ROWS[6:], LEARNED, beside=fit_too)
    assert other.provenance["fits"] == {"learned:0.6:0.001": scorer.hash}
    assert plain.scores_id != other.scores_id
    assert "fits" not in new_scores(loaded, ROWS[6:], ScoreConfig(signals=("entropy",))).provenance
    table = score(loaded, ROWS[6:], LEARNED, fit_too)
    assert (table["learned"] != score(loaded, ROWS[6:], LEARNED)["learned"]).all()


def test_a_scorer_of_another_model_is_refused(loaded: LoadedModel, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    other = tiny(make_tiny_folder(folder, seed=5))
    with pytest.raises(ModelError, match="of another model"):
        score(other, ROWS[6:], LEARNED, Beside(scorer=fitted_for(loaded)))


def test_kept_scores_are_those_of_the_rows_that_were_fitted_on(loaded: LoadedModel, monkeypatch) -> None:
    others = ScoreConfig(signals=("entropy",))
    before = [scores_path(Path("runs"), loaded, [], config) for config in (LEARNED, others)]
    monkeypatch.setattr(fitted, "annotated_rows", lambda: OURS[:4])
    fitted.annotated_hash.cache_clear()
    after = [scores_path(Path("runs"), loaded, [], config) for config in (LEARNED, others)]
    assert before[0] != after[0] and before[1] == after[1]
