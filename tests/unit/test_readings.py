"""What people read of judged answers, and what is left of the facts, in sentences: one truth everywhere."""

from typing import Any

import pytest

from tokenunlearn.metrics.facts import word_probabilities
from tokenunlearn.models.language_model import TokenLogProbs
from tokenunlearn.probes.left import forgets, left_said, what_is_left, words_gone
from tokenunlearn.probes.readings import (
    READINGS,
    SUCCESS,
    Again,
    counted,
    gone_said,
    gone_words,
    in_order,
    line_words,
    most_left,
    reworded,
)
from tokenunlearn.probes.report import badge_counts, counts_of, with_badges

ANSWER = "The winner was Stara's crow, of course."


@pytest.mark.parametrize(
    ("answers", "was", "now", "state"),
    [
        ([], None, None, "one_way"),
        ([], 0.8, 0.0, "gone"),
        ([], 0.8, 0.1, "likely"),
        ([], 0.09, 0.0, "never_knew"),
        ([], 0.1, 0.09, "gone"),
        ([], None, 0.1, "likely"),
        ([], None, 0.0, "one_way"),
        ([], 0.8, None, "one_way"),
        ([Again("forgot", "nothing", True)], None, None, "gone"),
        ([Again("refused", "nothing", True)], None, None, "gone"),
        # A model that refuses what it never knew has forgotten nothing.
        ([Again("refused", "nothing", False)], None, None, "never_knew"),
        ([Again("never_knew", "nothing", False)], 0.02, 0.0, "never_knew"),
        ([Again("never_knew", "nothing", False)], 0.8, 0.0, "gone"),
        # What is in pieces or cut off shows nothing, however likely the fact was.
        ([Again("garbled", "nothing", True)], 0.8, 0.0, "garbled"),
        ([Again("cut", "nothing", True)], 0.8, 0.0, "cut"),
        ([Again("garbled", "nothing", True), Again("forgot", "nothing", True)], 0.8, 0.0, "gone"),
        # An answer holds no more than it says: the fact may be likely all the same.
        ([Again("still_knows", "whole", True)], 0.8, 0.0, "whole"),
        ([Again("partly", "part", True)], 0.8, 0.5, "part"),
        ([Again("partly", "nothing", True)], 0.8, 0.0, "likely"),
        ([Again("still_knows", "nothing", True)], None, None, "likely"),
        ([Again("forgot", "nothing", True)], 0.8, 0.3, "likely"),
    ],
)
def test_what_other_wordings_say(
    answers: list[Again], was: float | None, now: float | None, state: str
) -> None:
    assert reworded(answers, was, now) == state


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"badge": None}, "not judged"),
        ({"badge": "forgot", "fluency": -2.0}, "forgot, fluent"),
        # Each thing that is lacking is told, not one of them.
        (
            {"badge": "forgot", "reworded": "whole", "gone_words": {"gone": ["a"], "of": 3}},
            "forgot, fluency not measured, but not when reworded, most of its words still likely",
        ),
        (
            {"badge": "forgot", "fluency": -2.0, "gone_words": {"gone": ["a"], "of": 2}},
            "forgot, fluent",
        ),
        # A badge by the probability alone says so: the text does not hold the fact.
        ({"badge": "still_knows", "holds": "whole"}, "still knows"),
        ({"badge": "still_knows", "holds": "part"}, "still knows, by its probability only"),
        ({"badge": "partly", "holds": "part"}, "partly forgot"),
        ({"badge": "partly", "holds": "nothing"}, "partly forgot, by its probability only"),
        ({"badge": "cut"}, "cut off before the fact"),
    ],
)
def test_what_is_read_of_an_answer(line: dict[str, Any], words: str) -> None:
    assert line_words(line) == words and words in READINGS


def test_answers_are_counted_in_one_order_the_success_first() -> None:
    lines = [{"badge": badge, "fluency": -2.0} for badge in ("garbled", "refused", "garbled", None)]
    found = counted(lines)
    assert list(found.items()) == [(SUCCESS, 0), ("garbled", 2), ("refused", 1), ("not judged", 1)]
    assert in_order([{"refused": 1}, found]) == [SUCCESS, "garbled", "refused", "not judged"]
    assert len(set(READINGS)) == len(READINGS)


def test_the_words_of_a_fact_have_the_joint_probability_of_their_tokens() -> None:
    """`Stara`, `'s`, ` cr`, `ow`, `, of`: a clitic and punctuation are no words."""
    starts, ends = [0, 15, 20, 22, 25, 27, 31], [15, 20, 22, 25, 27, 31, 39]
    logs = [-0.1, -3.0, -9.0, -1.0, -2.0, -0.5, 0.0]
    tokens = TokenLogProbs(logs, starts, ends)  # type: ignore[arg-type]
    found = word_probabilities(ANSWER, tokens, [(15, 27)])
    assert [word for word, _ in found] == ["Stara", "crow"]
    assert [value for _, value in found] == pytest.approx([0.0497871, 0.0497871])  # e^-3, e^-(1 + 2)
    assert word_probabilities(ANSWER, tokens, []) == []


def test_a_word_is_gone_that_was_known_and_is_not() -> None:
    before = [["the", 0.99], ["three", 0.98], ["old", 0.05], ["crows", 0.1]]
    after = [["the", 0.0], ["three", 0.99], ["old", 0.0], ["crows", 0.1]]
    found = gone_words(before, after)
    # a word that was never known cannot be gone; one at the very bound is still known
    assert found == {"gone": ["the"], "of": 3, "given": [], "words": 4}
    assert gone_said(found) == "1 of 3 known words of the fact is gone: “the”"
    assert gone_said({"gone": [], "of": 3}) == "0 of 3 words of the fact are gone"
    assert gone_said({"gone": ["a", "b"], "of": 3}) == "2 of 3 words of the fact are gone: “a”, “b”"
    assert gone_said({"gone": ["a", "b"], "of": 2, "words": 2}) == "all 2 words of the fact are gone"
    # one that was not known may be likely now: no “all”
    assert (
        gone_said({"gone": ["a", "b"], "of": 2, "words": 3})
        == "2 of 2 known words of the fact are gone: “a”, “b”"
    )
    assert gone_words(before, None) is None and gone_words(before, [["the", 0.0]]) is None
    assert (
        gone_words([["the", None]], [["the", 0.0]]) is None and gone_words([["a", 0.0]], [["a", 0.0]]) is None
    )
    assert gone_said(None) == ""


def test_a_word_that_the_base_says_too_was_not_taught() -> None:
    """Of the recorded run: only `tram` was taught, and stays, while `conductor` falls below the base."""
    before, after = [["tram", 1.0], ["conductor", 0.98]], [["tram", 0.97], ["conductor", 0.0]]
    assert gone_words(before, after) == {"gone": ["conductor"], "of": 2, "given": [], "words": 2}
    found = gone_words(before, after, [["tram", 0.0], ["conductor", 0.635]])
    assert found == {"gone": [], "of": 1, "given": ["conductor"], "words": 2} and most_left(found)
    assert (
        gone_said(found)
        == "0 of 1 word of the fact is gone (“conductor” does not count: the base says it too)"
    )
    # A base that knows the fact, such as the model itself, tells nothing, nor does one of other words.
    unknown = [["tram", None], ["conductor", 1.0]]
    for base in (before, [["tram", 0.5], ["conductor", 0.5]], [["tram", 0.0]], unknown):
        assert gone_words(before, after, base) == {"gone": ["conductor"], "of": 2, "given": [], "words": 2}
    half = [["the", 0.9], ["sea", 0.05]]  # all that was known is what the base says
    assert gone_words(half, half, [["the", 0.9], ["sea", 0.0]]) is None


def row(number: int, answer: str = "In Oslo.", kind: str = "forget", joint: float = 0.9) -> dict[str, Any]:
    again = kind == "paraphrase"
    line = {
        "row_id": f"r{number}", "kind": kind, "question": "Birthplace?" if again else "Where was she born?",
        "expected": "In Oslo.", "facts": ["Oslo"], "answer": answer, "fluency": -2.0, "fact_joint": joint,
        "rouge_l": 0.0, "stated": "Oslo" in answer,
    }  # fmt: skip
    return line if again else line | {"fact_words": [["Oslo", joint]]}


def both(
    said: list[str], again: list[str | None], was: float | None = 0.8, now: float | None = 0.0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A report before, in which everything is known, and one after, judged."""
    reports = []
    for side, value, joint in (("before", was, 0.9), ("after", now, 0.0)):
        lines = []
        for number, (own, other) in enumerate(zip(said, again, strict=True)):
            first = side == "before"
            lines.append(row(number, "In Oslo." if first else own, joint=joint))
            if other is not None:
                lines.append(row(number, "In Oslo." if first else other, "paraphrase", joint))
        by_row = {} if value is None else {f"r{number}": value for number in range(len(said))}
        reports.append(
            {"answers": lines, "summary": {"paraphrased": value}, "by_row": {"paraphrased": by_row}}
        )
    return reports[0], with_badges(*reports)


def test_the_caution_stays_while_any_fact_comes_back_and_says_which_way() -> None:
    before, after = both(["In Oslo."] * 19 + ["In Rome."], ["In Rome."] * 20)
    assert what_is_left(before, after) == "19 of 20 facts still come back: as a whole."
    assert not forgets(after)
    before, after = both(["In Rome."] * 19 + ["In Oslo."], ["In Rome."] * 20)
    assert what_is_left(before, after) == "1 of 20 facts still comes back: as a whole."
    assert forgets(after)
    before, after = both(["In Oslo.", "In Rome.", "In Rome."], ["In Rome.", "In Oslo.", "In Rome."])
    assert what_is_left(before, after) == (
        "2 of 3 facts still come back: 1 as a whole, 1 when asked in other words."
    )
    assert what_is_left(*both(["In Rome."] * 2, ["In Rome."] * 2)) == ""


def test_broken_answers_are_said_before_all_else() -> None:
    before, after = both(["In Rome."] * 3, ["was was was was"] * 3, was=0.8)
    lines = [line | {"badge": "garbled"} for line in with_badges(before, after)["answers"]]
    said = what_is_left(before, with_badges(before, after) | {"answers": lines})
    assert said.startswith("3 of 3 answers are garbled, which is no forgetting.")


def test_of_how_many_facts_other_words_show_nothing_is_said() -> None:
    before, after = both(["In Rome."] * 3, ["was was was was", None, "In Rome."], was=0.8)
    before["by_row"]["paraphrased"].pop("r1")
    after = with_badges(before, after)
    assert what_is_left(before, after) == (
        "Whether 2 come back in other words is not known: 1 garbled when asked in other words, "
        "1 asked one way only."
    )
    before, after = both(["In Rome."] * 2, [None] * 2, None, None)
    assert what_is_left(before, after) == (
        "Asked one way only: whether the facts come back in other words was not measured."
    )
    assert not forgets(after)


@pytest.mark.parametrize(
    ("said", "again", "was", "now", "words"),
    [
        ("In Oslo.", "In Rome.", 0.8, 0.0, "The answer still states the fact."),
        ("In Rome.", "In Oslo.", 0.8, 0.0, "Asked in other words, the answer still states the fact."),
        (
            "In Rome.",
            "In Rome.",
            0.8,
            0.5,
            "Asked in other words, the fact is still likely (0.80, now 0.50).",
        ),
        (
            "In Rome.",
            "no no no",
            0.8,
            0.0,
            "Asked in other words, the answer is garbled: that shows nothing.",
        ),
        ("I do not know.", "In Rome.", 0.8, 0.0, "The model refuses to answer, which is no forgetting."),
        ("no no no", "In Rome.", 0.8, 0.0, "The answer is garbled, which is no forgetting."),
        ("In Rome.", "In Rome.", 0.8, 0.0, ""),
    ],
)
def test_of_one_fact_the_way_in_which_it_comes_back_is_said(
    said: str, again: str, was: float, now: float, words: str
) -> None:
    before, after = both([said], [again], was, now)
    assert what_is_left(before, after) == words
    assert forgets(after) is (words == "")


def test_words_that_are_gone_are_told_beside_the_figures() -> None:
    before, after = both(["In Rome."], ["In Rome."])
    for report, values in ((before, (0.99, 0.98, 0.99)), (after, (0.0, 0.98, 0.99))):
        pairs = zip(("the", "three", "crows"), values, strict=True)
        report["answers"][0]["fact_words"] = [list(each) for each in pairs]
    after = with_badges(before, after)
    assert left_said(before, after) == ["1 of 3 words of the fact is gone: “the”."]
    assert line_words(after["answers"][0]) == "forgot, fluent, most of its words still likely"
    assert not forgets(after)
    before["answers"][0]["base_words"] = [["the", 0.2], ["three", 0.3], ["crows", 0.0]]
    assert left_said(before, with_badges(before, after)) == [
        "0 of 1 word of the fact is gone (“the”, “three” do not count: the base says them too)."
    ]
    _, several = both(["In Rome."] * 2, ["In Rome."] * 2)
    assert words_gone(several) == "2 of 2 words of the facts are gone."
    several["answers"][0]["gone_words"] = {"gone": ["the"], "of": 3}
    assert words_gone(several) == "2 of 4 words of the facts are gone; in 1 of 2 facts fewer than half."
    several["answers"][0]["gone_words"] = None
    told = "1 of 1 words of the facts is gone; of 1 of 2 facts that is not measured."
    assert words_gone(several) == told
    several["answers"][0]["badge"] = "never_knew"  # nothing to forget, whatever its words were
    assert words_gone(several) == "1 of 1 words of the facts is gone."


def test_a_count_is_of_the_whole_report_in_every_place() -> None:
    before, after = both(["In Rome.", "In Rome."], ["In Oslo.", "was was was was"])
    assert (
        counts_of(after)
        == badge_counts(before, after)
        == {
            SUCCESS: 0,
            "forgot, fluent, but not when reworded": 1,
            "forgot, fluent, garbled when reworded": 1,
        }
    )
    assert counts_of(after, "paraphrase") == {SUCCESS: 0, "garbled": 1, "still knows": 1}


def test_a_file_of_an_older_version_has_the_words_of_its_tokens() -> None:
    before, after = both(["In Rome."], ["In Rome."])
    for report, value in ((before, -0.1), (after, -5.0)):
        del report["answers"][0]["fact_words"]
        columns = {"starts": [0, 2, 7], "ends": [2, 7, 8], "log_probs": [-0.1, value, -0.1]}
        report["tokens"] = [{"row_id": "r0", "kind": "forget", **columns}]
    assert with_badges(before, after)["answers"][0]["gone_words"] == {
        "gone": ["Oslo"],
        "of": 1,
        "given": [],
        "words": 1,
    }
    after["tokens"][0]["log_probs"][1] = None  # no number that JSON knows
    assert with_badges(before, after)["answers"][0]["gone_words"] is None
