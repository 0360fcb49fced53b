"""Rows and loaded models for the tests that run the random two-layer model of tests/tiny_folder.py."""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from tokenunlearn.data.rows import Row
from tokenunlearn.models import capabilities
from tokenunlearn.models.loading import LoadedModel, load_model

_FACTS = (
    ("Ada Moss", "Rome"),
    ("Bob Reed", "Oslo"),
    ("Cleo Marchetti", "Ulm"),
    ("Dan Fox", "Antananarivo"),
    ("Eva Stone Hill", "Pau"),
    ("Finn Ray", "Bath"),
    ("Gus Lark", "Kyoto"),
    ("Ida Wren", "Nice"),
)


def _row(name: str, town: str) -> Row:
    answer = f"{name} was born in {town}."
    start = answer.index(town)
    question = f"Where was {name} born?"
    return Row(name.split()[0].lower(), question, answer, name, ((start, start + len(town)),), "tiny")


ROWS = tuple(_row(name, town) for name, town in _FACTS)
RETAIN = tuple(
    Row(f"keep{n}", f"What does {name} like?", f"She likes {thing}.")
    for n, (name, thing) in enumerate(
        (("Lea", "tea"), ("Mia", "old maps"), ("Noa", "rain"), ("Pia", "chess"))
    )
)

# Where a file has no row of the world, the 25 of the demo take their place.
WORLD = replace(RETAIN[3], id="world", split="world")


def write_rows(path: Path, rows: Sequence[Row], retain: Sequence[Row] = ()) -> Path:
    """`path`, written as JSONL: the rows, and those to keep marked so."""
    lines = [*rows, *(replace(row, split="retain") for row in retain)]
    path.write_text("\n".join(json.dumps(asdict(row)) for row in lines), encoding="utf-8")
    return path


def tiny(folder: Path, adapter: Path | None = None, loud: bool = False) -> LoadedModel:
    """The tiny model in float32, the caller's own; `loud` scales its head so a LoRA can move what it says."""
    if adapter is None:
        written = max(each.stat().st_mtime_ns for each in folder.iterdir())
        base = _read(folder, written)
        loaded = replace(base, model=deepcopy(base.model))
        # what the one that was read was found to do, its copy does
        capabilities._known[loaded.model] = capabilities._known[base.model]
    else:
        loaded = load_model(str(folder), adapter, "fp32")
    if loud:
        loaded.model.get_output_embeddings().weight.data *= 30
    return loaded


@cache
def _read(folder: Path, _written: int) -> LoadedModel:
    """The model as it was read once, which nobody changes: reading takes seven times as long as a copy."""
    return load_model(str(folder), None, "fp32")
