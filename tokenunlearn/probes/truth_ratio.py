"""Whether the model still prefers the true answer to false ones worded alike (TOFU's truth ratio).

"Right" is each paraphrased answer, or the answer itself where a row has none; "wrong" the perturbed
answers; all after the row's own question. Losses are averaged first (geometric mean), and leave out the
end-of-turn token that the published logs count.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.tofu import forget_truth_score, truth_ratio
from tokenunlearn.probes.entry import Probe
from tokenunlearn.probes.evidence import Asks, Evidence, ProbeSettings


def asks(rows: Splits, settings: ProbeSettings) -> Asks:
    """Return the right and the wrong answers of the rows that have wrong ones."""
    return Asks(
        pairs=tuple(
            (row.question, answer)
            for row in _asked(rows, settings)
            for answer in (*right_answers(row), *row.perturbed_answer)
        )
    )


def ratios(evidence: Evidence) -> dict[str, float]:
    """Mean of min(R, 1/R) over the forget rows: near 1, the truth is no likelier than the false answers.

    The value of a row is the raw R: compare two models' values with `metrics.tofu.forget_quality`.
    """
    rows = _asked(evidence.rows, evidence.settings)
    right = [mean_loss(evidence, row, right_answers(row)) for row in rows]
    wrong = [[loss(evidence, row, answer) for answer in row.perturbed_answer] for row in rows]
    values = truth_ratio(right, wrong).tolist()
    return {row.id: value for row, value in zip(rows, values, strict=True)}


def reworded(evidence: Evidence) -> dict[str, float]:
    """How likely the forget answers are in other words: exp of the mean log-prob of the paraphrases."""
    rows = [row for row in _asked(evidence.rows, evidence.settings) if row.paraphrased_answer]
    return {row.id: float(np.exp(-mean_loss(evidence, row, row.paraphrased_answer))) for row in rows}


def _asked(rows: Splits, settings: ProbeSettings) -> list[Row]:
    return [row for row in rows.forget if row.perturbed_answer] if settings.truth_ratio else []


def right_answers(row: Row) -> tuple[str, ...]:
    """Return the true answer in other words; as it is where there are none."""
    return row.paraphrased_answer or (row.answer,)


def loss(evidence: Evidence, row: Row, answer: str) -> float:
    """Return the mean loss of an answer's tokens after the row's question, in nats; NaN without any."""
    log_probs = evidence.log_probs[row.question, answer].log_probs
    return -float(log_probs.mean()) if len(log_probs) else float("nan")


def mean_loss(evidence: Evidence, row: Row, answers: Sequence[str]) -> float:
    """Return the mean of the losses of some answers to the row's question."""
    return sum(loss(evidence, row, answer) for answer in answers) / len(answers)


PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        "truth_ratio": Probe(
            "truth ratio",
            "up",
            asks,
            ratios,
            unit="score",
            source="TOFU 2401.06121",
            over_rows=forget_truth_score,
        ),
        "reworded": Probe(
            "answer in other words", "down", asks, reworded, source="OpenUnlearning 2506.12618"
        ),
    }
)
