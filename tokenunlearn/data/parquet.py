"""Parquet → records.

Only the columns that a row may need are read: what stands in the others harms nothing.
"""

import io
from collections.abc import Collection, Iterator
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from tokenunlearn.data.records import Line, Records, sound_names
from tokenunlearn.errors import InputError
from tokenunlearn.parquet_bounds import bounded_batches, packed_texts

# Few bytes of a table may stand for any number of rows.
MOST_RECORDS: Final = 1_000_000
# What Arrow and Python raise for a value that the one has and the other cannot hold.
_UNREADABLE: Final = (pa.ArrowException, OSError, ValueError, LookupError, OverflowError, TypeError)


def parquet_records(content: bytes, name: str) -> Records:
    """Return what stands in a Parquet table.

    Raises InputError for bytes that are none, for one without rows or with too many, and for two columns of
    one name. A row with a value that Python cannot hold is refused alone.
    """
    try:
        table = parquet.ParquetFile(pa.BufferReader(content))
        names, rows = table.schema_arrow.names, table.metadata.num_rows
        table = parquet.ParquetFile(
            pa.BufferReader(content), metadata=table.metadata, read_dictionary=packed_texts(table)
        )
    except _UNREADABLE as error:
        raise InputError("The file is not a Parquet table", _first_line(error), where=name) from error
    if rows > MOST_RECORDS:
        raise InputError(f"The table has {rows:,} rows", f"At most {MOST_RECORDS:,} are read", where=name)
    if rows == 0:
        raise InputError(
            "The file is empty",
            "It holds no row",
            "Write rows into it, with the columns question and answer",
            name,
        )
    twice = next((each for each in names if each and names.count(each) > 1), None)
    if twice is not None:
        why = "Which of them is meant cannot be told"
        raise InputError(f"Two columns are called {twice[:60]!r}", why, "Give each a name of its own", name)
    columns = sound_names(names)
    return Records(name, columns, lambda wanted: _lines(table, content, columns, wanted, name))


def _lines(
    table: Any, content: bytes, columns: Collection[str], wanted: Collection[str], name: str
) -> Iterator[Line]:
    chosen = [each for each in columns if each in wanted]
    if not chosen:
        yield from ((line, {}) for line in range(1, table.metadata.num_rows + 1))
        return
    line = 0
    try:
        for batch in bounded_batches(table, io.BytesIO(content), chosen, name):
            held = {each: _values(batch.column(each)) for each in batch.schema.names}
            for at in range(batch.num_rows):
                line += 1
                yield line, _record({each: values[at] for each, values in held.items()}, f"{name}:{line}")
    except _UNREADABLE as error:
        raise InputError("The table cannot be read", _first_line(error), "Write it again", name) from error


def _values(column: Any) -> list[Any]:
    """Return the values of a column; InputError stands for one that Python cannot hold.

    A text stays bytes: one that is no UTF-8 is the fault of its row alone, as is a list with such a text.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = column.cast(pa.large_binary() if pa.types.is_large_string(kind) else pa.binary())
    try:
        return list(column.to_pylist())
    except _UNREADABLE:
        return [_value(each) for each in column]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except _UNREADABLE as error:
        why = f"Python cannot hold its value: {_first_line(error)}"
        return InputError("cannot be read", why, "Leave the row out, or read no field from this column")


def _record(values: dict[str, Any], where: str) -> Any:
    for name, value in values.items():
        if isinstance(value, InputError):
            return InputError(f"{name[:60]} {value.what}", value.why, value.fix, where)
        if isinstance(value, bytes):
            try:
                values[name] = value.decode("utf-8")
            except UnicodeDecodeError as error:
                what = f"{name[:60]} holds bytes that are not UTF-8 text"
                why = f"The first is byte {error.start} of the text"
                return InputError(what, why, "Write the text as UTF-8, or leave the row out", where)
    return values


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
