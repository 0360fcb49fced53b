"""Files that survive a kill: atomic replacement, append-only lines, locks that die with their holder.

Covered: SIGKILL at any instruction, two processes writing at once, a torn last line. Not covered: network
file systems without working locks, and Windows (no `fcntl`).
"""

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenunlearn.data.json_text import from_json
from tokenunlearn.errors import RunError


def write_bytes_atomically(path: Path, content: bytes, *, once: bool = False) -> None:
    """Replace `path` as a whole: a reader sees the old file or the new one, never a part.

    With `once` a file that is there already stays, and FileExistsError is raised.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if once:
            os.link(temporary, path)
            os.unlink(temporary)
        else:
            os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_json_atomically(path: Path, record: Any) -> None:
    """Replace `path` by strict JSON. Raises ValueError on NaN, before anything is written."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1)
    write_bytes_atomically(path, f"{text}\n".encode())


def sync_directory(directory: Path) -> None:
    """Make renames in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append one JSON line in one write; a line that a kill left torn is closed first."""
    line = json.dumps(record, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        # Without this the new line would be glued to the torn one and both would be lost.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, b"\n" + line if torn else line)
    finally:
        os.close(descriptor)


def read_lines_since(path: Path, cursor: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Return the records after byte `cursor`, and the cursor to ask with next time.

    A last line without its line end is left for the next call; a complete line that is not a JSON object
    (torn by a kill, then closed) is passed over. A cursor past the end of the file starts at 0 again.
    """
    if not path.exists():
        return [], 0
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = cursor if 0 <= cursor <= size else 0
        file.seek(start)
        content = file.read()
    complete = content[: content.rfind(b"\n") + 1]
    records = []
    for line in complete.split(b"\n"):
        try:
            record = from_json(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records, start + len(complete)


@contextmanager
def held_alone(path: Path) -> Iterator[None]:
    """Hold what is at `path`, or will be, which nobody else writes meanwhile; the kernel lets go at the end.

    The lock lies among the temporary files of this machine. Raises RunError, with its process, where another
    one holds it.
    """
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    lock = Path(tempfile.gettempdir()) / f"tokenunlearn-{os.getuid()}-{name}.lock"
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "ignore").strip()
            raise RunError(
                f"Another process{f' ({holder})' if holder else ''} writes this",
                "Two at once would lose the work of one",
                "Wait for it, or name another place",
                str(path),
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, waiting for it; the kernel lets go when the holder dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
