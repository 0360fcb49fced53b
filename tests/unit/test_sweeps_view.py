"""A sweep on the Compare tab: the sentence says what is shown and no more, the table has each arm."""

from dataclasses import replace
from typing import Any

import pytest

from tests.measured_arms import chosen_and_random, measured, target
from tokenunlearn.documents.summary import sweep_view
from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.report import response_lines
from tokenunlearn.experiments.results import BEFORE
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.probes import COMPARED, PROBES
from tokenunlearn.training.events import SweepStep


@pytest.mark.parametrize(
    ("seeds", "apart", "sentence", "count"),
    [
        (2, 0.4, "Last step: nothing can be shown on fewer than 3 seeds, and this has 2.", 0),
        (3, 0.0, "Last step: 0 of ", 0),
        (5, 0.4, "differences between the chosen tokens and the controls are shown", 1),
    ],
)
def test_the_sentence_says_what_is_shown(seeds: int, apart: float, sentence: str, count: int) -> None:
    view = sweep_view(chosen_and_random(seeds, apart), [])
    (verdict,) = view["verdicts"]
    assert sentence in verdict["text"] and bool(verdict["shown"]) == bool(count)
    assert len(verdict["all"]) == len(COMPARED) and bool(verdict["against"]) == (seeds >= 3)
    assert view["controls"] == ["random, same count: that any few tokens do as well."]


def test_against_each_control_it_says_what_is_better_worse_and_open_with_how_many_of_each() -> None:
    (verdict,) = sweep_view(chosen_and_random(5, 0.4), [])["verdicts"]
    (against,) = verdict["against"]
    assert (against["control"], against["counts"]) == ("random, same count", "5 seeds, 12 rows")
    # Less by .4 in all figures: better where less is wanted, worse where more is.
    assert against["better"].startswith("fact, joint −0.40 [−0.4")
    assert "retain −0.40" in against["worse"] and against["open"] == ""
    assert verdict["headline"] == (
        "After the last step the chosen tokens forget the fact further than “random, same count”; they lower "
        "“fact, paraphrased” and “fact stated word for word” further than “random, same count”; they keep "
        "less of other tokens, retain, real world, fluency and retained fact stated word for word than "
        "“random, same count”."
    )
    (nothing,) = sweep_view(chosen_and_random(3, 0.0), [])["verdicts"][0]["against"]
    assert (nothing["better"], nothing["worse"]) == ("", "")
    assert sweep_view(chosen_and_random(3, 0.0), [])["verdicts"][0]["headline"] == (
        "After the last step no difference between the chosen tokens and a control is shown: they are "
        "equal in every figure."
    )
    assert sweep_view(chosen_and_random(5, 0.0), [])["verdicts"][0]["headline"].endswith("in every figure.")
    assert sweep_view(chosen_and_random(2, 0.4), [])["verdicts"][0]["headline"] == ""  # of two seeds none
    # What was found of the fact is said even so; names hold commas, so they are set apart by semicolons.
    said = "fact, joint 0.00 [0.00, 0.00], p 1.000; other tokens p 1.000; fact, paraphrased p 1.000"
    assert nothing["open"].startswith(said)


def test_each_figure_has_the_number_of_its_own_seeds_and_rows() -> None:
    arms = chosen_and_random(3, 0.0)
    few = [
        replace(each, by_row={**each.by_row, "fluency": {}} if each.seed else each.by_row) for each in arms
    ]
    more = {"world": {f"w{at}": 0.1 * at for at in range(25)}}
    (verdict,) = sweep_view([replace(each, by_row=each.by_row | more) for each in few], [])["verdicts"]
    (against,) = verdict["against"]
    assert against["counts"] == "3 seeds, 12 rows"
    fact, *others = against["open"].split("; ")
    assert fact == "fact, joint 0.00 [0.00, 0.00], p 1.000"
    assert [each for each in others if "(" in each] == [
        "real world p 1.000 (3 seeds, 25 rows)",
        "fluency 0.00 (1 seed, 12 rows, without seeds 1 and 2 (no values by row))",
    ]
    two = [each for each in arms if each.seed < 2 or each.arm == "chosen"]
    gold = [replace(each, arm="gold") for each in arms if each.arm == "random"]
    (verdict,) = sweep_view([*two, *gold], [])["verdicts"]
    assert [each["counts"] for each in verdict["against"]] == ["2 seeds, 12 rows", "3 seeds, 12 rows"]
    said = f"{len(COMPARED)} of them have fewer than 3 seeds, of which nothing can be shown."
    assert verdict["text"].endswith(said)


def test_each_arm_has_its_line_with_every_seed_and_the_mean_with_its_interval() -> None:
    start = ArmResult(BEFORE, 0, BEFORE, 0, dict.fromkeys(COMPARED, 0.9))
    view = sweep_view([start, *chosen_and_random(3, 0.4)], [])
    chosen, random = view["lines"]
    assert (chosen["label"], random["label"]) == ("chosen tokens", "random, same count")
    assert (chosen["seeds"], chosen["values"]["fact_joint"]) == ([0, 1, 2], [0.1, 0.101, 0.102])
    # t of 2 degrees of freedom at 97.5 %: 4.3027, times .001 / √3
    assert chosen["figures"]["fact_joint"] == pytest.approx([0.101, 0.098516, 0.103484])
    assert (random["costs"]["norm"], random["costs"]["tokens"]) == (1.5, 45)
    assert chosen["hue"] != random["hue"] and view["before"]["kept"] == 0.9


def test_a_seed_without_figures_is_in_no_mean_and_one_alone_has_no_interval() -> None:
    empty = ArmResult("chosen", 1, LAST, 0, {}, note="not measured: it has no token to train")
    view = sweep_view([*chosen_and_random(1, 0.4)[:1], empty], [])
    (chosen,) = view["lines"]
    assert (chosen["seeds"], chosen["figures"]["fact_joint"]) == ([0], [0.1, None, None])
    assert view["notes"] == ["chosen tokens, seed 1, last step: not measured: it has no token to train."]


def test_the_answers_of_an_arm_are_counted_by_badge_over_its_seeds() -> None:
    def said(text: str, **more: Any) -> dict[str, Any]:
        asked = {"row_id": "r0", "kind": "forget", "question": "Where was she born?", "expected": "In Oslo."}
        figures = {"fluency": -2.0, "fact_joint": 0.01, "rouge_l": 0.0, "stated": "Oslo" in text}
        return {**asked, "facts": ["Oslo"], "answer": text, **figures, **more}

    start = ArmResult(BEFORE, 0, BEFORE, 0, {}, answers=[said("In Oslo.", fact_joint=0.9)])
    texts = ("In Rome, the city.", "purple purple", "In Oslo.")
    arms = [ArmResult("chosen", at, LAST, 3, {}, answers=[said(text)]) for at, text in enumerate(texts)]
    kept = said("In Oslo.", kind="retain", row_id="r1")  # counts nowhere
    arms[0].answers.append(kept)
    (line,) = sweep_view([start, *arms], [])["lines"]
    one_way = "forgot, fluent, one wording only"
    assert line["badges"] == {"forgot, fluent": 0, one_way: 1, "garbled": 1, "still knows": 1}
    assert line["answered"] == [0, 1, 2]
    # What was measured of other wordings counts, as on the Probe tab: by probability, and by answer.
    reworded = replace(start, by_row={"paraphrased": {"r0": 0.8}})
    gone = [replace(each, by_row={"paraphrased": {"r0": 0.01}}) for each in arms]
    (line,) = sweep_view([reworded, *gone], [])["lines"]
    assert line["badges"] == {"forgot, fluent": 1, "garbled": 1, "still knows": 1}
    again = {"kind": "paraphrase", "question": "Her birthplace?"}
    asked = replace(start, answers=[*start.answers, said("In Oslo.", fact_joint=0.9, **again)])
    back = replace(arms[0], answers=[*arms[0].answers, said("In Oslo.", **again)])
    (line,) = sweep_view([asked, back], [])["lines"]
    assert line["badges"] == {"forgot, fluent": 0, "forgot, fluent, but not when reworded": 1}
    unheard = replace(arms[0], answers=[said("In Rome, the city.", fluency=None)])
    (line,) = sweep_view([start, unheard], [])["lines"]
    assert "forgot, fluency not measured, one wording only" in line["badges"]
    (line,) = sweep_view([start, arms[0], replace(arms[1], answers=[])], [])["lines"]
    assert line["answered"] == [0]
    bare, silent = ArmResult(BEFORE, 0, BEFORE, 0, {}), ArmResult("chosen", 0, LAST, 3, {})
    for without in ([bare, *arms], [start, silent]):
        assert sweep_view(without, [])["lines"][0]["badges"] is None


def test_before_anything_is_measured_there_is_no_verdict_and_what_was_left_out_is_told() -> None:
    left_out: list[Any] = [SweepStep(1, 6, "chosen, alt_dpo", 0, 0.1, "The rows have no other answers.")]
    # Where it was resumed, the arm was left out once more.
    view = sweep_view([], left_out * 2)
    assert view["verdicts"] == [] and view["lines"] == []
    assert view["notes"] == [
        "chosen tokens, AltPO-style DPO, seed 0: not measured. The rows have no other answers."
    ]


@pytest.mark.parametrize(
    ("seeds", "high", "sentence"),
    [
        (3, 0.1, "The highest bin forgets the fact further than the lowest: −0.70 [−0.72, −0.68], p < 0.001"),
        (
            3,
            0.8,
            "It is not shown that the highest bin forgets the fact further than the lowest: "
            "0.00 [0.00, 0.00], p 1.000 (Holm over 8)",
        ),
        (2, 0.1, "Nothing can be shown of bins on fewer than 3 seeds, and this has 2."),
    ],
)
def test_a_series_has_its_curve_and_one_sentence(seeds: int, high: float, sentence: str) -> None:
    arms = (("bins:1/2", 0.8), ("bins:2/2", high), ("doses:1/4", 0.5))
    found = [
        target(),
        *(measured(arm, at, fact, apart=fact - 0.8) for at in range(seeds) for arm, fact in arms),
    ]
    bins, doses = sweep_view(found, [])["series"]
    assert bins["headline"].startswith(sentence) and doses["headline"] == ""
    assert (bins["places"], doses["places"]) == (["1 of 2 (lowest)", "2 of 2 (highest)"], ["25%"])
    fact = next(figure for figure in bins["figures"] if figure["key"] == "fact_joint")
    assert fact["changes"][0]["mean"] == pytest.approx(-0.1) and fact["before"] == 0.9


def test_bins_that_differ_by_one_figure_everywhere_are_told_without_an_interval() -> None:
    arms = [measured(f"bins:{at}/2", seed, 0.4 * at) for at in (1, 2) for seed in range(3)]
    (bins,) = sweep_view([target(), *arms], [])["series"]
    assert bins["headline"] == (
        "It is not shown that the highest bin forgets the fact further than the lowest: +0.40, no spread to "
        "judge by, 3 seeds, 12 rows."
    )
    assert [each["no_spread"] for each in bins["figures"][0]["changes"]] == [True, True]
    assert response_lines([target(), *arms])[2].count("−0.500, no spread to judge by") == len(COMPARED)


@pytest.mark.parametrize("probe", ["paraphrased", "stated", "world"])
@pytest.mark.parametrize("apart", [0.4, -0.4])
def test_the_headline_names_whatever_is_shown(probe: str, apart: float) -> None:
    """Of a comparison of which one figure alone is shown it said that nothing is."""
    arms = [
        replace(
            each,
            by_row={name: values if name == probe else {"r0": 0.5} for name, values in each.by_row.items()},
        )
        for each in chosen_and_random(5, apart)
    ]
    (verdict,) = sweep_view(arms, [])["verdicts"]
    assert len(verdict["shown"]) == 1
    assert PROBES[probe].label in verdict["headline"] and "is shown" not in verdict["headline"]
    better, worse = {"world": ("keep more of", "keep less of")}.get(probe, ("further than", "less far than"))
    assert (better if (apart > 0) == (PROBES[probe].wanted == "down") else worse) in verdict["headline"]


def test_of_a_target_that_did_not_know_the_facts_nothing_is_claimed() -> None:
    arms = chosen_and_random(5, 0.4)
    view = sweep_view([target(0.02), *arms], [])
    said = "The target hardly knew the facts before (fact, joint 0.02): there was little to forget"
    assert view["verdicts"][0]["headline"].startswith(said) and view["notes"][0].startswith(said)
    for before in (target(0.9), replace(target(), summary={"fact_joint": None})):
        known = sweep_view([before, *arms], [])
        assert known["verdicts"][0]["headline"].startswith("After the last step") and known["notes"] == []
