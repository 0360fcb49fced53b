"""What stands in a file's bytes: JSONL, JSON, CSV and TSV as records by line, before any is called a row."""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.records import Line, Records, sound_names
from tokenunlearn.errors import InputError

# A cell may be longer than Python's 131,072 characters: the row says, by line, which text is too long.
csv.field_size_limit(2**31 - 1)


def reader_of(name: str) -> Callable[[bytes, str], Records]:
    """Return what reads a file of this name. Raises InputError for an unknown suffix."""
    suffix = Path(name).suffix.lower()
    reader = _READERS.get(suffix)
    if reader is None:
        known = ", ".join(_READERS)
        raise InputError(f"The suffix {suffix!r} is unknown", f"Rows are read from {known}", where=name)
    return reader


_EXAMPLE: Final = 'Write one row a line: {"question": "…", "answer": "…"}'
_LIST_EXAMPLE: Final = 'Write a list of rows: [{"question": "…", "answer": "…"}]'
_TABLE_EXAMPLE: Final = "Write the names of the columns, question{0}answer, and below them one row a line"


def _records(name: str, lines: Iterable[Line], example: str, cells: bool = False) -> Records:
    """Return the records of a file that is read whole.

    Raises InputError, with the example, where it holds none.
    """
    whole = tuple(lines)
    if not whole:
        raise InputError("The file is empty", "It holds no row", example, name)
    columns = sound_names(key for _, record in whole if isinstance(record, Mapping) for key in record)
    return Records(name, columns, lambda _: whole, cells)


def _text(content: bytes, name: str) -> str:
    # What a spreadsheet calls "Unicode text" says so by its first two bytes.
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if wide else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        # Counted in what was decoded: utf-8-sig takes the three bytes of its mark away first.
        byte = error.start + len(content) - len(error.object)
        line = 1 + _breaks(error.object[: error.start].decode(encoding, "ignore"))
        # Guessing another encoding would train on letters that nobody wrote.
        raise InputError(
            "The file is not UTF-8 text",
            f"Line {line} breaks it, at byte {byte} of the file",
            "Save it as UTF-8; a spreadsheet offers that as “CSV UTF-8”",
            f"{name}:{line}",
        ) from error


def _breaks(text: str) -> int:
    """Return how many lines of `text` end."""
    return len(re.findall(r"\r\n?|\n", text))


def _json_lines(content: bytes, name: str) -> Records:
    return _records(name, _each_line(_text(content, name), name), _EXAMPLE)


def _each_line(text: str, name: str) -> Iterator[Line]:
    # Not splitlines(): it also splits at U+2028, which JSON allows inside a string.
    for line, each in enumerate(text.split("\n"), start=1):
        if each.strip():
            yield line, _parsed(each, f"{name}:{line}")


def _parsed(text: str, where: str) -> Any:
    try:
        return _placed(json.loads(text, object_pairs_hook=_object), where)
    except (ValueError, RecursionError) as error:  # ValueError also for a number of 5,000 digits
        reason = (
            f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        )
        return InputError("The line is not JSON", reason, _EXAMPLE, where)


def _object(pairs: Sequence[tuple[str, Any]]) -> Any:
    """Return the object. Raises InputError for a name that occurs twice: json would take the last."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1)
    return InputError(f"{twice[:60]!r} occurs twice in the row", fix="Keep one of them")


def _placed(record: Any, where: str) -> Any:
    """Return the record. Raises InputError with the place where it is."""
    return (
        InputError(record.what, record.why, record.fix, where) if isinstance(record, InputError) else record
    )


def _json(content: bytes, name: str) -> Records:
    text = _text(content, name)
    if not text.strip():
        return _records(name, (), _LIST_EXAMPLE)
    try:
        whole = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one object a line under the wrong suffix
            return _json_lines(content, name)
        why = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise InputError(
            "The file is not JSON", why, "Write a list of rows", f"{name}:{error.lineno}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError("The file is not JSON", str(error), "Write a list of rows", name) from error
    items = enumerate(whole if isinstance(whole, list) else [whole], start=1)
    lines = ((line, _placed(record, f"{name}:{line}")) for line, record in items)
    return _records(name, lines, _LIST_EXAMPLE)


# The first line by which a spreadsheet says how it separates cells, and blank lines before the header.
_SAID: Final = re.compile(r'\s*"?sep=([^\r\n"])"?[ \t]*(?:\r\n?|\n)', re.IGNORECASE)
_BLANK: Final = re.compile(r"(?:[ \t,;]*(?:\r\n?|\n))*")


def _separated(content: bytes, name: str) -> Records:
    text = _text(content, name)
    said = _SAID.match(text)
    start = said.end() if said else 0
    blank = _BLANK.match(text, start)
    start = blank.end() if blank else start
    skipped, table = _breaks(text[:start]), text[start:]
    delimiters = said[1] if said else "\t" if name.lower().endswith(".tsv") else ",;\t"
    example = _TABLE_EXAMPLE.format(" and a tab before " if delimiters[0] == "\t" else delimiters[0])
    if not table.strip():
        return _records(name, (), example)
    # Spreadsheets write semicolons where a comma is the decimal sign; the header tells.
    delimiter, header = max(
        ((each, _header(table, each)) for each in delimiters), key=lambda pair: len(pair[1])
    )
    if not header:
        fix = 'Close each quote; a quote inside a quoted cell is written twice: ""'
        why = "A quote in the first line is not closed, or something follows it"
        raise InputError("The names of the columns cannot be read", why, fix, f"{name}:{skipped + 1}")
    names = [cell.strip() for cell in header]
    for place, each in enumerate(names):
        if each and each in names[:place]:
            columns = f"They are columns {names.index(each) + 1} and {place + 1}"
            where = f"{name}:{skipped + 1}"
            raise InputError(
                f"Two columns are called {each[:60]!r}", columns, "Give each a name of its own", where
            )
    # A table whose header has blanks at its separators is written so throughout: they are no text of a row.
    before = len(header) > 1 and all(cell.startswith(" ") for cell in header[1:])
    after = len(header) > 1 and all(cell.endswith(" ") for cell in header[:-1])
    rows = csv.reader(
        io.StringIO(table, newline=""), delimiter=delimiter, strict=True, skipinitialspace=before
    )
    lines = islice(_table_lines(rows, names, skipped, name, after), 1, None)
    return _records(name, lines, example, cells=True)


def _header(table: str, delimiter: str) -> list[str]:
    """Return the names of the columns; none where this delimiter does not separate them."""
    try:
        return next(csv.reader(io.StringIO(table, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return []


def _table_lines(rows: Any, names: Sequence[str], skipped: int, name: str, padded: bool) -> Iterator[Line]:
    """Yield the lines of a table, the header first; blank ones are left out.

    Where cells are `padded`, the blanks at their ends are no text.
    """
    while True:
        line = skipped + rows.line_num + 1
        where = f"{name}:{line}"
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            unclosed = "unexpected end" in str(error)
            why = "A quote opens in it and is never closed: the rest of the file is in that cell"
            fix = 'Close the quote; a quote inside a quoted cell is written twice: ""'
            yield line, InputError("The line cannot be read", why if unclosed else str(error), fix, where)
            continue
        if any(cell.strip() for cell in cells):
            yield line, _cells([cell.rstrip(" ") for cell in cells] if padded else cells, names, where)


def _cells(cells: Sequence[str], names: Sequence[str], where: str) -> Any:
    """Return a record from text cells; empty ones are absent, and those of columns without a name."""
    if any(cells[len(names) :]):
        why = f"It has {len(cells)} cells, and there are {len(names)} columns"
        fix = "Put cells that hold the separator in quotes"
        return InputError("The line has more cells than the header", why, fix, where)
    return {each: cell for each, cell in zip(names, cells, strict=False) if each and cell}


def _parquet(content: bytes, name: str) -> Records:
    from tokenunlearn.data.parquet import parquet_records

    return parquet_records(content, name)


_READERS: Final[Mapping[str, Callable[[bytes, str], Records]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _separated,
    ".tsv": _separated,
    ".parquet": _parquet,
}
