"""Locks of the kernel on open files, and what is said where a file system has none."""

import errno
import fcntl
import logging
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

LOG: Final = logging.getLogger(__name__)
# What a file system says that has no locks (some network and FUSE ones), or none on what is only read (NFS).
_WITHOUT_LOCKS: Final = (
    errno.ENOLCK,
    errno.EOPNOTSUPP,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EBADF,
    errno.EINVAL,
)
_UNGUARDED: Final = (
    "The file system of %s has no locks (%s): nothing keeps two processes from writing the same there, which "
    "would lose the work of one"
)


def lock(descriptor: int, path: Path, *, wait: bool = False) -> bool:
    """Lock an open file; return False where its file system has no locks, which is said once for a folder.

    `path` is that of the file. Raises BlockingIOError where another process holds it and nobody waits.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        _say_unguarded(path.parent, os.strerror(error.errno))
        return False
    return True


def lock_fault(folder: Path) -> str:
    """Return what is to be said of a folder whose file system has no locks; "" where it has them."""
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return _UNGUARDED % (folder, error.strerror)
    return ""


@cache
def _say_unguarded(folder: Path, why: str) -> None:
    LOG.warning(_UNGUARDED, folder, why)
