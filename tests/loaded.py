"""`python -m tests.loaded ADDRESS`: has loaded the libraries, and splits off a process for each that asks.

The processes of xdist (`tests/split_python.py`) and the one of `tests/warm.py` come from it: each would take
ten seconds to load them. Our own code is not loaded here, but after the split: xdist's check its shapes.

A line to the socket ADDRESS is `{"program", "arguments", "log", "environment"}`, the answer a process id; the
environment is laid over its own. Without a log, the three standard files come with the line. An empty line
holds the process: all test processes share one, and it ends when none of them holds it any more.
"""

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
from collections.abc import Sequence
from pathlib import Path
from subprocess import Popen
from types import ModuleType
from typing import Any, NoReturn

# The first makes Gradio load in half the time.
LIBRARIES = (
    "app",
    "gradio",
    "pandas",
    "peft",
    "playwright.sync_api",
    "pyarrow.parquet",
    "rouge_score.rouge_scorer",
    "sklearn.linear_model",
    "transformers.models.llama.modeling_llama",
    "uvicorn",
)
START_SECONDS = 120


def start(root: Path, address: str) -> socket.socket:
    """Start it. It ends when the connection that is returned, and others that hold it, are closed."""
    Popen([sys.executable, "-m", "tests.loaded", address], cwd=root, start_new_session=True)
    return held(address)


def held(address: str) -> socket.socket:
    """A connection that holds the process at this address, as soon as it listens."""
    connection = socket.socket(socket.AF_UNIX)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection.connect(address)
        except OSError:  # It is not there yet.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            connection.sendall(b"\n")
            return connection


def split(
    address: str,
    program: str,
    arguments: Sequence[str],
    log: Path,
    environment: dict[str, str] | None = None,
) -> int:
    """The id of a process that the one at this address has split off.

    It runs the module as `python -m` would; what it says goes into `log`.
    """
    asked = {"program": program, "arguments": [*arguments], "environment": environment or {}, "log": str(log)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendall((json.dumps(asked) + "\n").encode())
        with connection.makefile("r") as stream:
            return int(stream.readline())


def serve(address: str, modules: Sequence[str]) -> NoReturn:
    """Load the modules, then split off a process for each line; end when nobody holds this one."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()  # Whoever asks already waits until all is loaded.
        gc.disable()
        for name in modules:
            importlib.import_module(name)
        gc.freeze()  # What is split off does not look for garbage in all that, nor copies it by looking.
        gc.enable()
        # Nobody waits for them: what has ended is gone at once.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        holding: list[socket.socket] = []
        begun = False
        while holding or not begun:
            ready = select.select([listener, *holding], [], [])[0]
            # Whoever holds it says nothing more: one that can be read has been closed.
            holding = [each for each in holding if each not in ready]
            if listener in ready:
                connection = listener.accept()[0]
                line, files = _received(connection)
                if line:
                    connection.sendall(b"%d\n" % _split_off(json.loads(line), files, listener))
                    connection.close()
                    for file in files:
                        os.close(file)
                else:
                    holding.append(connection)
                    begun = True
    Path(address).unlink(missing_ok=True)
    os._exit(0)  # To take apart what is loaded takes seconds.


def _received(connection: socket.socket) -> tuple[str, list[int]]:
    """A line without its end, and the files that came with it."""
    data, files, *_ = socket.recv_fds(connection, 1 << 20, 3)
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 20)
    return data.decode().strip(), files


def _split_off(asked: dict[str, Any], files: Sequence[int], listener: socket.socket) -> int:
    pid = os.fork()
    if pid == 0:
        listener.close()
        _run(asked, files)
    return pid


def _run(asked: dict[str, Any], files: Sequence[int]) -> NoReturn:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if asked["log"]:
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        files = (os.open(os.devnull, os.O_RDONLY), log, log)
    for place, file in enumerate(files):
        os.dup2(file, place)
    os.environ |= asked["environment"]
    sys.argv = [asked["program"], *asked["arguments"]]
    code: Any = 1
    try:
        if asked["program"] == "-c":
            main = sys.modules["__main__"] = ModuleType("__main__")
            exec(asked["arguments"][0], main.__dict__)
        else:
            runpy.run_module(asked["program"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    serve(sys.argv[1], LIBRARIES)
