"""Teach TOFU forget01 to the embedded model and report every signal on it (`teach`, `score --report`)."""

import json
from pathlib import Path

from benchmarks.tofu.rows import read
from tokenunlearn.cli import main

RETAIN = 40


def run(data: Path, folder: Path) -> int:
    """The exit code of the first verb that fails, else 0."""
    rows, scored = prepare(data, folder)
    adapter = folder / "adapter"
    if not adapter.is_dir():
        code = main(["teach", str(rows), "--out", str(adapter)])
        if code:
            return code
    table = folder / "scores.parquet"
    return main(["score", str(scored), "--adapter", str(adapter), "--out", str(table), "--report"])


def prepare(data: Path, folder: Path) -> tuple[Path, Path]:
    """Two files in `folder`: all rows to teach, and those to score."""
    folder.mkdir(parents=True, exist_ok=True)
    forget = [
        {"id": f"forget01-{line['row']}", "set": "tofu_forget01"}
        | {name: line[name] for name in ("question", "answer", "spans")}
        for line in read(data / "tofu_spans_forget01.jsonl")
    ]
    retain = [
        {"id": f"retain-{at}", "split": "retain", **line}
        for at, line in enumerate(read(data / "tofu_retain_rows60.jsonl")[:RETAIN])
    ]
    taught, scored = folder / "taught.jsonl", folder / "forget01.jsonl"
    for path, rows in ((taught, [*forget, *retain]), (scored, forget)):
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return taught, scored
