"""What the page begins with: the rule, and the row whose colour, choice and fact agree, to explain itself."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from app.shown import ShownScores
from tokenunlearn.documents.words import OWN_FACTS
from tokenunlearn.selection import Rule, Selection, select

FIRST_ROWS: Final = 6  # as many as the list shows at once, so that it need not scroll
CONTRAST: Final = "contrast"
RAISED: Final = float(np.log(2))  # nats; as `adapterRaises` of web/text/known.js
SEEN: Final = 0.25  # a fused score from which a token is plainly coloured


def first_rule(shown: ShownScores) -> Rule:
    """Return the rule that the page begins with: the default, but for what follows.

    Facts of one's own begin with the words that were marked, which a score need not find first. Where no row
    asks what another one asks, swapped names tell little: knowledge is the contrast, if the adapter makes the
    rows likelier.
    """
    rows, gold = shown.payload["rows"], shown.columns["gold"] == 1
    own = own_facts(shown)
    marked = np.unique(shown.columns["row"][gold]).size
    rule = Rule(mode="gold") if own and 0 < marked == len(rows) else Rule()
    unique = bool(rows) and all(row.get("unique_question") for row in rows)
    return replace(rule, knowledge=CONTRAST) if unique and _raised(shown) else rule


def own_facts(shown: ShownScores) -> bool:
    """Return whether a person wrote all rows on the page, and marked their facts."""
    rows = shown.payload["rows"]
    return bool(rows) and all(row["set"] == OWN_FACTS for row in rows)


def _raised(shown: ShownScores) -> bool:
    """Return whether the adapter at least doubles the probability of the facts, or else of content words."""
    columns = shown.columns
    if CONTRAST not in columns:
        return False
    plain = np.logical_or.reduce([columns[name].astype(bool) for name in ("subject", "stop", "punctuation")])
    gold = columns["gold"] == 1
    values = columns[CONTRAST][gold if gold.any() else ~plain]
    values = values[np.isfinite(values)]
    return bool(values.size) and float(values.mean()) >= RAISED


def default_choice(shown: ShownScores, set_name: str) -> Selection | None:
    """Return the fused scores and choice of the first rule over all tokens, NaN and False outside the set.

    None where the scores lack a signal of that rule. Raises MaskError for an unknown set.
    """
    rule = first_rule(shown)
    if not {rule.knowledge, rule.entropy} <= set(shown.columns):
        return None
    places, size = shown.places(set_name), len(shown.columns["row"])
    cut = select({name: values[places] for name, values in shown.columns.items()}, rule)
    flags = np.zeros(size, dtype=bool)
    whole = Selection(np.full(size, np.nan), np.zeros(size), flags, flags.copy())
    whole.fused[places], whole.weights[places] = cut.fused, cut.weights
    whole.selected[places], whole.excluded[places] = cut.selected, cut.excluded
    return whole


def first_row(shown: ShownScores) -> int:
    """Return the index of the row to open on: the clearest one that the model knows, of the first rows.

    A row of which nothing is chosen is never clear. Where none is known and clear it is the first row of the
    first set, as without rows: colours of what a model never knew explain nothing. Among equals the first.
    """
    rows = shown.payload["rows"]
    choice = default_choice(shown, rows[0]["set"]) if rows else None
    if choice is None:
        return 0
    first = [at for at, row in enumerate(rows) if row["set"] == rows[0]["set"]][:FIRST_ROWS]
    places = {at: slice(rows[at]["first"], rows[at]["first"] + rows[at]["count"]) for at in first}
    chosen = [at for at in first if choice.selected[places[at]].any()]
    known = [at for at in chosen if (rows[at].get("known") or {}).get("word") == "yes"]
    columns = (shown.columns["word"], choice.fused, choice.selected, shown.columns["gold"])
    return max(known, key=lambda at: clarity(*(column[places[at]] for column in columns)), default=first[0])


def clarity(words: Any, fused: Any, selected: Any, gold: Any) -> float:
    """Return how well colour, choice and, where it is marked, the fact of a row agree, word by word.

    At most 1.

    Arguments: [tokens] of one row, at least one; `fused` 0 to 1 or NaN, `gold` 1, 0 or NaN. A word counts as
    its highest token, and a fused score from `SEEN` on as full colour. The value is the overlap of all three,
    Σ smallest / Σ largest, less the strongest colour of a word that is not chosen: what is coloured and left
    alone is the first thing that a newcomer asks about.

    >>> clarity([0, 1, 2], [0.0, 0.5, 0.0], [False, True, False], [0, 1, 0])
    1.0
    """
    starts = np.flatnonzero(np.diff(np.asarray(words), prepend=-1))

    def by_word(values: Any) -> np.ndarray:
        return np.maximum.reduceat(np.nan_to_num(np.asarray(values, dtype=np.float64)), starts)

    colour, chosen = np.clip(by_word(fused) / SEEN, 0, 1), by_word(selected)
    views = [colour, chosen, *([by_word(gold)] if np.isfinite(gold).any() else [])]
    largest = np.maximum.reduce(views).sum()
    overlap = np.minimum.reduce(views).sum() / largest if largest > 0 else 0.0
    return float(overlap - colour[chosen == 0].max(initial=0.0))
