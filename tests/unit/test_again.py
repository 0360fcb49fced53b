"""Run again with changes: settings, rule and overrides of a run come back, or its settings alone."""

from pathlib import Path

import pytest

from app.actions import unlearn
from app.actions.again import again
from app.service import Service
from app.shown import ShownScores
from app.tabs.unlearn import build
from tests.asking import ask, start
from tests.page_service import draft, live_service
from tokenunlearn.errors import RunError
from tokenunlearn.training.config import FEW, FEW_ROWS, TrainConfig, defaults_for


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service with live scores and workers that end at once."""
    return live_service(tmp_path)


def started(service: Service, **settings: object) -> list[str]:
    plan = ask(unlearn.summary, service, draft(overrides={"3": "in"}))["plan"]
    return start(service, plan, settings, controls=["uniform", "random"])


def test_a_run_comes_back_whole_and_starts_the_same_run_again(service: Service) -> None:
    first = started(service, steps=7, objective="npo", objective_settings={"beta": 0.3})[0]
    back = again(service, first)
    assert (back.training.steps, back.training.objective_settings) == (7, {"beta": 0.3})
    assert back.plan is not None and back.tokens is not None
    assert back.plan["plan"]["overrides"] == {"3": "in"} and back.plan["chosen"] == 2
    assert back.tokens["draft"]["rule"]["mode"] == "top_k" and back.tokens["draft"]["set"] == "one"
    assert first in back.words and "tokens of" in back.words
    (once_more,) = start(service, back.plan["plan"], {"steps": 8}, controls=[])
    store = service.queue.store
    assert store.config(once_more)["mask_hash"] == store.config(first)["mask_hash"]


def test_a_control_comes_back_as_the_control_it_was(service: Service) -> None:
    _, uniform, random = started(service)
    store = service.queue.store
    for run_id, mode in ((uniform, "uniform"), (random, "random")):
        back = again(service, run_id)
        assert back.plan is not None
        assert back.plan["plan"]["rule"]["mode"] == mode
        assert back.plan["hash"] == store.config(run_id)["mask_hash"]


def test_other_scores_bring_back_the_settings_alone_and_say_so(service: Service) -> None:
    first = started(service, steps=7)[0]
    shown = service.shelf.newest()
    assert shown is not None
    service.sessions.show(ShownScores({**shown.payload, "scores_id": "s2"}, shown.columns, shown.table))
    back = again(service, first)
    assert (back.training.steps, back.plan, back.tokens) == (7, None, None)
    assert "other scores" in back.words


def test_a_run_that_diverged_comes_back_with_a_lower_rate(service: Service) -> None:
    first = started(service, learning_rate=3e-2)[0]
    service.queue.store.change(first, state="diverged", message="retain loss 3.10 > 2.00 nats")
    back = again(service, first)
    assert back.training.learning_rate == 0.01 and "lowered from 0.03 to 0.01" in back.words


def test_controls_are_asked_for_again_where_there_were_some(service: Service) -> None:
    first, second, third = started(service)
    assert again(service, first).controls == ("uniform", "random")
    assert again(service, second).controls == ("random",)
    for run_id in (second, third):
        service.queue.discard(run_id)
    assert again(service, first).controls == ()


def test_an_unknown_run_is_refused(service: Service) -> None:
    with pytest.raises(RunError):
        again(service, "run-99")


def test_the_form_takes_every_setting_and_those_of_the_objective(service: Service) -> None:
    import gradio as gr

    run_id = started(service, steps=7, retain="kl", objective="npo", objective_settings={"beta": 0.3})[0]
    with gr.Blocks():
        tab = build(service)
        values = tab.filled(again(service, run_id))
    assert values[tab.controls] == ["uniform", "random"]
    assert [values[control] for control in tab.sweep.values()] == [[], [], 1, 0, 0]  # it was no sweep
    assert values[tab.settings["steps"]] == 7 and values[tab.settings["retain"]] == "kl"
    assert values[tab.own["npo", "beta"]] == 0.3
    # Another objective's controls stay as they are.
    assert {of for (of, name), control in tab.own.items() if control in values} == {"npo"}
    assert set(tab.settings.values()) <= set(values)


def test_the_form_begins_with_the_defaults_of_few_rows_unless_a_person_changed_them(
    service: Service,
) -> None:
    import gradio as gr

    with gr.Blocks():
        tab = build(service)
    one = ask(unlearn.summary, service, draft(set="two"))
    assert "break easily" in one["few"] and "below 10 %" in one["few"]
    assert [bool(defaults_for(rows)) for rows in (0, 1, FEW, FEW + 1)] == [False, True, True, False]
    several = {**one, "few": ""}
    usual = [getattr(TrainConfig(), name) for name in FEW_ROWS]
    controls = [tab.settings[name] for name in FEW_ROWS]
    of_one = dict(zip(controls, FEW_ROWS.values(), strict=True))
    assert tab.suited(one, [False, *usual]) == {tab.few: True, **of_one}
    changed = tab.suited(one, [False, 0.01, *usual[1:]])
    assert [changed.get(control) for control in controls] == [None, *list(FEW_ROWS.values())[1:]]
    back = dict(zip(controls, usual, strict=True))
    assert tab.suited(several, [True, *FEW_ROWS.values()]) == {tab.few: False, **back}
    for summary, was in ((one, True), (several, False), ({"error": "none"}, True)):
        assert tab.suited(summary, [was, *usual]) == {}
    # A run of few rows comes back as such: what it was started with is then no change of a person's.
    (run_id,) = start(service, one["plan"], {}, [])
    assert again(service, run_id).few
    config = service.queue.store.config(run_id)
    service.queue.store.write_json(run_id, "config.json", {**config, "forget": config["forget"] * (FEW + 1)})
    assert not again(service, run_id).few
