"""A picture as a list of shapes, written as SVG and as PNG: small, without a library of plots.

Colours have names (`COLOURS`): in SVG they are variables that follow the reader's scheme and the printer.
"""

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.documents.safe_text import escaped, visible

# Name → light, dark. Those of arms are the page's own (web/page/tokens.css).
COLOURS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ink": ("#1a1d21", "#e9ebed"),
        "muted": ("#5a646d", "#9fa9b2"),
        "line": ("#d9d6ce", "#38404a"),
        "good": ("#0b6b68", "#4cc3bd"),
        "bad": ("#b3261e", "#ff8f82"),
        "run0": ("#0b6b68", "#4cc3bd"),
        "run1": ("#c2570c", "#f0964a"),
        "run2": ("#4456c7", "#97a4fa"),
        "run3": ("#a8327d", "#ee8fc6"),
        "run4": ("#4d7a12", "#a3cc5a"),
        "run5": ("#7d6200", "#e0c14e"),
        "run6": ("#7b3fb8", "#c79bf2"),
        "run7": ("#5a646d", "#b4bdc5"),
        "likely": ("#2b3a9e", "#aab4ff"),
    }
)
PAPER: Final = ("#fbfaf7", "#131619")
STEEP: Final = 55  # degrees
SHAPES: Final = ("circle", "square", "diamond", "triangle")
FONT: Final = 'system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif'
# The letters that Pillow's own font lacks.
_PLAIN: Final = str.maketrans(
    {"−": "-", "–": "-", "↓": "", "↑": "", "…": "...", "≤": "<=", "␣": "_", "↵": "/", "φ": "phi"}
)


@dataclass(frozen=True)
class Line:
    """A straight line between two points."""

    left: float
    top: float
    right: float
    bottom: float
    colour: str = "line"
    wide: float = 1
    dashed: bool = False


@dataclass(frozen=True)
class Dot:
    """A mark of one of SHAPES; `hollow`: its outline alone."""

    x: float
    y: float
    radius: float
    colour: str = "ink"
    shape: str = "circle"
    hollow: bool = False


@dataclass(frozen=True)
class Box:
    """A filled rectangle. `share`: how much of its colour is on the paper; `hover`: what a pointer reads."""

    left: float
    top: float
    wide: float
    high: float
    colour: str = "likely"
    share: float = 1
    hover: str = ""


@dataclass(frozen=True)
class Words:
    """A text at a base line; `anchor`: start, middle or end. `tick`: the number of an axis.

    `steep`: it rises to the right, for names above narrow columns.
    """

    x: float
    y: float
    text: str
    colour: str = "muted"
    size: float = 12
    anchor: str = "start"
    bold: bool = False
    tick: bool = False
    steep: bool = False


Shape = Line | Dot | Box | Words


@dataclass(frozen=True)
class Drawing:
    """A picture in pixels. `about` says in a sentence what it shows, for who cannot see it."""

    name: str
    title: str
    about: str
    width: float
    height: float
    shapes: tuple[Shape, ...]


def style(scope: str = ".tu-plot") -> str:
    """Return the style sheet of drawings: colours by name, those of the dark scheme on screens alone."""
    light, dark = (
        " ".join(f"--{name}: {pair[at]};" for name, pair in COLOURS.items() if name not in _OF_PAGE)
        for at in (0, 1)
    )
    rules = " ".join(
        f"{scope} .s-{name} {{ stroke: var(--{name}); }} {scope} .f-{name} {{ fill: var(--{name}); }}"
        for name in COLOURS
    )
    return (
        f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f"{scope} {{ max-width: 100%; height: auto; font-family: {FONT}; }}\n"
        f"{scope} .b {{ font-weight: 600; }} {scope} .h {{ fill: var(--page); stroke-width: 1.6; }}\n"
        f"{rules}\n"
    )


def page_style(scope: str = ".tu-plot") -> str:
    """Return the style sheet of drawings on a page that sets `color-scheme` by itself."""
    colours = (
        f"{scope} .s-{name} {{ stroke: light-dark({light}, {dark}); }} "
        f"{scope} .f-{name} {{ fill: light-dark({light}, {dark}); }}"
        for name, (light, dark) in COLOURS.items()
    )
    return f"{scope} {{ font-family: {FONT}; }} {scope} .b {{ font-weight: 600; }}\n" + "\n".join(colours)


# What a page that holds drawings declares itself, in its own colours.
_OF_PAGE: Final = ("ink", "muted", "line")


def svg(drawing: Drawing, alone: bool = False) -> str:
    """Return the SVG element; `alone`: as a file, with its own style sheet and paper."""
    size = f'width="{drawing.width:g}" height="{drawing.height:g}"'
    box = f'viewBox="0 0 {drawing.width:g} {drawing.height:g}"'
    name, paper = escaped(drawing.name), ""
    if alone:
        own = [f"--page: {PAPER[at]}; " + " ".join(f"--{each}: {COLOURS[each][at]};" for each in _OF_PAGE)
               for at in (0, 1)]  # fmt: skip
        paper = (
            f"<style>:root {{ {own[0]} }} @media screen and (prefers-color-scheme: dark) "
            f'{{ :root {{ {own[1]} }} }}\n{style()}</style><rect width="100%" height="100%" '
            'style="fill: var(--page)"/>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tu-plot" {size} {box} role="img" '
        f'aria-labelledby="{name}-title {name}-about">'
        f'<title id="{name}-title">{escaped(drawing.title)}</title>'
        f'<desc id="{name}-about">{escaped(drawing.about)}</desc>{paper}'
        + "".join(map(_element, drawing.shapes))
        + "</svg>\n"
    )


def _element(shape: Shape) -> str:
    if isinstance(shape, Line):
        dash = ' stroke-dasharray="4 3"' if shape.dashed else ""
        return (
            f'<line class="s-{shape.colour}" x1="{shape.left:.1f}" y1="{shape.top:.1f}" '
            f'x2="{shape.right:.1f}" y2="{shape.bottom:.1f}" stroke-width="{shape.wide:g}"{dash}/>'
        )
    if isinstance(shape, Words):
        classes = f"f-{shape.colour}" + " b" * shape.bold + " tick" * shape.tick
        turned = f' transform="rotate(-{STEEP} {shape.x:.1f} {shape.y:.1f})"' if shape.steep else ""
        return (
            f'<text class="{classes}" x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:g}" '
            f'text-anchor="{shape.anchor}"{turned}>{escaped(shape.text)}</text>'
        )
    if isinstance(shape, Box):
        hover = f"<title>{escaped(shape.hover)}</title>" if shape.hover else ""
        return (
            f'<rect class="f-{shape.colour}" x="{shape.left:.1f}" y="{shape.top:.1f}" '
            f'width="{shape.wide:.1f}" height="{shape.high:.1f}" fill-opacity="{shape.share:.2f}"'
            + (f">{hover}</rect>" if hover else "/>")
        )
    look = f"h s-{shape.colour}" if shape.hollow else f"f-{shape.colour}"
    if shape.shape == "circle":
        return f'<circle class="{look}" cx="{shape.x:.1f}" cy="{shape.y:.1f}" r="{shape.radius:g}"/>'
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in _corners(shape))
    return f'<polygon class="{look}" points="{corners}"/>'


def _corners(dot: Dot) -> list[tuple[float, float]]:
    """Return the corners of a mark that is no circle, as large to the eye as a circle of its radius."""
    reach = dot.radius * {"square": 0.9, "diamond": 1.3, "triangle": 1.25}[dot.shape]
    around = {
        "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        "diamond": ((0, -1), (1, 0), (0, 1), (-1, 0)),
        "triangle": ((0, -1), (1, 0.8), (-1, 0.8)),
    }[dot.shape]
    return [(dot.x + reach * x, dot.y + reach * y) for x, y in around]


def png(drawing: Drawing, scale: int = 3) -> bytes:
    """Return the picture as PNG in the light colours, each pixel of the drawing `scale` pixels wide."""
    from PIL import Image, ImageDraw
    from PIL.PngImagePlugin import PngInfo

    size = round(drawing.width * scale), round(drawing.height * scale)
    image = Image.new("RGB", size, PAPER[0])
    canvas = ImageDraw.Draw(image)
    for shape in drawing.shapes:
        _paint(canvas, shape, scale)
    file, about = io.BytesIO(), PngInfo()
    about.add_itxt("Title", drawing.title)
    about.add_itxt("Description", drawing.about)
    image.save(file, "PNG", pnginfo=about)
    return file.getvalue()


def _paint(canvas: Any, shape: Shape, scale: int) -> None:
    colour = COLOURS[shape.colour][0]
    if isinstance(shape, Line):
        _paint_line(canvas, shape, colour, scale)
    elif isinstance(shape, Words):
        _paint_words(canvas, shape, colour, scale)
    elif isinstance(shape, Box):
        corner = (shape.left * scale, shape.top * scale)
        other = ((shape.left + shape.wide) * scale - 1, (shape.top + shape.high) * scale - 1)
        canvas.rectangle((*corner, *other), _on_paper(colour, shape.share))
    else:
        fill, wide = (PAPER[0], round(1.6 * scale)) if shape.hollow else (colour, 0)
        if shape.shape == "circle":
            x, y, radius = (each * scale for each in (shape.x, shape.y, shape.radius))
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill, colour, wide)
        else:
            corners = [(x * scale, y * scale) for x, y in _corners(shape)]
            canvas.polygon(corners, fill, colour, wide)


def _paint_words(canvas: Any, words: Words, colour: str, scale: int) -> None:
    from PIL import Image, ImageDraw, ImageFont

    text, place = plain(words.text), (words.x * scale, words.y * scale)
    font = ImageFont.load_default(words.size * scale)
    heavy = scale // 3 if words.bold else 0
    if not words.steep:
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[words.anchor]
        canvas.text(place, text, colour, font, anchor, stroke_width=heavy)
        return
    # Pillow turns pictures, not text: the words are painted on one of their own, around their beginning.
    reach = math.ceil(font.getlength(text)) + 2 * scale
    turned = Image.new("L", (2 * reach, 2 * reach))
    ImageDraw.Draw(turned).text((reach, reach), text, 255, font, "ls", stroke_width=heavy)
    turned = turned.rotate(STEEP, Image.Resampling.BICUBIC)
    canvas.bitmap((round(place[0]) - reach, round(place[1]) - reach), turned, colour)


def _on_paper(colour: str, share: float) -> tuple[int, ...]:
    """Return a share of a colour on the light paper."""
    both = zip(bytes.fromhex(colour[1:]), bytes.fromhex(PAPER[0][1:]), strict=True)
    return tuple(round(share * own + (1 - share) * paper) for own, paper in both)


def _paint_line(canvas: Any, line: Line, colour: str, scale: int) -> None:
    ends = [(line.left * scale, line.top * scale), (line.right * scale, line.bottom * scale)]
    wide = max(1, round(line.wide * scale))
    if not line.dashed:
        canvas.line(ends, colour, wide)
        return
    (left, top), (right, bottom) = ends
    length = max(((right - left) ** 2 + (bottom - top) ** 2) ** 0.5, 1e-9)
    for at in range(0, int(length), 7 * scale):
        parts = at / length, min(1.0, (at + 4 * scale) / length)
        dash = [(left + (right - left) * part, top + (bottom - top) * part) for part in parts]
        canvas.line(dash, colour, wide)


def drawing_files(drawings: Iterable[Drawing], folder: Path) -> dict[Path, bytes]:
    """Return the content of each drawing's two files, .svg and .png, in a folder that is made if need be."""
    folder.mkdir(exist_ok=True)
    files = dict[Path, bytes]()
    for drawing in drawings:
        files[folder / f"{drawing.name}.svg"] = svg(drawing, alone=True).encode()
        files[folder / f"{drawing.name}.png"] = png(drawing)
    return files


def plain(text: str) -> str:
    """Return the text on one line, in letters that Pillow's own font has."""
    return " ".join(visible(text).translate(_PLAIN).split())
