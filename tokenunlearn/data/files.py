"""JSONL, JSON, CSV or Parquet → good rows, and the refused lines each with its reason.

Which column becomes what is columns.py's. A row without `id` is named after its line: `row-12`.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.columns import GUESSED, Columns, guessed, mapped
from tokenunlearn.data.rows import Row, row_from_dict
from tokenunlearn.errors import InputError, SettingError

_LISTS: Final = ("paraphrased_question", "paraphrased_answer", "paraphrased_gold", "perturbed_answer")
_LISTS_OTHER_NAMES: Final = ("messages",)
MOST_RECORDS: Final = 1_000_000  # of a Parquet table, whose few bytes may stand for any number of rows


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


@dataclass(frozen=True)
class Records:
    """What stands in a file of this name, before anything is called a question or an answer."""

    name: str
    lines: tuple[_Record, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in the order in which they first occur; not the empty and broken ones."""
        records = (record for _, record in self.lines if isinstance(record, Mapping))
        names = dict.fromkeys(str(name) for record in records for name in record if name)
        return tuple(name for name in names if name.encode("utf-8", "ignore").decode() == name)

    def fields(self, columns: Columns = GUESSED) -> dict[str, str]:
        """For each field the column that it is read from, "" for none."""
        return {**guessed(self.columns), **columns}


def read_rows(path: str | Path, columns: Columns = GUESSED) -> RowFile:
    """The rows of a file and its refused lines; the format is told by the suffix.

    Raises InputError when the file is absent, unreadable or empty, or when no line of it is a row;
    SettingError when `columns` names a column that it does not have.
    """
    content = rows_of(read_records(path), columns)
    if not content.rows:
        more = f"{len(content.refused)} lines were refused, the first because: {content.refused[0].reason}"
        raise InputError("No line of the file is a row", more, where=str(path))
    return content


def read_records(path: str | Path) -> Records:
    """What stands in a file. Raises InputError when it is absent, unreadable or empty."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError("This is a folder", "A file of rows is needed", where=str(path))
        if path.exists():
            _reader(str(path))
            if not path.is_file():
                raise InputError("This is no regular file", "A file of rows is needed", where=str(path))
        return records_of(str(path), path.read_bytes())
    except FileNotFoundError as error:
        raise InputError("There is no such file", fix="Check the path", where=str(path)) from error
    except (OSError, ValueError) as error:  # ValueError: a path with NUL in it
        why = getattr(error, "strerror", None) or str(error)
        raise InputError("The file cannot be read", why, where=str(path)) from error


def records_of(name: str, content: bytes) -> Records:
    """What stands in these bytes of a file called `name`. Raises InputError as `read_records` does."""
    records = Records(name, tuple(_reader(name)(content, name)))
    if not records.lines:
        raise InputError("The file is empty", "It holds no row", _EXAMPLE, name)
    return records


def rows_of(records: Records, columns: Columns = GUESSED) -> RowFile:
    """The rows among the records, perhaps none, and the refused lines.

    Raises SettingError when `columns` names a column that is not there.
    """
    known = records.columns
    for field, column in columns.items():
        if column and column not in known:
            names = ", ".join(known[:20]) or "none"
            raise SettingError(f"There is no column {column[:60]!r} for {field}", f"The columns are: {names}")
    rows: list[Row] = []
    refused: list[Refused] = []
    lines: dict[str, int] = {}
    for line, record in records.lines:
        where = f"{records.name}:{line}"
        try:
            row = _row(record, columns, line, where)
            if row.id in lines:
                raise InputError(f"id {row.id!r} is taken", f"Line {lines[row.id]} has it", where=where)
        except InputError as error:
            refused.append(Refused(line, str(error)))
            continue
        lines[row.id] = line
        rows.append(row)
    return RowFile(tuple(rows), tuple(refused))


_EXAMPLE: Final = 'Write one row a line: {"question": "…", "answer": "…"}'


def _reader(name: str) -> Callable[[bytes, str], Iterator[_Record]]:
    suffix = Path(name).suffix.lower()
    reader = _READERS.get(suffix)
    if reader is None:
        known = ", ".join(_READERS)
        raise InputError(f"The suffix {suffix!r} is unknown", f"Rows are read from {known}", where=name)
    return reader


def _row(record: Any, columns: Columns, line: int, where: str) -> Row:
    if isinstance(record, InputError):
        raise record
    if not isinstance(record, Mapping):
        return row_from_dict(record, where)
    values = mapped(record, columns, where)
    return row_from_dict({"id": f"row-{line}", **values}, where)


def _text(content: bytes, name: str) -> str:
    # What a spreadsheet calls "Unicode text" says so by its first two bytes.
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if wide else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        # Counted in what was decoded: utf-8-sig takes the three bytes of its mark away first.
        byte = error.start + len(content) - len(error.object)
        line = 1 + len(re.findall(r"\r\n?|\n", error.object[: error.start].decode(encoding, "ignore")))
        # Guessing another encoding would train on letters that nobody wrote.
        raise InputError(
            "The file is not UTF-8 text",
            f"Line {line} breaks it, at byte {byte} of the file",
            "Save it as UTF-8; a spreadsheet offers that as “CSV UTF-8”",
            f"{name}:{line}",
        ) from error


def _json_lines(content: bytes, name: str) -> Iterator[_Record]:
    # Not splitlines(): it also splits at U+2028, which JSON allows inside a string.
    for line, text in enumerate(_text(content, name).split("\n"), start=1):
        if text.strip():
            yield line, _parsed(text, f"{name}:{line}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for a number of 5,000 digits
        reason = (
            f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        )
        return InputError("The line is no JSON", reason, _EXAMPLE, where)


def _json(content: bytes, name: str) -> Iterator[_Record]:
    text = _text(content, name)
    if not text.strip():
        return
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one object a line under the wrong suffix
            yield from _json_lines(content, name)
            return
        why = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise InputError(
            "The file is no JSON", why, "Write a list of rows", f"{name}:{error.lineno}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError("The file is no JSON", str(error), "Write a list of rows", name) from error
    yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)


def _separated(content: bytes, name: str) -> Iterator[_Record]:
    text = _text(content, name)
    # Spreadsheets write semicolons where a comma is the decimal sign; the header tells.
    header = text.partition("\n")[0]
    delimiter = "\t" if name.lower().endswith(".tsv") else max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 2
    try:
        line = reader.line_num + 2
        for cells in reader:
            yield line, _cells(cells, f"{name}:{line}")
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError("The table cannot be read", str(error), where=f"{name}:{line}") from error


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
            except (ValueError, RecursionError) as error:
                return InputError(f"{name} is no JSON list", str(error), where=where)
    return record


def _parquet(content: bytes, name: str) -> Iterator[_Record]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(content))
        if table.metadata.num_rows > MOST_RECORDS:
            raise InputError(
                f"The table has {table.metadata.num_rows:,} rows", f"At most {MOST_RECORDS:,} are read"
            )
        records = table.read().to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError("The file is no Parquet table", str(error).splitlines()[0], where=name) from error
    yield from enumerate(records, start=1)


_READERS: Final[Mapping[str, Callable[[bytes, str], Iterator[_Record]]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _separated,
    ".tsv": _separated,
    ".parquet": _parquet,
}
