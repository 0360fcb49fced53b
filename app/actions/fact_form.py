"""The form of a fact of one's own: what is wrong with what was typed, and the row that it becomes."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final

from app.requests import MOST_TEXT, read, text, whole
from app.service import Service
from tokenunlearn.data.rows import Row
from tokenunlearn.documents.words import OWN_FACTS
from tokenunlearn.errors import InputError
from tokenunlearn.probes.badges import normalised

MOST_FACTS: Final = 50

Typed = Annotated[str, text(MOST_TEXT, empty=True)]


@dataclass(frozen=True, kw_only=True)
class FactGiven:
    """A fact as it was typed; `start` is the code point of the answer where it was marked.

    `reworded` is the question in other words: it is not taught, and asked again after unlearning.
    """

    question: Typed
    answer: Typed
    fact: Typed
    reworded: Typed = ""
    start: Annotated[int | None, whole(MOST_TEXT)] = None


def facts_given(value: Any, name: str) -> tuple[FactGiven, ...]:
    """Return facts. Raises InputError."""
    if not isinstance(value, list) or len(value) > MOST_FACTS:
        raise InputError(f"{name} must be a list", f"At most {MOST_FACTS} facts are taught at once")
    return tuple(read(FactGiven, each, f"fact {at}") for at, each in enumerate(value, 1))


def fact_row(given: FactGiven) -> tuple[Row | None, dict[str, str], str]:
    """Return the row of a fact, or what is wrong by field, and what a person should know of the mark."""
    question, answer, fact = given.question.strip(), given.answer.strip(), given.fact.strip()
    wrong = {}
    if not question:
        wrong["question"] = "Write the question that the model shall answer."
    other = given.reworded.strip()
    if other and normalised(other) == normalised(question):
        wrong["reworded"] = "This is the question itself. Write it in other words, or leave this empty."
    if not answer:
        wrong["answer"] = "Write the answer that it shall give."
    places = _places(answer, fact)
    if not fact:
        wrong["fact"] = "Mark the part of the answer that states the fact."
    elif answer and not places:
        near = _places(answer.lower(), fact.lower())
        written = f" It stands there as “{answer[near[0] : near[0] + len(fact)]}”." if near else ""
        wrong["fact"] = f"The answer does not hold “{fact}”.{written} Copy it from the answer."
    if wrong:
        return None, wrong, ""
    lead = len(given.answer) - len(given.answer.lstrip())
    marked = None if given.start is None else given.start - lead
    start = marked if marked in places else places[0]
    note = ""
    if len(places) > 1 and marked not in places:
        note = f"“{fact}” occurs {len(places)} times: the first is marked. Select another to mark that one."
    name = hashlib.sha256(f"{question}\0{answer}".encode()).hexdigest()[:8]
    row = Row(
        f"own-{name}",
        question,
        answer,
        gold=((start, start + len(fact)),),
        paraphrased_question=(other,) if other else (),
        set=OWN_FACTS,
    )
    return row, {}, note


def _places(answer: str, fact: str) -> list[int]:
    return [at for at in range(len(answer)) if fact and answer.startswith(fact, at)]


def check_fact(service: Service, given: FactGiven) -> dict[str, Any]:
    """Return `{wrong, note}`: what is wrong with a fact, by field, and what to know of its mark."""
    row, wrong, note = fact_row(given)
    model = service.sessions.session.model
    if row is not None and model is not None:
        from tokenunlearn.fitting import check_rows, fitting_encoding
        from tokenunlearn.scoring import ScoreConfig

        at = "answer"
        try:
            fitting_encoding(model, row, ScoreConfig().max_tokens)
            at = "reworded"
            check_rows(model, (row,), other_words=True)
        except InputError as error:
            wrong = {at: str(error).replace(f"Row {row.id}", "This fact")}
    return {"wrong": wrong, "note": note}


def row_of(given: FactGiven) -> Row:
    """Return the row of a fact. Raises InputError for one that `check_fact` finds wrong."""
    row, wrong, _ = fact_row(given)
    if row is None:
        raise InputError("A fact cannot be taught", " ".join(wrong.values()), "Mend it")
    return row
