"""`python -m tests.warm_page`: has loaded what a page needs, and splits off a process for each page.

A page that starts by itself loads Gradio and the model's libraries for ten seconds first, and a dozen files
of tests start one; how it does that is what test_clone.py and test_imports.py look at. Each line of standard
input is `{"program", "arguments", "log"}`, each line of the answer a process id.
"""

import json
import os
import runpy
import signal
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, NoReturn


class Warm:
    """The process that pages are split off from; it ends with this one."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.warm_page"]
        self._process = Popen(command, cwd=folder, stdin=PIPE, stdout=PIPE, text=True)

    def split(self, program: str, arguments: list[str], log: Path) -> "Split":
        """A new process that runs the module as `python -m` would; what it says goes into `log`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        asked = {"program": program, "arguments": arguments, "log": str(log)}
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        return Split(int(self._process.stdout.readline()))

    def close(self) -> None:
        """Nothing; no more pages can be split off."""
        self._process.communicate(timeout=30)


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
        """Nothing; it is asked to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Nothing; it is gone, as after a loss of power."""
        self._signal(signal.SIGKILL)

    def wait(self, seconds: float) -> None:
        """Nothing, once it has ended. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                raise TimeoutError(f"process {self.pid} still runs after {seconds} s")
            time.sleep(0.02)

    def _signal(self, number: int) -> None:
        if self.alive:
            os.kill(self.pid, number)


def main() -> None:
    """Split off a process for each line, until there are no more."""
    import gradio
    import peft
    import torch
    import transformers
    import uvicorn

    assert gradio and peft and torch and transformers and uvicorn
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for them: what has ended is gone at once.
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _run(asked: dict[str, Any]) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
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
    main()
