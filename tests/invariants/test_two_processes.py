"""Two processes do what one does: the same losses, looks and adapter, whether rows divide evenly or not."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.invariants.two_processes import CASES, run
from tests.warm import Warm

pytest.importorskip("accelerate")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Path:
    """The folder in which two gloo processes have done every case.

    They are started as a launcher would (tests/unit/test_accelerate.py has a real one), with torch loaded.
    """
    out = tmp_path_factory.mktemp("two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    logs = [out / f"log-{rank}.txt" for rank in range(2)]
    started = [
        warm.split("tests.invariants.two_processes", [str(rank), port, str(tiny_folder), str(out)], log)
        for rank, log in enumerate(logs)
    ]
    for process in started:
        process.wait(240)
    assert (out / "done").is_file(), "\n".join(log.read_text()[-3000:] for log in logs)
    return out


def result(folder: Path) -> tuple[list, dict]:
    """Events and adapter of a run."""
    events = json.loads((folder / "events.json").read_text())
    return events, load_file(folder / "adapter" / "adapter_model.safetensors")


@pytest.mark.parametrize("case", CASES)
def test_two_processes_are_one(shared: Path, tiny_folder: Path, tmp_path: Path, case: str) -> None:
    run(tiny_folder, tmp_path / case, *CASES[case])
    (one, alone), (two, together) = result(tmp_path / case), result(shared / case)
    # Where only one has been started, one is always equal to one.
    assert [(each / case / "processes").read_text() for each in (tmp_path, shared)] == ["1", "2"]
    assert len(one) == len(two) == 6
    for first, second in zip(one, two, strict=True):
        names = [name for name in first if isinstance(first[name], float) and name != "seconds"]
        assert len(names) >= 2
        numbers = [(first[name], second[name]) for name in names]
        np.testing.assert_allclose(*np.array(numbers).T, atol=1e-5)
    assert alone.keys() == together.keys()
    for name in alone:
        np.testing.assert_allclose(alone[name], together[name], atol=1e-5, err_msg=name)
