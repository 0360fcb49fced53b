"""The row that the page opens on: clarity by hand, and the choice among rows."""

import math
from typing import Any

import pytest

from app.shown import recorded_scores
from app.views.first_row import FIRST_ROWS, clarity, default_choice, first_row, first_rule
from tokenunlearn.documents.words import OWN_FACTS
from tokenunlearn.selection import Rule

NAN = math.nan


def test_clarity_is_the_overlap_less_the_strongest_colour_left_alone() -> None:
    # Two words chosen, one of them white (.05 / .25 = .2), a third one faint (.2) and left alone.
    seen = clarity([0, 1, 2], [1.0, 0.05, 0.05], [True, True, False], [NAN] * 3)
    assert seen == pytest.approx((1 + 0.2) / (1 + 1 + 0.2) - 0.2)
    # The fact is the first word only: what was chosen beside it agrees with nothing.
    marked = clarity([0, 1, 2], [1.0, 0.05, 0.05], [True, True, False], [1, 0, 0])
    assert marked == pytest.approx(1 / (1 + 1 + 0.2) - 0.2)
    # A coloured word that is left alone, as “her”, costs more than a white one that is chosen.
    assert clarity([0, 1], [0.9, 0.5], [True, False], [NAN] * 2) == pytest.approx(0.5 - 1)
    assert clarity([0, 1], [0.9, 0.0], [True, True], [NAN] * 2) == pytest.approx(0.5)


def test_a_word_counts_as_its_highest_token_and_no_score_as_no_colour() -> None:
    assert clarity([0, 0, 1], [0.5, 0.0, NAN], [True, True, False], [1, 1, 0]) == 1
    assert clarity([3], [NAN], [False], [NAN]) == 0


def payload(*rows: dict[str, Any]) -> dict[str, Any]:
    """Rows of eight words, two of them the fact; `score` is the knowledge in nats of the first words."""
    names = ("row", "start", "end", "word", "subject", "stop", "punctuation", "gold", "random_key")
    columns: dict[str, list[Any]] = {name: [] for name in (*names, "knowledge_swap", "entropy", "log_prob")}
    for number, row in enumerate(rows):
        for at, score in enumerate(row["score"] + (0,) * (8 - len(row["score"]))):
            fact = at in (1, 2)
            line = (number, 2 * at, 2 * at + 1, at, 0, int(at == 5), 0, int(fact), at / 8)
            for name, value in zip(columns, (*line, score, 0, row["log_prob"] * fact), strict=True):
                columns[name].append(value)
    records = [
        {"id": f"r{at}", "question": "q", "answer": "a " * 8, "set": row["set"], "first": 8 * at, "count": 8}
        for at, row in enumerate(rows)
    ]
    return {"scores_id": "s", "rows": records, "columns": columns, "signals": {}}


def row(*score: float, log_prob: float = 0.0, set_name: str = "one") -> dict[str, Any]:
    return {"score": score, "log_prob": log_prob, "set": set_name}


COLOURED = row(0, 8, 8, 0, 0, 8)  # a stop word as strong as the fact
CLEAR = row(0, 8, 8)
UNKNOWN = row(0, 8, 8, log_prob=-5.0)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([COLOURED, CLEAR, CLEAR], 1),
        ([UNKNOWN, COLOURED], 1),
        ([UNKNOWN, UNKNOWN], 0),
        ([COLOURED, row(0, 8, 8, set_name="two")], 0),
        ([*[COLOURED] * FIRST_ROWS, CLEAR], 0),
        ([row(), CLEAR], 1),
    ],
    ids=["clearest", "known first", "none known", "first set", "first rows", "without a choice"],
)
def test_the_page_opens_on_the_clearest_of_the_first_rows(rows: list[dict[str, Any]], wanted: int) -> None:
    assert first_row(recorded_scores(payload(*rows))) == wanted


def test_without_the_signals_of_the_default_rule_or_without_rows_it_is_the_first() -> None:
    other = payload(COLOURED, CLEAR)
    other["columns"]["knowledge_prompt"] = other["columns"].pop("knowledge_swap")
    assert first_row(recorded_scores(other)) == 0
    assert first_row(recorded_scores(payload())) == 0


def test_facts_of_ones_own_begin_with_the_words_that_were_marked() -> None:
    own = [row(8, 0, 0, set_name=OWN_FACTS)] * 2  # the score is high on another word
    shown = recorded_scores(payload(*own))
    assert first_rule(shown) == Rule(mode="gold")
    choice = default_choice(shown, OWN_FACTS)
    assert choice and choice.selected.tolist() == [False, True, True, *[False] * 5] * 2
    # Beside rows of a file, or where one of them lacks its mark, the default.
    assert first_rule(recorded_scores(payload(own[0], CLEAR))) == Rule()
    unmarked = payload(*own)
    unmarked["columns"]["gold"][8:] = [0] * 8
    assert first_rule(recorded_scores(unmarked)) == Rule()


def test_where_no_row_asks_what_another_asks_the_contrast_chooses_if_the_adapter_was_taught_them() -> None:
    rows = payload(CLEAR, CLEAR)
    rows["columns"]["contrast"] = [5.0 * gold for gold in rows["columns"]["gold"]]
    assert first_rule(recorded_scores(rows)) == Rule()
    for each in rows["rows"]:
        each["unique_question"] = True
    assert first_rule(recorded_scores(rows)) == Rule(knowledge="contrast")
    for each in rows["rows"]:
        each["set"] = OWN_FACTS
    assert first_rule(recorded_scores(rows)) == Rule(mode="gold", knowledge="contrast")
    # One that raises nothing finds nothing, nor does one that is not there, or not measured.
    for value in (0.5, math.nan):
        rows["columns"]["contrast"] = [value] * 16
        assert first_rule(recorded_scores(rows)) == Rule(mode="gold")
    del rows["columns"]["contrast"]
    assert first_rule(recorded_scores(rows)) == Rule(mode="gold")
