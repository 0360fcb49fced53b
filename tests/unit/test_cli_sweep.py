"""`sweep FILE` is `compare` from a file: the same measurements, and a slip in the file is told at once."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_rows import RETAIN, ROWS, WORLD, write_rows
from tokenunlearn.cli import main
from tokenunlearn.cli.sweep import asked_by
from tokenunlearn.experiments.arms import Arm
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.experiments.sweep import ArmBegins, place_words
from tokenunlearn.runs.disk import held_alone
from tokenunlearn.settings import from_flags

pytestmark = pytest.mark.slow

SETTINGS = """
rows = "rows.jsonl"
model = "tiny"
precision = "fp32"
arms = ["chosen", "random"]
seeds = 2
steps = 1
rank = 2
retain_bound = 20
set = {{ beta = 0.3, weights_mean_one = true }}
whole_words = false
{more}
"""


@pytest.fixture
def folder(tmp_path: Path, tiny_folder: Path) -> Path:
    """A folder with rows, and the model beside them."""
    write_rows(tmp_path / "rows.jsonl", (*ROWS[:2], WORLD), RETAIN[:2])
    (tmp_path / "tiny").symlink_to(tiny_folder)
    return tmp_path


def sweep(folder: Path, more: str = "", text: str = SETTINGS) -> int:
    file = folder / "night.toml"
    file.write_text(text.format(more=more))
    return main(["sweep", str(file)])


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def without_time(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "seconds"} for each in records]


def test_a_file_says_what_compare_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(folder) == 0
    told = capsys.readouterr()
    assert "chosen, seed 0, 1 of 4" in told.err and "random, seed 1, 4 of 4" in told.err
    assert "A control rules out" in told.out
    found = lines(folder / "night.results.jsonl")
    assert [(each["arm"], each["seed"]) for each in found[1:] if each["moment"] == "last step"] == [
        ("chosen", 0), ("random", 0), ("chosen", 1), ("random", 1)
    ]  # fmt: skip

    monkeypatch.chdir(folder)
    typed = [
        "--model",
        "tiny",
        "--precision",
        "fp32",
        "--arms",
        "chosen,random",
        "--seeds",
        "2",
        "--steps",
        "1",
    ]
    typed += ["--rank", "2", "--retain-bound", "20", "--set", "beta=0.3", "--set", "weights_mean_one=true"]
    assert main(["compare", "rows.jsonl", "--out", "typed.jsonl", *typed, "--no-whole-words"]) == 0
    header, *rest = lines(folder / "typed.jsonl")
    assert without_time(rest) == without_time(found[1:])
    differs = {name for name, value in header["origin"].items() if found[0]["origin"][name] != value}
    assert differs == {"model"}  # the path as it was typed

    # Once more: nothing is measured again, and what is new joins what there is.
    before = (folder / "night.results.jsonl").read_bytes()
    capsys.readouterr()
    assert sweep(folder) == 0
    assert "seed 0" not in capsys.readouterr().err
    assert (folder / "night.results.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("armz = 3", "There is no setting 'armz'"),
        ("help = true", "There is no setting 'help'"),
        ("seeds = 0", "night.toml"),  # the key stands twice
        ("entropy = 1979-05-27", "It is date"),
        ("mask = { a = 1 }", "It is dict"),
        ("seed = false", "It is no yes or no"),
        ("_h = true", "There is no setting '_h'"),
        ("objective = 'nppo'", "nppo"),
        ("equal_below = 'half'", "equal_below"),
    ],
)
def test_a_slip_in_the_file_is_told_before_anything_runs(
    folder: Path, more: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(folder, more) == 2
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said
    assert not (folder / "night.results.jsonl").exists()


def test_a_setting_may_stand_in_a_list_and_the_file_may_begin_with_a_mark_of_its_order(
    tmp_path: Path,
) -> None:
    file = tmp_path / "night.toml"
    file.write_text('demo = true\nset = ["beta=0.3", "weights_mean_one=true"]\n', encoding="utf-8-sig")
    assert asked_by(file).set == ["beta=0.3", "weights_mean_one=true"]


def test_one_process_writes_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with held_alone(folder / "night.results.jsonl"):
        assert sweep(folder) == 2
    assert f"Another process ({os.getpid()}) writes this" in capsys.readouterr().err


def test_a_mask_of_other_rows_is_told_before_anything_is_measured(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(folder / "others.jsonl", ROWS[3:5], RETAIN[:2])
    scores = ["score", str(folder / "others.jsonl"), "--model", str(folder / "tiny"), "--precision", "fp32"]
    assert main([*scores, "--out", str(folder / "scores.parquet")]) == 0
    assert main(["select", str(folder / "scores.parquet"), "--out", str(folder / "mask.jsonl")]) == 0
    assert sweep(folder, 'mask = "mask.jsonl"', SETTINGS.replace("whole_words = false\n", "")) == 2
    assert "The mask" in capsys.readouterr().err
    assert not (folder / "night.results.jsonl").exists()


def test_a_file_that_is_no_toml_or_is_not_there_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(folder, text="[[[") == 2
    assert "The file is no TOML" in capsys.readouterr().err
    assert main(["sweep", str(folder / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err


def test_the_file_shown_in_the_docs_says_what_it_means(root: Path, tmp_path: Path) -> None:
    (text,) = re.findall(
        r"```toml\n(.*?)```", (root / "docs" / "COMMAND_LINE.md").read_text("utf-8"), re.DOTALL
    )
    file = tmp_path / "night.toml"
    file.write_text(text)
    asked = asked_by(file)
    assert (asked.file, asked.adapter) == (str(tmp_path / "rows.jsonl"), str(tmp_path / "taught"))
    assert from_flags(CompareConfig, asked).seeds == 5 and len(from_flags(CompareConfig, asked).arms) == 5
    assert asked.out == str(tmp_path / "night.results.jsonl")


def test_the_time_left_is_that_of_the_arms_before() -> None:
    begins = ArmBegins(Arm("chosen"), 0, 1, 4)
    assert place_words(begins, 0.0) == "1 of 4"
    assert place_words(ArmBegins(Arm("chosen"), 0, 3, 4), 240.0) == "3 of 4, about 4 min left"
    assert place_words(ArmBegins(Arm("chosen"), 0, 4, 4), 30.0) == "4 of 4, under a minute left"
