"""`python -m benchmarks.many_runs [runs]`: what a page costs the server beside many finished runs.

Seconds of wall clock of the first look at all runs, and of a pulse after it, when nothing has changed and
when one run has: the chips, and all that decides what has to be drawn anew. Ends with 1 over the budget.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from app.parts import look
from app.service import Service
from app.sessions.session import Options
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.runs.store import RunStore
from tokenunlearn.training.events import Finished, StepDone

BUDGET: Final = 0.5  # seconds of a pulse
STEPS: Final = 12
TAKEN: Final = 5  # pulses, of which the slowest counts


def finished(store: RunStore, number: int) -> str:
    """Return the id of a run on the demo's rows, as a worker leaves it."""
    rows = {name: list(map(row_to_dict, demo_rows(f"shared_{name}"))) for name in ("forget", "retain")}
    run_id = store.create({"name": f"run {number}", "arm": "chosen", "steps": STEPS, **rows})
    for step in range(1, STEPS + 1):
        store.append_event(run_id, StepDone(step, STEPS, 1.0 / step, 1.0, 1.0, 0.5))
    store.append_event(run_id, Finished(STEPS, "all steps done"))
    answers = [
        {"kind": "forget", "row_id": row["id"], "question": row["question"], "expected": row["answer"],
         "answer": row["answer"]}
        for row in rows["forget"]
    ]  # fmt: skip
    report = {"summary": {"fact_joint": 0.5}, "answers": answers, "tokens": []}
    store.write_json(run_id, "probes.json", {"before": report, "after": report, "changes": []})
    store.change(run_id, state="finished", step=STEPS, steps=STEPS, ended=time.time())
    return run_id


def seconds(service: Service) -> float:
    """Return how long one pulse takes."""
    began = time.perf_counter()
    look(service)
    return time.perf_counter() - began


def main(count: int = 1000) -> int:
    """Return 1 where a pulse takes longer than the budget."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Options(runs=Path(folder)))
        store = service.queue.store
        ids = [finished(store, number) for number in range(count)]
        first = seconds(service)
        same = max(seconds(service) for _ in range(TAKEN))
        changed = []
        for run_id in ids[:TAKEN]:
            store.change(run_id, message="changed")
            changed.append(seconds(service))
    sys.stdout.write(f"{count} runs: first {first:.2f} s, then {same:.2f}, one changed {max(changed):.2f}\n")
    return int(max(same, *changed) > BUDGET)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
