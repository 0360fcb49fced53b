"""An arm is a choice of tokens and a method; all else about a run is shared, so that only these differ.

Each choice of tokens is an entry: the chosen ones, and controls that each rule something out. Controls train
as many tokens of each row as the chosen arm, with its weights, but for the sequence form, the annotated fact
and shuffled scores, where the rule decides. Matched arms train every token, and are brought to the size of
what the chosen arm did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from tokenunlearn.errors import SettingError, did_you_mean
from tokenunlearn.experiments.entry import Seen, Tokens
from tokenunlearn.experiments.series import series_arm
from tokenunlearn.fusion import Column, groups
from tokenunlearn.masks import Mask, columns_from_table
from tokenunlearn.modes import placed_like, random_like, word_numbers
from tokenunlearn.selection import select
from tokenunlearn.table import with_seed

CHOSEN: Final = "chosen"  # the arm that the others are held against
GOLD: Final = "gold"
CONTENT: Final = "content_words_new"


def _chosen(seen: Seen) -> Column:
    return seen.weights


def _uniform(seen: Seen) -> Column:
    return np.ones(seen.weights.size)


def _random(seen: Seen) -> Column:
    return random_like(seen.columns, seen.weights, seen.fused)


def _words(seen: Seen) -> Column:
    # A word is drawn by the key of its first token, and stays together: in token order, as keys are equal.
    words = word_numbers(seen.columns)
    first = np.unique(words, return_index=True)[1]
    keys = np.asarray(seen.columns["random_key"], np.float64)[first][words]
    return placed_like(seen.columns, seen.weights, seen.fused, keys)


def _lowest(seen: Seen) -> Column:
    return placed_like(seen.columns, seen.weights, seen.fused, seen.fused)


def _content(seen: Seen) -> Column:
    # Content words first, in the order of the random keys, which lie in [0, 1).
    keys = np.asarray(seen.columns["random_key"], np.float64) - np.asarray(seen.columns[CONTENT], np.float64)
    return placed_like(seen.columns, seen.weights, seen.fused, keys)


def _shuffled(seen: Seen) -> Column:
    keys = np.asarray(seen.columns["random_key"], np.float64)
    free = ~np.isnan(seen.fused) & ~seen.selection.excluded
    source = np.arange(free.size)
    for group in groups(np.asarray(seen.columns["row"]), free.size):
        # not in the order of the keys: they may be a signal of the rule (`random`)
        draw = np.random.default_rng(keys[group].view(np.uint64))
        source[group[free[group]]] = draw.permutation(group[free[group]])
    signals = [name for name in seen.rule.signals if name in seen.columns]
    moved = {name: np.asarray(seen.columns[name])[source] for name in signals}
    return select({**seen.columns, **moved}, seen.rule).weights


def _gold(seen: Seen) -> Column:
    return (np.asarray(seen.columns["gold"], np.float64) == 1).astype(np.float64)


ARMS: Final[Mapping[str, Tokens]] = MappingProxyType(
    {
        CHOSEN: Tokens(
            label="chosen tokens",
            help="The mask's own tokens: the rule's, with the overrides",
            rules_out="nothing: the others are held against it",
            weights=_chosen,
        ),
        "uniform": Tokens(
            label="uniform, every token",
            help="Every token, weight 1: the sequence form",
            rules_out="that training every token does as well",
            weights=_uniform,
        ),
        "uniform_norm": Tokens(
            label="uniform, same norm",
            help="Every token; after the last step the change of the weights is rescaled to the norm of the "
            "chosen arm's",
            rules_out="that the size of the change of the weights alone explains it",
            weights=_uniform,
            rescale=True,
        ),
        "uniform_norm_stop": Tokens(
            label="uniform, stopped at the same norm",
            help="Every token, up to the first step at which the norm of its change of the weights reaches "
            "the chosen arm's",
            rules_out="that training every token does as well when it stops at the same size of change",
            weights=_uniform,
            stop=lambda own, chosen: own.norm >= chosen.norm,
        ),
        "uniform_tokens": Tokens(
            label="uniform, as many tokens in all",
            help="Every token, until as many tokens in all are trained as in the chosen arm; its last step "
            "trains only as many of its own, drawn by the seed",
            rules_out="that training every token does as well when as many tokens are trained in all",
            weights=_uniform,
            stop=lambda own, chosen: own.tokens >= chosen.tokens,
            as_many_tokens=True,
        ),
        "random": Tokens(
            label="random, same count",
            help="The chosen arm's weights on as many random tokens of each row",
            rules_out="that any few tokens do as well",
            weights=_random,
            seeded=True,
        ),
        "words": Tokens(
            label="random words, same count",
            help="The chosen arm's weights on random words of each row, kept whole, of as many tokens",
            rules_out="that any few whole words do as well",
            weights=_words,
            seeded=True,
        ),
        "shuffled": Tokens(
            label="shuffled scores",
            help="The rule chooses again, after its scores were shuffled among those tokens of each row that "
            "it may choose; overrides by hand are not part of it",
            rules_out="that the rule's preference for whole content words explains it",
            weights=_shuffled,
            seeded=True,
        ),
        "lowest": Tokens(
            label="lowest scores, same count",
            help="The chosen arm's weights on as many tokens of each row, those with the lowest scores",
            rules_out="that the tokens with the lowest scores do as well",
            weights=_lowest,
        ),
        "content": Tokens(
            label="content words, same count",
            help="The chosen arm's weights on as many random content words of each row that its question "
            "does not hold",
            rules_out="that a plain list of content words does as well",
            weights=_content,
            seeded=True,
            signals=(CONTENT,),
        ),
        GOLD: Tokens(
            label="marked facts",
            help="The fact as it was marked: the best that a choice could be",
            rules_out="nothing: it shows the best that a choice could do",
            weights=_gold,
            needs=frozenset({"gold"}),
        ),
    }
)


def tokens_of(name: str) -> Tokens | None:
    """Return the choice of tokens of that name, one of ARMS or of a series; None for another (a rival)."""
    return ARMS.get(name) or series_arm(name)


def arm_words(arm: str) -> str:
    """Return the arm as a person reads it; an unknown one as it is."""
    entry = tokens_of(arm)
    return entry.label if entry else arm


@dataclass(frozen=True)
class Arm:
    """One run of a comparison. `tokens`: which are trained (`tokens_of`); or the name of a rival.

    `method`: the objective, at its default settings; empty: the one that the comparison is set to.
    """

    tokens: str
    method: str = ""

    @property
    def name(self) -> str:
        """The arm in words."""
        return f"{self.tokens}, {self.method}" if self.method else self.tokens

    @property
    def matched(self) -> bool:
        """Whether it needs the size of the chosen arm of the same seed and method."""
        entry = tokens_of(self.tokens)
        return entry is not None and entry.matched


def arms_of(names: Sequence[str], methods: Sequence[str]) -> list[Arm]:
    """Return each choice of tokens with each method, then the named rivals, which have no objective."""
    choices = [Arm(name, method) for method in methods for name in names if tokens_of(name)]
    return choices + [Arm(name) for name in names if not tokens_of(name)]


def weights_by_row(table: pd.DataFrame, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return each row's token weights by row id, float64, in the table's order."""
    codes, names = pd.factorize(table["row_id"])
    by_row = np.asarray(weights)[np.argsort(codes, kind="stable")]
    pieces = np.split(by_row, np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
    return {str(name): piece for name, piece in zip(names, pieces, strict=True)}


def facts_among(table: pd.DataFrame, weights: Mapping[str, np.ndarray]) -> tuple[int, int] | None:
    """Return how many of the tokens that an arm trains are the fact itself, and how many it trains.

    Over the rows whose fact is marked; None where none is. `weights`: by row id, in the table's order.
    """
    marked = [part["gold"].to_numpy(np.float64) for _, part in table.groupby("row_id", sort=False)]
    pairs = [
        (gold[values > 0] == 1, np.isnan(gold).all())
        for gold, values in zip(marked, weights.values(), strict=True)
    ]
    known = [facts for facts, unknown in pairs if not unknown]
    return (sum(int(each.sum()) for each in known), sum(each.size for each in known)) if known else None


def arm_weights(table: pd.DataFrame, chosen: Mask, arm: str, seed: int) -> dict[str, np.ndarray]:
    """Return the token weights of an arm by row id; `chosen` is the final mask that the arms are judged by.

    The seed moves the seeded arms only. Raises SettingError for an unknown arm.
    """
    entry = tokens_of(arm)
    if entry is None:
        raise SettingError(what=f"Unknown arm {arm!r}.", fix=did_you_mean(arm, list(ARMS)))
    columns = columns_from_table(with_seed(table, seed))
    return weights_by_row(table, entry.weights(Seen(columns, chosen.weights, chosen.rule)))
