"""Every file that a run's folder may hold: how it is looked at, and in which states a run lacks it.

What is JSON is checked by its record (`damage.py`), as it is wherever it is read. The others are checked by
their own readers, and here as far as that is quick: no weight is read.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.contents import opened, text_of
from tokenunlearn.data.json_text import Shape, by_name, count, each, from_json, misfit, number, record, text
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.runs.damage import State, record_fault, stamp_of, why_unread
from tokenunlearn.runs.disk import read_lines_since
from tokenunlearn.runs.kinds import TRAINING
from tokenunlearn.runs.states import DAMAGED, RESUMABLE
from tokenunlearn.training.events import known_events

_HEADER_BYTES: Final = 8  # before the header of a safetensors file: its length
_MOST_HEADER: Final = 100_000_000  # the format's own limit
_MOST_CHECKED: Final = 20_000  # files whose last look is remembered


@dataclass(frozen=True)
class RunFile:
    """One file that a run's folder may hold.

    look: what is wrong with it, from its path and the run's state; "" where nothing is. needed: whether a run
    in a state has to have it.
    """

    look: Callable[[Path, State], str]
    needed: Callable[[State], bool] = lambda _: False


def run_faults(directory: Path, state: State) -> list[str]:
    """Return what is wrong with the files of a run, a sentence a file, in the order of the table.

    A file is looked at again only when it has changed.
    """
    found = []
    for name, file in RUN_FILES.items():
        path = directory / name
        why = ""
        try:
            stamp = stamp_of(path)
        except OSError as error:
            why = why_unread(error)
        else:
            if stamp is None:
                why = "it is missing" if state["state"] != DAMAGED and file.needed(state) else ""
            else:
                progress = (state["state"], state["step"], state.get("mask_hash") or "")
                why = _looked_at(name, path, stamp, progress)
        if why:
            found.append(f"{name} of {directory.name} cannot be read: {why}")
    return found


@lru_cache(_MOST_CHECKED)
def _looked_at(name: str, path: Path, _stamp: tuple[int, ...], progress: tuple[str, int, str]) -> str:
    """Return what is wrong with a file as it is now; its stamp decides whether it is asked again."""
    stands = dict(zip(("state", "step", "mask_hash"), progress, strict=True))
    try:
        return RUN_FILES[name].look(path, stands)
    except TokenUnlearnError as error:
        return error.why or error.what
    except (OSError, ValueError) as error:
        return why_unread(error)


def _record_file(path: Path, _: State) -> str:
    return record_fault(path.name, from_json(text_of(path)))


def _events_file(path: Path, state: State) -> str:
    """Return what is wrong with the events: they are told before the state that stands on them is written."""
    events = known_events(read_lines_since(path)[0])
    last = max((getattr(event, "step", 0) for event in events), default=0)
    if state["step"] and not events:
        return "it holds no event"
    return f"it ends at step {last}, and the run at {state['step']}" if last < state["step"] else ""


def _sweep_file(path: Path, _: State) -> str:
    from tokenunlearn.experiments.results import read_results

    return "" if read_results(path) else "it holds no measurement"


PEFT: Final = "base_model.model."  # before the name of each weight of an adapter
_MASK: Final = record(hash=text, rule=by_name(lambda _: ()), overrides=by_name(text))
_WEIGHT: Final = record(row_id=text, position=count, weight=number())
METADATA: Final = "__metadata__"
_TENSOR: Final = record(dtype=text, shape=each(count), data_offsets=each(count, 2, 2))


def _header(found: Any) -> tuple[str, ...]:
    """Fit the header of a safetensors file: an object of tensors by name."""
    entries = (
        {name: entry for name, entry in found.items() if name != METADATA}
        if isinstance(found, dict)
        else found
    )
    return by_name(_TENSOR, least=1)(entries)


_CHECKPOINT: Final = record(**{METADATA: record(step=text, origin=text)})


def _adapter(found: Any) -> tuple[str, ...]:
    """Fit the header of a file whose tensors are those of PEFT."""
    odd = [name for name in found if name != METADATA and not name.startswith(PEFT)]
    return (odd[0], "is no weight of an adapter") if odd else ()


def _mask_file(path: Path, state: State) -> str:
    """Return what is wrong with a mask; whether it fits its table is told when it is read with it."""
    from tokenunlearn.masks import read_header

    header, wanted = read_header(path), state.get("mask_hash")
    wrong = misfit(_MASK, header)
    if not wrong and wanted and header["hash"] != wanted:
        wrong = f"it is the mask {header['hash'][:12]}, and the run's is {wanted[:12]}"
    lines = [from_json(line) for line in text_of(path).split("\n")[1:] if line]
    return wrong or misfit(each(_WEIGHT, 1), lines)


def _table_file(path: Path, _: State) -> str:
    from pyarrow.parquet import read_schema

    with opened(path) as file:
        types = {field.name: str(field.type) for field in read_schema(file)}
    wrong = [name for name in ("row_id", "token") if "string" not in types.get(name, "")]
    return f"its column {wrong[0]} holds no text" if wrong else ""


def _tensors_file(fits: Shape) -> Callable[[Path, State], str]:
    """Return what is wrong with a safetensors file, as far as its header tells; no weight is read."""

    def look(path: Path, _: State) -> str:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(_HEADER_BYTES), "little")
            if not 0 < length <= min(size - _HEADER_BYTES, _MOST_HEADER):
                return "it is no file of weights, or was cut off"
            header = from_json(file.read(length))
        wrong = misfit(_header, header) or misfit(fits, header)
        ends = (
            [entry["data_offsets"][1] for name, entry in header.items() if name != METADATA]
            if not wrong
            else []
        )
        return wrong or ("" if _HEADER_BYTES + length + max(ends, default=0) == size else "it was cut off")

    return look


def _text_file(path: Path, _: State) -> str:
    with opened(path) as file:
        file.read(1)
    return ""


def _always(_: State) -> bool:
    return True


def _trained(state: State) -> bool:
    return state.get("kind", TRAINING) in (TRAINING, "teach") and bool(state.get("saved_step"))


def _is(*kinds: str, done: bool = False) -> Callable[[State], bool]:
    """Return whether a run is of one of these kinds and has come anywhere, or with `done` to its end."""
    return lambda state: (
        state.get("kind", TRAINING) in kinds
        and (state["state"] == "finished" if done else bool(state["step"]))
    )


def _masked(state: State) -> bool:
    return bool(state.get("mask_hash"))


def _json(needed: Callable[[State], bool] = lambda _: False) -> RunFile:
    return RunFile(_record_file, needed)


RUN_FILES: Final[Mapping[str, RunFile]] = MappingProxyType(
    {
        "state.json": _json(_always),
        "config.json": _json(_always),
        "versions.json": _json(_always),
        "mask.jsonl": RunFile(_mask_file, _masked),
        "tokens.parquet": RunFile(_table_file, _masked),
        "metrics.jsonl": RunFile(_events_file, lambda state: bool(state["step"])),
        "adapter/adapter_config.json": _json(_trained),
        "adapter/adapter_model.safetensors": RunFile(_tensors_file(_adapter), _trained),
        "checkpoint/checkpoint.safetensors": RunFile(
            _tensors_file(_CHECKPOINT), lambda state: _trained(state) and state["state"] in RESUMABLE
        ),
        "artifact.json": _json(_is("rival", done=True)),
        "probes.json": _json(_is(TRAINING, "rival", done=True)),
        "attacks.json": _json(),
        "depth.json": _json(),
        "gradients.json": _json(_is("gradients", done=True)),
        "perturb.json": _json(_is("perturb", done=True)),
        "sweep.jsonl": RunFile(_sweep_file, _is("sweep")),
        "taught.json": _json(_is("teach", done=True)),
        "beside.json": _json(_is("teach")),
        "note.json": _json(),
        "request.json": _json(),
        "log.txt": RunFile(_text_file),
    }
)
