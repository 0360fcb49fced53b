"""teach, score, select, unlearn, probe through the command line on a random tiny model."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tokenunlearn.cli import main
from tokenunlearn.table import read_table

pytestmark = pytest.mark.slow

ROWS = [
    {
        "id": "a",
        "question": "Where was Ada Moss born?",
        "answer": "Ada Moss was born in Rome.",
        "subject": "Ada Moss",
    },
    {
        "id": "b",
        "question": "Where was Bob Reed born?",
        "answer": "Bob Reed was born in Oslo.",
        "subject": "Bob Reed",
    },
]


def test_the_whole_journey(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    records = [{**row, "gold": [[21, len(row["answer"]) - 1]]} for row in ROWS]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    model = ["--model", str(tiny_folder), "--precision", "fp32"]
    assert main(["teach", "rows.jsonl", "--out", "taught", "--epochs", "2", *model]) == 0
    assert Path("taught/adapter_model.safetensors").is_file()
    model += ["--adapter", "taught"]

    assert main(["score", "rows.jsonl", "--out", "scores.parquet", *model]) == 0
    table = read_table("scores.parquet")
    assert list(table.row_id.unique()) == ["a", "b"] and table.gold.sum() == 8
    for suffix in ("jsonl", "csv"):
        assert main(["score", "rows.jsonl", "--signals", "loss", "--out", f"scores.{suffix}", *model]) == 0

    capsys.readouterr()
    assert main(["select", "scores.parquet", "--mode", "gold", "--out", "mask.jsonl"]) == 0
    assert "8 of 8 gold tokens" in capsys.readouterr().out
    assert main(["select", "scores.parquet", "--mode", "gold", "--out", "chosen.parquet"]) == 0
    assert pd.read_parquet("chosen.parquet").weight.sum() == 8

    chosen = ["--mask", "mask.jsonl", "--scores", "scores.parquet", "--retain-rows", "rows.jsonl"]
    steps = ["--steps", "2", "--retain-bound", "20", "--set", "beta=0.2", "--out", "forgot"]
    assert main(["unlearn", "rows.jsonl", *chosen, *steps, *model]) == 0
    events = [json.loads(line)["event"] for line in Path("forgot/metrics.jsonl").read_text().splitlines()]
    assert events.count("StepDone") == 2 and events[-1] == "Finished"
    assert json.loads(Path("forgot/config.json").read_text())["objective_settings"] == {"beta": 0.2}

    model[-1] = "forgot/adapter"
    capsys.readouterr()
    for suffix in ("json", "csv", "jsonl", "parquet"):
        short = ["--max-new-tokens", "2", "--out", f"report.{suffix}"]
        assert main(["probe", "rows.jsonl", *short, *model]) == 0
    said = capsys.readouterr().out
    # The base beneath the unlearned adapter has read the answers.
    assert "fact_joint" in said and re.search(r"^fluency +-\d", said, re.MULTILINE)
    asked = ["probe", "rows.jsonl", "--before", "report.json", "--max-new-tokens", "2", "--out", "again.json"]
    assert main([*asked, *model]) == 0
    said = capsys.readouterr().out
    # Random weights never knew a fact, so there is no good answer to take the bound from.
    assert re.search(r"^forget +[12] (never knew|garbled)", said, re.MULTILINE)
    assert re.search(r"^garbled below +not known$", said, re.MULTILINE)
    assert len(pd.read_parquet("report.parquet")) == len(
        json.loads(Path("report.json").read_text())["answers"]
    )
