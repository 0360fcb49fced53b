"""The probes: name → what is measured, in which direction it should go, and the function that measures it.

The names are the keys of a Report's `summary`; `PROBES` is also what the page and the docs read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from tokenunlearn.probes import answers, truth_ratio
from tokenunlearn.probes.evidence import Evidence


@dataclass(frozen=True)
class Probe:
    """One figure of the summary. `measure` reads the evidence and returns it, or NaN when not measured.

    It lies between 0 and 1 but for one in nats.
    """

    label: str
    wanted: Literal["up", "down", ""]  # "": neither way is better by itself
    help: str
    measure: Callable[[Evidence], float]
    unit: str = "probability"


def _probe(
    label: str,
    wanted: Literal["up", "down", ""],
    measure: Callable[[Evidence], float],
    unit: str = "probability",
) -> Probe:
    # The first line of the function's docstring is the help, so that the two cannot drift apart.
    return Probe(label, wanted, (measure.__doc__ or "").strip().splitlines()[0], measure, unit)


PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        "fact_joint": _probe("fact, joint", "down", answers.fact_joint),
        "fact_mean": _probe("fact, mean of tokens", "down", answers.fact_mean),
        "other": _probe("other tokens", "up", answers.other),
        "paraphrased": _probe("fact, paraphrased", "down", answers.paraphrased),
        "retain": _probe("retain", "up", answers.retain),
        "world": _probe("real world", "up", answers.world),
        "fluency": _probe("fluency", "up", answers.fluency, "nats per token"),
        "rouge_forget": _probe("ROUGE-L, forget", "", answers.rouge_forget, "recall"),
        "rouge_retain": _probe("ROUGE-L, retain", "up", answers.rouge_retain, "recall"),
        "stated": _probe("fact still stated", "down", answers.stated, "share of answers"),
        "stated_retain": _probe("retained fact stated", "up", answers.stated_retain, "share of answers"),
        "truth_ratio": _probe("truth ratio", "up", truth_ratio.truth_ratio_score, "score"),
    }
)
