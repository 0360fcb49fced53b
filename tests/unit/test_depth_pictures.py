"""Pictures of depth: what is drawn is what was measured, on one scale, and hostile tokens are text."""

import io
import math
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from PIL import Image, ImageFont

from tests.drawn_depth import drawn_depth
from tokenunlearn.documents.depth import (
    LOWEST,
    depth_drawings,
    depth_table,
    fact_drawing,
    layer_drawing,
    strength,
)
from tokenunlearn.documents.drawing import Box, Line, Words, plain, png, svg
from tokenunlearn.probes.depth import LENSES
from tokenunlearn.probes.depth_words import depth_said, layer_means
from tokenunlearn.runs.result_faults import depth_fault


def test_a_box_is_as_full_as_its_log_prob_from_the_lowest_to_0() -> None:
    assert [strength(nats) for nats in (0.0, -3.0, -6.0, LOWEST, -40.0)] == [1.0, 0.75, 0.5, 0.0, 0.0]
    drawing = fact_drawing(drawn_depth(), "ada")
    boxes = [each for each in drawing.shapes if isinstance(each, Box) and each.hover]
    # A map at a time, layer by layer from the lowest row up, token by token.
    report = drawn_depth()["rows"]["ada"]["lens"]
    assert [each.share for each in boxes] == [
        strength(value) for name in LENSES for line in report[name] for value in line
    ]
    before = boxes[:6]
    assert before[0].top > before[2].top > before[4].top and before[0].left < before[1].left
    assert before[4].hover == "before, layer 3, “␣Ro”: 0.00 nats, probability 1"
    assert boxes[8].hover == f"after, layer 2, “␣Ro”: −3.00 nats, probability {math.exp(-3):.2g}"
    # One scale for the three maps, its ends named.
    words = [each.text for each in drawing.shapes if isinstance(each, Words)]
    assert {"before", "after", "adapter off", "nats", "probability"} <= set(words)
    assert {"≤ −12", "0", "≤ 0.000006", "0.05", "1"} <= set(words)
    assert words.count("␣Ro") == 3 and "last layer, mean −0.25 nats" in words


def test_what_is_not_measured_is_struck_through_and_never_drawn_as_0() -> None:
    report = drawn_depth()
    report["rows"]["bob"]["lens"]["after"][1][0] = None
    shapes = fact_drawing(report, "bob").shapes
    assert sum(isinstance(each, Box) and bool(each.hover) for each in shapes) == 8
    lines = [each for each in shapes if isinstance(each, Line)]
    assert sum(each.left != each.right and each.top != each.bottom for each in lines) == 1
    assert layer_means(report)[1]["after"] is None and layer_means(report)[1]["before"] == -3.25
    heads, lines = depth_table(report["rows"]["bob"])
    assert heads[0] == "layer" and [line[1] for line in lines] == [-1.0, None, -6.0]
    alone = {**report, "uds": None, "rows": {"bob": report["rows"]["bob"]}}
    assert depth_said(alone)[0].startswith("Depth of erasure: not measured: no layer")


def test_each_picture_is_svg_and_png_and_hostile_tokens_are_text() -> None:
    drawings = depth_drawings(drawn_depth())
    font: Any = ImageFont.load_default(20)
    missing = bytes(font.getmask("\uffff"))
    assert [each.name for each in drawings] == ["depth-layers", "depth-fact-1", "depth-fact-2"]
    for drawing in drawings:
        root = ElementTree.fromstring(svg(drawing, alone=True))
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        assert drawing.about in "".join(root.itertext())
        size = (round(drawing.width * 3), round(drawing.height * 3))
        assert Image.open(io.BytesIO(png(drawing))).size == size
        letters = {each for shape in drawing.shapes if isinstance(shape, Words) for each in plain(shape.text)}
        assert [each for each in letters if bytes(font.getmask(each)) == missing] == []
    # A box is painted as in SVG: its share of the colour on the paper.
    first = next(each for each in drawings[1].shapes if isinstance(each, Box) and each.share == 1)
    picture = Image.open(io.BytesIO(png(drawings[1])))
    assert picture.getpixel((round(first.left * 3 + 4), round(first.top * 3 + 4))) == (0x2B, 0x3A, 0x9E)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(
    ("layers", "tokens"), [(1, 1), (2, 40), (80, 3)], ids=["one layer", "many tokens", "many layers"]
)
def test_all_stands_inside_the_picture(layers: int, tokens: int, narrow: bool) -> None:
    report = drawn_depth()
    row = report["rows"]["ada"]
    row |= {"tokens": [" word"] * tokens, "reference_drops": [1.0] * layers}
    row["unlearned_drops"] = [1.0] * layers
    row["lens"] = {name: [[-1.0] * tokens] * layers for name in LENSES}
    assert depth_fault({**report, "rows": {"ada": row}}) == ""
    drawing = fact_drawing(report, "ada", narrow)
    assert (
        len({shape.hover for shape in drawing.shapes if isinstance(shape, Box) and shape.hover}) == 3 * layers
    )
    for shape in drawing.shapes:
        if isinstance(shape, Box):
            assert shape.left >= 0 and shape.left + shape.wide <= drawing.width
            assert shape.top >= 0 and shape.top + shape.high <= drawing.height
            assert shape.wide >= 6 and shape.high >= 4


def test_on_a_phone_the_parts_of_a_picture_stand_one_below_the_other() -> None:
    report = drawn_depth()
    for wide, narrow in (
        (layer_drawing(report), layer_drawing(report, narrow=True)),
        (fact_drawing(report, "ada"), fact_drawing(report, "ada", narrow=True)),
    ):
        assert (wide.width, narrow.width) == (720, 360) and narrow.height > wide.height
        assert narrow.name == f"{wide.name}-narrow", "two of a page have two names"
        texts = [
            sorted(each.text for each in drawing.shapes if isinstance(each, Words))
            for drawing in (wide, narrow)
        ]
        assert set(texts[0]) == set(texts[1])
        assert all(0 <= shape.x <= narrow.width for shape in narrow.shapes if isinstance(shape, Words))


@pytest.mark.parametrize(
    "damage",
    [
        lambda report: report["rows"]["ada"]["lens"]["off"].pop(),
        lambda report: report["rows"]["ada"]["tokens"].pop(),
        lambda report: report["rows"].update(ada="text"),
        lambda report: report["rows"]["bob"].pop("unlearned_drops"),
        lambda report: report.update(rows=[1]),
        lambda report: report.pop("says"),
    ],
)
def test_a_damaged_report_is_told_apart(damage: Any) -> None:
    report = drawn_depth()
    assert depth_fault(report) == ""
    damage(report)
    assert depth_fault(report)
