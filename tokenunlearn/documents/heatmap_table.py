"""A heatmap as CSV, for spreadsheets, and as JSON, for programs: every signal of every token, the legend."""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

from tokenunlearn.documents.heatmap import MEANINGS, Heatmap, HeatRow, Piece
from tokenunlearn.documents.heatmap_page import moment
from tokenunlearn.table import spreadsheet_text


def comma_table(shown: Heatmap) -> str:
    """Return CSV: the names of the columns, then one line per token; what made it stands in the last columns.

    Texts that a spreadsheet would run as a formula get a leading quote.
    """
    made = {name.replace(" ", "_"): value for name, value in {**_shown_by(shown), **shown.facts}.items()}
    lines = [
        {**_record(shown, *place), "meaning": MEANINGS.get(place[2].state, "not chosen"), **made}
        for place in _places(shown)
    ]
    file = io.StringIO()
    # Every text in quotes: a bare carriage return would begin a new line, and there a new formula.
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(lines[0] if lines else [])
    for line in lines:
        writer.writerow(
            [spreadsheet_text(value) if isinstance(value, str) else value for value in line.values()]
        )
    return file.getvalue()


def json_record(shown: Heatmap) -> str:
    """Return JSON: `{legend, rows: [{id, question, answer, tokens}]}`; null where a token has no score."""
    rows = [
        {
            "id": row.id,
            "question": row.question,
            "answer": "".join(piece.before + piece.text for piece in row.pieces) + row.after,
            "tokens": [_record(shown, row, at, piece) for at, piece in enumerate(row.pieces)],
        }
        for row in shown.rows
    ]
    return json.dumps({"legend": _legend(shown), "rows": rows}, ensure_ascii=False, allow_nan=False, indent=1)


def _legend(shown: Heatmap) -> dict[str, Any]:
    return {**_shown_by(shown), "states": MEANINGS, **shown.facts}


def _shown_by(shown: Heatmap) -> dict[str, Any]:
    return {
        "signal": shown.signal,
        "label": shown.label,
        "unit": shown.unit,
        "full_colour": shown.limit,
        "full_weight": shown.full_weight,
    }


def _places(shown: Heatmap) -> Iterator[tuple[HeatRow, int, Piece]]:
    for row in shown.rows:
        for at, piece in enumerate(row.pieces):
            yield row, at, piece


def _record(shown: Heatmap, row: HeatRow, at: int, piece: Piece) -> dict[str, Any]:
    numbers = {name: _number(values[piece.index]) for name, values in shown.values.items()}
    return {
        "row_id": row.id,
        "position": at,
        "token": piece.text,
        **numbers,
        "strength": round(piece.strength, 6),
        "state": piece.state,
        "weight": piece.weight,
        "gold": _number(piece.gold),
        "note": piece.note,
        "note_time": moment(piece.time),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
