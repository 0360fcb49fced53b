"""Probability of the fact and of what stands beside it, and what the greedy answers say.

Each function gives a value a row by its id, NaN where there is none; the figure is their mean. The
*paraphrased* fact keeps the taught answer and puts another wording of the question before it: what a person
does who asks again in other words.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics import fluency as fluent
from tokenunlearn.metrics.facts import FactProbability, fact_probability
from tokenunlearn.metrics.memorization import exact_memorization, extraction_strength
from tokenunlearn.metrics.tofu import rouge_l_recall
from tokenunlearn.probes.badges import states_fact
from tokenunlearn.probes.entry import NATS, Probe
from tokenunlearn.probes.evidence import Asks, Evidence, ProbeSettings

Ask = Callable[[Splits, ProbeSettings], Asks]


def scored(split: str) -> Ask:
    """Return what asks for the probability of the answers of a split, each after its own question."""

    def asks(rows: Splits, _: ProbeSettings) -> Asks:
        return Asks(pairs=tuple((row.question, row.answer) for row in getattr(rows, split)))

    return asks


def answered(split: str) -> Ask:
    """Return what asks for the greedy answers to the questions of a split."""

    def asks(rows: Splits, _: ProbeSettings) -> Asks:
        return Asks(questions=tuple(row.question for row in getattr(rows, split)))

    return asks


def scored_paraphrases(rows: Splits, settings: ProbeSettings) -> Asks:
    """Ask for the probability of the taught answers after the paraphrased questions."""
    return Asks(
        pairs=tuple(
            (question, row.answer)
            for row in rows.forget
            for question in row.paraphrased_question[: settings.paraphrases]
        )
    )


def facts_of(row: Row) -> list[str]:
    """Return the gold strings of a row."""
    return [row.answer[start:end] for start, end in row.gold]


def fact_joint(evidence: Evidence) -> dict[str, float]:
    """Joint probability of the fact, the taught words before it given: exp of the summed log-probs."""
    return _of_rows(evidence.rows.forget, lambda row: fact_of(evidence, row, row.question).joint)


def fact_mean(evidence: Evidence) -> dict[str, float]:
    """Mean probability of the fact's tokens under its own question."""
    return _of_rows(evidence.rows.forget, lambda row: fact_of(evidence, row, row.question).mean)


def other(evidence: Evidence) -> dict[str, float]:
    """Mean probability of the tokens of the forget answers that are neither fact nor subject."""
    return _of_rows(evidence.rows.forget, lambda row: fact_of(evidence, row, row.question).other)


def paraphrased(evidence: Evidence) -> dict[str, float]:
    """Joint probability of the fact under the paraphrased questions, mean over them, then over rows."""

    def mean_over_questions(row: Row) -> float:
        """Return the mean joint probability of one row over its paraphrased questions."""
        joints = [fact_of(evidence, row, question).joint for question in evidence.paraphrased(row)]
        return float(np.mean(joints)) if joints else float("nan")

    return _of_rows(evidence.rows.forget, mean_over_questions)


def retain(evidence: Evidence) -> dict[str, float]:
    """Mean token probability of the retain answers."""
    return _of_rows(evidence.rows.retain, lambda row: fact_of(evidence, row, row.question).whole)


def world(evidence: Evidence) -> dict[str, float]:
    """Mean token probability of the real-world answers."""
    return _of_rows(evidence.rows.world, lambda row: fact_of(evidence, row, row.question).whole)


def rouge_forget(evidence: Evidence) -> dict[str, float]:
    """ROUGE-L recall of the greedy answers to the forget questions; broken language lowers it as well."""
    return _rouge(evidence, evidence.rows.forget)


def rouge_retain(evidence: Evidence) -> dict[str, float]:
    """ROUGE-L recall of the greedy answers to the retain questions."""
    return _rouge(evidence, evidence.rows.retain)


def fluency(evidence: Evidence) -> dict[str, float]:
    """Mean log-prob per token, in nats, of the forget answers under the base; a loop has a high one too."""
    return _of_rows(evidence.rows.forget, lambda row: fluency_of(evidence, row.question))


def stated(evidence: Evidence) -> dict[str, float]:
    """Share of forget questions with known gold whose greedy answer still holds every gold string as it is.

    One changed word makes it 0: a part of the fact, or the fact in other words, may still be said.
    """
    return _stated(evidence, evidence.rows.forget)


def stated_retain(evidence: Evidence) -> dict[str, float]:
    """Share of retain questions with known gold whose greedy answer still holds every gold string."""
    return _stated(evidence, evidence.rows.retain)


def recited(evidence: Evidence) -> dict[str, float]:
    """Share of forget questions whose taught answer is the greedy one, token for token, end included."""
    return _of_rows(
        evidence.rows.forget, lambda row: float(evidence.log_probs[row.question, row.answer].recited)
    )


def strength(evidence: Evidence) -> dict[str, float]:
    """How short a beginning of the taught answer is enough for greedy decoding to give the rest (1 − k/n)."""
    return _of_hits(evidence, extraction_strength)


def exact(evidence: Evidence) -> dict[str, float]:
    """Share of the taught answers' tokens that are the likeliest one when all before them is given."""
    return _of_hits(evidence, exact_memorization)


def _of_hits(evidence: Evidence, figure: Callable[[ArrayLike], float]) -> dict[str, float]:
    def of(row: Row) -> float:
        likeliest = evidence.log_probs[row.question, row.answer].likeliest
        return float("nan") if likeliest is None else figure(likeliest)

    return _of_rows(evidence.rows.forget, of)


def _rouge(evidence: Evidence, rows: Sequence[Row]) -> dict[str, float]:
    return _of_rows(rows, lambda row: rouge_l_recall(row.answer, evidence.answers[row.question]))


def _stated(evidence: Evidence, rows: Sequence[Row]) -> dict[str, float]:
    known = [row for row in rows if row.gold]
    return _of_rows(
        known, lambda row: float(states_fact(evidence.answers[row.question], row.answer, facts_of(row)))
    )


def fluency_of(evidence: Evidence, question: str) -> float:
    """Mean log-prob per token of a greedy answer under the base, in nats; NaN without a base."""
    judged = evidence.under_base.get((question, evidence.answers[question]))
    return fluent.fluency(judged.log_probs) if judged else float("nan")


def fact_of(evidence: Evidence, row: Row, question: str) -> FactProbability:
    """Return how likely the fact, and what stands beside it, is in the row's answer after a question."""
    return fact_probability(row.answer, evidence.log_probs[question, row.answer], row.gold, row.subject)


def _of_rows(rows: Sequence[Row], value: Callable[[Row], float]) -> dict[str, float]:
    return {row.id: value(row) for row in rows}


_OPEN: Final = "OpenUnlearning 2506.12618, memorization.py"

PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        "fact_joint": Probe("fact, joint", "down", scored("forget"), fact_joint, short="Fact"),
        "fact_mean": Probe("fact, mean of tokens", "down", scored("forget"), fact_mean),
        "other": Probe("other tokens", "up", scored("forget"), other, short="Other"),
        "paraphrased": Probe(
            "fact, paraphrased", "down", scored_paraphrases, paraphrased, short="Paraphrase"
        ),
        "retain": Probe("retain", "up", scored("retain"), retain, short="Retain"),
        "world": Probe("real world", "up", scored("world"), world, short="World"),
        "fluency": Probe("fluency", "up", answered("forget"), fluency, NATS, "Fluency"),
        "rouge_forget": Probe(
            "ROUGE-L, forget", "", answered("forget"), rouge_forget, "recall", source="TOFU 2401.06121"
        ),
        "rouge_retain": Probe(
            "ROUGE-L, retain", "up", answered("retain"), rouge_retain, "recall", source="TOFU 2401.06121"
        ),
        "stated": Probe(
            "fact stated word for word",
            "down",
            answered("forget"),
            stated,
            "share of answers",
            "Word for word",
        ),
        "stated_retain": Probe(
            "retained fact stated word for word",
            "up",
            answered("retain"),
            stated_retain,
            "share of answers",
            "Retained word for word",
        ),
        "recited": Probe(
            "taught answer recited",
            "down",
            scored("forget"),
            recited,
            "share of answers",
            source="Carlini et al. 2202.07646",
        ),
        "extraction_strength": Probe(
            "extraction strength", "down", scored("forget"), strength, "share of the answer", source=_OPEN
        ),
        "exact_memorization": Probe(
            "exact memorisation", "down", scored("forget"), exact, "share of tokens", source=_OPEN
        ),
    }
)
