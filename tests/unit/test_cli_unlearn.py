"""`unlearn` on a tiny model: what a mask and an old result belong to is asked before anything is written."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_rows import RETAIN, ROWS
from tokenunlearn.cli import main
from tokenunlearn.cli.attack import _folder as attack_folder
from tokenunlearn.cli.unlearn import few_words
from tokenunlearn.training.config import FEW, TrainConfig

pytestmark = pytest.mark.slow

FORGET = ROWS[:2]
QUICK = ["--steps", "2", "--rank", "2", "--retain-bound", "20", "--precision", "fp32"]


def rows_file(path: Path, rows: Any, keys: tuple[str, ...] = ()) -> str:
    records = [{name: value for name, value in asdict(row).items() if name not in keys} for row in rows]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return str(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_folder: Path) -> Path:
    """A working folder with rows a.jsonl, their retain rows, scores and a mask of the gold tokens."""
    monkeypatch.chdir(tmp_path)
    rows_file(tmp_path / "a.jsonl", FORGET)
    rows_file(tmp_path / "keep.jsonl", [replace(row, split="retain") for row in RETAIN[:2]])
    assert main(["score", "a.jsonl", "--signals", "knowledge_swap,entropy", "--out", "s.parquet",
                 "--model", str(tiny_folder), "--precision", "fp32"]) == 0  # fmt: skip
    assert main(["select", "s.parquet", "--mode", "gold", "--out", "m.jsonl"]) == 0
    return tmp_path


def test_of_few_rows_it_says_how_the_page_trains_them_unless_something_was_said() -> None:
    flags = "--learning-rate 0.0003 --steps 40 --stop-fact-below 0.1"
    assert few_words(TrainConfig(), 1) == f"few rows break easily: the page trains them with {flags}\n"
    assert few_words(TrainConfig(), FEW + 1) == few_words(TrainConfig(stop_fact_below=0.2), 1) == ""


def unlearn(model: Path, *more: str, rows: str = "a.jsonl", out: str = "o") -> int:
    return main(["unlearn", rows, "--retain-rows", "keep.jsonl", "--model", str(model), "--out", out, *QUICK,
                 *more])  # fmt: skip


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_result_is_never_replaced_by_another_run(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unlearn(tiny_folder) == 0
    before = content(folder / "o")
    shutil.copytree(folder / "o" / "adapter", folder / "copied" / "adapter")
    for more, words in (
        (["--objective", "ga", "--seed", "7"], "objective is npo there and ga here; "),
        (["--seed", "7"], "seed is 0 there and 7 here"),
        (["--rank", "4"], "rank is 2 there and 4 here"),
        (["--steps", "1"], "at step 2, and 1 steps are asked for"),
        (["--mask", "m.jsonl"], "mask is "),
        (["--adapter", "copied/adapter"], "adapter is none there and adapter @"),
        (["--set", "beta=0.7"], "objective_settings is "),
    ):
        capsys.readouterr()
        assert unlearn(tiny_folder, *more) == 2, more
        assert words in capsys.readouterr().err
    rows_file(folder / "b.jsonl", ROWS[2:4])
    assert unlearn(tiny_folder, rows="b.jsonl") == 2
    assert "rows to forget are other rows (2 rows @" in capsys.readouterr().err
    assert content(folder / "o") == before

    assert unlearn(tiny_folder) == 0  # the same again
    after = content(folder / "o")
    assert (
        after["%s/adapter/adapter_model.safetensors" % (folder / "o")]
        == before["%s/adapter/adapter_model.safetensors" % (folder / "o")]
    )
    assert unlearn(tiny_folder, "--steps", "3") == 0
    steps = [json.loads(line) for line in (folder / "o/metrics.jsonl").read_text().splitlines()]
    assert [each["step"] for each in steps if each["event"] == "StepDone"] == [1, 2, 3]
    assert json.loads((folder / "o/config.json").read_text())["steps"] == 3


def test_a_result_without_its_checkpoint_is_not_begun_anew(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "o/adapter").mkdir(parents=True)
    assert unlearn(tiny_folder) == 2
    assert "holds the adapter of a run and no checkpoint" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_scores_of_another_model_are_said(tiny_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masked = ("--scores", "s.parquet", "--mask", "m.jsonl")
    assert unlearn(tiny_folder, *masked) == 0
    assert "scored on another model" not in capsys.readouterr().err
    assert unlearn(tiny_folder, "--adapter", "o/adapter", *masked, out="again") == 0
    assert "scored on another model" in capsys.readouterr().err


@pytest.mark.parametrize("scores", [[], ["--scores", "s.parquet"]])
def test_a_mask_fits_its_own_text_alone(
    folder: Path, tiny_folder: Path, scores: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows swapped in a file without ids have equal ids and counts; what they say is another thing."""
    ids = ("id",)
    rows_file(folder / "a.jsonl", FORGET, ids)
    assert main(["score", "a.jsonl", "--signals", "knowledge_swap,entropy", "--out", "s.parquet",
                 "--model", str(tiny_folder), "--precision", "fp32"]) == 0  # fmt: skip
    assert main(["select", "s.parquet", "--mode", "gold", "--out", "m.jsonl"]) == 0
    rows_file(folder / "b.jsonl", FORGET[::-1], ids)
    capsys.readouterr()
    assert unlearn(tiny_folder, "--mask", "m.jsonl", *scores, rows="b.jsonl") == 2
    assert "The mask belongs to other text: rows row-1, row-2 differ" in capsys.readouterr().err
    assert not (folder / "o").exists()
    assert unlearn(tiny_folder, "--mask", "m.jsonl", *scores) == 0


def test_a_mask_of_nothing_is_refused_before_the_model_loads(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["select", "s.parquet", "--fraction", "0", "--out", "none.jsonl"]) == 0
    assert "No token is chosen" in capsys.readouterr().err
    for scores in ([], ["--scores", "s.parquet"]):
        assert unlearn(Path("/none"), "--mask", "none.jsonl", *scores) == 2
        assert "No token is chosen" in capsys.readouterr().err
    assert not (folder / "o").exists()


@pytest.mark.usefixtures("folder")
def test_rows_without_a_chosen_token_are_told(tiny_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = ["--mode", "top_k", "--k", "0", "--override", "3=in"]
    assert main(["select", "s.parquet", *one, "--out", "one.jsonl"]) == 0
    assert "1 of 2 rows have no chosen token and add nothing: bob" in capsys.readouterr().err
    assert unlearn(tiny_folder, "--mask", "one.jsonl") == 0
    assert "1 of 2 rows have no chosen token and add nothing: bob" in capsys.readouterr().err


def test_what_is_trained_is_said_and_kept_and_the_folder_is_no_run(
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unlearn(tiny_folder) == 0
    assert "no --mask: every token of the rows to forget is trained, with weight 1" in capsys.readouterr().err
    assert json.loads((folder / "o/config.json").read_text())["mask"].startswith("no --mask: every token")
    assert unlearn(tiny_folder, "--mask", "m.jsonl", out="masked") == 0
    assert "no --mask" not in capsys.readouterr().err
    gold = sum(end - start for row in FORGET for start, end in row.gold)  # a token is a character
    trained = json.loads((folder / "masked/config.json").read_text())["mask"]
    assert trained.startswith("m.jsonl @") and f": {gold} of " in trained
    assert attack_folder(Path("o")) == (Path("o"), None)  # no run of the page, and yet what can be attacked
    assert main(["report", "o", "--out", "o.html"]) == 2
    said = capsys.readouterr().err
    assert "o is a folder of `unlearn`" in said and "probe ROWS --adapter o/adapter" in said
    assert "iscard" not in said and not (folder / "o.html").exists()
    (folder / "o/config.json").write_text("{}")  # of no `unlearn`: a run that lost its state
    assert main(["report", "o", "--out", "o.html"]) == 2
    assert "state.json of o cannot be read: it is missing" in capsys.readouterr().err


def test_without_rows_to_keep_the_worlds_facts_are_kept(  # as on the page
    folder: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = ["unlearn", str(folder / "a.jsonl"), "--model", str(tiny_folder), "--out", "bare", *QUICK]
    assert main(verb) == 0
    assert "no row to keep: facts of the world take their place (25)" in capsys.readouterr().err
    events = [json.loads(line) for line in (folder / "bare" / "metrics.jsonl").read_text().splitlines()]
    kept = [event["retain_loss"] for event in events if "retain_loss" in event]
    assert len(kept) == 2 and all(loss is not None and loss > 0 for loss in kept)
    assert unlearn(tiny_folder) == 0
    assert "stand in" not in capsys.readouterr().err
