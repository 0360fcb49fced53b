"""What the run card, curves and chip show of a run's files: counted by hand."""

import json
import math

import pytest

from app.views.recorded_run import recorded_run
from app.views.runs import live_answer, run_chip, run_news, said_after, seconds_left, series, with_probes
from tokenunlearn.data.demo import ASSETS, demo_rows
from tokenunlearn.training.events import AttackStep, Diverged, EvalDone, Finished, StepDone

RUN = {"run_id": "run-1", "name": "tiny, chosen", "arm": "chosen", "state": "running", "step": 2, "steps": 12}


def step(number: int, loss: float = 1.0, seconds: float = 2.0) -> StepDone:
    return StepDone(number, 12, loss, loss, 0.0, seconds)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], {"now": None, "start": None}),
        ([StepDone(1, 9, 1, 1, 5.0, 1, 5.0), StepDone(2, 9, 1, 1, 5.5, 1, 5.0)], {"now": 5.5, "start": 5.0}),
        ([StepDone(2, 9, 1, 1, 5.5, 1, 5.0), Diverged(3, "", 1, 8.0, 5.0)], {"now": 8.0, "start": 5.0}),
        # written by an earlier version
        ([StepDone(1, 9, 1, 1, 5.0, 1), StepDone(2, 9, 1, 1, 5.5, 1)], {"now": 5.5, "start": 5.0}),
        ([StepDone(1, 9, 1, 1, float("nan"), 1)], {"now": None, "start": None}),
    ],
)
def test_the_retain_loss_now_and_at_the_start(events: list[StepDone | Diverged], expected: dict) -> None:
    assert series(RUN, events)["retain_loss"] == expected


def test_the_time_to_the_last_step_counts_the_live_looks() -> None:
    events = [step(1), step(2), EvalDone(2, seconds=3.0)]
    # (2 + 2 + 3) s for two steps, ten steps left
    assert seconds_left(RUN, events) == 35
    # written by an earlier version, without the seconds of its look
    assert seconds_left(RUN, [step(1), step(2), EvalDone(2)]) == 20


def test_no_time_is_said_before_the_first_step_or_after_the_last() -> None:
    measured = [AttackStep(at, 12, "unlearned", at - 1, {}, 2.5) for at in (1, 2)]
    assert seconds_left(RUN, measured) == 25  # an attack's steps are its measurements
    assert seconds_left({**RUN, "step": 0}, []) is None
    # Stopped before its last step, and probed now.
    assert seconds_left(RUN, [step(1), Finished(2, "the fact is below 0.1")]) is None
    assert seconds_left({**RUN, "step": 12}, [step(12)]) is None
    assert seconds_left({**RUN, "state": "paused"}, [step(1)]) is None


def test_a_loss_that_is_no_number_leaves_a_gap_in_the_curve() -> None:
    curves = series(RUN, [step(1, 0.5), step(2, math.nan), EvalDone(2, fact_joint=0.25)])
    assert (curves["steps"], curves["loss"]) == ([1, 2], [0.5, None])
    assert (curves["eval_steps"], curves["fact_joint"], curves["world"]) == ([2], [0.25], [None])
    assert curves["stopped"] is None


def test_a_run_that_diverged_has_its_two_steps_marked() -> None:
    assert series(RUN, [step(1, 0.5), Diverged(9, "loss", 8)])["stopped"] == {"step": 9, "kept": 8}


def test_the_full_probes_stand_beside_the_curve_and_are_no_points_of_it() -> None:
    curves = series(RUN, [EvalDone(1, fact_joint=0.5), EvalDone(2, fact_joint=0.2)])
    probes = {"before": {"summary": {"fact_joint": 0.9}}, "after": {"summary": {"fact_joint": 0.1}}}
    shown = with_probes(curves, probes, 2)
    assert shown["eval_steps"] == [1, 2] and shown["fact_joint"] == [0.5, 0.2]
    before, after = shown["probed"]["before"], shown["probed"]["after"]
    assert (before["step"], before["fact_joint"], before["world"]) == (0, 0.9, None)
    assert (after["step"], after["fact_joint"]) == (2, 0.1)
    assert with_probes(curves, {"before": probes["before"]}, 2)["probed"]["after"] is None


def test_the_live_answer_keeps_only_its_changes_and_the_newest_look() -> None:
    config = {"watch": "a", "forget": [{"id": "a", "question": "Q?", "answer": "In Rome.", "gold": [[3, 7]]}]}
    looks = [EvalDone(at, answer_id="a", answer_text=text) for at, text in enumerate(("x", "x", "y", "y"), 1)]
    shown = live_answer(config, looks, "In Rome.")
    assert shown is not None and shown["gold"] == [[3, 7]]
    assert [(each["step"], each["text"]) for each in shown["texts"]] == [
        (0, "In Rome."), (1, "x"), (3, "y"), (4, "y"),
    ]  # fmt: skip
    assert live_answer({"watch": "b", "forget": []}, [], None) is None


def test_after_the_run_the_answer_of_the_probe_is_the_last_with_its_badge() -> None:
    config = {"watch": "a", "forget": [{"id": "a", "question": "Q?", "answer": "In Rome."}]}
    line = {"kind": "forget", "row_id": "a", "question": "Q?", "expected": "In Rome.", "facts": ["Rome"]}
    known = line | {"answer": "In Rome.", "stated": True, "fact_joint": 0.9, "fluency": -1.0}
    gone = line | {"answer": "In Lima.", "stated": False, "fact_joint": 0.0, "fluency": -1.0, "badge": None}
    probes = {"before": {"answers": [known], "summary": {}}, "after": {"answers": [gone], "summary": {}}}
    after = said_after(config, probes, 14)
    assert after == {
        "step": 14,
        "text": "In Lima.",
        "after": {
            "badge": "forgot",
            "badge_words": "forgot, fluent, one wording only",
            "tone": "",
            "gone": "",
        },
    }
    again = {"kind": "paraphrase", "question": "And so?"}
    asked = {
        when: {"answers": [line, line | again], "summary": {}}
        for when, line in (("before", known), ("after", gone))
    }
    assert said_after(config, asked, 14)["after"]["tone"] == "good"  # type: ignore[index]
    shown = live_answer(config, [EvalDone(12, answer_id="a", answer_text="In Oslo.")], "In Rome.", after)
    assert shown is not None and [each["step"] for each in shown["texts"]] == [0, 12, 14]
    assert shown["texts"][-1] == after
    assert said_after(config, probes | {"before": None}, 14)["after"]["badge_words"] == "not judged"  # type: ignore[index]
    assert said_after(config, probes | {"after": None}, 14) is None


def test_the_chip_names_the_run_under_way_and_how_many_wait() -> None:
    waiting = {**RUN, "run_id": "run-2", "state": "queued", "step": 0}
    assert run_chip([waiting, RUN]) == {
        "text": "run-1: step 2 of 12 · 1 waiting", "state": "running", "run_id": "run-1",
    }  # fmt: skip
    assert run_chip([{**RUN, "state": "finished"}])["text"] == "run-1 finished ✓"
    assert run_chip([]) == {"text": "no run", "state": "", "run_id": ""}


def test_the_chip_names_the_run_that_ended_last_whatever_its_number() -> None:
    newer = {**RUN, "run_id": "run-5", "state": "finished", "queued": 10.0, "ended": 20.0}
    resumed = {**RUN, "run_id": "run-3", "state": "finished", "queued": 5.0, "ended": 30.0}
    assert run_chip([newer, resumed])["text"] == "run-3 finished ✓"
    # one that was queued since then is what moves next
    waiting = {**RUN, "run_id": "run-6", "state": "queued", "step": 0, "queued": 40.0, "ended": None}
    assert run_chip([waiting, newer, resumed])["run_id"] == "run-6"


def test_the_news_names_finished_runs_and_the_mask_in_training() -> None:
    done = {**RUN, "run_id": "run-2", "state": "finished"}
    kept = {**RUN, "run_id": "run-3", "state": "kept"}
    assert run_news([kept, done, {**RUN, "mask_hash": "9f3c"}]) == {
        "done": [{"run_id": "run-2", "see": "See before and after on the Probe tab.", "on": "probe"}],
        "ended": ["run-3", "run-2"],
        "live": {"id": "run-1", "mask": "9f3c", "control": ""},
    }
    assert run_news([{**RUN, "arm": "random"}])["live"]["control"] == "random, same count"
    (attacked,) = run_news([{**done, "kind": "attack"}])["done"]
    assert attacked["see"] == "See what it found on the Probe tab."  # it measures no before and after
    assert run_news([{**RUN, "state": "queued"}]) == {"done": [], "ended": [], "live": None}


def test_the_recorded_run_has_the_figures_that_were_recorded_and_an_answer_of_the_demo() -> None:
    recorded = json.loads((ASSETS / "recorded" / "example.json").read_text("utf-8"))["run"]
    shown = recorded_run(recorded, demo_rows("shared_forget"))
    (curves,) = shown["series"]
    after = recorded["probes"]["after"]["summary"]
    assert curves["probed"]["after"]["fact_joint"] == after["fact_joint"] and curves["total"] == 12
    assert curves["steps"] == list(range(1, 13))
    first, *_, last = shown["answer"]["texts"]
    assert (first["step"], last["step"]) == (0, 12) and first["text"] != last["text"]
    assert last["after"]["badge_words"] == "partly forgot"  # the probe after the run, not the last look
    # Of other rows there is no answer; a recording of another version, or none, shows nothing.
    assert recorded_run(recorded, ())["answer"] is None
    assert recorded_run({**recorded, "events": [{"event": "Other"}]}, ()) == recorded_run(None, ()) == {}
