"""Probability of the fact, of what stands beside it, and the greedy answers themselves.

Every figure is a mean over rows of the row's own value, NaN where no row has one. The *paraphrased* fact
keeps the taught answer and puts another wording of the question before it: what a person does who asks
again in other words.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tokenunlearn.data.rows import Row
from tokenunlearn.metrics import fluency as fluent
from tokenunlearn.metrics.facts import FactProbability, fact_probability
from tokenunlearn.metrics.tofu import rouge_l_recall
from tokenunlearn.probes.badges import states_fact
from tokenunlearn.probes.evidence import Evidence, Pair, ProbeSettings

Asked = tuple[str, Row, str]


def pairs(
    forget: Sequence[Row], retain: Sequence[Row], world: Sequence[Row], settings: ProbeSettings
) -> Iterator[Pair]:
    """Yield the (question, answer) pairs whose log-probs the measures below read."""
    for row in (*forget, *retain, *world):
        yield row.question, row.answer
    for row in forget:
        for question in row.paraphrased_question[: settings.paraphrases]:
            yield question, row.answer


def asked(
    forget: Sequence[Row], retain: Sequence[Row], world: Sequence[Row], settings: ProbeSettings
) -> Iterator[Asked]:
    """Yield (kind, row, question) of each question that is answered greedily."""
    for row in forget:
        yield "forget", row, row.question
    for row in forget:
        for question in row.paraphrased_question[: settings.paraphrased_answers]:
            yield "paraphrase", row, question
    for kind, rows in (("retain", retain), ("world", world)):
        for row in rows:
            yield kind, row, row.question


def facts_of(row: Row) -> list[str]:
    """The gold strings of a row."""
    return [row.answer[start:end] for start, end in row.gold]


def fact_joint(evidence: Evidence) -> float:
    """Joint probability of the fact under its own question: exp of the summed log-probs of a gold span."""
    return _mean(evidence.forget, lambda row: _fact(evidence, row, row.question).joint)


def fact_mean(evidence: Evidence) -> float:
    """Mean probability of the fact's tokens under its own question."""
    return _mean(evidence.forget, lambda row: _fact(evidence, row, row.question).mean)


def other(evidence: Evidence) -> float:
    """Mean probability of the tokens of the forget answers that are neither fact nor subject."""
    return _mean(evidence.forget, lambda row: _fact(evidence, row, row.question).other)


def paraphrased(evidence: Evidence) -> float:
    """Joint probability of the fact under the paraphrased questions, mean over them, then over rows."""

    def mean_over_questions(row: Row) -> float:
        """The mean joint probability of one row over its paraphrased questions."""
        joints = [_fact(evidence, row, question).joint for question in evidence.paraphrased(row)]
        return float(np.mean(joints)) if joints else float("nan")

    return _mean(evidence.forget, mean_over_questions)


def retain(evidence: Evidence) -> float:
    """Mean token probability of the retain answers."""
    return _mean(evidence.retain, lambda row: _fact(evidence, row, row.question).whole)


def world(evidence: Evidence) -> float:
    """Mean token probability of the real-world answers."""
    return _mean(evidence.world, lambda row: _fact(evidence, row, row.question).whole)


def rouge_forget(evidence: Evidence) -> float:
    """ROUGE-L recall of the greedy answers to the forget questions; broken language lowers it as well."""
    return _mean(evidence.forget, lambda row: rouge_l_recall(row.answer, evidence.answers[row.question]))


def rouge_retain(evidence: Evidence) -> float:
    """ROUGE-L recall of the greedy answers to the retain questions."""
    return _mean(evidence.retain, lambda row: rouge_l_recall(row.answer, evidence.answers[row.question]))


def fluency(evidence: Evidence) -> float:
    """Mean log-prob per token, in nats, of the greedy answers to the forget questions under the base."""
    return _mean(evidence.forget, lambda row: _fluency(evidence, row.question))


def stated(evidence: Evidence) -> float:
    """Share of forget questions with known gold whose greedy answer still holds every gold string."""
    return _stated(evidence, evidence.forget)


def stated_retain(evidence: Evidence) -> float:
    """Share of retain questions with known gold whose greedy answer still holds every gold string."""
    return _stated(evidence, evidence.retain)


def _stated(evidence: Evidence, rows: Sequence[Row]) -> float:
    known = [row for row in rows if row.gold]
    return _mean(
        known, lambda row: float(states_fact(evidence.answers[row.question], row.answer, facts_of(row)))
    )


def answer_lines(evidence: Evidence) -> list[dict[str, Any]]:
    """One record per greedy answer: its expected answer, ROUGE-L recall, fact probability and fluency.

    Badges come later, since most of them need the answer from before (see report.py).
    """
    questions = asked(evidence.forget, evidence.retain, evidence.world, evidence.settings)
    return [_answer_line(evidence, kind, row, question) for kind, row, question in questions]


def token_lines(evidence: Evidence) -> list[dict[str, Any]]:
    """One record per row of the three sets: the log-probs of its answer's tokens and their place in it."""
    sets = (("forget", evidence.forget), ("retain", evidence.retain), ("world", evidence.world))
    lines = []
    for kind, rows in sets:
        for row in rows:
            tokens = evidence.log_probs[row.question, row.answer]
            columns = {name: getattr(tokens, name).tolist() for name in ("starts", "ends", "log_probs")}
            lines.append({"row_id": row.id, "kind": kind} | columns)
    return lines


def _answer_line(evidence: Evidence, kind: str, row: Row, question: str) -> dict[str, Any]:
    answer, facts = evidence.answers[question], facts_of(row)
    # A paraphrase beyond those that are scored has been answered, but its probability was not measured.
    scored = (question, row.answer) in evidence.log_probs
    return {
        "row_id": row.id,
        "kind": kind,
        "question": question,
        "expected": row.answer,
        "facts": facts,
        "answer": answer,
        "rouge_l": rouge_l_recall(row.answer, answer),
        "fact_joint": _fact(evidence, row, question).joint if scored else float("nan"),
        "stated": states_fact(answer, row.answer, facts),
        "fluency": _fluency(evidence, question),
    }


def _fluency(evidence: Evidence, question: str) -> float:
    judged = evidence.under_base.get(question)
    return fluent.fluency(judged.log_probs) if judged else float("nan")


def _fact(evidence: Evidence, row: Row, question: str) -> FactProbability:
    return fact_probability(row.answer, evidence.log_probs[question, row.answer], row.gold, row.subject)


def _mean(rows: Sequence[Row], value: Callable[[Row], float]) -> float:
    values = np.array([value(row) for row in rows], dtype=np.float64)
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")
