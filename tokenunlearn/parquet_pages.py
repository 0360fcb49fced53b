"""How large the pages of a Parquet file become: each says so in its own header, by which it is unpacked.

The file's footer says it as well, and a forged one says less; a page that holds more than its header says is
an error of the reader. The headers are Thrift's compact protocol; of them only numbers are read.
"""

from typing import Any, BinaryIO, Final

_UNPACKED, _PACKED = 2, 3  # fields of a page header
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY = 0, 1, 2, 3, 7, 8
_NUMBERS: Final = (4, 5, 6)
_LISTS, _STRUCT = (9, 10), 12
_MOST_HEADER: Final = 65_536  # statistics in it may hold a value or two
_DEEPEST: Final = 8


def unpacked_bytes(file: BinaryIO, chunk: Any, most: int) -> int:
    """Return how many bytes the pages of a column chunk become; counting ends beyond `most`.

    Raises ValueError for headers that cannot be read: then nothing is known.
    """
    at = min(chunk.dictionary_page_offset or chunk.data_page_offset, chunk.data_page_offset)
    end, size = at + chunk.total_compressed_size, 0
    while at < end and size <= most:
        file.seek(at)
        header = _Header(file.read(min(_MOST_HEADER, end - at)))
        fields = header.numbers()
        unpacked, packed = fields.get(_UNPACKED, -1), fields.get(_PACKED, -1)
        if unpacked < 0 or packed < 0:
            raise ValueError("a page does not say how large it is")
        size += unpacked
        at += header.at + packed
    return size


class _Header:
    """The bytes of a header, read from their beginning; `at` is where it ends."""

    def __init__(self, content: bytes) -> None:
        self.at, self._content = 0, content

    def numbers(self, depth: int = 0) -> dict[int, int]:
        """Return the numbers of a struct by their field, and pass over all else."""
        if depth > _DEEPEST:
            raise ValueError("a page header is nested too deeply")
        found, field = dict[int, int](), 0
        while kind := self._byte():
            step, kind = kind >> 4, kind & 15
            field = field + step if step else self._number()
            if kind in _NUMBERS:
                found[field] = self._number()
            else:
                self._pass(kind, depth)
        return found

    def _byte(self) -> int:
        if self.at >= len(self._content):
            raise ValueError("a page header is cut off")
        self.at += 1
        return self._content[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError("a number in a page header has no end")

    def _number(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _pass(self, kind: int, depth: int) -> None:
        """Pass over a value of this kind."""
        if kind in (_TRUE, _FALSE):
            return
        if kind in (_BYTE, _DOUBLE):
            self.at += 1 if kind == _BYTE else 8
        elif kind in _NUMBERS:
            self._varint()
        elif kind == _BINARY:
            length = self._varint()
            self.at += length
        elif kind in _LISTS:
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            if count > len(self._content):
                raise ValueError("a list in a page header is too long")
            for _ in range(count):
                if head & 15 in (_TRUE, _FALSE):
                    self.at += 1
                else:
                    self._pass(head & 15, depth + 1)
        elif kind == _STRUCT:
            self.numbers(depth + 1)
        else:
            raise ValueError("a page header holds what no page header does")
