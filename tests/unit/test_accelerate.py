"""`unlearn` under `accelerate launch`: one adapter, written once, the same as that of a single process."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.tiny_rows import RETAIN, ROWS, write_rows
from tests.warm import Warm
from tokenunlearn.cli import main

pytest.importorskip("accelerate")
pytestmark = pytest.mark.slow
# `--cpu --num_processes 2` alone starts one process (Accelerate leaves the second to mpirun); what is called
# multi_gpu starts two on any machine, and without a GPU they meet over gloo.
LAUNCH = ["--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
LAUNCH += ["--mixed_precision", "no", "--dynamo_backend", "no"]
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


def verb(folder: Path, model: Path, out: str) -> list[str]:
    rows = [
        str(folder / "rows.jsonl"),
        "--retain-rows",
        str(folder / "keep.jsonl"),
        "--out",
        str(folder / out),
    ]
    return ["unlearn", *rows, "--model", str(model), "--precision", "fp32", *SETTINGS]


def launched(warm: Warm, folder: Path, model: Path, out: str) -> str:
    """What the two processes of the command said under the launcher.

    The launcher is the real one and starts two processes; each of them (tests/unit/rank.py) has the command
    split off with its environment, so torch is loaded once for all three.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = ["--main_process_port", str(free.getsockname()[1])]
    ranks = ["-m", "tests.unit.rank", warm.address, str(folder), *verb(folder, model, out)]
    log = folder / "log.txt"
    warm.split("accelerate.commands.launch", [*LAUNCH, *port, *ranks], log).wait(240)
    said = [path.read_text() for path in sorted((folder / "said").iterdir())]
    assert len(said) == 2, log.read_text()[-3000:]
    return "".join(said)


def test_two_processes_write_one_adapter_equal_to_that_of_one(
    warm: Warm,
    tmp_path: Path,
    tiny_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Five and three rows: neither divides evenly over two processes.
    write_rows(tmp_path / "rows.jsonl", ROWS[:5])
    write_rows(tmp_path / "keep.jsonl", (), RETAIN[:3])
    for name in ("ranks", "said"):
        (tmp_path / name).mkdir()
    two = launched(warm, tmp_path, tiny_folder, "two")
    capsys.readouterr()
    assert main(verb(tmp_path, tiny_folder, "one")) == 0
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
