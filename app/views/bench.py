"""What a run stands on, by its config: which rows, which model. Only runs of one bench can be compared."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.words import adapter_words
from tokenunlearn.data.rows import FORGET, RETAIN, WORLD
from tokenunlearn.documents.words import rows_words
from tokenunlearn.models.embedded import EMBEDDED_NAME

MEASURED: Final = (FORGET, RETAIN, WORLD)  # the rows that figures are of
_SHORT: Final = 8


@dataclass(frozen=True)
class Bench:
    """The rows and the starting model of a run, in words, and the hash of each.

    `rows` is of all rows that figures are of; `start` of the names of model and adapter.
    """

    data: str
    rows: str
    model: str
    adapter: str
    start: str


def bench_of(config: Mapping[str, Any]) -> Bench:
    """Return the bench of a run's config."""
    model, adapter = str(config.get("model") or EMBEDDED_NAME), config.get("adapter")
    return Bench(
        data=_data_words(config),
        rows=_hash([config.get(split) or [] for split in MEASURED]),
        model=Path(model).name,
        adapter=adapter_words(Path(str(adapter))) if adapter else "none",
        start=_hash([model, adapter]),
    )


def _data_words(config: Mapping[str, Any]) -> str:
    """Return the name of the data, where it is known, the set of the rows to forget, and their number."""
    named = [str(config[name]) for name in ("data_name", "set") if config.get(name)]
    rows = config.get(FORGET)
    return ", ".join([*dict.fromkeys(named), rows_words(len(rows) if isinstance(rows, list) else 0)])


def _hash(value: Any) -> str:
    content = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:_SHORT]
