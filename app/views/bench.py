"""What a run stands on, by its config: which rows, which model, how measured. Only one bench is compared."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from app.words import setting_label
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.data.rows import CHOICE, FORGET, HOLDOUT, RETAIN, WORLD, row_to_dict
from tokenunlearn.documents.words import rows_words
from tokenunlearn.models.embedded import EMBEDDED_NAME
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.runs.artifact import adapter_words
from tokenunlearn.runs.run_probes import probe_settings
from tokenunlearn.settings import SettingInfo, describe

MEASURED: Final = (FORGET, RETAIN, WORLD)  # the rows that every run has figures of
UNMEASURED: Final = ("subject", "attribute", "set", "split")  # fields of a row that decide no figure
NO_ADAPTER: Final = "none"
AUTO: Final = "auto"
_SHORT: Final = 8


@dataclass(frozen=True)
class Bench:
    """The rows and the starting model of a run, in words, and the hash of each.

    `rows` is of the rows that the config names, "" where it names none, `measured` of those that figures are
    of; `start` of the names of model and adapter. `way`: what else decides a figure, by name, in words.
    """

    data: str
    rows: str
    measured: str
    model: str
    adapter: str
    start: str
    way: Mapping[str, str]

    @property
    def model_words(self) -> str:
        """The starting model in words."""
        return self.model if self.adapter == NO_ADAPTER else f"{self.model} + {self.adapter}"


def bench_of(config: Mapping[str, Any]) -> Bench:
    """Return the bench of a run's config."""
    rows, measured = _rows_hash(config), _rows_hash({**config, WORLD: _world(config)})
    model, adapter = str(config.get("model") or EMBEDDED_NAME), config.get("adapter")
    return Bench(
        data=_data_words(config),
        rows=rows,
        measured=measured,
        model=Path(model).name,
        adapter=adapter_words(Path(str(adapter))) if adapter else NO_ADAPTER,
        start=_hash([model, adapter]),
        way=_way(config),
    )


def used_precision(config: Mapping[str, Any]) -> str:
    """Return the precision that a run was made in; where it says `auto`, what that means on this machine."""
    word = str(config.get("precision") or AUTO)
    return _auto_means() if word == AUTO else word


@cache
def _auto_means() -> str:
    from tokenunlearn.models.loading import resolve_precision  # torch, only where it has to be asked

    return resolve_precision(AUTO)[0]


def _way(config: Mapping[str, Any]) -> dict[str, str]:
    """Return in words what decides a figure beside its rows and model; rows by number and hash.

    What switches a figure on or off decides none. The arms of a sweep have no figure of rows held out or of a
    choice.
    """
    probes, of_arms = probe_settings(config), config.get("sweep")
    held_out = config.get(HOLDOUT) if probes["membership"] and not of_arms else None
    amounts = [info for info in describe(ProbeSettings) if info.type != "bool"]
    return {
        "precision": used_precision(config),
        **{setting_label(info).lower(): _amount(info, probes[info.name]) for info in amounts},
        "holdout rows": _rows_told(held_out),
        "choice rows": _rows_told(None if of_arms else config.get(CHOICE)),
    }


def _amount(info: SettingInfo, value: Any) -> str:
    return info.unset if value is None else str(value)


def _rows_told(rows: Any) -> str:
    if not rows:
        return "none"
    return f"{len(rows) if isinstance(rows, list) else rows} @{_hash(_measured(rows))}"


def _rows_hash(config: Mapping[str, Any]) -> str:
    rows = [_measured(config.get(split) or []) for split in MEASURED]
    return _hash(rows) if any(rows) else ""


def _world(config: Mapping[str, Any]) -> Any:
    """Return the rows of the world; a sweep without any measures those of the demo."""
    of_demo = config.get("sweep") and config.get(FORGET)
    return config.get(WORLD) or (list(map(row_to_dict, demo_rows(WORLD))) if of_demo else [])


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
    """Return each bench for the page, `{key, data, model, way}`: other rows, another model have other words.

    `key` is equal where figures can be held against each other; where rows are not known, with none. `way`
    says in which ways of measuring the benches differ, "" where in none.
    """
    data = _apart({each.measured: each.data for each in benches if each.measured})
    models = _apart({each.start: each.model_words for each in benches})
    names = dict.fromkeys(name for each in benches for name in each.way)
    differ = [name for name in names if len({each.way.get(name) for each in benches}) > 1]
    return [
        {
            "key": f"{each.measured or at} {each.start} {_hash(each.way)}",
            "data": data.get(each.measured, each.data),
            "model": models[each.start],
            "way": ", ".join(f"{name} {each.way[name]}" for name in differ),
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
