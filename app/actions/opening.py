"""Other rows and another model: sent or named, looked at as they would be read, opened, given up, held.

A browser's file comes in pieces (`begin_upload`, `add_piece`), as a request is limited; it stays in memory.
"""

import binascii
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

from app.requests import Truth, Version, record, text, whole
from app.service import Service
from app.sessions.session import demo_adapter, rows_to_open
from app.uploads import MOST_BYTES
from tokenunlearn.data.columns import FIELDS, PLAIN, Columns, checked, chosen
from tokenunlearn.data.files import RowFile, need_rows, read_records, records_of, rows_of
from tokenunlearn.data.records import Records
from tokenunlearn.data.rows import Row
from tokenunlearn.data.sets import SETS, read_set
from tokenunlearn.data.splits import Splits, split_rows
from tokenunlearn.errors import InputError, ModelError
from tokenunlearn.models.precision import check_precision

MOST_PATH: Final = 4_000
MOST_READ: Final = 512 * 1024 * 1024
MOST_PIECE: Final = 3_500_000
SHOWN_ROWS: Final = 5
SHOWN_REFUSED: Final = 200
SHOWN_COLUMNS: Final = 200
SHOWN_TEXT: Final = 400
SOURCES: Final = ("embedded", "folder", "hub")


def columns_given(value: Any, name: str) -> dict[str, str]:
    """Return field → column. Raises InputError, SettingError."""
    return checked(record(value, name))


def source_given(value: Any, name: str) -> str:
    """Return where a model comes from. Raises InputError."""
    if value not in SOURCES:
        raise InputError(f"{name} is {str(value)[:40]}", f"It must be one of: {', '.join(SOURCES)}")
    return str(value)


def precision_given(value: Any, name: str) -> str:
    """Return a precision. Raises InputError, SettingError."""
    if not isinstance(value, str):
        raise InputError(f"{name} is {str(value)[:40]}", "It must be a word: auto, fp32 or bf16")
    check_precision(value or "auto")
    return value or "auto"


UploadId = Annotated[str, text(40)]
Place = Annotated[str, text(MOST_PATH, empty=True)]


@dataclass(frozen=True, kw_only=True)
class NewUpload:
    """A file that will come in pieces; its size in bytes."""

    name: Annotated[str, text(255)]
    size: Version


@dataclass(frozen=True, kw_only=True)
class UploadOf:
    """A file that was sent."""

    upload: UploadId


@dataclass(frozen=True, kw_only=True)
class Piece(UploadOf):
    """A piece of a file in base64, and the byte where it begins."""

    at: Annotated[int, whole(MOST_BYTES)]
    data: Annotated[str, text(MOST_PIECE)]


@dataclass(frozen=True, kw_only=True)
class FileGiven:
    """A file that was sent (`upload`) or is on the server's machine; `columns` as a person corrected them."""

    upload: Annotated[str, text(40, empty=True)] = ""
    path: Place = ""
    columns: Annotated[Columns, columns_given] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RowsGiven(FileGiven):
    """A file, or a set by its name.

    `place` is a folder of the server's machine, with `hub` the id of a data set: only then is the hub asked.
    A shipped set needs neither.
    """

    set: Annotated[str, text(60, empty=True)] = ""
    place: Place = ""
    hub: Truth = False


@dataclass(frozen=True, kw_only=True)
class ModelGiven:
    """A model; only of the source `hub` is the hub contacted.

    An adapter of None is the embedded model's own, "" is none in any case.
    """

    source: Annotated[str, source_given]
    name: Place = ""
    adapter: Annotated[str | None, text(MOST_PATH, empty=True)] = None
    precision: Annotated[str, precision_given] = "auto"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Whether scoring shall stop."""

    held: Truth


def begin_upload(service: Service, file: NewUpload) -> dict[str, str]:
    """Return the id under which a file is sent: `{upload}`. Raises InputError."""
    name = file.name.encode("utf-8", "replace").decode().replace("\\", "/").rsplit("/", 1)[-1]
    return {"upload": service.uploads.begin(name, file.size)}


def add_piece(service: Service, piece: Piece) -> dict[str, int]:
    """Return how much has arrived: `{received}`. Raises InputError."""
    try:
        data = binascii.a2b_base64(piece.data.encode(), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InputError("A piece of the file cannot be read", str(error), "Choose the file again") from error
    return {"received": service.uploads.add(piece.upload, piece.at, data)}


def drop_upload(service: Service, file: UploadOf) -> dict[str, Any]:
    """Forget a file that was sent; return `{}`."""
    service.uploads.drop(file.upload)
    return {}


def preview_rows(service: Service, given: RowsGiven) -> dict[str, Any]:
    """Return a file or a set as it would be read: the first rows, every refused line; of a file its columns.

    A field is None while it is needed and no column is known for it. `probe` is how the command line asks the
    rows. Raises InputError, SettingError.
    """
    if given.set:
        told: list[str] = []
        splits = _set_rows(given, told.append)
        place = given.place.strip()
        return {
            "name": given.set,
            "fields": None,
            "probe": shlex.join(["--set", f"{given.set}={place}" if place else given.set]),
            **_counts(splits, splits.rows),
            "refused": [{"line": None, "reason": each[:SHOWN_TEXT]} for each in told[:SHOWN_REFUSED]],
            "refused_count": len(told),
        }
    records, content = read_file(service, given)
    found = chosen(records.columns, given.columns)
    shown = records.columns[:SHOWN_COLUMNS]
    return {
        "name": Path(records.name).name,
        "names": [name for name in shown if len(name) <= MOST_PATH],
        "unread": list(content.unread[:SHOWN_COLUMNS]),
        "fields": {name: _known(name, found, given.columns) for name in FIELDS},
        "probe": shlex.quote(records.name),
        **_counts(split_rows(content.rows), content.rows),
        "refused": [
            {"line": each.line, "reason": each.reason[:SHOWN_TEXT]}
            for each in content.refused[:SHOWN_REFUSED]
        ],
        "refused_count": len(content.refused),
    }


def open_rows(service: Service, given: RowsGiven) -> dict[str, Any]:
    """Return `{rows, at}`: how many rows are being opened, and since when.

    Refused lines are left out: the person has seen them. Raises InputError when no line is a row to forget.
    """
    if given.set:
        name = given.set
        rows = rows_to_open(_set_rows(given, lambda _: None), name)
    else:
        records, content = read_file(service, given)
        name = Path(records.name).name
        rows = rows_to_open(split_rows(need_rows(content).rows), name)
    service.sessions.open(service.sessions.wanted.with_rows(rows, name))
    return {"rows": len(rows.forget), "at": time.time()}


def known_sets(_service: Service) -> dict[str, Any]:
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


def open_model(service: Service, given: ModelGiven) -> dict[str, Any]:
    """Return `{model, at}`: the model that is being loaded for the open rows, and since when.

    Raises InputError, ModelError for what can be told at once.
    """
    name, adapter = _model_name(given), None
    if given.adapter is None:
        adapter = demo_adapter(name) if given.source == "embedded" else None
    elif given.adapter.strip():
        adapter = str(_at_home(given.adapter).absolute())
    service.sessions.open(service.sessions.wanted.with_model(name, adapter, given.precision))
    return {"model": name or "embedded", "at": time.time()}


def cancel_opening(service: Service) -> dict[str, Any]:
    """Cancel what is being opened, and no longer show an error; return `{}`."""
    service.sessions.cancel()
    return {}


def hold_scoring(service: Service, wanted: Hold) -> dict[str, Any]:
    """Stop scoring and keep what is scored, or go on; return `{}`."""
    service.sessions.current.hold(wanted.held)
    return {}


def _set_rows(given: RowsGiven, tell: Callable[[str], None]) -> Splits:
    """Return the rows of the set that is meant; `tell` hears each refused line. Raises InputError."""
    place = given.place.strip()
    return read_set(given.set, place if given.hub or not place else str(_at_home(place)), given.hub, tell)


def _counts(splits: Splits, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what a preview says of rows: how many of each kind, the first ones, what a field is called."""
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
        "field_words": {
            name: {"label": field.label, "says": field.says, "none": field.none, "usual": field.usual}
            for name, field in FIELDS.items()
        },
    }


def _model_name(given: ModelGiven) -> str | None:
    """Return the name by which the model is loaded.

    A folder has to be there, so that no hub is asked for it.
    """
    if given.source == "embedded":
        return None
    name = text(MOST_PATH)(given.name, "name").strip()
    if given.source == "hub":
        if _is_folder(Path(name)):
            raise ModelError(f"{name} is a folder of this machine", fix="Choose Folder to load it")
        return name
    folder = _at_home(name)
    if not _is_folder(folder):
        raise ModelError(f"The server has no folder {name}", fix="Check the path")
    return str(folder.absolute())


def _known(field: str, found: Mapping[str, str], columns: Mapping[str, str]) -> str | None:
    """Return the column of a field, "" for none; None where one is needed and nothing says which."""
    meant = field in columns or (field == "question" and found["answer"] == PLAIN)
    needed = field in ("question", "answer") and not meant
    return None if needed and not found[field] else found[field]


def read_file(service: Service, given: FileGiven) -> tuple[Records, RowFile]:
    """Return the content of the file that was sent or named, and the rows in it.

    Raises InputError, SettingError.
    """
    if given.upload:
        records = records_of(*service.uploads.read(given.upload))
    else:
        path = _at_home(text(MOST_PATH)(given.path, "path"))
        if _size(path) > MOST_READ:
            raise InputError(
                f"{path.name} is too large for the page",
                f"At most {MOST_READ:,} bytes are read",
                "Split it, or use the command line",
            )
        records = read_records(path)
    return records, rows_of(records, given.columns)


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
ASKED: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
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
