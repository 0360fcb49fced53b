"""Questions with choices: which choice a model finds likeliest, by its letter and by its text.

By letter, as lm-evaluation-harness asks MMLU and WMDP: the question, the choices as `A. …` a line each, and
`Answer:`, and the log-likelihood of each letter behind it. By text: the question alone, and the
log-likelihood of each choice divided by its length in bytes, as the harness's acc_bytes does; its acc_norm
divides by the length in characters, which is the same for ASCII. A small model that does
not read letters may still know the answer.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from tokenunlearn.data.choices import by_letter, by_text
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.probes.entry import Probe
from tokenunlearn.probes.evidence import Asks, Evidence, Pair, ProbeSettings

Ask = Callable[[Row], list[Pair]]
ACCURACY: Final = "accuracy"
CHANCE: Final = "choice_chance"


def _rows(rows: Splits) -> list[Row]:
    return [row for row in rows.choice if row.correct is not None]


def _asks(ask: Ask) -> Callable[[Splits, ProbeSettings], Asks]:
    def asks(rows: Splits, _: ProbeSettings) -> Asks:
        return Asks(pairs=tuple(pair for row in _rows(rows) for pair in ask(row)))

    return asks


def _likelihoods(evidence: Evidence, pairs: list[Pair]) -> list[float]:
    return [float(evidence.log_probs[pair].log_probs.sum()) for pair in pairs]


def letters_right(evidence: Evidence) -> dict[str, float]:
    """Share of questions with choices whose true choice has the likeliest letter."""
    return {
        row.id: float(np.argmax(_likelihoods(evidence, by_letter(row))) == row.correct)
        for row in _rows(evidence.rows)
    }


def texts_right(evidence: Evidence) -> dict[str, float]:
    """Share of questions with choices whose true choice is the likeliest text, by log-likelihood per byte."""
    found = {}
    for row in _rows(evidence.rows):
        sizes = [len(text.encode()) for text in row.choices]
        found[row.id] = float(
            np.argmax(np.divide(_likelihoods(evidence, by_text(row)), sizes)) == row.correct
        )
    return found


def chances(evidence: Evidence) -> dict[str, float]:
    """Accuracy of guessing: 1 / number of choices, mean over the questions."""
    return {row.id: 1 / len(row.choices) for row in _rows(evidence.rows)}


_HARNESS: Final = "lm-evaluation-harness; MMLU 2009.03300, WMDP 2403.03218"

PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        "choice_letter": Probe(
            "choices, by letter",
            "",
            _asks(by_letter),
            letters_right,
            unit=ACCURACY,
            source=_HARNESS,
        ),
        "choice_text": Probe(
            "choices, by text",
            "",
            _asks(by_text),
            texts_right,
            unit=ACCURACY,
            source=_HARNESS,
        ),
        CHANCE: Probe("choices, by chance", "", lambda *_: Asks(), chances, unit=ACCURACY),
    }
)
