"""The state of a run on disk: LoRA weights, Adam's moments and the step, in one atomic safetensors file."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from tokenunlearn.errors import RunError

FILE = "checkpoint.safetensors"


def trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    """The parameters that train, by name."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def save_checkpoint(folder: Path, model: Any, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Replace the checkpoint in `folder` by the present state; a kill leaves the old or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, parameter in trainable(model).items():
        tensors[f"parameter/{name}"] = parameter.detach().cpu().contiguous()
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{key}/{name}"] = torch.as_tensor(value).detach().cpu().clone().contiguous()
    draft = folder / f".{FILE}.{os.getpid()}"
    save_file(tensors, draft, metadata={"step": str(step)})
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(folder / FILE)


def load_checkpoint(folder: Path, model: Any, optimizer: torch.optim.Optimizer) -> int:
    """The step of the checkpoint in `folder`, after putting its state into model and optimizer; 0 if none.

    Raises RunError when the checkpoint belongs to another LoRA.
    """
    path = folder / FILE
    if not path.is_file():
        return 0
    with safe_open(path, framework="pt") as file:
        step = int(file.metadata()["step"])
        saved = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    wanted = trainable(model)
    if {f"parameter/{name}" for name in wanted} != {key for key in saved if key.startswith("parameter/")}:
        raise RunError(
            what="This checkpoint does not fit the run's settings.",
            why="It was saved for a LoRA of other layers.",
            fix="Start a new run.",
            where=str(path),
        )
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(saved[f"parameter/{name}"])
            state = {key.split("/", 1)[0]: value for key, value in saved.items() if key.endswith(f"/{name}")}
            state.pop("parameter")
            if state:
                optimizer.state[parameter] = {
                    key: value.to(parameter.device) if key != "step" else value
                    for key, value in state.items()
                }
    return step
