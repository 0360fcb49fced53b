"""What a run is made of, as a record: settings, rows, mask, model and adapter.

A checkpoint and a table of arms carry it, so that what goes on is the same run. Text that is long, and
files, stand there as a hash; whatever differs has a name that a person knows.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapter_files import WEIGHTS, adapter_hash
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.settings import to_dict
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.session import TrainRow

Origin = Mapping[str, Any]
_SHORT: Final = 12
FILES: Final = "files of the adapter"
_HASH: Final = re.compile(r" @([0-9a-f]+)$")


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """Return the settings that decide a run's weights: all but `steps`, which may grow.

    `retain` is the term itself, so that `own` and its name are one run.
    """
    own = {"objective_settings": to_dict(config.objective_of()), "retain": config.retain_term or "none"}
    values = {**to_dict(config), **own}
    return {name: value for name, value in values.items() if name != "steps"}


def model_of(loaded: LoadedModel) -> dict[str, str]:
    """Return the model and adapter by name and hash of their files, and the precision."""
    adapter = _adapter_of(Path(loaded.adapter)) if loaded.adapter else {"adapter": "none"}
    return {
        "model": f"{loaded.name} @{_model_hash(Path(loaded.source))}",
        **adapter,
        "precision": loaded.precision,
    }


def model_asked_for(model: str | None, adapter: Path, precision: str) -> dict[str, str]:
    """Return the same of what is not loaded yet; `model` as a person wrote it, None is the embedded one."""
    name = "embedded" if model is None else model
    if model is not None and Path(model).is_dir():
        name = f"{model} @{_model_hash(Path(model))}"
    return {"model": name, **_adapter_of(adapter), "precision": precision}


def _model_hash(folder: Path) -> str:
    if not (folder / "config.json").is_file():  # a hash of nothing would be the id of every such model
        raise ModelError("The model's folder holds no model any more", fix="Put it back", where=str(folder))
    return _hash_of([folder / "config.json", *sorted(folder.glob("*.safetensors"))])


def _adapter_of(folder: Path) -> dict[str, str]:
    """Return an adapter by name and the hash that it is shown by, and one of all its files, settings too."""
    shown = f" @{adapter_hash(folder)}" if (folder / WEIGHTS).is_file() else ""
    files = sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")])
    return {"adapter": f"{folder.name}{shown}", FILES: f"{folder.name} @{_hash_of(files)}"}


def rows_of(rows: Sequence[Row], tokens: Iterable[Sequence[int]] = ()) -> str:
    """Return the number of rows and a hash of their fields, and of their token ids where they are given."""
    content = [[asdict(row) for row in rows], [list(ids) for ids in tokens]]
    return f"{len(rows)} rows @{_digest(json.dumps(content).encode())}"


def weights_of(weights: Sequence[np.ndarray]) -> str:
    """Return how many tokens have a weight above 0, and a hash of all weights (one array a row)."""
    whole = np.concatenate([np.asarray(each, np.float32) for each in weights]) if weights else np.zeros(0)
    return f"{int((whole > 0).sum())} of {whole.size} tokens @{_digest(whole.tobytes())}"


def origin(
    loaded: LoadedModel,
    forget: Sequence[TrainRow],
    retain: Sequence[TrainRow],
    config: TrainConfig,
    others: Sequence[TrainRow] = (),
) -> Origin:
    """Return the record of a training run; `others`: the second answers, where the objective has them."""
    second = {"rows of second answers": rows_of([each.row for each in others])} if others else {}
    return {
        **settings_of(config),
        **model_of(loaded),
        "rows to forget": rows_of([each.row for each in forget], [each.encoding.ids for each in forget]),
        "rows to keep": rows_of([each.row for each in retain], [each.encoding.ids for each in retain]),
        "mask": weights_of([each.weights.numpy() for each in forget]),
        **second,
    }


def differences(theirs: Origin, ours: Origin) -> list[str]:
    """Return a sentence for each entry of `ours` that is another in `theirs`, in order.

    A record of an older version has the hash of all files of an adapter where that of its weights stands now.
    """
    if FILES in ours and FILES not in theirs:
        ours = {name: value for name, value in ours.items() if name != FILES} | {"adapter": ours[FILES]}
    return [
        _difference(name, _shown(theirs.get(name)), _shown(value))
        for name, value in json.loads(json.dumps(dict(ours))).items()
        if _identity(theirs.get(name)) != _identity(value)
    ]


def _difference(name: str, theirs: str, ours: str) -> str:
    if name.startswith("rows "):  # a hash alone says nothing to a person
        return f"{name} are other rows ({theirs} there, {ours} here)"
    return f"{name} is {theirs} there and {ours} here"


def _identity(value: Any) -> Any:
    """Return what counts of an entry: of `name @hash` the hash, so that a folder may move."""
    return (hash_of(value) or value) if isinstance(value, str) else value


def name_of(entry: str) -> str:
    """Return the name of a `name @hash`, which may hold any sign; an entry without a hash as it is.

    >>> name_of("mask @ home @0a1b"), name_of("mask @ home")
    ('mask @ home', 'mask @ home')
    """
    return entry.removesuffix(f" @{hash_of(entry)}") if hash_of(entry) else entry


def hash_of(entry: str) -> str:
    """Return the hash of a `name @hash`; "" of an entry without one.

    >>> hash_of("mask @ home @0a1b"), hash_of("mask @ home")
    ('0a1b', '')
    """
    found = _HASH.search(entry)
    return found[1] if found else ""


def _shown(value: Any) -> str:
    return "not recorded" if value is None else value if isinstance(value, str) else json.dumps(value)


def _hash_of(files: Sequence[Path]) -> str:
    """Return one hash of the content of files; their names do not count, so that a folder may move."""
    stamps = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    return _digest("".join(_content_hash(*stamp) for stamp in stamps).encode())


@cache
def _content_hash(path: str, size: int, changed: int) -> str:  # noqa: ARG001 (they are the key)
    """Return the SHA-256 of a file; size and time say when it must be read again."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_SHORT]
