"""The two questions that probes may ask of a model, as a Protocol, and the one that only some can answer.

Probes, rivals and tests see only this file: whatever answers both methods (a transformers model, an
adapter, an in-context rival, a hand-made double) can be probed. No torch here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

# How long a greedy answer may grow, in tokens: so much longer than the longest taught one, as an answer in
# other words may be longer, and within these bounds, as one that never ends costs as many steps.
LONGER: Final = 16
SHORTEST: Final = 32
LONGEST: Final = 256


@dataclass(frozen=True)
class TokenLogProbs:
    """Log-probabilities of one answer's tokens, with their place in the answer's text.

    `log_probs`: float64, nats, one per answer token, given question and the tokens before.
    `starts`, `ends`: int64 character offsets into the answer, end exclusive. The end-of-turn token and
    all template tokens are left out. `recited`: every token, and the end of turn after them, is the likeliest
    one, so greedy decoding gives this very answer. `likeliest`: which tokens are, bool [tokens]; None from a
    model that does not tell. `standardised`: the log-probs less the mean of those of the whole vocabulary,
    over their deviation, [tokens]; None where it was not asked for. Raises ValueError when the columns differ
    in length.
    """

    log_probs: NDArray[np.float64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    recited: bool = False
    likeliest: NDArray[np.bool_] | None = None
    standardised: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Bring the columns to their types and refuse columns of different lengths."""
        # Frozen: the conversion has to go past __setattr__. Lists are welcome, because doubles write them.
        object.__setattr__(self, "log_probs", np.asarray(self.log_probs, dtype=np.float64))
        object.__setattr__(self, "starts", np.asarray(self.starts, dtype=np.int64))
        object.__setattr__(self, "ends", np.asarray(self.ends, dtype=np.int64))
        if not len(self.log_probs) == len(self.starts) == len(self.ends):
            raise ValueError(
                f"log_probs, starts and ends must be equally long; got {len(self.log_probs)}, "
                f"{len(self.starts)} and {len(self.ends)}."
            )
        if self.likeliest is not None:
            object.__setattr__(self, "likeliest", np.asarray(self.likeliest, dtype=np.bool_))
            if len(self.likeliest) != len(self):
                raise ValueError(f"likeliest has {len(self.likeliest)} entries for {len(self)} tokens.")

    def __len__(self) -> int:
        """Return the number of answer tokens."""
        return len(self.log_probs)


@dataclass(frozen=True)
class Written:
    """A greedy answer. `cut`: it reached the longest length asked for, or the model's, without its end."""

    text: str
    cut: bool = False


def longest_answer(taught: Iterable[int]) -> int:
    """Return how many tokens a greedy answer may have, by the lengths of the taught ones.

    >>> longest_answer([12]), longest_answer([12, 90]), longest_answer([900])
    (32, 106, 256)
    """
    return min(LONGEST, max(SHORTEST, max(taught, default=0) + LONGER))


@runtime_checkable
class LanguageModel(Protocol):
    """A model that can be asked for probabilities and for greedy answers."""

    def token_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return one `TokenLogProbs` per (question, answer) pair, in the order given."""
        ...

    def generate(self, questions: Sequence[str], max_new_tokens: int) -> list[Written]:
        """Return the greedy answer to each question, at most `max_new_tokens` tokens long, in order.

        The answers hold no template tokens and end before the end-of-turn token.
        """
        ...


@runtime_checkable
class HasBase(Protocol):
    """A model that knows the untouched one beneath it: no adapter, and nothing of what was trained."""

    def base_id(self) -> str:
        """Return what names the base by its weights: fluency under two bases cannot be compared."""
        ...

    def base_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return what `token_log_probs` of the untouched base would. Raises ModelError where it is gone."""
        ...


@runtime_checkable
class Standardises(Protocol):
    """A model that can hold a token's log-prob against those of the whole vocabulary, in the same pass."""

    def standardised_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return what `token_log_probs` does, `standardised` filled in: reading the vocabulary costs more."""
        ...


@runtime_checkable
class Continues(Protocol):
    """A model that can be made to begin its answer with given words."""

    def continued(self, pairs: Sequence[tuple[str, str]], max_new_tokens: int) -> list[Written]:
        """Return how each answer goes on greedily after (question, beginning), the beginning left out."""
        ...
