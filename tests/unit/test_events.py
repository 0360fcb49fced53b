"""Events survive JSON exactly, refuse what they do not know, and import without torch."""

import json
import math
import subprocess
import sys

import pytest

from tokenunlearn.training.events import (
    EVENTS,
    AttackDone,
    AttackStep,
    Diverged,
    EvalDone,
    Finished,
    MeasuredPart,
    Saved,
    StepDone,
    SweepAt,
    SweepStep,
    from_json,
    to_json,
)

EXAMPLES = [
    StepDone(step=1, steps=60, loss=0.1, forget_loss=-1.5, retain_loss=0.25, seconds=0.5, tokens=7),
    EvalDone(step=10, fact_joint=0.3, other=None, answer_id="a-1", answer_text='He said "ä\u2028".\n'),
    Saved(step=20, path="adapter"),
    Diverged(step=7, reason="loss is NaN", kept_step=5),
    Finished(step=60, reason="all steps done"),
    AttackStep(
        step=3, steps=8, model="unlearned", taken=2, figures={"trained": 0.5, "held_out": None}, seconds=0.1
    ),
    AttackDone(step=8, result={"attack": "relearning", "says": ["Back after 2 steps."]}),
    SweepAt(step=2, arm="random", seed=1, of_step=3, of_steps=12),
    SweepStep(step=3, steps=8, arm="random", seed=1, seconds=0.5, why="It needs perturbed answers."),
    MeasuredPart(part=3, parts=20),
]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_round_trip_through_strict_json_text(event):
    text = json.dumps(to_json(event), allow_nan=False)
    assert from_json(json.loads(text)) == event


def test_every_kind_has_an_example():
    assert {type(event).__name__ for event in EXAMPLES} == set(EVENTS)


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
)
def test_a_loss_that_is_not_finite_survives_strict_json(value, text):
    record = to_json(StepDone(1, 2, value, 0.0, 0.0, 0.0))
    assert record["loss"] == text
    json.dumps(record, allow_nan=False)
    back = from_json(record)
    assert isinstance(back, StepDone)
    assert back.loss == value or (math.isnan(back.loss) and math.isnan(value))


def test_an_answer_that_reads_nan_stays_text():
    event = EvalDone(step=1, answer_text="NaN")
    assert from_json(to_json(event)) == event


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"event": "StepDone", "step": 1}, "does not fit"),
        ({"event": "Saved", "step": 1, "path": "a", "more": 1}, "more"),
        ({"event": "Stopped"}, "unknown event 'Stopped'"),
        ({}, "unknown event None"),
    ],
)
def test_a_record_that_is_no_event_is_refused(record, words):
    with pytest.raises(ValueError, match=words):
        from_json(record)


def test_events_are_frozen():
    with pytest.raises(AttributeError):
        EXAMPLES[2].step = 3


def test_importing_events_does_not_import_torch():
    code = "import sys, tokenunlearn.training.events; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
