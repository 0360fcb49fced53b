"""What a model was asked and what it said: collected once, in two calls, then read by every probe.

A processor is slow and batching is all that helps, so no probe asks the model itself: each says what it
needs (`pairs`, `questions`), `collect` asks for all of it at once, equal questions only once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tokenunlearn.data.rows import Row
from tokenunlearn.models.language_model import LanguageModel, TokenLogProbs
from tokenunlearn.settings import check, setting

Pair = tuple[str, str]


@dataclass(frozen=True)
class ProbeSettings:
    """How much is asked of the model."""

    max_new_tokens: int = setting(
        32, low=1, high=1024, step=1, unit="tokens", help="Longest greedy answer of a probe"
    )
    paraphrases: int = setting(
        2, low=0, high=16, step=1, help="Paraphrased questions per row whose fact probability is measured"
    )
    paraphrased_answers: int = setting(
        1, low=0, high=16, step=1, help="Paraphrased questions per row that are answered greedily"
    )
    truth_ratio: bool = setting(True, help="Measure the truth ratio, five more answers to score per row")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Evidence:
    """The rows of the three sets and what the model said about them.

    `log_probs`: (question, answer) → its token log-probs. `answers`: question → greedy answer.
    """

    forget: Sequence[Row]
    retain: Sequence[Row]
    world: Sequence[Row]
    log_probs: Mapping[Pair, TokenLogProbs]
    answers: Mapping[str, str]
    settings: ProbeSettings

    def paraphrased(self, row: Row) -> tuple[str, ...]:
        """The paraphrased questions of `row` whose fact probability is measured."""
        return row.paraphrased_question[: self.settings.paraphrases]


def collect(
    model: LanguageModel, pairs: Iterable[Pair], questions: Iterable[str], max_new_tokens: int
) -> tuple[dict[Pair, TokenLogProbs], dict[str, str]]:
    """What `model` says to all pairs and all questions: one call for each kind, none where none is due.

    An answer that the log-probs show to be the greedy one is not generated again.
    """
    wanted, asked = list(dict.fromkeys(pairs)), list(dict.fromkeys(questions))
    scored = dict(zip(wanted, model.token_log_probs(wanted) if wanted else [], strict=True))
    known = {
        question: answer.strip()
        for (question, answer), tokens in scored.items()
        if tokens.recited and len(tokens) < max_new_tokens
    }
    open_questions = [question for question in asked if question not in known]
    said = model.generate(open_questions, max_new_tokens) if open_questions else []
    known |= dict(zip(open_questions, said, strict=True))
    return scored, {question: known[question] for question in asked}
