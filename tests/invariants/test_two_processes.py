"""Two processes do what one does: the same losses, looks and adapter, whether rows divide evenly or not."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.invariants.two_processes import CASES, run

pytest.importorskip("accelerate")
pytestmark = pytest.mark.slow
SCRIPT = "tests/invariants/two_processes.py"


@pytest.fixture(scope="module")
def shared(root: Path, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two gloo processes have done every case."""
    out = tmp_path_factory.mktemp("two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    start = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1"]
    start += ["--num_processes", "2", "--mixed_precision", "no", "--dynamo_backend", "no"]
    command = [*start, "--main_process_port", port, str(root / SCRIPT), str(tiny_folder), str(out), *CASES]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def result(folder: Path) -> tuple[list, dict]:
    """Events and adapter of a run."""
    events = json.loads((folder / "events.json").read_text())
    return events, load_file(folder / "adapter" / "adapter_model.safetensors")


@pytest.mark.parametrize("case", CASES)
def test_two_processes_are_one(shared: Path, tiny_folder: Path, tmp_path: Path, case: str) -> None:
    run(tiny_folder, tmp_path / case, *CASES[case])
    (one, alone), (two, together) = result(tmp_path / case), result(shared / case)
    # Each launcher has ways to start one process only, and one is always equal to one.
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
