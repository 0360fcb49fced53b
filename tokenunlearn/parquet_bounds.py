"""How much of a Parquet table is read: few of its bytes may stand for any number of characters and items.

What the table says of itself is asked first, then what each page says that it becomes: by this it is
unpacked, so it cannot be forged. Then each batch is read as it is packed, and what it would be unpacked is
counted before anything is.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from tokenunlearn.contents import opened
from tokenunlearn.errors import InputError
from tokenunlearn.parquet_pages import unpacked_bytes

MOST_BYTES: Final = 256 * 1024**2
MOST_ITEMS: Final = 8_000_000  # of rows: each becomes an object of its own
MOST_NUMBERS: Final = MOST_BYTES // 8  # of a table that stays one
_ROWS: Final = 64
_LINES: Final = 16_384  # packed, they are few bytes as well
_TEXT: Final = ("STRING", "JSON", "ENUM", "NONE")


def packed_texts(table: Any) -> list[str]:
    """Return the paths of the columns whose texts can be read as they are packed (`read_dictionary`)."""
    columns = (table.schema.column(at) for at in range(table.metadata.num_columns))
    return [
        each.path
        for each in columns
        if each.physical_type == "BYTE_ARRAY" and each.logical_type.type in _TEXT
    ]


def bounded_batches(
    table: Any,
    file: BinaryIO,
    columns: Collection[str],
    name: str,
    most: int = MOST_ITEMS,
    at_once: int = _ROWS,
) -> Iterator[Any]:
    """Yield the record batches of these columns of an open Parquet file, texts packed. `file` is the same.

    Raises InputError for a table that holds more than is read, before more than a batch of it is, and
    ValueError for pages that cannot be read.
    """
    figures = [
        column
        for group in (table.metadata.row_group(at) for at in range(table.metadata.num_row_groups))
        if group.num_rows  # else it has no page, and is not read
        for column in (group.column(at) for at in range(group.num_columns))
        if column.path_in_schema.split(".")[0] in columns
    ]
    _refuse(sum(each.total_uncompressed_size for each in figures), MOST_BYTES, "bytes", name)
    _refuse(sum(each.num_values for each in figures), most, "values", name)
    size = 0
    for each in figures:
        size += unpacked_bytes(file, each, MOST_BYTES - size)
        _refuse(size, MOST_BYTES, "bytes", name)
    size = 0
    for batch in table.iter_batches(at_once, columns=list(columns)):
        size += sum(_unpacked(each) for each in batch.columns)
        _refuse(size, MOST_BYTES, "bytes", name)
        yield batch


def refuse_too_large(path: Path) -> None:
    """Raise InputError for a Parquet file that holds more than is read."""
    with (
        opened(path) as file,
        parquet.ParquetFile(path) as plain,
        parquet.ParquetFile(path, metadata=plain.metadata, read_dictionary=packed_texts(plain)) as table,
    ):
        for _ in bounded_batches(table, file, table.schema_arrow.names, str(path), MOST_NUMBERS, _LINES):
            pass


def _unpacked(array: Any) -> int:
    """Return how many bytes an array takes with each text written out."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary.cast(pa.large_binary()))
        return int(pc.sum(lengths.take(array.indices), min_count=0).as_py())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _unpacked(array.flatten())
    if pa.types.is_struct(kind):
        return sum(_unpacked(each) for each in array.flatten())
    return int(array.nbytes)


def _refuse(amount: int, most: int, of: str, name: str) -> None:
    if amount > most:
        raise InputError("The table is too large", f"At most {most:,} {of} of it are read", "Split it", name)
