"""Files that a browser sends in pieces: held in memory, never written to disk, forgotten after a while."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Final

from tokenunlearn.errors import InputError

MOST_BYTES: Final = 64 * 1024 * 1024
MOST_FILES: Final = 4
SECONDS: Final = 1800.0  # an upload that nobody has looked at for so long is forgotten


@dataclass
class Upload:
    """A file as far as it has come."""

    name: str
    size: int
    content: bytearray = field(default_factory=bytearray)
    touched: float = field(default_factory=time.monotonic)


class Uploads:
    """The files under way and arrived, by an id that nobody can guess. Safe to call from several threads."""

    def __init__(self) -> None:
        self._held: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, size: int) -> str:
        """Return the id of a new file of `size` bytes.

        Raises InputError for one that is too large or empty.
        """
        if size > MOST_BYTES:
            raise InputError(
                f"{name[:80]} has {size:,} bytes",
                f"At most {MOST_BYTES:,} are taken from a browser",
                "Put the file on the server's machine and type its path there",
            )
        with self._lock:
            now = time.monotonic()
            fresh = {key: each for key, each in self._held.items() if now - each.touched < SECONDS}
            self._held = dict(list(fresh.items())[-(MOST_FILES - 1) :])
            key = secrets.token_urlsafe(12)
            self._held[key] = Upload(name, size)
        return key

    def add(self, key: str, at: int, piece: bytes) -> int:
        """Return the number of bytes that are there after a piece was added at `at`. Raises InputError."""
        upload = self._find(key)
        with self._lock:
            if at != len(upload.content) or at + len(piece) > upload.size:
                raise InputError(
                    "The pieces of the file do not follow each other", fix="Choose the file again"
                )
            upload.content += piece
            return len(upload.content)

    def read(self, key: str) -> tuple[str, bytes]:
        """Name and content of a whole file. Raises InputError."""
        upload = self._find(key)
        if len(upload.content) < upload.size:
            raise InputError(f"{upload.name[:80]} has not arrived yet", fix="Choose the file again")
        return upload.name, bytes(upload.content)

    def drop(self, key: str) -> None:
        """Forget the file."""
        with self._lock:
            self._held.pop(key, None)

    def _find(self, key: str) -> Upload:
        with self._lock:
            upload = self._held.get(key)
            if upload is None:
                raise InputError("The file is no longer held", "It was sent long ago", "Choose it again")
            upload.touched = time.monotonic()
            return upload
