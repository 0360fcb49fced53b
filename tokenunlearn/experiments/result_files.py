"""Which files belong to one file of measurements."""

from pathlib import Path


def beside(results: Path) -> tuple[Path, Path]:
    """Return where the scores and the mask of a file of measurements lie."""
    return results.with_suffix(".scores.parquet"), results.with_suffix(".mask.jsonl")
