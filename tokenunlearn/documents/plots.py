"""The plots of a report, drawn from its record alone; each says in words what it shows.

Differences with their intervals, forgetting against kept utility, and how each series of arms responds.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tokenunlearn.documents.axes import Axis, axis_of, grid, rungs
from tokenunlearn.documents.depth import depth_drawings
from tokenunlearn.documents.drawing import SHAPES, Dot, Drawing, Line, Shape, Words
from tokenunlearn.experiments.moments import MOMENTS
from tokenunlearn.experiments.series import BINS
from tokenunlearn.probes.kept import FACT, KEPT
from tokenunlearn.text.numbers import signed

WIDE: Final = 720
NARROW: Final = 360  # of a phone: names stand above what they name
HUES: Final = 8
ROW: Final = 22  # pixels between two lines of the plot of differences
SHARES: Final = ("probability", "share of answers")  # what lies between 0 and 1 may share an axis
_WANTED: Final = {"down": "lower is better", "up": "higher is better", "": ""}


def plots(record: Mapping[str, Any], wide: int = WIDE) -> list[Drawing]:
    """Return the plots that a record has numbers for, `wide` pixels across; those of depth as they are."""
    if record["kind"] != "comparison":
        return depth_drawings(record["depth"]) if record["depth"] else []
    found = [_differences(record, moment, shares, wide) for moment in MOMENTS for shares in (True, False)]
    found += [_kept(record, moment, wide) for moment in MOMENTS]
    found += [_response(record, each, number, wide) for number, each in enumerate(record["series"], 1)]
    return [each for each in found if each is not None]


def slug(moment: str) -> str:
    """Return a moment as a part of a file's name."""
    return moment.replace(" ", "-")


def _differences(record: Mapping[str, Any], moment: str, shares: bool, wide: int) -> Drawing | None:
    """Return the differences chosen − control of the figures in one kind of unit, with their intervals."""
    found = [
        each
        for each in record["differences"]
        if each["moment"] == moment and (each["unit"] in SHARES) is shares and each["mean"] is not None
    ]
    if not found:
        return None
    probes = list(dict.fromkeys(each["probe"] for each in found))
    narrow = wide < WIDE
    left, row = (16, ROW + 12) if narrow else (250, ROW)
    top, bottom = 16.0, 16 + row * len(found) + ROW * len(probes)
    axis = axis_of([0.0, *_ends(found)], left, wide - 20)
    shapes: list[Shape] = [*grid(axis, top, bottom)]
    shapes.append(Line(axis.at(0), top, axis.at(0), bottom, "ink"))
    wanted = {each["name"]: each["wanted"] for each in record["figures"]}
    for probe in probes:
        own = [each for each in found if each["probe"] == probe]
        top += ROW
        words = f"{own[0]['label']} ({_WANTED[wanted[probe]]})"
        shapes.append(Words(8, top - 6, words, "ink", 11 if narrow else 12, bold=True))
        for each in own:
            top += row
            method = f", {each['method']}" if each["method"] else ""
            against = f"against {each['control_label']}{method}"
            place = (8, top - 22) if narrow else (left - 10, top - 6)
            shapes.append(Words(*place, against, anchor="start" if narrow else "end"))
            shapes += _interval(axis, each, top - 10)
    unit = "difference in nats per token" if not shares else "difference"
    shapes.append(Words((axis.first + axis.last) / 2, bottom + 34, unit, anchor="middle"))
    shapes += _key(bottom + 58, (8, 124, 236) if narrow else (250, 370, 490))
    alone = all(each["low"] is None for each in found)
    interval = "No interval, on one seed or without spread" if alone else "With 95 % intervals"
    about = f"{interval}. {_counted(record, moment)} The table of every difference has the numbers."
    name = f"differences-{slug(moment)}{'' if shares else '-nats'}"
    title = f"Chosen tokens minus each control, {moment}{'' if shares else ', in nats'}"
    return Drawing(name, title, about, wide, bottom + 70, tuple(shapes))


def _counted(record: Mapping[str, Any], moment: str) -> str:
    """Return how many differences are shown, of all units, as the sentences about the moment say it."""
    counts = [f"{each['counted']} at this moment" for each in record["verdicts"] if each["moment"] == moment]
    planned = record["planned"]
    counts += [f"{planned['counted']} comparisons that were named"] if planned else []
    return f"Shown are {', and '.join(counts)}."


def _interval(axis: Axis, found: Mapping[str, Any], top: float) -> Iterator[Shape]:
    colour = "muted" if not found["shown"] else "good" if found["better"] else "bad"
    if found["low"] is not None:
        yield Line(axis.at(found["low"]), top, axis.at(found["high"]), top, colour, 2)
    yield _mark(axis.at(found["mean"]), top, found)


def _mark(x: float, y: float, found: Mapping[str, Any]) -> Dot:
    if not found["shown"]:
        return Dot(x, y, 4, "muted", hollow=True)
    return Dot(x, y, 4.5, "good") if found["better"] else Dot(x, y, 4.5, "bad", "diamond")


def _key(top: float, places: Sequence[float]) -> Iterator[Shape]:
    """Yield what the three marks mean."""
    marks = (("shown, better", True, True), ("shown, worse", True, False), ("not shown", False, None))
    for left, (words, shown, better) in zip(places, marks, strict=True):
        yield _mark(left, top - 4, {"shown": shown, "better": better})
        yield Words(left + 10, top, words)


def _kept(record: Mapping[str, Any], moment: str, wide: int) -> Drawing | None:
    """Return what each arm forgot against what it kept, with intervals over the seeds, each seed a dot."""
    arms = [
        line
        for line in record["arms"]
        if line["moment"] == moment
        and all(line["figures"].get(name, [None])[0] is not None for name in (FACT, KEPT))
    ]
    if len(arms) < 2:
        return None
    start: dict[str, Any] = {name: (record["before"] or {}).get(name) for name in (FACT, KEPT)}
    narrow = wide < WIDE
    left, high, low = 48 if narrow else 64, 20, 330.0
    right, legend = (wide - 12, 16.0) if narrow else (420, 446.0)
    across = axis_of([1 - value for value in _spans(arms, FACT, start)], left, right)
    upward = axis_of(_spans(arms, KEPT, start), low, high)
    shapes: list[Shape] = [*grid(across, high, low), *rungs(upward, left, right)]
    below = "forgotten: 1 − fact, joint (right is better)"
    shapes += [
        Words((left + right) / 2, low + 36, below, anchor="middle"),
        Words(8, 12, "kept (up is better)"),
    ]
    top = low + 66 if narrow else 34.0
    if None not in start.values():
        for place in ((across.at(1 - start[FACT]), upward.at(start[KEPT])), (legend, top - 4)):
            shapes.append(Dot(*place, 5, "ink", "diamond", hollow=True))
        shapes.append(Words(legend + 14, top, "before any step"))
    for number, line in enumerate(arms):
        colour, shape = f"run{line['hue'] % HUES}", SHAPES[number % len(SHAPES)]
        shapes += _arm(across, upward, line, colour, shape)
        top += ROW
        shapes += [Dot(legend, top - 4, 5, colour, shape), Words(legend + 14, top, line["label"], "ink")]
    about = (
        f"{len(arms)} arms, each by its mean over the seeds with the 95 % interval of the mean, each seed a "
        "small dot. The table of arms has the numbers."
    )
    title = f"Forgetting against what is kept, {moment}"
    return Drawing(f"kept-{slug(moment)}", title, about, wide, max(low + 48, top + ROW), tuple(shapes))


def _spans(arms: Sequence[Mapping[str, Any]], name: str, start: Mapping[str, Any]) -> list[float]:
    """Return all that has to be on the axis of a probability: seeds, and intervals."""
    ends = [end for line in arms for end in line["figures"][name][1:3] if end is not None]
    values = [value for line in arms for value in [*line["values"][name], start[name]] if value is not None]
    return values + ends


def _arm(across: Axis, upward: Axis, line: Mapping[str, Any], colour: str, shape: str) -> Iterator[Shape]:
    (fact, least, most), (kept, low, high) = (line["figures"][name] for name in (FACT, KEPT))
    x, y = across.at(1 - fact), upward.at(kept)
    if least is not None:
        yield Line(across.at(1 - most), y, across.at(1 - least), y, colour, 1.5)
    if low is not None:
        yield Line(x, upward.at(low), x, upward.at(high), colour, 1.5)
    for one, other in zip(line["values"][FACT], line["values"][KEPT], strict=True):
        if one is not None and other is not None:
            yield Dot(across.at(1 - one), upward.at(other), 2, colour)
    yield Dot(x, y, 5, colour, shape)


def _response(record: Mapping[str, Any], series: Mapping[str, Any], number: int, wide: int) -> Drawing | None:
    """Return how each figure changes along a series: a panel a figure, from nothing trained to all."""
    figures = [each for each in record["figures"] if each["name"] in series["before"]]
    figures = [
        each
        for each in figures
        if any(point["changes"][each["name"]]["mean"] is not None for point in series["points"])
    ]
    if not figures or len(series["points"]) < 2:
        return None
    columns, high = 3 if wide == WIDE else 1, 192
    panel = wide / columns
    shapes: list[Shape] = []
    shared = [
        value
        for each in figures
        if each["unit"] in SHARES
        for value in _ends([point["changes"][each["name"]] for point in series["points"]])
    ]
    for at, figure in enumerate(figures):
        left, top = at % columns * panel, at // columns * high
        own = [point["changes"][figure["name"]] for point in series["points"]]
        upward = axis_of([0.0, *(shared if figure["unit"] in SHARES else _ends(own))], top + 144, top + 50)
        shapes += _panel(series, figure, own, upward, (left, top, panel))
    order = "lowest scores to highest" if series["series"] == BINS else "few tokens to all"
    about = (
        f"{len(figures)} panels, a figure each: its change since before any step, from {order}, with 95 % "
        "intervals over rows and seeds. The table below has the numbers."
    )
    rows = math.ceil(len(figures) / columns)
    title = f"{series['title']}: change since before any step"
    return Drawing(f"{series['series']}-{number}", title, about, wide, rows * high, tuple(shapes))


def _panel(
    series: Mapping[str, Any],
    figure: Mapping[str, Any],
    changes: Sequence[Mapping[str, Any]],
    upward: Axis,
    place: tuple[float, float, float],
) -> Iterator[Shape]:
    left, top, wide = place
    first, last = left + 46, left + wide - 18
    yield Words(left + 8, top + 16, figure["label"], "ink", 12, bold=True)
    before = series["before"][figure["name"]]
    if before is not None:
        yield Words(left + 8, top + 31, f"before {signed(before, '.3f')}", size=11)
    yield from rungs(upward, first - 6, last + 8)
    yield Line(first - 6, upward.at(0), last + 8, upward.at(0), "ink", 1, dashed=True)
    places = Axis(1, series["of"], first + 10, last - 12)
    earlier: tuple[float, float] | None = None
    for point, change in zip(series["points"], changes, strict=True):
        x = places.at(point["at"]) if series["of"] > 1 else (first + last) / 2
        yield Words(x, top + 162, _place_words(series, point["at"]), size=11, anchor="middle", tick=True)
        if change["mean"] is None:
            earlier = None
            continue
        here = (x, upward.at(change["mean"]))
        if earlier is not None:
            yield Line(*earlier, *here, "good", 1.5)
        if change["low"] is not None:
            yield Line(x, upward.at(change["low"]), x, upward.at(change["high"]), "good", 1.5)
        yield Dot(*here, 3.5, "good")
        earlier = here


def _place_words(series: Mapping[str, Any], at: int) -> str:
    if series["series"] != BINS:
        return f"{at / series['of']:.0%}".replace("%", " %")
    return "lowest" if at == 1 else "highest" if at == series["of"] else str(at)


def _ends(found: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return means and ends of intervals, those that are measured."""
    return [each[name] for each in found for name in ("low", "mean", "high") if each[name] is not None]
