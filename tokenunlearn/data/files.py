"""JSONL, JSON, CSV or Parquet → good rows, and the refused lines each with its reason.

Columns: those of Row; TOFU's (`spans` for gold); `prompt`/`completion`; `instruction`/`output`; a chat in
`messages` of one user and one assistant message. A row without `id` is named after its line: `row-12`.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.rows import Row, row_from_dict
from tokenunlearn.errors import InputError

_LISTS: Final = ("gold", "paraphrased_question", "paraphrased_answer", "paraphrased_gold", "perturbed_answer")
_LISTS_OTHER_NAMES: Final = ("spans", "messages")
_RENAMED: Final = (
    ("prompt", "question"),
    ("instruction", "question"),
    ("completion", "answer"),
    ("output", "answer"),
    ("spans", "gold"),
)


@dataclass(frozen=True)
class Refused:
    """A line that is no row. `line` counts from 1: text line, JSON item or Parquet row."""

    line: int
    reason: str


@dataclass(frozen=True)
class RowFile:
    """The rows of a file in order, and what was refused."""

    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]


# What a reader yields: line number, and the record or the reason why there is none.
_Record = tuple[int, Any]


def read_rows(path: str | Path) -> RowFile:
    """The rows of a file and its refused lines; the format is told by the suffix.

    Raises InputError when the file is absent, unreadable or empty, or when no line of it is a row.
    """
    path = Path(path)
    read = _reader(path)
    rows: list[Row] = []
    refused: list[Refused] = []
    lines: dict[str, int] = {}
    for line, record in read(path):
        try:
            row = _row(record, line, path)
            if row.id in lines:
                raise InputError(
                    f"id {row.id!r} is taken", f"Line {lines[row.id]} has it", where=f"{path}:{line}"
                )
        except InputError as error:
            refused.append(Refused(line, str(error)))
            continue
        lines[row.id] = line
        rows.append(row)
    if not rows and not refused:
        raise InputError("The file is empty", "It holds no row", _EXAMPLE, str(path))
    if not rows:
        more = f"{len(refused)} lines were refused, the first because: {refused[0].reason}"
        raise InputError("No line of the file is a row", more, where=str(path))
    return RowFile(tuple(rows), tuple(refused))


_EXAMPLE: Final = 'Write one row a line: {"question": "…", "answer": "…"}'


def _reader(path: Path) -> Callable[[Path], Iterator[_Record]]:
    if not path.exists():
        raise InputError("There is no such file", fix="Check the path", where=str(path))
    if path.is_dir():
        raise InputError("This is a folder", "A file of rows is needed", where=str(path))
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise InputError(
            f"The suffix {path.suffix!r} is unknown", f"Rows are read from {known}", where=str(path)
        )
    return reader


def _row(record: Any, line: int, path: Path) -> Row:
    where = f"{path}:{line}"
    if isinstance(record, InputError):
        raise record
    if isinstance(record, Mapping):
        record = {"id": f"row-{line}", **_renamed(record, where)}
    return row_from_dict(record, where)


def _renamed(record: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The record under the names of Row, without empty values where a default exists."""
    record = {key: value for key, value in record.items() if value is not None}
    chat = record.get("messages")
    prompt, completion = record.get("prompt"), record.get("completion")
    if chat is None and isinstance(prompt, list) and isinstance(completion, list):
        chat = prompt + completion
    if chat is not None and "question" not in record:
        record = {**record, **_from_chat(chat, where)}
    for other, name in _RENAMED:
        if name not in record and other in record:
            record[name] = record[other]
    return record


def _from_chat(chat: Any, where: str) -> dict[str, str]:
    """Question and answer of a chat of one user and one assistant message.

    A system message or more turns would change what the answer depends on, so they are refused, not dropped.
    """
    well_formed = isinstance(chat, list) and all(isinstance(each, Mapping) for each in chat)
    roles = [each.get("role") for each in chat] if well_formed else None
    if roles != ["user", "assistant"]:
        why = f"Its roles are {roles}" if roles is not None else "It is no list of messages"
        raise InputError("messages cannot be used", why, "Give one user and one assistant message", where)
    return {"question": chat[0].get("content"), "answer": chat[1].get("content")}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "The file is not UTF-8 text", f"Byte {error.start} breaks it", where=str(path)
        ) from error


def _json_lines(path: Path) -> Iterator[_Record]:
    # Not splitlines(): it also splits at U+2028, which JSON allows inside a string.
    for line, text in enumerate(_text(path).split("\n"), start=1):
        if text.strip():
            yield line, _parsed(text, f"{path}:{line}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = (
            f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        )
        return InputError("The line is no JSON", reason, _EXAMPLE, where)


def _json(path: Path) -> Iterator[_Record]:
    text = _text(path)
    if not text.strip():
        return
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one object a line under the wrong suffix
            yield from _json_lines(path)
            return
        why = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise InputError(
            "The file is no JSON", why, "Write a list of rows", f"{path}:{error.lineno}"
        ) from error
    yield from enumerate(content if isinstance(content, list) else [content], start=1)


def _separated(path: Path) -> Iterator[_Record]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), delimiter=delimiter)
    line = reader.line_num + 2
    try:
        for cells in reader:
            yield line, _cells(cells, f"{path}:{line}")
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError("The table cannot be read", str(error), where=f"{path}:{line}") from error


def _cells(cells: Mapping[Any, Any], where: str) -> Any:
    """A record from text cells: empty ones are absent, lists are written as JSON."""
    if None in cells:
        return InputError(
            "The line has more cells than the header", fix="Quote cells with commas", where=where
        )
    record: dict[str, Any] = {key: value for key, value in cells.items() if value}
    for name in (*_LISTS, *_LISTS_OTHER_NAMES):
        if record.get(name, "").startswith("["):
            try:
                record[name] = json.loads(record[name])
            except json.JSONDecodeError as error:
                return InputError(
                    f"{name} is no JSON list", f"{error.msg} at column {error.colno}", where=where
                )
    return record


def _parquet(path: Path) -> Iterator[_Record]:
    import pyarrow
    import pyarrow.parquet

    try:
        records = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            "The file is no Parquet table", str(error).splitlines()[0], where=str(path)
        ) from error
    yield from enumerate(records, start=1)


_READERS: Final[Mapping[str, Callable[[Path], Iterator[_Record]]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _separated,
    ".tsv": _separated,
    ".parquet": _parquet,
}
