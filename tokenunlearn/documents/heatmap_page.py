"""A heatmap as one HTML file: opens offline, runs nothing, loads nothing. User text is escaped, always.

Covered: markup, template braces, control characters, characters that turn the writing direction (each such
token is isolated, so that its neighbours stay where they are).
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from unicodedata import category

from tokenunlearn.documents.heatmap import MEANINGS, Heatmap, HeatRow, Piece
from tokenunlearn.documents.right_to_left import is_number, kinds
from tokenunlearn.documents.safe_text import escaped, has_direction

# Colours of web/page/tokens.css; a share of 52 % keeps the ink of either scheme readable on the fullest fill.
HUES: Final = {
    "knowledge": "224 134 26",
    "entropy": "84 104 220",
    "fused": "18 144 139",
    "other": "90 100 109",
}
TOP: Final = 0.52
THICKEST: Final = 8  # pixels: the bar of the largest soft weight
# Unicode categories of characters that only steer others, such as U+200F or NUL.
UNSEEN: Final = ("Cf", "Cc")
BREAK: Final = re.compile(r"[^\S\n]*\n")
LAST_BREAK: Final = re.compile(r"\n([^\S\n]*)$")
MOST_SPACES: Final = 8

STYLE: Final = """
:root { color-scheme: light dark; --page: #fbfaf7; --ink: #1a1d21; --muted: #5a646d; --line: #e7e4dd;
  --strong: #b9bcbb; --accent: #0b6b68; }
@media screen and (prefers-color-scheme: dark) { :root { --page: #131619; --ink: #e9ebed; --muted: #9fa9b2;
  --line: #2a3036; --strong: #59626b; --accent: #4cc3bd; } }
body { max-width: 62em; margin: 2em auto; padding: 0 1.5em; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.3em; } h2 { margin: 2em 0 .5em; font-size: 1em; }
.q { margin: 1.5em 0 0; color: var(--muted); overflow-wrap: anywhere; } .q b { color: var(--ink); }
.a { margin: .2em 0; font-size: 1.4em; line-height: 2.1; white-space: pre-wrap; overflow-wrap: anywhere; }
.w { position: relative; border: 1.5px solid transparent; border-radius: 4px; padding: .08em 0; }
.w.chosen, .w.in { border-color: var(--accent); } .w.out { border: 1.5px dashed var(--muted); }
.w.soft { border-bottom-color: var(--accent); border-radius: 0; padding-bottom: .2em; }
.w.excluded { border: 1px dotted var(--strong); }
.gold { text-decoration: underline double 1px; text-underline-offset: .15em; text-decoration-skip-ink: none; }
.a:dir(rtl) .d::before { content: "\\200e"; } .a:dir(rtl) i::before { content: "\\200f"; }
.a:dir(rtl) .o { unicode-bidi: bidi-override; direction: ltr; }
.i { unicode-bidi: isolate; }
.w sub { position: absolute; inset: calc(100% + 2px) 0 auto; color: var(--muted); font-size: .45em;
  line-height: 1; text-align: center; user-select: none; }
table { border-collapse: collapse; font-size: 13px; } td, th { padding: 3px 14px 3px 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--muted); font-weight: 500; white-space: nowrap; }
.wide { overflow-x: auto; }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: .6em; color: var(--muted);
  font-size: 13px; }
.ramp { width: 10em; height: .8em; border-radius: 3px; outline: 1px solid var(--line); }
@media print { :root { color-scheme: light; } body { background: none; } * { print-color-adjust: exact; } }
"""


def page(shown: Heatmap) -> str:
    """Return the whole HTML document."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escaped(shown.title)}</title><style>{STYLE}</style></head><body>
<h1>{escaped(shown.title)}</h1>
{drawn(shown)}
<h2>Where this comes from</h2>
<table>{"".join(_line(name, value) for name, value in shown.facts.items())}</table>
</body></html>
"""


def drawn(shown: Heatmap, level: int = 2) -> str:
    """Return the legend, the rows, and what was decided by hand, for a page that has STYLE.

    `level`: of the heading in it.
    """
    rows = "\n".join(_row(row, shown) for row in shown.rows)
    return f"{_legend(shown)}\n{rows}\n{_notes(shown, level)}"


def scale_words(shown: Heatmap) -> str:
    """Return what the full colour stands for."""
    if shown.signal == "fused":
        return "1"
    return f"{shown.limit:.3g} {shown.unit or 'without unit'} or more (99th percentile of the set)"


def hover_words(piece: Piece, unit: str) -> str:
    """Return a token's value and decision, for a pointer or a screen reader."""
    value = "no score" if math.isnan(piece.value) else f"{piece.value:.4g} {unit}".strip()
    decision = MEANINGS.get(piece.state, "not chosen")
    return f"{value}; {decision}; weight {piece.weight:.4g}" + (f"; {piece.note}" if piece.note else "")


def _legend(shown: Heatmap) -> str:
    hue = HUES.get(shown.family, HUES["other"])
    marks = " · ".join(shown.marks.values())
    return (
        f'<p class="legend"><span>{escaped(shown.label)}: 0</span><span class="ramp" style="background: '
        f'linear-gradient(90deg, transparent, rgb({hue} / {TOP}))"></span><span>{escaped(scale_words(shown))}'
        f'</span></p>\n<p class="legend">{escaped(marks)} · <span class="gold">gold</span></p>'
    )


@dataclass(frozen=True)
class Shown:
    """A piece with the space before it, what it shows, a break behind it, and its kind (right_to_left.py)."""

    piece: Piece
    before: str
    text: str
    after: str
    kind: str


def _row(row: HeatRow, heatmap: Heatmap) -> str:
    pieces = "".join(_piece(shown, heatmap) for shown in shown_pieces(row))
    return (
        f'<p class="q"><b>{escaped(row.id)}</b> <bdi>{escaped(row.question)}</bdi></p>\n'
        f'<p class="a" dir="auto">{pieces}{escaped(row.after)}</p>'
    )


def _piece(shown: Shown, heatmap: Heatmap) -> str:
    hue, unit = HUES.get(heatmap.family, HUES["other"]), heatmap.unit
    piece, number = shown.piece, is_number(shown.text)
    classes = "t" + (" gold" if piece.gold == 1 else "") + (" i" if has_direction(shown.text) else "")
    # A mark between two digits would end the number: the sheet makes them a part of left-to-right text.
    classes += (" d" if shown.text.isascii() else " o") if number else ""
    turn = "<i></i>" if number and shown.kind == "first" else ""
    glyph, bar = heatmap.glyph(piece), heatmap.bar(piece)
    mark = f"<sub>{glyph}</sub>" if glyph else ""
    state = piece.state if bar is None else "soft"
    below = "" if bar is None else f"; border-bottom-width: {max(0.5, THICKEST * bar):.2f}px"
    return (
        f'{escaped(shown.before)}{turn}<span class="w {state}" title="{escaped(hover_words(piece, unit))}" '
        f'style="background: rgb({hue} / {TOP * piece.strength:.3f}){below}"><span class="{classes}">'
        f"{escaped(shown.text)}</span>{mark}</span>{escaped(shown.after)}"
    )


def shown_pieces(row: HeatRow) -> list[Shown]:
    """Return the pieces of an answer as they are shown, with the space round them."""
    parts = []
    for piece in row.pieces:
        space, shown, after = outer_space(piece.text)
        parts.append((piece.before + space, shown, after))
    found = zip(row.pieces, parts, kinds(parts), strict=True)
    return [Shown(piece, *part, kind) for piece, part, kind in found]


def outer_space(text: str) -> tuple[str, str, str]:
    """Return the space before a token, what it shows (␣, ↵ or · for nothing seen), and a break after it."""
    bare = text.lstrip()
    space = text[: len(text) - len(bare)]
    if text and not bare:
        signs = BREAK.sub("↵", text).rstrip() or "␣" * min(len(text), MOST_SPACES)
        return "", signs, text[text.rindex("\n") :] if "\n" in text else ""
    if not any(not each.isspace() and category(each) not in UNSEEN for each in bare):
        return space, "·", ""
    ends = LAST_BREAK.search(bare)
    signs = BREAK.sub("↵", bare)
    return space, (signs[: len(signs) - len(ends[1])] if ends else signs), ends[0] if ends else ""


def _notes(shown: Heatmap, level: int) -> str:
    """Who changed what, and why: one line for each override or note."""
    lines = [
        f"<tr><td>{escaped(row.id)}</td><td><bdi>{escaped(piece.text.strip() or '␣')}</bdi></td>"
        f"<td>{MEANINGS.get(piece.state, 'not chosen')}</td><td><bdi>{escaped(piece.note)}</bdi></td>"
        f"<td>{moment(piece.time)}</td></tr>"
        for row in shown.rows
        for piece in row.pieces
        if piece.state in ("in", "out") or piece.note
    ]
    if not lines:
        return ""
    head = "<tr><th>Row</th><th>Token</th><th>Decision</th><th>Note</th><th>When</th></tr>"
    table = f"<table>{head}{''.join(lines)}</table>"
    region = f'<div class="wide" role="region" tabindex="0" aria-label="Decided by hand">{table}</div>'
    return f"<h{level}>Decided by hand</h{level}>\n{region}"


def moment(milliseconds: int) -> str:
    """Return a time in ms since 1970 in words; empty for 0."""
    if not milliseconds:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _line(name: str, value: str) -> str:
    return f'<tr><th scope="row">{escaped(name)}</th><td>{escaped(value)}</td></tr>'
