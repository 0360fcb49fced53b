"""What a report shows beside its figures: each greedy answer, and the tokens of each taught one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tokenunlearn.data.rows import FORGET, RETAIN, WORLD, Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.facts import fact_probability, word_probabilities
from tokenunlearn.metrics.tofu import rouge_l_recall
from tokenunlearn.models.language_model import TokenLogProbs
from tokenunlearn.probes.answers import fact_of, facts_of, fluency_of
from tokenunlearn.probes.badges import likely, states_fact
from tokenunlearn.probes.evidence import Asks, Evidence, Pair, ProbeSettings

SPLITS: Final = (FORGET, RETAIN, WORLD)
PARAPHRASE: Final = "paraphrase"


def asks(rows: Splits, settings: ProbeSettings) -> Asks:
    """Ask for all that the lines below show."""
    return Asks(taught(rows), tuple(question for _, _, question in _asked(rows, settings)))


def taught(rows: Splits) -> tuple[Pair, ...]:
    """Return each question of the rows with its own answer."""
    return tuple((row.question, row.answer) for kind in SPLITS for row in getattr(rows, kind))


def known_facts(rows: Splits, log_probs: Mapping[Pair, TokenLogProbs]) -> Iterator[Pair]:
    """Yield each question of a forget row with its answer, where the model knows the fact.

    What the base says of its words tells which of them were taught.
    """
    for row in rows.forget:
        pair = row.question, row.answer
        if row.gold and likely(fact_probability(row.answer, log_probs[pair], row.gold, row.subject).joint):
            yield pair


def _asked(rows: Splits, settings: ProbeSettings) -> Iterator[tuple[str, Row, str]]:
    """Yield (kind, row, question) of each question that is answered greedily."""
    for row in rows.forget:
        yield FORGET, row, row.question
    for row in rows.forget:
        for question in row.paraphrased_question[: settings.paraphrased_answers]:
            yield PARAPHRASE, row, question
    for kind in (RETAIN, WORLD):
        for row in getattr(rows, kind):
            yield kind, row, row.question


def answer_lines(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one record per greedy answer: its expected answer, ROUGE-L recall, fact probability and fluency.

    One to forget has besides each word of its fact with its probability (`fact_words`), and with that under
    the untouched base where it was read (`base_words`). `cut`: it was as long as an answer could be and had
    not come to its end: the fact may be what is missing.

    Badges come later, since most of them need the answer from before (see report.py).
    """
    return [
        _answer_line(evidence, kind, row, question)
        for kind, row, question in _asked(evidence.rows, evidence.settings)
    ]


def length_words(longest: int | None, lines: Sequence[Mapping[str, Any]]) -> str:
    """Return how long an answer could be, and how many had not come to their end by then; "" if not known.

    >>> length_words(24, [{}]), length_words(48, [{"cut": True}, {"cut": False}])
    ('Answers cut at 24 tokens', 'Answers of at most 48 tokens; 1 of 2 is cut there')
    """
    marks = [line["cut"] for line in lines if "cut" in line]
    if longest is None:
        return ""
    if not marks:  # of an earlier version, or not kept
        return f"Answers cut at {longest} tokens"
    told = f"Answers of at most {longest} tokens"
    return f"{told}; {sum(marks)} of {len(marks)} {'is' if sum(marks) == 1 else 'are'} cut there"


def token_lines(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one record per row of the three sets: its answer's tokens, their log-probs and places."""
    lines = []
    for kind in SPLITS:
        for row in getattr(evidence.rows, kind):
            tokens = evidence.log_probs[row.question, row.answer]
            columns = {name: getattr(tokens, name).tolist() for name in ("starts", "ends", "log_probs")}
            lines.append({"row_id": row.id, "kind": kind} | columns)
    return lines


def _answer_line(evidence: Evidence, kind: str, row: Row, question: str) -> dict[str, Any]:
    answer, facts = evidence.answers[question], facts_of(row)
    # A paraphrase beyond those that are scored has been answered, but its probability was not measured.
    scored = (question, row.answer) in evidence.log_probs
    line = {
        "row_id": row.id,
        "kind": kind,
        "question": question,
        "expected": row.answer,
        "facts": facts,
        "answer": answer,
        "cut": question in evidence.cut,
        "rouge_l": rouge_l_recall(row.answer, answer),
        "fact_joint": fact_of(evidence, row, question).joint if scored else float("nan"),
        "stated": states_fact(answer, row.answer, facts),
        "fluency": fluency_of(evidence, question),
    }
    if kind != FORGET or not row.gold:
        return line
    pair = question, row.answer
    read = {"fact_words": evidence.log_probs[pair]}
    if pair in evidence.under_base:
        read["base_words"] = evidence.under_base[pair]
    return line | {
        name: [list(each) for each in word_probabilities(row.answer, tokens, row.gold)]
        for name, tokens in read.items()
    }
