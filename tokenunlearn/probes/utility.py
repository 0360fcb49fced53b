"""The parts of TOFU's model utility that no other probe gives: how rows to keep and of the world are known.

Probability is exp of the mean log-prob of an answer; of the world's facts it is that of the true answer among
itself and the false ones. The truth ratio of a row to keep asks for its paraphrases as the forget rows' does,
that of the world's facts for the answer itself. All leave the end of turn out.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.tofu import (
    answer_probability,
    choice_probability,
    kept_truth_score,
    rouge_l_recall,
    truth_ratio,
)
from tokenunlearn.probes.entry import Probe
from tokenunlearn.probes.evidence import Asks, Evidence, ProbeSettings
from tokenunlearn.probes.truth_ratio import loss, mean_loss, right_answers

SETTING: Final = "utility"
TOFU: Final = "TOFU 2401.06121"
Answers = Callable[[Row], tuple[str, ...]]


def _own(row: Row) -> tuple[str, ...]:
    return (row.answer,)


def _kept(rows: Splits, settings: ProbeSettings) -> tuple[Row, ...]:
    return rows.retain if settings.utility else ()


def _world(rows: Splits, settings: ProbeSettings) -> tuple[Row, ...]:
    return rows.world if settings.utility else ()


def asks_kept(rows: Splits, settings: ProbeSettings) -> Asks:
    """Ask for the answers to keep."""
    return Asks(pairs=tuple((row.question, row.answer) for row in _kept(rows, settings)))


def asks_kept_truth(rows: Splits, settings: ProbeSettings) -> Asks:
    """Ask for the right and the false answers of the rows to keep."""
    return _answers(_kept(rows, settings), right_answers)


def asks_world(rows: Splits, settings: ProbeSettings) -> Asks:
    """Ask for the true and the false answers of the world's facts."""
    return _answers(_world(rows, settings), _own)


def asks_world_answers(rows: Splits, settings: ProbeSettings) -> Asks:
    """Ask the questions about the world."""
    return Asks(questions=tuple(row.question for row in _world(rows, settings)))


def retain_probability(evidence: Evidence) -> dict[str, float]:
    """How likely the answers to keep are: exp of the mean log-prob of each."""
    return {
        row.id: answer_probability(evidence.log_probs[row.question, row.answer].log_probs)
        for row in _kept(evidence.rows, evidence.settings)
    }


def retain_truth(evidence: Evidence) -> dict[str, float]:
    """Mean of max(0, 1 − R) over the rows to keep: 1 = only the truth is likely; by row the raw R."""
    return _ratios(evidence, _kept(evidence.rows, evidence.settings), right_answers)


def world_truth(evidence: Evidence) -> dict[str, float]:
    """Mean of max(0, 1 − R) over the world's facts, held against the answer itself."""
    return _ratios(evidence, _world(evidence.rows, evidence.settings), _own)


def world_probability(evidence: Evidence) -> dict[str, float]:
    """How likely the true answer about the world is among itself and the false ones."""
    return {
        row.id: choice_probability(
            loss(evidence, row, row.answer), [loss(evidence, row, answer) for answer in row.perturbed_answer]
        )
        for row in _world(evidence.rows, evidence.settings)
        if row.perturbed_answer
    }


def rouge_world(evidence: Evidence) -> dict[str, float]:
    """ROUGE-L recall of the greedy answers about the world."""
    return {
        row.id: rouge_l_recall(row.answer, evidence.answers[row.question])
        for row in _world(evidence.rows, evidence.settings)
    }


def _answers(rows: tuple[Row, ...], right: Answers) -> Asks:
    known = [row for row in rows if row.perturbed_answer]
    return Asks(
        pairs=tuple((row.question, said) for row in known for said in (*right(row), *row.perturbed_answer))
    )


def _ratios(evidence: Evidence, rows: tuple[Row, ...], right: Answers) -> dict[str, float]:
    known = [row for row in rows if row.perturbed_answer]
    right_losses = [mean_loss(evidence, row, right(row)) for row in known]
    wrong = [np.array([loss(evidence, row, answer) for answer in row.perturbed_answer]) for row in known]
    return {
        row.id: ratio for row, ratio in zip(known, truth_ratio(right_losses, wrong).tolist(), strict=True)
    }


PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        "retain_probability": Probe(
            "retain answers, whole", "up", asks_kept, retain_probability, source=TOFU, setting=SETTING
        ),
        "retain_truth": Probe(
            "retain, truth over falsehood",
            "up",
            asks_kept_truth,
            retain_truth,
            "score",
            source=TOFU,
            over_rows=kept_truth_score,
            setting=SETTING,
        ),
        "world_probability": Probe(
            "real world, true answer among false ones",
            "up",
            asks_world,
            world_probability,
            source=TOFU,
            setting=SETTING,
        ),
        "rouge_world": Probe(
            "ROUGE-L, real world",
            "up",
            asks_world_answers,
            rouge_world,
            "recall",
            source=TOFU,
            setting=SETTING,
        ),
        "world_truth": Probe(
            "real world, truth over falsehood",
            "up",
            asks_world,
            world_truth,
            "score",
            source=TOFU,
            over_rows=kept_truth_score,
            setting=SETTING,
        ),
    }
)
