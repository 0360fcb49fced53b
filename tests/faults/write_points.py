"""The calls by which this process changes the disk, counted; at any of them something may happen.

Nothing of it is in the product: the functions of `os` and `io` are wrapped from outside, so that a new write
point is among them by itself.
"""

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = ("write", "fsync", "replace", "rename", "link", "mkdir", "rmdir", "unlink")


class WritePoints:
    """While it is entered, `act(number, what)` is called before each change of the disk by the main thread.

    `what` is the name of the call and the file, where it has one. `act` may end the process, or raise what
    the system would. Other threads are only asked when `all_threads` is set, under the last number.
    """

    def __init__(self, act: Callable[[int, str], None]) -> None:
        self.act, self.count, self.all_threads = act, 0, False
        self.names: list[str] = []
        self._real: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        for name in CHANGES:
            self._wrap(os, name, lambda *_: True)
        self._wrap(os, "open", lambda _path, flags=0, *_: bool(flags & WRITES))
        self._wrap(io, "open", lambda _path, mode="r", *_: set(mode) & set("wax+"))
        return self

    def __exit__(self, *_: object) -> None:
        for module, name, real in self._real:
            setattr(module, name, real)

    def _wrap(self, module: Any, name: str, changes: Callable[..., Any]) -> None:
        real = getattr(module, name)
        self._real.append((module, name, real))

        def call(*given: Any, **named: Any) -> Any:
            if changes(*given, **{key: value for key, value in named.items() if key in ("flags", "mode")}):
                self._point(name, given[0])
            return real(*given, **named)

        setattr(module, name, call)

    def _point(self, name: str, place: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            self.count += 1
            self.names.append(f"{name} {Path(place).name}" if isinstance(place, str | Path) else name)
        elif not self.all_threads:
            return
        self.act(self.count, self.names[-1] if self.names else name)
