"""Files that survive a kill: atomic replacement, append-only lines, locks that die with their holder.

Covered: SIGKILL at any instruction, two processes writing at once, a torn last line, a disk that is full,
read-only or gone, a process that was frozen while it held a lock. Where a file system has no locks this is
said once, and nothing is guarded. Not covered: locks that do not work, and Windows (no `fcntl`).
"""

import errno
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.contents import opened
from tokenunlearn.data.json_text import from_json
from tokenunlearn.errors import RunError
from tokenunlearn.file_locks import lock

# What the system says when a disk takes nothing more → what a person calls that, and what mends it.
_FULL: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        errno.ENOSPC: ("The disk is full", "Make room on it"),
        errno.EDQUOT: ("Your share of the disk is used up", "Remove files of yours, or ask for more room"),
        errno.EFBIG: ("A file has grown to the limit of this process", "Raise its limit (ulimit -f)"),
        errno.EROFS: ("The disk is read-only", "Make it writable again"),
        errno.EIO: ("The disk does not answer", "Look after it: it may be damaged"),
    }
)
_AWAY: Final = ("The folder of runs is gone", "Put it back, or mount its disk again")
_FORBIDDEN: Final = ("The folder of runs may not be written", "Allow it to this user")
# The same, where it is said of something in the folder of runs: of any other file it means nothing of a disk.
_IN_FOLDER: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ESTALE), _AWAY),
        **dict.fromkeys((errno.EACCES, errno.EPERM), _FORBIDDEN),
    }
)
# Why a lock cannot be opened to write, though it may be there, and may be a folder.
_NOT_OPENED: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOENT)
LOCK_SECONDS: Final = 5.0  # what is done under a lock takes milliseconds
_LOOK_SECONDS: Final = 0.02
_HOLDER_SECONDS: Final = 0.5  # between two looks at who holds it


class LockHeld(RunError):
    """Another process, `pid` where it is known, has held a lock for too long."""

    def __init__(self, path: Path, pid: int | None) -> None:
        who = f"Process {pid}" if pid else "Another process"
        frozen = pid is not None and _is_frozen(pid)
        why = f"{who} holds its lock and " + ("is stopped" if frozen else "does not let go")
        fix = f"Continue it (kill -CONT {pid}) or end it (kill -9 {pid})" if pid else "Wait for it, or end it"
        super().__init__(f"{path.parent.name} cannot be changed now", why, fix, str(path))
        self.pid = pid


def disk_fault(error: BaseException | None, folder: Path | None = None) -> str:
    """Return what keeps files from being written, with what mends it; "" where it is no matter of the disk.

    `folder`: the one of runs, where it is to be noticed that it is gone or forbidden.

    >>> disk_fault(OSError(28, "No space left on device"))
    'The disk is full: No space left on device. Make room on it'
    """
    while error is not None:
        if isinstance(error, OSError):
            told = re.search(r"\[errno (\d+)\]", str(error))  # pyarrow says it in words alone
            number = error.errno or (int(told[1]) if told else 0)
            found = _FULL.get(number)
            if found is None and folder is not None and Path(str(error.filename)).is_relative_to(folder):
                found = _IN_FOLDER.get(number)
            if found is not None:
                return f"{found[0]}: {os.strerror(number)}. {found[1]}"
        error = error.__cause__
    return ""


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
        rest = b"\n" + line if torn else line
        while rest:  # at the end of a disk a part is taken, and only the next write says that it is full
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def read_lines_since(path: Path, cursor: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Return the records after byte `cursor`, and the cursor to ask with next time.

    A last line without its line end is left for the next call; a complete line that is not a JSON object
    (torn by a kill, then closed) is passed over. A cursor past the end of the file starts at 0 again.
    """
    try:
        with opened(path) as file:
            size = file.seek(0, os.SEEK_END)
            start = cursor if 0 <= cursor <= size else 0
            file.seek(start)
            content = file.read()
    except OSError:  # not there yet; of one that cannot be read `damage.run_faults` tells
        return [], 0
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

    The lock lies beside it, where all who can write it find it, and is removed at the end. A folder
    that is there is locked itself as well: what it lies in may be read-only. Nothing is written into a lock.
    Raises RunError, with the process, where another one holds it, and where the lock is a link.
    """
    place = path.resolve()
    name = hashlib.sha256(os.fsencode(place.name)).hexdigest()[:16]
    locks = [place.parent / f".tokenunlearn-{name}.lock", *([place] if place.is_dir() else [])]
    with ExitStack() as held:
        for each in locks:
            descriptor = _alone(each, path)
            if descriptor is not None:
                held.callback(os.close, descriptor)
                held.callback(_removed, each)
        yield


def _removed(lock: Path) -> None:
    """Remove a lock file, which is held; not a folder, nor what another user left in a folder of several."""
    if lock.is_file():
        with suppress(PermissionError):
            lock.unlink(missing_ok=True)


def _alone(place: Path, path: Path) -> int | None:
    """Lock a file or a folder that no other process has locked; None where this process may not open it."""
    while True:
        descriptor = _opened_lock(place, path)
        if descriptor is None:
            return None
        try:
            lock(descriptor, place)
        except BlockingIOError as error:
            os.close(descriptor)
            holder = holder_of(place)
            raise RunError(
                f"Another process{f' ({holder})' if holder else ''} writes this",
                "Two at once would lose the work of one",
                "Wait for it, or name another place",
                str(path),
            ) from error
        except OSError:
            os.close(descriptor)
            raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), place.lstat()):
                return descriptor
        os.close(descriptor)  # who held it removed it between the two: there is another one by now, or none


def _opened_lock(lock: Path, path: Path) -> int | None:
    """Open a lock without following a link: to write, which some file systems ask for, or else to read."""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        try:
            return os.open(lock, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise RunError(
                    "This cannot be held alone", "Its lock is a link", f"Remove {lock}", str(path)
                ) from error
            if error.errno not in _NOT_OPENED:
                raise
    return None


@contextmanager
def locked(
    path: Path, seconds: float | None = LOCK_SECONDS, *, working: Callable[[int | None], None] | None = None
) -> Iterator[None]:
    """Hold the lock file `path`, waiting for it; the kernel lets go when the holder dies.

    Raises LockHeld after `seconds`, None to wait without an end: a holder that was frozen (SIGSTOP, a
    debugger) would otherwise freeze all others with it. With `working` only seconds in which the holder is
    frozen are counted, for what may take it minutes; it hears now and then which process works, and may raise
    to wait no longer.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if seconds is None:
            lock(descriptor, path, wait=True)
        elif not _taken(descriptor, seconds, path, working):
            raise LockHeld(path, holder_of(path))
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int, seconds: float, path: Path, working: Callable[[int | None], None] | None) -> bool:
    """Return whether a lock could be taken within some seconds; where `working` hears, of a frozen holder."""
    until, looked = time.monotonic() + seconds, time.monotonic()
    while True:
        try:
            lock(descriptor, path)
            return True
        except BlockingIOError:
            now = time.monotonic()
            if working is not None and now >= looked:
                looked = now + _HOLDER_SECONDS
                holder = holder_of(path)
                if holder is None or not _is_frozen(holder):
                    until = now + seconds
                    working(holder)
            if now >= until:
                return False
            time.sleep(_LOOK_SECONDS)


def holder_of(path: Path) -> int | None:
    """Return the process that holds a lock file, None where the system does not say (only Linux does)."""
    with suppress(OSError, ValueError):
        found = path.stat()
        place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            words = line.split()
            if "->" not in words and place in words:
                return int(words[words.index(place) - 1])
    return None


def _is_frozen(pid: int) -> bool:
    """Return whether a process was stopped by a signal and waits to be continued."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] in "Tt"
    return False
