"""What a choice of tokens is: an entry of ARMS, or one of a series (`series.py`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tokenunlearn.fusion import Column
from tokenunlearn.selection import Rule, Selection, select


@dataclass(frozen=True)
class Size:
    """How far a run has gone: the norm of its change of the weights, and the tokens trained in all."""

    norm: float
    tokens: int


@dataclass(frozen=True, eq=False)
class Seen:
    """What a choice of tokens is made from: columns and the mask's final weights, [tokens], and its rule.

    `columns` hold the random keys of the arm's seed.
    """

    columns: Mapping[str, Any]
    weights: Column
    rule: Rule

    @cached_property
    def selection(self) -> Selection:
        """What the rule gives without overrides: `fused` (NaN where there is no score), and what it skips."""
        return select(self.columns, self.rule)

    @property
    def fused(self) -> Column:
        """The scores of the rule, float64 [tokens], NaN where there is none."""
        return self.selection.fused


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """A choice of tokens. `weights` gives float64 [tokens].

    label: its name in a table. help: what is trained. rules_out: what cannot explain it any more, when the
    chosen arm does better than this one. seeded: whether another seed draws other tokens. signals: what has
    to be scored for it beside the rule's. needs: what the rows must have.

    series: the series that it is one of. Such an arm, and a matched one, is measured at its end alone.
    A matched arm needs the chosen arm's size, of the same seed and method. stop: whether its training ends,
    by its own size and the chosen arm's. as_many_tokens: it trains no more tokens in all than that arm; its
    last step leaves some of its own out. rescale: its change is multiplied by one number after the last step,
    so that its norm is the chosen arm's.
    """

    label: str
    help: str
    weights: Callable[[Seen], Column]
    rules_out: str = ""
    series: str = ""
    seeded: bool = False
    signals: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    stop: Callable[[Size, Size], bool] | None = None
    as_many_tokens: bool = False
    rescale: bool = False

    @property
    def matched(self) -> bool:
        """Whether it is brought to the size of the chosen arm."""
        return self.rescale or self.stop is not None

    @property
    def at_end_alone(self) -> bool:
        """Whether it is measured after its last step only, not at equal forgetting."""
        return self.matched or bool(self.series)
