"""Pictures of how deep facts were erased: the line by layer, and layer × fact token of each fact.

Each is drawn from the report of `depth_view` alone. The picture of a fact is three maps on one scale: what
the logit lens reads of each token after each layer, before and after unlearning and with the adapter off.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tokenunlearn.documents.axes import Axis, axis_of, rungs
from tokenunlearn.documents.drawing import Box, Dot, Drawing, Line, Shape, Words
from tokenunlearn.probes.depth import LENSES
from tokenunlearn.probes.depth_words import LENS_NAMES, fact_words, layer_means
from tokenunlearn.text.numbers import signed

WIDE: Final = 720.0
PANEL: Final = 296.0  # pixels: the height of a line by layer
LOWEST: Final = -12.0  # nats; a vocabulary of 160,000 has its chance level here
TICKS: Final = (-12, -9, -6, -3, 0)  # of the scale, in nats
NARROWEST, WIDEST = 15.0, 76.0  # pixels: a token's column
LETTER: Final = 6.4  # pixels of a letter of 11
MOST_LETTERS: Final = 16  # of a token's name
LEFT: Final = 46.0  # pixels beside the maps, for the layers' numbers
GAP: Final = 20.0
NARROW: Final = "-narrow"  # behind the name of a drawing
# Line → colour, shape of its dots, dashed.
_LOOKS: Final[Mapping[str, tuple[str, str, bool]]] = {
    "before": ("run2", "circle", False),
    "after": ("run1", "diamond", False),
    "off": ("run7", "square", True),
    "reference_drops": ("run7", "square", True),
    "unlearned_drops": ("run1", "diamond", False),
}


def depth_drawings(depth: Mapping[str, Any]) -> list[Drawing]:
    """Return the line by layer and each fact's picture, in the order of the rows; none without a fact."""
    if not depth["rows"]:
        return []
    return [layer_drawing(depth), *(fact_drawing(depth, row_id) for row_id in depth["rows"])]


def layer_drawing(depth: Mapping[str, Any], narrow: bool = False) -> Drawing:
    """Return the means over facts by layer: what patching a layer costs, and what the lens reads off it.

    `narrow`: one below the other, half as wide, as a phone is.
    """
    means = layer_means(depth)
    facts = len(depth["rows"])
    shapes: list[Shape] = []
    panels = (
        (
            "loss of the fact, nats a token",
            "one layer taken from the model",
            ("reference_drops", "unlearned_drops"),
        ),
        ("log-probability, nats a token", "logit lens, after each layer", LENSES),
    )
    for number, (unit, title, names) in enumerate(panels):
        place = (0.0, number * PANEL) if narrow else (number * WIDE / 2, 0.0)
        shapes += _panel(means, names, place, unit, title)
    first, second = ("Above", "Below") if narrow else ("Left", "Right")
    about = (
        f"Means over {_count(facts, 'fact')}, layer by layer. {first}: how much less likely the fact gets "
        "when one layer's states come from the model with its adapter off, or after unlearning. "
        f"{second}: how likely the fact is, read straight off each layer, before, after and with the adapter "
        "off. The table has the numbers."
    )
    size = (WIDE / 2, 2 * PANEL) if narrow else (WIDE, PANEL)
    name, title = f"depth-layers{NARROW * narrow}", "How deep the facts were erased, layer by layer"
    return Drawing(name, title, about, *size, tuple(shapes))


def _panel(
    means: Sequence[Mapping[str, float | None]],
    names: Sequence[str],
    corner: tuple[float, float],
    unit: str,
    title: str,
) -> Iterator[Shape]:
    left, above = corner
    first, last, top, bottom = left + 52, left + WIDE / 2 - 14, above + 66, above + 244
    yield Words(left + 8, above + 16, title, "ink", 12, bold=True)
    yield Words(left + 8, above + 34, unit, size=11)
    known = [value for line in means for name in names if (value := line[name]) is not None]
    upward = axis_of([*known, 0.0], bottom, top)
    across = Axis(1, max(2, len(means)), first + 6, last - 6)
    yield from rungs(upward, first, last)
    for layer in _numbered(len(means)):
        yield Words(across.at(layer), bottom + 16, str(layer), size=11, anchor="middle", tick=True)
    yield Words((first + last) / 2, bottom + 34, "layer", size=11, anchor="middle")
    place = left + 8
    for name in names:
        colour, shape, dashed = _LOOKS[name]
        words = LENS_NAMES.get(name) or ("adapter off" if name == "reference_drops" else "after")
        yield Dot(place + 4, above + 48, 4, colour, shape)
        yield Words(place + 13, above + 52, words, "ink", 11)
        place += 30 + LETTER * len(words)
        earlier: tuple[float, float] | None = None
        for layer, line in enumerate(means, 1):
            value = line[name]
            here = None if value is None else (across.at(layer), upward.at(value))
            if earlier is not None and here is not None:
                yield Line(*earlier, *here, colour, 1.6, dashed)
            if here is not None:
                yield Dot(*here, 2.6, colour, shape)
            earlier = here


def fact_drawing(depth: Mapping[str, Any], row_id: str, narrow: bool = False) -> Drawing:
    """Return the picture of one fact: layers upwards, its tokens across, a map each before, after and off.

    `narrow`: one below the other, half as wide, as a phone is.
    """
    row = depth["rows"][row_id]
    tokens, layers = [_name(token) for token in row["tokens"]], len(row["lens"]["before"])
    room = WIDE / 2 - LEFT - GAP if narrow else (WIDE - LEFT - 8) / 3 - GAP
    wide = min(WIDEST, max(NARROWEST, room / len(tokens)))
    high = min(24.0, max(8.0, 330 / layers))
    longest = LETTER * max(map(len, tokens))
    steep = longest > wide - 2
    room = 8 + longest * math.sin(math.radians(55)) if steep else 12.0
    map_high = 46 + room + high * layers
    map_wide = max(wide * len(tokens), 150.0)
    shapes: list[Shape] = []
    bottom = map_high
    for number, name in enumerate(LENSES):
        left, above = (LEFT, number * (map_high + GAP)) if narrow else (LEFT + number * (map_wide + GAP), 0.0)
        top, bottom = above + 46 + room, above + map_high
        if narrow or number == 0:
            shapes.append(Words(8, top - 8, "layer", size=11))
            for layer in _numbered(layers):
                middle = bottom - (layer - 0.5) * high + 4
                shapes.append(Words(LEFT - 8, middle, str(layer), size=11, anchor="end", tick=True))
        shapes.append(Words(left, above + 20, LENS_NAMES[name], "ink", 13, bold=True))
        shapes.append(
            Words(left, above + 36, f"last layer, mean {_mean_words(row['lens'][name][-1])}", size=11)
        )
        for at, token in enumerate(tokens):
            middle = left + (at + 0.5) * wide
            x = middle + 3 if steep else middle
            shapes.append(Words(x, top - 6, token, "ink", 11, "start" if steep else "middle", steep=steep))
        shapes += _cells(row, name, (left, bottom), (wide, high))
        right = left + wide * len(tokens)
        for place in (top, bottom):
            shapes.append(Line(left, place, right, place, "muted", 0.75))
        for place in (left, right):
            shapes.append(Line(place, top, place, bottom, "muted", 0.75))
    shapes += _scale(LEFT, bottom + 20)
    maps = map_wide if narrow else 3 * map_wide + 2 * GAP
    width = max(WIDE / 2 if narrow else WIDE, LEFT + maps + max(8.0, longest * 0.6 if steep else 0))
    score = "not measured" if row["uds"] is None else signed(row["uds"])
    about = (
        f"Three maps of {layers} layers by {_count(len(tokens), 'token')}: how likely the logit lens reads "
        f"each token of the fact “{fact_words(row)}” after each layer, in nats, the fuller the colour "
        f"the likelier; depth of erasure (UDS) {score}. The last layer stands on top. The table has the "
        "numbers."
    )
    which = list(depth["rows"]).index(row_id) + 1
    title = f"{row_id}: “{fact_words(row)}” by layer and token"
    return Drawing(f"depth-fact-{which}{NARROW * narrow}", title, about, width, bottom + 70, tuple(shapes))


def _cells(
    row: Mapping[str, Any], name: str, corner: tuple[float, float], size: tuple[float, float]
) -> Iterator[Shape]:
    """Yield a map: a box a value; a line through the place of one that is not measured."""
    (left, bottom), (wide, high) = corner, size
    for layer, values in enumerate(row["lens"][name], 1):
        for at, value in enumerate(values):
            x, y = left + at * wide, bottom - layer * high
            if value is None:
                yield Line(x, y + high, x + wide, y, "muted")
                continue
            chance = math.exp(value)
            hover = f"{LENS_NAMES[name]}, layer {layer}, “{_name(row['tokens'][at])}”: {signed(value)} nats"
            yield Box(x, y, wide, high, "likely", strength(value), f"{hover}, probability {chance:.2g}")


def strength(value: float) -> float:
    """Return how much of its colour a log-prob has: none at LOWEST nats and below, all of it at 0."""
    return min(1.0, max(0.0, 1 - value / LOWEST))


def _scale(left: float, top: float) -> Iterator[Shape]:
    """Yield the colours from LOWEST to 0 nats, with the probabilities that they are."""
    steps, wide = 38, 230.0
    for step in range(steps):
        value = LOWEST * (1 - (step + 0.5) / steps)
        yield Box(left + step * wide / steps, top, wide / steps, 10, "likely", strength(value))
    for place in (top, top + 10):
        yield Line(left, place, left + wide, place, "muted", 0.75)
    for tick in TICKS:
        x = left + wide * (1 - tick / LOWEST)
        less = "≤ " if tick == LOWEST else ""
        yield Words(x, top + 23, f"{less}{signed(tick, 'd')}", size=11, anchor="middle", tick=True)
        yield Words(x, top + 37, f"{less}{_chance(tick)}", size=11, anchor="middle", tick=True)
    yield Words(left + wide + 18, top + 23, "nats", size=11)
    yield Words(left + wide + 18, top + 37, "probability", size=11)


def _chance(nats: float) -> str:
    """Return the probability that a log-prob is, to one digit: 0.000006, 0.0001, 1."""
    return f"{float(f'{math.exp(nats):.1g}'):f}".rstrip("0").rstrip(".")


def depth_table(row: Mapping[str, Any]) -> tuple[list[str], list[list[float | None]]]:
    """Return a fact's numbers, heads and lines: each token in each map, a line a layer from the last down."""
    heads = [f"{_name(token)}, {LENS_NAMES[name]}" for token in row["tokens"] for name in LENSES]
    tokens = range(len(row["tokens"]))
    lines = [
        [row["lens"][name][layer][token] for token in tokens for name in LENSES]
        for layer in reversed(range(len(row["lens"]["before"])))
    ]
    return ["layer", *heads], lines


def _name(token: str) -> str:
    """Return a token as it is written above its column: a space in it can be seen."""
    shown = token.replace("\n", "↵").replace(" ", "␣") if token.strip() != token else token
    return shown if len(shown) <= MOST_LETTERS else f"{shown[: MOST_LETTERS - 1]}…"


def _mean_words(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{signed(sum(known) / len(known))} nats" if len(known) == len(values) else "not measured"


def _numbered(layers: int) -> list[int]:
    """Return which layers have their number written: the first, the last and round ones between."""
    steps = (factor * 10**power for power in itertools.count() for factor in (1, 2, 5))
    step = next(each for each in steps if layers / each <= 12)
    round_ones = [each for each in range(step, layers + 1, step) if 1 < each < layers - step / 2]
    return [1, *round_ones, layers] if layers > 1 else [1]


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
