"""What the pages of a Parquet file become is read from the pages: a footer that says less is not believed."""

import io
import random
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tokenunlearn import parquet_bounds
from tokenunlearn.data.files import read_rows
from tokenunlearn.errors import InputError, TableError
from tokenunlearn.parquet_pages import unpacked_bytes
from tokenunlearn.table import read_table

COLUMNS = {
    "question": [f"Q{at}?" for at in range(3000)],
    "answer": ["x" * 50] * 3000,
    "l": [[[1, 2], [3]]] * 3000,
}


def written(columns: dict[str, object] = COLUMNS, **how: object) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file, **how)
    return file.getvalue()


def chunks(content: bytes) -> list:
    group = parquet.ParquetFile(pa.BufferReader(content)).metadata.row_group(0)
    return [group.column(at) for at in range(group.num_columns)]


def number(value: int, length: int = 0) -> bytes:
    """A number of Thrift's compact protocol, in at least as many bytes."""
    value, found = value << 1, bytearray()
    while not found or value or len(found) < length:
        found.append(value & 127 | 128)
        value >>= 7
    found[-1] &= 127
    return bytes(found)


def forged(content: bytes) -> bytes:
    """The same table, whose footer says of each column that it becomes 100 bytes."""
    begin = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = content[begin:-8]
    for size in {each.total_uncompressed_size for each in chunks(content)}:
        said = number(size)
        footer = footer.replace(said, number(100, len(said)))
    lies = content[:begin] + footer + content[-8:]
    assert {each.total_uncompressed_size for each in chunks(lies)} == {100}
    return lies


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["zstd", "snappy", "NONE"])
@pytest.mark.parametrize("packed", [True, False])
def test_the_pages_are_as_large_as_an_honest_footer_says(
    version: str, compression: str, packed: bool
) -> None:
    content = written(
        data_page_version=version, compression=compression, use_dictionary=packed, data_page_size=4000
    )
    for each in chunks(content):
        size = unpacked_bytes(io.BytesIO(content), each, 2**40)
        # The footer counts the headers as well, some dozen bytes a page.
        assert each.total_uncompressed_size * 0.9 - 200 < size < each.total_uncompressed_size
        assert 10 < unpacked_bytes(io.BytesIO(content), each, 10) <= size


def test_a_footer_that_lies_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_bounds, "MOST_BYTES", 1_000_000)
    # Read, it would fail here: nothing of it is.
    monkeypatch.setattr(parquet_bounds, "_unpacked", None)
    lies = forged(written({"question": ["Q?"] * 30, "answer": ["a" * 100_000 + str(at) for at in range(30)]},
                          use_dictionary=False))  # fmt: skip
    assert len(lies) < 200_000
    (tmp_path / "a.parquet").write_bytes(lies)
    for read, error in ((read_rows, InputError), (read_table, (InputError, TableError))):
        with pytest.raises(error, match="The table is too large"):
            read(tmp_path / "a.parquet")


def test_damaged_headers_are_an_error_and_come_to_an_end() -> None:
    content, chaos = written(use_dictionary=False, compression="NONE"), random.Random(0)
    chunk = chunks(content)[0]
    for _ in range(300):
        broken = bytearray(content)
        for at in range(chunk.data_page_offset, chunk.data_page_offset + chaos.randrange(1, 40)):
            broken[at] = chaos.randrange(256)
        try:
            assert unpacked_bytes(io.BytesIO(bytes(broken)), chunk, 2**30) >= 0
        except ValueError:
            continue
    with pytest.raises(ValueError, match="cut off"):
        unpacked_bytes(io.BytesIO(content[: chunk.data_page_offset + 5]), chunk, 2**30)
