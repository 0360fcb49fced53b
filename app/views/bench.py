"""What a run stands on, by its config: which rows, which model. Only runs of one bench can be compared."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.words import adapter_words
from tokenunlearn.data.rows import FORGET, RETAIN, WORLD
from tokenunlearn.documents.words import rows_words
from tokenunlearn.models.embedded import EMBEDDED_NAME

MEASURED: Final = (FORGET, RETAIN, WORLD)  # the rows that figures are of
UNMEASURED: Final = ("subject", "attribute", "set", "split")  # fields of a row that decide no figure
NO_ADAPTER: Final = "none"
_SHORT: Final = 8


@dataclass(frozen=True)
class Bench:
    """The rows and the starting model of a run, in words, and the hash of each.

    `rows` is of all rows that figures are of, "" where none are known; `start` of the names of model and
    adapter.
    """

    data: str
    rows: str
    model: str
    adapter: str
    start: str

    @property
    def model_words(self) -> str:
        """The starting model in words."""
        return self.model if self.adapter == NO_ADAPTER else f"{self.model} + {self.adapter}"


def bench_of(config: Mapping[str, Any]) -> Bench:
    """Return the bench of a run's config."""
    rows = [_measured(config.get(split) or []) for split in MEASURED]
    model, adapter = str(config.get("model") or EMBEDDED_NAME), config.get("adapter")
    return Bench(
        data=_data_words(config),
        rows=_hash(rows) if any(rows) else "",
        model=Path(model).name,
        adapter=adapter_words(Path(str(adapter))) if adapter else NO_ADAPTER,
        start=_hash([model, adapter]),
    )


def _measured(rows: Any) -> Any:
    """Return what figures depend on of the rows: a subject that a person gave changes none."""
    if not isinstance(rows, list):
        return rows
    return [
        {name: value for name, value in each.items() if name not in UNMEASURED}
        if isinstance(each, Mapping)
        else each
        for each in rows
    ]


def told_apart(benches: Sequence[Bench]) -> list[dict[str, str]]:
    """Return each bench for the page, `{key, data, model}`: other rows or another model have other words.

    `key` is equal where figures can be held against each other.
    """
    data = _apart({each.rows: each.data for each in benches})
    models = _apart({each.start: each.model_words for each in benches})
    return [
        {
            "key": f"{each.rows or at} {each.start}",
            "data": data[each.rows],
            "model": models[each.start],
        }
        for at, each in enumerate(benches)
    ]


def _apart(words: Mapping[str, str]) -> dict[str, str]:
    """Return the words of each hash; where several have the same ones, with the hash."""
    count = Counter(words.values())
    return {key: f"{text} @{key}" if count[text] > 1 else text for key, text in words.items()}


def _data_words(config: Mapping[str, Any]) -> str:
    """Return the name of the data, where it is known, the set of the rows to forget, and their number."""
    named = [str(config[name]) for name in ("data_name", "set") if config.get(name)]
    rows = config.get(FORGET)
    counted = [rows_words(len(rows))] if isinstance(rows, list) and rows else []
    return ", ".join([*dict.fromkeys(named), *counted]) or "not known"


def _hash(value: Any) -> str:
    content = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:_SHORT]
