"""A file in, rows out: good rows, and the refused lines each with its reason.

`formats` reads the bytes, `columns` says which column becomes what. A row without `id` is named after its
line: `row-12`; in a file of rows to keep `retain-12`, so that two files do not name two rows alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenunlearn.contents import bytes_of
from tokenunlearn.data.columns import GUESSED, Columns, chosen, mapped, needed
from tokenunlearn.data.formats import reader_of
from tokenunlearn.data.records import Records
from tokenunlearn.data.rows import FORGET, Row, row_from_dict
from tokenunlearn.errors import InputError, SettingError


@dataclass(frozen=True)
class Refused:
    """A line that is not a row. `line` counts from 1: text line, JSON item or Parquet row."""

    line: int
    error: InputError

    @property
    def reason(self) -> str:
        """The whole sentence: what, why, how to mend it, where."""
        return str(self.error)


@dataclass(frozen=True)
class RowFile:
    """The rows of a file in order, what was refused, and the columns that nothing was read from."""

    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]
    unread: tuple[str, ...] = ()


def read_rows(path: str | Path, columns: Columns = GUESSED, unmarked: str = FORGET) -> RowFile:
    """Return the rows of a file and its refused lines; the format is told by the suffix.

    `unmarked` is the split of a row that names none. Raises InputError when the file is absent, unreadable or
    empty, or when no line of it is a row; SettingError when `columns` names a column that it does not have.
    """
    return good_content(read_records(path), columns, unmarked)


def good_rows(
    path: str, columns: Columns, skip_bad: bool, split: str, tell: Callable[[str], None]
) -> tuple[Row, ...]:
    """Return the rows of a file, read as `columns` says. A refused line raises InputError.

    With `skip_bad` it is told and left out. `split` is that of a row that names none. In a file beside the
    first one, which has another split than forget, columns hold as far as the file has them; else columns
    that the file does not have raise SettingError. What nothing was read from is told as well.
    """
    records = read_records(path)
    if split != FORGET:
        columns = {field: column for field, column in columns.items() if column in ("", *records.columns)}
    content = good_content(records, columns, split)
    rows = kept_rows(content, skip_bad, tell)
    if content.unread:
        tell(f"{path}: not read: {', '.join(content.unread)}")
    return rows


def kept_rows(content: RowFile, skip_bad: bool, tell: Callable[[str], None]) -> tuple[Row, ...]:
    """Return the rows of what was read. Raises InputError for a refused line; with `skip_bad` it is told."""
    if content.refused and not skip_bad:
        first, error = content.refused[0].line, content.refused[0].error
        count = len(content.refused) - 1
        more = f"{count} more {'line is' if count == 1 else 'lines are'} refused" if count else ""
        fix = f"{(error.fix or 'Mend the line').rstrip('.')}, or add --skip-bad-rows"
        raise InputError(f"Line {first} is not a row: {error.said}", more, fix, error.where)
    for refused in content.refused:
        tell(f"left out line {refused.line}: {refused.reason}")
    return content.rows


def good_content(records: Records, columns: Columns = GUESSED, unmarked: str = FORGET) -> RowFile:
    """Return the rows among the records and the refused lines. Raises InputError when no line is a row."""
    return need_rows(rows_of(records, columns, unmarked))


def need_rows(content: RowFile) -> RowFile:
    """Return the same. Raises InputError, with the first refusal, where it has no row."""
    if not content.rows:
        count, first = len(content.refused), content.refused[0].error
        lines = "1 line was refused" if count == 1 else f"{count} lines were refused, the first"
        raise InputError(
            "No line of the file is a row",
            f"{lines} because: {first.said}",
            first.fix or "Mend the file",
            first.where,
        )
    return content


def read_records(path: str | Path) -> Records:
    """Return what stands in a file. Raises InputError when it is absent, unreadable or empty."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError("This is a folder", "A file of rows is needed", where=str(path))
        if path.exists():
            reader_of(str(path))
            if not path.is_file():
                raise InputError("This is not a regular file", "A file of rows is needed", where=str(path))
        found = bytes_of(path)
    except FileNotFoundError as error:
        raise InputError("There is no such file", fix="Check the path", where=str(path)) from error
    except (OSError, ValueError) as error:  # ValueError: a path with NUL in it
        why = getattr(error, "strerror", None) or str(error)
        raise InputError("The file cannot be read", why, where=str(path)) from error
    return records_of(str(path), found)


def records_of(name: str, content: bytes) -> Records:
    """Return what stands in these bytes of a file called `name`. Raises InputError as `read_records` does."""
    return reader_of(name)(content, name)


def rows_of(records: Records, columns: Columns = GUESSED, unmarked: str = FORGET) -> RowFile:
    """Return the rows among the records, perhaps none, and the refused lines.

    Raises SettingError when `columns` names a column that is not there.
    """
    for field, column in columns.items():
        if column and column not in records.columns:
            names = ", ".join(records.columns[:20]) or "none"
            raise SettingError(f"There is no column {column[:60]!r} for {field}", f"The columns are: {names}")
    rows: list[Row] = []
    refused: list[Refused] = []
    lines: dict[str, int] = {}
    used = set(chosen(records.columns, columns).values())
    prefix = "row" if unmarked == FORGET else unmarked
    for line, record in records.read(needed(records.columns, columns)):
        where = f"{records.name}:{line}"
        if isinstance(record, Mapping):
            used.update(chosen(record, columns).values())
        try:
            defaults = {"id": f"{prefix}-{line}"} | ({} if unmarked == FORGET else {"split": unmarked})
            row = _row(record, columns, defaults, where, records.cells)
            if row.id in lines:
                why = f"Line {lines[row.id]} has it"
                raise InputError(f"id {row.id[:60]!r} is taken", why, "Give each row an id of its own", where)
        except InputError as error:
            refused.append(Refused(line, error))
            continue
        lines[row.id] = line
        rows.append(row)
    return RowFile(tuple(rows), tuple(refused), tuple(name for name in records.columns if name not in used))


def _row(record: Any, columns: Columns, defaults: Mapping[str, str], where: str, cells: bool) -> Row:
    if isinstance(record, InputError):
        raise record
    if not isinstance(record, Mapping):
        return row_from_dict(record, where)
    values = mapped(record, columns, where, cells)
    if isinstance(values.get("split"), str) and not values["split"].strip():
        del values["split"]
    return row_from_dict({**defaults, **values}, where)
