"""Two processes do what one does: the same losses, looks and adapter, whether rows divide evenly or not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

pytest.importorskip("accelerate")
SCRIPT = "tests/invariants/two_processes.py"


def launched(root: Path, processes: int, folder: Path, out: Path, *settings: str) -> tuple[list, dict]:
    """Events and adapter of a run; one gloo process a share on the processor."""
    start = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        *(["--multi_gpu"] if processes > 1 else ["--cpu"]),
        "--num_machines",
        "1",
    ]
    start += ["--num_processes", str(processes), "--mixed_precision", "no", "--dynamo_backend", "no"]
    start += ["--main_process_port", str(29500 + os.getpid() % 500)] if processes > 1 else []
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [*start, str(root / SCRIPT), str(folder), str(out), *settings]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((out / "events.json").read_text()), load_file(out / "adapter/adapter_model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective, rows, retain", [("npo", "4", "ce"), ("grad_diff", "3", "kl"), ("npo", "1", "kl")]
)
def test_two_processes_are_one(root, tiny_folder, tmp_path, objective, rows, retain) -> None:
    settings = (objective, rows, retain)
    one, alone = launched(root, 1, tiny_folder, tmp_path / "one", *settings)
    two, shared = launched(root, 2, tiny_folder, tmp_path / "two", *settings)
    assert len(one) == len(two) == 6
    for first, second in zip(one, two, strict=True):
        numbers = [
            (first[name], second[name])
            for name in first
            if isinstance(first[name], float) and name != "seconds"
        ]
        assert len(numbers) >= 2
        np.testing.assert_allclose(*np.array(numbers).T, atol=1e-5)
    assert alone.keys() == shared.keys()
    for name in alone:
        np.testing.assert_allclose(alone[name], shared[name], atol=1e-5, err_msg=name)
