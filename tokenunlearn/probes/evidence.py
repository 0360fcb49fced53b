"""What a model was asked and what it said: collected once, then read by every probe.

A processor is slow and batching is all that helps, so no probe asks the model itself: each says what it
needs (`Asks`), `collect` asks for the union of it in two calls, equal questions only once, and `judged` has
the untouched base read what was said, in a third.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import ModelError
from tokenunlearn.models.language_model import (
    LONGER,
    LONGEST,
    SHORTEST,
    Continues,
    HasBase,
    LanguageModel,
    Standardises,
    TokenLogProbs,
    Written,
    longest_answer,
)
from tokenunlearn.settings import check, setting

Pair = tuple[str, str]
# Hears in a few words what is measured now.
Told = Callable[[str], None]


@dataclass(frozen=True)
class ProbeSettings:
    """How much is asked of the model."""

    max_new_tokens: int | None = setting(
        None,
        low=1,
        high=1024,
        step=1,
        unit="tokens",
        unset="as the taught answers need",
        help=f"Longest greedy answer of a probe; without it, {LONGER} tokens more than the longest taught "
        f"answer of the rows, from {SHORTEST} to {LONGEST}",
    )
    paraphrases: int = setting(
        2, low=0, high=16, step=1, help="Paraphrased questions per row whose fact probability is measured"
    )
    paraphrased_answers: int = setting(
        1, low=0, high=16, step=1, help="Paraphrased questions per row that are answered greedily"
    )
    truth_ratio: bool = setting(True, help="Measure the truth ratio, five more answers to score per row")
    membership: bool = setting(
        False,
        help="Hold the forget rows against the rows held out: one more answer to score for each of these",
    )
    utility: bool = setting(
        False,
        help="Measure the parts of model utility: true and false answers of the rows to keep and the world",
    )
    jailbreak: bool = setting(
        False, help='Answer the forget questions once more, with "Sure, here is the answer:" as the beginning'
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Asks:
    """What is to be asked of a model: (question, answer) pairs to score, questions to answer greedily.

    `standardised` are pairs to score whose log-probs are also to be held against those of the vocabulary;
    `begun` are questions with the beginning of an answer, to be continued greedily.
    """

    pairs: tuple[Pair, ...] = ()
    questions: tuple[str, ...] = ()
    standardised: tuple[Pair, ...] = ()
    begun: tuple[Pair, ...] = ()

    def __or__(self, other: "Asks") -> "Asks":
        """Return both in order, equal ones once."""
        names = [each.name for each in fields(self)]
        both = {name: (*getattr(self, name), *getattr(other, name)) for name in names}
        return Asks(**{name: tuple(dict.fromkeys(asked)) for name, asked in both.items()})


@dataclass(frozen=True)
class Evidence:
    """The rows by their split and what the model said about them.

    `log_probs`: (question, answer) → its token log-probs. `answers`: question → greedy answer; `cut`:
    the questions whose answer did not come to its end.
    `under_base`: (question, answer) → log-probs under the untouched base, of the greedy answers and of the
    taught ones whose fact the model knows; empty where there is no base to ask. `continued`: (question,
    beginning) → how the model goes on; empty where it cannot.
    """

    rows: Splits
    log_probs: Mapping[Pair, TokenLogProbs]
    answers: Mapping[str, str]
    settings: ProbeSettings
    under_base: Mapping[Pair, TokenLogProbs] = field(default_factory=dict)
    continued: Mapping[Pair, str] = field(default_factory=dict)
    cut: Collection[str] = ()

    def paraphrased(self, row: Row) -> tuple[str, ...]:
        """Return the paraphrased questions of `row` whose fact probability is measured."""
        return row.paraphrased_question[: self.settings.paraphrases]


def silent(_: str) -> None:
    """Tell nobody what is measured now."""


def collect(
    model: LanguageModel,
    asks: Iterable[Asks],
    max_new_tokens: int | None,
    taught: Iterable[Pair] = (),
    told: Told = silent,
) -> tuple[dict[Pair, TokenLogProbs], dict[str, Written], int]:
    """Return what `model` says to the union of what is asked, and how long an answer could be.

    One call for each kind, none where none is due. No pair is scored twice: one that is to be standardised is
    scored in that call, unless the model cannot. `taught`: the pairs among them that say how long an answer
    may be where `max_new_tokens` is None. An answer that the log-probs show to be the greedy one is not
    generated again.
    """
    union = Asks()
    for each in asks:
        union |= each
    told(f"reading {len({*union.pairs, *union.standardised}):,} texts")
    scored: dict[Pair, TokenLogProbs] = {}
    if union.standardised and isinstance(model, Standardises):
        wanted = list(union.standardised)
        scored |= zip(wanted, model.standardised_log_probs(wanted), strict=True)
    wanted = [pair for pair in dict.fromkeys((*union.pairs, *union.standardised)) if pair not in scored]
    scored |= zip(wanted, model.token_log_probs(wanted) if wanted else [], strict=True)
    longest = max_new_tokens or longest_answer(len(scored[pair]) for pair in taught)
    asked = list(union.questions)
    known = {
        question: Written(answer.strip())
        for (question, answer), tokens in scored.items()
        if tokens.recited and len(tokens) < longest
    }
    open_questions = [question for question in asked if question not in known]
    if open_questions:
        told(f"writing {len(open_questions):,} answers")
    said = model.generate(open_questions, longest) if open_questions else []
    known |= dict(zip(open_questions, said, strict=True))
    return scored, {question: known[question] for question in asked}, longest


def continued(model: LanguageModel, asks: Iterable[Asks], max_new_tokens: int) -> dict[Pair, str]:
    """(question, beginning) → how `model` goes on, for all that is asked; empty for a model that cannot."""
    begun = list(dict.fromkeys(pair for each in asks for pair in each.begun))
    if not begun or not isinstance(model, Continues):
        return {}
    said = model.continued(begun, max_new_tokens)
    return {pair: each.text for pair, each in zip(begun, said, strict=True)}


def judged(model: LanguageModel, pairs: Iterable[Pair]) -> tuple[dict[Pair, TokenLogProbs], str]:
    """Return (question, answer) → its log-probs under the untouched base beneath `model`, teacher-forced.

    An empty answer has no tokens to judge; a model without a base, such as a rival, leaves all of it empty.
    The second is why a base that there is cannot be had, else "".
    """
    wanted = [pair for pair in dict.fromkeys(pairs) if pair[1].strip()]
    if not wanted or not isinstance(model, HasBase):
        return {}, ""
    try:
        scored = model.base_log_probs(wanted)
    except ModelError as error:
        return {}, str(error)
    return dict(zip(wanted, scored, strict=True)), ""
