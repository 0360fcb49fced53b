"""What is wrong with a file of a run, in a sentence: one damaged run is no reason to show no others.

`RECORDS` has each JSON file of a run's folder, `CACHES` each kind of file that can be made anew. Who reads
one of these takes `read_record` or `read_cached`, which check it. All files of a run: `run_files.py`.
"""

import os
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, Final

from tokenunlearn.contents import text_of
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
    short,
    text,
)
from tokenunlearn.errors import RunError, SettingError
from tokenunlearn.figures import are_figures
from tokenunlearn.runs.kinds import KINDS, TRAINING
from tokenunlearn.runs.states import DAMAGED, STATES
from tokenunlearn.selection import MOST_DIGITS, Rule
from tokenunlearn.settings import MOST_SHOWN, from_dict
from tokenunlearn.signals import SIGNALS

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
DECIDING: Final = ("state.json", "config.json")  # without them a run cannot be shown
_GROUPS: Final = ("training", "rule", "probes", "sweep", "attack", "rival", "teach")
_NAMES: Final = ("name", "arm", "group", "set", "model", "adapter", "mask_hash", "scores_id", "data_name")
_ROWS: Final = ("forget", "retain", "world", "holdout", "choice")
_ANSWER: Final = ("kind", "row_id", "question", "expected", "answer")
_TOKENS: Final = ("starts", "ends", "log_probs")

State = Mapping[str, Any]


def read_record(path: Path) -> Any:
    """Return the JSON in a file of a run, checked by its name; None where there is none.

    Raises RunError for one that cannot be read or is no such record.
    """
    try:
        found = from_json(text_of(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise damaged(path, why_unread(error)) from error
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
    return (RECORDS[name](found) if name in RECORDS else "") or _unsendable(found)


def _unsendable(found: Any) -> str:
    """Return what keeps a record from the page: with one number beyond 64 bits no answer there is written."""
    return misfit(lambda _: (), found)


def damaged(path: Path, why: str) -> RunError:
    """Return the error of a file in a run's folder that cannot be read."""
    fix = f"{'Discard the run' if path.name in DECIDING else 'Remove it'}, or put it back from a copy"
    return RunError(f"{path.name} of {path.parent.name} cannot be read: {why}", fix=fix, where=str(path))


def read_state(directory: Path) -> tuple[dict[str, Any], str]:
    """Return the state of a run, and why the run cannot be shown: a damaged one stands there as that.

    A run is called as its folder, which a person may have copied or renamed. Raises FileNotFoundError where
    there is no such folder.
    """
    record: Any = None
    try:
        record = from_json(text_of(directory / "state.json"))
        why = record_fault("state.json", record)
    except FileNotFoundError:
        directory.stat()  # raises where the whole run is gone
        why = "it is missing"
    except (OSError, ValueError) as error:
        why = why_unread(error)
    if why:
        return unreadable(directory, record, "state.json", why), why
    return {**record, "run_id": directory.name}, ""


def of_unlearn(directory: Path) -> bool:
    """Return whether a folder is one that `unlearn` wrote: its config is settings of training alone."""
    if (directory / "state.json").exists():
        return False
    try:
        config = from_json((directory / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "objective" in config and "training" not in config


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


def stamp_of(path: Path | str) -> tuple[int, ...] | None:
    """Return what changes whenever a file is replaced or written, None where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def why_unread(error: Exception) -> str:
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
    wrong += [
        name for name in ("step", "steps", "saved_step") if type(found.get(name)) is int and found[name] < 0
    ]
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


# What a person may write on a run or a token, on the page and in a file: the page shows and sends it whole.
MOST_NAME: Final = 80
MOST_TAG: Final = 30
MOST_TAGS: Final = 12
MOST_NOTE: Final = 2_000

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
        "note.json": _fits(
            record(name=short(MOST_NAME), tags=each(short(MOST_TAG), most=MOST_TAGS), text=short(MOST_NOTE))
        ),
        "request.json": _fits(record(request=text)),
        "adapter_config.json": _fits(record(peft_type=text)),
        **{f"{kind}.json": _measured(kind) for kind in ("depth", "gradients", "perturb")},
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
        found = from_json(text_of(path))
    except (OSError, ValueError):
        return None
    return None if CACHES[path.stem.split("-")[0]](found) or _unsendable(found) else found


def _truth(found: Any) -> tuple[str, ...]:
    return () if isinstance(found, bool) else ("is not true or false",)


def _rule(found: Any) -> tuple[str, ...]:
    """Fit a rule of this version: another one may have modes, signals and settings that it does not know."""
    if not isinstance(found, dict):
        return ("is no object",)
    try:
        signals = from_dict(Rule, found).signals
    except SettingError as error:
        return (f"is not of this version: {error.what}",)
    unknown = [name for name in signals if name not in SIGNALS]
    return (f"is not of this version: there is no signal {unknown[0][:MOST_SHOWN]!r}",) if unknown else ()


def _state(found: Any) -> tuple[str, ...]:
    return () if found in ("in", "out") else ("is not in or out",)


def _by_token(shape: Shape) -> Shape:
    """Return the shape of an object whose names are numbers of tokens."""

    def every(value: Any) -> tuple[str, ...]:
        return by_name(shape)(value) or next(
            ((name, "names no token") for name in value if not _TOKEN.fullmatch(name)), ()
        )

    return every


_TOKEN: Final = re.compile(rf"[0-9]{{1,{MOST_DIGITS}}}")
_SPANS: Final = each(each(count, 2, 2))
_MARKED: Final = by_name(record(fact=_SPANS, other=_SPANS, seen=_truth))
_DRAFT: Final = also(
    record(version=count, saved=count),
    set=text,
    rule=_rule,
    overrides=_by_token(_state),
    notes=_by_token(also(record(note=short(MOST_NOTE)), time=number(0))),
    masks=each(text),
)
# File of a text's folder, its name up to the hyphen → what is wrong with its content.
KEPT: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "draft.json": _fits(_DRAFT),
        "marks.json": _fits(also(record(version=count, saved=count), rows=_MARKED)),
        "subjects.json": _fits(by_name(record(subject=text, names=each(text)))),
        "marks-": _fits(record(name=text, saved=count, rows=_MARKED)),
    }
)


def read_kept(path: Path, kind: str = "") -> tuple[Any, str]:
    """Return what a file of a text's folder holds, and "" for its fault; or None and why it cannot be read.

    Both are empty where there is no such file. `kind`: the entry of KEPT, where the name does not say it.
    """
    try:
        found = from_json(text_of(path))
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        return None, f"{path} cannot be read: {why_unread(error)}"
    stem, hyphen, _ = path.name.partition("-")
    fault = KEPT[kind or stem + hyphen](found)
    return (None, f"{path} cannot be read: {fault}") if fault else (found, "")
