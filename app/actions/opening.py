"""Other rows and another model: sent or named, looked at as they would be read, opened, given up, held.

A browser's file comes in pieces (`begin_upload`, `add_piece`), as a request is limited; it stays in memory.
"""

import binascii
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from app.actions.checks import record, text, whole
from app.service import Service
from app.sessions.session import demo_adapter, rows_to_open
from app.uploads import MOST_BYTES
from tokenunlearn.cli.sources import check_precision
from tokenunlearn.data.columns import FIELDS, PLAIN, checked, chosen
from tokenunlearn.data.files import RowFile, need_rows, read_records, records_of, rows_of
from tokenunlearn.data.formats import Records
from tokenunlearn.data.rows import Row
from tokenunlearn.data.sets import SETS, read_set
from tokenunlearn.data.splits import Splits, split_rows
from tokenunlearn.errors import InputError, ModelError

MOST_PATH: Final = 4_000
MOST_READ: Final = 512 * 1024 * 1024
MOST_PIECE: Final = 3_500_000
SHOWN_ROWS: Final = 5
SHOWN_REFUSED: Final = 200
SHOWN_COLUMNS: Final = 200
SHOWN_TEXT: Final = 400
SOURCES: Final = ("embedded", "folder", "hub")


def begin_upload(service: Service, question: Any) -> dict[str, str]:
    """Return the id under which a file is sent: `{upload}`. `question`: `{name, size}`. Raises InputError."""
    values = record(question, "the file")
    size = whole(values, "size", 2**53)
    name = text(values, "name", 255).encode("utf-8", "replace").decode()
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    return {"upload": service.uploads.begin(name, size)}


def add_piece(service: Service, question: Any) -> dict[str, int]:
    """Return how much has arrived: `{received}`. `question`: `{upload, at, data}`, the data in base64."""
    values = record(question, "the piece")
    try:
        piece = binascii.a2b_base64(text(values, "data", MOST_PIECE).encode(), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InputError("A piece of the file cannot be read", str(error), "Choose the file again") from error
    at = whole(values, "at", MOST_BYTES)
    return {"received": service.uploads.add(text(values, "upload", 40), at, piece)}


def drop_upload(service: Service, question: Any) -> dict[str, Any]:
    """Forget a file that was sent; return `{}`. `question`: `{upload}`."""
    service.uploads.drop(text(record(question, "the file"), "upload", 40))
    return {}


def preview_rows(service: Service, question: Any) -> dict[str, Any]:
    """Return a file or a set as it would be read: the first rows, every refused line; of a file its columns.

    `question`: `{set, place, hub}` (see `_set_rows`), or `{upload}` or `{path}` with `columns` (field →
    column) as a person corrected them. A field is None while it is needed and no column is known for it.
    `probe` is how the command line asks the rows. Raises InputError, SettingError.
    """
    values = record(question, "the file")
    if values.get("set"):
        told: list[str] = []
        splits = _set_rows(values, told.append)
        name, place = str(values["set"]), str(values.get("place") or "").strip()
        return {
            "name": name,
            "fields": None,
            "probe": shlex.join(["--set", f"{name}={place}" if place else name]),
            **_counts(splits, splits.rows),
            "refused": [{"line": None, "reason": each[:SHOWN_TEXT]} for each in told[:SHOWN_REFUSED]],
            "refused_count": len(told),
        }
    records, content = read_file(service, values)
    found = chosen(records.columns, _columns(question))
    shown = records.columns[:SHOWN_COLUMNS]
    return {
        "name": Path(records.name).name,
        "names": [name for name in shown if len(name) <= MOST_PATH],
        "unread": list(content.unread[:SHOWN_COLUMNS]),
        "fields": {field: _known(field, found, _columns(question)) for field in FIELDS},
        "probe": shlex.quote(records.name),
        **_counts(split_rows(content.rows), content.rows),
        "refused": [
            {"line": each.line, "reason": each.reason[:SHOWN_TEXT]}
            for each in content.refused[:SHOWN_REFUSED]
        ],
        "refused_count": len(content.refused),
    }


def open_rows(service: Service, question: Any) -> dict[str, Any]:
    """Return `{rows, at}`: how many rows are being opened, and since when. `question` as for `preview_rows`.

    Refused lines are left out: the person has seen them. Raises InputError when no line is a row to forget.
    """
    values = record(question, "the file")
    if values.get("set"):
        name = text(values, "set", 60)
        rows = rows_to_open(_set_rows(values, lambda _: None), name)
    else:
        records, content = read_file(service, values)
        name = Path(records.name).name
        rows = rows_to_open(split_rows(need_rows(content).rows), name)
    service.sessions.open(service.sessions.wanted.with_rows(rows, name))
    return {"rows": len(rows.forget), "at": time.time()}


def known_sets(_service: Service, _question: Any) -> dict[str, Any]:
    """Return the sets that can be opened by name: `{sets: [{name, label, help, licence, source, …}]}`.

    `shipped`: it needs no place. `hub`: its usual id there, which is told and never asked by itself. `files`:
    what is fetched of it.
    """
    return {
        "sets": [
            {
                "name": name,
                "label": entry.label,
                "help": entry.help,
                "licence": entry.licence,
                "source": entry.source,
                "forgets": entry.forgets,
                "shipped": entry.folder is not None,
                "hub": entry.hub,
                "files": list(entry.files),
            }
            for name, entry in SETS.items()
        ]
    }


def open_model(service: Service, question: Any) -> dict[str, Any]:
    """Return `{model, at}`: the model that is being loaded for the open rows, and since when.

    `question`: `{source: embedded | folder | hub, name, adapter, precision}`. Only `hub` contacts the hub;
    an adapter of null is the embedded model's own, "" is none in any case.
    Raises InputError, ModelError for what can be told at once.
    """
    values = record(question, "the model")
    source, precision = values.get("source"), values.get("precision") or "auto"
    if source not in SOURCES:
        raise InputError(f"source is {str(source)[:40]}", f"It must be one of: {', '.join(SOURCES)}")
    if not isinstance(precision, str):
        raise InputError(f"precision is {str(precision)[:40]}", "It must be a word: auto, fp32 or bf16")
    name = _model_name(str(source), values)
    adapter = values.get("adapter") or None
    if adapter is not None:
        adapter = str(_at_home(text(values, "adapter", MOST_PATH)))
    elif source == "embedded" and values.get("adapter") is None:
        adapter = demo_adapter(name)
    check_precision(precision)
    service.sessions.open(service.sessions.wanted.with_model(name, adapter, precision))
    return {"model": name or "embedded", "at": time.time()}


def cancel_opening(service: Service, _question: Any) -> dict[str, Any]:
    """Cancel what is being opened, and no longer show an error; return `{}`."""
    service.sessions.cancel()
    return {}


def hold_scoring(service: Service, question: Any) -> dict[str, Any]:
    """Stop scoring and keep what is scored, or go on; return `{}`. `question`: `{held: bool}`."""
    service.sessions.current.hold(record(question, "the question").get("held") is True)
    return {}


def _set_rows(values: Mapping[str, Any], tell: Callable[[str], None]) -> Splits:
    """Return the rows of the set that `{set, place, hub}` means; `tell` hears each refused line.

    `place` is a folder of the server's machine, with `hub` the id of a data set: only then is the hub asked.
    A shipped set needs neither. Raises InputError.
    """
    name, hub = text(values, "set", 60), values.get("hub") is True
    place = text(values, "place", MOST_PATH).strip() if values.get("place") else ""
    return read_set(name, place if hub or not place else str(_at_home(place)), hub, tell)


def _counts(splits: Splits, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what a preview says of rows: how many of each kind, and the first ones."""
    return {
        "good": len(rows),
        "forget": len(splits.forget),
        "retain": len(splits.retain),
        "world": len(splits.world),
        "holdout": len(splits.holdout),
        "choice": len(splits.choice),
        "only_asked": splits.only_asked,
        "unkeyed": len(splits.unkeyed),
        "contradictory": len(splits.contradictory),
        "plain": sum(not row.question for row in rows),
        "rows": [_shown(row) for row in rows[:SHOWN_ROWS]],
    }


def _model_name(source: str, values: Mapping[str, Any]) -> str | None:
    """Return the name by which the model is loaded.

    A folder has to be there, so that no hub is asked for it.
    """
    if source == "embedded":
        return None
    name = text(values, "name", MOST_PATH).strip()
    if source == "hub":
        if _is_folder(Path(name)):
            raise ModelError(f"{name} is a folder of this machine", fix="Choose Folder to load it")
        return name
    folder = _at_home(name)
    if not _is_folder(folder):
        raise ModelError(
            f"The model folder {name} does not exist",
            "It is not a folder of the server's machine",
            "Check it",
        )
    return str(folder.absolute())


def _known(field: str, found: Mapping[str, str], columns: Mapping[str, str]) -> str | None:
    """Return the column of a field, "" for none; None where one is needed and nothing says which."""
    meant = field in columns or (field == "question" and found["answer"] == PLAIN)
    needed = field in ("question", "answer") and not meant
    return None if needed and not found[field] else found[field]


def _columns(values: Mapping[str, Any]) -> dict[str, str]:
    return checked(record(values.get("columns") or {}, "columns"))


def read_file(service: Service, values: Mapping[str, Any]) -> tuple[Records, RowFile]:
    """Return the content of the file that was sent or named (`{upload}` or `{path}`), and the rows in it.

    Raises InputError, SettingError.
    """
    columns = _columns(values)
    if values.get("upload"):
        records = records_of(*service.uploads.read(text(values, "upload", 40)))
    else:
        path = _at_home(text(values, "path", MOST_PATH))
        if _size(path) > MOST_READ:
            raise InputError(
                f"{path.name} is too large for the page",
                f"At most {MOST_READ:,} bytes are read",
                "Split it, or use the command line",
            )
        records = read_records(path)
    return records, rows_of(records, columns)


def _size(path: Path) -> int:
    """Return the bytes of a file; 0 where there is none: reading it raises the error."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def _is_folder(path: Path) -> bool:
    """Return whether there is such a folder; False for what cannot be a path (too long, NUL, unreadable)."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _at_home(name: str) -> Path:
    """Return the path with ~ as the home folder of whoever runs the server."""
    try:
        return Path(name.strip()).expanduser()
    except RuntimeError:  # There is no such user.
        return Path(name.strip())


def _shown(row: Row) -> dict[str, Any]:
    """Return a row for the preview: the parts that columns give, long texts cut, gold as words."""
    return {
        "id": row.id[:SHOWN_TEXT],
        "question": row.question[:SHOWN_TEXT],
        "answer": row.answer[:SHOWN_TEXT],
        "subject": row.subject[:SHOWN_TEXT],
        "set": row.set[:SHOWN_TEXT],
        "split": row.split[:SHOWN_TEXT],
        "choices": " · ".join(row.choices)[:SHOWN_TEXT],
        "gold": ", ".join(row.answer[start:end] for start, end in row.gold)[:SHOWN_TEXT],
    }


# The names that the page calls them by.
ASKED: Final[Mapping[str, Callable[[Service, Any], Any]]] = MappingProxyType(
    {
        "begin_upload": begin_upload,
        "add_piece": add_piece,
        "drop_upload": drop_upload,
        "known_sets": known_sets,
        "preview_rows": preview_rows,
        "open_rows": open_rows,
        "open_model": open_model,
        "cancel_opening": cancel_opening,
        "hold_scoring": hold_scoring,
    }
)
