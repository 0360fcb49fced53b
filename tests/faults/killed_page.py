"""`python -m tests.faults.killed_page FOLDER AT FLAGS…`: the page, waiting at a write point to be ended.

Each change that the server makes in FOLDER/runs is a point, whichever thread makes it; their names go into
FOLDER/points, a line each. At number AT it writes FOLDER/reached and stands still until there is FOLDER/go.
"""

import os
import runpy
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.faults.write_points import WritePoints


class PointsBelow(WritePoints):
    """The points of all threads below one folder."""

    def __init__(self, folder: Path, at: int) -> None:
        super().__init__(lambda *_: None)
        self._runs, self._folder, self._at = str(folder / "runs"), folder, at
        self._lock = threading.Lock()
        self._said = os.open(folder / "points", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def _point(self, name: str, place: Any) -> None:
        if place == self._said:
            return
        path = os.readlink(f"/proc/self/fd/{place}") if isinstance(place, int) else os.path.abspath(place)
        if not path.startswith(self._runs):
            return
        with self._lock:
            self.count += 1
            number = self.count
            os.write(self._said, f"{name} {os.path.relpath(path, self._runs)}\n".encode())
        if number == self._at:
            (self._folder / "reached").touch()
            while not (self._folder / "go").exists():
                time.sleep(0.01)


if __name__ == "__main__":
    folder, at = Path(sys.argv[1]), int(sys.argv[2])
    sys.argv = ["app", *sys.argv[3:]]
    with PointsBelow(folder, at):
        runpy.run_module("app", run_name="__main__", alter_sys=True)
