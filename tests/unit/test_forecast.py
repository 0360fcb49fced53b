"""What the start button says before the press: how many runs, how long, and what stands in its way."""

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
from tokenunlearn.training.events import EvalDone, Event, StepDone, SweepStep


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service with live scores and workers that end at once."""
    return live_service(tmp_path)


def plan(service: Service) -> dict[str, Any]:
    return ask(unlearn.summary, service, draft())


def label(service: Service, **form: Any) -> str:
    wanted = read(unlearn.Wanted, {"settings": {}, "controls": []} | form)
    return forecast(service, wanted, plan(service)).label


def finished(service: Service, run_id: str, events: Sequence[Event], **more: Any) -> None:
    """The run has ended after a minute."""
    for event in events:
        service.queue.store.append_event(run_id, event)
    service.queue.store.change(run_id, state="finished", started=100.0, ended=160.0, **more)


STEPS = [StepDone(at, 4, 1.0, 1.0, 0.0, 2.0) for at in range(1, 5)]
LOOKS = [EvalDone(2, seconds=3.0), EvalDone(4, seconds=3.0)]
SWEEP = {"controls": ["random"], "seeds": 2}


def test_without_a_run_that_was_timed_it_says_the_number_alone(service: Service) -> None:
    assert label(service) == "Start unlearning"
    assert label(service, controls=["uniform", "random"]) == "Start 3 runs"
    # (chosen, random) × 3 objectives × 2 seeds, and four bins of each objective and seed
    assert label(service, **SWEEP, others=["ga", "simnpo"], bins=4) == "Start 36 runs"
    # tokens that are a control themselves are not trained twice
    ours = ask(unlearn.summary, service, draft(rule={**draft()["rule"], "mode": "uniform"}))
    wanted = read(unlearn.Wanted, {"settings": {}, "controls": ["uniform", "random"]})
    assert forecast(service, wanted, ours).label == "Start 2 runs"


def test_the_time_is_that_of_a_run_of_the_same_rows_model_and_settings(service: Service) -> None:
    (run_id,) = start(service, plan(service)["plan"], {"steps": 4, "eval_every": 2}, controls=[])
    finished(service, run_id, [*STEPS, *LOOKS])
    # 4 × 2 s of steps and 2 × 3 s of looks in 60 s leave 46 s. Ten steps: 46 + 10 × 2 + 2 × 3 = 72 s, by 3.
    ten = {"steps": 10, "eval_every": 5}
    three = ["uniform", "random"]
    assert label(service, settings=ten, controls=three) == "Start 3 runs, about 4 min"
    # An arm of a sweep looks after every step: 46 + 4 × 2 + 4 × 3 = 66 s, by 4.
    assert label(service, settings={"steps": 4}, **SWEEP) == "Start 4 runs, about 4 min"
    for other in ({"objective": "ga"}, {"forget_batch": 3}, {"layer_share": 0.5}):
        assert label(service, settings=other, controls=three) == "Start 3 runs"
    # one objective that was never timed, and no figure is said
    assert label(service, settings={"steps": 4}, **SWEEP, others=["ga"]) == "Start 8 runs"
    two = ask(unlearn.summary, service, draft(set="two"))
    wanted = read(unlearn.Wanted, {"settings": {}, "controls": three})
    assert forecast(service, wanted, two).label == "Start 3 runs", "other rows"


def test_a_sweep_says_how_long_the_arms_of_the_next_one_take(service: Service) -> None:
    wanted = {"plan": plan(service)["plan"], "settings": {"steps": 4}, "others": ["ga"], **SWEEP}
    (run_id,) = ask(unlearn.start, service, wanted)
    arms = [("chosen, npo", 30.0, ""), ("random, npo", 50.0, ""), ("chosen, ga", 90.0, "")]
    events = [SweepStep(at, 4, arm, 0, seconds, why) for at, (arm, seconds, why) in enumerate(arms, 1)]
    finished(service, run_id, [*events, SweepStep(4, 4, "random, ga", 0, 0.1, "It has no answers.")])
    # 4 × 40 s, and with GA 4 × 90 s more
    assert label(service, settings={"steps": 4}, **SWEEP) == "Start 4 runs, about 3 min"
    both = label(service, settings={"steps": 4}, **SWEEP, others=["ga"])
    assert both == "Start 8 runs, about 9 min"
    assert label(service, settings={"steps": 5}, **SWEEP) == "Start 4 runs", "of other steps"


def test_a_run_that_was_paused_is_damaged_or_did_not_end_says_no_time(service: Service) -> None:
    first, second, third = start(service, plan(service)["plan"], {"steps": 4}, controls=["uniform", "random"])
    finished(service, first, STEPS, resume=True)
    finished(service, second, STEPS)
    (service.queue.store.path(second) / "config.json").write_text("{")
    finished(service, third, STEPS)
    service.queue.store.change(third, state="kept")
    assert label(service, controls=["random"]) == "Start 2 runs"


def test_minutes_become_hours_and_never_nothing() -> None:
    words = [start_words(2, seconds).partition(", ")[2] for seconds in (3.0, 89.0, 6_000.0, 9_000.0)]
    assert words == ["under a minute", "about 1 min", "about 100 min", "about 2.5 h"]


def test_what_a_sweep_does_not_take_is_said_at_its_field_before_the_press(service: Service) -> None:
    with gr.Blocks():
        tab = build(service)
    form = {each: each.value for each in tab.inputs} | {tab.plan: plan(service)}
    stop, own = tab.refused["stop_fact_below"], tab.refused["objective_settings"]

    def said(**more: Any) -> dict[Any, Any]:
        now = form | {tab.sweep.get(name, tab.settings.get(name)): value for name, value in more.items()}
        return tab.told(service, [now[each] for each in tab.inputs])

    quiet = said()
    assert not quiet[stop].visible and not quiet[own].visible
    told = said(seeds=3, stop_fact_below=0.1)
    assert told[stop].visible and told[tab.start].value == "Start 3 runs"
    assert told[stop].value == (
        "A sweep does not stop early. Each arm is measured at equal forgetting and goes on to the last step. "
        "Set “Stop fact below” to 0."
    )
    form[tab.own["npo", "beta"]] = 0.7
    told = said(others=["ga"])
    assert told[own].visible and "NPO is not at its default settings" in told[own].value
    # a number that is half typed blocks nothing and says nothing
    assert said(seeds=None)[tab.start].value == "Start unlearning"


def test_each_control_says_what_it_rules_out_before_it_is_ticked(service: Service) -> None:
    with gr.Blocks():
        choices = {name: words.split("\n") for words, name in build(service).controls.choices}
    assert list(choices) == list(unlearn.CONTROLS)
    for name, (first, second) in choices.items():
        assert (first, second) == (ARMS[name].label, f"Rules out {ARMS[name].rules_out}")
