"""`python -m tests.warm ADDRESS`: has loaded all that pages and workers need, and splits one off when asked.

Each of them loads for ten seconds when it starts by itself, and the tests start fifty; how it does that is
what test_clone.py, test_imports.py and one test of test_resume.py look at. What a page or a worker starts in
turn is split off as well. See tests/loaded.py, from which this process is split off itself.
"""

import fcntl
import os
import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from tests.loaded import held, serve, split, start

WORKER = "tokenunlearn.runs.worker"
OURS = ("app.page", "tokenunlearn.runs.job")
LIBRARIES_AT = "TOKENUNLEARN_TESTS_LIBRARIES"  # the address of what xdist's processes came from


class Warm:
    """The process that pages and workers are split off from, kept while this object or another holds it.

    `folder` is where it listens; test processes that name the same one share it.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.address = str(folder / "warm")
        with (folder / "warm.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not Path(self.address).exists():
                libraries = os.environ.get(LIBRARIES_AT) or str(folder / "libraries")
                with nullcontext() if LIBRARIES_AT in os.environ else start(root, libraries):
                    split(libraries, "tests.warm", [self.address], folder / "warm.log")
            self._held = held(self.address)

    def split(self, program: str, arguments: list[str], log: Path) -> "Split":
        """A new process that runs the module as `python -m` would; what it says goes into `log`."""
        return Split(split(self.address, program, arguments, log))

    def worker(self, run: Path) -> int:
        """The process id of a new worker of the run in this folder."""
        return split(self.address, WORKER, [str(run)], run / "log.txt")

    def close(self) -> None:
        """Hold it no longer."""
        self._held.close()


class Split:
    """A process that was split off, with what the tests need of `Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a loss of power does."""
        self._signal(signal.SIGKILL)

    def wait(self, seconds: float) -> None:
        """Wait until it has ended. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} still runs after {seconds} s")
            time.sleep(0.02)

    def _signal(self, number: int) -> None:
        if self.alive:
            os.kill(self.pid, number)


def main(address: str) -> None:
    """Split off pages and workers until nobody holds this process."""
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    from tokenunlearn.runs.queue import RunQueue

    get_checkpoint_conversion_mapping("llama")  # a second of regular expressions, kept from then on
    RunQueue._spawn = lambda _, run: split(address, WORKER, [str(run)], run / "log.txt")  # type: ignore[method-assign]
    serve(address, OURS)


if __name__ == "__main__":
    main(sys.argv[1])
