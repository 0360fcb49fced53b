"""A report from before that is none, or a broken one, is refused before the model is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from tokenunlearn.cli import main
from tokenunlearn.probes.report import report_fault

LINE = {"kind": "forget", "row_id": "a", "question": "Q?", "answer": "A.", "fact_joint": 0.5}
BROKEN: dict[str, tuple[Any, str]] = {
    "a list": ([LINE], "It has no answers"),
    "no answers": ({"summary": {}}, "It has no answers"),
    "answers that are no list": ({"answers": {"a": LINE}}, "It has no answers"),
    "an answer that is not an object": ({"answers": [LINE, "A."]}, "Answer 2 is not an object"),
    "no kind": ({"answers": [LINE | {"kind": None}]}, "Answer 1 has no kind"),
    "a question that is a number": ({"answers": [LINE | {"question": 3}]}, "Answer 1 has no question"),
    "no answer": ({"answers": [LINE | {"answer": None}]}, "Answer 1 has no answer"),
    "a fluency in words": (
        {"answers": [LINE | {"fluency": "good"}]},
        "The fluency of answer 1 is not a number",
    ),
    "a fluency that is not a number": ({"answers": [LINE | {"fluency": float("nan")}]}, "is not a number"),
    "a probability that is true": ({"answers": [LINE | {"fact_joint": True}]}, "fact_joint of answer 1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_report_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    content, words = BROKEN[name]
    Path("before.json").write_text(json.dumps(content), encoding="utf-8")
    asked = ["probe", "--demo", "--before", "before.json", "--out", "after.json", "--model", "/nowhere"]
    assert main(asked) == 2
    said = capsys.readouterr().err
    assert "This is not a report" in said and words in said and "Traceback" not in said
    assert not Path("after.json").exists()


def test_a_report_of_any_version_is_none_of_these() -> None:
    assert report_fault({"answers": [LINE, LINE | {"fluency": None}, LINE | {"fluency": -2}]}) == ""


@pytest.mark.parametrize(
    ("verb", "flag"),
    [
        (["report", "arms.jsonl", "--out", "page.html"], "--plots"),
        (["report", "arms.jsonl", "--out", "page.html"], "--json"),
        (["report", "arms.jsonl"], "--out"),
        (["perturb", "--demo"], "--plots"),
        (["probe", "--demo", "--out", "x.json", "--depth", "taught"], "--plots"),
    ],
)
def test_what_cannot_be_written_is_refused_under_the_flag_that_named_it(
    verb: list[str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = {"--json": "nowhere/x.json", "--out": "nowhere/x.html"}.get(flag, "nowhere/plots")
    assert main([*verb, flag, name]) == 2
    said = capsys.readouterr().err
    assert f"Cannot write {name}. Its folder does not exist. Make the folder first. Where: {flag}." in said
