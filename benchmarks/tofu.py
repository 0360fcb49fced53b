"""TOFU forget01 with public fact spans: teach 40 + 40 rows, then `score --report`. Minutes on a CPU.

    python -m benchmarks.tofu ../shared/data FOLDER

reads `tofu_spans_forget01.jsonl` (questions and answers of TOFU, spans of 2506.03142) and
`tofu_retain_rows60.jsonl`, writes rows and the taught adapter to FOLDER and prints the report. Text that none
of us wrote: whatever it shows is what the README says.
"""

import json
import sys
from pathlib import Path

from tokenunlearn.cli import main
from tokenunlearn.errors import InputError

RETAIN = 40


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


def read(path: Path) -> list[dict[str, object]]:
    """The JSON lines of a file. Raises InputError where it is absent."""
    if not path.is_file():
        raise InputError(
            f"There is no {path.name}", fix="Name the folder of the reference data", where=str(path)
        )
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(data: Path, folder: Path) -> int:
    """The exit code of the first verb that fails, else 0."""
    taught, scored = prepare(data, folder)
    adapter = folder / "adapter"
    if not adapter.is_dir():
        code = main(["teach", str(taught), "--out", str(adapter)])
        if code:
            return code
    table = folder / "scores.parquet"
    return main(["score", str(scored), "--adapter", str(adapter), "--out", str(table), "--report"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2])))
