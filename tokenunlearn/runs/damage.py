"""What is wrong with a file of a run, in a sentence: one damaged run is no reason to show no others.

`RUN_FILES` is the one table of what a run's folder may hold, `CACHES` that of what lies beside the runs: for
each file how it is looked at, and in which states a run lacks it. Who reads a JSON file of these takes
`read_record`, which checks it by the table; what is not JSON is checked by its own reader, and by the table
where a run is shown.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, Final

from tokenunlearn.data.json_text import (
    Shape,
    also,
    by_name,
    count,
    each,
    from_json,
    is_finite,
    known,
    misfit,
    number,
    record,
    text,
)
from tokenunlearn.errors import RunError, TokenUnlearnError
from tokenunlearn.figures import are_figures
from tokenunlearn.runs.kinds import KINDS, TRAINING
from tokenunlearn.runs.states import DAMAGED, RESUMABLE, STATES

SCHEMA: Final = 1  # of each JSON file of a run
NEWER: Final = "which this version does not know; a newer one may have written it"
_TEXT, _COUNT, _TIME = (str,), (int,), (int, float, NoneType)
# What each reader of a state takes as given, and of which types it is; `kind` came later.
_STATE: Final[Mapping[str, tuple[type, ...]]] = {
    "name": _TEXT, "state": _TEXT, "arm": _TEXT, "step": _COUNT, "steps": _COUNT,
    "pid": (int, NoneType), "process_started": _TIME, "heartbeat": _TIME, "requested": _TIME,
    "created": _TIME, "queued": _TIME, "started": _TIME, "ended": _TIME, "forced": _TIME,
    "saved_step": (int, NoneType), "mask_hash": _TEXT,
}  # fmt: skip
_GROUPS: Final = ("training", "rule", "probes", "sweep", "attack", "rival", "teach")
_NAMES: Final = ("name", "arm", "group", "set", "model", "adapter", "mask_hash", "scores_id", "data_name")
_ROWS: Final = ("forget", "retain", "world", "holdout", "choice")
_ANSWER: Final = ("kind", "row_id", "question", "expected", "answer")
_TOKENS: Final = ("starts", "ends", "log_probs")
_HEADER_BYTES: Final = 8  # before the header of a safetensors file: its length
_MOST_HEADER: Final = 100_000_000  # the format's own limit
_MOST_CHECKED: Final = 20_000  # files whose last look is remembered

State = Mapping[str, Any]


@dataclass(frozen=True)
class RunFile:
    """One file that a run's folder may hold.

    look: what is wrong with it, from its path and the run's state; "" where nothing is. needed: whether a run
    in a state has to have it. decides: whether a run cannot be shown without it, so that it counts as damaged
    as a whole.
    """

    look: Callable[[Path, State], str]
    needed: Callable[[State], bool] = lambda _: False
    decides: bool = False


def read_record(path: Path) -> Any:
    """Return the JSON in a file of a run, checked by its name; None where there is none.

    Raises RunError for one that cannot be read or is no such record.
    """
    try:
        found = from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise damaged(path, _why(error)) from error
    fault = record_fault(path.name, found)
    if fault:
        raise damaged(path, fault)
    return found


def record_fault(name: str, found: Any) -> str:
    """Return what is wrong with the content of a JSON file of a run, by its name; "" where nothing is.

    A record without a `schema` is of the first.
    """
    schema = found.get("schema", SCHEMA) if isinstance(found, dict) else SCHEMA
    if schema != SCHEMA:
        return f"its schema is {str(schema)[:20]}, {NEWER}"
    return RECORDS[name](found) if name in RECORDS else ""


def damaged(path: Path, why: str) -> RunError:
    """Return the error of a file in a run's folder that cannot be read."""
    decides = path.name in RUN_FILES and RUN_FILES[path.name].decides
    fix = f"{'Discard the run' if decides else 'Remove it'}, or put it back from a copy"
    return RunError(f"{path.name} of {path.parent.name} cannot be read: {why}", fix=fix, where=str(path))


def read_state(directory: Path) -> tuple[dict[str, Any], str]:
    """Return the state of a run, and why the run cannot be shown: a damaged one stands there as that.

    Raises FileNotFoundError where there is no such folder.
    """
    record: Any = None
    try:
        record = from_json((directory / "state.json").read_text(encoding="utf-8"))
        why = record_fault("state.json", record)
    except FileNotFoundError:
        directory.stat()  # raises where the whole run is gone
        why = "it is missing"
    except (OSError, ValueError) as error:
        why = _why(error)
    return (unreadable(directory, record, "state.json", why), why) if why else (record, "")


def unreadable(directory: Path, record: Any, name: str, why: str) -> dict[str, Any]:
    """Return what stands for the state of a run of which a file cannot be read."""
    known = record if name != "state.json" and isinstance(record, dict) else {}
    called = record.get("name") if isinstance(record, dict) else None
    fault = f"{name} of {directory.name} cannot be read: {why}"
    return {
        "step": 0, "steps": 0, "arm": "", "created": directory.stat().st_mtime, "queued": 0.0,
        "started": None, "ended": None, "mask_hash": "", "saved_step": 0, "kind": TRAINING,
        **known,
        "run_id": directory.name, "name": called if isinstance(called, str) else directory.name,
        "state": DAMAGED, "message": fault, "fault": fault, "file": name,
    }  # fmt: skip


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
            why = _why(error)
        else:
            if stamp is None:
                why = "it is missing" if state["state"] != DAMAGED and file.needed(state) else ""
            else:
                progress = (state["state"], state["step"], state.get("mask_hash") or "")
                why = _looked_at(name, path, stamp, progress)
        if why:
            found.append(f"{name} of {directory.name} cannot be read: {why}")
    return found


def stamp_of(path: Path | str) -> tuple[int, ...] | None:
    """Return what changes whenever a file is replaced or written, None where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


@lru_cache(_MOST_CHECKED)
def _looked_at(name: str, path: Path, _stamp: tuple[int, ...], progress: tuple[str, int, str]) -> str:
    """Return what is wrong with a file as it is now; its stamp decides whether it is asked again."""
    stands = dict(zip(("state", "step", "mask_hash"), progress, strict=True))
    try:
        return RUN_FILES[name].look(path, stands)
    except TokenUnlearnError as error:
        return error.why or error.what
    except (OSError, ValueError) as error:
        return _why(error)


def _why(error: Exception) -> str:
    """Return why a file cannot be read."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"it is damaged: {error}"


def config_fault(found: Any) -> str:
    """Return what is wrong with the content of a config.json, "" where nothing is."""
    if not isinstance(found, dict):
        return "it holds no settings"
    wrong = [name for name in _GROUPS if not isinstance(found.get(name) or {}, dict)]
    wrong += [name for name in _NAMES if not isinstance(found.get(name) or "", str)]
    rows = [name for name in _ROWS if not isinstance(found.get(name) or [], list | str)]
    if rows:
        return f"its {rows[0]} rows are damaged"
    return f"its {wrong[0]} is damaged" if wrong else ""


def probes_fault(found: Any) -> str:
    """Return what is wrong with the content of a probes.json, "" where nothing is."""
    if not isinstance(found, dict) or "before" not in found:
        return "it holds no reports"
    wrong = [side for side in ("before", "after") if not is_report(found.get(side) or {})]
    if not wrong and not isinstance(found.get("changes") or [], list):
        return "its changes are damaged"
    return f"its report {wrong[0]} the run is damaged" if wrong else ""


def state_fault(found: Any) -> str:
    """Return what is wrong with the content of a state.json, "" where nothing is."""
    if not isinstance(found, dict):
        return "it holds no state"
    wrong = [name for name, types in _STATE.items() if name in found and type(found[name]) not in types]
    wrong += [name for name in ("run_id", "name", "state", "arm", "step", "steps") if name not in found]
    wrong += [name for name in _STATE if type(found.get(name)) is float and not is_finite(found[name])]
    if wrong:
        return f"its {wrong[0]} is missing or damaged"
    given = {"state": (found["state"], STATES), "kind": (found.get("kind", TRAINING), tuple(KINDS))}
    for name, (value, fitting) in given.items():
        if value not in fitting:
            return f"its {name} is {str(value)[:40]!r}, {NEWER}"
    return ""


def is_report(report: Any) -> bool:
    """Return whether this is a Report of `probe_report`, or {} before there is one."""
    if not isinstance(report, dict) or not are_figures(report.get("summary") or {}):
        return False
    answers, tokens = report.get("answers") or [], report.get("tokens") or []
    return _all(answers, _ANSWER, str) and _all(tokens, _TOKENS, list)


def _all(lines: Any, names: tuple[str, ...], kind: type) -> bool:
    return isinstance(lines, list) and all(
        isinstance(line, dict) and all(isinstance(line.get(name), kind) for name in names) for line in lines
    )


def _fits(shape: Shape) -> Callable[[Any], str]:
    """Return what is wrong with a record of this shape."""
    return lambda found: misfit(shape, found)


def _measured(kind: str) -> Callable[[Any], str]:
    """Return what is wrong with the report of a measurement, whose words are imported when one is read."""
    return lambda found: str(import_module("tokenunlearn.runs.result_faults").FAULTS[kind](found))


_SHARE: Final = number(0, 1)
_ROW: Final = record(id=text, question=text, answer=text)
# JSON file of a run's folder → what is wrong with its content, "" where nothing is.
RECORDS: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "state.json": state_fault,
        "config.json": config_fault,
        "probes.json": probes_fault,
        "versions.json": _fits(by_name(text, least=1)),
        "artifact.json": _fits(record(kind=text, name=text, settings=by_name(lambda _: ()))),
        "attacks.json": _fits(each(also(record(attack=text), by=text))),
        "taught.json": _fits(
            record(rows=each(record(before=_SHARE, after=_SHARE), 1), kept=count, still=count)
        ),
        "beside.json": _fits(record(rows=each(_ROW), before=each(_SHARE))),
        "note.json": _fits(record(name=text, tags=each(text), text=text)),
        "request.json": _fits(record(request=text)),
        "adapter_config.json": _fits(record(peft_type=text)),
        **{f"{kind}.json": _measured(kind) for kind in ("depth", "gradients", "perturb")},
    }
)


def _record_file(path: Path, _: State) -> str:
    return record_fault(path.name, from_json(path.read_text(encoding="utf-8")))


def _events_file(path: Path, state: State) -> str:
    """Return what is wrong with the events: they are told before the state that stands on them is written."""
    from tokenunlearn.runs.disk import read_lines_since
    from tokenunlearn.training.events import known_events

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
    lines = [from_json(line) for line in path.read_text(encoding="utf-8").split("\n")[1:] if line]
    return wrong or misfit(each(_WEIGHT, 1), lines)


def _table_file(path: Path, _: State) -> str:
    from pyarrow.parquet import read_schema

    types = {field.name: str(field.type) for field in read_schema(path)}
    wrong = [name for name in ("row_id", "token") if "string" not in types.get(name, "")]
    return f"its column {wrong[0]} holds no text" if wrong else ""


def _tensors_file(fits: Shape) -> Callable[[Path, State], str]:
    """Return what is wrong with a safetensors file, as far as its header tells; no weight is read."""

    def look(path: Path, _: State) -> str:
        with path.open("rb") as file:
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
    with path.open("rb") as file:
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


def _json(needed: Callable[[State], bool] = lambda _: False, decides: bool = False) -> RunFile:
    return RunFile(_record_file, needed, decides)


RUN_FILES: Final[Mapping[str, RunFile]] = MappingProxyType(
    {
        "state.json": _json(_always, decides=True),
        "config.json": _json(_always, decides=True),
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


_PLACES: Final = each(each(lambda _: ()))
_SCORES: Final = each(
    record(signals=by_name(each(known(number()))), as_is=_PLACES, masked=_PLACES, names=each(text))
)


def _report_fault(found: Any) -> str:
    return "" if is_report(found) and found.get("summary") else "it holds no report"


# Kind of a cache file in `.measured/`, its name up to the hyphen → what is wrong with its content.
CACHES: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {"report": _report_fault, "scores": _fits(_SCORES)}
)


def read_cached(path: Path) -> Any:
    """Return what a cache file holds; None where there is none that can be read: then it is made anew."""
    try:
        found = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return None if CACHES[path.name.split("-")[0]](found) else found
