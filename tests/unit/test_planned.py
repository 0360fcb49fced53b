"""Comparisons named beforehand: Holm over these alone, the rest exploratory, and none named too late."""

import json
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from app.actions.unlearn import PLANNABLE, Wanted, refuse_for_sweep
from app.requests import read
from app.tabs.unlearn import build
from tests.measured_arms import chosen_and_random, measured, target
from tests.page_service import live_service
from tests.unit.test_verdict import CONTROLS, simulated
from tokenunlearn.documents.summary import sweep_view
from tokenunlearn.errors import RunError, SettingError
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.experiments.moments import EQUAL, LAST
from tokenunlearn.experiments.planned import Named, Plan, named, plan_for, plan_from, plan_record
from tokenunlearn.experiments.report import verdict_lines
from tokenunlearn.experiments.results import plan_of, read_plan, results_text
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.experiments.verdict import Finding, adjusted, findings, planned_findings
from tokenunlearn.metrics.statistics import Comparison
from tokenunlearn.training.config import TrainConfig

NOW = "2026-11-30 22:10 UTC"
BEFOREHAND = Plan(named(["fact_joint: chosen - random"]), NOW, 0)


def finding(p_value: float) -> Finding:
    return Finding(LAST, "", "random", "retain", Comparison(0.1, 0.05, 0.15, p_value, 1.0, 5, 20), np.nan)


def test_holm_over_a_family_is_that_of_the_paper() -> None:
    """By hand: .01, .02 and .04 times 3, 2 and 1; what is not measured counts where it was planned."""
    found = adjusted([finding(p) for p in (0.04, 0.01, 0.02)], "planned")
    assert [each.p_value for each in found] == pytest.approx([0.04, 0.03, 0.04])
    assert [(each.of, each.role) for each in found] == [(3, "planned")] * 3
    lacking = [finding(p) for p in (0.02, np.nan, 0.01)]
    assert [each.p_value for each in adjusted(lacking)] == pytest.approx([0.02, np.nan, 0.02], nan_ok=True)
    whole = adjusted(lacking, whole=True)
    assert [each.p_value for each in whole] == pytest.approx([0.04, np.nan, 0.03], nan_ok=True)
    assert [each.of for each in whole] == [3] * 3 and [each.of for each in adjusted(lacking)] == [2] * 3


def test_the_named_are_judged_by_themselves_and_all_else_by_itself() -> None:
    results = simulated(1, 0.1)
    every = {(each.control, each.probe): each for each in findings(results, LAST)}
    plan = Plan(named(["fact_joint: chosen - random", "other: chosen - words"]), NOW, 0)
    told = findings(results, LAST, plan)
    assert [(each.control, each.probe) for each in told] == list(every)  # in the order of a table
    first, second = planned_findings(results, plan)
    raw = [every[name].comparison.p_value for name in (("random", "fact_joint"), ("words", "other"))]
    low, high = sorted(raw)
    assert sorted([first.p_value, second.p_value]) == pytest.approx([min(1, 2 * low), max(2 * low, high)])
    assert first.words.endswith(f"(Holm over 2 planned), 5 seeds, 20 rows: {first._verdict}.")
    others = [each for each in told if not each.named and np.isfinite(each.p_value)]
    assert len(told) == len(every) and len(others) == 2 * len(CONTROLS) - 2
    assert {(each.of, each.role) for each in others} == {(4, "exploratory")}
    least = min(others, key=lambda each: each.comparison.p_value)
    assert least.p_value == pytest.approx(min(1, 4 * least.comparison.p_value))
    # A family may span moments; a comparison that was never measured is told, and counts.
    spanned = Plan((*plan.named, Named("other", "random", EQUAL)), NOW, 0)
    assert [each.of for each in planned_findings(results, spanned)] == [3] * 3
    (absent,) = [each for each in findings(results, EQUAL, spanned)]
    assert absent.words == "other tokens, chosen − random: not measured (planned)."


TWO: Plan = Plan(named(["fact_joint: chosen - random", "other: chosen - uniform"]), NOW, 0)


def shares(effect: float, plan: Plan | None, tables: int = 100) -> tuple[float, float]:
    """The shares of tables in which anything at all is shown, and in which the fact against random is."""
    tried = [findings(simulated(number, effect), LAST, plan) for number in range(tables)]
    fact = [
        next(each.shown for each in found if each.probe == "fact_joint" and each.control == "random")
        for found in tried
    ]
    return sum(any(each.shown for each in found) for found in tried) / tables, sum(fact) / tables


def test_planted_lies_are_not_shown_and_a_planted_effect_is_found_more_often_by_its_name() -> None:
    assert shares(0.0, TWO)[0] <= 0.05
    _, among_all = shares(0.15, None)
    _, by_name = shares(0.15, TWO)
    assert by_name >= 0.8 and by_name > among_all + 0.1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chosen beats random", "'chosen beats random' names no comparison. It must read FIGURE: chosen"),
        ("fact: chosen - random", "There is no figure 'fact' to compare.* Did you mean fact_joint"),
        ("fact_joint: chosen - radom", "There is no control 'radom'.* Did you mean random"),
        ("fact_joint: random - chosen", "'random' is not compared with a control.*Name the chosen"),
        ("fact_joint: chosen - chosen", "There is no control 'chosen'"),
        ("other: chosen - uniform_norm at equal forgetting", "uniform_norm is measured after"),
        ("fact_joint: chosen - gold", "“fact_joint: chosen - gold” needs the arm gold"),
        ("retain: chosen - random at equal retention", "is never measured. kept_below is 0"),
    ],
)
def test_what_names_no_comparison_is_refused_with_the_part_that_does_not_fit(text: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        CompareConfig(arms=("chosen", "random", "uniform_norm"), kept_below=0, planned=(text,))


def test_a_plan_is_written_plainly_and_read_back() -> None:
    texts = ["other:chosen−words", " other: chosen - words ", "retain: chosen - random at equal retention"]
    plan = Plan(named(texts), NOW, 3)
    assert [each.text for each in plan.named] == ["other: chosen - words", texts[2]]
    assert plan_from(json.loads(json.dumps(plan_record(plan))), "x") == plan and plan_from(None, "x") is None
    whole = {"named": [], "time": "", "measured": 0}
    for damaged in ([], whole | {"named": ["x"]}, whole | {"time": 5}, whole | {"measured": True}):
        with pytest.raises(RunError, match="planned comparisons of the file cannot be read"):
            plan_from(damaged, "x")


def test_what_is_named_after_a_measurement_says_so_and_what_was_named_stays() -> None:
    asked, other = ["fact_joint: chosen - random"], ["retain: chosen - random"]
    assert plan_for(asked, None, 0, NOW) == BEFOREHAND and plan_for(None, None, 4, NOW) is None
    late = plan_for(asked, None, 4, NOW)
    assert late and (late.role, late.when) == (
        "named afterwards",
        f"{NOW}, when 4 runs were measured already",
    )
    # Of a file that goes on, with the same ones or none; another plan only before the first arm.
    for texts in (asked, None, []):
        assert plan_for(texts, BEFOREHAND, 4, "later") == BEFOREHAND
    assert plan_for(other, BEFOREHAND, 0, "later") == Plan(named(other), "later", 0)
    with pytest.raises(RunError, match="other planned comparisons.*named 2026.*before the first arm was"):
        plan_for(other, BEFOREHAND, 1, "later")


def test_a_file_keeps_its_plan_and_page_and_command_line_say_the_same(tmp_path: Path) -> None:
    results: list[ArmResult] = [target(), *chosen_and_random(5, 0.4)]
    path = tmp_path / "arms.jsonl"
    path.write_text(results_text({"x": "y"}, results, plan=BEFOREHAND), encoding="utf-8")
    assert read_plan(path) == BEFOREHAND == plan_of(path, None, results, "later")
    assert read_plan(tmp_path / "none.jsonl") is None
    view, printed = sweep_view(results, [], BEFOREHAND), verdict_lines(results, BEFOREHAND)
    (line,) = view["planned"]["lines"]
    assert printed[0] == view["planned"]["text"]
    when = f"(named {NOW}, before the first arm was measured)"
    assert printed[0] == f"1 of 1 planned comparison is shown {when}."
    assert (
        printed[1] == f"  f{line['text'][1:]}" and "(Holm over 1 planned)" in line["text"] and line["shown"]
    )
    assert view["planned"]["headline"] == (
        "After the last step the chosen tokens forget the fact further than “random, same count”."
    )
    (verdict,) = view["verdicts"]
    assert verdict["headline"].startswith("Exploratory: After the last step the chosen tokens keep less")
    assert verdict["text"].startswith("Exploratory, last step: 7 of 7 other differences")
    assert verdict["text"].endswith("p adjusted by Holm over these 7).")
    assert not any("fact, joint" in each for each in verdict["all"])
    assert any(each.startswith("exploratory, last step: 7 of 7 other") for each in printed)
    late = sweep_view(results, [], Plan(BEFOREHAND.named, NOW, 10))["planned"]
    assert late["headline"] == "" and late["text"].startswith("1 of 1 comparison named afterwards is shown")
    assert late["text"].endswith("They may have been picked by their figures.")


def test_beside_a_plan_the_ends_of_bins_are_exploratory() -> None:
    arms = [measured(f"bins:{at}/2", seed, 0.9 - 0.4 * at) for at in (1, 2) for seed in range(3)]
    (series,) = sweep_view([target(), *arms], [], BEFOREHAND)["series"]
    assert all("(Holm over 8 exploratory)" in each for each in [series["headline"], *series["ends"]])


def test_the_form_names_comparisons_and_refuses_one_whose_control_is_not_ticked() -> None:
    text = "fact_joint: chosen - random"
    assert PLANNABLE[text] == "fact, joint: chosen − random, same count"
    assert [each.text for each in named(list(PLANNABLE))] == list(PLANNABLE)
    wanted = Wanted(settings=TrainConfig(), controls=("random",), planned=(text,))
    assert wanted.is_sweep and wanted.compared.planned == (text,)
    refuse_for_sweep(wanted)
    with pytest.raises(SettingError, match="needs the arm random") as refused:
        refuse_for_sweep(replace(wanted, controls=("words",)))
    assert refused.value.where == "planned"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("fact_joint: chosen - random", "needs the arm random"),
        ("fact_joint: chosen - randon", "no control 'randon'"),
        ("is the fact gone?", "names no comparison"),
    ],
)
def test_what_is_typed_as_a_plan_is_taken_or_refused_at_its_field(typed: str, words: str) -> None:
    wanted = read(Wanted, {"settings": {}, "planned": [typed, typed]})
    assert wanted.planned == (typed,)
    with pytest.raises(SettingError, match=words) as refused:
        refuse_for_sweep(wanted)
    assert refused.value.where == "planned"
    beyond = "other: chosen - random at equal forgetting"  # the menu does not hold it
    refuse_for_sweep(read(Wanted, {"settings": {}, "controls": ["random"], "planned": [beyond]}))


def test_the_menu_of_planned_comparisons_takes_what_is_typed(tmp_path: Path) -> None:
    with gr.Blocks():
        menus = build(live_service(tmp_path)).sweep
    assert menus["planned"].preprocess(["a typed plan"]) == ["a typed plan"]
    assert menus["others"].preprocess(["a typed objective"]) == ["a typed objective"]
    wanted = {"settings": {}, "others": ["simn", "SimNPO", "undial"]}
    assert read(Wanted, wanted).others == ("simnpo", "undial")
    for typed in ("uuu", "id k", "g", 5):  # "g" begins several
        with pytest.raises(SettingError, match="There is no objective"):
            read(Wanted, {**wanted, "others": [typed]})
