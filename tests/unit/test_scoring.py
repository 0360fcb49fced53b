"""Rows to the exchange table on the tiny model: columns, order, provenance, refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.models.forward import run_pass
from tokenunlearn.passes import Beside, SubjectEdit, row_infos
from tokenunlearn.rescoring import rescored
from tokenunlearn.scoring import ScoreConfig, iter_scores, new_scores, score, score_infos
from tokenunlearn.signals import SIGNALS
from tokenunlearn.table import STRUCTURE, check_table, provenance
from tokenunlearn.text.encoding import encode


@pytest.fixture(scope="module")
def loaded(tiny_folder):
    return tiny(tiny_folder)


@pytest.fixture(scope="module")
def table(loaded):
    return score(loaded, ROWS[:3], ScoreConfig(signals=tuple(SIGNALS)), Beside(RETAIN))


def test_one_line_per_answer_token_in_the_order_of_the_rows(table) -> None:
    assert list(table.columns) == [*STRUCTURE, *SIGNALS] and check_table(table) is table
    assert table.row_id.tolist() == [row.id for row in ROWS[:3] for _ in row.answer]
    for row in ROWS[:3]:
        part = table[table.row_id == row.id]
        assert "".join(part.token) == row.answer and part.position.tolist() == list(range(len(row.answer)))
        assert (part.char_end - part.char_start == 1).all()
        assert "".join(part.token[part.gold == 1]) == row.answer[slice(*row.gold[0])]
        assert "".join(part.token[part.is_subject]) == row.subject


def test_columns_are_the_passes_own_numbers(loaded, table) -> None:
    encodings = [encode(loaded.tokenizer, row.question, row.answer) for row in ROWS[:3]]
    scores = run_pass(loaded.model, encodings, loaded.pad_id)
    log_probs = np.concatenate([each.log_probs for each in scores])
    np.testing.assert_allclose(table.log_prob, log_probs, atol=1e-6)
    np.testing.assert_allclose(table.loss, -log_probs, atol=1e-6)
    np.testing.assert_allclose(table.entropy, np.concatenate([s.entropies for s in scores]), atol=1e-6)
    # no adapter: there is nothing to compare with
    assert table.contrast.isna().all()


def test_swapped_names_score_every_token_but_the_name(table) -> None:
    np.testing.assert_array_equal(table.knowledge_swap.isna(), table.is_subject)
    assert (table.knowledge_swap.dropna() >= 0).all() and table.knowledge_swap.max() > 0
    assert table.knowledge_occlusion.notna().all()


def test_provenance_names_what_made_it(loaded, table, tiny_folder) -> None:
    found = provenance(table)
    assert found["model"] == str(tiny_folder) and found["signals"] == list(SIGNALS)
    config, beside = ScoreConfig(signals=tuple(SIGNALS)), Beside(RETAIN)
    scores = new_scores(loaded, ROWS[:3], config, beside=beside)
    scores.rows.extend(iter_scores(loaded, ROWS[:3], config, beside))
    assert found["scores_id"] == scores.scores_id and len(found["scores_id"]) == 12
    assert {"adapter", "precision", "data", "config", "schema", "version"} <= set(found)


def test_the_id_follows_rows_and_settings(loaded) -> None:
    ids = {
        provenance(score(loaded, rows, ScoreConfig(signals=("loss",), seed=seed)))["scores_id"]
        for rows, seed in ((ROWS[:2], 0), (ROWS[:1], 0), (ROWS[:2], 1), (ROWS[:2], 0))
    }
    assert len(ids) == 3


def test_how_a_row_is_masked_is_said() -> None:
    named = row_infos(ROWS, 3)[0]
    assert (named.subject_source, named.masking, len(named.names)) == ("row", "swap", 3)
    (proposed,) = row_infos([Row("x", "Where was Orla Quint born?", "Orla Quint was born here.")], 2)
    assert (proposed.subject, proposed.subject_source) == ("Orla Quint", "proposed")
    (none,) = row_infos([Row("y", "why is it so?", "it just is.")], 2)
    assert (none.subject_source, none.masking, none.names) == ("none", "prompt", ())


def test_without_a_subject_every_name_mask_is_the_prompts(loaded) -> None:
    row = Row("y", "why is it so?", "it just is.")
    names = ("knowledge_swap", "knowledge_subject", "knowledge_prompt", "swap_spread")
    found = score(loaded, [row], ScoreConfig(signals=names))
    np.testing.assert_array_equal(found.knowledge_swap, found.knowledge_prompt)
    np.testing.assert_array_equal(found.knowledge_subject, found.knowledge_prompt)
    assert (found.swap_spread == 0).all() and found.gold.isna().all()


def test_rows_that_do_not_fit_are_named_before_any_pass(loaded) -> None:
    long = Row("long", "Why?", "a" * 100)
    with pytest.raises(InputError, match="long") as caught:
        score(loaded, [ROWS[0], long], ScoreConfig(signals=("loss",), max_tokens=100))
    assert caught.value.where == "long"
    with pytest.raises(InputError, match="no answer token"):
        score(loaded, [Row("empty", "Why?", "")], ScoreConfig(signals=("loss",)))


def test_a_row_beyond_what_the_model_reads_is_named(loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded.model.config, "max_position_embeddings", 40)
    with pytest.raises(InputError, match="Row ada has .* tokens. The model reads at most 40"):
        score(loaded, [ROWS[0]], ScoreConfig(signals=("loss",)))


def test_no_rows_at_all_are_told_before_anything_runs(loaded) -> None:
    with pytest.raises(InputError, match="There is no row to score.*Give at least one row"):
        score(loaded, [], ScoreConfig())


def test_unknown_signals_are_told() -> None:
    with pytest.raises(
        SettingError, match=r"signals is 'entropyy'\. It must be some of: .*Did you mean entropy"
    ):
        ScoreConfig(signals=("entropyy",))


def test_alternatives_are_the_likeliest_tokens(loaded) -> None:
    (found,) = iter_scores(loaded, ROWS[:1], ScoreConfig())
    assert len(found.alternatives.as_is) == len(ROWS[0].answer) == len(found.alternatives.masked)
    for options in found.alternatives.as_is:
        chances = [chance for _, chance, _, _ in options]
        assert len(options) in (5, 6) and chances == sorted(chances, reverse=True) and sum(chances) <= 1


def test_the_true_token_is_among_the_alternatives_with_its_rank_and_probability(loaded) -> None:
    (found,) = iter_scores(loaded, ROWS[:1], ScoreConfig())
    assert any(len(options) == 6 for options in found.alternatives.as_is)
    for options, log_prob in zip(found.alternatives.as_is, found.table.log_prob, strict=True):
        ((_, chance, rank, _),) = [option for option in options if option[3]]
        assert chance == round(float(np.exp(log_prob)), 4)
        assert rank == options.index(next(each for each in options if each[3])) + 1 or rank > 5
        assert [option[2] for option in options[:5]] == [1, 2, 3, 4, 5]
    for options, scored in zip(found.alternatives.masked, found.table.knowledge_swap.notna(), strict=True):
        assert sum(option[3] for option in options) == int(scored)


def test_the_masked_alternatives_are_of_the_name_that_moves_the_token_most(loaded) -> None:
    config = ScoreConfig(signals=("knowledge_swap", "log_prob"), swap_count=3)
    (found,) = iter_scores(loaded, ROWS[:1], config)
    info = found.info
    assert len(info.names) == 3
    # each name by itself: its scores are those of a row that has it alone
    alone = [next(score_infos(loaded, [replace(info, names=(name,))], config)) for name in info.names]
    moves = np.array([each.table["knowledge_swap"] for each in alone])
    for place, name in enumerate(found.alternatives.names):
        if np.isnan(moves[:, place]).all():
            continue  # a token of the name itself
        assert moves[info.names.index(name), place] == pytest.approx(np.nanmax(moves[:, place]), abs=1e-5)
        shown = alone[info.names.index(name)].alternatives.masked[place]
        assert [each[1] for each in found.alternatives.masked[place]] == pytest.approx(
            [each[1] for each in shown], abs=2e-4
        )
    assert len(set(found.alternatives.names)) > 1  # no single name for all tokens


def test_another_subject_scores_its_row_anew_and_leaves_the_others_as_they_are(tiny_folder: Path) -> None:
    model, rows, config = tiny(tiny_folder), ROWS[:4], ScoreConfig()
    scores = new_scores(model, rows, config)
    scores.rows.extend(iter_scores(model, rows, config))
    edits = {rows[1].id: SubjectEdit("born", ("raised", "seen"))}
    edited = rescored(model, scores, rows, config, edits)
    assert edited.rows[1].info.subject_source == "edited" and edited.rows[1].info.names == ("raised", "seen")
    assert edited.rows[1].info.row.subject == "born" and edited.scores_id != scores.scores_id
    assert [edited.rows[at] is scores.rows[at] for at in range(4)] == [True, False, True, True]
    now, before = (each.rows[1].table.knowledge_swap for each in (edited, scores))
    assert not np.allclose(now, before, equal_nan=True)
    # the same subject in the data gives the same numbers, and taking the edit back the same bits and id
    (given,) = iter_scores(model, [replace(rows[1], subject="born", set="alone")], config)
    assert given.info.names[:2] != ("raised", "seen")
    same = rescored(model, scores, rows, config, {rows[1].id: SubjectEdit("born", given.info.names)})
    pd.testing.assert_frame_equal(same.rows[1].table, given.table)
    assert rescored(model, edited, rows, config, {}) is scores


@pytest.mark.parametrize(
    "edit, words",
    [
        (SubjectEdit("Nobody Here"), "neither in the question nor in the answer"),
        (SubjectEdit("orn"), "'orn' occurs only inside longer words. Select whole words"),
        (SubjectEdit("born", ("born again",)), "shares a word"),
        (SubjectEdit("born", (" ",)), "It is empty"),
        (SubjectEdit("born", tuple("abcdefghijk")), "11 names are too many"),
    ],
)
def test_a_subject_that_does_not_fit_is_refused(edit: SubjectEdit, words: str) -> None:
    with pytest.raises(InputError, match=words):
        edit.check(ROWS[1])


def test_a_subject_without_spaces_round_it_is_taken_and_scored(tiny_folder: Path) -> None:
    question, answer = "田中太郎はどこで生まれましたか？", "田中太郎は京都で生まれました。"
    row = Row("ja", question, answer, "田中太郎", ((5, 7),))
    SubjectEdit("田中太郎", ("李明",)).check(row)
    with pytest.raises(InputError, match="shares a word"):
        SubjectEdit("田中太郎", ("田中太郎子",)).check(row)
    (found,) = iter_scores(tiny(tiny_folder), [row], ScoreConfig())
    assert (found.info.subject_source, found.info.masking) == ("row", "swap")
    assert found.info.subject_spans == ((0, 4),)
    assert found.table.is_subject.tolist() == [True] * 4 + [False] * 11
    assert found.table.knowledge_swap.notna().tolist() == [False] * 4 + [True] * 11
