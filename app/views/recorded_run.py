"""The recorded run as the Unlearn tab shows it before the first one: its curves, and one answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from app.views.runs import live_answer, said_after, said_before, series, with_probes
from app.words import RECORDED_FIRST, RECORDED_RUN
from tokenunlearn.data.rows import Row
from tokenunlearn.training.events import EvalDone, StepDone, from_json

RECORDED: Final = "recorded"


def recorded_run(recorded: Mapping[str, Any] | None, forget: Sequence[Row]) -> dict[str, Any]:
    """Return `{shown, empty, series, answer}`; {} where nothing that this version reads is recorded.

    The answer is shown where its row is among those to forget, as in the demo.
    """
    try:
        events = [from_json(record) for record in (recorded or {}).get("events") or ()]
    except ValueError:
        return {}
    steps = [event.step for event in events if isinstance(event, StepDone)]
    if not recorded or not steps:
        return {}
    probes, arm = recorded.get("probes"), recorded["config"]["arm"]
    run = {"run_id": RECORDED, "arm": arm, "name": RECORDED_RUN, "steps": steps[-1]}
    watched = next((each.answer_id for each in events if isinstance(each, EvalDone) and each.answer_id), None)
    before = said_before({"watch": watched}, probes)
    after = said_after({"watch": watched}, probes, steps[-1])
    return {
        "shown": RECORDED,
        "empty": RECORDED_FIRST,
        "series": [with_probes(series(run, events), probes, steps[-1])],
        "answer": live_answer({"forget": [asdict(row) for row in forget]}, events, before, after),
    }
