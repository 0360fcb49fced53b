"""A heatmap as SVG: a fixed-width grid, so that nothing has to be measured. User text is escaped, always."""

import unicodedata
from html import escape
from typing import Final

from tokenunlearn.documents.heatmap import Heatmap, HeatRow, Piece
from tokenunlearn.documents.heatmap_page import HUES, THICKEST, TOP, hover_words, scale_words, shown_pieces
from tokenunlearn.documents.right_to_left import Cell, places_from_left, places_from_right, runs_from_right
from tokenunlearn.documents.safe_text import visible

# Pixels: width of a letter, height of a line, type, page margin. A slide has twice as many, and words of 30.
CELL, LINE, SIZE, MARGIN = 9.6, 42, 16, 24
COLUMNS: Final = 96  # letters a line
OUTLINES: Final = {
    "chosen": 'stroke="#0b6b68" stroke-width="1.5"',
    "in": 'stroke="#0b6b68" stroke-width="1.5"',
    "out": 'stroke="#5a646d" stroke-width="1.5" stroke-dasharray="4 3"',
    "excluded": 'stroke="#b9bcbb" stroke-dasharray="1 2"',
    "plain": 'stroke="none"',
}
FONT: Final = "ui-monospace, Menlo, Consolas, 'Noto Sans Mono', monospace"


def picture(shown: Heatmap) -> str:
    """Return the whole SVG document."""
    hue = HUES.get(shown.family, HUES["other"]).replace(" ", ", ")
    marks = " · ".join(shown.marks.values())
    parts = [_words(MARGIN, 36, shown.title, "#1a1d21", 20), *_legend(shown, hue), _words(MARGIN, 86, marks)]
    top = 124.0
    for row in shown.rows:
        drawn, top = _row(row, shown, hue, top)
        parts += drawn
    for name, value in shown.facts.items():
        for number, line in enumerate(_lines(f"{name}: {value}", COLUMNS + 20)):
            parts.append(_words(MARGIN + (16 if number else 0), top, line))
            top += 22
    width, height = round(2 * MARGIN + COLUMNS * CELL), round(top + MARGIN)
    title = _text(shown.title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{title}">\n<title>{title}</title>\n'
        f'<rect width="100%" height="100%" fill="#fbfaf7"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def cells(text: str) -> int:
    """Return how many letters wide the text is: wide characters count two, those that join none."""
    return sum(_width(each) for each in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _text(text: str) -> str:
    return escape(visible(text).replace("\n", "↵").replace("\t", " "))


def _words(left: float, top: float, text: str, colour: str = "#5a646d", size: int = 15) -> str:
    place = f'x="{left}" y="{top}" font-family="system-ui, sans-serif" font-size="{size}" fill="{colour}"'
    return f"<text {place}>{_text(text)}</text>"


def _legend(shown: Heatmap, hue: str) -> list[str]:
    stops = f'<stop offset="0" stop-color="rgb({hue})" stop-opacity="0"/>'
    stops += f'<stop offset="1" stop-color="rgb({hue})" stop-opacity="{TOP}"/>'
    return [
        f'<defs><linearGradient id="ramp">{stops}</linearGradient></defs>',
        _words(MARGIN, 62, "0"),
        f'<rect x="{MARGIN + 16}" y="52" width="160" height="12" rx="3" fill="url(#ramp)" stroke="#e7e4dd"/>',
        _words(MARGIN + 186, 62, scale_words(shown)),
    ]


def _row(row: HeatRow, shown: Heatmap, hue: str, top: float) -> tuple[list[str], float]:
    """Return the elements of a row, and where the next one begins."""
    parts = []
    for line in _lines(f"{row.id}  {row.question}", COLUMNS):
        parts.append(_words(MARGIN, top, line))
        top += 22
    top += 12
    turned = runs_from_right("".join(piece.text for piece in row.pieces))
    for line_cells in _answer(row):
        places = places_from_right(line_cells, COLUMNS) if turned else places_from_left(line_cells)
        for cell, place in zip(line_cells, places, strict=True):
            if cell.holds is not None:
                parts.append(_piece(cell.holds, cell.text, shown, hue, (MARGIN + place * CELL, top)))
        top += LINE
    return parts, top + 12


def _answer(row: HeatRow) -> list[list[Cell]]:
    """Return the answer in lines of pieces and of the space between them."""
    lines: list[list[Cell]] = [[]]
    for shown in shown_pieces(row):
        _add_space(lines, shown.before)
        for text in _lines(shown.text, COLUMNS):  # one part, unless a token is longer than a line
            if sum(cell.width for cell in lines[-1]) + cells(text) > COLUMNS:
                lines.append([])
            lines[-1].append(Cell(cells(text), shown.kind, shown.piece, text))
        _add_space(lines, shown.after)
    return lines


def _add_space(lines: list[list[Cell]], space: str) -> None:
    """End the last line with the space; after a break, begin a new line with what follows it."""
    if "\n" in space:
        lines.append([])
    if width := cells(space.rsplit("\n", 1)[-1]):
        lines[-1].append(Cell(width, ""))


def _piece(piece: Piece, text: str, shown: Heatmap, hue: str, place: tuple[float, float]) -> str:
    (left, top), width = place, max(1, cells(text)) * CELL
    gold = ' text-decoration="underline"' if piece.gold == 1 else ""
    mark, bar = shown.glyph(piece), shown.bar(piece)
    below = _words(round(left + width / 2 - 4, 1), top + 18, mark, "#0b6b68", 11) if mark else ""
    if bar is not None:
        size = f'width="{width - 1:.1f}" height="{max(0.5, THICKEST * bar):.2f}"'
        below = f'<rect class="bar" x="{left + 0.5:.1f}" y="{top + 8:.1f}" {size} fill="#0b6b68"/>'
    outline = OUTLINES["plain" if bar is not None else piece.state]
    box = f'<rect x="{left:.1f}" y="{top - 18:.1f}" width="{width:.1f}" height="25" rx="3"'
    return (
        f"<g><title>{_text(hover_words(piece, shown.unit))}</title>"
        f'{box} fill="rgb({hue})" fill-opacity="{TOP * piece.strength:.3f}"/>'
        f'{box} fill="none" {outline}/>'
        f'<text class="t" x="{left:.1f}" y="{top:.1f}" textLength="{width:.1f}" '
        f'lengthAdjust="spacingAndGlyphs" xml:space="preserve" font-family="{FONT}" font-size="{SIZE}" '
        f'fill="#1a1d21" style="unicode-bidi: isolate"{gold}>{_text(text)}</text>{below}</g>'
    )


def _lines(text: str, columns: int) -> list[str]:
    """Return the text in lines of at most so many letters."""
    lines, line, width = [], "", 0
    for each in text:
        if width + _width(each) > columns:
            lines.append(line)
            line, width = "", 0
        line, width = line + each, width + _width(each)
    return [*lines, line]
