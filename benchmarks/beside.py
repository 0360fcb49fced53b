"""Seconds of the same work alone and beside another process that does it too, on as many cores as there are.

    python -m benchmarks.beside [pairs] [commands|workers]

Two processes load the real model. A: one of them scores two rows and takes a training step; B: both do, at
once. In the order A B B A …, at least 7 pairs, with threads that wait as those of our commands do, or of a
worker. Prints medians, the median ratio B / A and its bootstrap interval; ends with 1 where a command beside
another takes more than 2.3 times as long.
"""

import os
import statistics
import subprocess
import sys
import time

import numpy as np
from scipy.stats import bootstrap

from tokenunlearn.waiting import ASLEEP, WORKER

BUDGET = 2.3
WAITING = {"commands": ASLEEP, "workers": WORKER}


def work() -> None:
    """Load the model, then do the work once for each line on stdin, and say so on stdout."""
    from app.sessions.session import TARGET
    from tokenunlearn.data.demo import demo_rows
    from tokenunlearn.models.loading import load_model
    from tokenunlearn.scoring import ScoreConfig, score
    from tokenunlearn.training.config import TrainConfig
    from tokenunlearn.training.events import StepDone
    from tokenunlearn.training.loop import train
    from tokenunlearn.training.session import with_fresh_lora

    rows, retain = demo_rows("shared_forget"), demo_rows("shared_retain")
    config = TrainConfig(steps=500, eval_every=500)
    scored = load_model(None, str(TARGET), "fp32")
    model = with_fresh_lora(load_model(None, str(TARGET), "fp32"), config)
    steps = (event for event in train(model, rows, retain, None, config) if isinstance(event, StepDone))
    next(steps)  # what only the first step does
    print("ready", flush=True)
    for _ in sys.stdin:
        score(scored, rows[:2], ScoreConfig())
        next(steps)
        print("done", flush=True)


def seconds(processes: "list[subprocess.Popen[str]]") -> float:
    """Seconds until all of them have done the work once, begun at the same moment."""
    began = time.monotonic()
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    for each in processes:
        assert each.stdout is not None and each.stdout.readline() == "done\n"
    return time.monotonic() - began


def measured(name: str, pairs: int) -> float:
    """The median of how many times longer the work takes beside the other process; prints a line a pair."""
    plain = {key: value for key, value in os.environ.items() if key not in WORKER}
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.beside", "work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**plain, **WAITING[name]},
        )
        for _ in range(2)
    ]
    try:
        for each in both:
            assert each.stdout is not None and each.stdout.readline() == "ready\n"
        found: dict[int, list[float]] = {1: [], 2: []}
        for pair in range(pairs):
            for count in (1, 2) if pair % 2 == 0 else (2, 1):
                found[count].append(seconds(both[:count]))
            print(f"{name}, pair {pair + 1}: alone {found[1][-1]:.2f}, beside {found[2][-1]:.2f}", flush=True)
    finally:
        for each in both:
            each.kill()
    ratios = np.array(found[2]) / np.array(found[1])
    interval = bootstrap((ratios,), np.median, rng=np.random.default_rng(0)).confidence_interval
    alone, beside = (statistics.median(found[count]) for count in (1, 2))
    print(
        f"{name}: alone {alone:.2f} s, two at once {beside:.2f} s; "
        f"ratio {np.median(ratios):.2f} [{interval.low:.2f}, {interval.high:.2f}] "
        f"({pairs} pairs, load {os.getloadavg()[0]:.1f})"
    )
    return float(np.median(ratios))


def main(pairs: int = 7, name: str = "commands") -> int:
    """Return 1 where commands miss the budget."""
    ratio = measured(name, max(7, pairs))
    return int(name == "commands" and ratio > BUDGET)


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        work()
    else:
        sys.exit(main(*map(int, sys.argv[1:2]), *sys.argv[2:]))
