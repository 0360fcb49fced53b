"""The state of a run on disk: LoRA weights, Adam's moments, the step and what the run is made of.

One safetensors file, replaced as a whole: a kill or a full disk leaves the last checkpoint as it was.
"""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from tokenunlearn.errors import RunError
from tokenunlearn.models.weights import write_tensors
from tokenunlearn.training.origin import Origin, differences

FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Progress:
    """How far a run has come. `retain_start`: retain loss at the start in nats, NaN = not measured.

    `diverged`: why the guard stopped it; empty where it may go on. `good_step`: after how many steps the
    weights were last known to be good; the weights of `step` are measured by the step after it.
    """

    step: int = 0
    retain_start: float = math.nan
    diverged: str = ""
    good_step: int = 0


def trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that train, by name."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def save_checkpoint(
    folder: Path,
    model: Any,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    origin: Origin,
    good: Mapping[str, torch.Tensor] = MappingProxyType({}),
    state: Mapping[str, torch.Tensor] = MappingProxyType({}),
) -> None:
    """Replace the checkpoint in `folder` by the present state; a kill leaves the old or the new one.

    `good`: the weights that the guard puts back, by the parameters' names; `state`: what the objective keeps
    from step to step. Raises RunError when it cannot be written; the checkpoint before it then stands.
    """
    tensors = {}
    for name, parameter in trainable(model).items():
        tensors[f"parameter/{name}"] = parameter.detach().cpu().contiguous()
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{key}/{name}"] = torch.as_tensor(value).detach().cpu().clone().contiguous()
    tensors |= {f"good/{name}": value.detach().cpu().contiguous() for name, value in good.items()}
    tensors |= {f"state/{name}": value.detach().cpu().clone().contiguous() for name, value in state.items()}
    metadata = {
        "step": str(progress.step),
        "retain_start": repr(progress.retain_start),
        "diverged": progress.diverged,
        "good_step": str(progress.good_step),
        "origin": json.dumps(dict(origin)),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(folder / FILE, tensors, metadata)
    except OSError as error:
        raise RunError(
            what=f"The checkpoint of step {progress.step} cannot be written",
            why=error.strerror or str(error),
            fix="Make room on the disk, or the folder writable; the same command then goes on "
            + ("from the checkpoint before it" if (folder / FILE).is_file() else "from the start"),
            where=str(folder),
        ) from error


def refuse_other_run(folder: Path, ours: Origin, steps: int) -> None:
    """Raise RunError where the checkpoint in `folder` is of another run than `ours`, naming what differs.

    Only entries of `ours` are looked at, so that settings can be judged before the model is loaded. A run may
    go on to more `steps`, not back to fewer; one that diverged does not go on.
    """
    found = _read_header(folder)
    if found is None:
        return
    progress, theirs = found
    differ = differences(theirs, ours)
    if differ:
        raise RunError(
            what="The checkpoint belongs to another run",
            why="; ".join(differ),
            fix="Ask for the same again (only steps may grow), or start a new run in another folder",
            where=str(folder),
        )
    if progress.diverged:
        raise RunError(
            what=f"This run diverged after step {progress.step}: {progress.diverged}",
            why="With the same settings it would do so again",
            fix="Start a new run with a lower learning rate in another folder",
            where=str(folder),
        )
    if steps < progress.step:
        raise RunError(
            what=f"The checkpoint is at step {progress.step}, and {steps} steps are asked for",
            why="Training does not go back",
            fix="Ask for more steps, or start a new run in another folder",
            where=str(folder),
        )


def load_checkpoint(folder: Path, model: Any, optimizer: torch.optim.Optimizer) -> Progress:
    """Return the progress of the checkpoint in `folder`, its state put into model and optimizer.

    Without one that is Progress(), and nothing changes. Raises RunError for a damaged file, and for the
    checkpoint of another LoRA.
    """
    found = _read_header(folder)
    if found is None:
        return Progress()
    path = folder / FILE
    with safe_open(path, framework="pt") as file:
        saved = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    wanted = trainable(model)
    shapes = {
        key.removeprefix("parameter/"): value.shape for key, value in saved.items() if "parameter/" in key
    }
    if {name: value.shape for name, value in wanted.items()} != shapes:
        raise RunError(
            what="This checkpoint does not fit the run's settings.",
            why="It was saved for a LoRA of other layers or another rank.",
            fix="Start a new run.",
            where=str(path),
        )
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(saved[f"parameter/{name}"])
            state = {key.split("/", 1)[0]: value for key, value in saved.items() if key.endswith(f"/{name}")}
            state.pop("parameter")
            state.pop("good", None)
            if state:
                optimizer.state[parameter] = {
                    key: value.to(parameter.device) if key != "step" else value
                    for key, value in state.items()
                }
    return found[0]


def load_kept(folder: Path, kind: str) -> dict[str, torch.Tensor]:
    """Return what the checkpoint in `folder` keeps besides model and optimizer, by name; {} without any.

    `kind`: `good`, the weights that it was last sure of, or `state`, what the objective keeps.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    with safe_open(path, framework="pt") as file:
        names = [name for name in file.keys() if name.startswith(f"{kind}/")]  # noqa: SIM118 (not a dict)
        return {name.removeprefix(f"{kind}/"): file.get_tensor(name) for name in names}


def _read_header(folder: Path) -> tuple[Progress, Origin] | None:
    """Return the progress and origin of the checkpoint in `folder`, None where there is none.

    Raises RunError for a damaged file, and for one that does not say what it belongs to.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    known: dict[str, str] = {}
    try:
        with safe_open(path, framework="pt") as file:
            known = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise RunError(
            "The checkpoint is damaged", str(error), "Start a new run in another folder", str(path)
        ) from error
    with suppress(KeyError, ValueError):
        step = int(known["step"])
        good_step = int(known.get("good_step", step))  # a checkpoint of before has no good weights of its own
        progress = Progress(step, float(known["retain_start"]), known["diverged"], good_step)
        return progress, json.loads(known["origin"])
    raise RunError(
        what="The checkpoint does not say what it belongs to",
        why="It was written by an earlier version",
        fix="Start a new run in another folder",
        where=str(path),
    )
