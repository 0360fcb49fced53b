"""One number per answer token: SIGNALS maps a name to its function, the passes it needs, unit and source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from tokenunlearn.signals.entropy import entropy
from tokenunlearn.signals.knowledge import knowledge, occlusion, swap_mean, swap_spread
from tokenunlearn.signals.likelihood import log_prob, loss
from tokenunlearn.signals.reference import contrast

__all__ = ["PASSES", "SIGNALS", "RowPasses", "Signal"]

PASSES = ("target", "base", "swap", "subject", "prompt", "occlusion")


@dataclass
class RowPasses:
    """What the passes measured on one row, nats; an absent pass is None.

    `target`, `base`, `subject`, `prompt` log-probs and the entropies [tokens]; `swap` [names, tokens] and
    `occlusion` [hidden, tokens] with NaN where a token has no counterpart. Where no subject is known,
    `swap` and `subject` hold the prompt-masked pass.
    """

    target: np.ndarray
    target_entropy: np.ndarray
    base: np.ndarray | None = None
    base_entropy: np.ndarray | None = None
    swap: np.ndarray | None = None
    swap_entropy: np.ndarray | None = None
    subject: np.ndarray | None = None
    prompt: np.ndarray | None = None
    occlusion: np.ndarray | None = None


@dataclass(frozen=True)
class Signal:
    """One entry: `function` takes a RowPasses in which all of `passes` are present, returns [tokens]."""

    label: str
    function: Callable[[RowPasses], np.ndarray]
    passes: tuple[str, ...]
    unit: str
    kind: str
    source: str
    help: str


def _array(values: np.ndarray | None) -> np.ndarray:
    if values is None:
        raise ValueError("a pass that the signal needs was not run")
    return values


SIGNALS: Final[Mapping[str, Signal]] = MappingProxyType(
    {
        "knowledge_swap": Signal(
            "Knowledge, name swapped",
            lambda p: knowledge(p.target, swap_mean(_array(p.swap))),
            ("target", "swap"),
            "nats",
            "knowledge",
            "ours, after TokenUnlearn 2605.00364",
            "How far the token's log-probability moves when the subject becomes another name",
        ),
        "knowledge_subject": Signal(
            "Knowledge, name hidden",
            lambda p: knowledge(p.target, _array(p.subject)),
            ("target", "subject"),
            "nats",
            "knowledge",
            "TokenUnlearn 2605.00364; what is masked is our choice",
            "How far it moves when attention cannot see the subject's tokens",
        ),
        "knowledge_prompt": Signal(
            "Knowledge, question hidden",
            lambda p: knowledge(p.target, _array(p.prompt)),
            ("target", "prompt"),
            "nats",
            "knowledge",
            "TokenUnlearn 2605.00364; what is masked is our choice",
            "How far it moves when attention cannot see the question",
        ),
        "knowledge_occlusion": Signal(
            "Knowledge, one word hidden at a time",
            lambda p: occlusion(p.target, _array(p.occlusion)),
            ("target", "occlusion"),
            "nats",
            "knowledge",
            "occlusion; what is masked is our choice",
            "The largest move over the question's tokens, hidden one at a time",
        ),
        "swap_spread": Signal(
            "Spread over the swapped names",
            lambda p: swap_spread(_array(p.swap)),
            ("target", "swap"),
            "nats",
            "other",
            "ours",
            "Standard deviation of the log-probability over the names put in",
        ),
        "entropy": Signal(
            "Entropy of the target",
            lambda p: entropy(p.target_entropy),
            ("target",),
            "nats",
            "entropy",
            "TokenUnlearn 2605.00364",
            "How undecided the model is before the token; near 0 on a memorised answer",
        ),
        "entropy_masked": Signal(
            "Entropy, name swapped",
            lambda p: entropy(swap_mean(_array(p.swap_entropy))),
            ("target", "swap"),
            "nats",
            "entropy",
            "TokenUnlearn 2605.00364; the pass is our choice",
            "The same in the passes with another name",
        ),
        "entropy_base": Signal(
            "Entropy, adapter off",
            lambda p: entropy(_array(p.base_entropy)),
            ("target", "base"),
            "nats",
            "entropy",
            "TokenUnlearn 2605.00364; the pass is our choice",
            "The same in the model without the adapter",
        ),
        "contrast": Signal(
            "Contrast, adapter off",
            lambda p: contrast(p.target, _array(p.base)),
            ("target", "base"),
            "nats",
            "knowledge",
            "log-ratio to base; cf. SU 2506.00876",
            "How much likelier the token is with the adapter than without it",
        ),
        "loss": Signal(
            "Loss",
            lambda p: loss(p.target),
            ("target",),
            "nats",
            "other",
            "cross-entropy",
            "−log p of the token",
        ),
        "log_prob": Signal(
            "Log-probability",
            lambda p: log_prob(p.target),
            ("target",),
            "nats",
            "other",
            "cross-entropy",
            "log p of the token under the target",
        ),
    }
)
