"""What the start button says before the press: how many runs, how long, and what stands in its way."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app.actions import unlearn
from app.actions.forecast import forecast
from app.requests import read
from app.service import Service
from app.tabs.unlearn import build
from app.words import start_words
from tests.asking import ask, start
from tests.page_service import draft, live_service
from tokenunlearn.experiments.arms import ARMS
from tokenunlearn.training.events import EvalDone, Event, StepDone, SweepAt, SweepStep


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service with live scores and workers that end at once."""
    return live_service(tmp_path)


def plan(service: Service) -> dict[str, Any]:
    return ask(unlearn.summary, service, draft())


def label(service: Service, **form: Any) -> str:
    wanted = read(unlearn.Wanted, {"settings": {}, "controls": []} | form)
    return forecast(service, wanted, plan(service)).label


def finished(service: Service, run_id: str, events: Sequence[Event] = (), **more: Any) -> None:
    """The run has ended after a minute, at step 4."""
    for event in events:
        service.queue.store.append_event(run_id, event)
    values: dict[str, Any] = {"state": "finished", "step": 4, "started": 100.0, "ended": 160.0}
    service.queue.store.change(run_id, **(values | more))


def runs(service: Service, *controls: str, **settings: Any) -> list[str]:
    return start(service, plan(service)["plan"], {"steps": 4} | settings, controls=controls)


FOUR = {"steps": 4}
TWO = ["uniform", "random"]
SWEEP = {"controls": ["random"], "seeds": 2}


def arms(*measured: tuple[str, float], of_step: int = 4) -> list[Event]:
    """What a sweep says of arms and their seconds, each measured after so many of its 4 steps."""
    events = list[Event]()
    for at, (arm, seconds) in enumerate(measured):
        at_last = SweepAt(at, arm, 0, of_step, 4)
        events += [at_last, SweepStep(at + 1, len(measured), arm, 0, seconds)]
    return events


def test_without_a_run_that_was_timed_it_says_the_number_alone(service: Service) -> None:
    assert label(service) == "Start unlearning"
    assert label(service, controls=["uniform", "random"]) == "Start 3 runs"
    # (chosen, random) × 3 objectives × 2 seeds, and four bins of each objective and seed
    assert label(service, **SWEEP, others=["ga", "simnpo"], bins=4) == "Start 36 runs"
    # tokens that are a control themselves are not trained twice
    ours = ask(unlearn.summary, service, draft(rule={**draft()["rule"], "mode": "uniform"}))
    wanted = read(unlearn.Wanted, {"settings": {}, "controls": ["uniform", "random"]})
    assert forecast(service, wanted, ours).label == "Start 2 runs"


def test_the_time_is_that_of_whole_runs_of_the_same_rows_model_and_settings(service: Service) -> None:
    first, second, third = runs(service, *TWO)
    finished(service, first, ended=220.0)
    # The first one measured the target as well, which the next ones find on disk.
    assert label(service, settings=FOUR, controls=TWO) == "Start 3 runs, at most about 6 min"
    finished(service, second)
    finished(service, third, started=0.0, ended=50.0, step=3)  # it ended early, and told of no step
    assert label(service, settings=FOUR, controls=TWO) == "Start 3 runs, about 3 min"
    quicker = FOUR | {"stop_fact_below": 0.1}
    assert label(service, settings=quicker, controls=TWO) == "Start 3 runs, at most about 3 min"
    assert label(service, settings=FOUR | {"seed": 3, "learning_rate": 1e-4}, controls=TWO).endswith(" 3 min")
    for other in ({"objective": "ga"}, {"forget_batch": 3}, {"layer_share": 0.5}, {"rank": 64}, {"steps": 5},
                  {"eval_every": 1}, {"objective_settings": {"beta": 0.7}}):  # fmt: skip
        assert label(service, settings=FOUR | other, controls=TWO) == "Start 3 runs"
    assert label(service, settings=FOUR, **SWEEP) == "Start 4 runs", "an arm of a sweep is measured otherwise"
    two = ask(unlearn.summary, service, draft(set="two"))
    wanted = read(unlearn.Wanted, {"settings": FOUR, "controls": TWO})
    assert forecast(service, wanted, two).label == "Start 3 runs", "other rows"


def test_a_run_that_ended_early_counts_with_the_steps_that_it_did_not_make(service: Service) -> None:
    early, *others = runs(service, *TWO, stop_fact_below=0.1)
    for run_id in others:
        finished(service, run_id, step=2)
    quicker = {"settings": FOUR | {"stop_fact_below": 0.1}, "controls": TWO}
    assert label(service, **quicker) == "Start 3 runs", "none of them told of a step"
    steps = [StepDone(at, 4, 1.0, 1.0, 1.0, 20.0) for at in (1, 2)]
    # 60 s, and two more steps of 20 s and (10 + 0) / 2 s of probes
    finished(service, early, [steps[0], EvalDone(1, 0.5, seconds=10.0), steps[1], EvalDone(2, 0.05)], step=2)
    assert label(service, **quicker) == "Start 3 runs, at most about 6 min", "3 times 110 s"


def test_a_sweep_says_how_long_the_arms_of_the_next_one_take(service: Service) -> None:
    wanted = {"plan": plan(service)["plan"], "settings": FOUR, "others": ["ga"], **SWEEP}
    (run_id,) = ask(unlearn.start, service, wanted)
    timed = arms(("chosen, npo", 30.0), ("random, npo", 50.0), ("random, npo", 90.0), ("chosen, ga", 90.0))
    out = SweepStep(5, 5, "random, ga", 0, 0.1, "It has no answers.")
    finished(service, run_id, [*timed, out], ended=420.1)
    # 2 × 30 s and 2 × 70 s, and the 60 s that a sweep takes beside its arms
    assert label(service, settings=FOUR, **SWEEP) == "Start 4 runs, about 4 min"
    assert label(service, settings=FOUR, **SWEEP, others=["ga"]) == "Start 8 runs", "an arm was never timed"
    assert label(service, settings={"steps": 5}, **SWEEP) == "Start 4 runs", "of other steps"
    assert label(service, settings=FOUR, **SWEEP, bins=2) == "Start 8 runs", "of other arms"


def test_an_arm_that_ended_early_or_ends_by_what_it_does_has_no_time(service: Service) -> None:
    wanted = {"plan": plan(service)["plan"], "settings": FOUR, **SWEEP}
    (run_id,) = ask(unlearn.start, service, wanted)
    finished(service, run_id, [*arms(("chosen", 9.0)), *arms(("random", 9.0), of_step=3)])
    assert label(service, settings=FOUR, **SWEEP) == "Start 4 runs"
    stopped = {"controls": ["uniform_norm_stop"], "seeds": 2}
    (run_id,) = ask(unlearn.start, service, wanted | stopped)
    finished(service, run_id, arms(("chosen", 9.0), ("uniform_norm_stop", 9.0)))
    assert label(service, settings=FOUR, **stopped) == "Start 4 runs"


def test_a_run_that_was_paused_is_damaged_or_did_not_end_says_no_time(service: Service) -> None:
    first, second, third = runs(service, *TWO)
    finished(service, first, resume=True)
    finished(service, second)
    (service.queue.store.path(second) / "config.json").write_text("{")
    finished(service, third, state="kept")
    assert label(service, settings=FOUR, controls=["random"]) == "Start 1 control"


@pytest.mark.parametrize("ended", [1e300, 99.0, None, "160"])
def test_a_time_that_cannot_be_is_no_time(service: Service, ended: Any) -> None:
    (run_id,) = runs(service)
    finished(service, run_id, ended=ended)
    (sweep,) = ask(unlearn.start, service, {"plan": plan(service)["plan"], "settings": FOUR, **SWEEP})
    finished(service, sweep, arms(("chosen", 9.0), ("random", 9.0)), ended=ended)
    assert "," not in label(service, settings=FOUR, controls=["random"])
    assert label(service, settings=FOUR, **SWEEP) == "Start 4 runs"


@pytest.mark.parametrize("seconds", [math.nan, math.inf, 1e300, -5.0])
def test_an_arm_whose_time_cannot_be_has_no_time(service: Service, seconds: float) -> None:
    (sweep,) = ask(unlearn.start, service, {"plan": plan(service)["plan"], "settings": FOUR, **SWEEP})
    finished(service, sweep, arms(("chosen", seconds), ("random", 9.0)))
    assert label(service, settings=FOUR, **SWEEP) == "Start 4 runs"


def test_minutes_become_hours_and_never_nothing() -> None:
    words = [start_words(2, seconds).partition(", ")[2] for seconds in (3.0, 89.0, 6_000.0, 9_000.0)]
    assert words == ["under a minute", "about 1 min", "about 100 min", "about 2.5 h"]
    assert start_words(2, 9_000.0, at_most=True) == "Start 2 runs, at most about 2.5 h"


def test_what_a_sweep_makes_of_a_setting_is_said_at_its_field_before_the_press(service: Service) -> None:
    with gr.Blocks():
        tab = build(service)
    form = {each: each.value for each in tab.inputs} | {tab.plan: plan(service)}
    stop, own = tab.lines["stop_fact_below"], tab.lines["objective_settings"]

    def said(**more: Any) -> dict[Any, Any]:
        now = form | {tab.sweep.get(name, tab.settings.get(name)): value for name, value in more.items()}
        return tab.told(service, [now[each] for each in tab.inputs])

    for quiet in (said(), said(stop_fact_below=0.1), said(seeds=3)):
        assert not quiet[stop].visible and not quiet[own].visible
    told = said(seeds=3, stop_fact_below=0.1)
    assert told[stop].visible and told[tab.label] == "Start 3 runs"
    assert told[stop].value == (
        "A sweep goes on to the last step: each arm is measured there, and where its fact first falls below "
        "0.1."
    )
    form[tab.own["npo", "beta"]] = 0.7
    told = said(others=["ga"])
    assert told[own].visible and "NPO is not at its default settings" in told[own].value
    # a number that is half typed blocks nothing and says nothing
    assert said(seeds=None)[tab.label] == "Start unlearning"


def test_a_control_is_trained_beside_the_run_that_is_there(service: Service) -> None:
    def told(**form: Any) -> tuple[str, str]:
        wanted = read(unlearn.Wanted, {"settings": FOUR} | form)
        found = forecast(service, wanted, plan(service))
        return found.label, found.told.get("controls", "")

    assert told(controls=["random"]) == ("Start 2 runs", "")
    (own,) = runs(service)
    finished(service, own)
    assert told() == (
        "Start unlearning",
        f"These settings have been used already, in {own}: a start trains them again.",
    )
    assert told(controls=["random"]) == (
        "Start 1 control, at most about 1 min",
        f"These settings have been used already: {own} stands as it is, and “random, same count” is "
        "trained beside.",
    )
    assert told(controls=["random"], settings=FOUR | {"rank": 4}) == ("Start 2 runs", "")
    assert "trained once more" in told(controls=["random"], seeds=3)[1]

    (random,) = runs(service, "random")
    configs = [service.queue.store.config(each) for each in (own, random)]
    assert configs[1]["arm"] == "random" and configs[0]["group"] == configs[1]["group"]
    (uniform,) = runs(service, "random", "uniform")
    assert service.queue.store.config(uniform)["arm"] == "uniform"
    # All of it is there: who presses wants it again, in a group of its own.
    again = runs(service, "random")
    assert [service.queue.store.config(each)["arm"] for each in again] == ["chosen", "random"]
    assert service.queue.store.config(again[0])["group"] != configs[0]["group"]
    # A run that was stopped is not what the settings make of its tokens.
    for run_id in (own, again[0]):
        service.queue.store.change(run_id, state="kept")
    assert told(controls=["random"])[1] == ""


def test_a_late_forecast_does_not_take_a_question_back(service: Service) -> None:
    with gr.Blocks():
        tab = build(service)
    ours = plan(service)
    asked = [ours["plan"]["scores_id"], ours["plan"]["hash"], 2]
    assert tab.labelled(asked, "Start 2 runs", ours) == {tab.start: gr.skip()}
    other = ours | {"plan": ours["plan"] | {"hash": "other"}}
    for gone in (tab.labelled(asked, "Start 2 runs", other), tab.labelled(None, "Start 2 runs", ours)):
        assert gone[tab.sure] is None and gone[tab.start].value == "Start 2 runs"


def test_each_control_says_what_it_rules_out_before_it_is_ticked(service: Service) -> None:
    with gr.Blocks():
        choices = {name: words.split("\n") for words, name in build(service).controls.choices}
    assert list(choices) == list(unlearn.CONTROLS)
    for name, (first, second) in choices.items():
        assert (first, second) == (ARMS[name].label, f"Rules out {ARMS[name].rules_out}")
