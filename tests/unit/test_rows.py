"""What a row is, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenunlearn.data.rows import Row, row_from_dict, row_to_dict
from tokenunlearn.errors import InputError

GOOD: dict[str, Any] = {"id": "a", "question": "Who?", "answer": "It was Ada."}


def test_all_fields_arrive() -> None:
    row = row_from_dict(
        {
            **GOOD,
            "subject": "Ada",
            "gold": [[7, 10]],
            "paraphrased_question": "By whom?",
            "paraphrased_answer": ["Ada did it.", "By Ada."],
            "paraphrased_gold": [[[0, 3]], [[3, 6]]],
            "perturbed_answer": ["It was Bob."],
            "unknown": 1,
        },
        "x:1",
    )
    assert row.answer[slice(*row.gold[0])] == "Ada"
    assert row.paraphrased_question == ("By whom?",)
    assert row.paraphrased_gold == (((0, 3),), ((3, 6),))
    assert (row.split, row.set) == ("forget", "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"answer": None}, "answer is empty."),
        ({"answer": "  "}, "answer is empty. Every row needs a text in answer."),
        ({"answer": 3}, "answer is a number. It must be text."),
        ({"question": ["a"]}, "question is a list. It must be text."),
        ({"answer": "a\ud800"}, "answer holds a broken character at 1."),
        ({"gold": [[7, 12]]}, "gold[0] lies outside its text. It is [7, 12] in a text of 11 characters."),
        ({"gold": [[3, 3]]}, "gold[0] lies outside its text."),
        # "" is stated by every answer
        ({"answer": "A b.", "gold": [[1, 2]]}, "gold[0] marks no word. [1, 2] is blank."),
        ({"gold": [[1]]}, "gold[0] is not a span. It is [1]."),
        ({"gold": [[True, 2]]}, "gold[0] is not a span."),
        ({"gold": "Ada"}, "gold is text. It must be a list of [start, end]."),
        ({"gold": [[7, 10, "Bob"]]}, 'gold[0] marks "Ada". It says it marks "Bob".'),
        ({"perturbed_answer": [1]}, "perturbed_answer[0] is a number."),
        ({"paraphrased_gold": [[[0, 1]]]}, "paraphrased_gold does not fit. There are 0 paraphrased answers"),
    ],
)
def test_refusals_name_field_and_row(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        row_from_dict({**GOOD, **change}, "x.jsonl:7")
    assert str(caught.value).startswith(sentence)
    assert caught.value.where == "x.jsonl:7"


def test_a_missing_field_and_a_record_that_is_no_object() -> None:
    with pytest.raises(InputError, match="answer is missing"):
        row_from_dict({"id": "a", "question": "Who?"}, "x:1")
    with pytest.raises(InputError, match="not a JSON object. It is a list"):
        row_from_dict([1], "x:1")  # type: ignore[arg-type]


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)


@given(TEXT, TEXT, st.lists(TEXT, max_size=3), st.data())
def test_round_trip(question: str, answer: str, others: list[str], data: st.DataObject) -> None:
    start = data.draw(st.sampled_from([at for at, each in enumerate(answer) if each.strip()]))
    end = data.draw(st.integers(start + 1, len(answer)))
    row = Row("a", question, answer, gold=((start, end),), perturbed_answer=tuple(others))
    assert row_from_dict(row_to_dict(row), "x:1") == row
