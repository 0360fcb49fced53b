"""`python -m tests.warm ADDRESS`: has loaded what pages and workers need, and splits off a process for each.

Each of them loads Gradio and the model's libraries for ten seconds when it starts by itself, and the tests
start fifty; how it does that is what test_clone.py, test_imports.py and one test of test_resume.py look at.
A line to the socket ADDRESS is `{"program", "arguments", "log"}`, the answer a process id. What a page or a
worker starts in turn is split off as well. The process ends with its standard input.
"""

import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, NoReturn

WORKER = "tokenunlearn.runs.worker"


class Warm:
    """The process that pages and workers are split off from; it ends with this one."""

    def __init__(self, root: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="warm-"))
        self.address = str(self._folder / "socket")
        command = [sys.executable, "-m", "tests.warm", self.address]
        self._process = Popen(command, cwd=root, stdin=PIPE, stdout=PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()  # It listens.

    def split(self, program: str, arguments: list[str], log: Path) -> "Split":
        """A new process that runs the module as `python -m` would; what it says goes into `log`."""
        return Split(split(self.address, program, arguments, log))

    def worker(self, run: Path) -> int:
        """The process id of a new worker of the run in this folder."""
        return split(self.address, WORKER, [str(run)], run / "log.txt")

    def close(self) -> None:
        """End it: nothing more can be split off."""
        self._process.communicate(timeout=30)
        shutil.rmtree(self._folder)


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


def split(address: str, program: str, arguments: list[str], log: Path) -> int:
    """The id of a process that the one at this address has split off."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        with connection.makefile("rw") as stream:
            stream.write(json.dumps({"program": program, "arguments": arguments, "log": str(log)}) + "\n")
            stream.flush()
            return int(stream.readline())


def main(address: str) -> None:
    """Split off a process for each line, until standard input ends."""
    # What a page or a worker loads in its time, and not before: a minute of processor over all tests.
    for name in ("app.page", "peft", "pyarrow.parquet", "rouge_score.rouge_scorer", "sklearn.linear_model"):
        importlib.import_module(name)
    for name in ("tokenunlearn.runs.job", "transformers.models.llama.modeling_llama", "uvicorn"):
        importlib.import_module(name)
    from tokenunlearn.runs.queue import RunQueue

    RunQueue._spawn = lambda _, run: split(address, WORKER, [str(run)], run / "log.txt")  # type: ignore[method-assign]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for them: what has ended is gone at once.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("listens\n")
        sys.stdout.flush()
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection = listener.accept()[0]
            with connection, connection.makefile("rw") as stream:
                asked = json.loads(stream.readline())
                pid = os.fork()
                if pid == 0:
                    _run(asked)
                stream.write(f"{pid}\n")


def _run(asked: dict[str, Any]) -> NoReturn:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for place, file in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(file, place)
    sys.argv = [asked["program"], *asked["arguments"]]
    code: Any = 1
    try:
        runpy.run_module(asked["program"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main(sys.argv[1])
