"""`unlearn` under `accelerate launch`: one adapter, written once, the same as that of a single process."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.tiny_rows import RETAIN, ROWS, write_rows
from tokenunlearn.cli import main

pytest.importorskip("accelerate")
pytestmark = pytest.mark.slow
# `--cpu --num_processes 2` alone starts one process (Accelerate leaves the second to mpirun); what is called
# multi_gpu starts two on any machine, and without a GPU they meet over gloo.
LAUNCH = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no"]
# Loaded by every Python that has its folder on the path: says which ranks were there.
WITNESS = """
import os, pathlib
if "RANK" in os.environ:
    pathlib.Path(os.environ["RANKS"], os.environ["RANK"]).write_text(os.environ["WORLD_SIZE"])
"""
SETTINGS = [
    "--steps",
    "3",
    "--retain-bound",
    "20",
    "--rank",
    "2",
    "--learning-rate",
    "0.01",
    "--eval-every",
    "1",
]


def verb(model: Path, out: str) -> list[str]:
    rows = ["rows.jsonl", "--retain-rows", "keep.jsonl", "--out", out]
    return ["unlearn", *rows, "--model", str(model), "--precision", "fp32", *SETTINGS]


def launched(root: Path, folder: Path, model: Path, out: str) -> str:
    """What the command said under the launcher, run in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = ["--main_process_port", str(free.getsockname()[1])]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{folder}",
        "RANKS": str(folder / "ranks"),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run(
        [sys.executable, *LAUNCH, *port, "-m", "tokenunlearn", *verb(model, out)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def test_two_processes_write_one_adapter_equal_to_that_of_one(
    root: Path,
    tmp_path: Path,
    tiny_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Five and three rows: neither divides evenly over two processes.
    write_rows(tmp_path / "rows.jsonl", ROWS[:5])
    write_rows(tmp_path / "keep.jsonl", (), RETAIN[:3])
    (tmp_path / "sitecustomize.py").write_text(WITNESS, encoding="utf-8")
    (tmp_path / "ranks").mkdir()
    two = launched(root, tmp_path, tiny_folder, "two")
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(verb(tiny_folder, "one")) == 0
    for said in (capsys.readouterr().err, two):
        # Told once: the other process writes neither files nor words.
        assert said.count("adapter in ") == 1
        assert said.count("finished: all steps done") == 1, said[-3000:]

    ranks = {path.name: path.read_text() for path in (tmp_path / "ranks").iterdir()}
    assert ranks == {"0": "2", "1": "2"}
    for out in ("one", "two"):
        assert sorted(path.name for path in (tmp_path / out).iterdir()) == [
            "adapter", "checkpoint", "config.json", "metrics.jsonl",
        ]  # fmt: skip
        events = [json.loads(line) for line in (tmp_path / out / "metrics.jsonl").read_text().splitlines()]
        assert [each["step"] for each in events if each["event"] == "StepDone"] == [1, 2, 3]
    weights = [load_file(tmp_path / out / "adapter" / "adapter_model.safetensors") for out in ("one", "two")]
    assert weights[0].keys() == weights[1].keys() and weights[0]
    for name, alone in weights[0].items():
        np.testing.assert_allclose(weights[1][name], alone, atol=1e-5, err_msg=name)
    assert says_the_same(tiny_folder, tmp_path / "one" / "adapter", tmp_path / "two" / "adapter")


def says_the_same(model: Path, first: Path, second: Path) -> bool:
    """Whether plain PEFT on the plain base model gives the same logits with both, other than the base's."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    ids = torch.tensor([[5, 9, 12, 7, 30, 4]])
    base = AutoModelForCausalLM.from_pretrained(model)
    logits = [base(ids).logits.detach()]
    for adapter in (first, second):
        plain = AutoModelForCausalLM.from_pretrained(model)
        logits.append(PeftModel.from_pretrained(plain, adapter)(ids).logits.detach())
    return bool(torch.allclose(*logits[1:], atol=1e-4) and not torch.allclose(*logits[:2], atol=1e-4))
