"""In-context unlearning (ICUL): no weight changes, the prompt says otherwise.

Source: Pawelczyk et al. 2310.07579 and its code (eval.py, `get_icl_vary_context_batchsize_gg1`): first each
text to forget with a flipped label, then other training texts with their true labels, then the query, one a
line. It is made for classification. Ours for questions: the label is the answer, and a flipped label is a
wrong answer of the same form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError
from tokenunlearn.models.language_model import TokenLogProbs, Written
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.rivals.entry import Rival
from tokenunlearn.settings import check, setting
from tokenunlearn.text.encoding import encode_prompt

PROMPT_TOKENS: Final = 16_384  # of all prompts that are answered together: each keeps its own context

NAME: Final = "icul"


@dataclass(frozen=True)
class InContextSettings:
    """Settings of in-context unlearning."""

    examples: int = setting(
        5, low=0, high=64, step=1, unit="rows", help="Rows to keep, with their true answers, in the context"
    )
    seed: int = setting(0, low=0, high=2**31 - 1, step=1, help="Seed that picks these rows")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class InContext:
    """The target behind a context; satisfies every Protocol of `language_model`."""

    model: LoadedModel
    context: str

    def token_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return what the target gives to each answer when the context precedes its question."""
        return self.model.token_log_probs(self._behind(pairs))

    def standardised_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return the same, each log-prob held against those of the vocabulary."""
        return self.model.standardised_log_probs(self._behind(pairs))

    def _behind(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(self.context + question, answer) for question, answer in pairs]

    def generate(self, questions: Sequence[str], max_new_tokens: int) -> list[Written]:
        """Return what the target answers to each question after the context."""
        asked = [self.context + question for question in questions]
        groups = self._groups([self._length(question) for question in asked], max_new_tokens)
        return [answer for group in groups for answer in self.model.generate(asked[group], max_new_tokens)]

    def continued(self, pairs: Sequence[tuple[str, str]], max_new_tokens: int) -> list[Written]:
        """Return how the target goes on after the context, the question and the beginning of an answer."""
        asked = self._behind(pairs)
        lengths = [self._length(question) + len(beginning) for question, beginning in asked]
        groups = self._groups(lengths, max_new_tokens)
        return [answer for group in groups for answer in self.model.continued(asked[group], max_new_tokens)]

    def _length(self, question: str) -> int:
        return len(encode_prompt(self.model.tokenizer, question))

    @staticmethod
    def _groups(lengths: Sequence[int], max_new_tokens: int) -> Iterator[slice]:
        """Yield what is answered together, so that all contexts fit."""
        together = max(1, PROMPT_TOKENS // (max(lengths, default=1) + max_new_tokens))
        yield from (slice(start, start + together) for start in range(0, len(lengths), together))

    def base_id(self) -> str:
        """Return the target's base id: the context is not part of the base."""
        return self.model.base_id()

    def base_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return what the target's base gives to the bare question, as it does for every other model."""
        return self.model.base_log_probs(pairs)


def in_context(loaded: LoadedModel, rows: Splits, settings: InContextSettings) -> InContext:
    """Return the target behind a context of wrong answers to forget and true ones to keep.

    Raises InputError where no wrong answer can be had, and where the model does not read that far.
    """
    lines = [
        f"{row.question} {wrong}".strip() for row, wrong in zip(rows.forget, wrong_answers(rows), strict=True)
    ]
    picked = np.random.default_rng(settings.seed).permutation(len(rows.retain))[: settings.examples]
    lines += [f"{rows.retain[at].question} {rows.retain[at].answer}".strip() for at in picked]
    context = "".join(f"{line}\n" for line in lines)
    tokens = len(encode_prompt(loaded.tokenizer, context))
    if loaded.positions and tokens >= loaded.positions:
        raise InputError(
            f"The context of {len(lines)} rows has {tokens:,} tokens",
            f"The model reads at most {loaded.positions:,}",
            "Forget fewer rows, or show fewer examples",
            NAME,
        )
    return InContext(loaded, context)


def wrong_answers(rows: Splits) -> list[str]:
    """Return a wrong answer to each row to forget, in order.

    Where the fact is marked, another row's fact stands in its place: of the next row of the same attribute,
    else of the next row, in a circle. Else the first perturbed answer, else another row's whole answer.
    Raises InputError where no other row can lend one.
    """
    return [_wrong_answer(at, rows) for at in range(len(rows.forget))]


def _wrong_answer(at: int, rows: Splits) -> str:
    row = rows.forget[at]
    others = [*rows.forget[at + 1 :], *rows.forget[:at], *rows.retain]
    if row.gold:
        alike = sorted(others, key=lambda other: other.attribute != row.attribute)  # stable: else in order
        for other in alike:
            facts = [other.answer[start:end] for start, end in other.gold]
            wrong = _with_facts(row, facts) if facts else row.answer
            if wrong != row.answer:
                return wrong
    lent = [*row.perturbed_answer, *(other.answer for other in others)]
    found = next((answer for answer in lent if answer != row.answer), None)
    if found is None:
        raise InputError(
            f"There is no wrong answer to {row.id}",
            "No other row has another answer",
            "Give the row a perturbed_answer, or more rows",
            row.id,
        )
    return found


def _with_facts(row: Row, facts: Sequence[str]) -> str:
    """Return the row's answer with `facts`, over and over, in the places of its own."""
    answer = row.answer
    places = sorted(enumerate(row.gold), key=lambda place: place[1], reverse=True)
    for number, (start, end) in places:
        answer = answer[:start] + facts[number % len(facts)] + answer[end:]
    return answer


RIVALS: Final[Mapping[str, Rival]] = MappingProxyType(
    {
        NAME: Rival(
            "ICUL",
            in_context,
            InContextSettings,
            ("forget",),
            "No training: wrong answers to the rows to forget precede every question",
            "Pawelczyk et al. 2310.07579",
        ),
    }
)
