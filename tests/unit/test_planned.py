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
from app.words import CONTROLS as CONTROLS_LABEL
from tests.measured_arms import chosen_and_random, measured, target
from tests.page_service import live_service
from tests.unit.test_verdict import CONTROLS, result, simulated
from tokenunlearn.documents.summary import sweep_view
from tokenunlearn.errors import RunError, SettingError
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.experiments.moments import EQUAL, LAST
from tokenunlearn.experiments.planned import Named, Plan, named, plan_for, plan_from, plan_record
from tokenunlearn.experiments.report import verdict_lines
from tokenunlearn.experiments.results import plan_of, read_plan, results_text, runs_measured
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.experiments.verdict import Finding, adjusted, findings, planned_findings
from tokenunlearn.metrics.statistics import Comparison
from tokenunlearn.training.config import TrainConfig

TABLES = 80
NOW = "2026-11-30 22:10 UTC"
BEFOREHAND = Plan(named(["fact_joint: chosen - random"]), NOW, 0, 5)


def finding(p_value: float) -> Finding:
    return Finding(LAST, "", "random", "retain", Comparison(0.1, 0.05, 0.15, p_value, 1.0, 5, 20), np.nan)


def test_holm_over_a_family_is_that_of_the_paper() -> None:
    """By hand: .01, .02 and .04 times 3, 2 and 1; what is not measured counts where it was planned."""
    found = adjusted([finding(p) for p in (0.04, 0.01, 0.02)], "planned")
    assert [each.p_value for each in found] == pytest.approx([0.04, 0.03, 0.04])
    assert [(each.of, each.role) for each in found] == [(3, "planned")] * 3
    absent = replace(finding(0.5), comparison=Comparison(*[np.nan] * 5, 0, 0))
    lacking = [finding(0.02), absent, finding(0.01)]
    assert [each.p_value for each in adjusted(lacking)] == pytest.approx([0.02, np.nan, 0.02], nan_ok=True)
    whole = adjusted(lacking, whole=True)
    assert [each.p_value for each in whole] == pytest.approx([0.04, np.nan, 0.03], nan_ok=True)
    assert [each.of for each in whole] == [3] * 3 and [each.of for each in adjusted(lacking)] == [2] * 3
    # What was looked at and has no spread counts in either.
    alike = [finding(0.02), finding(np.nan), finding(0.01)]
    assert [each.p_value for each in adjusted(alike)] == pytest.approx([0.04, np.nan, 0.03], nan_ok=True)


def test_the_named_are_judged_by_themselves_and_all_else_by_itself() -> None:
    results = simulated(1, 0.1)
    every = {(each.control, each.probe): each for each in findings(results, LAST)}
    plan = Plan(named(["fact_joint: chosen - random", "other: chosen - words"]), NOW, 0, 5)
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
    spanned = Plan((*plan.named, Named("other", "random", EQUAL)), NOW, 0, 5)
    assert [each.of for each in planned_findings(results, spanned)] == [3] * 3
    (absent,) = [each for each in findings(results, EQUAL, spanned)]
    assert absent.words == "other tokens, chosen tokens − “random, same count”: not measured (planned)."


TWO: Plan = Plan(named(["fact_joint: chosen - random", "other: chosen - uniform"]), NOW, 0, 5)


def test_on_another_number_of_seeds_than_were_planned_a_comparison_is_exploratory() -> None:
    results = simulated(1, 0.15, seeds=7)
    for seeds in (3, 7):
        part = [each for each in results if each.seed < seeds]
        first, second = planned_findings(part, TWO)
        words = f"{seeds} seeds, 20 rows: exploratory, as 5 seeds were planned and this has {seeds}."
        assert first.words.endswith(words) and not first.shown and np.isnan(first.p_value)
        (there,) = [
            each
            for each in findings(part, LAST, TWO)
            if (each.probe, each.control) == ("fact_joint", "random")
        ]
        assert (there.of, there.role) == (2 * len(CONTROLS), "exploratory") and not there.departs
        view = sweep_view(part, [], TWO)
        assert view["planned"]["headline"] == "" and first.words[1:] in view["planned"]["lines"][0]["text"]
        assert view["planned"]["text"] == (
            f"0 of 2 planned comparisons are shown (named {NOW}, before the first arm was measured, for 5 "
            "seeds). 2 have another number of seeds, and are exploratory."
        )
    # One arm alone on more seeds: the other comparison is the planned one, and the first counts with it.
    mixed = [each for each in results if each.seed < 5 or each.arm in ("chosen", "random")]
    first, second = planned_findings(mixed, TWO)
    assert first.departs and not second.departs and second.of == 2
    # What an older version planned is judged as it was, and says what is not known.
    old = replace(TWO, seeds=None)
    assert planned_findings(results, old)[0].shown and old.when.endswith("was measured, seeds not recorded")


def without_an_effect(number: int) -> list[ArmResult]:
    """Ten seeds of two arms that differ by chance alone: most of it a seed's, which moves all of its rows."""
    draw = np.random.default_rng(number).normal
    return [
        result(arm, seed, (0.4 + draw(scale=0.1) + draw(scale=0.02, size=6)).tolist())
        for arm in ("chosen", "random")
        for seed in range(10)
    ]


def test_who_looks_at_each_number_of_seeds_has_one_planned_look() -> None:
    """Seeds are added until something is shown, from three to ten."""
    fact = replace(TWO, named=TWO.named[:1])
    found = {fact: 0, replace(fact, seeds=None): 0}
    for number in range(TABLES):
        table = without_an_effect(number)
        looks = [[each for each in table if each.seed < seeds] for seeds in range(3, 11)]
        for plan in found:
            found[plan] += any(planned_findings(look, plan)[0].shown for look in looks)
    kept, peeked = (count / TABLES for count in found.values())
    assert kept <= 0.05 and peeked >= 0.1


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
    plan = Plan(named(texts), NOW, 3, 5)
    assert [each.text for each in plan.named] == ["other: chosen - words", texts[2]]
    assert plan_from(json.loads(json.dumps(plan_record(plan))), "x") == plan and plan_from(None, "x") is None
    whole = {"named": [], "time": "", "measured": 0}
    assert plan_from(whole, "of an older version") == Plan((), "", 0, None)
    slips = ({"named": ["x"]}, {"time": 5}, {"measured": True}, {"seeds": "5"}, {"seeds": True})
    for damaged in ([], *(whole | slip for slip in slips)):
        with pytest.raises(RunError, match="planned comparisons of the file cannot be read"):
            plan_from(damaged, "x")


def test_what_is_named_after_a_measurement_says_so_and_what_was_named_stays() -> None:
    asked, other = ["fact_joint: chosen - random"], ["retain: chosen - random"]
    assert plan_for(asked, None, 0, 5, NOW) == BEFOREHAND and plan_for(None, None, 4, 5, NOW) is None
    late = plan_for(asked, None, 4, 5, NOW)
    assert late and (late.role, late.when) == (
        "named afterwards",
        f"{NOW}, when 4 runs were measured already",
    )
    # Of a file that goes on, with the same ones or none; another plan only before the first arm.
    for texts in (asked, None, []):
        assert plan_for(texts, BEFOREHAND, 4, 5, "later") == BEFOREHAND
        # The number of seeds as well: it may be another one until something is measured.
        assert plan_for(texts, BEFOREHAND, 4, 7, "later") == BEFOREHAND
        assert plan_for(texts, BEFOREHAND, 0, 5, "later") == BEFOREHAND
        assert plan_for(texts, BEFOREHAND, 0, 7, "later") == Plan(named(asked), "later", 0, 7)
    assert plan_for(other, BEFOREHAND, 0, 5, "later") == Plan(named(other), "later", 0, 5)
    with pytest.raises(RunError, match="other planned comparisons.*named 2026.*before the first arm was"):
        plan_for(other, BEFOREHAND, 1, 5, "later")


def test_a_run_is_an_arm_with_a_seed_and_an_objective_whatever_it_was_measured_at() -> None:
    results = [target(), *chosen_and_random(2, 0.4), measured("chosen", 1, 0.1, EQUAL)]
    assert runs_measured(results) == 4 and runs_measured(results[:1]) == 0
    assert runs_measured([*results, replace(results[1], method="npo")]) == 5


def test_a_file_keeps_its_plan_and_page_and_command_line_say_the_same(tmp_path: Path) -> None:
    results: list[ArmResult] = [target(), *chosen_and_random(5, 0.4)]
    path = tmp_path / "arms.jsonl"
    path.write_text(results_text({"x": "y"}, results, plan=BEFOREHAND), encoding="utf-8")
    assert read_plan(path) == BEFOREHAND == plan_of(path, None, results, 7, "later")
    assert read_plan(tmp_path / "none.jsonl") is None
    view, printed = sweep_view(results, [], BEFOREHAND), verdict_lines(results, BEFOREHAND)
    (line,) = view["planned"]["lines"]
    assert printed[0] == view["planned"]["text"]
    when = f"(named {NOW}, before the first arm was measured, for 5 seeds)"
    assert printed[0] == f"1 of 1 planned comparison is shown {when}."
    assert (
        printed[1] == f"  f{line['text'][1:]}" and "(Holm over 1 planned)" in line["text"] and line["shown"]
    )
    assert view["planned"]["headline"] == (
        "After the last step the chosen tokens forget the fact further than “random, same count”."
    )
    (verdict,) = view["verdicts"]
    assert verdict["headline"].startswith(
        "Exploratory: After the last step the chosen tokens lower “fact, paraphrased” and “fact stated word "
        "for word” further than “random, same count”; they keep less of other tokens"
    )
    assert verdict["text"].startswith("Exploratory, last step: 7 of 7 other differences")
    assert verdict["text"].endswith("p adjusted by Holm over these 7).")
    assert not any("fact, joint" in each for each in verdict["all"])
    assert any(each.startswith("exploratory, last step: 7 of 7 other") for each in printed)
    late = sweep_view(results, [], Plan(BEFOREHAND.named, NOW, 10))["planned"]
    assert late["headline"] == "" and late["text"].startswith("1 of 1 comparison named afterwards is shown")
    assert late["text"].endswith("They may have been picked by their figures.")


def test_beside_a_plan_the_ends_of_bins_are_exploratory() -> None:
    arms = [
        measured(f"bins:{at}/2", seed, 0.9 - 0.4 * at, apart=0.4 * at) for at in (1, 2) for seed in range(3)
    ]
    (series,) = sweep_view([target(), *arms], [], BEFOREHAND)["series"]
    assert all("(Holm over 8 exploratory)" in each for each in [series["headline"], *series["ends"]])


def test_the_form_names_comparisons_and_refuses_one_whose_control_is_not_ticked() -> None:
    text = "fact_joint: chosen - random"
    assert PLANNABLE[text] == "fact, joint, chosen tokens − “random, same count”"
    assert [each.text for each in named(list(PLANNABLE))] == list(PLANNABLE)
    wanted = Wanted(settings=TrainConfig(), controls=("random",), planned=(text,))
    assert wanted.is_sweep and wanted.compared.planned == (text,)
    refuse_for_sweep(wanted)
    with pytest.raises(SettingError) as refused:
        refuse_for_sweep(replace(wanted, controls=("words",)))
    # As everything is called on the page, and with what to do there.
    assert str(refused.value).startswith(
        f"The planned comparison “{PLANNABLE[text]}” needs the control “random, same count”. It is not "
        f"ticked. Tick it under “{CONTROLS_LABEL}”, or take the comparison out"
    )
    assert refused.value.where == "planned"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("fact_joint: chosen - random", "needs the control “random, same count”"),
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
