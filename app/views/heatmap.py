"""A heatmap as data: rows of pieces with value, strength and decision, and all that its legend has to say.

The exports (`heatmap_page.py`, `heatmap_picture.py`, `heatmap_table.py`) only write it down.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from app.shown import ShownScores
from app.views.tokens import signal_info
from app.words import whole_rule_words
from tokenunlearn import __version__
from tokenunlearn.errors import SettingError, did_you_mean
from tokenunlearn.fusion import percentile
from tokenunlearn.masks import Mask
from tokenunlearn.selection import OFFSETS, STRUCTURE, select
from tokenunlearn.table import provenance

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


def heatmap(shown: ShownScores, set_name: str, mask: Mask, signal: str, row: int | None = None) -> Heatmap:
    """Return the heatmap of one row, or of all rows of the set. Raises SettingError for an unknown signal."""
    rows = shown.rows_of(set_name)
    places = shown.places(set_name)
    cut = {name: values[places] for name, values in shown.columns.items()}
    chosen = select(cut, mask.rule, {})
    fused, excluded = np.full(len(shown.columns["row"]), np.nan), np.zeros(len(shown.columns["row"]), bool)
    fused[places], excluded[places] = chosen.fused, chosen.excluded
    values = {name: column for name, column in shown.columns.items() if name not in (*STRUCTURE, *OFFSETS)}
    values["fused"] = fused
    if signal not in values:
        raise SettingError(f"There is no signal {signal[:40]!r} here", fix=did_you_mean(signal, values))
    strengths, limit = _strengths(values[signal], places, signal)
    drawn = [each for each in rows if row is None or each is shown.payload["rows"][row]]
    info = FUSED if signal == "fused" else shown.payload["signals"].get(signal) or signal_info(signal)
    lines = tuple(_row(shown, each, mask, values[signal], strengths, excluded) for each in drawn)
    full = float(mask.weights[places].max(initial=0.0)) if mask.rule.mode == "soft" else None
    facts = _facts(shown, set_name, mask)
    return Heatmap(lines, signal, info["label"], info["unit"], info["family"], limit, full, facts, values)


def visible(text: str) -> str:
    """Return the text with characters that a document may not hold, or that cannot be seen, as their picture.

    >>> visible("a" + chr(0) + "b")
    'a␀b'
    """
    return "".join(_picture(each) for each in text)


def _picture(character: str) -> str:
    code = ord(character)
    if character in "\t\n":
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    refused = 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE
    return "\ufffd" if refused else character


def has_direction(text: str) -> bool:
    """Return whether the text holds a character that turns the writing direction of what follows it."""
    return any(unicodedata.bidirectional(each) in _TURNS for each in text)


_TURNS: Final = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _strengths(values: np.ndarray, places: np.ndarray, signal: str) -> tuple[np.ndarray, float]:
    """Return each value scaled to 0…1, and the value that gets the full colour (web/score/scale.js)."""
    scored = values[places][np.isfinite(values[places])]
    limit = 1.0 if signal == "fused" else float(percentile(scored, FULL)) if scored.size else 0.0
    if not limit > 0:
        limit = float(scored.max(initial=0.0))
    return np.nan_to_num(np.clip(values / limit, 0, 1)) if limit > 0 else np.zeros(len(values)), limit


def _row(
    shown: ShownScores,
    row: Mapping[str, Any],
    mask: Mask,
    values: np.ndarray,
    strengths: np.ndarray,
    excluded: np.ndarray,
) -> HeatRow:
    offsets, answer = shown.offsets, str(row["answer"])
    pieces, at = [], 0
    for index in range(row["first"], row["first"] + row["count"]):
        start = max(at, int(offsets["start"][index]))
        end = max(start, int(offsets["end"][index]))
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
                float(shown.columns["gold"][index]),
                str(note.get("note", "")),
                int(note.get("time", 0)),
            )
        )
        at = end
    return HeatRow(str(row["id"]), str(row["question"]), tuple(pieces), answer[at:])


def _decision(mask: Mask, excluded: np.ndarray, index: int) -> str:
    return "chosen" if mask.selected[index] else "excluded" if excluded[index] else "plain"


def _facts(shown: ShownScores, set_name: str, mask: Mask) -> dict[str, str]:
    """Return what a reader must know to make the picture again, in order of reading."""
    made = provenance(shown.table) if shown.table is not None else {}
    model = shown.payload.get("model") or {}
    known = {name: str(made.get(name) or model.get(name) or "") for name in ("model", "adapter", "precision")}
    facts = {
        **known,
        "data": str(made.get("data") or ""),
        "set": set_name,
        "scores": f"{shown.scores_id} ({shown.payload['state']})",
        "rule": whole_rule_words(mask.rule, shown.payload["signals"]),
        "tokens chosen": str(int(mask.selected.sum())),
        "mask": mask.hash,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "by": f"TokenUnlearn Explorer {__version__}",
    }
    return {name: value for name, value in facts.items() if value}
