"""Knowledge: how far a token's log-probability moves when the knowledge is masked [2605.00364]."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from tokenunlearn.signals.entry import NO_NAME, Levels, Moves, RowView, Signal, Without

_MASK_OURS: Final = "TokenUnlearn 2605.00364; what is masked is our choice"
_WITHOUT: Final = Without(
    other="{token} has no knowledge score here: it could not be lined up with the changed text.",
    name=NO_NAME,
    plain="{token} has no knowledge score: a plain text has no question to hide.",
)


def knowledge(log_probs: np.ndarray, masked_log_probs: np.ndarray) -> np.ndarray:
    """|lp − lp_mask| in nats, float64 [tokens]; NaN where the masked pass has no score for the token."""
    return np.abs(log_probs - masked_log_probs)


def swap_mean(masked: np.ndarray) -> np.ndarray:
    """Mean log-probability over K swapped names [names, tokens] → [tokens], unscored names left out."""
    return _over_names(masked, np.nanmean)


def swap_spread(masked: np.ndarray) -> np.ndarray:
    """Return the standard deviation over K swapped names in nats, [names, tokens] → [tokens]."""
    return _over_names(masked, np.nanstd)


def _over_names(masked: np.ndarray, reduce: Callable[..., np.ndarray]) -> np.ndarray:
    result = np.full(masked.shape[1], np.nan)
    scored = np.isfinite(masked).any(axis=0)
    result[scored] = reduce(masked[:, scored], axis=0)
    return result


def occlusion(log_probs: np.ndarray, occluded: np.ndarray) -> np.ndarray:
    """Largest |lp − lp_occluded| over the hidden prefix tokens, [hidden, tokens] → [tokens] nats.

    Rows that hide a token at or after the scored one are NaN: they cannot have changed it.
    """
    moved = np.abs(log_probs[None, :] - occluded)
    result = np.full(log_probs.shape, np.nan)
    scored = np.isfinite(moved).any(axis=0)
    result[scored] = np.nanmax(moved[:, scored], axis=0)
    return result


def _swapped(row: RowView, _: Any) -> np.ndarray:
    return knowledge(row.of("target")["log_probs"], swap_mean(row.of("swap")["log_probs"]))


def _name_hidden(row: RowView, _: Any) -> np.ndarray:
    return knowledge(row.of("target")["log_probs"], row.of("subject")["log_probs"])


def _question_hidden(row: RowView, _: Any) -> np.ndarray:
    return knowledge(row.of("target")["log_probs"], row.of("prompt")["log_probs"])


def _one_hidden(row: RowView, _: Any) -> np.ndarray:
    return occlusion(row.of("target")["log_probs"], row.of("occlusion")["log_probs"])


def _spread(row: RowView, _: Any) -> np.ndarray:
    return swap_spread(row.of("swap")["log_probs"])


ENTRIES: Final[Mapping[str, Signal]] = {
    "knowledge_swap": Signal(
        label="Knowledge, name swapped",
        short="name swapped",
        function=_swapped,
        family="knowledge",
        source="ours, after TokenUnlearn 2605.00364",
        help="How far the token's log-probability moves when the subject becomes another name",
        says=Moves(
            "With another name in its place",
            "it depends on this very name",
            "it depends partly on the name",
        ),
        passes=("target", "swap"),
        unit="nats",
        over_word="sum",
        default=True,
        report=True,
        nameless="knowledge_prompt",
        spread="swap_spread",
        masked="Masked: another name is put in its place.",
        without=_WITHOUT,
    ),
    "knowledge_subject": Signal(
        label="Knowledge, name hidden",
        short="name hidden",
        function=_name_hidden,
        family="knowledge",
        source=_MASK_OURS,
        help="How far it moves when attention cannot see the subject's tokens",
        says=Moves("With the name hidden", "it depends on the name", "it depends partly on the name"),
        passes=("target", "subject"),
        unit="nats",
        over_word="sum",
        report=True,
        nameless="knowledge_prompt",
        masked="Masked: the name is hidden.",
        without=_WITHOUT,
    ),
    "knowledge_prompt": Signal(
        label="Knowledge, question hidden",
        short="question hidden",
        function=_question_hidden,
        family="knowledge",
        source=_MASK_OURS,
        help="How far it moves when attention cannot see the question",
        says=Moves("Without the question", "it depends on the question", "it depends partly on the question"),
        passes=("target", "prompt"),
        unit="nats",
        over_word="sum",
        report=True,
        masked="Masked: the whole question is hidden.",
        without=_WITHOUT,
    ),
    "knowledge_occlusion": Signal(
        label="Knowledge, one word hidden at a time",
        short="one word hidden at a time",
        function=_one_hidden,
        family="knowledge",
        source="occlusion; what is masked is our choice",
        help="The largest move over the question's tokens, hidden one at a time",
        says=Moves(
            "With its most telling question word hidden",
            "it depends on that one word",
            "it depends partly on that one word",
        ),
        passes=("target", "occlusion"),
        unit="nats",
        over_word="sum",
        masked="Masked: each word of the question by itself; the largest move counts.",
        without=_WITHOUT,
    ),
    "swap_spread": Signal(
        label="Spread over the swapped names",
        short="spread over the swapped names",
        function=_spread,
        family="likelihood",
        source="ours",
        help="Standard deviation of the log-probability over the names put in",
        says=Levels("The names put in differ by {value} in the log-probability that they give {token}."),
        passes=("swap",),
        unit="nats",
        default=True,
        masked="Masked: other names are put in its place.",
        without=_WITHOUT,
    ),
}
