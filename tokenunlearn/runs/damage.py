"""What is wrong with a file of a run, in a sentence: one damaged run is no reason to show no others."""

from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Final

from tokenunlearn.data.json_text import from_json
from tokenunlearn.figures import are_figures
from tokenunlearn.runs.kinds import KINDS, TRAINING
from tokenunlearn.runs.states import STATES

_TEXT, _COUNT, _TIME = (str,), (int,), (int, float, NoneType)
# What each reader of a state takes as given, and of which types it is; `kind` came later.
_STATE: Final[Mapping[str, tuple[type, ...]]] = {
    "name": _TEXT, "state": _TEXT, "arm": _TEXT, "step": _COUNT, "steps": _COUNT,
    "pid": (int, NoneType), "process_started": _TIME, "heartbeat": _TIME, "requested": _TIME,
    "queued": _TIME, "started": _TIME, "ended": _TIME, "forced": _TIME, "saved_step": (int, NoneType),
}  # fmt: skip
_GROUPS: Final = ("training", "rule", "probes", "sweep", "attack", "rival")
_NAMES: Final = ("name", "arm", "group", "set", "model", "adapter", "mask_hash")
_ROWS: Final = ("forget", "retain", "world")
_ANSWER: Final = ("kind", "row_id", "question", "expected", "answer")
_TOKENS: Final = ("starts", "ends", "log_probs")


def read_state(directory: Path) -> tuple[dict[str, Any], str]:
    """Return the state of a run, and why it cannot be read: a damaged one stands there as failed.

    Raises FileNotFoundError where there is none.
    """
    record: Any = None
    try:
        record = from_json((directory / "state.json").read_text(encoding="utf-8"))
        why = _state_fault(record)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        why = f"it is damaged: {error}"
    return (_unreadable(directory, record, why), why) if why else (record, "")


def config_fault(record: Any) -> str:
    """Return what is wrong with the content of a config.json, "" where nothing is."""
    if not isinstance(record, dict):
        return "it holds no settings"
    wrong = [name for name in _GROUPS if not isinstance(record.get(name) or {}, dict)]
    wrong += [name for name in _NAMES if not isinstance(record.get(name) or "", str)]
    rows = [name for name in _ROWS if not isinstance(record.get(name) or [], list)]
    if rows:
        return f"its {rows[0]} rows are damaged"
    return f"its {wrong[0]} is damaged" if wrong else ""


def probes_fault(record: Any) -> str:
    """Return what is wrong with the content of a probes.json, "" where nothing is."""
    if not isinstance(record, dict):
        return "it holds no reports"
    wrong = [side for side in ("before", "after") if not _is_report(record.get(side) or {})]
    return f"its report {wrong[0]} the run is damaged" if wrong else ""


def _state_fault(record: Any) -> str:
    if not isinstance(record, dict):
        return "it holds no state"
    wrong = [name for name, types in _STATE.items() if name in record and type(record[name]) not in types]
    wrong += [name for name in ("run_id", "name", "state", "arm", "step", "steps") if name not in record]
    if wrong:
        return f"its {wrong[0]} is missing or damaged"
    given = {"state": (record["state"], STATES), "kind": (record.get("kind", TRAINING), tuple(KINDS))}
    for name, (value, known) in given.items():
        if value not in known:
            newer = "which this version does not know; a newer one may have written it"
            return f"its {name} is {str(value)[:40]!r}, {newer}"
    return ""


def _unreadable(directory: Path, record: Any, why: str) -> dict[str, Any]:
    """Return what stands for a state that cannot be read."""
    name = record.get("name") if isinstance(record, dict) else None
    fault = f"state.json of {directory.name} cannot be read: {why}"
    return {
        "run_id": directory.name, "name": name if isinstance(name, str) else directory.name,
        "state": "failed", "step": 0, "steps": 0, "message": fault, "fault": fault, "arm": "",
        "created": directory.stat().st_mtime, "queued": 0.0, "started": None, "ended": None,
        "mask_hash": "", "saved_step": 0, "kind": TRAINING,
    }  # fmt: skip


def _is_report(report: Any) -> bool:
    if not isinstance(report, dict) or not are_figures(report.get("summary") or {}):
        return False
    answers, tokens = report.get("answers") or [], report.get("tokens") or []
    return _all(answers, _ANSWER, str) and _all(tokens, _TOKENS, list)


def _all(lines: Any, names: tuple[str, ...], kind: type) -> bool:
    return isinstance(lines, list) and all(
        isinstance(line, dict) and all(isinstance(line.get(name), kind) for name in names) for line in lines
    )
