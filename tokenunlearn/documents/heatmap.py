"""A heatmap as data: rows of pieces with value, strength and decision, and all that its legend has to say.

The exports (`heatmap_page.py`, `heatmap_picture.py`, `heatmap_table.py`) only write it down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tokenunlearn.errors import SettingError, did_you_mean
from tokenunlearn.fusion import percentile
from tokenunlearn.masks import Mask
from tokenunlearn.selection import OFFSETS, STRUCTURE, select

FULL: Final = 0.99  # the percentile that gets the full colour, as on the page
GLYPHS: Final = {"chosen": "●", "in": "+", "out": "−", "excluded": "○", "plain": ""}
FUSED: Final = {"label": "Fused score φ", "unit": "", "family": "fused"}
MEANINGS: Final = {
    "chosen": "chosen by the rule",
    "in": "forced in",
    "out": "forced out",
    "excluded": "left out: name, punctuation, stop word",
}


@dataclass(frozen=True)
class Piece:
    """One token: the text before it that no token holds, its own text, what it scores, what was decided."""

    index: int
    before: str
    text: str
    value: float
    strength: float
    weight: float
    state: str
    gold: float
    note: str
    time: int


@dataclass(frozen=True)
class HeatRow:
    """One answer in pieces; `after` is text behind the last token."""

    id: str
    question: str
    pieces: tuple[Piece, ...]
    after: str


@dataclass(frozen=True)
class Heatmap:
    """The rows, the legend, and `values`: every signal column and fused, float64 [all tokens].

    `full_weight`: the largest soft weight of the set, None where tokens are chosen or not.
    """

    rows: tuple[HeatRow, ...]
    signal: str
    label: str
    unit: str
    family: str
    limit: float
    full_weight: float | None
    facts: Mapping[str, str]
    values: Mapping[str, np.ndarray]

    @property
    def title(self) -> str:
        """What the heatmap shows, in a few words."""
        return f"{self.label} per answer token"

    @property
    def marks(self) -> dict[str, str]:
        """What each state means, with the glyph that it has below a token; soft weights are bars."""
        marks = {state: f"{GLYPHS[state]} {meaning}" for state, meaning in MEANINGS.items()}
        if self.full_weight is not None:
            marks["chosen"] = f"bar below a token: its weight, at its thickest {self.full_weight:.3g}, mean 1"
        return marks

    def glyph(self, piece: Piece) -> str:
        """Return the sign below a token; none where a bar is drawn."""
        return "" if self.bar(piece) is not None else GLYPHS[piece.state]

    def bar(self, piece: Piece) -> float | None:
        """Return how thick the bar of a soft weight is, 0 to 1; None where the token has none."""
        if self.full_weight is None or piece.state != "chosen":
            return None
        return piece.weight / self.full_weight if self.full_weight > 0 else 0.0


@dataclass(frozen=True)
class Answer:
    """One row to draw: its answer's tokens are `count` from `first` on, among all tokens."""

    id: str
    question: str
    answer: str
    first: int
    count: int


@dataclass(frozen=True, eq=False)
class Scored:
    """What a heatmap is drawn from. `columns`: those of `select`, with `start` and `end`, [all tokens].

    `places`: the tokens of the set, on which alone the rule is applied. `signals`: label, unit and family of
    the signals, by name. `facts`: what a reader must know to make the picture again, in order of reading.
    """

    columns: Mapping[str, np.ndarray]
    places: np.ndarray
    mask: Mask
    signals: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, str]


def heatmap(scored: Scored, answers: Sequence[Answer], signal: str) -> Heatmap:
    """Return the heatmap of a signal, or of "fused", on these answers. Raises SettingError for another."""
    columns, places, mask = scored.columns, scored.places, scored.mask
    cut = {name: values[places] for name, values in columns.items()}
    chosen = select(cut, mask.rule, {})
    size = len(columns["row"])
    fused, excluded = np.full(size, np.nan), np.zeros(size, bool)
    fused[places], excluded[places] = chosen.fused, chosen.excluded
    values = {name: column for name, column in columns.items() if name not in (*STRUCTURE, *OFFSETS)}
    values["fused"] = fused
    if signal not in values:
        raise SettingError(f"There is no signal {signal[:40]!r} here", fix=did_you_mean(signal, values))
    strengths, limit = _strengths(values[signal], places, signal)
    info = FUSED if signal == "fused" else scored.signals[signal]
    rows = tuple(_row(scored, each, values[signal], strengths, excluded) for each in answers)
    full = float(mask.weights[places].max(initial=0.0)) if mask.rule.mode == "soft" else None
    return Heatmap(
        rows, signal, info["label"], info["unit"], info["family"], limit, full, scored.facts, values
    )


def _strengths(values: np.ndarray, places: np.ndarray, signal: str) -> tuple[np.ndarray, float]:
    """Return each value scaled to 0…1, and the value that gets the full colour (web/score/scale.js)."""
    scored = values[places][np.isfinite(values[places])]
    limit = 1.0 if signal == "fused" else float(percentile(scored, FULL)) if scored.size else 0.0
    if not limit > 0:
        limit = float(scored.max(initial=0.0))
    return np.nan_to_num(np.clip(values / limit, 0, 1)) if limit > 0 else np.zeros(len(values)), limit


def _row(
    scored: Scored, row: Answer, values: np.ndarray, strengths: np.ndarray, excluded: np.ndarray
) -> HeatRow:
    columns, mask, answer = scored.columns, scored.mask, row.answer
    pieces, at = [], 0
    for index in range(row.first, row.first + row.count):
        start = max(at, int(columns["start"][index]))
        end = max(start, int(columns["end"][index]))
        note = mask.notes.get(index, {})
        state = mask.overrides.get(index) or _decision(mask, excluded, index)
        pieces.append(
            Piece(
                index,
                answer[at:start],
                answer[start:end],
                float(values[index]),
                float(strengths[index]),
                float(mask.weights[index]),
                state,
                float(columns["gold"][index]),
                str(note.get("note", "")),
                int(note.get("time", 0)),
            )
        )
        at = end
    return HeatRow(row.id, row.question, tuple(pieces), answer[at:])


def _decision(mask: Mask, excluded: np.ndarray, index: int) -> str:
    return "chosen" if mask.selected[index] else "excluded" if excluded[index] else "plain"
