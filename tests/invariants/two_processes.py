"""Training runs of one of two processes: argv is its rank, their port, model folder, output folder."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.models.adapters import save_adapter
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.distribution import Processes
from tokenunlearn.training.events import EvalDone, StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

# Objective, rows a step, retain term: rows that two processes share evenly, unevenly, and one row for both.
CASES = {
    "even": ("npo", 4, "ce"), "uneven": ("grad_diff", 3, "kl"), "one_row": ("npo", 1, "kl"),
    "state": ("pdu", 3, "kl"), "hidden": ("rmu", 3, "own"), "second_answer": ("idk_dpo", 1, "ce"),
}  # fmt: skip


def run(folder: Path, out: Path, objective: str, rows: int, retain: str) -> None:
    """Train three steps; the main process writes the losses, the looks and the adapter."""
    config = TrainConfig(
        objective=objective, retain=retain, steps=3, forget_batch=rows, retain_batch=rows,
        retain_bound=20.0, rank=2, learning_rate=1e-2, eval_every=1, stop_fact_below=1e-9,
    )  # fmt: skip
    model = with_fresh_lora(tiny(folder), config)
    events = list(train(model, ROWS[:5], RETAIN, None, config))
    processes = Processes()
    if processes.is_main:
        out.mkdir(parents=True)
        save_adapter(model.model, out / "adapter", None)
        kept = [asdict(event) for event in events if isinstance(event, (StepDone, EvalDone))]
        (out / "events.json").write_text(json.dumps(kept))
        (out / "processes").write_text(str(processes.count))


if __name__ == "__main__":
    rank, port, model, folder = sys.argv[1:]
    # What `accelerate launch` and torchrun tell each process.
    ranks = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= ranks | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "CUDA_VISIBLE_DEVICES": ""}
    for name, case in CASES.items():
        run(Path(model), Path(folder) / name, *case)
    if rank == "0":
        (Path(folder) / "done").touch()
