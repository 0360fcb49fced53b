"""What a probe is: what it asks a model, how it reads the evidence, and all that is said of it anywhere.

Reports, tables, columns, the command line and the docs are made from the entry; nothing else names a probe.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tokenunlearn.data.splits import Splits
from tokenunlearn.probes.evidence import Asks, Evidence, ProbeSettings

OURS = "ours"
NATS = "nats per token"  # of a log-probability


def mean_known(values: Sequence[float]) -> float:
    """Return the mean of the values that are measured, NaN where none is."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


@dataclass(frozen=True)
class Probe:
    """One figure of the summary. It lies between 0 and 1 unless its `unit` says otherwise.

    `by_row` reads the evidence and returns the value of each row by its id, NaN where it is not measured; the
    first line of its docstring is the help. `over_rows` makes the figure of these values. `asks` says what
    the evidence must hold. `wanted` is the better direction, "" where neither is better by itself. `short`
    heads its column in comparisons; without one it has none there. `setting` is the field of ProbeSettings
    that asks for it, "" where it is always asked.
    """

    label: str
    wanted: Literal["up", "down", ""]
    asks: Callable[[Splits, ProbeSettings], Asks]
    by_row: Callable[[Evidence], Mapping[str, float]]
    unit: str = "probability"
    short: str = ""
    source: str = OURS
    over_rows: Callable[[list[float]], float] = mean_known
    setting: str = ""

    @property
    def arrow(self) -> str:
        """The better direction as a sign, "" where neither is better."""
        return {"down": "↓", "up": "↑", "": ""}[self.wanted]

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value that it can have."""
        return (-math.inf, 0.0) if self.unit == NATS else (0.0, 1.0)

    @property
    def help(self) -> str:
        """What is measured, in a sentence."""
        return (self.by_row.__doc__ or "").strip().splitlines()[0]
