"""Questions with choices: which choice a model finds likeliest, by its letter and by its text.

By letter, as lm-evaluation-harness asks MMLU and WMDP: the question, the choices as `A. …` a line each, and
`Answer:`, and the log-likelihood of each letter behind it. By text: the question alone, and the
log-likelihood of each choice divided by its length in bytes, as the harness's acc_bytes does; its acc_norm
divides by the length in characters, which is the same for ASCII. A small model that does
not read letters may still know the answer.
"""

from collections.abc import Callable, Iterable, Mapping
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
    """Row id → 1 where the letter of the true choice is the likeliest, else 0."""
    return {
        row.id: float(np.argmax(_likelihoods(evidence, by_letter(row))) == row.correct)
        for row in _rows(evidence.rows)
    }


def texts_right(evidence: Evidence) -> dict[str, float]:
    """Row id → 1 where the true choice has the highest log-likelihood per byte, else 0."""
    found = {}
    for row in _rows(evidence.rows):
        sizes = [len(text.encode()) for text in row.choices]
        found[row.id] = float(
            np.argmax(np.divide(_likelihoods(evidence, by_text(row)), sizes)) == row.correct
        )
    return found


def choice_letter(evidence: Evidence) -> float:
    """Share of questions with choices whose true choice has the likeliest letter."""
    return _mean(letters_right(evidence).values())


def choice_text(evidence: Evidence) -> float:
    """Share of questions with choices whose true choice is the likeliest text, by log-likelihood per byte."""
    return _mean(texts_right(evidence).values())


def choice_chance(evidence: Evidence) -> float:
    """Accuracy of guessing: the mean of 1 / number of choices."""
    return _mean([1 / len(row.choices) for row in _rows(evidence.rows)])


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else float("nan")


_HARNESS: Final = "lm-evaluation-harness; MMLU 2009.03300, WMDP 2403.03218"

PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        "choice_letter": Probe(
            "choices, by letter",
            "",
            _asks(by_letter),
            choice_letter,
            unit=ACCURACY,
            source=_HARNESS,
            by_row=letters_right,
        ),
        "choice_text": Probe(
            "choices, by text",
            "",
            _asks(by_text),
            choice_text,
            unit=ACCURACY,
            source=_HARNESS,
            by_row=texts_right,
        ),
        CHANCE: Probe("choices, by chance", "", lambda *_: Asks(), choice_chance, unit=ACCURACY),
    }
)
