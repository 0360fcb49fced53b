"""`python -m tests.warm ADDRESS`: has loaded what pages and workers need, and splits off a process for each.

Each of them loads Gradio and the model's libraries for ten seconds when it starts by itself, and the tests
start fifty; how it does that is what test_clone.py, test_imports.py and one test of test_resume.py look at.
A line to the socket ADDRESS is `{"program", "arguments", "log", "environment"}`, the answer a process id; the
environment is laid over its own. What a page or a worker starts in turn is split off as well. An empty line
holds the process: all test processes share one, and it ends when none of them holds it any more.
"""

import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, NoReturn

WORKER = "tokenunlearn.runs.worker"
# What a page or a worker loads at some time: a minute of processor over all tests.
LOADED = (
    "app.page",
    "peft",
    "pyarrow.parquet",
    "rouge_score.rouge_scorer",
    "sklearn.linear_model",
    "tokenunlearn.runs.job",
    "transformers.models.llama.modeling_llama",
    "uvicorn",
)


class Warm:
    """The process that pages and workers are split off from, kept while this object or another holds it.

    `folder` is where it listens; test processes that name the same one share it.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.address = str(folder / "warm")
        with (folder / "warm.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not Path(self.address).exists():
                command = [sys.executable, "-m", "tests.warm", self.address]
                process = Popen(command, cwd=root, stdout=PIPE, text=True, start_new_session=True)
                assert process.stdout is not None
                process.stdout.readline()  # It listens.
            self._held = socket.socket(socket.AF_UNIX)
            self._held.connect(self.address)
            self._held.sendall(b"\n")

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


def split(
    address: str, program: str, arguments: list[str], log: Path, environment: dict[str, str] | None = None
) -> int:
    """The id of a process that the one at this address has split off."""
    asked = {"program": program, "arguments": arguments, "log": str(log), "environment": environment or {}}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        with connection.makefile("rw") as stream:
            stream.write(json.dumps(asked) + "\n")
            stream.flush()
            return int(stream.readline())


def main(address: str) -> None:
    """Split off a process for each line, until nobody holds this one."""
    gc.disable()
    for name in LOADED:
        importlib.import_module(name)
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    from tokenunlearn.runs.queue import RunQueue

    get_checkpoint_conversion_mapping("llama")  # a second of regular expressions, kept from then on
    RunQueue._spawn = lambda _, run: split(address, WORKER, [str(run)], run / "log.txt")  # type: ignore[method-assign]
    gc.freeze()  # What is split off does not look for garbage in all that, nor copies it by looking.
    gc.enable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for them: what has ended is gone at once.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("listens\n")
        sys.stdout.flush()
        held: list[socket.socket] = []
        begun = False
        while held or not begun:
            ready = select.select([listener, *held], [], [])[0]
            # Whoever holds it says nothing more: one that can be read has been closed.
            held = [each for each in held if each not in ready]
            if listener in ready:
                connection = listener.accept()[0]
                asked = connection.makefile("r").readline().strip()
                if asked:
                    connection.sendall(b"%d\n" % _split_off(json.loads(asked), listener))
                    connection.close()
                else:
                    held.append(connection)
                    begun = True
    Path(address).unlink()


def _split_off(asked: dict[str, Any], listener: socket.socket) -> int:
    pid = os.fork()
    if pid == 0:
        listener.close()
        _run(asked)
    return pid


def _run(asked: dict[str, Any]) -> NoReturn:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for place, file in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(file, place)
    os.environ |= asked["environment"]
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
