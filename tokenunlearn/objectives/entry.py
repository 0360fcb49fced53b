"""What a term of the loss is: a function of a batch, and all that is said of it anywhere, in one entry.

Choices, flags, menus, controls, lists and tables are made from the entry; nothing else names an objective.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor

from tokenunlearn.data.rows import Row
from tokenunlearn.objectives.batch import LossSum, TokenBatch

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Need:
    """Something that a term needs. `group`: the word under which a menu lists it; empty: another says it."""

    words: str
    group: str = ""


NEEDS: Final[Mapping[str, Need]] = MappingProxyType(
    {
        "reference": Need("log-probabilities of the frozen target, cached before training", "frozen target"),
        "other_answer": Need("a second answer to each question, one more pass a step", "second answer"),
        "logits": Need("the whole distribution at each answer token", "distribution"),
        "reference_logits": Need("the frozen target's distribution, one more pass a step"),
        "hidden": Need("the states after one layer", "hidden states"),
        "reference_hidden": Need("the frozen target's states after that layer, one more pass a step"),
        "retain_rows": Need("rows to keep", "rows to keep"),
    }
)


@dataclass(frozen=True)
class NoSettings:
    """The settings of a term without any."""


def no_state(_settings: Any, _width: int, _generator: torch.Generator) -> State:
    """Return nothing to keep from step to step."""
    return {}


def same_state(state: State, _settings: Any, _retain: float) -> State:
    """Return the state as it is."""
    return state


def plain_sum(retain_weight: float, _settings: Any, _state: State) -> tuple[float, float]:
    """Return the weights of L = forget + λ·retain."""
    return 1.0, retain_weight


@dataclass(frozen=True, kw_only=True)
class Retain:
    """One retain term. `function` takes the batch of rows to keep, the objective's settings and its state.

    needs: what it reads of the batch besides `log_probs`, by the names of NEEDS.
    """

    label: str
    function: Callable[[TokenBatch, Any, State], LossSum]
    help: str
    source: str
    needs: frozenset[str] = frozenset()

    @property
    def needed(self) -> list[Need]:
        """What it needs, in the order of NEEDS."""
        return [need for name, need in NEEDS.items() if name in self.needs]


@dataclass(frozen=True, kw_only=True)
class Objective(Retain):
    """One unlearning objective. `function` takes the batch of rows to forget, the settings and the state.

    needs: as of a retain term; `hidden` asks for a setting `depth`, the share of the layers that have run.
    retains: its default retain term (`RETAINS`), which its published form need not have; empty: none.
    state: the tensors that it keeps from step to step, at the start: (settings, width, generator).
    advance: the state after a step, from the retain term's value over all processes.
    combine: the weights of forget and retain term in the loss, from `retain_weight`, settings and state.
    other: the second answer to a row under a seed. Raises InputError for a row that has none.
    """

    settings: type = NoSettings
    retains: str = "ce"
    state: Callable[[Any, int, torch.Generator], State] = no_state
    advance: Callable[[State, Any, float], State] = same_state
    combine: Callable[[float, Any, State], tuple[float, float]] = plain_sum
    other: Callable[[Row, int], str] | None = None
