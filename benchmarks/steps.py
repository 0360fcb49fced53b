"""Seconds of a training step: the default (upper third of the layers) against LoRA on all of them.

    python -m benchmarks.steps [pairs]

Real model, the shared demo set, the default batch. Side by side in one process, in the order A B B A …, at
least 7 pairs; each measurement is the mean of two steps. Prints medians and the median ratio with its
bootstrap interval.
"""

import os
import statistics
import sys

import numpy as np
from scipy.stats import bootstrap

from app.sessions.session import TARGET
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.models.loading import load_model
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

ARMS = {"upper third": TrainConfig(steps=2), "all layers": TrainConfig(steps=2, layer_share=1.0)}


def seconds(config: TrainConfig) -> float:
    """Mean seconds of two steps of a fresh run; loading and the lower layers' outputs are not counted."""
    model = with_fresh_lora(load_model(None, str(TARGET), "auto"), config)
    events = train(model, demo_rows("shared_forget"), demo_rows("shared_retain"), None, config)
    return statistics.mean(event.seconds for event in events if isinstance(event, StepDone))


def main(pairs: int) -> None:
    """Print one line a pair, then the summary."""
    first, second = ARMS
    found: dict[str, list[float]] = {name: [] for name in ARMS}
    for pair in range(pairs):
        for name in (first, second) if pair % 2 == 0 else (second, first):
            found[name].append(seconds(ARMS[name]))
        line = ", ".join(f"{name} {values[-1]:.2f}" for name, values in found.items())
        print(f"pair {pair + 1}: {line} (load {os.getloadavg()[0]:.1f})", flush=True)
    ratios = np.array(found[second]) / np.array(found[first])
    interval = bootstrap((ratios,), np.median, rng=np.random.default_rng(0)).confidence_interval
    medians = ", ".join(f"{name} {statistics.median(values):.2f} s" for name, values in found.items())
    ratio = f"{np.median(ratios):.2f} [{interval.low:.2f}, {interval.high:.2f}]"
    print(f"median a step: {medians}; ratio {ratio} ({pairs} pairs)")


if __name__ == "__main__":
    main(max(7, int(sys.argv[1])) if len(sys.argv) > 1 else 7)
