"""Scores as they are shown: the payload that went to the page, and the same numbers as columns here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from app.views.tokens import DECIMALS, column, known_of, leaderboard_of_whole_sets, rounded, signal_info
from app.views.tokens import payload as payload_of
from app.words import NO_EXAMPLE, RECORD_AGAIN
from tokenunlearn.documents.words import rows_words
from tokenunlearn.errors import MaskError, TableError
from tokenunlearn.masks import Mask, columns_from_table, mask_hash
from tokenunlearn.scoring import Alternatives, Scores
from tokenunlearn.selection import Rule, select
from tokenunlearn.signals import SIGNALS

_FLAGS = ("subject", "stop", "punctuation")


@dataclass(frozen=True, eq=False)
class ShownScores:
    """What one page holds. `table` and `alternatives` (one a row) are None for a recorded example.

    `fits`: by signal the hash of what it was fitted on, for a signal that was fitted under these scores; ""
    for one that was, and is not any more.
    """

    payload: Mapping[str, Any]
    columns: Mapping[str, np.ndarray]
    table: pd.DataFrame | None = None
    alternatives: tuple[Alternatives, ...] | None = None
    scores: Scores | None = None
    fits: Mapping[str, str] = field(default_factory=dict)

    @property
    def scores_id(self) -> str:
        """The id of these scores."""
        return str(self.payload["scores_id"])

    def numbers_id(self, *signals: str) -> str:
        """Return the id of these signals' numbers: that of the scores, and of what any of them was fitted on.

        A mask that was made on them is not that of the same rule on another fit.
        """
        fits = (self.fits[name] for name in dict.fromkeys(signals) if self.fits.get(name))
        return "-".join([self.scores_id, *fits])

    @property
    def text_id(self) -> str:
        """The id of the text that these scores are of: drafts and masks belong to it."""
        return str(self.payload["text_id"])

    @cached_property
    def known(self) -> int:
        """How many scores there are already: it grows while rows or signals still wait for theirs."""
        return sum(int(np.isfinite(self.columns[name]).sum()) for name in self.payload["signals"])

    @cached_property
    def failures(self) -> tuple[str, ...]:
        """Why rows could not be scored, in their order: such a row stops waiting and brings no number."""
        return tuple(row["failure"] for row in self.payload["rows"] if row.get("failure"))

    @property
    def live(self) -> bool:
        """Whether a loaded model stands behind them."""
        return self.payload["state"] == "live"

    @property
    def offsets(self) -> dict[str, np.ndarray]:
        """Where each token starts and ends in its answer, in characters."""
        return {name: np.array(self.payload["columns"][name], dtype=np.int64) for name in ("start", "end")}

    def rows_of(self, name: str) -> list[Mapping[str, Any]]:
        """Return the payload's rows of one set. Raises MaskError for an unknown set."""
        rows = [row for row in self.payload["rows"] if row["set"] == name]
        if not rows:
            raise MaskError(f"There is no set {name[:40]!r}", fix="Reload the page")
        return rows

    def with_signals(
        self, signals: Mapping[str, np.ndarray], fits: Mapping[str, str] | None = None
    ) -> "ShownScores":
        """Return the same scores with more columns, rounded as the page gets them, and measured against gold.

        `fits`: the hash of what they were fitted on, for those that were; "" where that is not so any more.
        A signal that was fitted on rows of this text is not measured here, where no row is kept apart.
        """
        if not signals:
            return self
        fresh = {name: np.round(values, DECIMALS) for name, values in signals.items()}
        payload = {
            **self.payload,
            "columns": {**self.payload["columns"], **{name: column(fresh[name]) for name in fresh}},
            "signals": {
                **self.payload["signals"],
                **{name: signal_info(name, bool(fits and fits.get(name))) for name in fresh},
            },
        }
        table = None
        if self.table is not None:
            table = self.table.assign(**fresh)
            table.attrs = dict(self.table.attrs)
        fits = {**self.fits, **(fits or {})}
        known = payload["fits"] = {name: fit for name, fit in fits.items() if fit}
        entries = payload["leaderboard"]
        if table is not None and self.scores is not None and not set(fresh) <= set(known):
            infos = [row.info for row in self.scores.rows]
            scored = [row["scored"] for row in payload["rows"]]
            entries = leaderboard_of_whole_sets(table, infos, scored)
        payload["leaderboard"] = [entry for entry in entries if entry["signal"] not in known]
        return replace(self, payload=payload, columns={**self.columns, **fresh}, table=table, fits=fits)

    def with_signals_of(self, other: "ShownScores") -> "ShownScores":
        """Return these scores with the columns that `other`, under the same id, has besides."""
        missing = [name for name in other.payload["signals"] if name not in self.columns]
        names = dict.fromkeys([*missing, *(name for name in other.fits if name not in self.fits)])
        fits = {name: other.fits[name] for name in names if name in other.fits}
        return self.with_signals({name: other.columns[name] for name in names}, fits)

    def refuse_waiting(self, name: str) -> None:
        """Raise MaskError while rows of the set have no scores: what they add is not known."""
        rows = self.rows_of(name)
        waiting = sum(not row.get("scored", True) and not row.get("failure") for row in rows)
        if waiting:
            verb = "is" if waiting == 1 else "are"
            of = f"{waiting} of {rows_words(len(rows))}"
            raise MaskError(f"{of} {verb} not scored yet", fix="Wait a moment")

    def refuse_failed(self, name: str, overrides: Mapping[int, str]) -> None:
        """Raise MaskError for a row that could not be scored, unless all of it is forced out."""
        rows = self.rows_of(name)
        open_rows = [row for row in rows if row.get("failure") and not _left_out(row, overrides)]
        if open_rows:
            named = ", ".join(row["id"] for row in open_rows[:5])
            raise MaskError(
                f"{len(open_rows)} of {rows_words(len(rows))} could not be scored: {named}",
                open_rows[0]["failure"],
                "Try them again, or leave them out, on the Tokens tab",
            )

    def places(self, name: str) -> np.ndarray:
        """Return the indices of all tokens of one set, int64, in order.

        Raises MaskError for an unknown set.
        """
        rows = self.rows_of(name)
        return np.concatenate([np.arange(row["first"], row["first"] + row["count"]) for row in rows])

    def mask(self, name: str, rule: Rule, overrides: Mapping[int, str]) -> Mask:
        """Return the mask of a rule on one set, with one weight per token of *all* rows; 0 outside the set.

        The same as the page's: fused and cut on the set alone, hashed over all tokens. Raises MaskError.
        """
        places = self.places(name)
        local = {int(index): place for place, index in enumerate(places)}
        if not set(overrides) <= set(local):
            raise MaskError("An override names a token that is not in this set", fix="Reload the page")
        cut = {key: values[places] for key, values in self.columns.items()}
        chosen = select(cut, rule, {local[index]: word for index, word in overrides.items()})
        size = len(self.columns["row"])
        weights, selected = np.zeros(size), np.zeros(size, dtype=bool)
        weights[places], selected[places] = chosen.weights, chosen.selected
        forced = {index: overrides[index] for index in sorted(overrides)}
        numbers = self.numbers_id(*rule.signals)
        return Mask(rule, forced, weights, selected, mask_hash(weights), numbers)


def shown_scores(scores: Scores, state: str) -> ShownScores:
    """Return the scored rows as they are shown, on the rounded numbers that the page gets."""
    table = rounded(scores.table)
    alternatives = tuple(row.alternatives for row in scores.rows)
    return ShownScores(
        payload_of(scores, table, state), columns_from_table(table), table, alternatives, scores
    )


def recorded_scores(payload: Mapping[str, Any]) -> ShownScores:
    """Return a recorded payload as it is shown. Raises TableError when it is none."""
    try:
        columns = {name: _column(name, values) for name, values in payload["columns"].items()}
        rows = [{**row, "known": _known(row, columns)} for row in payload["rows"]]
        # What is said of a signal is said today, whatever the record has; one that is gone is not shown.
        infos = {name: signal_info(name) for name in payload["signals"] if name in SIGNALS}
        board = [
            {**entry, "label": SIGNALS[entry["signal"]].label}
            for entry in payload.get("leaderboard", [])
            if entry["signal"] in SIGNALS
        ]
        # An example recorded before there were text ids is a text of its own.
        marked = {
            "text_id": payload["scores_id"],
            **payload,
            "rows": rows,
            "signals": infos,
            "leaderboard": board,
            "state": "recorded",
        }
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(NO_EXAMPLE, str(error), RECORD_AGAIN) from error
    return ShownScores(marked, columns)


def _known(row: Mapping[str, Any], columns: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    if "log_prob" not in columns:
        return None
    at = slice(row["first"], row["first"] + row["count"])
    plain = np.logical_or.reduce([columns[name][at] for name in _FLAGS])
    return known_of(columns["log_prob"][at], columns["gold"][at], plain)


def _left_out(row: Mapping[str, Any], overrides: Mapping[int, str]) -> bool:
    places = range(row["first"], row["first"] + row["count"])
    return all(overrides.get(index) == "out" for index in places)


def _column(name: str, values: Any) -> np.ndarray:
    if name in _FLAGS:
        return np.array(values, dtype=bool)
    kind = np.int64 if name in ("row", "word", "start", "end") else np.float64
    return np.array([np.nan if value is None else value for value in values], dtype=kind)
