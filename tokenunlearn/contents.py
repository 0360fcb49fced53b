"""The content of a file that somebody names, or may have put there: only of one that has an end.

A pipe would be waited for, and a device like /dev/zero read, without one.
"""

import errno
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

MOST_BYTES: Final = 2**30  # of a file that is read as a whole


def opened(path: Path | str) -> BinaryIO:
    """Return a regular file, opened to be read. Raises OSError, also for what is no such file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "It is not a regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def bytes_of(path: Path | str) -> bytes:
    """Return what stands in a regular file. Raises OSError, also for one that is larger than MOST_BYTES."""
    with opened(path) as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise OSError(errno.EINVAL, f"It is larger than {MOST_BYTES / 2**30:g} GiB", str(path))
        return file.read()


def text_of(path: Path | str, encoding: str = "utf-8") -> str:
    """Return the text of a regular file. Raises OSError as `bytes_of` does, ValueError for other bytes."""
    return io.TextIOWrapper(io.BytesIO(bytes_of(path)), encoding=encoding).read()
