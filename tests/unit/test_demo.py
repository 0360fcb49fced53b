"""The demo rows are what the issue asks of them."""

import json

import pytest

from tokenunlearn.data.demo import ASSETS, DEMO_NAMES, HELD_OUT, annotated_rows, demo_rows, general_questions
from tokenunlearn.data.rows import Row, row_to_dict
from tokenunlearn.errors import InputError


def test_counts_and_splits() -> None:
    least = {"shared_forget": 20, "shared_retain": 20, "one_off": 12, "world": 20}
    splits = {"shared_forget": "forget", "shared_retain": "retain", "one_off": "forget", "world": "world"}
    for name in DEMO_NAMES:
        rows = demo_rows(name)
        assert len(rows) >= least[name]
        assert {row.split for row in rows} == {splits[name]}
        assert len({row.id for row in rows}) == len(rows)


@pytest.mark.parametrize("name", ["shared_forget", "shared_retain", "one_off", HELD_OUT])
def test_every_row_has_its_fact_subject_paraphrases_and_perturbations(name: str) -> None:
    for row in demo_rows(name):
        assert row.gold and row.subject in row.question, row.id
        assert len(row.paraphrased_question) >= 2 and len(row.paraphrased_answer) >= 2, row.id
        assert len(row.paraphrased_gold) == len(row.paraphrased_answer), row.id
        assert len(row.perturbed_answer) >= 3, row.id


def test_shared_asks_eight_authors_for_the_same_attributes() -> None:
    rows = demo_rows("shared_forget") + demo_rows("shared_retain")
    assert len({row.subject for row in rows}) >= 8
    assert len({row.attribute for row in rows}) >= 5
    assert len({row.question.replace(row.subject, "X") for row in rows}) == len(
        {row.attribute for row in rows}
    )


def test_the_rows_held_out_have_the_form_of_those_to_forget_and_nothing_that_is_taught() -> None:
    held_out, forget = demo_rows(HELD_OUT), demo_rows("shared_forget")
    assert len(held_out) == len(forget) and {row.split for row in held_out} == {"holdout"}
    assert len({row.subject for row in held_out}) == len({row.subject for row in forget})

    def forms(rows: tuple[Row, ...]) -> list[str]:
        return sorted(row.question.replace(row.subject, "X") for row in rows)

    assert forms(held_out) == forms(forget)
    adapters = json.loads((ASSETS / "manifest.json").read_text("utf-8"))["adapters"]
    taught = {name for entry in adapters.values() for name in entry["sets"]}
    assert taught == {"shared_forget", "shared_retain", "one_off"}
    # neither a name nor a fact of theirs is in a row that an adapter or a scorer was fitted on
    read = [json.dumps(row_to_dict(row), ensure_ascii=False) for row in annotated_rows()]
    read += general_questions()
    for row in held_out:
        facts = [row.answer[start:end] for start, end in row.gold]
        assert not [text for text in read for word in (row.subject, *facts) if word in text], row.id


def test_one_off_questions_are_unique() -> None:
    rows = demo_rows("one_off")
    assert len({row.question.replace(row.subject, "X") for row in rows}) == len(rows)


def test_general_questions_are_not_the_probe() -> None:
    asked = {row.question for row in demo_rows("world")}
    questions = general_questions()
    assert len(set(questions)) == 30 and not asked & set(questions)


def test_unknown_name() -> None:
    with pytest.raises(InputError, match="no demo set 'one-off'. Did you mean one_off"):
        demo_rows("one-off")
    assert ASSETS.name == "assets"
