"""Is the claim shown on TOFU forget01? Teach it to the embedded model, then `validate` (resumable)."""

from pathlib import Path

from benchmarks.tofu.taught import prepare
from tokenunlearn.cli import main


def run(data: Path, folder: Path) -> int:
    """Return the exit code of the first verb that fails, else 0."""
    rows, _ = prepare(data, folder)
    adapter = folder / "adapter-validated"
    if not adapter.is_dir():
        # Small batches need fewer passes over the rows.
        code = main(["teach", str(rows), "--out", str(adapter), "--batch", "5"])
        if code:
            return code
    return main(["validate", str(rows), "--adapter", str(adapter), "--out", str(folder / "validated.jsonl")])
