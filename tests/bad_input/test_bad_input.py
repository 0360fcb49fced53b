"""Bad input → the expected sentence, exit code 2, no traceback, nothing written (cases/errors.jsonl)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tokenunlearn.cli import main

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "errors.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_bad_input(
    case: dict[str, Any],
    tmp_path: Path,
    tiny_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in case["files"].items():
        (tmp_path / name).write_text(text.replace("REPEATED", "a" * case.get("repeat", 0)), encoding="utf-8")
    before = sorted(each.name for each in tmp_path.iterdir())
    arguments = [str(tiny_folder) if each == "TINY" else each for each in case["arguments"]]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert case["sentence"] in captured.err
    assert "error: " in captured.err and "Traceback" not in captured.err
    assert captured.out == ""
    assert sorted(each.name for each in tmp_path.iterdir()) == before


def test_the_issue_s_eight_are_in_the_table() -> None:
    names = {case["name"] for case in CASES}
    asked = {"missing model folder", "empty file", "row without answer", "wrong JSON", "5,000-token row"}
    assert asked | {"NaN learning rate", "alpha = 2", "unknown signal"} <= names
