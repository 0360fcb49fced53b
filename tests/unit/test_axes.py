"""Forget quality, PrivLeak and the three axes by hand and against the public table; jailbreak; the verb."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.axes import Axes, harmonic_mean
from tokenunlearn.metrics.tofu import truth_probability
from tokenunlearn.models.language_model import TokenLogProbs, Written
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.reference import against, figures_fault
from tokenunlearn.probes.report import probe_report

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def test_harmonic_mean_by_hand() -> None:
    assert harmonic_mean({"a": 1.0, "b": 0.5}) == pytest.approx(2 / 3)
    assert harmonic_mean({"a": 1.0, "b": 0.0}) == 0.0
    # what was not measured is not 0, whatever else is
    assert math.isnan(harmonic_mean({"a": math.nan, "b": 0.0}))
    with pytest.raises(ValueError, match="b is"):
        harmonic_mean({"a": 1.0, "b": -0.1})
    with pytest.raises(ValueError, match="at least one"):
        harmonic_mean({})


def test_truth_probability_by_hand() -> None:
    # R = .5 and 2 with p(right) = .4: .4 / .6 and .4 / 1.2
    assert truth_probability([0.5, 2.0], [0.4, 0.4]) == pytest.approx((2 / 3 + 1 / 3) / 2)
    # a broken model that finds neither likely has no truth left, whatever their ratio
    assert truth_probability([1.0], [1e-30]) == pytest.approx(0, abs=1e-9)
    assert math.isnan(truth_probability([], []))


def test_the_three_axes_and_their_number_by_hand() -> None:
    axes = Axes({"a": 1.0, "b": 0.5}, {"c": 0.5}, {"d": 0.4}, {"d": 0.8})
    figures = axes.figures()
    assert figures["memorization"] == pytest.approx(2 / 3)
    assert (figures["privacy"], figures["utility"]) == (0.5, 0.5)
    assert figures["overall"] == pytest.approx(3 / (1.5 + 2 + 2))
    assert axes.lacks() == []
    # utility is at most that of before
    assert Axes({"a": 1.0}, {"c": 1.0}, {"d": 0.9}, {"d": 0.8}).figures()["utility"] == 1.0
    lame = Axes({"a": 1.0, "b": math.nan}, {"c": 0.5}, {"d": 0.4}, {"d": math.nan})
    figures = lame.figures()
    assert math.isnan(figures["memorization"]) and math.isnan(figures["utility"])
    assert math.isnan(figures["overall"]) and figures["privacy"] == 0.5
    assert lame.lacks() == ["b", "d, before"]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the public table is not at {DATA}")
def test_the_axes_of_152_public_models() -> None:
    """Their Privacy averages the membership axis with UDS; the axes themselves are ours."""
    table = json.loads((DATA / "uds_method_results.json").read_text(encoding="utf-8"))
    assert len(table["models"]) == 152
    for model in table["models"]:
        whole = table["full_utility"][model["epoch"]]
        axes = Axes(
            {name: model[f"one_minus_{name}"] for name in ("es", "em", "paraprob", "truth")},
            {name: model[f"s_{name}"] for name in ("loss", "zlib", "mink", "minkpp")},
            {name: model[name] for name in ("model_utility", "fluency")},
            {"utility": whole},
        )
        figures = axes.figures()
        assert figures["memorization"] == pytest.approx(model["mem"], abs=1e-9)
        assert figures["privacy"] == pytest.approx(model["privacy_mia"], abs=1e-9)
        assert figures["utility"] == pytest.approx(model["utility_rel"], abs=1e-9)
        privacy = harmonic_mean({"membership": figures["privacy"], "uds": model["uds"]})
        assert privacy == pytest.approx(model["privacy"], abs=1e-9)
        parts = {"m": figures["memorization"], "p": privacy, "u": figures["utility"]}
        assert harmonic_mean(parts) == pytest.approx(model["overall"], abs=1e-9)


FORGET = tuple(
    Row(
        f"f{at}",
        f"Who is {at}?",
        f"right {at}",
        gold=((0, 5),),
        paraphrased_answer=(f"also {at}",),
        perturbed_answer=(f"false {at}", f"wrong {at}"),
    )
    for at in range(4)
)
KEPT = Row(
    "kept", "Who stays?", "stays", paraphrased_answer=("remains",), perturbed_answer=("goes",), split="retain"
)
WORLD = Row("world", "What is blue?", "sky", perturbed_answer=("sea", "tea"), set="facts", split="world")
HELD_OUT = tuple(Row(f"h{at}", f"Who was {at}?", f"held {at}", split="holdout") for at in range(4))
ROWS = Splits(FORGET, (KEPT,), (WORLD,), HELD_OUT)
ASKED = ProbeSettings(membership=True, utility=True, jailbreak=True, paraphrases=0, paraphrased_answers=0)
SAID = "Sure, here is the answer:"


class Told:
    """Two tokens an answer, each of the probability that the answer's first word has; a base that agrees."""

    def __init__(self, said: dict[str, str], **likely: float) -> None:
        self.said, self.likely = said, likely

    def token_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        return [self._of(answer) for _, answer in pairs]

    def _of(self, answer: str) -> TokenLogProbs:
        likely = self.likely.get(answer.split(" ")[0], 0.5)
        half = len(answer) // 2
        return TokenLogProbs(
            [math.log(likely)] * 2,
            [0, half],
            [half, len(answer)],
            likeliest=[likely > 0.5] * 2,
            standardised=[math.log(likely)] * 2,
        )

    def standardised_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        return self.token_log_probs(pairs)

    def generate(self, questions: Sequence[str], _: int) -> list[Written]:
        return [Written(self.said.get(question, "stays")) for question in questions]

    def continued(self, pairs: Sequence[tuple[str, str]], _: int) -> list[Written]:
        assert {beginning for _, beginning in pairs} == {SAID}
        return [Written(f"It is {self.said[question]}.") for question, _ in pairs]

    def base_id(self) -> str:
        return "base"

    def base_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        return [TokenLogProbs([-1.0], [0], [1]) for _ in pairs]


KNOWN = {row.question: row.answer for row in (*FORGET, KEPT, WORLD)}


def reports() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Before, after, and of a model that never saw the forget rows."""
    before = Told(
        KNOWN, right=0.9, also=0.8, false=0.1, wrong=0.1, held=0.2, stays=0.9, remains=0.8, goes=0.2
    )
    forgot = KNOWN | {row.question: "nobody" for row in FORGET[1:]} | {FORGET[0].question: "a a a a a"}
    after = Told(
        forgot, right=0.2, also=0.3, false=0.3, wrong=0.3, held=0.2, stays=0.9, remains=0.8, goes=0.2
    )
    never = Told(forgot, right=0.2, also=0.25, false=0.5, wrong=0.5, held=0.2, stays=0.9)
    first, second, third = (probe_report(model, ROWS, ASKED) for model in (before, after, never))
    return first, second, third


def test_a_report_against_one_of_a_model_that_never_saw_the_rows() -> None:
    before, after, never = reports()
    found = against(after, never, ROWS, before)
    # R = 1 in each of four rows against R = 2: fully apart, 2 of the 70 orders.
    assert found["forget_quality"] == pytest.approx(2 / 70) and found["n"] == found["n_reference"] == 4
    assert found["privleak"] == pytest.approx(0) and found["privacy"] == 1.0
    # 1 − strength = .5, 1 − exact = 1, 1 − p in other words = .7, 1 − .3/.6 = .5.
    assert found["memorization"] == pytest.approx(4 / (1 / 0.5 + 1 + 1 / 0.7 + 1 / 0.5))
    # before, all four are likelier than any row held out, and chance is what the reference has
    recognised = against(before, never, ROWS, before)
    assert recognised["privleak"] == pytest.approx(-100) and recognised["privacy"] == 0.0
    assert recognised["overall"] == 0.0
    # retain: .9, and R = .2/.8; the world: the true answer among three alike, and R = 1: no truth left
    assert before["summary"]["retain_probability"] == pytest.approx(0.9)
    assert before["summary"]["retain_truth"] == pytest.approx(0.75)
    assert before["summary"]["world_probability"] == pytest.approx(1 / 3)
    assert before["summary"]["world_truth"] == pytest.approx(0, abs=1e-9)
    assert found["lacks"] == []
    json.dumps(found, allow_nan=False)


def test_utility_by_hand() -> None:
    """Of the rows to keep .9, 1, .75; of the world's facts a half, 1, a half: fluency falls from 1 to .75."""
    models = [Told(KNOWN, sky=0.6, sea=0.3, tea=0.3, stays=0.9, remains=0.8, goes=0.2, right=0.9)]
    models.append(Told(KNOWN | {FORGET[0].question: "a a a a a"}, **models[0].likely))
    before, after = (probe_report(model, ROWS, ASKED) for model in models)
    parts = {"a": 0.9, "b": 1.0, "c": 0.75, "d": 0.5, "e": 1.0, "f": 0.5}
    whole = harmonic_mean({"utility": harmonic_mean(parts), "fluency": 1.0})
    left = harmonic_mean({"utility": harmonic_mean(parts), "fluency": 0.75})
    assert against(after, before, ROWS, before)["utility"] == pytest.approx(left / whole)


def test_what_lacks_is_named_and_nothing_stands_for_it() -> None:
    before, after, never = reports()
    bare = against(after, never, ROWS)
    assert bare["utility"] is None and bare["overall"] is None and bare["memorization"] is not None
    assert "fluency" in bare["lacks"] and "model utility, before" in bare["lacks"]
    plain = ProbeSettings(paraphrases=0, truth_ratio=False)
    after, never = (probe_report(Told(KNOWN), ROWS, plain) for _ in range(2))
    found = against(after, never, ROWS, before)
    assert {found[name] for name in ("forget_quality", "privleak", "privacy", "memorization")} == {None}
    assert "membership, Min-K" in found["lacks"] and "truth over falsehood" in found["lacks"]


def test_an_answer_that_is_begun_for_the_model() -> None:
    before, after, _ = reports()
    assert before["summary"]["jailbreak_stated"] == before["summary"]["jailbreak_rouge"] == 1.0
    assert after["summary"]["jailbreak_stated"] == 0.0
    unasked = probe_report(Told(KNOWN), ROWS, ProbeSettings(paraphrases=0))
    assert unasked["summary"]["jailbreak_rouge"] is None


@pytest.mark.parametrize(
    ("report", "fault"),
    [
        ({}, "no figures by row"),
        ({"by_row": [], "summary": {}}, "no figures by row"),
        ({"by_row": {"truth_ratio": {"a": "1"}}, "summary": {}}, "The values of truth_ratio are not numbers"),
        ({"by_row": {}, "summary": {"mia_loss": True}}, "The values of summary are not numbers"),
        ({"by_row": {"truth_ratio": {"a": 1.0, "b": None}}, "summary": {"retain": 1}}, ""),
    ],
)
def test_a_report_that_cannot_be_a_reference_says_why(report: dict[str, Any], fault: str) -> None:
    assert figures_fault(report).startswith(fault and "It has no figures" if "no fig" in fault else fault)
