"""What a probe is: what it asks a model, how it reads the evidence, and all that is said of it anywhere.

Reports, tables, columns, the command line and the docs are made from the entry; nothing else names a probe.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from tokenunlearn.data.splits import Splits
from tokenunlearn.probes.evidence import Asks, Evidence, ProbeSettings

OURS = "ours"


@dataclass(frozen=True)
class Probe:
    """One figure of the summary. It lies between 0 and 1 unless its `unit` says otherwise.

    `measure` reads the evidence and returns the figure, NaN where it is not measured; the first line of its
    docstring is the help. `asks` says what the evidence must hold. `wanted` is the better direction, "" where
    neither is better by itself. `short` heads its column in comparisons; without one it has none there.
    `by_row` gives the raw values that a report keeps by row id.
    """

    label: str
    wanted: Literal["up", "down", ""]
    asks: Callable[[Splits, ProbeSettings], Asks]
    measure: Callable[[Evidence], float]
    unit: str = "probability"
    short: str = ""
    source: str = OURS
    by_row: Callable[[Evidence], Mapping[str, float]] | None = None

    @property
    def help(self) -> str:
        """What is measured, in a sentence."""
        return (self.measure.__doc__ or "").strip().splitlines()[0]
