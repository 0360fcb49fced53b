"""Heatmap exports: the same tokens in all four forms, with legend; hostile text is text and never code."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from app.actions.exports import export_heatmap
from app.service import Service
from app.shown import ShownScores, recorded_scores
from tests.asking import ask
from tests.page_service import RULE, draft, live_service, payload, table
from tokenunlearn.documents import heatmap_page
from tokenunlearn.documents.heatmap import Heatmap, HeatRow, Piece
from tokenunlearn.documents.heatmap_page import outer_space
from tokenunlearn.documents.heatmap_picture import CELL, LINE, _row, cells
from tokenunlearn.documents.safe_text import visible
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.masks import columns_from_table
from tokenunlearn.table import PROVENANCE

STEERING = "\u200f\u2067"
HOSTILE = [
    "<img src=x onerror='window.hacked=1'>",
    "</script><script>alert(1)</script>",
    "{{7*7}}${7*7}",
    "a\x00b\x1b",
    "x\u202egpj.exe",
    "&amp;\"'",
    "]]><![CDATA[",
    "=HYPERLINK(1)",
    STEERING,
    "x" * 300,
]
PLAIN = Heatmap((), "fused", "", "", "fused", 1.0, None, {}, {})
NOTE = {"note": "</td><b>why</b> \x00", "time": 1_700_000_000_000}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return live_service(tmp_path)


def asked(form: str, **more: Any) -> dict[str, Any]:
    return draft(format=form, signal="knowledge_swap", row=None, **more)


def hostile(service: Service, text: str) -> None:
    """The first token of the first row becomes the text; id and question hold it too."""
    shown, frame = payload("live"), table()
    answer = text + "".join(frame["token"][1:3])
    shown["rows"][0] |= {"id": text, "question": text, "answer": answer}
    shift = len(text) - 3
    for name in ("start", "end"):
        column = shown["columns"][name]
        column[:3] = (
            [0, *[value + shift for value in column[1:3]]]
            if name == "start"
            else [v + shift for v in column[:3]]
        )
    frame.loc[0, "token"] = text
    frame.loc[:2, "row_id"] = text
    service.sessions.show(ShownScores(shown, columns_from_table(frame), frame))


class Page(HTMLParser):
    """Elements, attributes and the text of each token."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.tokens: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        self.inside = (dict(attrs).get("class") or "").split(" ")[0] == "t"
        if self.inside:
            self.tokens.append("")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.tokens[-1] += data

    def handle_endtag(self, _tag: str) -> None:
        self.inside = False


def test_the_four_forms_hold_the_same_tokens_and_decisions(service: Service) -> None:
    given = {"overrides": {"4": "in", "2": "out"}, "notes": {"4": {"note": "why", "time": 1_700_000_000_000}}}
    files = {
        form: ask(export_heatmap, service, asked(form, **given)) for form in ("html", "svg", "csv", "json")
    }
    record = json.loads(files["json"]["text"])
    tokens = [token for row in record["rows"] for token in row["tokens"]]
    assert [token["token"] for token in tokens] == ["Ada", " likes", " tea", "Bo", " likes", " rain"]
    assert [token["state"] for token in tokens] == ["excluded", "excluded", "out", "excluded", "in", "plain"]
    assert [token["knowledge_swap"] for token in tokens] == [None, 0.0, 5.0, None, 0.0, 4.0]
    # Full colour at the 99th percentile of 0, 5, 0, 4: 4 + .97 · 1.
    assert record["legend"]["full_colour"] == pytest.approx(4.97)
    assert [token["strength"] for token in tokens] == pytest.approx([0, 0, 1, 0, 0, 4 / 4.97], abs=1e-6)
    assert (tokens[4]["note"], tokens[4]["note_time"]) == ("why", "2023-11-14 22:13 UTC")
    lines = list(csv.DictReader(io.StringIO(files["csv"]["text"], newline="")))
    assert [line["token"] for line in lines] == [token["token"] for token in tokens]
    assert [line["state"] for line in lines] == [token["state"] for token in tokens]
    names = ["Ada", "likes", "tea", "Bo", "likes", "rain"]
    assert Page(files["html"]["text"]).tokens == names
    drawn = ElementTree.fromstring(files["svg"]["text"])
    assert [each.text for each in drawn.iter() if each.get("class") == "t"] == names


@pytest.mark.parametrize("form", ["html", "svg", "csv", "json"])
def test_each_form_says_what_it_shows(service: Service, form: str) -> None:
    given = {"overrides": {"0": "out"}}
    text = ask(export_heatmap, service, asked(form, **given))["text"]
    digest = json.loads(ask(export_heatmap, service, asked("json", **given))["text"])["legend"]["mask"]
    flat = text.replace("</text>", "").replace("\n", "")
    for words in ("nats", "tiny", "s1 (live)", "TokenUnlearn Explorer", " UTC", "forced out"):
        assert words in flat, words
    assert digest[:40] in flat


def test_soft_weights_are_bars_as_thick_as_they_count(service: Service) -> None:
    # φ from 0 to 1: “tea” 1 and “rain” .8, so their weights are 1 / .9 and .8 / .9; the others are left out.
    soft = {**RULE, "mode": "soft"}
    files = {
        form: ask(export_heatmap, service, asked(form, rule=soft))["text"] for form in ("html", "svg", "json")
    }
    record = json.loads(files["json"])
    assert record["legend"]["full_weight"] == pytest.approx(1 / 0.9)
    assert record["legend"]["rule"].startswith(
        "soft weights, sharpness γ 1, of the whole set; 1 knowledge_swap"
    )
    html = re.findall(r'<span class="w soft"[^>]*border-bottom-width: ([\d.]+)px"', files["html"])
    svg = re.findall(r'<rect class="bar"[^>]*height="([\d.]+)"', files["svg"])
    assert html == svg == ["8.00", "6.40"]
    for text in (files["html"], files["svg"]):
        assert "at its thickest 1.11, mean 1" in text and "●" not in text
    hard = ask(export_heatmap, service, asked("html"))["text"]
    assert "w soft" not in hard and "●" in hard


def test_one_row_and_a_recorded_example(service: Service) -> None:
    file = ask(export_heatmap, service, {**asked("json"), "row": 1})
    assert [row["id"] for row in json.loads(file["text"])["rows"]] == ["r1"]
    assert file["filename"].startswith("heatmap-one-row-2-")
    service.sessions.show(recorded_scores({**payload("live"), "scores_id": "s0"}))
    recorded = ask(export_heatmap, service, {**asked("html"), "scores_id": "s0", "signal": "fused"})["text"]
    assert "s0 (recorded)" in recorded


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(service: Service, text: str) -> None:
    hostile(service, text)
    given = {"overrides": {"0": "in"}, "notes": {"0": NOTE}}
    html = ask(export_heatmap, service, asked("html", **given))["text"]
    document = Page(html)
    # A token of nothing but steering characters shows a dot, as it does in the strip.
    shown = "·" if text == STEERING else visible(text)
    assert document.tokens[0] == shown
    assert not {"script", "img", "iframe", "link"} & set(document.tags)
    assert not any(name.startswith("on") or name in ("src", "href") for name in document.names)
    assert "\x00" not in html and "<b>why" not in html
    drawn = ElementTree.fromstring(ask(export_heatmap, service, asked("svg", **given))["text"])
    assert {each.tag.rpartition("}")[2] for each in drawn.iter()} <= {
        "svg", "title", "rect", "text", "defs", "linearGradient", "stop", "g",
    }  # fmt: skip
    drawn_tokens = [each.text or "" for each in drawn.iter() if each.get("class") == "t"]
    assert "".join(drawn_tokens).startswith(shown.strip())
    tokens = json.loads(ask(export_heatmap, service, asked("json", **given))["text"])["rows"][0]["tokens"]
    assert (tokens[0]["token"], tokens[0]["note"]) == (text, NOTE["note"])


FORMULAS = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\n=1", "\u00a0\u200b@x"]
FULL_WIDTH = ["＝1", "＋1", "－1", " ＠x"]


@pytest.mark.parametrize("text", FORMULAS + FULL_WIDTH)
def test_a_spreadsheet_runs_nothing(service: Service, text: str) -> None:
    hostile(service, text)
    given = {"overrides": {"0": "in"}, "notes": {"0": {"note": text, "time": 0}}}
    body = ask(export_heatmap, service, asked("csv", **given))["text"]
    line = list(csv.DictReader(io.StringIO(body, newline="")))[0]
    assert (line["row_id"], line["token"], line["note"]) == ("'" + text,) * 3


COMMAND = "=cmd|' /C calc'!A0"


@pytest.mark.parametrize("name", [f"x,{COMMAND},y", f'x",{COMMAND},"y', f"x\r\n{COMMAND}", COMMAND])
def test_a_name_in_what_made_it_begins_no_cell(service: Service, name: str) -> None:
    shown, frame = payload("live"), table()
    for row in shown["rows"]:
        row["set"] = name
    frame.attrs[PROVENANCE] |= {"model": name, "adapter": name}
    service.sessions.show(ShownScores(shown, columns_from_table(frame), frame))
    text = ask(export_heatmap, service, asked("csv", set=name))["text"]
    header, *lines = csv.reader(io.StringIO(text, newline=""))
    assert text.startswith('"row_id","position"') and len(lines) == 9
    found = dict(zip(header, lines[0], strict=True))
    assert {found["set"], found["model"]} == {"'" + name if name.startswith("=") else name}
    risky = [cell for line in [header, *lines] for cell in line if cell.startswith(tuple("=+-@\t\r"))]
    assert risky == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format": "exe"}, SettingError),
        ({"format": None}, InputError),
        ({"signal": "knowlege_swap"}, SettingError),
        ({"signal": "row"}, SettingError),
        ({"row": 3}, InputError),
        ({"row": 2}, InputError),
        ({"row": "0"}, InputError),
    ],
)
def test_a_question_that_cannot_be_is_refused(service: Service, change: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        ask(export_heatmap, service, {**asked("html"), **change})


def test_wide_letters_count_two_and_marks_none() -> None:
    assert [cells(text) for text in ("abc", "日本", "e\u0301", "\u202e", "")] == [3, 4, 1, 0, 0]


def test_the_page_follows_the_scheme_of_its_reader_and_stays_readable(service: Service) -> None:
    text = ask(export_heatmap, service, asked("html"))["text"]
    light, dark = re.findall(r"--page: (#\w+); --ink: (#\w+)", text)
    assert "@media screen and (prefers-color-scheme: dark)" in text
    for page, ink in (light, dark):
        for hue in heatmap_page.HUES.values():
            fill = [
                heatmap_page.TOP * int(part) + (1 - heatmap_page.TOP) * own
                for part, own in zip(hue.split(), channels(page), strict=True)
            ]
            bright, dim = sorted((luminance(channels(ink)), luminance(fill)), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5


def channels(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def luminance(colour: list[float]) -> float:
    """Relative luminance as WCAG defines it."""
    linear = [(c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (":\n\n", ("", ":↵↵", "\n")),
        ("\n   ", ("", "↵", "\n   ")),
        ("   ", ("", "␣␣␣", "")),
        ("\n  y", ("\n  ", "y", "")),
        ("x  \n", ("", "x↵", "\n")),
        (" \u200f", (" ", "·", "")),
    ],
)
def test_a_line_break_breaks_the_line_and_has_a_sign(text: str, parts: tuple[str, str, str]) -> None:
    assert outer_space(text) == parts


def test_a_picture_goes_on_where_the_line_after_a_break_begins() -> None:
    pieces = [Piece(at, "", text, 0, 0, 0, "plain", 0, "", 0) for at, text in enumerate(("a:\n  ", "b"))]
    drawn = "".join(_row(HeatRow("r", "", tuple(pieces), ""), PLAIN, "0, 0, 0", 0.0)[0])
    places = re.findall(r'<text class="t" x="([\d.]+)" y="([\d.]+)"', drawn)
    (left, top), (indented, below) = [tuple(map(float, place)) for place in places]
    assert (indented - left, below - top) == (pytest.approx(2 * CELL, abs=0.2), LINE)


def test_numbers_in_text_from_right_to_left_are_marked_so() -> None:
    pieces = [Piece(at, "", text, 0, 0, 0, "chosen", 0, "", 0) for at, text in enumerate(("עדה", " 1", "9"))]
    row = heatmap_page._row(HeatRow("r", "", tuple(pieces), ""), PLAIN)
    assert (row.count('class="t d"'), row.count("<i></i>")) == (2, 1)
    drawn = "".join(_row(HeatRow("r", "", tuple(pieces), ""), PLAIN, "0, 0, 0", 0.0)[0])
    word, one, nine = [float(left) for left in re.findall(r'<text class="t" x="([\d.]+)"', drawn)]
    assert one < nine < word
